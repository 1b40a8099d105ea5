"""Postfix, with OpenDKIM as its milter."""
import os
import subprocess

import peers
import waiting
from postfix import Postfix
from sinks import free_port, is_listening

# Postfix's own defaults except what lets it deliver here; nothing that touches its syncs.
MAIN = """\
myhostname = relay.example
mydestination =
relayhost = [127.0.0.1]:{sink}
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_milters = inet:127.0.0.1:{milter}
milter_default_action = tempfail
"""
OPENDKIM = """\
Mode s
Domain bench.example
Selector b1
KeyFile {key}
Socket inet:{port}@127.0.0.1
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
RequireSafeKeys no
Syslog no
Background no
"""
QUEUES = "maildrop incoming active deferred hold".split()


def _start_milter(run):
    program, port = peers.need("usr/sbin/opendkim"), free_port()
    config = run.folder / "opendkim.conf"
    config.write_text(OPENDKIM.format(key=run.key, port=port))
    process = subprocess.Popen([program, "-f", "-x", config], env=peers.environment())
    run.addCleanup(process.wait, 20)
    run.addCleanup(process.terminate)
    waiting.until(run, lambda: is_listening(port), "OpenDKIM listens")
    return port


class Peer:
    def __init__(self, run):
        milter = _start_milter(run)
        self.postfix = Postfix(run, run.folder, MAIN.format(sink=run.sink_port, milter=milter))
        self.port = self.postfix.port

    def queued(self):
        queue = self.postfix.folder / "queue"
        return sum(len(names) for name in QUEUES for _, _, names in os.walk(queue / name))
