"""A name server nobody here wrote: Knot, authoritative for the root, on loopback."""
import re
import signal
import subprocess

import peers
import waiting
from sinks import free_port

SOA = "@ 60 IN SOA ns.signet.example. hostmaster.signet.example. 1 3600 600 86400 60\n@ 60 IN NS ns.signet.example.\nns.signet.example. 60 IN A 127.0.0.1\n"
SETTINGS = """\
server:
    listen: 127.0.0.1@{port}
    rundir: "{folder}"
    pidfile: "{folder}/knot.pid"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}/db"
zone:
  - domain: .
    file: "{folder}/root.zone"
    zonefile-load: whole
    journal-content: none
"""


POLICY = """\
policy:
  - id: one
    single-type-signing: on
    algorithm: ecdsap256sha256
"""
SIGNED = """\
    dnssec-signing: on
    dnssec-policy: one
    zonefile-sync: -1
  - domain: broken.
    file: "{folder}/broken.zone"
"""
# What the signed root says of the key of broken., which has none: all below it is bogus.
BROKEN = ["broken. 60 IN NS ns.signet.example.", "broken. 60 IN DS 1234 13 2 " + 64 * "0"]


class NameServer:
    """Serves `lines` (zone file lines with absolute names). With `broken` the root is signed, and
    those lines are of the zone broken., whose signatures are missing."""

    def __init__(self, test, folder, lines, broken=None):
        program = peers.need("usr/sbin/knotd")
        self.test = test
        self.folder = folder / "knot"
        self.folder.mkdir()
        self.port = free_port()
        settings = SETTINGS
        if broken is not None:
            (self.folder / "db").mkdir()
            settings = POLICY + settings.replace("whole", "difference-no-serial").replace("none", "all") + SIGNED
            lines = [*lines, *BROKEN]
            (self.folder / "broken.zone").write_text("$ORIGIN broken.\n$TTL 60\n" + SOA + "\n".join(broken) + "\n")
        (self.folder / "root.zone").write_text("$ORIGIN .\n$TTL 60\n" + SOA + "\n".join(lines) + "\n")
        (self.folder / "knot.conf").write_text(settings.format(port=self.port, folder=self.folder))
        self.output = open(self.folder / "knot.log", "wb")
        self.process = subprocess.Popen(
            [program, "-c", self.folder / "knot.conf"], stdout=self.output, stderr=subprocess.STDOUT, env=peers.environment()
        )
        test.addCleanup(self.stop)
        waiting.until(test, self.answers, "Knot answers")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def answers(self):
        import dns.exception
        import dns.message
        import dns.query

        try:
            answer = dns.query.udp(dns.message.make_query(".", "SOA"), "127.0.0.1", timeout=1, port=self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return bool(answer.answer)

    def trust_anchor(self):
        """A file with the root's key."""
        command = [peers.need("usr/sbin/keymgr"), "-c", self.folder / "knot.conf", ".", "dnskey"]
        anchor = self.folder / "anchor"
        anchor.write_bytes(subprocess.run(command, capture_output=True, check=True, env=peers.environment()).stdout)
        return anchor

    def change(self, before, after):
        """Replaces text of the zone; new questions see the new one."""
        zone = self.folder / "root.zone"
        text = re.sub(r" (\d+) 3600 ", lambda serial: f" {int(serial[1]) + 1} 3600 ", zone.read_text(), count=1)
        zone.write_text(text.replace(before, after))
        self.process.send_signal(signal.SIGHUP)

    def become_lame(self):
        """From now on it knows another zone only, and refuses every other question."""
        settings = self.folder / "knot.conf"
        self.zone = (self.folder / "root.zone").read_text()
        settings.write_text(settings.read_text().replace("domain: .\n", "domain: elsewhere.\n"))
        (self.folder / "root.zone").write_text("$ORIGIN elsewhere.\n$TTL 60\n" + SOA)
        self.process.send_signal(signal.SIGHUP)
        waiting.until(self.test, lambda: not self.answers(), "Knot refuses")

    def recover(self):
        """It knows the root again."""
        settings = self.folder / "knot.conf"
        settings.write_text(settings.read_text().replace("domain: elsewhere.\n", "domain: .\n"))
        (self.folder / "root.zone").write_text(self.zone)
        self.process.send_signal(signal.SIGHUP)
        waiting.until(self.test, self.answers, "Knot answers again")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.output.close()
