"""Keys that rotate: name servers that take signed updates (Knot, BIND), and a relay between them and a sink that
checks each message against the DNS of that moment."""
import base64
import json
import secrets
import subprocess
import time

import dkim

import mail
import peers
import relay
import verify
import waiting
from case import EndToEnd
from sinks import free_port

KNOT = """\
server:
    listen: {address}@{port}
    rundir: "{folder}"
    pidfile: "{folder}/knot.pid"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}/db"
key:
  - id: signet
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: update
    key: signet
    action: update
zone:
"""
ZONE = '  - domain: {domain}\n    file: "{folder}/{domain}.zone"\n'
UPDATED = "    acl: update\n"
BIND = """\
options {{
  directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; notify no;
}};
controls {{ }};
key signet {{ algorithm hmac-sha256; secret "{secret}"; }};
"""
RECORDS = """\
$ORIGIN {domain}.
@ 1 IN SOA ns hostmaster 1 3600 600 86400 1
@ 1 IN NS ns
ns 1 IN A 127.0.0.1
"""
ROTATION = """
[rotation]
publisher = "rfc2136"
server = "127.0.0.1:{port}"
authoritative_port = {port}
key_name = "signet"
key_file = "{key_file}"
interval = "{interval}"
jitter = "0s"
slack = "2s"
revoked_for = "2s"
poll = "1s"
look_every = "1s"
ttl = "1s"
{more}
[queue]
life = "8s"
null_sender_life = "8s"
[resolver]
servers = ["127.0.0.1:{port}"]
"""


class Server:
    """A primary on loopback for some zones, taking updates under the TSIG key but for those of `fixed`.

    `more`: zone -> further lines of its file."""

    PROGRAM = ""

    def __init__(self, test, folder, domains, fixed=(), more=None, name="server", address="127.0.0.1", port=None):
        self.program = peers.need(self.PROGRAM)
        self.test, self.folder, self.domains, self.fixed = test, folder / name, [*domains, *fixed], fixed
        (self.folder / "db").mkdir(parents=True)
        self.address, self.port = address, port or free_port()
        self.secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.key_file = self.folder / "tsig.secret"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(self.secret + "\n")
        for domain in self.domains:
            lines = "".join(line + "\n" for line in (more or {}).get(domain, ()))
            self.zone_file(domain).write_text(RECORDS.format(domain=domain) + lines)
        self.write_settings()
        self.probe = domains[0]
        self.process = None
        test.addCleanup(self.stop)
        self.start()

    def zone_file(self, domain):
        return self.folder / f"{domain}.zone"

    def start(self):
        self.output = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            self.command(), stdout=self.output, stderr=subprocess.STDOUT, env=peers.environment(), cwd=self.folder
        )
        waiting.until(self.test, lambda: self.texts(self.probe, "SOA"), "the name server answers")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.output.close()
            self.process = None

    def texts(self, name, kind="TXT"):
        """The TXT records (or others) of a name, as text; None: no answer."""
        import dns.exception
        import dns.message
        import dns.query

        try:
            answer = dns.query.udp(dns.message.make_query(name, kind), self.address, timeout=1, port=self.port)
        except (OSError, dns.exception.DNSException):
            return None
        if kind != "TXT":
            return [str(each) for rrset in answer.answer for each in rrset]
        return [b"".join(each.strings) for rrset in answer.answer for each in rrset if hasattr(each, "strings")]


class Knot(Server):
    PROGRAM = "usr/sbin/knotd"

    def write_settings(self):
        text = KNOT.format(address=self.address, port=self.port, folder=self.folder, secret=self.secret)
        for domain in self.domains:
            text += ZONE.format(domain=domain, folder=self.folder) + ("" if domain in self.fixed else UPDATED)
        (self.folder / "knot.conf").write_text(text)

    def command(self):
        return [self.program, "-c", self.folder / "knot.conf"]


class Bind(Server):
    PROGRAM = "usr/sbin/named"

    def write_settings(self):
        text = BIND.format(address=self.address, port=self.port, folder=self.folder, secret=self.secret)
        for domain in self.domains:
            updates = "" if domain in self.fixed else "allow-update { key signet; };"
            text += f'zone "{domain}" {{ type primary; file "{self.zone_file(domain)}"; {updates} }};\n'
        (self.folder / "named.conf").write_text(text)

    def command(self):
        return [self.program, "-g", "-c", self.folder / "named.conf"]


class RotationCase(EndToEnd):
    def start(self, domains, interval="14s", more="", server=None):
        """A relay whose sink checks every message against the DNS of that moment."""
        made = self.prepare(domains, interval, more, server)
        for domain in domains:
            key = made.key(domain)
            self.publish(key)
        return made.start()

    def prepare(self, domains, interval="14s", more="", server=None):
        """The same without keys, and not started."""
        self.server = server or Knot(self, self.folder, domains)
        self.seen, self.wrong = {}, []

        def answer(envelope):
            octets = envelope.original_content
            try:
                for field in verify.signatures(octets):
                    tag = verify.tags(field)
                    self.seen.setdefault(tag[b"d"].decode(), set()).add(tag[b"s"].decode())
                if not dkim.verify(octets, dnsfunc=self.record_now):
                    self.wrong.append(octets)
            except Exception as error:  # The sink must go on; the test fails on what it noted.
                self.wrong.append(repr(error))
            return None

        self.sink_ = self.sink()
        self.sink_.answer = answer
        text = ROTATION.format(port=self.server.port, key_file=self.server.key_file, interval=interval, more=more)
        return relay.Relay(self, self.folder, relay.route(self.sink_.port), more=text)

    def record_now(self, name, timeout=5):
        """What the DNS says at this moment: the first TXT record, through CNAMEs of other zones."""
        name = name.decode()
        for _ in range(4):
            if texts := self.server.texts(name):
                return texts[0]
            aliases = self.server.texts(name, "CNAME")
            if not aliases:
                return None
            name = aliases[0]

    def publish(self, key, server=None):
        """The first record, by hand, as an operator would."""
        import dns.query
        import dns.tsigkeyring
        import dns.update

        server = server or self.server
        update = dns.update.Update(key["domain"], keyring=dns.tsigkeyring.from_text({"signet": server.secret}))
        pieces = " ".join(f'"{key["record"][i:i + 255]}"' for i in range(0, len(key["record"]), 255))
        update.replace(key["name"] + ".", 1, "TXT", pieces)
        self.assertEqual(dns.query.tcp(update, server.address, port=server.port, timeout=10).rcode(), 0)

    def make_old(self, made, key):
        """Its keyset says that it is active for three days."""
        made.write_keyset(key["domain"], {key["selector"]: "active"})
        with open(self.folder / "store" / key["domain"] / "keyset.toml", "a") as keyset:
            for days, state in ((5, "generated"), (4, "published"), (4, "verified"), (3, "active")):
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 24 * 3600))
                keyset.write(f'[[key.move]]\nto = "{state}"\nat = "{at}"\nreason = "long ago"\nby = "test"\n')

    def send_until(self, made, domains, question, seconds):
        deadline = time.monotonic() + seconds
        count = 0
        while not question():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s; seen {self.seen}; log {made.log()[-12:]}")
            for domain in domains:
                message = mail.message(number=count).replace(b"alice@example.com", b"alice@" + domain.encode())
                made.send(message, sender=f"alice@{domain}", recipients=["bob@receiver.example"])
                count += 1
            time.sleep(0.2)  # The pace of the mail; nothing is waited for here.
        self.sink_.wait(count)
        return count

    def states(self, made, domain):
        done = relay.run_program("keys", "show", domain, "--config", made.configuration, "--json")
        return {key["selector"]: key["state"] for key in json.loads(done.stdout)["keys"]}
