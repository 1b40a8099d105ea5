"""What becomes of mail when next hops are slow, hostile or gone."""

import threading
import time

import mail
import relay as relay_module
import verify
import waiting
from case import EndToEnd
from hostile import CLOSE, STALL, HostilePeer

DSN = '[dsn]\nfrom = "MAILER-DAEMON@example.com"\npostmaster = "postmaster@example.com"\n'


def route_to(port, name, domains, extra=""):
    return f'[[route]]\nname = "{name}"\ndomains = {domains}\nnext_hop = "smtp://127.0.0.1:{port}"\n{extra}\n'.replace("'", '"')


class Delivery(EndToEnd):
    def made(self, routes, default, **options):
        """A started relay with several routes, and a key for example.com."""
        made = relay_module.Relay(self, self.folder, routes + (relay_module.route(default.port) if default else ""), **options)
        made.key("example.com")
        return made.start()

    def test_a_refused_recipient_is_reported_though_the_relay_died_before_the_others_were_done(self):
        refusing = HostilePeer(self, lambda step, *_: "550 5.1.1 no such user" if step == "RCPT" else None)
        patience = {"RCPT": STALL}
        slow = HostilePeer(self, lambda step, *_: patience.get(step))
        reports = self.sink()
        routes = route_to(refusing.port, "refusing", ["refusing.example"]) + route_to(slow.port, "slow", ["slow.example"])
        relay = self.made(routes, reports, more=DSN)
        relay.send(mail.PLAIN, recipients=["a@refusing.example", "b@slow.example"])
        (identifier,) = waiting.until(self, relay.queued, "it is queued")
        waiting.until(self, lambda: "no such user" in str(relay.queue("show", identifier)), "the refusal is stored")
        relay.kill()
        patience.clear()
        relay.start()
        waiting.until(self, lambda: slow.messages, "the slow one takes it", 30)
        waiting.until(self, lambda: reports.messages, "a report", 30)
        self.assertEqual(reports.one().recipients, [mail.AUTHOR])

    def test_a_message_does_not_wait_for_idle_connections_of_another_loop(self):
        peer = HostilePeer(self)
        relay = self.made(relay_module.route(peer.port, extra="connections = 1"), None, loops=4, more='[timeouts]\nidle_connection = "60s"\n')
        clients = [relay.client() for _ in range(4)]
        began = time.monotonic()
        for number, client in enumerate(clients):
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(peer.messages) == 4, "all four")
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(peer.peak, 1)

    def test_a_busy_loop_leaves_connections_to_the_others(self):
        never = threading.Event()

        def takes_its_time(step, *_):
            if step == ".":
                never.wait(0.05)

        peer = HostilePeer(self, takes_its_time)
        relay = self.made(relay_module.route(peer.port, extra="connections = 1"), None, loops=2)
        busy, other = relay.client(), relay.client()
        for number in range(200):
            busy.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        other.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(subject=b"the other"))
        waiting.until(self, lambda: any(b"the other" in body for _, _, body in peer.messages), "the other one")
        self.assertLess(len(peer.messages), 190)
        self.assertEqual(peer.peak, 1)

    def test_a_destination_that_is_stuck_does_not_delay_others(self):
        stuck = HostilePeer(self, lambda step, *_: STALL if step == "connect" else None)
        good = HostilePeer(self)
        relay = self.made(route_to(stuck.port, "stuck", ["stuck.example"]), good, loops=1)
        large = mail.message((b"x" * 70 + b"\r\n") * 3600)
        with relay.client() as client:
            for _ in range(300):  # More than a loop keeps in memory.
                client.sendmail(mail.AUTHOR, ["x@stuck.example"], large)
            for number in range(20):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(good.messages) == 20, "the others", 30)
        self.assertEqual(len(relay.queued()), 300)
        self.assertGreater(relay.metric("signet_limit_hits_total", limit="destination_memory"), 0)

    def test_a_sender_is_told_once_that_mail_is_late(self):
        busy = HostilePeer(self, lambda step, *_: "450 4.2.1 busy" if step == "RCPT" else None)
        reports = self.sink()
        relay = self.made(route_to(busy.port, "busy", ["busy.example"]), reports, more=DSN + '[queue]\ndelay_dsn = "1s"\n')
        relay.send(mail.PLAIN, recipients=["a@busy.example"])
        relay.retry_until(lambda: reports.messages, "a report")
        self.assertIn(b"Action: delayed", reports.one().octets)
        self.assertIn(b"4.2.1", reports.one().octets)
        verify.dkimpy(self, reports.one().octets, relay.keys)
        (identifier,) = waiting.until(self, relay.queued, "the message waits")
        attempts = len(relay.log())
        relay.retry_until(lambda: len(relay.log()) > attempts + 1, "another attempt")
        self.assertEqual(len(reports.messages), 1)
        self.assertEqual(relay.metric("signet_dsn_total", kind="delay"), 1)

    def test_an_unknown_result_of_the_final_dot_is_counted_and_tried_again(self):
        closing = [True]
        peer = HostilePeer(self, lambda step, *_: CLOSE if step == "." and closing else None)
        relay = self.made("", peer)
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: relay.metric("signet_maybe_duplicates_total") == 1, "it is counted")
        closing.clear()
        relay.retry_until(lambda: peer.messages, "another attempt")
        delivered = waiting.until(self, lambda: [f for f in relay.log() if f["event"] == "delivered"], "the fact")
        self.assertEqual(delivered[0]["maybe_duplicates"], 1)

    def test_an_attempt_cut_off_by_a_crash_is_counted(self):
        silence = {".": STALL}
        peer = HostilePeer(self, lambda step, *_: silence.get(step))
        arrived = threading.Event()
        peer.answer = lambda step, *_: (arrived.set() if step == "." else None) or silence.get(step)
        relay = self.made("", peer)
        relay.send(mail.PLAIN)
        self.assertTrue(arrived.wait(60))
        relay.kill()
        silence.clear()
        relay.start()
        waiting.until(self, lambda: peer.messages, "another attempt")
        self.assertEqual(relay.metric("signet_maybe_duplicates_total"), 1)

    def test_garbage_from_a_next_hop_only_defers(self):
        answers = {
            "close": CLOSE,
            "421": "421 4.3.2 going down",
            "garbage": b"\x00\xff garbage\r\n",
            "no text, no code": b"25\r\n",
            "long line": b"250-" + b"a" * 100_000 + b"\r\n250 ok\r\n",
            "endless": b"250-x\r\n" * 2000,
            "code changes": b"250-a\r\n550 b\r\n",
        }
        steps = ("connect", "EHLO", "MAIL", "RCPT", "DATA", ".")
        routes, recipients = "", []
        for step in steps:
            for name, reply in answers.items():
                peer = HostilePeer(self, lambda at, *_, step=step, reply=reply: reply if at == step else None)
                recipients.append(f"a@d{len(recipients)}.example")
                routes += route_to(peer.port, recipients[-1], [recipients[-1].partition("@")[2]])
        relay = self.made(routes, self.sink(), more=DSN)
        for recipient in recipients:
            relay.send(mail.PLAIN, recipients=[recipient])

        def deferred():
            return {f["recipient"] for f in relay.log() if f["event"] == "deferred"}

        waiting.until(self, lambda: deferred() == set(recipients), "every message is deferred")
        self.assertEqual([f for f in relay.log() if f["event"] in ("delivered", "bounced")], [])
        self.assertNotIn("\\u0000", (self.folder / "delivery.log").read_text())

    def test_counters_equal_the_delivery_log(self):
        replies = {"good": None, "later": "450 4.2.1 busy", "never": "550 5.1.1 no such user"}
        peer = HostilePeer(self, lambda step, argument, _: next((r for n, r in replies.items() if step == "RCPT" and n.encode() in argument), None))
        relay = self.made("", peer)
        for recipients in (["good@a.example"], ["later@a.example", "good@a.example"], ["never@a.example", "later@a.example"]):
            relay.send(mail.PLAIN, recipients=recipients)

        def counted():
            return {e: sum(f["event"] == e for f in relay.log()) for e in ("received", "delivered", "deferred", "bounced")}

        waiting.until(self, lambda: counted() == {"received": 3, "delivered": 2, "deferred": 2, "bounced": 1}, "all facts")
        for event, result in (("delivered", "delivered"), ("deferred", "deferred"), ("bounced", "failed")):
            self.assertEqual(relay.metric("signet_delivery_attempts_total", result=result), counted()[event], event)
        self.assertEqual(relay.metric("signet_messages_accepted_total"), 3)
        for stage in ("authorise", "parse", "plan", "sign", "verify", "spool", "route", "deliver"):
            self.assertGreater(relay.metric("signet_stage_duration_seconds_count", stage=stage), 0, stage)

    def test_many_recipients_of_several_destinations_each_get_one_copy(self):
        first, second = HostilePeer(self), HostilePeer(self)
        relay = self.made(route_to(first.port, "first", ["first.example"]), second)
        recipients = [f"r{i}@{'first' if i % 3 else 'second'}.example" for i in range(100)]
        relay.send(mail.PLAIN, recipients=recipients)
        waiting.until(self, lambda: not relay.queued() and len(relay.log()) >= 101, "all are delivered")
        got = [r for _, each, _ in first.messages + second.messages for r in each]
        self.assertEqual(sorted(got), sorted(recipients))
        self.assertLessEqual(max(len(each) for _, each, _ in first.messages + second.messages), 50)
