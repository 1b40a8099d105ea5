"""What the relay and the commands make of the DNS as it is: signed, bogus, lame and huge."""
import json

import mail
import relay as relays
import sinks
import verify
import waiting
from case import EndToEnd
from names import NameServer

REJECT = "v=DMARC1; p=reject"
CLIENT = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = {}\n'


def txt(name, *strings):
    return f"{name}. 60 IN TXT " + " ".join(f'"{text}"' for text in strings)


def cut(text):
    """In strings of 255 octets, which is all one can hold."""
    return [text[at : at + 255] for at in range(0, len(text), 255)]


class Dns(EndToEnd):
    def start(self, lines, domains, broken=None, policy="refuse"):
        """A relay that asks a Knot of its own, with the root's key as trust anchor where it is signed."""
        address, sink = sinks.mail_exchanger(self)
        made = relays.Relay(self, self.folder, "", clients=CLIENT.format(json.dumps(domains)), top="allow_private_mx = true\n")
        for domain in domains:
            made.key(domain)
        receiver = ["receiver.example. 60 IN MX 10 mx.receiver.example.", f"mx.receiver.example. 60 IN A {address}"]
        keys = {True: [], False: []}
        for line in verify.zone_lines(made.keys):
            keys[line.split()[0].endswith(".broken.")].append(line)
        if broken is not None:
            broken = [*broken, *keys[True]]
        server = NameServer(self, self.folder, [*receiver, *keys[False], *lines], broken=broken)
        anchor = f'trust_anchor = "{server.trust_anchor()}"\n' if broken is not None else ""
        made.write_configuration(
            alignment=f'[alignment]\npolicy = "{policy}"\n', more=f'[resolver]\nmode = "servers"\nservers = ["{server.address}"]\n{anchor}'
        )
        return made.start(), sink, server

    def test_signed_records_count_and_bogus_ones_are_unknown_and_never_refuse(self):
        relay, sink, _ = self.start(
            [txt("_dmarc.example.com", REJECT)], ["example.com", "shop.broken"], broken=[txt("_dmarc.shop.broken", REJECT)]
        )
        waiting.until(self, lambda: "signet_dns_unvalidated 0" in relay.get("/metrics")[1], "the resolver validates")
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="example.com", verdict="pass"), 1)
        relay.send(mail.PLAIN.replace(b"alice@example.com", b"alice@shop.broken"), sender="alice@shop.broken")
        sink.wait(2)
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="shop.broken", verdict="unknown", action="send"), 1)

    def test_mail_does_not_go_where_a_bogus_record_leads(self):
        relay, sink, _ = self.start(
            [txt("_dmarc.example.com", REJECT)], ["example.com"], broken=["mail.broken. 60 IN MX 10 mx.receiver.example."]
        )
        waiting.until(self, lambda: "signet_dns_unvalidated 0" in relay.get("/metrics")[1], "the resolver validates")
        relay.send(mail.PLAIN, recipients=["bob@mail.broken"])
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "deferred"], "the attempt")
        (fact,) = [fact for fact in relay.log() if fact["event"] == "deferred"]
        self.assertIn("DNSSEC", fact["reply"])
        self.assertEqual(sink.messages, [])

    def test_a_record_of_60_000_octets_is_read(self):
        large = REJECT + "; rua=" + ",".join(f"mailto:r{number:05}@reports.example" for number in range(1900))
        self.assertGreater(len(large), 55_000)
        relay, sink, server = self.start([txt("_dmarc.example.com", *cut(large))], ["example.com"])
        done = relays.run_program("dmarc", "--dns", server.address, "--from", "example.com", "--spf", "example.com=fail", "--json", check=False)
        told = json.loads(done.stdout)
        self.assertEqual((told["result"], told["policy"]), ("fail", "reject"))
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="example.com", verdict="pass"), 1)

    def test_a_lame_server_makes_everything_unknown_and_temporary(self):
        relay, sink, server = self.start([txt("_dmarc.example.com", REJECT)], ["example.com"])
        # The same server, but of another zone: it refuses what it is not asked to know.
        server.become_lame()
        for command in (["spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", "--helo", "a.example.com"], ["dmarc", "--from", "example.com"]):
            done = relays.run_program(*command, "--dns", server.address, check=False)
            self.assertEqual(done.stdout.split()[0], b"temperror", command)
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "deferred"], "an attempt in vain")
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="example.com", verdict="unknown", action="send"), 1)
        self.assertEqual(sink.messages, [])
