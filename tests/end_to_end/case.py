"""The base of every end-to-end test: a folder of its own, and the common ways to start things."""
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import mail
import names
import relay
import sinks
import verify


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="signet-"))
        self.folder.chmod(0o755)  # Peers under other users look in.
        if not os.environ.get("SIGNET_KEEP"):
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def relay(self, sink, domains=("example.com",), folder=None, routes="", **options):
        """A started relay with a key for each domain, whose default route leads to `sink`."""
        made = relay.Relay(self, folder or self.folder, routes + relay.route(sink.port), **options)
        for domain in domains:
            made.key(domain)
        return made.start()

    def sink(self, **options):
        return sinks.Sink(self, **options)

    def names(self, keys, more=()):
        return names.NameServer(self, self.folder, verify.zone_lines(keys) + list(more))

    def assert_unchanged(self, sent, received):
        mail.assert_unchanged(self, sent, received)
