"""Nobody sends through Signet who is not a configured client, whatever the address looks like."""
import socket

import mail
from case import EndToEnd
from dialogue import Dialogue
from relay import CLIENT, Relay, route

NOBODY = '[[client]]\nname = "elsewhere"\nnetworks = ["192.0.2.0/24"]\ndomains = "all"\n'
TRICKS = [
    b"bob@receiver.example",
    b"bob%receiver.example@mx.signet.example",
    b'"bob@receiver.example"@mx.signet.example',
    b'"bob%receiver.example"@mx.signet.example',
    b"receiver.example!bob@mx.signet.example",
    b"@mx.signet.example:bob@receiver.example",
    b"@mx.signet.example,@example.com:bob@receiver.example",
    b"bob@receiver.example@mx.signet.example",
    b"bob@[127.0.0.1]",
    b"bob@[IPv6:::1]",
    b"bob@localhost",
    b"postmaster@receiver.example",
    b"bob",
    b"receiver.example!bob",
]
SENDERS = [b"alice@example.com", b"", b"alice@mx.signet.example", b"postmaster@localhost", b"alice@[127.0.0.1]", b"root"]


class OpenRelay(EndToEnd):
    def assert_nobody_gets_through(self, relay):
        for sender in SENDERS:
            for recipient in TRICKS:
                with self.subTest(sender=sender, recipient=recipient), Dialogue(relay.port) as dialogue:
                    dialogue.open()
                    mail_code = dialogue.command(b"MAIL FROM:<" + sender + b">")
                    rcpt_code = dialogue.command(b"RCPT TO:<" + recipient + b">")
                    data_code = dialogue.command(b"DATA")
                    self.assertGreaterEqual(min(rcpt_code, data_code), 400, (mail_code, rcpt_code, data_code))
        self.assertEqual(relay.queued(), [])

    def test_a_stranger_sends_nothing(self):
        relay = self.relay(self.sink(), clients=NOBODY)
        self.assert_nobody_gets_through(relay)

    def test_without_any_client_nobody_sends(self):
        relay = self.relay(self.sink(), clients="")
        self.assert_nobody_gets_through(relay)

    def test_a_client_sends_only_as_its_domains(self):
        sink = self.sink()
        clients = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\n'
        relay = self.relay(sink, domains=("example.com", "other.example"), clients=clients)
        self.assertEqual(relay.refusal(mail.PLAIN, sender="alice@other.example")[0], 550)
        self.assertEqual(relay.refusal(mail.PLAIN, sender="alice@sub.example.com")[0], 550)
        code, text = relay.refusal(mail.PLAIN.replace(b"alice@example.com", b"alice@other.example"))
        self.assertEqual((code, "other.example" in text), (550, True), text)
        relay.send(mail.PLAIN)
        self.assertEqual(sink.one().sender, "alice@example.com")

    def test_an_ipv4_client_is_the_same_over_a_mapped_ipv6_socket(self):
        """A socket from outside may take both families; then IPv4 peers look like ::ffff:127.0.0.1."""
        sink = self.sink()
        for clients, taken in ((NOBODY, False), (CLIENT, True)):
            with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
                port = listener.getsockname()[1]
                relay = Relay(self, self.folder / str(taken), route(sink.port), clients=clients,
                              listen=f'[[listen]]\naddress = "[::]:{port}"\nname = "smtp"\n')
                relay.key("example.com")
                relay.give(listener)
                relay.start()
                with Dialogue(port) as dialogue:
                    dialogue.open()
                    self.assertEqual(dialogue.envelope()[1] == 250, taken)

    def test_route_addresses_and_malformed_ones_are_refused_from_clients_too(self):
        relay = self.relay(self.sink())
        for recipient in (b"@a.example:bob@receiver.example", b"bob@receiver.example@b.example", b"bob@", b"@receiver.example", b"bob@-x.example", b"bob @receiver.example"):
            with self.subTest(recipient=recipient), Dialogue(relay.port) as dialogue:
                dialogue.open()
                self.assertEqual(dialogue.command(b"MAIL FROM:<alice@example.com>"), 250)
                self.assertIn(dialogue.command(b"RCPT TO:<" + recipient + b">"), range(500, 560))
