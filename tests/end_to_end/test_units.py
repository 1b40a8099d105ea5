"""The systemd units: systemd takes them as they are, and the relay works with what they leave it."""
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import mail
import peers
import relay as relays
import verify
from case import EndToEnd

CONFIG = peers.SOURCE / "config"
CONFINE = Path(__file__).with_name("confine.py")


def need_systemd():
    if not shutil.which("systemd-analyze"):
        raise unittest.SkipTest("no systemd-analyze")


class Units(EndToEnd):
    def verify(self, change=lambda text: text):
        """What systemd-analyze says of the units, once their program is the one that was built."""
        need_systemd()
        for name in ("signet.service", "signet.socket"):
            text = (CONFIG / name).read_text().replace("/usr/sbin/signet", peers.PROGRAM.as_posix())
            (self.folder / name).write_text(change(text))
        units = [self.folder / "signet.service", self.folder / "signet.socket"]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=120)
        return done.returncode, [line for line in (done.stdout + done.stderr).splitlines() if "signet" in line]

    def test_systemd_takes_the_units_without_a_word(self):
        self.assertEqual(self.verify(), (0, []))

    def test_systemd_would_complain_of_a_wrong_unit(self):
        _, said = self.verify(lambda text: text.replace("ProtectHome=yes", "ProtectHomes=yes"))
        self.assertTrue(any("ProtectHomes" in line for line in said), said)
        status, _ = self.verify(lambda text: text.replace(peers.PROGRAM.as_posix(), "/nowhere/signet"))
        self.assertNotEqual(status, 0)

    def test_the_relay_works_with_the_system_calls_the_unit_allows(self):
        need_systemd()
        unit = CONFIG / "signet.service"
        denied = subprocess.run([sys.executable, CONFINE, unit, "/usr/bin/nice", "-n", "1", "/bin/true"], capture_output=True)
        self.assertIn(b"Operation not permitted", denied.stderr)  # Which anybody may else.
        sink = self.sink()
        relay = relays.Relay(self, self.folder, relays.route(sink.port))
        relay.key("example.com")
        # The sanitizers' search for leaks traces the process, which the unit forbids.
        relay.launcher = ["/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", sys.executable, "-B", CONFINE, unit]
        relay.start()
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        status = Path(f"/proc/{relay.process.pid}/status").read_text()
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertIn("Seccomp:\t2", status)
        relay.reload()
        relay.stop()
