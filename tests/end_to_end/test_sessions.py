"""Who a session is, how many it may be, and what a reload means to it."""
import base64
import concurrent.futures
import json
import smtplib
import ssl

import mail
import waiting
from case import EndToEnd
from certificates import Certificate
from dialogue import Dialogue
from relay import run_program

LOCAL = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\n'
ELSEWHERE = '[[client]]\nname = "elsewhere"\nnetworks = ["192.0.2.0/24"]\ndomains = ["example.com"]\n'
PASSWORD = "correct horse"


def user(name):
    made = json.loads(run_program("user", "new", name, "--json", input=(PASSWORD + "\n").encode()).stdout)
    return f'[[user]]\nname = "{made["name"]}"\npassword = "{made["password"]}"\n'


def client(name, users=(), extra=""):
    return f'[[client]]\nname = "{name}"\nusers = {json.dumps(list(users))}\ndomains = ["example.com"]\n{extra}\n'


class Sessions(EndToEnd):
    def with_users(self, clients):
        self.certificate = Certificate(self.folder, "mx.signet.example")
        return self.relay(self.sink(), clients=clients, more=self.certificate.settings() + user("ann") + user("bob"))

    def secure(self, relay):
        connection = smtplib.SMTP("127.0.0.1", relay.port, local_hostname="client.example", timeout=60)
        context = ssl.create_default_context(cafile=self.certificate.certificate)
        context.check_hostname = False
        connection.starttls(context=context)
        connection.ehlo()
        return connection

    def test_a_connection_finishes_on_the_settings_it_began_with(self):
        sink = self.sink()
        relay = self.relay(sink, clients=LOCAL)
        with Dialogue(relay.port) as between, Dialogue(relay.port) as within:
            for dialogue in (between, within):
                dialogue.open()
            self.assertEqual(within.command(b"MAIL FROM:<alice@example.com>"), 250)
            relay.write_configuration(clients=ELSEWHERE)
            relay.reload()
            waiting.until(self, lambda: relay.metric("signet_reloads_total", result="succeeded") == 1, "the reload")
            self.assertEqual(within.command(b"RCPT TO:<bob@receiver.example>"), 250)
            self.assertEqual(within.command(b"DATA"), 354)
            self.assertEqual(between.envelope()[-1], 354)
            for dialogue in (between, within):
                dialogue.write(mail.PLAIN + b".\r\n")
                self.assertEqual(dialogue.reply()[0], 250)
        self.assertEqual(relay.refusal(mail.PLAIN)[0], 550)
        sink.wait(2)

    def test_a_client_over_its_connections_hears_421_and_is_cut_off(self):
        relay = self.relay(self.sink(), clients=LOCAL + "connections = 1\n")
        with Dialogue(relay.port) as first, Dialogue(relay.port) as second:
            for dialogue in (first, second):
                dialogue.open()
            self.assertEqual(first.envelope()[-1], 354)
            self.assertEqual(second.command(b"MAIL FROM:<alice@example.com>"), 421)
            self.assertTrue(second.ended())

    def test_a_connection_counts_for_the_client_it_has_become(self):
        relay = self.with_users(LOCAL + "connections = 9\n" + client("people", ["ann"], "connections = 1"))
        codes = []
        connections = [self.secure(relay) for _ in range(2)]
        for connection in connections:
            self.assertEqual(connection.docmd("MAIL FROM:<alice@example.com>")[0], 250)
            connection.docmd("RSET")
            connection.login("ann", PASSWORD)
            codes.append(connection.docmd("MAIL FROM:<alice@example.com>")[0])
        self.assertEqual(codes, [250, 421])
        for connection in connections:
            connection.close()

    def test_guessing_passwords_comes_to_an_end(self):
        relay = self.with_users(client("ann", ["ann"]) + client("bob", ["bob"]))
        self.secure(relay).login("ann", PASSWORD)

        def guess(number):
            attempt = base64.b64encode(b"\0bob\0wrong").decode()
            return self.secure(relay).docmd("AUTH", "PLAIN " + attempt)[0]

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            codes = list(pool.map(guess, range(24)))
        self.assertEqual((codes.count(535), codes.count(454)), (20, 4), codes)
        self.assertGreaterEqual(relay.metric("signet_limit_hits_total", limit="password_guesses"), 4)

    def test_all_domains_are_those_that_would_be_signed(self):
        sink = self.sink()
        clients = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = "all"\n'
        relay = self.relay(sink, clients=clients, more='[signing.parents]\n"news.example.com" = "example.com"\n')
        relay.send(mail.PLAIN.replace(b"alice@example.com", b"alice@news.example.com"), sender="alice@news.example.com")
        self.assertEqual(sink.one().sender, "alice@news.example.com")
        self.assertEqual(relay.refusal(mail.PLAIN, sender="alice@other.example.com")[0], 550)
