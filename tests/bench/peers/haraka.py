"""Haraka with its plugin haraka-plugin-dkim, from npm: installed below build/haraka."""
import os
import shutil
import subprocess
import unittest

import peers
import waiting
from sinks import free_port, is_listening

HOME = peers.SOURCE / "build/haraka/node_modules/Haraka"

# Haraka's own defaults except what lets it deliver here; its outbound queue syncs by itself.
SETTINGS = {
    "smtp.ini": "listen=127.0.0.1:{port}\n",
    "me": "relay.example\n",
    "plugins": "to_sink\ndkim\n",
    "loglevel": "warn\n",
    "dkim.ini": "[sign]\nenabled = true\nselector = b1\ndomain = bench.example\n[canon]\nheader = relaxed\n"
    "body = relaxed\n[verify]\nenabled = false\n",
    "outbound.ini": "enable_tls=false\nlocal_mx_ok=true\n",
}
TO_SINK = """\
exports.hook_mail = (next, connection) => {{ connection.relaying = true; next(OK) }}
exports.hook_rcpt = (next) => next(OK)
exports.hook_get_mx = (next) => next(OK, {{ exchange: '127.0.0.1', port: {sink}, priority: 0 }})
"""


class Peer:
    def __init__(self, run):
        node = shutil.which("node")
        if not HOME.exists() or not node:
            raise unittest.SkipTest("it is not below build/haraka, or there is no node")
        self.folder, self.port = run.folder, free_port()
        self._configure(run)
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen([node, HOME / "bin/haraka", "-c", self.folder], stdout=log, env=os.environ | {"LC_ALL": "C.UTF-8"})
        run.addCleanup(process.wait, 20)
        run.addCleanup(process.kill)
        waiting.until(run, lambda: process.poll() is not None or is_listening(self.port), "Haraka listens")
        if process.poll() is not None:
            run.fail("Haraka did not start")

    def _configure(self, run):
        config, plugins = self.folder / "config", self.folder / "plugins"
        config.mkdir()
        plugins.mkdir()
        (self.folder / "queue").mkdir()
        for name, text in SETTINGS.items():
            (config / name).write_text(text.format(port=self.port))
        shutil.copy(HOME / "config/connection.ini", config)
        shutil.copy(run.key, config / "dkim.private.key")
        (plugins / "to_sink.js").write_text(TO_SINK.format(sink=run.sink_port))

    def queued(self):
        return sum(len(names) for _, _, names in os.walk(self.folder / "queue"))
