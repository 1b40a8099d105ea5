"""Whose mail is it, may they, and what is mended."""
import os
import smtplib

import mail
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from relay import Relay, route

FOREIGN = mail.PLAIN.replace(b"alice@example.com", b"zoe@foreign.example")
PLATFORM = '[signing]\nplatform_domain = "platform.example"\n'


def client(extra):
    return f'[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\n{extra}\n'


class Policy(EndToEnd):
    def test_foreign_mail_is_refused_by_default(self):
        relay = self.relay(self.sink(), clients=client(""))
        code, text = relay.refusal(FOREIGN)
        self.assertEqual((code, "foreign.example" in text), (550, True), text)

    def test_the_broken_key_of_a_foreign_domain_is_nobodys_business(self):
        relay = self.relay(self.sink(), clients=client(""))
        folder = self.folder / "store/foreign.example"
        folder.mkdir()
        (folder / "s1.pem").write_text("no key")
        (folder / "s1.pem").chmod(0o600)
        self.assertEqual(relay.refusal(FOREIGN)[0], 550)
        everybody = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = "all"\n'
        relay.write_configuration(clients=everybody)
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="succeeded") == 1, "the reload")
        self.assertEqual(relay.refusal(FOREIGN, sender="zoe@foreign.example")[0], 451)

    def test_foreign_mail_is_relayed_unsigned_and_unedited_where_allowed(self):
        sink = self.sink()
        relay = self.relay(sink, domains=("example.com", "platform.example"), clients=client('foreign_from = "relay"'), more=PLATFORM)
        bare = b"From: zoe@foreign.example\r\nBcc: kept@receiver.example\r\n\r\nHi.\r\n"
        relay.send(bare, sender="zoe@foreign.example")
        octets = sink.one().octets
        self.assertEqual(verify.signatures(octets), [])
        self.assertTrue(octets.endswith(bare), "nothing below our Received field changes")
        self.assertEqual(relay.metric("signet_messages_unsigned_total", reason="foreign_from"), 1)

    def test_foreign_mail_gets_the_platform_signature_where_asked(self):
        sink = self.sink()
        relay = self.relay(sink, domains=("example.com", "platform.example"), clients=client('foreign_from = "relay_and_sign_platform"'), more=PLATFORM)
        relay.send(FOREIGN, sender="zoe@foreign.example")
        octets = sink.one().octets
        self.assertEqual([verify.tags(field)[b"d"] for field in verify.signatures(octets)], [b"platform.example"])
        verify.dkimpy(self, octets, relay.keys)
        verify.opendkim(self, octets, relay.keys, self.names(relay.keys))

    def test_internal_host_names_are_rewritten_in_sender_and_author(self):
        sink = self.sink()
        rewrite = '[rewrite]\n"web01.internal" = "example.com"\n".lan" = "example.com"\n'
        relay = self.relay(sink, clients=client(""), more=rewrite)
        for host in ("web01.internal", "deep.db02.lan"):
            message = mail.PLAIN.replace(b"alice@example.com", b"root@" + host.encode())
            relay.send(message, sender=f"root@{host}")
        for received in sink.wait(2):
            self.assertEqual(received.sender, "root@example.com")
            self.assertIn(b"root@example.com", mail.values(received.octets, b"from")[0])
            verify.dkimpy(self, received.octets, relay.keys)
        for host in ("web02.internal", "xweb01.internal", "lan"):
            message = mail.PLAIN.replace(b"alice@example.com", b"root@" + host.encode())
            self.assertEqual(relay.refusal(message, sender=f"root@{host}")[0], 550)

    def test_a_domain_without_a_key_is_refused_unless_the_client_may_send_unsigned(self):
        sink = self.sink()
        keyless = mail.PLAIN.replace(b"alice@example.com", b"alice@keyless.example")
        clients = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", "keyless.example"]\n'
        strict = self.relay(sink, clients=clients)
        code, text = strict.refusal(keyless)
        self.assertEqual((code, "keyless.example" in text), (550, True), text)
        lenient = self.relay(sink, folder=self.folder / "lenient", clients=clients + "allow_unsigned = true\n")
        lenient.send(keyless)
        self.assertEqual(verify.signatures(sink.one().octets), [])
        self.assertEqual(lenient.metric("signet_messages_unsigned_total"), 1)

    def test_a_key_that_can_not_be_loaded_is_451_for_its_domain_alone(self):
        sink = self.sink()
        relay = Relay(self, self.folder, route(sink.port))
        relay.key("example.com")
        relay.key("broken.example")
        for key in (self.folder / "store/broken.example").glob("*.pem"):
            os.chmod(key, 0o644)
        relay.start()
        self.assertEqual(relay.refusal(mail.PLAIN.replace(b"alice@example.com", b"alice@broken.example"))[0], 451)
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_no_key_material_is_ever_printed(self):
        sink = self.sink()
        relay = self.relay(sink)
        relay.send(mail.PLAIN)
        sink.one()
        secret = next((self.folder / "store/example.com").glob("*.pem")).read_text().splitlines()[1]
        self.assertNotIn(secret, relay.stderr() + relay.get("/metrics")[1] + (self.folder / "delivery.log").read_text())

    def test_long_lines_and_raw_eight_bit_headers_are_refused_or_repaired(self):
        sink = self.sink()
        long_line = mail.message(b"x" * 5000 + b"\r\n")
        raw_header = mail.message(subject="Grüße".encode())
        strict = self.relay(sink, clients=client(""))
        for message in (long_line, raw_header):
            code, text = strict.refusal(message, options=["BODY=8BITMIME"])
            self.assertEqual(code, 554, text)
        repairing = self.relay(sink, folder=self.folder / "repairing", clients=client('repair = ["long_lines", "eight_bit_header"]'))
        repairing.send(long_line)
        repairing.send(raw_header, options=["BODY=8BITMIME"])
        import email
        import email.policy

        lines, header = (email.message_from_bytes(r.octets, policy=email.policy.default) for r in sink.wait(2))
        self.assertEqual(lines.get_content().strip(), "x" * 5000)
        self.assertEqual(header["subject"], "Grüße")
        for received in sink.messages:
            verify.dkimpy(self, received.octets, repairing.keys)
            self.assertLessEqual(max(map(len, received.octets.split(b"\r\n"))), 998)
        self.assertEqual({fact["repair"] for fact in repairing.log() if fact["event"] == "repaired"}, {"long_lines", "eight_bit_header"})

    def test_a_client_is_known_by_its_certificate(self):
        sink = self.sink()
        server, own, other = (Certificate(self.folder, name, name) for name in ("mx.signet.example", "app.example", "other.example"))
        clients = f'[[client]]\nname = "app"\ncertificates = ["{own.fingerprint()}"]\ndomains = ["example.com"]\n'
        relay = self.relay(sink, clients=clients, more=server.settings())
        self.assertEqual(relay.refusal(mail.PLAIN)[0], 550)
        for certificate, taken in ((other, False), (own, True)):
            with smtplib.SMTP("127.0.0.1", relay.port, timeout=60) as connection:
                connection.starttls(context=server.client_context(certificate))
                connection.ehlo()
                code = connection.docmd("MAIL FROM:<alice@example.com>")[0]
                self.assertEqual(code, 250 if taken else 550)

    def test_authors_that_are_missing_doubled_or_ambiguous_are_refused(self):
        relay = self.relay(self.sink())
        for author in (
            b"", b"From:\r\n", b"From: \r\n", b"From: alice@example.com\r\nFrom: alice@example.com\r\n",
            b"From: alice@example.com, eve@example.com\r\n", b"From: group: alice@example.com;\r\n", b"From: undisclosed:;\r\n",
            b"From: <@a.example:alice@example.com>\r\n", b"From: <alice@example.com>eve@other.example\r\n", b"From: a@b@example.com\r\n",
            b"From: alice@example.com.\r\n", b"From: alice\r\n", b"From: =?utf-8?q?alice=40example=2Ecom?=\r\n", b"From: alice@\r\n",
            b"From: \"alice\r\n", b"From: (comment alice@example.com\r\n", b"From : alice@example.com\r\nX: y\r\n",
        ):
            with self.subTest(author=author):
                code, text = relay.refusal(author + b"To: bob@receiver.example\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nx\r\n")
                self.assertIn(code, range(550, 555), text)

    def test_authors_in_odd_but_valid_forms_are_taken(self):
        sink = self.sink()
        relay = self.relay(sink)
        authors = (
            b'"a@evil.example" <alice@example.com>', b"alice@EXAMPLE.COM (from home)", b"=?utf-8?q?Al=C3=AFce?= <alice@example.com>",
            b"\r\n\tAlice\r\n\t<alice@example.com>", b'"al ice"@example.com', b'"quoted, comma" <alice@example.com>',
        )
        for author in authors:
            relay.send(mail.PLAIN.replace(b"Alice <alice@example.com>", author))
        for received in sink.wait(len(authors)):
            verify.dkimpy(self, received.octets, relay.keys)
