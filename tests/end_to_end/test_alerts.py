"""Alerts of the rule file fire for what really happens to a relay, and clear when it is mended.

A real Prometheus evaluates the rules as they are shipped, but for their waits and windows (watching.shortened)."""
import contextlib
import os
import signal
import smtplib
import socket
import subprocess
import threading
import time
import unittest

import mail
import relay as relays
import sinks
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from rotations import RotationCase
from test_alignment import BOTH, ONE, POOL, client
from test_webhook import Receiver
from watching import Prometheus

CLOCK = os.environ.get("SIGNET_CLOCK_PRELOAD", "")
SIGNATURE = os.environ.get("SIGNET_SIGNATURE_PRELOAD", "")
# The clock of a test machine may be nobody's concern, and rates over a second tell nothing of load.
OF_THE_MACHINE = {"SignetClockUnsynchronised", "SignetLoopBusy", "SignetSpoolSlow"}
DAY = 24 * 3600


def txt(name, text):
    return f'{name}. 1 IN TXT "{text}"'


class Watched(EndToEnd):
    """A relay, and Prometheus with the shortened rules."""

    def watch(self, made, quick=True):
        self.prometheus = Prometheus(self, self.folder, made.ports["monitoring"], at_once=True, quick=quick)

    def wait_for(self, name, action=lambda: None, **labels):
        """The alert fires, while `action` goes on, for these labels and for no others that differ in them."""

        def asked():
            action()
            return self.prometheus.firing().get(name)

        found = waiting.until(self, asked, f"{name} fires", 150)
        self.assertEqual([{key: alert.get(key) for key in labels} for alert in found], [labels], name)

    def wait_for_silence(self, *names, action=lambda: None):
        def asked():
            action()
            return not set(names) & set(self.prometheus.firing())

        waiting.until(self, asked, f"{names} are silent", 200)


class Alerts(Watched):
    """About mail: its domains are in a real DNS, and leave by MX."""

    DOMAINS = ("example.com", "keyless.example", "unpublished.example", "many.example")
    INCLUDES = " ".join(f"include:s{number}.many.example" for number in range(9))
    REFUSED, LATER = "unwelcome@receiver.example", "later@receiver.example"

    def setUp(self):
        super().setUp()
        address, self.sink_ = sinks.mail_exchanger(self)
        self.sink_.refuse[self.REFUSED] = "550 5.7.26 Unauthenticated email from example.com is not accepted"
        self.sink_.refuse[self.LATER] = "450 4.2.1 later"
        made = relays.Relay(self, self.folder, POOL, clients=client(list(self.DOMAINS)), top="allow_private_mx = true\n")
        made.key("example.com")
        published = dict(made.keys)
        for domain in ("unpublished.example", "many.example"):
            made.copy_key("example.com", domain)
        zone = [
            txt("example.com", BOTH),
            txt("keyless.example", ONE),
            txt("unpublished.example", "v=spf1 -all"),
            txt("many.example", f"v=spf1 {self.INCLUDES} -all"),
            *(txt(f"s{number}.many.example", "v=spf1 ip4:198.51.100.0/24 -all") for number in range(9)),
            *(txt(f"_dmarc.{domain}", "v=DMARC1; p=none") for domain in self.DOMAINS),
            "receiver.example. 1 IN MX 10 gmail-smtp-in.l.google.com.",
            f"gmail-smtp-in.l.google.com. 1 IN A {address}",
        ]
        self.names_ = self.names(published, zone)
        port = sinks.free_port()
        made.write_configuration(
            alignment="[alignment]\n", monitoring=made.parts["monitoring"].replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"'),
            more=f'[resolver]\nservers = ["{self.names_.address}"]\n[dsn]\nfrom = "mailer-daemon@example.com"\n')
        self.relay_ = made.start()
        self.watch(made)

    def send(self, domain="example.com", **options):
        sender = f"alice@{domain}"
        self.relay_.send(mail.PLAIN.replace(b"alice@example.com", sender.encode()), **({"sender": sender} | options))

    def test_a_relay_that_does_well_raises_no_alert(self):
        for _ in range(3):
            self.send()
        self.sink_.wait(3)
        counted = 'sum(signet_provider_attempts_total{result="delivered"}) == 3'
        waiting.until(self, lambda: self.prometheus.instant(counted), "Prometheus has seen the deliveries")
        waiting.until(self, lambda: self.prometheus.instant("signet:alignment_judged:increase1h"), "the rules were evaluated")
        self.assertEqual(set(self.prometheus.firing()) - OF_THE_MACHINE, set())

    def test_unsigned_mail_and_an_address_that_spf_misses_are_named_until_they_are_mended(self):
        self.send("keyless.example")
        self.wait_for("SignetUnsignedMail", domain="keyless.example", reason="domain_without_key")
        self.wait_for("SignetEgressNotInSpf", domain="keyless.example", egress="192.0.2.2")
        self.names_.change(ONE, BOTH)
        self.wait_for_silence("SignetEgressNotInSpf", action=lambda: self.send("keyless.example"))
        self.wait_for_silence("SignetUnsignedMail")

    def test_an_address_that_spf_misses_is_named_until_it_is_taken_from_the_pool(self):
        self.send("keyless.example")
        self.wait_for("SignetEgressNotInSpf", domain="keyless.example", egress="192.0.2.2")
        second = next(line for line in POOL.splitlines(True) if "192.0.2.2" in line)
        self.relay_.write_configuration(routes=self.relay_.parts["routes"].replace(second, ""))
        self.relay_.reload()
        self.wait_for_silence("SignetEgressNotInSpf")
        self.send("keyless.example")
        self.assertEqual(self.relay_.metric("signet_spf_egress_pass", domain="keyless.example"), 1)

    def test_a_record_taken_from_the_dns_is_named_and_burns_the_objective_until_it_is_back(self):
        record = next(iter(self.relay_.keys))
        self.names_.change(BOTH, "v=spf1 -all")  # Else mail passes by SPF.
        self.names_.change(f"\n{record}.", f"\nelsewhere.{record}.")
        self.wait_for("SignetKeyNotInDns", self.send, domain="example.com", reason="key_not_in_dns")
        for name in ("SignetAlignmentBurnsFast", "SignetAlignmentBurns", "SignetAlignmentBurnsSlowly"):
            self.wait_for(name, self.send, domain="example.com")
        self.names_.change(f"\nelsewhere.{record}.", f"\n{record}.")
        self.wait_for_silence("SignetKeyNotInDns", "SignetAlignmentBurnsFast", "SignetAlignmentBurns", "SignetAlignmentBurnsSlowly", action=self.send)

    def test_a_name_server_that_answers_nothing_is_told_until_it_answers(self):
        self.names_.become_lame()
        self.wait_for("SignetDnsFails", self.send)
        self.wait_for("SignetAlignmentUnknown", self.send, domain="example.com")
        self.names_.recover()
        self.wait_for_silence("SignetDnsFails", "SignetAlignmentUnknown", action=self.send)

    def test_an_spf_record_near_the_limit_of_lookups_is_named_until_it_is_shorter(self):
        self.send("many.example")
        self.wait_for("SignetSpfNearLimit", domain="many.example")
        self.names_.change(self.INCLUDES, "include:s1.many.example")
        self.wait_for_silence("SignetSpfNearLimit", action=lambda: self.send("many.example"))

    def test_mail_that_all_leaves_unsigned_raises_an_alert_until_something_is_signed(self):
        self.send()
        waiting.until(self, lambda: self.prometheus.instant("signet:signatures:increase15m"), "a signature was seen")
        self.wait_for("SignetNothingSigns", lambda: self.send("keyless.example"))
        self.wait_for_silence("SignetNothingSigns", action=self.send)

    def test_a_provider_that_refuses_or_defers_and_a_report_for_nobody_are_told_until_they_are_over(self):
        self.send(recipients=[self.REFUSED])
        self.wait_for("SignetProviderRefusesAuthentication", provider="google", route="default", cause="authentication")
        self.wait_for("SignetDeliveryDeferred", lambda: self.send(recipients=[self.LATER]), route="default")
        self.relay_.send(mail.PLAIN, sender="", recipients=[self.REFUSED])
        self.wait_for("SignetReportLost")
        self.sink_.refuse.clear()
        self.wait_for_silence("SignetProviderRefusesAuthentication", "SignetDeliveryDeferred", "SignetReportLost", action=self.send)

    def test_a_key_that_cannot_be_loaded_is_told_until_it_can(self):
        key = next((self.folder / "store/example.com").glob("*.pem"))
        key.chmod(0o644)  # Others could read it.
        self.wait_for("SignetLocalFault", lambda: self.relay_.refusal(mail.PLAIN), cause="key_unavailable")
        key.chmod(0o600)
        self.wait_for_silence("SignetLocalFault")
        self.send()

    def test_a_domain_that_fails_its_audit_is_told_until_it_is_mended(self):
        self.relay_.write_configuration(more=self.relay_.parts["more"] + '[audit]\nenabled = true\nused_every = "1s"\nunused_every = "1s"\n')
        self.relay_.stop()
        self.relay_.start()

        def failing():
            return {alert["check"] for alert in self.prometheus.firing().get("SignetAuditFails", [])}

        waiting.until(self, lambda: "spf" in failing(), "the audit of SPF fails", 150)
        for wrong in (ONE, "v=spf1 -all", f"v=spf1 {self.INCLUDES} -all"):
            self.names_.change(f'"{wrong}"', f'"{BOTH}"')
        waiting.until(self, lambda: "spf" not in failing(), "the audit of SPF fails no more", 150)

    def test_a_failed_reload_raises_an_alert_until_one_succeeds(self):
        right = self.relay_.configuration.read_text()
        self.relay_.configuration.write_text(right + "\n[nonsense]\n")
        self.relay_.reload()
        self.wait_for("SignetReloadFailed")
        self.relay_.configuration.write_text(right)
        self.relay_.reload()
        self.wait_for_silence("SignetReloadFailed")

    def test_a_relay_that_is_gone_raises_an_alert_until_it_is_back(self):
        waiting.until(self, lambda: self.prometheus.instant("signet_build_info"), "a first scrape")
        self.relay_.stop()
        self.wait_for("SignetDown")
        self.relay_.start()
        self.wait_for_silence("SignetDown")


class RelayAlerts(Watched):
    """About the program and what it stands on."""

    def send(self, **options):
        self.relay_.send(mail.PLAIN, **options)

    def start(self, sink, **options):
        self.relay_ = relays.Relay(self, self.folder, relays.route(sink.port), **options)
        self.relay_.key("example.com")
        return self.relay_

    def test_a_disk_without_room_is_told_until_there_is_room_and_nothing_is_lost(self):
        sink = self.sink()
        spool = self.folder / "spool"
        spool.mkdir()
        self.mount(spool)
        made = self.start(sink, more='[limits]\nmin_free_bytes = "4 MiB"\nmin_free_share = 0.0\n', loops=1)
        made.parts["limits"] = ""
        made.write_configuration()
        sink.hold = hold = threading.Event()
        self.addCleanup(hold.set)
        made.start()
        self.watch(made)
        recipients = [f"r{number}@receiver.example" for number in range(120)]
        for recipient in recipients:  # They wait at the sink, or for it.
            self.send(recipients=[recipient])
        filler = spool / "filler"
        with open(filler, "wb") as file:
            for _ in range(58):
                file.write(bytes(1 << 20))
                file.flush()
                time.sleep(0.15)  # It fills while it is watched.
        self.wait_for("SignetSpoolFilling")
        subprocess.run(["fallocate", "-l", str(self.free(spool) - (2 << 20)), spool / "filler2"], check=True)
        self.wait_for("SignetSpoolFull")
        self.wait_for("SignetNotReady")
        self.assertEqual(made.refusal(mail.PLAIN)[0], 452)
        # Now to the last octet: what is written of the deliveries finds no room.
        with contextlib.suppress(OSError), open(spool / "filler3", "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        hold.set()
        waiting.until(self, lambda: made.metric("signet_spool_suspended") == 1, "the spool found its disk full")
        self.assertEqual(made.metric("signet_spool_broken"), 0)
        for each in spool.glob("filler*"):
            each.unlink()
        self.wait_for_silence("SignetSpoolFull", "SignetNotReady", "SignetSpoolFilling")
        self.assertEqual(made.metric("signet_spool_suspended"), 0)
        self.send(recipients=["after@receiver.example"])
        made.retry_until(lambda: not made.queued(), "all is delivered and settled", 120)
        self.assertEqual(sorted(message.recipients[0] for message in sink.messages), sorted(["after@receiver.example", *recipients]), "each once")
        # One that starts on a full disk says so, and starts when there is room.
        made.stop()
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        done = relays.run_program("serve", "--config", made.configuration, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), "(?i)no space left|disk.* full")
        filler.unlink()
        made.start()

    def mount(self, folder, size="64m"):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "signet-test", folder], capture_output=True)
        if done.returncode != 0:
            raise unittest.SkipTest(f"may not mount a file system: {done.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)

    @staticmethod
    def free(folder):
        figures = os.statvfs(folder)
        return figures.f_bavail * figures.f_frsize

    def test_a_disk_that_is_slow_and_then_broken_is_told(self):
        made = self.start(self.sink())
        mood = made.give_moody_disk()
        port = sinks.free_port()
        made.write_configuration(monitoring=made.parts["monitoring"].replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        made.start()
        self.watch(made)
        mood.write_text("slow 800")
        self.wait_for("SignetSpoolSlow", self.send)
        mood.write_text("")
        self.wait_for_silence("SignetSpoolSlow", action=self.send)
        mood.write_text("broken")
        self.assertEqual(made.refusal(mail.PLAIN)[0], 451)
        self.wait_for("SignetSpoolBroken")
        self.wait_for("SignetLocalFault", lambda: made.refusal(mail.PLAIN), cause="spool_failed")
        mood.write_text("")
        made.stop()
        made.start()
        self.send()
        self.wait_for_silence("SignetSpoolBroken", "SignetLocalFault")

    def test_a_disk_that_writes_tables_slower_than_mail_comes_is_told_until_it_keeps_up(self):
        made = self.start(self.sink())
        mood = made.give_moody_disk()
        made.start()
        self.watch(made)
        big = mail.PLAIN + 16000 * (b"x" * 62 + b"\r\n")
        stop = threading.Event()

        def load():
            while not stop.is_set():
                made.send(big)

        loading = threading.Thread(target=load)
        mood.write_text("slow_tables 15000")
        loading.start()
        try:
            self.wait_for("SignetSpoolCompactionBehind")
        finally:
            stop.set()
            mood.write_text("")
            loading.join()
        self.wait_for_silence("SignetSpoolCompactionBehind", action=self.send)

    def test_a_signature_that_came_out_wrong_is_told_and_its_mail_stays(self):
        if not SIGNATURE:
            raise unittest.SkipTest("SIGNET_SIGNATURE_PRELOAD names no library")
        wrong = self.folder / "wrong"
        sink = self.sink()
        made = self.start(sink)
        made.launcher = ["/usr/bin/env", f"LD_PRELOAD={SIGNATURE}", f"WRONG_SIGNATURES={wrong}"]
        made.start()
        self.watch(made)
        self.send()
        wrong.touch()
        refused = []
        self.wait_for("SignetSignatureWrong", lambda: refused.append(made.refusal(mail.PLAIN)[0]), domain="example.com")
        self.assertEqual(set(refused), {451})
        wrong.unlink()
        self.wait_for_silence("SignetSignatureWrong", action=self.send)
        for received in sink.messages:
            self.assertEqual(len(verify.signatures(received.octets)), 1)
            verify.dkimpy(self, received.octets, made.keys)
        self.assertIn("own signature does not verify", made.stderr())

    def test_a_delivery_log_that_nobody_reads_is_told_and_delivery_waits_for_it(self):
        pipe = self.folder / "delivery.log"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        sink = self.sink()
        sink.answer = lambda envelope: "250 2.0.0 " + "w" * 480
        made = self.start(sink)
        made.start()
        self.watch(made)
        recipients = [f"{'r' * 50}{number}@{'long.' * 37}example" for number in range(100)]
        sent = 0

        def is_behind_after_more():
            nonlocal sent
            with contextlib.suppress(smtplib.SMTPException):  # Refused as soon as it is behind.
                made.send(mail.PLAIN, recipients=recipients)
                sent += len(recipients)
            return made.metric("signet_delivery_log_behind") == 1

        waiting.until(self, is_behind_after_more, "64 MiB wait", 600)
        self.wait_for("SignetDeliveryLogBehind")
        self.assertEqual(made.refusal(mail.PLAIN)[0], 451)
        stop = threading.Event()
        lines = []

        def read():
            while not stop.is_set():
                with contextlib.suppress(BlockingIOError):
                    lines.append(os.read(reader, 1 << 20))
                    continue
                time.sleep(0.01)

        reading = threading.Thread(target=read)
        reading.start()
        try:
            self.wait_for_silence("SignetDeliveryLogBehind")
            made.retry_until(lambda: not made.queued(), "all is delivered", 300)
            made.stop()
        finally:
            stop.set()
            reading.join()
        delivered = b"".join(lines).count(b'"event":"delivered"')
        self.assertEqual(delivered, sent, "no event is missing")

    def test_a_delivery_log_without_room_is_told_and_loses_nothing_while_the_relay_runs(self):
        disk = self.folder / "disk"
        disk.mkdir()
        self.mount(disk, "1m")
        log = disk / "delivery.log"
        sink = self.sink()
        made = self.start(sink)
        (self.folder / "delivery.log").symlink_to(log)
        made.start()
        self.watch(made)
        waiting.until(self, lambda: self.prometheus.instant("signet_delivery_log_errors_total"), "a first scrape")
        filler = disk / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for number in range(50):
            self.send(recipients=[f"r{number}@receiver.example"])
        self.wait_for("SignetDeliveryLogFails")
        sink.wait(50)
        self.assertEqual(made.stderr().count("can't be written, its lines wait: No space left on device"), 1)
        filler.unlink()
        self.wait_for_silence("SignetDeliveryLogFails")
        waiting.until(self, lambda: log.read_text().count('"event":"delivered"') == 50, "no event is missing")
        self.assertIn("it is written again", made.stderr())
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for number in range(50):
            self.send(recipients=[f"s{number}@receiver.example"])
        sink.wait(100)
        made.stop()
        self.assertRegex(made.stderr(), r"[1-9][0-9]* lines \([0-9]+ octets\) are lost: No space left on device")

    def test_more_domains_than_metrics_have_room_for_are_told(self):
        made = self.start(self.sink())
        made.start()
        self.watch(made)
        waiting.until(self, lambda: self.prometheus.instant("signet_series_dropped_total"), "a first scrape")
        named = ", ".join(f'"d{number}.example"' for number in range(10_001))
        made.write_configuration(clients=f'[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", {named}]\n')
        made.reload()
        self.wait_for("SignetSeriesDropped")
        self.wait_for_silence("SignetSeriesDropped")
        self.send()

    def test_a_clock_that_steps_or_is_alone_and_mail_that_grows_old_are_told(self):
        if not CLOCK:
            raise unittest.SkipTest("SIGNET_CLOCK_PRELOAD names no library")
        sink = self.sink()
        sink.refuse["later@receiver.example"] = "450 4.2.1 later"
        step = self.folder / "step"
        step.write_text("0")
        made = self.start(sink, more='[clock]\nsteady = "5s"\n')
        made.launcher = ["/usr/bin/env", f"LD_PRELOAD={CLOCK}", f"CLOCK_STEP={step}"]
        made.start()
        self.watch(made)
        alone = self.folder / "step.unsynchronised"
        alone.touch()
        self.wait_for("SignetClockUnsynchronised")
        alone.unlink()
        self.wait_for_silence("SignetClockUnsynchronised")
        self.send(recipients=["later@receiver.example"])
        waiting.until(self, lambda: made.metric("signet_delivery_attempts_total", result="deferred") == 1, "it waits")
        made.queue("hold", *made.queued())
        self.assertEqual({"SignetClockStepped", "SignetQueueOld", "SignetHeldMail"} & set(self.prometheus.firing()), set())
        (self.folder / "step.new").write_text(str(DAY + 7200))
        (self.folder / "step.new").rename(step)
        self.wait_for("SignetClockStepped")
        self.wait_for("SignetQueueOld")
        self.wait_for("SignetHeldMail")
        self.wait_for_silence("SignetClockStepped")
        sink.refuse.clear()
        made.queue("release", *made.queued())
        self.wait_for_silence("SignetQueueOld", "SignetHeldMail")
        self.assertEqual(len(sink.wait(1)), 1)

    def test_a_certificate_near_its_end_is_told_until_it_is_renewed(self):
        old = Certificate(self.folder, relays.HOSTNAME, days=13)
        made = self.start(self.sink(), more=old.settings())
        made.start()
        self.watch(made)
        self.wait_for("SignetCertificateExpires", listener="smtp")
        Certificate(self.folder, relays.HOSTNAME, days=30)
        made.reload()
        self.wait_for_silence("SignetCertificateExpires")

    def test_descriptors_that_run_out_and_loops_that_lag_are_told(self):
        made = self.start(self.sink())
        made.launcher = ["/usr/bin/prlimit", "--nofile=256:256"]
        made.start()
        self.watch(made)
        with contextlib.ExitStack() as open_connections:
            for _ in range(128):
                open_connections.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", made.port))))
            asked = []

            def ask_slowly():
                """The rest is taken at the monitoring listener, by requests that it ends after 10 seconds."""
                if asked and time.monotonic() - asked[-1][1] < 8:
                    return
                for connection, _ in asked:
                    connection.close()
                place = ("127.0.0.1", made.ports["monitoring"])
                asked[:] = [(open_connections.enter_context(contextlib.closing(socket.create_connection(place))), time.monotonic()) for _ in range(40)]

            self.wait_for("SignetDescriptorsShort", ask_slowly)
        self.wait_for_silence("SignetDescriptorsShort")

        def stall():
            made.process.send_signal(signal.SIGSTOP)
            time.sleep(0.6)  # So long no event has its turn.
            made.process.send_signal(signal.SIGCONT)
            time.sleep(0.1)

        self.wait_for("SignetLoopBusy", stall)
        self.wait_for_silence("SignetLoopBusy")

    def test_a_receiver_of_events_that_is_away_is_told_until_it_is_back(self):
        receiver = Receiver(self)
        receiver.statuses = [503] * 1000
        made = self.start(self.sink(), more=f'[webhook]\nurl = "{receiver.url}"\nbuffer_bytes = "64 KiB"\nbatch_time = "100ms"\n')
        made.start()
        self.watch(made)
        self.wait_for("SignetWebhookDrops", self.send)
        self.wait_for("SignetWebhookBehind", self.send)
        receiver.statuses = []
        self.wait_for_silence("SignetWebhookBehind", "SignetWebhookDrops")
        self.send()
        waiting.until(self, lambda: "events_lost" in [event["event"] for event in receiver.events()], "it hears that some are missing")


class KeyAlerts(RotationCase, Watched):
    """About keys: a primary that takes signed updates, or does not."""

    def test_a_rotation_that_is_overdue_and_a_publisher_that_fails_are_told_until_it_works(self):
        made = self.prepare(["example.com"], interval="1h")
        key = made.key("example.com")
        self.publish(key)
        self.make_old(made, key)
        self.server.stop()
        made.start()
        self.watch(made)
        self.wait_for("SignetRotationOverdue")
        self.wait_for("SignetPublisherFails")
        self.server.start()
        self.wait_for_silence("SignetRotationOverdue", "SignetPublisherFails")

    def test_a_key_that_never_appears_is_told_until_rotations_succeed(self):
        command = self.folder / "publish_nothing"
        command.write_text("#!/bin/sh\nexit 0\n")
        command.chmod(0o755)
        made = self.prepare(["example.com"], interval="2s", more='give_up = "3s"\n')
        key = made.key("example.com")
        self.publish(key)
        right = made.parts["more"]
        silent = right.replace('publisher = "rfc2136"\n', f'publisher = "command"\ncommand = ["{command}"]\n')
        for setting in ("server", "key_name", "key_file"):
            silent = "\n".join(line for line in silent.splitlines() if not line.startswith(f"{setting} ="))
        made.write_configuration(more=silent + "\n")
        made.start()
        self.watch(made)
        self.wait_for("SignetRotationFailed")
        made.write_configuration(more=right.replace('interval = "2s"', 'interval = "1d"'))
        made.stop()
        made.start()
        self.wait_for_silence("SignetRotationFailed")
