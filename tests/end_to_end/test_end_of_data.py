"""Only CRLF.CRLF ends a message, and nothing smuggled in gets out."""
import mail
import verify
from case import EndToEnd
from dialogue import Dialogue
from sinks import Tee

SMUGGLED = b"MAIL FROM:<eve@example.com>\r\nRCPT TO:<victim@receiver.example>\r\nDATA\r\n" + mail.message(b"smuggled\r\n")

# What the public smuggling scanners send in place of CRLF . CRLF.
VARIANTS = {
    "LF.LF": b"\n.\n",
    "LF.CR": b"\n.\r",
    "CR.LF": b"\r.\n",
    "CR.CR": b"\r.\r",
    "LF.CRLF": b"\n.\r\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
    "CRLF NUL.CRLF": b"\r\n\0.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF.LF": b"\r\n.\n",
}


class EndOfData(EndToEnd):
    def offer(self, relay, octets):
        """Everything the relay answers to a message given octet for octet, and that it closes."""
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            self.assertEqual(dialogue.envelope()[-1], 354)
            dialogue.write(octets)
            code, lines = dialogue.reply()
            return code, lines, dialogue.ended()

    def test_no_variant_of_the_end_of_data_ends_it(self):
        sink = self.sink()
        relay = self.relay(sink)
        for name, variant in VARIANTS.items():
            with self.subTest(variant=name):
                code, lines, ended = self.offer(relay, mail.message(b"before")[:-2] + variant + SMUGGLED + b"\r\n.\r\nQUIT\r\n")
                self.assertIn(code, (521, 554), lines)
                self.assertTrue(ended)
        relay.send(mail.PLAIN)
        self.assert_unchanged(mail.PLAIN, sink.one().octets)
        self.assertEqual(len(sink.messages), 1)

    def test_a_variant_one_octet_at_a_time_is_refused_too(self):
        relay = self.relay(self.sink())
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            dialogue.envelope()
            for octet in b"From: alice@example.com\r\n\r\nx\n.\r\n":
                dialogue.write(bytes([octet]))
            self.assertIn(dialogue.reply()[0], (521, 554))
            self.assertTrue(dialogue.ended())

    def test_bare_line_ends_and_nul_in_header_and_body_are_refused(self):
        sink = self.sink()
        relay = self.relay(sink)
        for name, octets in {
            "LF in header": mail.PLAIN.replace(b"Subject: a", b"Subject: a\nX: b"),
            "CR in header": mail.PLAIN.replace(b"Subject: a", b"Subject: a\rX: b"),
            "NUL in header": mail.PLAIN.replace(b"Subject: a", b"Subject: a\0"),
            "LF in body": mail.message(b"a\nb\r\n"),
            "CR in body": mail.message(b"a\rb\r\n"),
            "CR CR LF in body": mail.message(b"a\r\r\nb\r\n"),
            "NUL in body": mail.message(b"a\0b\r\n"),
        }.items():
            with self.subTest(case=name), Dialogue(relay.port) as dialogue:
                dialogue.open()
                dialogue.envelope()
                dialogue.write(octets + b"\r\n.\r\n")
                code, lines = dialogue.reply()
                self.assertIn(code, (521, 554), lines)
        self.assertEqual(sink.messages, [])

    def test_the_outgoing_stream_has_cr_and_lf_only_as_crlf(self):
        sink = self.sink()
        tee = Tee(self, sink.port)
        relay = self.relay(tee)
        body = b".\r\n..dots\r\n\r\n .\r\n" + b"x" * 998 + b"\r\n"
        for number in range(5):
            relay.send(mail.message(body, number=number))
        sink.wait(5)
        stream = b"".join(map(bytes, tee.streams))
        self.assertGreater(stream.count(b"\r\n.\r\n"), 4)
        self.assertNotIn(b"\r", stream.replace(b"\r\n", b""))
        self.assertNotIn(b"\n", stream.replace(b"\r\n", b""))
        for line in stream.split(b"\r\n"):
            self.assertLessEqual(len(line), 999)  # 998 and a stuffed dot.

    def test_bare_lf_is_repaired_where_the_client_allows_it_and_never_ends_the_data(self):
        sink = self.sink()
        relay = self.relay(sink, clients='[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = "all"\nrepair = ["bare_lf"]\n')
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            dialogue.envelope()
            dialogue.write(mail.PLAIN.replace(b"\r\n", b"\n") + b"\n.\nMAIL FROM:<eve@example.com>\n\r\n.\r\n")
            self.assertIn(dialogue.reply()[0], (250, 521, 554))
        relay.send(mail.PLAIN)
        for received in sink.wait(1):
            self.assertEqual(received.sender, mail.AUTHOR)
            verify.dkimpy(self, received.octets, relay.keys)
