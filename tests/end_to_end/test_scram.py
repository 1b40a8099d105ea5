"""SCRAM-SHA-256 and -PLUS with clients nobody here wrote, and what guessing tells and costs."""
import base64
import json
import smtplib
import ssl
import statistics
import subprocess
import time

import mail
import peers
import sources
import verify
from case import EndToEnd
from certificates import Certificate
from relay import run_program
from test_clients import LISTEN, PASSWORD, user_line

# Without --no-cb gsasl would not use the mechanism that does not bind.
GSASL = {"SCRAM-SHA-256": ["--no-cb"], "SCRAM-SHA-256-PLUS": []}


def mechanisms(client):
    return set(client.esmtp_features["auth"].split())


class Scram(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()
        self.certificate = Certificate(self.folder, "mx.signet.example")
        clients = '[[client]]\nname = "apps"\nusers = ["app"]\ndomains = ["example.com"]\n'
        self.relayed = self.relay(self.receiver, listen=LISTEN, clients=clients, more=self.certificate.settings() + user_line())
        self.port = self.relayed.ports["submission"]

    def connect(self, context=None):
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=60)
        self.addCleanup(client.close)
        client.ehlo()
        client.starttls(context=context or self.certificate.client_context())
        client.ehlo()
        return client

    def first_answer(self, user):
        """What a server-first-message says to `user` without its nonce."""
        client = self.connect()
        first = base64.b64encode(f"n,,n={user},r=abcdefgh".encode()).decode()
        code, text = client.docmd("AUTH SCRAM-SHA-256", first)
        self.assertEqual(code, 334, text)
        client.docmd("*")
        nonce, salt, iterations = base64.b64decode(text).decode().split(",")
        self.assertTrue(nonce.startswith("r=abcdefgh"))
        return salt, iterations

    def test_gsasl_proves_itself_with_and_without_channel_binding(self):
        for mechanism, options in GSASL.items():
            _, said = sources.gsasl(self.port, mechanism, "app", PASSWORD, self.certificate.certificate, *options)
            self.assertIn("235 2.7.0", said)
        self.assertEqual(self.relayed.metric("signet_auth_attempts_total", result="succeeded"), 2)

    def test_gsasl_with_a_wrong_password_is_refused(self):
        for mechanism, options in GSASL.items():
            status, said = sources.gsasl(self.port, mechanism, "app", "wrong", self.certificate.certificate, *options, check=False)
            self.assertNotEqual(status, 0)
            self.assertNotIn("235 2.7.0", said)
        self.assertEqual(self.relayed.metric("signet_auth_attempts_total", result="failed"), 2)

    def test_gsasl_takes_the_keys_of_signet_for_its_own(self):
        made = json.loads(run_program("user", "new", "x", "--json", input=b"pencil\n").stdout)["scram"]
        _, parameters, keys = made.split("$")
        iterations, salt = parameters.split(":")
        stored, server = keys.split(":")
        self.assertGreaterEqual(int(iterations), 4096)
        done = subprocess.run(
            [peers.need("usr/bin/gsasl"), "--mkpasswd", "--mechanism", "SCRAM-SHA-256", "--password", "pencil", "--iteration-count", iterations, "--salt", salt],
            capture_output=True, env=peers.environment(), check=True)
        self.assertEqual(done.stdout.decode().strip(), f"{{SCRAM-SHA-256}}{iterations},{salt},{stored},{server}")

    def test_msmtp_sends_with_scram(self):
        settings = ("auth scram-sha-256", "user app", f"password {PASSWORD}", "tls on", "tls_starttls on", f"tls_trust_file {self.certificate.certificate}")
        sources.msmtp(self.folder, self.port, mail.PLAIN, *settings)
        received = self.receiver.wait(1)[0]
        verify.dkimpy(self, received.octets, self.relayed.keys)
        self.assertIn(b"with ESMTPSA", received.octets)

    def test_binding_is_offered_under_tls_1_3_only(self):
        old = self.certificate.client_context()
        old.maximum_version = old.minimum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(mechanisms(self.connect()), {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"})
        self.assertEqual(mechanisms(self.connect(old)), {"SCRAM-SHA-256", "PLAIN", "LOGIN"})

    def test_a_client_that_saw_no_offer_of_binding_is_refused(self):
        """A11: somebody in between took -PLUS out of the EHLO reply."""
        client = self.connect()
        code, _ = client.docmd("AUTH SCRAM-SHA-256", base64.b64encode(b"y,,n=app,r=abcdefgh").decode())
        self.assertEqual(code, 535)

    def test_b19_an_unknown_user_gets_a_salt_that_stays(self):
        known, unknown = self.first_answer("app"), self.first_answer("nobody")
        self.assertEqual(self.first_answer("nobody"), unknown)
        self.assertNotEqual(self.first_answer("somebody"), unknown)
        self.assertEqual(known[1], unknown[1])
        self.assertEqual(len(known[0]), len(unknown[0]))

    def test_b19_unknown_users_and_wrong_passwords_take_the_same_time(self):
        """Medians over interleaved attempts; guesses that are free of delay, from a network each."""
        took = {"app": [], "nobody": []}
        for i in range(30):
            for user in took:
                # A network of its own per attempt: nothing here is slowed down on purpose.
                with smtplib.SMTP("127.0.0.1", self.port, timeout=60, source_address=(f"127.0.{i + 1}.{1 if user == 'app' else 2}", 0)) as client:
                    client.ehlo()
                    client.starttls(context=self.certificate.client_context())
                    client.ehlo()
                    began = time.perf_counter()
                    code, text = client.docmd("AUTH PLAIN", base64.b64encode(f"\0{user}\0wrong".encode()).decode())
                    if code == 454:
                        continue  # The account has had its share.
                    self.assertEqual((code, text), (535, b"5.7.8 Authentication credentials invalid"))
                    took[user].append(time.perf_counter() - began)
        known, unknown = (statistics.median(took[user]) for user in ("app", "nobody"))
        self.assertGreaterEqual(min(map(len, took.values())), 15)
        self.assertLess(abs(known - unknown), 0.25 * known, f"known {known:.4f} s, unknown {unknown:.4f} s")

    def test_b19_an_account_and_a_network_have_a_limit(self):
        codes = []
        for i in range(30):
            with smtplib.SMTP("127.0.0.1", self.port, timeout=60, source_address=(f"127.1.{i}.1", 0)) as client:
                client.ehlo()
                client.starttls(context=self.certificate.client_context())
                client.ehlo()
                codes.append(client.docmd("AUTH PLAIN", base64.b64encode(b"\0app\0wrong").decode())[0])
        self.assertEqual(codes[:20], [535] * 20)
        self.assertIn(454, codes[20:])
        self.assertGreaterEqual(self.relayed.metric("signet_limit_hits_total", limit="password_guesses"), 1)
