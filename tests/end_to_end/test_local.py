"""Mail of this machine's own programs: the Unix socket, and `signet send` in sendmail's place."""
import os
import shutil
import smtplib
import socket
import subprocess
from pathlib import Path

import mail
import peers
import verify
import waiting
from case import EndToEnd
from relay import program_environment

LISTEN = """
[[listen]]
address = "unix:{folder}/submit.sock"
name = "local"
[[listen]]
address = "127.0.0.1:0"
name = "smtp"
"""
REWRITE = '[rewrite]\n"{host}" = "example.com"\n'
MESSAGE = b"From: alice@example.com\nTo: bob@receiver.example\nSubject: hello\n\nbody\n.\nmore\n"


class UnixSmtp(smtplib.SMTP):
    """smtplib at a Unix socket."""

    def __init__(self, path):
        self.path = str(path)
        super().__init__("localhost", 25, local_hostname="local.example", timeout=60)

    def _get_socket(self, host, port, timeout):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(timeout)
        made.connect(self.path)
        return made


class Local(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()
        self.socket = self.folder / "submit.sock"

    def start(self, users=None, more="", **options):
        users = users or f'["{os.getuid()}"]'
        clients = f'[[client]]\nname = "local"\nunix_users = {users}\ndomains = "all"\n'
        return self.relay(self.receiver, listen=LISTEN.format(folder=self.folder), clients=clients, more=more, **options)

    def send(self, relay, *arguments, message=MESSAGE, name=None, user=None):
        """`signet send`; (status, what it said)."""
        command = [str(name)] if name else [peers.PROGRAM, "send"]
        where = ["--config", str(relay.configuration)] if relay else []
        done = subprocess.run([*command, *where, *arguments], input=message, capture_output=True, timeout=120,
                              env=program_environment(self.folder), user=user)
        return done.returncode, done.stderr.decode()

    def one(self, relay):
        received = self.receiver.wait(1)[0]
        verify.dkimpy(self, received.octets, relay.keys)
        return received

    def test_a_client_at_the_unix_socket_is_known_by_its_user(self):
        relay = self.start()
        with UnixSmtp(self.socket) as client:
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assert_unchanged(mail.PLAIN, self.one(relay).octets)
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "received"], "the fact")
        self.assertEqual([fact["peer"] for fact in relay.log() if fact["event"] == "received"], [f"unix:{os.getuid()}"])
        relay.stop()
        self.assertFalse(self.socket.exists(), "the socket goes with the relay")

    def test_another_user_at_the_unix_socket_is_nobody(self):
        self.start(users='["54321"]')
        with UnixSmtp(self.socket) as client:
            client.ehlo()
            self.assertEqual(client.docmd("MAIL FROM:<alice@example.com>"), (550, b"5.7.1 Relaying denied: this address belongs to no configured client"))

    def test_a_unix_socket_left_by_a_killed_relay_is_no_obstacle(self):
        relay = self.start()
        relay.kill()
        self.assertTrue(self.socket.exists())
        relay.start()
        with UnixSmtp(self.socket) as client:
            self.assertEqual(client.noop()[0], 250)

    def test_send_submits_with_the_arguments_of_php(self):
        relay = self.start()
        blind = MESSAGE.replace(b"Subject", b"Bcc: carol@receiver.example\nSubject")
        self.assertEqual(self.send(relay, "-t", "-i", "-f", "alice@example.com", message=blind), (0, ""))
        received = self.one(relay)
        self.assertEqual((received.sender, received.recipients), ("alice@example.com", ["bob@receiver.example", "carol@receiver.example"]))
        self.assertNotIn(b"carol", received.octets)
        self.assertTrue(received.octets.endswith(b"\r\n\r\nbody\r\n.\r\nmore\r\n"))

    def test_send_submits_what_cron_writes(self):
        mailname = Path("/etc/mailname")
        host = mailname.read_text().split()[0] if mailname.exists() else "mx.signet.example"
        relay = self.start(more=REWRITE.format(host=host))
        message = b"To: root\nSubject: Cron <root@web01> true\n\noutput\n"
        status, said = self.send(relay, "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", message=message)
        self.assertEqual((status, said), (0, ""))
        received = self.one(relay)
        self.assertIn(b'From: "CronDaemon" <', received.octets)
        self.assertTrue(received.recipients[0].startswith("root@"))

    def test_a_link_called_sendmail_is_sendmail(self):
        relay = self.start()
        link = self.folder / "sendmail"
        link.symlink_to(peers.PROGRAM)
        self.assertEqual(self.send(relay, "-i", "-falice@example.com", "bob@receiver.example", name=link), (0, ""))
        self.one(relay)

    def test_phps_mail_function_sends(self):
        relay = self.start()
        php = peers.need("usr/bin/php8.2")
        code = 'exit(mail("bob@receiver.example", "Gr\u00fc\u00dfe", "h\u00e9llo\\n.\\nmore\\n", ["From" => "alice@example.com", "MIME-Version" => "1.0", "Content-Type" => "text/plain; charset=utf-8"]) ? 0 : 1);'
        code = code.replace("Gr\u00fc\u00dfe", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=")
        path = f"{peers.PROGRAM} send --config {relay.configuration} -t -i -f alice@example.com"
        done = subprocess.run([php, "-n", "-d", f"sendmail_path={path}", "-r", code], capture_output=True, timeout=120,
                              env=peers.environment() | {"TMPDIR": str(self.folder)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        received = self.one(relay)
        self.assertIn("h\u00e9llo\r\n.\r\nmore\r\n".encode(), received.octets)

    def test_the_exit_status_says_whether_to_try_again(self):
        relay = self.start()
        cases = (
            (64, "no recipient", ()),
            (64, "unknown option", ("-Z", "bob@receiver.example")),
            (75, "unix:/nowhere", ("--server", "unix:/nowhere", "bob@receiver.example")),
            (77, "550 5.7.1", ("-f", "eve@elsewhere.example", "bob@receiver.example")),
            (67, "501 5.1.3", ("bob@", )),
            (65, "554 5.6.0", ("bob@receiver.example",)),
        )
        for status, expected, arguments in cases:
            message = MESSAGE + b"x" * 2000 + b"\n" if status == 65 else MESSAGE
            got, said = self.send(relay, *(["-f", "alice@example.com", "-i"] if status in (65, 67) else []), *arguments, message=message)
            self.assertEqual(got, status, said)
            self.assertIn(expected, said)
        relay.stop()
        self.assertEqual(self.send(relay, "bob@receiver.example")[0], 75)
        self.assertEqual(self.receiver.messages, [])

    def test_a_recipient_refused_for_good_is_named_and_the_others_get_the_message(self):
        relay = self.start()
        options = ("-i", "-f", "alice@example.com")
        status, said = self.send(relay, *options, "bad@", "bob@receiver.example", "worse@", "carol@receiver.example")
        self.assertEqual(status, 67, said)
        lines = said.splitlines()
        self.assertEqual(len(lines), 2, said)
        for line, recipient in zip(lines, ("bad@", "worse@")):
            self.assertTrue(line.startswith(f"signet send: {recipient}: 501 5.1.3"), line)
        self.assertEqual(self.one(relay).recipients, ["bob@receiver.example", "carol@receiver.example"])
        # For nobody: nothing is sent.
        status, said = self.send(relay, *options, "bad@", "worse@")
        self.assertEqual((status, len(said.splitlines())), (67, 2), said)

    def test_a_recipient_refused_for_now_keeps_the_message_from_all(self):
        relay = self.start()
        crowd = [f"r{number}@receiver.example" for number in range(101)]  # One more than a transaction takes.
        status, said = self.send(relay, "-i", "-f", "alice@example.com", *crowd)
        self.assertEqual(status, 75, said)
        self.assertIn("452 4.5.3", said)
        self.assertEqual(relay.queued(), [])
        self.assertEqual(self.receiver.messages, [])

    def test_a_user_who_may_not_read_the_configuration_names_the_server(self):
        peers.need_root("becomes another user")
        relay = self.start(users='["nobody"]')
        relay.configuration.chmod(0o600)
        program = self.folder / "signet"
        shutil.copy(peers.PROGRAM, program)  # The build folder may be nobody's business.
        program.chmod(0o755)
        done = subprocess.run([program, "send", "--server", f"unix:{self.socket}", "-f", "alice@example.com", "bob@receiver.example"],
                              input=MESSAGE, capture_output=True, timeout=120, env=program_environment(self.folder), user="nobody")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.one(relay)
