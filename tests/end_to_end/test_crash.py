"""What was answered 250 survives kill -9."""
import random
import re
import smtplib
import threading
import time

import mail
import waiting
from case import EndToEnd

ROUNDS = 20
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
