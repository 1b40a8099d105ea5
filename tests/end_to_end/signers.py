"""Signers nobody here wrote, asked what they sign: OpenDKIM's filter in its test mode, and rspamd."""
import json
import os
import re
import signal
import subprocess
import urllib.request

import peers
import verify
import waiting
from sinks import free_port

RSPAMD = """\
options {{
  filters = "dkim"; pidfile = "{folder}/pid"; tempdir = "{folder}"; hs_cache_dir = "{folder}"; url_tld = "{folder}/tld";
  control_socket = "{folder}/control mode=0600"; local_addrs = "127.0.0.0/8";
  dns {{ nameserver = "127.0.0.1:1"; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
modules {{ path = "{share}/plugins/dkim_signing.lua"; }}
dkim {{ }}
dkim_signing {{ .include "{settings}" }}
"""


def message(author):
    return (
        f"From: Alice <{author}>\r\nTo: bob@receiver.example\r\nSubject: who signs\r\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <m@signet.example>\r\n\r\nHello.\r\n"
    ).encode()


def signed_by(octets):
    """{(d=, s=)} of a signed message."""
    found = [verify.tags(field) for field in verify.signatures(octets)]
    return {(tag[b"d"].decode(), tag[b"s"].decode()) for tag in found}


def make_key(folder, domain, selector, bits=2048):
    """As a user of OpenDKIM does: SELECTOR.private and SELECTOR.txt in `folder`."""
    program = peers.need("usr/sbin/opendkim-genkey")
    folder.mkdir(parents=True, exist_ok=True)
    command = [program, "-D", folder, "-d", domain, "-s", selector, "-b", str(bits), "-r"]
    subprocess.run(command, check=True, env=peers.environment(), capture_output=True)
    return folder / f"{selector}.private"


def opendkim(configuration, author, folder):
    """{(d=, s=)} with which OpenDKIM signs mail of `author`."""
    program = peers.need("usr/sbin/opendkim")
    file = folder / "probe.eml"
    file.write_bytes(message(author))
    command = [program, "-x", configuration, "-t", file, "-vvv"]
    done = subprocess.run(command, capture_output=True, env=peers.environment(), timeout=60)
    text = "".join((done.stdout + done.stderr).decode(errors="replace").split())
    if done.returncode != 0:
        raise AssertionError(f"opendkim exits {done.returncode}: {text}")
    return set(re.findall(r"v=1;a=rsa-sha256;c=[a-z/]*;d=([^;]*);s=([^;]*);", text))


class Rspamd:
    """A running rspamd with the dkim_signing settings of `settings`."""

    def __init__(self, test, folder, settings):
        program = peers.need("usr/bin/rspamd")
        self.folder, self.port = folder / "rspamd", free_port()
        self.folder.mkdir()
        share = peers.ROOT / "usr/share/rspamd"
        (self.folder / "tld").write_text("com\nexample\n")
        configuration = self.folder / "rspamd.conf"
        configuration.write_text(RSPAMD.format(folder=self.folder, port=self.port, share=share, settings=settings))
        places = {"LUALIBDIR": share / "lualib", "RULESDIR": share / "rules", "PLUGINSDIR": share / "plugins", "SHAREDIR": share}
        places |= dict.fromkeys(("DBDIR", "RUNDIR", "LOGDIR", "CONFDIR", "LOCAL_CONFDIR"), self.folder)
        variables = [f"--var={name}={place}" for name, place in places.items()]
        self.output = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [program, "-f", "-i", "-c", configuration, *variables], stdout=self.output, stderr=subprocess.STDOUT,
            env=peers.environment() | {"TMPDIR": str(self.folder)}, start_new_session=True,
        )
        test.addCleanup(self.stop)
        waiting.until(test, self.answers, "rspamd answers")

    def ask(self, path, body=None, headers=()):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, headers=dict(headers))
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def answers(self):
        try:
            return self.ask("/ping").startswith(b"pong")
        except OSError:
            return False

    def signs(self, author):
        """{(d=, s=)} with which it signs mail of `author`."""
        said = json.loads(self.ask("/checkv2", message(author), {"IP": "127.0.0.1", "From": f"<{author}>"}))
        fields = said.get("dkim-signature", [])
        fields = [fields] if isinstance(fields, str) else fields
        return signed_by("".join(f"DKIM-Signature: {field}\r\n" for field in fields).encode() + b"\r\n")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)
        self.output.close()
