"""`signet explain` says what would become of a message, and what became of one; the relay then does just that."""
import json

import mail
import relay as relays
import sinks
import waiting
from case import EndToEnd
from relay import run_program

POOL = """
[[pool]]
name = "default"
addresses = [
  { bind = "127.0.0.1", public = "192.0.2.1", helo = "mx1.example.com" },
  { bind = "127.0.0.2", public = "192.0.2.2", helo = "mx2.example.com" },
]
"""
PARTNERS = '[[route]]\nname = "partners"\ndomains = ["partner.example"]\nnext_hop = "smtp://127.0.0.1:{port}"\ntls = "encrypt"\nconnections = 3\n'


def txt(name, text):
    return f'{name}. 60 IN TXT "{text}"'


class Explain(EndToEnd):
    def start(self, zone, keyed=("example.com",), published=None, routes=""):
        address, sink = sinks.mail_exchanger(self)
        made = relays.Relay(self, self.folder, POOL + routes, top="allow_private_mx = true\n")
        for domain in keyed:
            made.key(domain)
        receiver = ["receiver.example. 60 IN MX 10 mx.receiver.example.", f"mx.receiver.example. 60 IN A {address}"]
        names = self.names(made.keys if published is None else published, receiver + zone)
        made.write_configuration(alignment="", more=f'[resolver]\nservers = ["{names.address}"]\n')
        return made, sink, address

    def explain(self, relay, *arguments, status=0):
        """The JSON of `signet explain`, which must exit with `status`."""
        done = run_program("explain", *arguments, "--config", relay.configuration, "--json", check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode() + done.stdout.decode())
        return json.loads(done.stdout)

    def hypothesis(self, relay, author=mail.AUTHOR, to=mail.FRIEND, *more, status=0):
        return self.explain(relay, "--from", author, "--to", to, *more, status=status)

    def test_a_hypothesis_names_client_key_spf_dmarc_route_and_next_hop(self):
        zone = [txt("example.com", "v=spf1 ip4:192.0.2.1 -all"), txt("_dmarc.example.com", "v=DMARC1; p=reject")]
        relay, _, address = self.start(zone)
        told = self.hypothesis(relay, mail.AUTHOR, mail.FRIEND, "--ip", "127.0.0.9")
        self.assertEqual((told["client"]["name"], told["client"]["why"]), ("local", "by network 127.0.0.0/8"))
        (signature,) = told["signatures"]
        self.assertIn(signature["name"], relay.keys)
        alignment = told["alignment"]
        self.assertEqual([(spf["address"], spf["result"]) for spf in alignment["spf"]], [("192.0.2.1", "pass"), ("192.0.2.2", "fail")])
        self.assertEqual((alignment["verdict"], alignment["action"], alignment["dmarc"]["policy"]), ("pass", "send", "reject"))
        self.assertIn("192.0.2.2", alignment["strict_words"])
        self.assertEqual(alignment["configured"], {"policy": "auto", "said_by": "alignment.policy", "deadline_ms": 10000})
        (recipient,) = told["recipients"]
        self.assertEqual((recipient["route"]["kind"], recipient["tls"]["policy"], recipient["pool"]["name"]), ("mx", "may", "default"))
        self.assertEqual(recipient["targets"], [{"host": "mx.receiver.example", "port": 25, "addresses": [address], "dnssec": False}])
        self.assertEqual(recipient["limits"]["connections"], 20)
        self.assertTrue(told["outcome"]["accepted"])

    def test_the_relay_refuses_with_the_very_words_of_the_hypothesis(self):
        relay, _, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=reject")], published={})
        outcome = self.hypothesis(relay, status=1)["outcome"]
        self.assertEqual((outcome["code"], outcome["cause"]), (550, "not_aligned"))
        code, text = relay.start().refusal(mail.PLAIN)
        self.assertEqual((code, text), (outcome["code"], f"{outcome['enhanced']} {outcome['words']}"))

    def test_who_may_not_send_is_told_as_the_relay_would(self):
        relay, _, _ = self.start([])
        stranger = self.hypothesis(relay, mail.AUTHOR, mail.FRIEND, "--ip", "203.0.113.9", status=1)
        self.assertEqual(stranger["outcome"]["cause"], "client_unknown")
        foreign = self.hypothesis(relay, "zoe@foreign.example", mail.FRIEND, "--client", "local", status=1)
        self.assertEqual(foreign["outcome"]["cause"], "sender_not_allowed")
        anybody = self.hypothesis(relay, "zoe@foreign.example", mail.FRIEND, status=1)
        self.assertEqual(anybody["outcome"], foreign["outcome"])
        self.assertEqual(anybody["client"]["why"], "the first whose domains take in foreign.example")
        relay.write_configuration(clients=relay.parts["clients"].replace('"all"', '["example.com"]'))
        anybody = self.hypothesis(relay, "zoe@foreign.example", mail.FRIEND, status=1)
        self.assertEqual(anybody["outcome"]["cause"], "sender_not_allowed")
        self.assertEqual(anybody["client"]["why"], "one for all, as no client's domains take in foreign.example")
        other = self.hypothesis(relay, "zoe@foreign.example", mail.FRIEND, "--client", "local", "--mail-from", mail.AUTHOR, status=1)
        self.assertEqual(other["outcome"]["cause"], "author_not_allowed")

    def test_a_route_of_its_own_shows_its_tls_policy_and_limits(self):
        relay, _, _ = self.start([], routes=PARTNERS.format(port=2500))
        (recipient,) = self.hypothesis(relay, mail.AUTHOR, "carol@partner.example")["recipients"]
        self.assertEqual((recipient["route"]["name"], recipient["route"]["why"]), ("partners", "lists the domain"))
        self.assertEqual((recipient["tls"]["policy"], recipient["limits"]["connections"]), ("encrypt", 3))
        (nowhere,) = self.hypothesis(relay, mail.AUTHOR, "x@nowhere.example")["recipients"]
        self.assertIn("Domain not found", nowhere["error"])

    def test_text_is_for_people(self):
        relay, _, _ = self.start([txt("example.com", "v=spf1 ip4:192.0.2.0/30 -all"), txt("_dmarc.example.com", "v=DMARC1; p=none")])
        done = run_program("explain", "--from", mail.AUTHOR, "--to", mail.FRIEND, "--config", relay.configuration)
        text = done.stdout.decode()
        for words in ("accepted (250)", "192.0.2.2 for example.com: pass, aligned", "mx.receiver.example port 25", "verdict       pass (aligned)"):
            self.assertIn(words, text)

    def test_a_wrong_question_is_an_error_of_use(self):
        relay, _, _ = self.start([])
        for arguments in (["--from", "nobody"], ["--from", mail.AUTHOR, "--to", "a b"], ["--from", mail.AUTHOR, "--client", "none"],
                          ["--from", mail.AUTHOR, "--ip", "x"], [], ["--to", mail.FRIEND]):
            done = run_program("explain", *arguments, "--config", relay.configuration, check=False)
            self.assertEqual((done.returncode, done.stdout), (64, b""), arguments)
            self.assertNotEqual(done.stderr, b"", arguments)

    def test_every_attempt_at_a_queued_message_is_told_with_the_peers_words(self):
        relay, sink, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=none")])
        relay.start()
        sink.refuse[mail.FRIEND] = "450 4.2.1 mailbox busy"
        relay.send(mail.PLAIN)
        waiting.until(self, relay.queued, "it waits")
        (identifier,) = relay.queued()
        first = lambda: [fact for fact in relay.log() if fact["event"] == "deferred"]
        waiting.until(self, first, "the first attempt")
        sink.refuse[mail.FRIEND] = "451 4.7.1 come back tomorrow"
        relay.retry_until(lambda: len(first()) >= 2, "the second attempt")
        told = self.explain(relay, identifier)
        replies = [fact["reply"] for fact in told["facts"] if fact["event"] == "deferred"]
        self.assertIn("mailbox busy", replies[0])
        self.assertIn("come back tomorrow", replies[-1])
        self.assertEqual(told["message"]["sender"], mail.AUTHOR)
        self.assertEqual(told["alignment"]["verdict"], "pass")
        self.assertEqual(told["signatures"][0]["name"], list(relay.keys)[0])
        self.assertEqual(told["recipients"][0]["targets"][0]["host"], "mx.receiver.example")
        text = run_program("explain", identifier, "--config", relay.configuration).stdout.decode()
        self.assertIn("come back tomorrow", text)

    def test_a_delivered_message_is_known_by_the_log(self):
        relay, sink, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=none")])
        relay.start()
        relay.send(mail.PLAIN)
        sink.one()
        delivered = lambda: [fact for fact in relay.log() if fact["event"] == "delivered"]
        waiting.until(self, delivered, "the delivery is told")
        waiting.until(self, lambda: not relay.queued(), "the queue is empty")
        told = self.explain(relay, delivered()[0]["id"])
        self.assertFalse(told["in_queue"])
        self.assertEqual([fact["event"] for fact in told["facts"] if fact["event"] in ("received", "delivered")], ["received", "delivered"])
        done = run_program("explain", "0000000000000", "--config", relay.configuration, check=False)
        self.assertEqual(done.returncode, 1)
