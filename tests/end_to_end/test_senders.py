"""Each block of config/senders.md is run: only hosts, ports and paths are changed."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

import mail
import peers
import postfix
import smtplib
import sources
import verify
from case import EndToEnd
from certificates import Certificate
from relay import program_environment, run_program
from test_clients import PASSWORD, user_line

PAGE = (peers.SOURCE / "config/senders.md").read_text()
BLOCKS = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(section, language=""):
    """The blocks of a section ("" is what comes before the first) in one language."""
    for part in re.split(r"^## ", PAGE, flags=re.M):
        title = part.partition("\n")[0]
        if title.startswith(section) if section else title.startswith("# "):
            found = [text for name, text in BLOCKS.findall(part) if name == language]
            if found:
                return found
    raise AssertionError(f"senders.md has no {language!r} block under {section!r}")


def changed(text, *pairs):
    """Every left side must be there: the page and this test go together."""
    for old, new in pairs:
        if old not in text:
            raise AssertionError(f"senders.md no longer says {old!r}")
        text = text.replace(old, str(new))
    return text


class Senders(EndToEnd):
    def setUp(self):
        super().setUp()
        self.receiver = self.sink()

    def by_user(self):
        """The relay of the first block; its port."""
        certificate = Certificate(self.folder, "relay.example.com")
        self.certificate = certificate.certificate
        hashes = re.compile(r"\[\[user\]\].*?(?=\[\[client\]\])", re.S)
        text = changed(blocks("", "toml")[0], ("/etc/signet/tls.crt", certificate.certificate), ("/etc/signet/tls.key", certificate.key), ("0.0.0.0:2587", "127.0.0.1:0"))
        text = hashes.sub(lambda _: user_line(), text)
        self.signet = self.relay(self.receiver, listen="", clients=text)
        return self.signet.ports["submission"]

    def by_network(self):
        self.signet = self.relay(self.receiver, clients=changed(blocks("Postfix", "toml")[0], ("10.0.0.25", "127.0.0.1")))
        return self.signet.port

    def arrived(self):
        received = self.receiver.wait(1)[0]
        verify.dkimpy(self, received.octets, self.signet.keys)
        return received

    def test_postfix(self):
        port = self.by_network()
        settings = changed(blocks("Postfix")[0], ("[relay.example.com]:2525", f"[127.0.0.1]:{port}"))
        sender = postfix.Postfix(self, self.folder, "myhostname = mail.example.com\nmydestination =\n" + settings)
        with smtplib.SMTP("127.0.0.1", sender.port, timeout=60) as client:
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assertIn(b"(Postfix)", self.arrived().octets)

    def test_exim(self):
        peers.need_root("Exim changes to its own user")
        program = peers.need("usr/sbin/exim4")
        port = self.by_network()
        router, transport = blocks("Exim")
        spool = self.folder / "exim"
        spool.mkdir()
        configuration = self.folder / "exim.conf"
        configuration.write_text("\n".join([
            "primary_hostname = mail.example.com", "domainlist local_domains = mail.example.com", f"spool_directory = {spool}",
            f"log_file_path = {spool}/%slog", f"exim_path = {program}", "keep_environment = LD_LIBRARY_PATH", "begin acl", "begin routers",
            # A relay on this machine is a test's affair.
            changed(router, ("relay.example.com", "127.0.0.1")) + "  self = send", "begin transports", changed(transport, ("2525", port)),
            # One attempt: nobody runs the queue.
            "begin retry", "* * F,1m,1m", ""]))
        # Exim looks for the user it was built for, whom only its installation makes.
        for name, line in (("passwd", "Debian-exim:x:101:101::/:/usr/sbin/nologin"), ("group", "Debian-exim:x:101:")):
            (self.folder / name).write_text(open(f"/etc/{name}").read() + line + "\n")
        shutil.chown(spool, 101, 101)
        mount = " && ".join(f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("passwd", "group"))
        command = shlex.join([program, "-C", str(configuration), "-odf", "-i", "-f", mail.AUTHOR, mail.FRIEND])
        done = subprocess.run(["unshare", "-m", "/bin/sh", "-c", f"{mount} && {command}"], input=mail.PLAIN.replace(b"\r\n", b"\n"),
                              capture_output=True, env=peers.environment(), timeout=120)
        logs = "\n".join(file.read_text() for file in spool.glob("*log") if file.is_file())
        self.assertEqual(done.returncode, 0, done.stderr.decode() + logs)
        self.assertTrue(self.receiver.messages or "=>" in logs, logs)
        self.assertIn(b"(Exim", self.arrived().octets)

    def test_msmtp(self):
        program = peers.need("usr/bin/msmtp")
        port = self.by_user()
        password, file = self.folder / "msmtp.password", self.folder / "msmtprc"
        password.write_text(PASSWORD + "\n")
        file.write_text(changed(blocks("msmtp")[0], ("relay.example.com", "127.0.0.1"), ("2587", port), ("/etc/msmtp.password", password),
                                ("tls on\n", f"tls on\ntls_trust_file {self.certificate}\n")))
        file.chmod(0o600)
        message = mail.PLAIN.replace(b"\r\n", b"\n")
        done = subprocess.run([program, "-C", file, mail.FRIEND], input=message, capture_output=True, env=peers.environment(), timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.arrived().sender, "app@example.com")

    def local(self):
        socket = self.folder / "submit.sock"
        text = changed(blocks("cron", "toml")[0], ("/run/signet/submit.sock", socket), ("www-data", os.getuid()))
        self.signet = self.relay(self.receiver, listen="", clients=text)
        return f"{peers.PROGRAM} send --server unix:{socket}"

    def test_php(self):
        php = peers.need("usr/bin/php8.2")
        ini = self.folder / "php.ini"
        ini.write_text(changed(blocks("cron", "ini")[0], ("/usr/sbin/signet send", self.local())))
        code = 'exit(mail("bob@receiver.example", "s", "text", ["From" => "www@example.com"]) ? 0 : 1);'
        done = subprocess.run([php, "-c", ini, "-r", code], capture_output=True, env=peers.environment() | {"PHP_INI_SCAN_DIR": ""}, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.arrived().sender, "www@example.com")

    def test_cron(self):
        command = self.local().split()
        message = b"From: root@web01.example.com (Cron Daemon)\nTo: bob@receiver.example\nSubject: Cron\n\noutput\n"
        done = subprocess.run([*command, "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root@web01.example.com"], input=message,
                              capture_output=True, env=program_environment(self.folder), timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        received = self.arrived()
        self.assertEqual(received.sender, "root@example.com")
        self.assertIn(b"root@example.com", mail.values(received.octets, b"from")[0])

    def test_django(self):
        peers.need("usr/lib/python3/dist-packages/django")
        port = self.by_user()
        settings = changed(blocks("Django", "python")[0], ("relay.example.com", "127.0.0.1"), ("2587", port))
        script = (f"import os, sys\nsys.path[:0] = {peers.python_path()!r}\ngiven = {{'os': os}}\nexec({settings!r}, given)\n"
                  "from django.conf import settings\nsettings.configure(**{k: v for k, v in given.items() if k.isupper()})\n"
                  "from django.core.mail import send_mail\nassert send_mail('Grüße', 'héllo', None, ['bob@receiver.example']) == 1\n")
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=peers.environment() | {"SIGNET_PASSWORD": PASSWORD}, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(self.arrived().sender, "app@example.com")

    def test_nodemailer(self):
        peers.need("usr/share/nodejs/nodemailer")
        if not shutil.which("node"):
            raise unittest.SkipTest("node is not installed")
        port = self.by_user()
        script = "const nodemailer = require('nodemailer');\n" + changed(blocks("Nodemailer", "js")[0], ("relay.example.com", "127.0.0.1"), ("2587", port)) + (
            "transport.sendMail({from: 'app@example.com', to: 'bob@receiver.example', subject: 'Grüße', text: 'héllo'})"
            ".then(() => transport.close(), error => { console.error(error); process.exit(1); });")
        environment = peers.environment() | {"SIGNET_PASSWORD": PASSWORD, "NODE_EXTRA_CA_CERTS": str(self.certificate)}
        done = subprocess.run(["node", "-e", script], capture_output=True, env=environment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(self.arrived().sender, "app@example.com")

    def test_kubernetes(self):
        try:
            import yaml
        except ImportError:
            raise unittest.SkipTest("python3-yaml is not there") from None
        configuration, workload = yaml.safe_load_all(blocks("Kubernetes", "yaml")[0])
        pod = workload["spec"]["template"]["spec"]
        relay = next(container for container in pod["containers"] if container["name"] == "signet")
        self.assertEqual(relay["args"][:2], ["serve", "--config"])
        volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in workload["spec"]["volumeClaimTemplates"]}
        mounts = {mount["name"]: mount["mountPath"] for mount in relay["volumeMounts"]}
        self.assertEqual(set(mounts), volumes)
        directory, _, name = relay["args"][2].rpartition("/")
        self.assertEqual(mounts["configuration"], directory)
        text = configuration["data"][name]
        self.assertIn(f'spool = "{mounts["spool"]}"', text)
        run_program("keys", "new", "example.com", "--store", self.folder / "domains")
        file = self.folder / name
        file.write_text(changed(text, ("/var/lib/signet", self.folder)))
        checked = json.loads(run_program("check", "--config", file, "--json").stdout)
        self.assertEqual(checked.get("problems", []), [])
