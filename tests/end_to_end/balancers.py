"""HAProxy in front of a relay, in TCP mode."""
import socket
import subprocess

import peers
import waiting

CONFIGURATION = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
frontend in
    bind 127.0.0.1:{port}
    default_backend out
backend out
    server relay 127.0.0.1:{relay} {options}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HaProxy:
    """`options`: "send-proxy", "send-proxy-v2", …"""

    def __init__(self, test, folder, relay_port, options):
        program = peers.need("usr/sbin/haproxy")
        # HAProxy can't tell which port it was given: another one is tried if somebody was quicker.
        for _ in range(5):
            self.port = free_port()
            file = folder / "haproxy.cfg"
            file.write_text(CONFIGURATION.format(port=self.port, relay=relay_port, options=options))
            log = open(folder / "haproxy.log", "ab")
            self.process = subprocess.Popen([program, "-db", "-f", file], env=peers.environment(), stdout=log, stderr=log)
            waiting.until(test, lambda: self.process.poll() is not None or self.answers(), "haproxy listens")
            if self.process.poll() is None:
                break
        else:
            test.fail((folder / "haproxy.log").read_text())
        test.addCleanup(self.stop)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
