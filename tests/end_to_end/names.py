"""A name server nobody here wrote: Knot, authoritative for the root, on loopback."""
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


class NameServer:
    """Serves `lines` (zone file lines with absolute names)."""

    def __init__(self, test, folder, lines):
        program = peers.need("usr/sbin/knotd")
        self.folder = folder / "knot"
        self.folder.mkdir()
        self.port = free_port()
        (self.folder / "root.zone").write_text("$ORIGIN .\n$TTL 60\n" + SOA + "\n".join(lines) + "\n")
        (self.folder / "knot.conf").write_text(SETTINGS.format(port=self.port, folder=self.folder))
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

    def change(self, before, after):
        """Replaces text of the zone; new questions see the new one."""
        zone = self.folder / "root.zone"
        zone.write_text(zone.read_text().replace(before, after).replace(" 1 3600 ", " 2 3600 "))
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.output.close()
