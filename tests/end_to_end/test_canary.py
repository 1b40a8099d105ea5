"""A new key is tried on a share of the mail before it signs all of it."""
import http.client
import json
import re
import socket
import time

import mail
import relay
import verify
import waiting
from rotations import RotationCase

CANARY = 'canary = true\ncanary_stage = "1s"\ncanary_deliveries = {deliveries}\n'


class Canary(RotationCase):
    def start_canary(self, deliveries):
        made = self.start(["example.com"], interval="4s", more=CANARY.format(deliveries=deliveries))
        self.old = next(iter(made.keys)).split(".")[0]
        return made

    def ask(self, path, target):
        """The JSON that the admin API answers on the relay's socket."""
        connection = http.client.HTTPConnection("localhost", timeout=relay.WAIT)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("GET", target)
        return json.loads(connection.getresponse().read())

    def moves(self, made):
        """(selector, state, reason) of every move."""
        return [(f["selector"], f["to"], f["reason"]) for f in made.log() if f["event"] == "key"]

    def send_many(self, made, question, seconds=240):
        """Messages over one connection until the answer is yes; how many."""
        deadline, count = time.monotonic() + seconds, 0
        while not question():
            self.assertLess(time.monotonic(), deadline, (self.moves(made), self.wrong[:1]))
            with made.client() as client:
                for _ in range(50):
                    client.sendmail("alice@example.com", ["bob@receiver.example"], mail.message(number=count))
                    count += 1
        return count

    def test_a_canary_signs_one_percent_then_ten_then_all(self):
        made = self.start_canary(deliveries=3)
        arrived = {}

        def stage(text):
            return any(text in reason for _, _, reason in self.moves(made))

        self.send_many(made, lambda: stage("canary, 1 % of the mail"))
        new = next(selector for selector, to, _ in self.moves(made) if to == "canary")
        first = self.send_many(made, lambda: stage("canary, 10 % of the mail"))
        shown = json.loads(relay.run_program("keys", "show", "example.com", "--config", made.configuration, "--json").stdout)
        self.assertIn(("canary", 10), [(key["state"], key.get("share")) for key in shown["keys"]])
        self.send_many(made, lambda: stage("canary passed"))
        waiting.until(self, lambda: self.states(made, "example.com")[self.old] == "retiring", "the old key retires")
        made.send(mail.message(), sender="alice@example.com")
        waiting.until(self, lambda: made.metric("signet_queue_messages") == 0, "all has left", 60)
        self.assertEqual(self.wrong, [])
        for message in self.sink_.messages:
            for field in verify.signatures(message.octets):
                arrived.setdefault(verify.tags(field)[b"s"].decode(), []).append(1)
        self.assertGreaterEqual(len(arrived[new]), 6)
        self.assertGreater(len(arrived[self.old]), len(arrived[new]), (first, {s: len(n) for s, n in arrived.items()}))
        reasons = [reason for selector, _, reason in self.moves(made) if selector == new]
        self.assertTrue(any(f"with {self.old} 0 of" in reason for reason in reasons), reasons)

    def test_a_canary_that_receivers_refuse_is_given_up_and_the_old_key_goes_on(self):
        made = self.start_canary(deliveries=200)
        refused = []

        def answer(envelope):
            selectors = {verify.tags(field)[b"s"].decode() for field in verify.signatures(envelope.original_content)}
            if selectors != {self.old}:
                refused.append(selectors)
                return "550 5.7.20 No passing DKIM signature found"
            return None

        self.sink_.answer = answer
        self.send_many(made, lambda: "failed" in [to for _, to, _ in self.moves(made)])
        states = self.states(made, "example.com")
        self.assertEqual(states[self.old], "active")
        self.assertEqual([to for _, to, _ in self.moves(made)][-2:], ["canary", "failed"])
        told = re.match(r"canary failed: refused for DKIM (\d+) of \1, ", self.moves(made)[-1][2])
        self.assertTrue(told and int(told[1]) >= 3, self.moves(made)[-1])
        waiting.until(self, lambda: made.metric("signet_keys", state="failed") == 1, "the gauge tells")
        time.sleep(6)  # A domain that was read is looked at again within five seconds.
        count = len(refused)
        for number in range(200):
            made.send(mail.message(number=number))
        waiting.until(self, lambda: made.metric("signet_queue_messages") == 0, "all has left", 60)
        self.assertEqual(len(refused), count, "the key that failed signs no more")

    def test_explain_and_the_api_show_the_trial(self):
        made = self.start_canary(deliveries=1000)
        waiting.until(self, lambda: "canary" in self.states(made, "example.com").values(), "a canary", 60)
        text = relay.run_program(
            "explain", "--from", "alice@example.com", "--to", "bob@receiver.example", "--ip", "127.0.0.1",
            "--config", made.configuration).stdout.decode()
        self.assertIn("1 % of the mail that the canary", text)
        keys = self.ask(self.folder / "spool/signet.sock", "/v1/keys/example.com")
        tallies = {key["state"]: key.get("tally") for key in keys["keys"]}
        self.assertEqual(tallies["canary"], {"delivered": 0, "refused_for_dkim": 0})
        self.assertIsNotNone(tallies["active"])
