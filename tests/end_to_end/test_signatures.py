"""What the signatures cover and promise."""
import re
import time

import dkim

import mail
import verify
from case import EndToEnd

PROFILE_HEADERS = ("from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding")


class Signatures(EndToEnd):
    def signed(self, message=mail.PLAIN, prepare=lambda relay: None, **options):
        """(relay, the message as it arrived) after `prepare` worked on the store."""
        from relay import Relay, route

        sink = self.sink()
        relay = Relay(self, self.folder, route(sink.port), **options)
        relay.key("example.com")
        prepare(relay)
        relay.start()
        relay.send(message)
        return relay, sink.one().octets

    def check_both_verifiers(self, relay, octets, count):
        verify.dkimpy(self, octets, relay.keys, count)
        verify.opendkim(self, octets, relay.keys, self.names(relay.keys), count)

    def algorithms(self, octets):
        return [verify.tags(field)[b"a"] for field in verify.signatures(octets)]

    def test_an_rsa_and_an_ed25519_signature_both_verify(self):
        def add_ed25519(relay):
            made = relay.key("example.com", "--algorithm", "ed25519", "--selector", "ed1")
            self.assertIn("k=ed25519", made["record"])
            rsa = next(key["selector"] for key in relay.keys.values() if key["selector"] != "ed1")
            relay.write_keyset("example.com", {rsa: "active", "ed1": "active"})

        relay, octets = self.signed(prepare=add_ed25519)
        self.assertEqual(sorted(self.algorithms(octets)), [b"ed25519-sha256", b"rsa-sha256"])
        self.check_both_verifiers(relay, octets, 2)

    def test_the_author_domain_and_the_platform_both_sign(self):
        relay, octets = self.signed(
            prepare=lambda relay: relay.key("platform.example"), more='[signing]\nplatform_domain = "platform.example"\n'
        )
        self.assertEqual(
            sorted(verify.tags(field)[b"d"] for field in verify.signatures(octets)), [b"example.com", b"platform.example"]
        )
        self.check_both_verifiers(relay, octets, 2)

    def test_a_configured_parent_signs_for_a_subdomain(self):
        relay, octets = self.signed(
            mail.PLAIN.replace(b"alice@example.com", b"alice@news.example.com"),
            clients='[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", "news.example.com"]\n',
            more='[signing.parents]\n"news.example.com" = "example.com"\n',
        )
        self.assertEqual(verify.tags(verify.signatures(octets)[0])[b"d"], b"example.com")
        self.check_both_verifiers(relay, octets, 1)

    def test_the_signature_says_what_the_profile_promises(self):
        _, octets = self.signed()
        tags = verify.tags(verify.signatures(octets)[0])
        self.assertEqual((tags[b"v"], tags[b"c"]), (b"1", b"relaxed/relaxed"))
        self.assertNotIn(b"l", tags)
        self.assertAlmostEqual(int(tags[b"t"]), time.time(), delta=120)
        self.assertEqual(int(tags[b"x"]) - int(tags[b"t"]), 12 * 24 * 3600)
        signed = tags[b"h"].decode().lower().split(":")
        present = [mail.name_of(field).decode() for field in mail.split(mail.PLAIN)[0]]
        for name in PROFILE_HEADERS:
            self.assertEqual(signed.count(name), present.count(name) + 1, f"{name} is over-signed once")

    def test_fields_added_later_break_the_signature(self):
        relay, octets = self.signed()
        verify.dkimpy(self, octets, relay.keys)
        for field in (b"From: mallory@example.com", b"Subject: other", b"Cc: eve@example.com", b"Content-Type: text/html"):
            forged = field + b"\r\n" + octets
            self.assertFalse(dkim.DKIM(forged).verify(0, dnsfunc=lambda name, timeout=5: next(iter(relay.keys.values()))["record"].encode()), field)

    def test_signature_lines_are_folded_and_short(self):
        _, octets = self.signed(mail.message(fields=b"".join(b"List-X%d: y\r\n" % n for n in range(50))))
        for line in verify.signatures(octets)[0].split(b"\r\n"):
            self.assertLessEqual(len(line), 100)

    def test_signatures_of_others_are_kept(self):
        foreign = b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=x; h=from;\r\n bh=YWJj; b=YWJj\r\n"
        relay, octets = self.signed(mail.PLAIN.replace(b"Subject:", foreign + b"Subject:"))
        self.assertIn(foreign, octets)
        verify.dkimpy(self, octets, relay.keys)

    def test_an_internationalised_domain_signs_with_its_a_label(self):
        relay, octets = self.signed(
            mail.PLAIN.replace(b"alice@example.com", b"alice@xn--bcher-kva.example"), prepare=lambda relay: relay.key("bücher.example")
        )
        self.assertEqual(verify.tags(verify.signatures(octets)[0])[b"d"], b"xn--bcher-kva.example")
        verify.dkimpy(self, octets, relay.keys)

    def test_every_signature_of_a_burst_verifies(self):
        sink = self.sink()
        relay = self.relay(sink, loops=4)
        with relay.client() as client:
            for number in range(50):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(b"%d\r\n" % number, number=number))
        for received in sink.wait(50):
            verify.dkimpy(self, received.octets, relay.keys)
        numbers = {re.search(rb"X-Number: (\d+)", received.octets)[1] for received in sink.messages}
        self.assertEqual(len(numbers), 50)
