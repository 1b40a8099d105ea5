"""What stands before the dialogue: load balancers, listeners with their own rules, certificates."""
import hashlib
import smtplib
import socket
import ssl
import struct
import subprocess

import mail
import verify
import waiting
from balancers import HaProxy
from case import EndToEnd
from certificates import Certificate

V2 = b"\r\n\r\n\0\r\nQUIT\n"


PROXIED = """
[[listen]]
address = "127.0.0.1:0"
name = "proxied"
proxy_from = ["127.0.0.1"]
[[listen]]
address = "127.0.0.1:0"
name = "smtp"
"""


def first_words(port, octets, source="127.0.0.1"):
    """Everything that is said to a peer that begins with `octets`."""
    with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(source, 0)) as peer:
        peer.sendall(octets)
        said = b""
        try:
            while part := peer.recv(4096):
                said += part
        except ConnectionResetError:
            pass
        return said


class Front(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()

    def send_through_haproxy(self, options, source):
        """A message of a client at `source`, who alone may send; what arrived."""
        clients = f'[[client]]\nname = "apps"\nnetworks = ["{source}"]\ndomains = "all"\n'
        relay = self.relay(self.receiver, listen=PROXIED, clients=clients)
        balancer = HaProxy(self, self.folder, relay.ports["proxied"], options)
        with smtplib.SMTP("127.0.0.1", balancer.port, timeout=60, source_address=(source, 0)) as client:
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        received = self.receiver.wait(1)[0]
        verify.dkimpy(self, received.octets, relay.keys)
        self.assertIn(f"([{source}])".encode(), mail.values(received.octets, b"received")[0])
        self.assertEqual([fact["peer"] for fact in relay.log() if fact["event"] == "received"], [source])

    def test_haproxy_tells_the_client_by_version_1(self):
        self.send_through_haproxy("send-proxy", "127.5.5.5")

    def test_haproxy_tells_the_client_by_version_2(self):
        self.send_through_haproxy("send-proxy-v2 proxy-v2-options unique-id,crc32c", "127.6.6.6")

    def test_haproxys_health_checks_are_its_own(self):
        relay = self.relay(self.receiver, listen=PROXIED)
        HaProxy(self, self.folder, relay.ports["proxied"], "send-proxy-v2 check-send-proxy check inter 100ms")
        waiting.until(self, lambda: relay.metric("signet_connections_total", listener="proxied") >= 5, "health checks")
        self.assertEqual(relay.metric("signet_connections_refused_total", cause="proxy_header_wrong"), 0)

    def test_b21_a_listed_peer_without_a_header_hears_nothing(self):
        relay = self.relay(self.receiver, listen=PROXIED)
        for octets in (b"EHLO x\r\n", b"PROXY TCP4 1.2.3.4\r\n", V2 + b"\x21\x11" + struct.pack(">H", 60000)):
            self.assertEqual(first_words(relay.ports["proxied"], octets), b"")
        self.assertEqual(relay.metric("signet_connections_refused_total", cause="proxy_header_wrong"), 3)

    def test_b21_a_header_of_an_unlisted_peer_is_garbage(self):
        relay = self.relay(self.receiver, listen=PROXIED)
        header = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n"
        binary = V2 + b"\x21\x11\0\x0c" + socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", 1, 25)
        more = b"EHLO x\r\nMAIL FROM:<alice@example.com>\r\n"
        for name, source in (("proxied", "127.0.0.2"), ("smtp", "127.0.0.1")):
            for octets in (header, binary):
                said = first_words(relay.ports[name], octets + more, source)
                self.assertTrue(said.startswith(b"220 "), said)
                self.assertIn(b"\r\n500 5.5.2 ", said)
                self.assertNotIn(b"\r\n250", said)

    def test_b42_a_mapped_address_in_a_header_is_the_ipv4_address(self):
        clients = '[[client]]\nname = "apps"\nnetworks = ["192.0.2.1"]\ndomains = "all"\n'
        relay = self.relay(self.receiver, listen=PROXIED, clients=clients)
        for address, expected in (("::ffff:192.0.2.1", b"250 2.1.0"), ("2001:db8::1", b"550 5.7.1")):
            said = first_words(relay.ports["proxied"], f"PROXY TCP6 {address} ::1 1 25\r\nEHLO x\r\nMAIL FROM:<alice@example.com>\r\nQUIT\r\n".encode())
            self.assertIn(expected, said)

    def test_the_limit_of_one_address_counts_the_client_and_not_the_load_balancer(self):
        relay = self.relay(self.receiver, listen=PROXIED, limits="connections_per_address = 1\n")
        held = []
        for source, expected in (("192.0.2.1", b"220"), ("192.0.2.2", b"220"), ("192.0.2.2", b"421")):
            peer = socket.create_connection(("127.0.0.1", relay.ports["proxied"]), timeout=60)
            self.addCleanup(peer.close)
            peer.sendall(f"PROXY TCP4 {source} 127.0.0.1 1 25\r\n".encode())
            self.assertEqual(peer.recv(3), expected)
            held.append(peer)

    def test_each_listener_has_its_own_rules(self):
        listen = ('[[listen]]\naddress = "[::1]:0"\nname = "six"\nhostname = "six.example"\nmessage_bytes = 5000\n'
                  '[[listen]]\naddress = "127.0.0.1:0"\nname = "smtp"\nconnections = 1\n')
        clients = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8", "::1"]\ndomains = "all"\n'
        relay = self.relay(self.receiver, listen=listen, clients=clients)
        with smtplib.SMTP("::1", relay.ports["six"], timeout=60) as client:
            client.ehlo()
            self.assertTrue(client.ehlo_resp.startswith(b"six.example\n"))
            self.assertEqual(client.esmtp_features["size"], "5000")
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assertIn(b"([IPv6:::1])", mail.values(self.receiver.wait(1)[0].octets, b"received")[0])
        with relay.client() as client:
            client.ehlo()
            self.assertTrue(client.ehlo_resp.startswith(b"mx.signet.example\n"))
            with self.assertRaises(smtplib.SMTPConnectError) as refused:
                relay.client()
            self.assertEqual(refused.exception.smtp_code, 421)
        self.assertEqual(relay.metric("signet_limit_hits_total", limit="listener_connections"), 1)


class Certificates(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()
        self.certificate = Certificate(self.folder, "mx.signet.example")
        self.listen = '[[listen]]\naddress = "127.0.0.1:0"\nname = "smtp"\ntls = "implicit"\n'

    def issued(self, authority, subject, names="", file="issued"):
        """A certificate signed by `authority`; looks like a Certificate."""
        made = Certificate.__new__(Certificate)
        made.certificate, made.key = self.folder / f"{file}.crt", self.folder / f"{file}.key"
        request = self.folder / f"{file}.csr"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject,
                        "-keyout", made.key, "-out", request] + (["-addext", f"subjectAltName={names}"] if names else []), check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key, "-days", "30",
                        "-copy_extensions", "copy", "-out", made.certificate], check=True, capture_output=True)
        return made

    def mail_as(self, relay, own):
        context = self.certificate.client_context(own)
        with smtplib.SMTP_SSL("127.0.0.1", relay.port, context=context, timeout=60) as client:
            client.ehlo()
            return client.docmd("MAIL FROM:<alice@example.com>")[0]

    def test_a_client_is_known_by_a_name_its_authority_vouches_for(self):
        authority = Certificate(self.folder, "clients.example", file="authority")
        clients = '[[client]]\nname = "db"\ncertificate_names = ["db.example.com"]\ndomains = "all"\n'
        tls = self.certificate.settings() + f'client_ca = "{authority.certificate}"\n'
        relay = self.relay(self.receiver, listen=self.listen, clients=clients, more=tls)
        cases = (
            ("/CN=whatever", "DNS:DB.example.com", 250),
            ("/CN=db.example.com", "", 250),
            ("/CN=db.example.com", "DNS:web.example.com", 550),  # The CN counts only without a dNSName.
            ("/CN=web.example.com", "", 550),
            ("/CN=x", "DNS:*.example.com", 550),
            ("/CN=x", "email:db.example.com", 550),
        )
        for number, (subject, names, expected) in enumerate(cases):
            self.assertEqual(self.mail_as(relay, self.issued(authority, subject, names, f"issued{number}")), expected, (subject, names))
        self.assertEqual(self.mail_as(relay, None), 550)
        stranger = Certificate(self.folder, "db.example.com", file="stranger")
        with self.assertRaises((ssl.SSLError, ConnectionError, smtplib.SMTPServerDisconnected)):
            self.mail_as(relay, stranger)

    def test_a_reload_changes_the_certificate_and_loses_no_connection(self):
        relay = self.relay(self.receiver, listen=self.listen, more=self.certificate.settings())
        before = self.certificate.fingerprint()

        def seen():
            with smtplib.SMTP_SSL("127.0.0.1", relay.port, context=ssl._create_unverified_context(), timeout=60) as client:
                return hashlib.sha256(client.sock.getpeercert(True)).hexdigest()

        self.assertEqual(seen(), before)
        idle = smtplib.SMTP_SSL("127.0.0.1", relay.port, context=self.certificate.client_context(), timeout=60)
        busy = smtplib.SMTP_SSL("127.0.0.1", relay.port, context=self.certificate.client_context(), timeout=60)
        self.addCleanup(idle.close)
        self.addCleanup(busy.close)
        busy.ehlo()
        busy.mail(mail.AUTHOR)
        busy.rcpt(mail.FRIEND)
        self.assertEqual(busy.docmd("DATA")[0], 354)
        busy.send(mail.PLAIN[:100])
        Certificate(self.folder, "mx.signet.example")  # Over the same files.
        self.assertNotEqual(self.certificate.fingerprint(), before)
        relay.reload()
        waiting.until(self, lambda: seen() == self.certificate.fingerprint(), "the new certificate")
        busy.send(mail.PLAIN[100:] + b".\r\n")
        self.assertEqual(busy.getreply()[0], 250)
        idle.ehlo()
        idle.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        for received in self.receiver.wait(2):
            verify.dkimpy(self, received.octets, relay.keys)
