"""Keys rotate under mail: the DNS is a real Knot that takes signed updates."""
import base64
import json
import secrets
import subprocess
import time
from pathlib import Path

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
    listen: 127.0.0.1@{port}
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
ZONE = '  - domain: {domain}\n    file: "{folder}/{domain}.zone"\n    acl: update\n'
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
key_file = "{folder}/tsig.secret"
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


class UpdatedServer:
    """Knot, primary for some zones, taking updates under the TSIG key."""

    def __init__(self, test, folder, domains):
        self.test, self.folder = test, folder / "knot"
        (self.folder / "db").mkdir(parents=True)
        self.port = free_port()
        self.secret = base64.b64encode(secrets.token_bytes(32)).decode()
        key_file = folder / "tsig.secret"
        key_file.touch(mode=0o600)
        key_file.write_text(self.secret + "\n")
        settings = KNOT.format(port=self.port, folder=self.folder, secret=self.secret)
        for domain in domains:
            (self.folder / f"{domain}.zone").write_text(RECORDS.format(domain=domain))
            settings += ZONE.format(domain=domain, folder=self.folder)
        (self.folder / "knot.conf").write_text(settings)
        self.probe = domains[0]
        self.process = None
        test.addCleanup(self.stop)
        self.start()

    def start(self):
        program = peers.need("usr/sbin/knotd")
        self.output = open(self.folder / "knot.log", "ab")
        self.process = subprocess.Popen(
            [program, "-c", self.folder / "knot.conf"], stdout=self.output, stderr=subprocess.STDOUT, env=peers.environment()
        )
        waiting.until(self.test, lambda: self.texts(self.probe, "SOA"), "Knot answers")

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
            answer = dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", timeout=1, port=self.port)
        except (OSError, dns.exception.DNSException):
            return None
        if kind != "TXT":
            return [str(each) for rrset in answer.answer for each in rrset]
        return [b"".join(each.strings) for rrset in answer.answer for each in rrset]


class Rotation(EndToEnd):
    def start(self, domains, interval="14s", more=""):
        """A relay whose sink checks every message against the DNS of that moment."""
        self.server = UpdatedServer(self, self.folder, domains)
        self.seen, self.wrong = {}, []

        def answer(envelope):
            octets = envelope.original_content
            try:
                for field in verify.signatures(octets):
                    tag = verify.tags(field)
                    self.seen.setdefault(tag[b"d"].decode(), set()).add(tag[b"s"].decode())
                if not dkim.verify(octets, dnsfunc=lambda name, timeout=5: (self.server.texts(name.decode()) or [None])[0]):
                    self.wrong.append(octets)
            except Exception as error:  # The sink must go on; the test fails on what it noted.
                self.wrong.append(repr(error))
            return None

        self.sink_ = self.sink()
        self.sink_.answer = answer
        text = ROTATION.format(port=self.server.port, folder=self.folder, interval=interval, more=more)
        made = relay.Relay(self, self.folder, relay.route(self.sink_.port), more=text)
        for domain in domains:
            key = made.key(domain)
            self.publish(key)
        return made.start()

    def publish(self, key):
        """The first record, by hand, as an operator would."""
        import dns.query
        import dns.tsigkeyring
        import dns.update

        update = dns.update.Update(key["domain"], keyring=dns.tsigkeyring.from_text({"signet": self.server.secret}))
        pieces = " ".join(f'"{key["record"][i:i + 255]}"' for i in range(0, len(key["record"]), 255))
        update.replace(key["name"] + ".", 1, "TXT", pieces)
        self.assertEqual(dns.query.tcp(update, "127.0.0.1", port=self.server.port, timeout=10).rcode(), 0)

    def send_until(self, made, domains, question, seconds):
        deadline = time.monotonic() + seconds
        count = 0
        while not question():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s; seen {self.seen}; log {made.log()[-12:]}")
            for domain in domains:
                made.send(mail.message(number=count), sender=f"alice@{domain}", recipients=["bob@receiver.example"])
                count += 1
            time.sleep(0.2)  # The pace of the mail; nothing is waited for here.
        self.sink_.wait(count)
        return count

    def states(self, made, domain):
        done = relay.run_program("keys", "show", domain, "--config", made.configuration, "--json")
        return {key["selector"]: key["state"] for key in json.loads(done.stdout)["keys"]}

    def test_domains_rotate_under_mail_and_every_message_verifies_when_it_arrives(self):
        domains = ["example.com"]
        made = self.start(domains)
        first = next(iter(made.keys)).split(".")[0]

        def done():
            moves = [fact for fact in made.log() if fact["event"] == "key"]
            return sum(fact["to"] == "deleted" for fact in moves) >= 3

        self.send_until(made, domains, done, 240)
        self.assertEqual(self.wrong, [])
        self.assertGreaterEqual(len(self.seen["example.com"]), 3, self.seen)
        moves = [fact for fact in made.log() if fact["event"] == "key" and fact["selector"] == first]
        self.assertEqual([fact["to"] for fact in moves], ["retiring", "revoked", "deleted"])
        self.assertFalse((self.folder / "store/example.com" / f"{first}.pem").exists())
        self.assertEqual(self.server.texts(f"{first}._domainkey.example.com"), [])
        self.assertEqual(made.metric("signet_publisher_errors_total"), 0)
        self.assertEqual(made.metric("signet_keys", state="active"), 1)

    def test_killed_at_any_moment_a_rotation_goes_on_where_it_stopped(self):
        domains = ["example.com"]
        made = self.start(domains)
        pause = 0.15

        def done():
            return sum(fact["event"] == "key" and fact["to"] == "active" for fact in made.log()) >= 2

        deadline = time.monotonic() + 240
        while not done():
            self.assertLess(time.monotonic(), deadline, made.log()[-10:])
            time.sleep(pause)  # A different moment of the rotation each time.
            pause = pause * 1.3 if pause < 4 else 0.4
            made.kill()
            made.start()
            made.send(mail.message())
        waiting.until(self, lambda: made.metric("signet_keys", state="active") == 1, "one active key")
        self.send_until(made, domains, lambda: len(self.sink_.messages) > 3, 60)
        self.assertEqual(self.wrong, [])
        self.assertEqual(sum(state == "active" for state in self.states(made, "example.com").values()), 1)

    def test_a_name_server_that_is_down_only_delays_a_rotation(self):
        made = self.start(["example.com"], interval="4s")
        self.server.stop()
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 0, "the publisher fails", 60)
        states = self.states(made, "example.com")
        self.assertEqual(sorted(states.values()), ["active", "generated"])
        self.server.start()
        waiting.until(self, lambda: "retiring" in self.states(made, "example.com").values(), "the rotation goes on", 90)
        self.send_until(made, ["example.com"], lambda: len(self.sink_.messages) > 2, 60)
        self.assertEqual(self.wrong, [])

    def test_a_record_that_vanishes_raises_a_gauge_and_a_log_line(self):
        made = self.start(["example.com"], interval="1d")
        made.stop()
        selector = next(iter(made.keys)).split(".")[0]
        import dns.query
        import dns.tsigkeyring
        import dns.update

        update = dns.update.Update("example.com", keyring=dns.tsigkeyring.from_text({"signet": self.server.secret}))
        update.delete(f"{selector}._domainkey.example.com.", "TXT")
        self.assertEqual(dns.query.tcp(update, "127.0.0.1", port=self.server.port, timeout=10).rcode(), 0)
        made.start()
        waiting.until(self, lambda: made.metric("signet_key_mismatches") == 1, "the gauge rises")
        waiting.until(self, lambda: "key_mismatch" in [fact["event"] for fact in made.log()], "the log says so")

    def test_an_operator_takes_each_step_by_hand(self):
        made = self.start(["example.com"], interval="1d")
        made.stop()  # The commands need no relay.
        old = next(iter(made.keys)).split(".")[0]

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)["selector"]
        self.assertEqual(json.loads(keys("rotate", "example.com").stdout)["selector"], new)
        early = keys("activate", "example.com", new, check=False)
        self.assertEqual(early.returncode, 1)
        self.assertIn(b"does not prove", early.stderr)
        for _ in range(2):
            self.assertEqual(json.loads(keys("publish", "example.com", new).stdout)["state"], "published")
        for _ in range(2):
            self.assertEqual(json.loads(keys("activate", "example.com", new).stdout)["state"], "active")
        self.assertEqual(self.states(made, "example.com"), {old: "retiring", new: "active"})
        self.assertEqual(json.loads(keys("revoke", "example.com", old).stdout)["state"], "revoked")
        self.assertEqual(self.server.texts(f"{old}._domainkey.example.com"), [b"v=DKIM1; k=rsa; p="])
        again = keys("publish", "example.com", old, check=False)
        self.assertEqual((again.returncode, b"must not come back" in again.stderr), (1, True))
        self.assertEqual(keys("show", "other.example", check=False).returncode, 1)
        plan = json.loads(keys("rotate", "--all", "--dry-run").stdout)
        self.assertEqual([each["domain"] for each in plan], ["example.com"])
        audit = [(fact["to"], fact["by"].split()[0]) for fact in made.log() if fact["event"] == "key"]
        self.assertEqual([to for to, _ in audit], ["generated", "published", "retiring", "verified", "active", "revoked"])
        self.assertTrue(all(by == "uid" for _, by in audit))

    def test_no_output_holds_key_material(self):
        made = self.start(["example.com"], interval="4s")
        self.send_until(made, ["example.com"], lambda: "retiring" in self.states(made, "example.com").values(), 120)
        secrets_ = [self.server.secret]
        for file in (self.folder / "store/example.com").glob("*.pem"):
            secrets_ += file.read_text().splitlines()[10:14]  # Deep in the private part.
        self.assertGreater(len(secrets_), 4)
        command_line = (Path("/proc") / str(made.process.pid) / "cmdline").read_bytes()
        environment = (Path("/proc") / str(made.process.pid) / "environ").read_bytes()
        shown = relay.run_program("keys", "show", "example.com", "--config", made.configuration, "--json").stdout
        outputs = [made.stderr(), (self.folder / "delivery.log").read_text(), made.get("/metrics")[1]]
        outputs += [each.decode(errors="replace") for each in (command_line, environment, shown)]
        outputs += [file.read_text() for file in (self.folder / "store/example.com").glob("keyset.toml")]
        for secret in secrets_:
            for output in outputs:
                self.assertNotIn(secret, output)
