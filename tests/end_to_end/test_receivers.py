"""Receivers that nobody here wrote take the mail, in clear and with TLS."""
import mail
import postfix
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from relay import Relay, route
from sinks import Sink, SmtpSink, mail_exchanger


class Receivers(EndToEnd):
    def started(self, routes, **options):
        relay = Relay(self, self.folder, routes, **options)
        relay.key("example.com")
        return relay.start()

    def test_postfix_takes_mail_that_verifies_in_its_mailbox(self):
        receiver = postfix.receiver(self, self.folder)
        relay = self.relay(receiver)
        relay.send(mail.PLAIN)
        stored = waiting.until(self, lambda: receiver.mailbox("bob"), f"mail in the mailbox; {receiver.log()}")[0]
        verify.dkimpy(self, stored, relay.keys)
        verify.opendkim(self, stored, relay.keys, self.names(relay.keys))
        self.assertIn(b"with ESMTP", stored)

    def test_postfix_takes_mail_over_starttls(self):
        certificate = Certificate(self.folder, "receiver.example", "postfix")
        receiver = postfix.receiver(
            self, self.folder, settings=f"smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = {certificate.certificate}\nsmtpd_tls_key_file = {certificate.key}\nsmtpd_tls_received_header = yes\n"
        )
        relay = self.relay(receiver)
        relay.send(mail.PLAIN)
        stored = waiting.until(self, lambda: receiver.mailbox("bob"), "mail in the mailbox")[0]
        self.assertIn(b"using TLSv1.3", stored)
        verify.dkimpy(self, stored, relay.keys)

    def test_smtp_sink_takes_a_burst(self):
        capture = self.folder / "captured"
        capture.mkdir()
        sink = SmtpSink(self, capture=capture)
        relay = self.relay(sink)
        for number in range(20):
            relay.send(mail.message(number=number))
        waiting.until(self, lambda: len(list(capture.iterdir())) == 20 and not relay.queued(), "20 files")

    def test_a_next_hop_with_tls_and_auth_is_used_with_them(self):
        certificate = Certificate(self.folder, "sink.example", "sink")
        seen = []

        def authenticate(server, session, envelope, mechanism, data):
            from aiosmtpd.smtp import AuthResult

            seen.append((data.login, data.password))
            return AuthResult(success=True)

        sink = Sink(self, tls_context=certificate.server_context(), require_starttls=True, authenticator=authenticate, auth_required=True)
        (self.folder / "password").write_text("secret\n")
        (self.folder / "password").chmod(0o600)
        relay = self.started(route(sink.port, extra=f'tls = "encrypt"\nuser = "us"\npassword_file = "{self.folder}/password"'))
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        self.assertEqual(seen, [(b"us", b"secret")])

    def test_a_next_hop_whose_certificate_does_not_verify_gets_nothing(self):
        certificate = Certificate(self.folder, "sink.example", "sink")
        sink = Sink(self, tls_context=certificate.server_context())
        relay = self.started(route(sink.port, extra='tls = "verify"'))
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "deferred"], "a deferral")
        self.assertEqual(sink.messages, [])

    def test_a_next_hop_whose_certificate_verifies_gets_the_mail(self):
        certificate = Certificate(self.folder, "sink.example", "sink")
        sink = Sink(self, tls_context=certificate.server_context(), require_starttls=True)
        routes = route(sink.port, extra='tls = "verify"')
        relay = self.started(routes, more=f'[tls]\noutbound_ca = "{certificate.certificate}"\n')
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_a_maildir_route_keeps_the_message(self):
        relay = self.started(f'[[route]]\nname = "here"\ndefault = true\nnext_hop = "maildir:{self.folder}/Maildir"\n')
        relay.send(mail.PLAIN)
        new = self.folder / "Maildir/new"
        files = waiting.until(self, lambda: list(new.iterdir()) if new.is_dir() else [], "a file")
        octets = mail.crlf(files[0].read_bytes())
        self.assertTrue(octets.lower().startswith(b"return-path: <alice@example.com>"), octets[:200])
        verify.dkimpy(self, octets, relay.keys)

    def test_recipients_go_by_their_route(self):
        partner, others = self.sink(), self.sink()
        routes = f"""
[[route]]
name = "partners"
domains = ["partner.example"]
subdomains_of = ["partner.example"]
next_hop = "smtp://127.0.0.1:{partner.port}"
"""
        relay = self.started(routes + route(others.port))
        relay.send(mail.PLAIN, recipients=["a@partner.example", "b@sub.partner.example", "c@notpartner.example", "d@receiver.example"])
        waiting.until(self, lambda: sum(len(r.recipients) for r in partner.messages + others.messages) == 4, "four deliveries")
        self.assertEqual(sorted(sum((r.recipients for r in partner.messages), [])), ["a@partner.example", "b@sub.partner.example"])
        self.assertEqual(sorted(sum((r.recipients for r in others.messages), [])), ["c@notpartner.example", "d@receiver.example"])

    def mx_relay(self, address, **options):
        """A relay that goes by MX, asking a name server that leads receiver.example to `address`."""
        names = self.names({}, more=(
            "receiver.example. IN MX 10 mx.receiver.example.", "receiver.example. IN MX 5 gone.receiver.example.",
            f"mx.receiver.example. IN A {address}", f"direct.example. IN A {address}", "null.example. IN MX 0 .",
        ))
        resolver = f'[resolver]\nmode = "servers"\nservers = ["{names.address}"]\n'
        return self.started("", more=resolver + '[dsn]\nfrom = "MAILER-DAEMON@example.com"\n', **options)

    def decision(self, relay):
        """The first fact about a recipient."""
        decided = ("bounced", "deferred", "delivered")
        return waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] in decided], "a decision")[0]

    def test_mail_goes_to_the_mx_and_without_one_to_the_address(self):
        address, receiver = mail_exchanger(self)
        relay = self.mx_relay(address, top="allow_private_mx = true\n")
        relay.send(mail.PLAIN)
        verify.dkimpy(self, receiver.one().octets, relay.keys)
        relay.send(mail.PLAIN, recipients=["x@direct.example"])
        self.assertEqual(receiver.wait(2)[1].recipients, ["x@direct.example"])

    def test_null_mx_and_unknown_domains_bounce_at_once(self):
        for recipient, status in (("x@null.example", "5.1.10"), ("x@nowhere.example", "5.1.2")):
            with self.subTest(recipient=recipient):
                self.folder = self.folder / recipient
                self.folder.mkdir()
                relay = self.mx_relay("127.0.0.1")
                relay.send(mail.PLAIN, recipients=[recipient])
                fact = self.decision(relay)
                self.assertEqual((fact["event"], status in fact["reply"]), ("bounced", True), fact)

    def test_an_mx_to_a_private_address_is_not_used(self):
        address, receiver = mail_exchanger(self)
        relay = self.mx_relay(address)
        relay.send(mail.PLAIN)
        self.assertIn(self.decision(relay)["event"], ("bounced", "deferred"))
        self.assertEqual(receiver.connections, 0)
