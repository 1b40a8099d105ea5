"""The delivery log: versioned lines, rotated by size, with addresses cut or hashed where that is asked."""
import json

import mail
import relay as relays
import waiting
from api_case import ApiCase
from dialogue import Dialogue
from relay import run_program
from test_webhook import Receiver


class Unread(relays.Relay):
    """Nobody reads its standard output once it is ready."""

    def _read_facts(self, stdout, facts):
        for line in stdout:
            fact = json.loads(line)
            if fact.get("event") == "listening" and not fact["address"].startswith("unix:"):
                self.ports[fact["name"]] = int(fact["address"].rpartition(":")[2])
            facts.put(fact)
            if fact.get("event") == "ready":
                return


class Events(ApiCase):
    def lines(self, relay):
        """Every line of the log and of the files before it, the oldest first."""
        files = sorted(relay.folder.glob("delivery.log.*"), key=lambda file: -int(file.suffix[1:])) + [relay.folder / "delivery.log"]
        return "".join(file.read_text() for file in files if file.exists())

    def delivered(self, relay):
        return [fact for fact in map(json.loads, self.lines(relay).splitlines()) if fact["event"] == "delivered"]

    def test_each_line_says_which_schema_it_follows(self):
        relay = self.relay(self.sink())
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: self.delivered(relay), "the delivery is told")
        for fact in relay.log():
            self.assertEqual(fact["schema"], 1)
            self.assertEqual(list(fact)[:3], ["schema", "time", "event"])

    def alone(self, relay, act):
        waiting.until(self, lambda: relay.metric("signet_connections_open") == 0, "nobody else is connected")
        return act(mail.PLAIN)

    def rejected(self, relay, **members):
        found = [fact for fact in relay.log() if fact["event"] == "rejected"]
        return [fact for fact in found if all(fact[name] == value for name, value in members.items())]

    def test_what_is_refused_before_the_data_is_told_with_its_cause(self):
        client = '[[client]]\nname = "shop"\nnetworks = ["127.0.0.1"]\ndomains = ["example.com"]\nmessages_per_hour = 1\n'
        relay = self.relay(self.sink(), clients=client, limits="connections_per_address = 1\n")
        with Dialogue(relay.port) as session:
            session.open()
            self.assertEqual(session.envelope("mallory@elsewhere.example", recipients=())[0], 550)
            with Dialogue(relay.port) as second:
                self.assertEqual(second.reply()[0], 421)
        self.alone(relay, relay.send)
        self.assertEqual(self.alone(relay, relay.refusal)[0], 452)
        expected = {"MAIL": ("sender_not_allowed", "<mallory@elsewhere.example>"),
                    "connection": ("too_many_connections", ""), "DATA": ("quota_exceeded", f"<{mail.AUTHOR}>")}
        waiting.until(self, lambda: len(self.rejected(relay)) >= 3, "all are told")
        for command, (cause, sender) in expected.items():
            (fact,) = self.rejected(relay, command=command)
            self.assertEqual((fact["cause"], fact["sender"], fact["listener"], fact["client"]), (cause, sender, "smtp", "shop"))
            self.assertEqual((fact["peer"], fact["left_out"]), ("127.0.0.1", 0))
        self.assertEqual(self.rejected(relay, command="connection")[0]["detail"], "connections_per_address")

    def test_of_many_refusals_some_are_told_and_the_others_counted(self):
        client = '[[client]]\nname = "shop"\nnetworks = ["127.0.0.1"]\ndomains = ["example.com"]\n'
        relay = self.relay(self.sink(), clients=client, limits="junk_commands = 10000\n")
        with Dialogue(relay.port) as session:
            session.open()

            def ask():
                self.assertEqual(session.command(b"MAIL FROM:<x@elsewhere.example>"), 550)

            session.write(b"MAIL FROM:<x@elsewhere.example>\r\n" * 400)
            self.assertEqual({session.reply()[0] for _ in range(400)}, {550})
            waiting.until(self, lambda: ask() or self.told(relay) >= 400, "one says how many were left out")
        self.assertLess(len(self.rejected(relay)), 400)

    def told(self, relay):
        return sum(1 + fact["left_out"] for fact in self.rejected(relay))

    def test_a_large_file_is_rotated_and_explain_looks_into_those_before(self):
        relay = self.relay(self.sink(), monitoring='delivery_log_bytes = "1 B"\ndelivery_log_kept = 3\n')
        for number in range(12):
            relay.send(mail.message(number=number))
            waiting.until(self, lambda: not relay.queued(), "it is delivered")
        waiting.until(self, lambda: (relay.folder / "delivery.log.3").exists(), "three files are kept")
        self.assertEqual(len(list(relay.folder.glob("delivery.log.*"))), 3)
        for number in 1, 2, 3:
            newest = json.loads((relay.folder / f"delivery.log.{number}").read_text().splitlines()[-1])
            told = run_program("explain", newest["id"], "--config", relay.configuration, "--json")
            self.assertIn(newest, json.loads(told.stdout)["facts"])
        told = run_program("explain", "00000000000", "--config", relay.configuration, check=False)
        self.assertEqual(told.returncode, 1)
        self.assertIn(b"nor in the part of the delivery log that is searched", told.stderr)

    def test_a_relay_ends_although_nobody_reads_its_log_and_keeps_what_the_webhook_waits_with(self):
        receiver = Receiver(self)
        receiver.statuses = [500] * 1000
        sink = self.sink()
        relay = Unread(self, self.folder, relays.route(sink.port), more=f'[webhook]\nurl = "{receiver.url}"\n')
        relay.key("example.com")
        written = f'delivery_log = "{self.folder}/delivery.log"'
        text = relay.configuration.read_text()
        self.assertIn(written, text)
        relay.configuration.write_text(text.replace(written, 'delivery_log = "-"'))
        relay.start()
        for number in range(5):
            relay.send(mail.message(number=number), recipients=[f"r{each}@receiver.example" for each in range(100)])
        waiting.until(self, lambda: not relay.queued(), "all is delivered")
        relay.stop()
        self.assertRegex(relay.stderr(), r"delivery log -: [1-9][0-9]* lines \([0-9]+ octets\) are lost: nobody reads them")
        kept = (self.folder / "spool" / "webhook.waiting").read_text()
        self.assertEqual(kept.count('"event":"delivered"'), 500)

    def test_addresses_are_cut_or_hashed_also_in_the_words_of_peers(self):
        for setting in ("domain", "hashed"):
            folder = self.folder / setting
            folder.mkdir()
            sink = self.sink()
            sink.refuse["carol@receiver.example"] = "550 5.1.1 <carol@receiver.example> is unknown"
            relay = self.relay(sink, folder=folder, monitoring=f'delivery_log_addresses = "{setting}"\n')
            for to in (mail.FRIEND, mail.FRIEND, "carol@receiver.example"):
                relay.send(mail.PLAIN, recipients=[to])
            waiting.until(self, lambda: "is unknown" in self.lines(relay) and len(self.delivered(relay)) == 2, "three outcomes are told")
            text = self.lines(relay)
            for address in (mail.AUTHOR, mail.FRIEND, "carol@"):
                self.assertNotIn(address, text)
            first, second = (fact["recipient"] for fact in self.delivered(relay))
            self.assertEqual(first, second)
            self.assertRegex(first, "^@receiver.example$" if setting == "domain" else "^[0-9a-f]{16}@receiver.example$")
            relay.stop()

    def test_no_quote_and_no_escape_hides_an_address(self):
        relay = self.served(monitoring='delivery_log_addresses = "hashed"\n')
        for local in ('"secret one\\"behind"', '"secret@inner part"'):
            relay.send(mail.PLAIN, recipients=[f"{local}@receiver.example"])
        self.assertEqual(self.ask("GET", "/v1/explain?from=secret%40example.com&to=hidden@receiver.example", "bogus")[0], 401)
        self.assertEqual(self.ask("POST", "/v1/keys/secret%2540example.com", self.writer)[0] // 100, 4)
        waiting.until(self, lambda: len(self.delivered(relay)) == 2 and self.lines(relay).count('"event":"admin"') == 2, "all is told")
        for word in ("secret", "behind", "inner", "hidden", "%"):
            self.assertNotIn(word, self.lines(relay))
        self.assertEqual([fact["target"] for fact in relay.log() if fact["event"] == "admin"], ["/v1/explain", "/v1/keys/"])
