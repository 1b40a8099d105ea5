"""Real mail goes through unchanged but for our fields, and other people's verifiers accept it."""
import email.errors
import email.headerregistry
import re

import mail
import peers
import verify
from case import EndToEnd

MIME_FOLDERS = ("mime", "mime-ruby", "dkim")
NO_MAIL = (".key", ".dns", ".txt", ".private", ".tsv", ".md")

# Valid by the letter, but receivers read them differently, so they are refused; each looked at by hand.
AMBIGUOUS = {"mime-ruby/rfc2822/example10.eml": "comments inside the address"}


def corpus_messages():
    for folder in MIME_FOLDERS:
        root = peers.need_corpus(folder)
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith("LICENSE") and path.suffix not in NO_MAIL:
                yield path, mail.crlf(path.read_bytes())


def author_of(message):
    """The only From address, by Python's parser: (mailbox, None), or (None, why there is none)."""
    found = mail.values(message, b"from")
    if len(found) != 1:
        return None, f"{len(found)} From fields"
    header = email.headerregistry.HeaderRegistry()("from", found[0].decode("latin-1"))
    if len(header.addresses) != 1:
        return None, f"{len(header.addresses)} authors"
    defects = [d for d in header.defects if not isinstance(d, email.errors.ObsoleteHeaderDefect)]
    if defects or not header.addresses[0].domain:
        return None, f"From is not an address: {defects}"
    return header.addresses[0], None


def fault_of(message):
    """Why a strict relay must refuse `message`; None when it must take it. Not Signet's own code."""
    header = message.partition(b"\r\n\r\n")[0]
    if message.startswith(b"\r\n"):
        return "no header"
    if b"\0" in message:
        return "NUL"
    if re.search(rb"\r(?!\n)|(?<!\r)\n", message):
        return "bare CR or LF"
    if any(octet > 127 for octet in header):
        return "8-bit header"
    if any(len(line) > 998 for line in message.split(b"\r\n")):
        return "line over 998"
    lines = header.split(b"\r\n")
    if any(not re.match(rb"[!-9;-~]+:|[ \t]+\S", line) for line in lines) or re.match(rb"[ \t]", lines[0]):
        return "a header line that is no field"
    return author_of(message)[1]


class RealMail(EndToEnd):
    def send_and_check(self, *messages, options=(), **settings):
        sink = self.sink()
        relay = self.relay(sink, **settings)
        names = self.names(relay.keys)
        for message in messages:
            relay.send(message, options=options)
        for sent, received in zip(messages, sink.wait(len(messages))):
            self.assert_unchanged(sent, received.octets)
            verify.dkimpy(self, received.octets, relay.keys)
            verify.opendkim(self, received.octets, relay.keys, names)

    def test_a_plain_message_is_signed_and_unchanged(self):
        self.send_and_check(mail.PLAIN)

    def test_every_valid_message_of_the_corpus_leaves_unchanged_and_verifies(self):
        sink = self.sink()
        messages = list(corpus_messages())
        authors = [author_of(message)[0] for _, message in messages]
        domains = sorted({a.domain.lower() for a in authors if a and re.fullmatch(r"[a-zA-Z0-9.-]+", a.domain)})
        relay = self.relay(sink, limits="header_bytes = 131072\n")
        for domain in set(domains) - {"example.com"}:
            relay.copy_key("example.com", domain)
        names = self.names(relay.keys)
        taken, wrong = [], []
        for path, message in messages:
            name = str(path.relative_to(peers.CORPUS))
            fault = AMBIGUOUS.get(name) or fault_of(message)
            eight_bit = any(octet > 127 for octet in message)
            try:
                relay.send(message, options=["BODY=8BITMIME"] if eight_bit else [])
            except Exception as error:  # smtplib has a class for each stage.
                said = repr(error)
                if fault is None or not re.search(r"\(5\d\d, b'5\.\d+\.\d+ \w", said):
                    wrong.append(f"{name}: refused ({said}) though {fault or 'valid'}")
                continue
            taken.append((name, message))
            if fault is not None:
                wrong.append(f"{name}: taken though {fault}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        received = sink.wait(len(taken))  # In any order: several connections carry them.
        for name, message in taken:
            with self.subTest(message=name):
                got = self.most_like(message, received)
                self.assert_unchanged(message, got.octets)
                verify.dkimpy(self, got.octets, relay.keys)
                verify.opendkim(self, got.octets, relay.keys, names)
        self.assertGreater(len(taken), 50)

    def most_like(self, message, received):
        """The copy that left unchanged; without one, any with the same body, for the report."""
        body = message.partition(b"\r\n\r\n")[2]
        copies = [r for r in received if r.octets.partition(b"\r\n\r\n")[2] == body]
        self.assertTrue(copies, "no copy has this body")
        for copy in copies:
            try:
                self.assert_unchanged(message, copy.octets)
                return copy
            except AssertionError:
                continue
        return copies[0]

    def test_an_eight_bit_body_passes_as_it_is(self):
        body = "Grüße aus Köln, ¡hola!\r\n".encode() + bytes(range(128, 256)) + b"\r\n"
        self.send_and_check(mail.message(body), options=["BODY=8BITMIME"])

    def test_an_empty_body_passes(self):
        self.send_and_check(mail.message(b""), mail.message(b"\r\n"), mail.message(b"\r\n\r\n\r\n"))

    def test_a_body_without_final_newline_gets_one(self):
        sink = self.sink()
        relay = self.relay(sink)
        relay.send(mail.message(b"no end of line"))
        self.assert_unchanged(mail.message(b"no end of line\r\n"), sink.one().octets)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_a_ten_mebibyte_attachment_passes(self):
        line = b"QUJD" * 19 + b"\r\n"
        self.send_and_check(mail.message(line * (10 * 1024 * 1024 // len(line))))

    def test_lines_of_998_octets_pass_and_of_999_are_refused(self):
        sink = self.sink()
        relay = self.relay(sink)
        longest = mail.message(b"x" * 998 + b"\r\n", fields=b"X-Long: " + b"y" * 990 + b"\r\n")
        relay.send(longest)
        self.assert_unchanged(longest, sink.one().octets)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        code, text = relay.refusal(mail.message(b"x" * 999 + b"\r\n"))
        self.assertEqual(code, 554)
        self.assertIn("998", text)

    def test_folded_and_very_long_headers_pass(self):
        references = b"References: " + b"\r\n ".join(b"<%d@example.com>" % n for n in range(800)) + b"\r\n"
        folded = b"X-Folded:\r\n\t  first\r\n \tsecond  \r\n   third\r\n"
        odd = b"SUBJECT-x:no space\r\nX-Empty:\r\nX-Blank: \t \r\n"
        self.send_and_check(mail.message(fields=references + folded + odd, subject=b"a\r\n\tfolded\r\n subject "))

    def test_spaces_tabs_and_empty_lines_of_the_body_pass(self):
        body = b"\r\n\r\n  lead\r\ntrail \t \r\n\ttab\r\n \r\n" + b"a  b\t\tc\r\n" + b"\r\n" * 5
        self.send_and_check(mail.message(body))

    def test_lines_that_begin_with_dots_pass(self):
        self.send_and_check(mail.message(b".\r\n..\r\n...\r\n.hidden\r\nend.\r\n.\r\n"))

    def test_missing_date_and_message_id_are_added_and_signed(self):
        sink = self.sink()
        relay = self.relay(sink)
        bare = b"From: alice@example.com\r\nTo: bob@receiver.example\r\n\r\nHi.\r\n"
        relay.send(bare)
        self.assert_unchanged(bare, sink.one().octets)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        self.assertEqual(len(mail.values(sink.one().octets, b"date")), 1)
        self.assertRegex(mail.values(sink.one().octets, b"message-id")[0], rb"^<[^<>@\s]+@[^<>@\s]+>$")

    def test_bcc_and_return_path_are_removed(self):
        self.send_and_check(mail.message(fields=b"Bcc: secret@receiver.example\r\nReturn-Path: <other@example.com>\r\n"))
