"""Clients nobody here wrote, each sending to a relay on loopback."""
import json
import os
import shutil
import subprocess
import unittest

import peers


def _run(command, **options):
    done = subprocess.run(command, capture_output=True, env=peers.environment(), timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} exited {done.returncode}: {(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def swaks(port, message, *options, sender="alice@example.com", recipient="bob@receiver.example"):
    """swaks wants LF lines, and ends the last one itself."""
    program = peers.need("usr/bin/swaks")
    return _run([
        "perl", program, "--server", "127.0.0.1", "--port", str(port), "--ehlo", "client.example",
        "--from", sender, "--to", recipient, "--data", "-", *options,
    ], input=message.replace(b"\r\n", b"\n").removesuffix(b"\n"))


def msmtp(folder, port, message, *settings, sender="alice@example.com", recipients=("bob@receiver.example",)):
    program = peers.need("usr/bin/msmtp")
    file = folder / "msmtprc"
    lines = ["defaults", "logfile -", "account default", "host 127.0.0.1", f"port {port}", f"from {sender}", "domain client.example", *settings]
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    return _run([program, "-C", str(file), *recipients], input=message.replace(b"\r\n", b"\n"))


def gsasl(port, mechanism, user, password, certificate, *options, check=True):
    """gsasl logs in over STARTTLS and leaves; returns (status, what it printed)."""
    program = peers.need("usr/bin/gsasl")
    done = subprocess.run(
        [program, "--client", "--smtp", "--verbose", "--mechanism", mechanism, "--authentication-id", user,
         "--password", password, "--x509-ca-file", str(certificate), *options, f"--connect=127.0.0.1:{port}"],
        capture_output=True, env=peers.environment(), timeout=120, input=b"",
    )
    said = (done.stdout + done.stderr).decode(errors="replace")
    if check and done.returncode != 0:
        raise AssertionError(f"gsasl exited {done.returncode}: {said}")
    return done.returncode, said


def smtp_source(port, *options, count=1, sessions=1, length=4096, sender="alice@example.com", recipient="bob@receiver.example"):
    """Postfix's load generator: `count` messages of about `length` octets over `sessions` connections."""
    program = peers.need("usr/sbin/smtp-source")
    return _run([
        program, "-s", str(sessions), "-m", str(count), "-l", str(length), "-f", sender, "-t", recipient,
        "-M", "client.example", *options, f"127.0.0.1:{port}",
    ])


EXIM = """\
deliver_drop_privilege = true
exim_user = mail
exim_group = mail
keep_environment =
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = mail.example.com
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {port}
  allow_localhost
"""


def exim(folder, port, message, sender="alice@example.com", recipient="bob@receiver.example"):
    """Exim with the relay as its smarthost takes a message and delivers it; returns what it logged."""
    peers.need_root("Exim changes to another user")
    program = peers.need("usr/sbin/exim4")
    folder = folder / "exim"
    folder.mkdir()
    shutil.chown(folder, "mail", "mail")
    (folder / "conf").write_text(EXIM.format(folder=folder, port=port))
    environment = peers.environment() | {"LD_PRELOAD": os.environ.get("SIGNET_USER_PRELOAD", "")}
    done = subprocess.run([program, "-C", folder / "conf", "-odf", "-i", "-f", sender, recipient],
                          input=message.replace(b"\r\n", b"\n"), capture_output=True, env=environment, timeout=120)
    log = folder / "mainlog"
    said = log.read_text() if log.exists() else done.stderr.decode(errors="replace")
    if done.returncode != 0 or "=>" not in said:
        raise AssertionError(f"Exim exited {done.returncode}: {said}")
    return said


NODE = """
const nodemailer = require('nodemailer');
const given = JSON.parse(process.argv[1]);
const transport = nodemailer.createTransport(given.transport);
transport.sendMail(given.message).then(
  info => { console.log(info.response); transport.close(); },
  error => { console.error(error.message); process.exit(1); });
"""


def nodemailer(port, message, **transport):
    """`message` as nodemailer's sendMail takes it; returns the relay's last reply."""
    peers.need("usr/share/nodejs/nodemailer")
    given = {"transport": {"host": "127.0.0.1", "port": port, "name": "client.example", "tls": {"rejectUnauthorized": False}} | transport,
             "message": message}
    if not shutil.which("node"):
        raise unittest.SkipTest("node is not installed")
    return _run(["node", "-e", NODE, json.dumps(given)])
