"""`signet queue` looks at and steers a running relay; export reads a stopped spool."""
import email
import json
import re
import subprocess
import threading

import mail
import peers
import verify
import waiting
from case import EndToEnd
from relay import run_program


class Queue(EndToEnd):
    def deferring(self, count=1, **options):
        """(relay, sink) with messages that were tried once and wait."""
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "450 4.2.1 mailbox busy"
        relay = self.relay(sink, **options)
        for number in range(count):
            relay.send(mail.message(number=number))
        waiting.until(self, lambda: len([f for f in relay.log() if f["event"] == "deferred"]) >= count, "the first attempts")
        waiting.until(self, lambda: len(relay.queued()) == count, "the queue holds them")
        return relay, sink

    def only_id(self, relay):
        (identifier,) = relay.queued()
        return identifier

    def try_in_vain(self, relay, identifier):
        run_program("queue", "retry", identifier, "--config", relay.configuration, check=False)
        self.assertEqual(self.only_id(relay), identifier)

    def test_list_and_show_tell_what_waits_and_why(self):
        relay, _ = self.deferring()
        shown = relay.queue("show", self.only_id(relay))
        text = json.dumps(shown)
        for fact in (mail.AUTHOR, mail.FRIEND, "mailbox busy", "example.com"):
            self.assertIn(fact, text)
        self.assertNotIn("Hello", text)

    def test_what_is_in_delivery_is_shown_so_and_takes_no_order(self):
        sink = self.sink()
        sink.hold = threading.Event()
        self.addCleanup(sink.hold.set)
        relay = self.relay(sink)
        relay.send(mail.PLAIN)
        identifier = waiting.until(self, relay.queued, "it is stored")[0]
        self.assertTrue(relay.queue("show", identifier)["in_delivery"])
        listed = run_program("queue", "list", "--config", relay.configuration).stdout
        self.assertRegex(listed, rb"(?m)^" + identifier.encode() + rb"  active ")
        refused = run_program("queue", "hold", identifier, "--config", relay.configuration, check=False)
        self.assertEqual((refused.returncode, b"in delivery" in refused.stderr), (1, True), refused)
        sink.hold.set()
        waiting.until(self, lambda: not relay.queued(), "it is delivered")

    def test_retry_tries_now(self):
        relay, sink = self.deferring(3)
        sink.refuse.clear()
        for identifier in relay.queued():
            relay.queue("retry", identifier)
        for received in sink.wait(3):
            verify.dkimpy(self, received.octets, relay.keys)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_held_mail_waits_for_its_release(self):
        relay, sink = self.deferring()
        identifier = self.only_id(relay)
        relay.queue("hold", identifier)
        sink.refuse.clear()
        waiting.until(self, lambda: relay.metric("signet_held_messages") >= 1, "the gauge")
        self.try_in_vain(relay, identifier)
        self.assertEqual(sink.messages, [])
        relay.queue("release", identifier)
        relay.retry_until(lambda: sink.messages, "the delivery")
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_held_mail_is_still_held_after_a_restart(self):
        relay, sink = self.deferring()
        identifier = self.only_id(relay)
        relay.queue("hold", identifier)
        relay.stop()
        sink.refuse.clear()
        relay.start()
        self.try_in_vain(relay, identifier)
        relay.queue("release", identifier)
        relay.retry_until(lambda: sink.messages, "the delivery")

    def test_bounce_returns_the_message_to_its_sender(self):
        relay, sink = self.deferring(more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        relay.queue("bounce", self.only_id(relay))
        self.assertEqual(sink.one().recipients, [mail.AUTHOR])
        self.assertIn(b"multipart/report", sink.one().octets)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_stats_count(self):
        relay, _ = self.deferring(2)
        self.assertEqual(relay.queue("stats")["messages"], 2)

    def lose_bodies(self, relay):
        """The messages of a stopped spool lose their bodies, as a damaged disk would lose them."""
        database = [peers.need("usr/bin/ldb"), f"--db={relay.folder / 'spool/db'}", "--column_family=body"]
        rows = subprocess.run([*database, "scan", "--hex", "--no_value"], check=True, capture_output=True, text=True)
        for key in re.findall("0x[0-9A-F]+", rows.stdout):
            subprocess.run([*database, "delete", "--hex", key], check=True, capture_output=True)

    def test_a_message_whose_body_is_lost_is_held_and_can_be_bounced(self):
        relay, sink = self.deferring(more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        relay.stop()
        self.lose_bodies(relay)
        relay.start()
        identifier = self.only_id(relay)
        sink.refuse.clear()
        run_program("queue", "retry", identifier, "--config", relay.configuration, check=False)
        waiting.until(self, lambda: relay.metric("signet_held_messages", reason="body_unreadable") == 1, "the gauge")
        self.assertIn(f"the body of queued message {identifier} can't be read", relay.stderr())
        self.assertIn("body_unreadable", json.dumps(relay.queue("show", identifier)))
        self.assertEqual(sink.messages, [])
        relay.queue("bounce", identifier)
        self.assertEqual(sink.one().recipients, [mail.AUTHOR])
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_an_unknown_id_is_an_error(self):
        relay = self.relay(self.sink())
        for command in ("show", "hold", "release", "bounce"):
            done = run_program("queue", command, "0000000000000", "--config", relay.configuration, check=False)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertNotEqual(done.stderr, b"", command)

    def test_export_writes_the_messages_of_a_stopped_spool(self):
        relay, _ = self.deferring(2)
        relay.stop()
        target = self.folder / "exported"
        run_program("queue", "export", target, "--config", relay.configuration)
        messages = sorted(target.glob("*.eml"))
        self.assertEqual(len(messages), 2)
        for path in messages:
            octets = path.read_bytes()
            verify.dkimpy(self, octets, relay.keys)
            self.assertEqual(email.message_from_bytes(octets)["from"], "Alice <alice@example.com>")
            facts = json.loads(path.with_suffix(".json").read_text())
            self.assertIn(mail.FRIEND, json.dumps(facts))

    def test_export_works_after_a_kill(self):
        relay, _ = self.deferring(2)
        relay.kill()
        run_program("queue", "export", self.folder / "exported", "--config", relay.configuration)
        self.assertEqual(len(list((self.folder / "exported").glob("*.eml"))), 2)
