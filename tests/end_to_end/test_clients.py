"""Programs that nobody here wrote send through the relay: in clear, with TLS, with AUTH."""
import json
import shutil
import smtplib

import mail
import postfix
import sources
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from relay import run_program

PASSWORD = "correct horse battery staple"
LISTEN = """
[[listen]]
address = "127.0.0.1:0"
name = "smtp"

[[listen]]
address = "127.0.0.1:0"
name = "submission"
tls = "starttls"
require_tls = true
require_auth = true

[[listen]]
address = "127.0.0.1:0"
name = "submissions"
tls = "implicit"
require_auth = true
"""


def user_line(name="app", password=PASSWORD):
    made = json.loads(run_program("user", "new", name, "--json", input=(password + "\n").encode()).stdout)
    return f'[[user]]\nname = "{made["name"]}"\npassword = "{made["password"]}"\nscram = "{made["scram"]}"\n'


class Clients(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()

    def submission(self):
        """A relay with STARTTLS and implicit TLS where the user `app` may send as example.com."""
        self.certificate = Certificate(self.folder, "mx.signet.example")
        clients = '[[client]]\nname = "apps"\nusers = ["app"]\ndomains = ["example.com"]\n'
        return self.relay(self.receiver, listen=LISTEN, clients=clients, more=self.certificate.settings() + user_line())

    def assert_arrives(self, relay, count=1):
        for received in self.receiver.wait(count):
            verify.dkimpy(self, received.octets, relay.keys)
            self.assertEqual(received.recipients, ["bob@receiver.example"])
        return self.receiver.messages

    def test_swaks_sends(self):
        relay = self.relay(self.receiver)
        sources.swaks(relay.port, mail.PLAIN)
        self.assert_unchanged(mail.PLAIN, self.assert_arrives(relay)[0].octets)

    def test_swaks_sends_with_pipelining(self):
        relay = self.relay(self.receiver)
        sources.swaks(relay.port, mail.PLAIN, "--pipeline")
        self.assert_arrives(relay)

    def test_swaks_sends_with_starttls_and_each_auth_mechanism(self):
        relay = self.submission()
        for mechanism in ("PLAIN", "LOGIN"):
            sources.swaks(relay.ports["submission"], mail.PLAIN, "--tls", "--auth", mechanism, "--auth-user", "app", "--auth-password", PASSWORD)
        received = self.assert_arrives(relay, 2)
        self.assertIn(b"with ESMTPSA", received[0].octets)

    def test_swaks_with_a_wrong_password_is_refused(self):
        relay = self.submission()
        with self.assertRaisesRegex(AssertionError, "535 5.7.8"):
            sources.swaks(relay.ports["submission"], mail.PLAIN, "--tls", "--auth", "PLAIN", "--auth-user", "app", "--auth-password", "wrong")
        self.assertEqual(relay.metric("signet_auth_attempts_total", result="failed"), 1)
        (fact,) = waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "rejected"], "it is told")
        self.assertEqual((fact["command"], fact["cause"], fact["listener"]), ("AUTH", "auth_failed", "submission"))
        self.assertNotIn("app", json.dumps(fact))

    def test_msmtp_sends(self):
        relay = self.relay(self.receiver)
        sources.msmtp(self.folder, relay.port, mail.PLAIN)
        self.assert_arrives(relay)

    def test_msmtp_sends_with_implicit_tls_and_auth(self):
        relay = self.submission()
        settings = ("auth plain", "user app", f"password {PASSWORD}", "tls on", "tls_starttls off", f"tls_trust_file {self.certificate.certificate}")
        sources.msmtp(self.folder, relay.ports["submissions"], mail.PLAIN, *settings)
        self.assert_arrives(relay)

    def test_smtp_source_sends_over_many_connections(self):
        relay = self.relay(self.receiver, loops=4)
        sources.smtp_source(relay.port, "-d", count=40, sessions=8)
        self.assert_arrives(relay, 40)

    def test_smtplib_sends_with_starttls_and_auth(self):
        relay = self.submission()
        with smtplib.SMTP("127.0.0.1", relay.ports["submission"], timeout=60) as client:
            client.ehlo()
            self.assertFalse(client.has_extn("auth"), "AUTH is offered under TLS only")
            client.starttls(context=self.certificate.client_context())
            client.login("app", PASSWORD)
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assert_arrives(relay)

    def test_smtplib_sends_with_implicit_tls(self):
        relay = self.submission()
        with smtplib.SMTP_SSL("127.0.0.1", relay.ports["submissions"], context=self.certificate.client_context(), timeout=60) as client:
            client.login("app", PASSWORD)
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assert_arrives(relay)

    def test_submission_refuses_mail_without_tls_or_auth(self):
        relay = self.submission()
        with smtplib.SMTP("127.0.0.1", relay.ports["submission"], timeout=60) as client:
            client.ehlo()
            self.assertEqual(client.docmd("MAIL FROM:<alice@example.com>")[0], 530)
            client.starttls(context=self.certificate.client_context())
            client.ehlo()
            self.assertEqual(client.docmd("MAIL FROM:<alice@example.com>")[0], 530)

    def test_nodemailer_sends(self):
        relay = self.relay(self.receiver)
        message = {"from": "Alice <alice@example.com>", "to": "bob@receiver.example", "subject": "Grüße", "text": "héllo", "html": "<p>héllo",
                   "attachments": [{"filename": "ä.bin", "content": "AAAA", "encoding": "base64"}]}
        self.assertIn("250 2.0.0", sources.nodemailer(relay.port, message))
        self.assert_arrives(relay)

    def test_nodemailer_sends_with_starttls_and_auth(self):
        relay = self.submission()
        message = {"from": "alice@example.com", "to": "bob@receiver.example", "subject": "s", "text": "t"}
        sources.nodemailer(relay.ports["submission"], message, requireTLS=True, auth={"user": "app", "pass": PASSWORD})
        self.assert_arrives(relay)

    def test_postfix_uses_it_as_its_relayhost(self):
        clients = '[[client]]\nname = "postfix"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", "mail.example.com"]\nforeign_from = "relay"\n'
        relay = self.relay(self.receiver, domains=("example.com", "mail.example.com"), clients=clients)
        upstream = postfix.upstream(self, self.folder, relay.port)
        (self.folder / "forward").mkdir()
        forward = self.folder / "forward/games"
        forward.write_text("bob@receiver.example\n")
        shutil.chown(forward, "games")
        carols = mail.PLAIN.replace(b"alice@example.com", b"carol@elsewhere.example")
        with smtplib.SMTP("127.0.0.1", upstream.port, timeout=60) as client:
            client.sendmail("alice@example.com", ["bob@receiver.example"], mail.PLAIN)
            client.sendmail("carol@elsewhere.example", ["games@example.com"], carols)
            client.sendmail("alice@example.com", ["refused@receiver.example"], mail.PLAIN)
            self.receiver.refuse["refused@receiver.example"] = "550 5.1.1 no such user"
        own = next(r for r in self.receiver.wait(2) if r.sender == "alice@example.com")
        forwarded = next(r for r in self.receiver.messages if r.sender == "carol@elsewhere.example")
        self.assertIn(b"(Postfix)", own.octets)
        verify.dkimpy(self, own.octets, relay.keys)
        self.assertEqual(verify.signatures(forwarded.octets), [], "foreign mail is not signed as ours")
        self.assertIn(b"carol@elsewhere.example", mail.values(forwarded.octets, b"from")[0])

    def test_postfixs_own_bounces_leave_signed(self):
        clients = '[[client]]\nname = "postfix"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", "mail.example.com"]\n'
        relay = self.relay(self.receiver, domains=("example.com", "mail.example.com"), clients=clients)
        upstream = postfix.upstream(self, self.folder, relay.port, "smtpd_reject_unlisted_recipient = no\n")
        with smtplib.SMTP("127.0.0.1", upstream.port, timeout=60) as client:
            client.sendmail("carol@elsewhere.example", ["nobody-here@example.com"], mail.PLAIN)
        bounce = self.receiver.one()
        self.assertIn(bounce.sender, (None, "", "<>"))
        self.assertEqual(bounce.recipients, ["carol@elsewhere.example"])
        self.assertIn(b"MAILER-DAEMON@example.com", mail.values(bounce.octets, b"from")[0])
        verify.dkimpy(self, bounce.octets, relay.keys)
