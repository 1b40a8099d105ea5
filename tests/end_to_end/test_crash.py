"""What was answered 250 survives kill -9."""
import email
import email.policy
import random
import re
import smtplib
import threading
import time

import mail
import verify
import waiting
from case import EndToEnd
from relay import Relay, route

ROUNDS = 20
REPORT_ROUNDS = 8
SENDERS = 4


class Load:
    """Threads that send numbered messages and note each 250."""

    def __init__(self, relay):
        self.relay, self.acknowledged, self.numbers = relay, set(), iter(range(10**9))
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def _number(self):
        with self.lock:
            return next(self.numbers)

    def _send(self):
        while not self.stopping.is_set():
            try:
                with self.relay.client() as client:
                    while not self.stopping.is_set():
                        number = self._number()
                        size = random.choice((10, 4000, 70_000, 400_000))
                        body = (b"x" * 70 + b"\r\n") * (size // 72)
                        client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(body, number=number))
                        with self.lock:
                            self.acknowledged.add(number)
            except (OSError, smtplib.SMTPException, KeyError):
                time.sleep(0.05)  # The relay is down; it comes back.

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)


def number_of(octets):
    return int(re.search(rb"^X-Number: (\d+)", octets, re.MULTILINE)[1])


class Crash(EndToEnd):
    def test_no_acknowledged_message_is_lost_over_twenty_kills(self):
        sink = self.sink()
        relay = self.relay(sink, loops=2)
        load = Load(relay)
        for _ in range(ROUNDS):
            before = len(load.acknowledged)
            waiting.until(self, lambda: len(load.acknowledged) > before + 2, "the load goes on")
            time.sleep(random.uniform(0, 0.3))
            relay.kill()
            relay.start()
        load.stop()
        # What waited for a retry when the relay died is asked for now.
        relay.retry_until(lambda: not load.acknowledged - {number_of(r.octets) for r in sink.messages}, "every message answered 250 arrives", 120)
        waiting.until(self, lambda: not relay.queued(), "the queue is empty")

    def test_what_was_queued_before_the_kill_is_still_queued_after_it(self):
        sink = self.sink()
        sink.refuse["bob@receiver.example"] = "450 4.2.1 not now"
        relay = self.relay(sink)
        for number in range(10):
            relay.send(mail.message(number=number))
        relay.kill()
        relay.start()
        waiting.until(self, lambda: len(relay.queued()) == 10, "ten messages")
        sink.refuse.clear()
        relay.retry_until(lambda: len(sink.messages) >= 10, "ten deliveries")
        self.assertEqual(sorted({number_of(r.octets) for r in sink.messages}), list(range(10)))

    def reporting(self, sink):
        """A relay that is not started yet; its reports have a domain and a key of their own."""
        made = Relay(self, self.folder, route(sink.port), more='[dsn]\nfrom = "MAILER-DAEMON@reports.example"\n')
        made.key("example.com")
        made.key("reports.example")
        return made

    def send_for_report(self, relay, sink, number):
        """Even numbers are delivered, odd ones refused; of both the sender wants to know."""
        recipient = f"r{number}@receiver.example"
        if number % 2:
            sink.refuse[recipient] = "550 5.1.1 no such user"
        with relay.client() as client:
            client.ehlo()
            client.sendmail(mail.AUTHOR, [recipient], mail.message(number=number), mail_options=[f"ENVID=e{number}"],
                            rcpt_options=["NOTIFY=SUCCESS,FAILURE"])

    def reports(self, sink):
        """How often each message was reported on, and as what."""
        found = {}
        for received in [each for each in sink.messages if each.sender in ("", "<>", None)]:
            verify.dkimpy(self, received.octets, self.keys)
            about, recipient = email.message_from_bytes(received.octets, policy=email.policy.default).get_payload()[1].get_payload()
            number = int(about["original-envelope-id"].removeprefix("e"))
            self.assertEqual(recipient["action"], "failed" if number % 2 else "relayed")
            found[number] = found.get(number, 0) + 1
        return found

    def test_a_report_that_is_owed_at_a_kill_is_sent_once_afterwards(self):
        sink = self.sink()
        relay = self.reporting(sink)
        self.keys = relay.keys
        (key,) = (self.folder / "store/reports.example").glob("*.pem")
        key.chmod(0o644)  # Not a key that is used: no report can be made.
        relay.start()
        for number in range(2):
            self.send_for_report(relay, sink, number)
        waiting.until(self, lambda: len(set(re.findall(r"report about (\S+) not made", relay.stderr()))) == 2, "two reports fail")
        relay.kill()
        self.assertEqual(self.reports(sink), {})
        key.chmod(0o600)
        relay.start()
        relay.retry_until(lambda: not relay.queued(), "nothing is left")
        self.assertEqual(self.reports(sink), {0: 1, 1: 1})

    def test_no_report_is_lost_whenever_the_kill_comes(self):
        sink = self.sink()
        relay = self.reporting(sink)
        self.keys = relay.keys
        relay.start()
        for number in range(REPORT_ROUNDS):
            log = self.folder / "delivery.log"
            before = log.stat().st_size
            self.send_for_report(relay, sink, number)
            # The fact is written when the outcome is known, before the report is begun.
            waiting.until(self, lambda: re.search(rb'"(delivered|bounced)"', log.read_bytes()[before:]), "the outcome")
            time.sleep(random.uniform(0, 0.03))
            relay.kill()
            relay.start()
        relay.retry_until(lambda: not relay.queued(), "nothing is left", 120)
        found = self.reports(sink)
        self.assertEqual(sorted(found), list(range(REPORT_ROUNDS)))
        self.assertLessEqual(max(found.values()), 2, found)
