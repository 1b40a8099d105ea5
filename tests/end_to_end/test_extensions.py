"""SMTP extensions: CHUNKING, SMTPUTF8, DSN, LIMITS and TLS-Required, with programs nobody here wrote."""
import email
import email.policy
import shutil
import smtplib
import subprocess

import mail
import peers
import postfix
import sources
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from dialogue import Dialogue
from relay import Relay
from sinks import Tee, mail_exchanger

DSN = '[dsn]\nfrom = "MAILER-DAEMON@example.com"\n'
IDN = "xn--bcher-kva.example"
WIDE = (
    "From: Jürgen <jürgen@bücher.example>\r\n"
    "To: 甲 <甲@receiver.example>\r\n"
    "Subject: Grüße\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n"
    "Message-ID: <wide@bücher.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    "\r\n"
    "Grüß Gott.\r\n"
).encode()


class Extensions(EndToEnd):
    def say(self, relay, octets, count):
        """Says `octets` after EHLO; the codes of the `count` replies."""
        with Dialogue(relay.port) as client:
            client.open()
            client.write(octets)
            return [client.reply()[0] for _ in range(count)]

    def send_wide(self, relay, sender="jürgen@bücher.example", recipient="甲@receiver.example", message=WIDE):
        envelope = f"MAIL FROM:<{sender}> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
        self.assertEqual(self.say(relay, envelope + message + b".\r\nQUIT\r\n", 5), [250, 250, 354, 250, 221])

    def report(self, octets):
        """The fields about the message, and about each recipient."""
        status = email.message_from_bytes(octets, policy=email.policy.default).get_payload()[1]
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        return status.get_payload()

    def test_any_cut_into_chunks_makes_the_same_message(self):
        sink = self.sink()
        relay = self.relay(sink)
        message = mail.message(body=b"".join(b".line %d\r\n" % n for n in range(40)))
        for size in (1, 7, 64, len(message)):
            chunks = [message[at : at + size] for at in range(0, len(message), size)]
            bdat = b"".join(b"BDAT %d\r\n%s" % (len(chunk), chunk) for chunk in chunks) + b"BDAT 0 LAST\r\n"
            codes = self.say(relay, b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@receiver.example>\r\n" + bdat, 3 + len(chunks))
            self.assertEqual(set(codes), {250})
        for received in sink.wait(4):
            self.assert_unchanged(message, received.octets)
            verify.dkimpy(self, received.octets, relay.keys)

    def test_an_end_of_tls_inside_the_data_is_the_end(self):
        certificate = Certificate(self.folder, "mx.signet.example")
        sink = self.sink()
        listen = '[[listen]]\naddress = "127.0.0.1:0"\nname = "smtp"\ntls = "starttls"\n'
        relay = self.relay(sink, listen=listen, more=certificate.settings())
        for start in (b"BDAT 100 LAST\r\nFrom: ali", b"BDAT 10", b"DATA\r\nFrom: ali"):
            with Dialogue(relay.port) as client:
                client.open()
                client.command(b"STARTTLS")
                clear = client.socket
                client.socket = certificate.client_context().wrap_socket(clear, server_hostname="mx.signet.example")
                client.write(b"EHLO x\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@receiver.example>\r\n" + start)
                self.assertEqual([client.reply()[0] for _ in range(3)], [250, 250, 250])
                if b"DATA" in start:
                    self.assertEqual(client.reply()[0], 354)
                clear = client.socket.unwrap()
                try:
                    clear.sendall(b"c" * 200 + b"\r\n.\r\nQUIT\r\n")
                    self.assertEqual(clear.recv(100), b"")
                except ConnectionError:
                    pass
        relay.send(mail.PLAIN)
        self.assert_unchanged(mail.PLAIN, sink.one().octets)
        self.assertEqual(len(sink.messages), 1)

    def over_tls(self, relay, certificate, envelope, message):
        """The codes of the replies to `envelope` (lines), DATA and the message, after STARTTLS."""
        with Dialogue(relay.port) as client:
            client.open()
            client.command(b"STARTTLS")
            client.socket = certificate.client_context().wrap_socket(client.socket, server_hostname="mx.signet.example")
            client.write(b"EHLO x\r\n")
            self.assertIn("REQUIRETLS", client.reply()[1])
            codes = [client.command(line) for line in (*envelope, b"DATA")]
            return codes + [client.command(message + b".")]

    def test_requiretls_mail_does_not_go_where_it_is_not_offered(self):
        ours, theirs = Certificate(self.folder, "mx.signet.example"), Certificate(self.folder, "sink.example", "sink")
        sink = self.sink(tls_context=theirs.server_context())
        listen = '[[listen]]\naddress = "127.0.0.1:0"\nname = "smtp"\ntls = "starttls"\n'
        relay = self.relay(sink, listen=listen, more=ours.settings() + f'outbound_ca = "{theirs.certificate}"\n' + DSN)
        envelope = (b"MAIL FROM:<alice@example.com> REQUIRETLS RET=FULL", b"RCPT TO:<bob@receiver.example>")
        self.assertEqual(self.over_tls(relay, ours, envelope, mail.PLAIN), [250, 250, 354, 250])
        report = sink.one()
        self.assertEqual(report.recipients, [mail.AUTHOR])
        self.assertEqual(self.report(report.octets)[1]["status"], "5.7.30")
        self.assertNotIn(b"Hello Bob", report.octets, "RET=FULL does not count with REQUIRETLS")
        with relay.client() as client:
            client.ehlo()
            self.assertEqual(client.docmd("MAIL FROM:<alice@example.com> REQUIRETLS")[0], 555, "not in clear")

    def test_tls_required_no_goes_to_a_host_whose_certificate_does_not_verify(self):
        certificate = Certificate(self.folder, "mx.receiver.example", "sink")
        address, sink = mail_exchanger(self, tls_context=certificate.server_context())
        names = self.names({}, more=("receiver.example. IN MX 10 mx.receiver.example.", f"mx.receiver.example. IN A {address}"))
        resolver = f'[resolver]\nmode = "servers"\nservers = ["{names.address}"]\n'
        routes = '[[route]]\nname = "mx"\ndefault = true\nnext_hop = "mx"\ntls = "verify"\n'
        relay = Relay(self, self.folder, routes, top="allow_private_mx = true\n", more=resolver)
        relay.key("example.com")
        relay.start()
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "deferred"], "a deferral")
        relay.send(mail.message(fields=b"TLS-Required: No\r\n"))
        self.assertIn(b"TLS-Required: No", sink.one().octets)
        self.assertEqual(len(sink.messages), 1)

    def test_late_mail_is_told_only_to_who_wants_to_know(self):
        sink = self.sink()
        recipients = {f"{notify}@receiver.example": notify for notify in ("DELAY", "FAILURE")}
        sink.refuse |= {recipient: "450 4.2.1 not now" for recipient in recipients}
        relay = self.relay(sink, more=DSN + '[queue]\ndelay_dsn = "1s"\n')
        for recipient, notify in recipients.items():
            with relay.client() as client:
                client.ehlo()
                client.sendmail(mail.AUTHOR, [recipient], mail.PLAIN, rcpt_options=[f"NOTIFY={notify}"])
        relay.retry_until(lambda: sink.messages, "a report")
        about_recipient = self.report(sink.one().octets)[1]
        self.assertEqual(about_recipient["action"], "delayed")
        self.assertIn("DELAY@", about_recipient["final-recipient"])

    def test_exim_sends_by_bdat(self):
        sink = self.sink()
        relay = self.relay(sink)
        tee = Tee(self, relay.port)
        message = mail.message(body=b"".join(b".line %d\r\n" % number for number in range(2000)))
        self.assertIn(" K ", sources.exim(self.folder, tee.port, message), "K: by CHUNKING")
        self.assertRegex(bytes(tee.streams[0]), rb"\r\nBDAT \d+ LAST\r\n")
        self.assertTrue(sink.one().octets.endswith(mail.split(message)[1]))
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_the_dsn_parameters_of_postfix_arrive_and_are_honoured(self):
        sink = self.sink()
        relay = self.relay(sink, more=DSN)
        tee = Tee(self, relay.port)
        upstream = postfix.upstream(self, self.folder, tee.port)
        with smtplib.SMTP("127.0.0.1", upstream.port, timeout=60) as client:
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN, mail_options=["RET=HDRS", "ENVID=QQ+2B1"],
                            rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;bobby@receiver.example"])
        received = sink.wait(2)
        said = b"".join(tee.streams)
        self.assertIn(b"ENVID=QQ+2B1", said)
        own = next(r for r in received if r.recipients == [mail.FRIEND])
        verify.dkimpy(self, own.octets, relay.keys)
        report = next(r for r in received if r.recipients == [mail.AUTHOR])
        about_message, about_recipient = self.report(report.octets)
        self.assertEqual(about_message["original-envelope-id"], "QQ+1")
        self.assertEqual(about_recipient["original-recipient"].replace(" ", ""), "rfc822;bobby@receiver.example")
        self.assertEqual(about_recipient["action"], "relayed")
        verify.dkimpy(self, report.octets, relay.keys)

    def test_postfix_sends_internationalised_mail(self):
        sink = self.sink()
        relay = self.relay(sink, domains=[IDN])
        upstream = postfix.upstream(self, self.folder, relay.port, "smtputf8_enable = yes\n")
        self.send_wide(upstream)
        received = sink.one()
        self.assertIn(b"UTF8SMTP", received.octets)
        verify.dkimpy(self, received.octets, relay.keys)

    def test_internationalised_mail_is_signed_by_its_a_label(self):
        sink = self.sink()
        relay = self.relay(sink, domains=[IDN])
        self.send_wide(relay)
        received = sink.one()
        self.assertEqual(received.sender, f"jürgen@{IDN}")
        self.assertEqual(received.recipients, ["甲@receiver.example"])
        self.assertIn("SMTPUTF8", received.options)
        self.assertIn(b"with UTF8SMTP", received.octets)
        self.assertEqual(verify.tags(verify.signatures(received.octets)[0])[b"d"], IDN.encode())
        verify.dkimpy(self, received.octets, relay.keys)
        verify.opendkim(self, received.octets, relay.keys, self.names(relay.keys))
        self.assert_unchanged(WIDE, received.octets)

    def test_real_internationalised_mail_verifies(self):
        folder = peers.need_corpus("mime-ruby/rfc6532")
        sink = self.sink()
        relay = self.relay(sink)
        for number, file in enumerate(sorted(folder.glob("*.eml"))):
            message = mail.crlf(file.read_bytes())
            domain = mail.values(message, b"from")[0].decode().rpartition("@")[2].rstrip("> ")
            if number or domain != "example.com":
                relay.key(domain)
            self.send_wide(relay, sender=f"x@{domain}", message=message)
            received = sink.wait(number + 1)[number]
            verify.dkimpy(self, received.octets, relay.keys)

    def test_curl_sends_internationalised_mail(self):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("curl is not installed")
        sink = self.sink()
        relay = self.relay(sink, domains=[IDN])
        file = self.folder / "wide.eml"
        file.write_bytes(WIDE)
        done = subprocess.run(
            [curl, "--silent", "--show-error", f"smtp://127.0.0.1:{relay.port}/client.example", "--mail-from", f"jürgen@{IDN}",
             "--mail-rcpt", "甲@receiver.example", "--upload-file", file],
            capture_output=True, timeout=60, env=peers.environment() | {"LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": ""})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SMTPUTF8", sink.one().options)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_without_smtputf8_the_mail_is_returned_as_5_6_7(self):
        sink = self.sink(enable_SMTPUTF8=False)
        relay = self.relay(sink, more=DSN)
        self.send_wide(relay, sender="alice@example.com", message=mail.PLAIN)
        report = sink.one()
        self.assertEqual(report.recipients, [mail.AUTHOR])
        text = report.octets.decode()
        self.assertIn("message/global-delivery-status", text)
        self.assertIn("Final-Recipient: utf-8; 甲@receiver.example", text)
        self.assertIn("Status: 5.6.7", text)
        verify.dkimpy(self, report.octets, relay.keys)

    def test_without_smtputf8_mail_that_only_has_wide_domains_passes(self):
        sink = self.sink(enable_SMTPUTF8=False)
        relay = self.relay(sink)
        self.send_wide(relay, sender="alice@example.com", recipient="bob@bücher.example", message=mail.PLAIN)
        self.assertEqual(sink.one().recipients, [f"bob@{IDN}"])

    def test_a_next_hop_that_speaks_dsn_gets_the_parameters(self):
        receiver = postfix.receiver(self, self.folder)
        tee = Tee(self, receiver.port)
        relay = self.relay(tee, more=DSN)
        relay_options = dict(mail_options=["RET=HDRS", "ENVID=e+2B1"], rcpt_options=["NOTIFY=FAILURE,SUCCESS", "ORCPT=rfc822;b@receiver.example"])
        with relay.client() as client:
            client.ehlo()
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN, **relay_options)
        waiting.until(self, lambda: receiver.mailbox("bob"), f"mail in the mailbox; {receiver.log()}")
        said = bytes(tee.streams[0])
        self.assertRegex(said, rb"MAIL FROM:<alice@example.com>[^\r]* RET=HDRS ENVID=e\+2B1\r\n")
        self.assertIn(b"RCPT TO:<bob@receiver.example> NOTIFY=FAILURE,SUCCESS ORCPT=rfc822;b@receiver.example\r\n", said)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")
        self.assertEqual(relay.metric("signet_dsn_total"), 0, "the receiver tells the sender")

    def test_delivery_into_a_maildir_is_told_as_delivered(self):
        sink = self.sink()
        maildir = f'[[route]]\nname = "here"\ndomains = ["receiver.example"]\nnext_hop = "maildir:{self.folder}/Maildir"\n'
        relay = self.relay(sink, routes=maildir, more=DSN)
        with relay.client() as client:
            client.ehlo()
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN, rcpt_options=["NOTIFY=SUCCESS"])
        self.assertEqual(self.report(sink.one().octets)[1]["action"], "delivered")

    def test_notify_never_and_success_alone_keep_failures_quiet(self):
        sink = self.sink()
        relay = self.relay(sink, more=DSN)
        for number, notify in enumerate(("NEVER", "SUCCESS", "DELAY")):
            sink.refuse[f"{notify}@receiver.example"] = "550 5.1.1 no such user"
            with relay.client() as client:
                client.ehlo()
                client.sendmail(mail.AUTHOR, [f"{notify}@receiver.example"], mail.PLAIN, rcpt_options=[f"NOTIFY={notify}"])
        waiting.until(self, lambda: not relay.queued(), "nothing is left")
        self.assertEqual(sink.messages, [])

    def test_ret_full_returns_the_message(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "550 5.1.1 no such user"
        relay = self.relay(sink, more=DSN)
        relay.send(mail.PLAIN, options=["RET=FULL"])
        report = email.message_from_bytes(sink.one().octets, policy=email.policy.default)
        original = report.get_payload()[2]
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertIn("Hello Bob.", original.get_payload()[0].get_content())

    def test_the_limits_of_a_next_hop_are_obeyed(self):
        sink = self.sink(extensions=["LIMITS RCPTMAX=2 MAILMAX=2"])
        relay = self.relay(sink)
        recipients = [f"r{number}@receiver.example" for number in range(5)]
        relay.send(mail.PLAIN, recipients=recipients)
        received = sink.wait(3)
        self.assertEqual([len(message.recipients) for message in received], [2, 2, 1])
        self.assertEqual(sorted(sum((message.recipients for message in received), [])), recipients)
        self.assertEqual(sink.connections, 2)

    def test_one_domain_a_session_where_the_next_hop_says_so(self):
        sink = self.sink(extensions=["LIMITS RCPTDOMAINMAX=1"])
        relay = self.relay(sink)
        relay.send(mail.PLAIN, recipients=["a@one.example", "b@two.example", "c@one.example"])
        received = sink.wait(2)
        self.assertEqual(sorted(message.recipients for message in received), [["a@one.example", "c@one.example"], ["b@two.example"]])
        self.assertEqual(sink.connections, 2)
