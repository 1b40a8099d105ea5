"""What testssl.sh finds in the listeners: no old TLS, no weak ciphers, no known weakness (B17)."""
import json
import os
import subprocess
import tempfile

import peers
from case import EndToEnd
from certificates import Certificate

LISTEN = """
[[listen]]
address = "127.0.0.1:0"
name = "smtp"
tls = "starttls"
[[listen]]
address = "127.0.0.1:0"
name = "submissions"
tls = "implicit"
"""
OLD = {"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered"}
WEAK_CIPHERS = ("cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA")
WEAKNESSES = ("heartbleed", "CCS", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "POODLE_SSL",
              "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "RC4")


class TlsPosture(EndToEnd):
    def findings(self, port, *options):
        program = peers.need("usr/bin/testssl")
        report = self.folder / "testssl.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            ["/bin/bash", program, "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--openssl", "/usr/bin/openssl", "--jsonfile", report,
             "-p", "-s", "-U", *options, f"127.0.0.1:{port}"],
            capture_output=True, timeout=800, stdin=subprocess.DEVNULL,
            env=peers.environment() | {"TESTSSL_INSTALL_DIR": str(peers.ROOT / "etc/testssl"), "PATH": f"{os.environ['PATH']}:{peers.ROOT / 'usr/bin'}", "TMPDIR": tempfile.gettempdir()})
        self.assertTrue(report.exists(), (done.stdout + done.stderr).decode(errors="replace")[-4000:])
        found = {entry["id"]: entry for entry in json.loads(report.read_text())}
        self.assertIn("TLS1_2", found, (done.stdout + done.stderr).decode(errors="replace")[-4000:])
        return found

    def check(self, found):
        for protocol, expected in OLD.items():
            self.assertEqual(found[protocol]["finding"], expected, protocol)
        for protocol in ("TLS1_2", "TLS1_3"):
            self.assertTrue(found[protocol]["finding"].startswith("offered"), found[protocol])
        for ciphers in WEAK_CIPHERS:
            self.assertEqual(found[ciphers]["finding"], "not offered", ciphers)
        missing = [weakness for weakness in WEAKNESSES if weakness not in found]
        self.assertEqual(missing, [], "testssl.sh looked for something else")
        bad = {name: entry["finding"] for name, entry in found.items() if entry["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")}
        self.assertEqual(bad, {})

    def test_implicit_tls_has_no_known_weakness(self):
        certificate = Certificate(self.folder, "mx.signet.example")
        relay = self.relay(self.sink(), listen=LISTEN, more=certificate.settings())
        self.check(self.findings(relay.ports["submissions"]))

    def test_starttls_has_no_known_weakness(self):
        certificate = Certificate(self.folder, "mx.signet.example")
        relay = self.relay(self.sink(), listen=LISTEN, more=certificate.settings())
        self.check(self.findings(relay.ports["smtp"], "--starttls", "smtp"))
