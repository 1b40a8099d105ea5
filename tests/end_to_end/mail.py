"""Messages to send, and what must be the same when they arrive."""
import re

AUTHOR = "alice@example.com"
FRIEND = "bob@receiver.example"

PLAIN = (
    b"From: Alice <alice@example.com>\r\n"
    b"To: bob@receiver.example\r\n"
    b"Subject: a plain message\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n"
    b"Message-ID: <plain@example.com>\r\n"
    b"\r\n"
    b"Hello Bob.\r\n"
)

REMOVED = (b"bcc", b"return-path")


def message(body=b"Hello.\r\n", subject=b"a message", fields=b"", number=None):
    """A message of AUTHOR's. `fields` are whole lines with CRLF."""
    mark = b"" if number is None else b"X-Number: %d\r\n" % number
    return (
        b"From: Alice <alice@example.com>\r\nTo: bob@receiver.example\r\nSubject: " + subject + b"\r\n"
        b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <m@example.com>\r\n" + mark + fields + b"\r\n" + body
    )


def crlf(text):
    """LF and CRLF line ends become CRLF, the last line gets one."""
    text = re.sub(rb"\r?\n", b"\r\n", text)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def split(text):
    """Header fields (each with its folds and CRLF) and body."""
    header, empty, body = text.partition(b"\r\n\r\n")
    if text.startswith(b"\r\n"):
        header, body = b"", text[2:]
    elif empty:
        header += b"\r\n"
    fields = re.findall(rb"[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", header)
    return fields, body


def name_of(field):
    return field.partition(b":")[0].rstrip(b" \t").lower()


def values(text, name):
    """Unfolded values of every field called `name`."""
    fields, _ = split(text)
    return [
        re.sub(rb"\r\n([ \t])", rb"\1", field.partition(b":")[2]).strip()
        for field in fields
        if name_of(field) == name.lower()
    ]


def assert_unchanged(test, sent, received, hostname=b"mx.signet.example"):
    """`received` is `sent` but for the fields that the relay adds and removes by rule."""
    sent_fields, sent_body = split(sent)
    fields, body = split(received)
    kept = list(fields)
    while kept and name_of(kept[0]) == b"return-path":
        del kept[0]
    while kept and name_of(kept[0]) == b"dkim-signature" and kept[0] not in sent_fields:
        del kept[0]
    test.assertTrue(kept and name_of(kept[0]) == b"received", "our Received field stands below our signatures")
    test.assertIn(b" by " + hostname, re.sub(rb"\s+", b" ", kept[0]))
    del kept[0]
    sent_names = [name_of(field) for field in sent_fields]
    for added in (b"date", b"message-id"):
        if added not in sent_names:
            found = [field for field in kept if name_of(field) == added]
            test.assertEqual(len(found), 1, f"{added} is added once")
            kept.remove(found[0])
    expected = [field for field in sent_fields if name_of(field) not in REMOVED]
    test.assertEqual(b"".join(kept), b"".join(expected))
    test.assertEqual(body, sent_body)
