"""Exim, which signs itself.

Debian's Exim has the places of its configuration and the name of its user built in, and it re-executes
itself with set-user-ID, where LD_LIBRARY_PATH does not reach: so it runs in a mount namespace of its
own where all three are laid over /etc.
"""
import os
import shutil
import subprocess
from pathlib import Path

import peers
import waiting
from sinks import free_port, is_listening

# Exim's own defaults except what lets it deliver each message at once; its syncs are untouched.
CONFIG = """\
exim_path = {program}
primary_hostname = relay.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
dkim_verify_signers =
keep_environment =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
sink:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = sink
begin transports
sink:
  driver = smtp
  port = {sink}
  allow_localhost
  hosts_try_fastopen =
  dkim_domain = bench.example
  dkim_selector = b1
  dkim_canon = relaxed
  dkim_private_key = {folder}/key.pem
  dkim_strict = true
begin retry
* * F,1h,1m
"""
USER = "Debian-exim:x:8:8::/nonexistent:/usr/sbin/nologin\n"
GROUP = "Debian-exim:x:8:\n"
COMMAND = 'mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"'


class Peer:
    def __init__(self, run):
        self.program = peers.need("usr/sbin/exim4")
        self.folder, self.port = run.folder, free_port()
        self._make_folders(run)
        overlay = self._make_overlay(run)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", COMMAND, overlay, self.program, "-bdf"],
            env=os.environ | {"LC_ALL": "C.UTF-8"})
        run.addCleanup(self.process.wait, 20)
        run.addCleanup(self.process.terminate)
        waiting.until(run, lambda: self.process.poll() is not None or is_listening(self.port), "Exim listens")
        if self.process.poll() is not None:
            run.fail("Exim did not start")

    def _make_folders(self, run):
        for name in ("spool", "log"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, "mail", "mail")
        shutil.copy(run.key, self.folder / "key.pem")
        shutil.chown(self.folder / "key.pem", "mail", "mail")

    def _make_overlay(self, run):
        etc = self.folder / "etc"
        (etc / "exim4").mkdir(parents=True)
        paths = dict(program=self.program, folder=self.folder)
        (etc / "exim4/exim4.conf").write_text(CONFIG.format(port=self.port, sink=run.sink_port, **paths))
        (etc / "passwd").write_text(Path("/etc/passwd").read_text() + USER)
        (etc / "group").write_text(Path("/etc/group").read_text() + GROUP)
        libraries = [str(peers.ROOT / name) for name in peers.LIBRARIES if (peers.ROOT / name).is_dir()]
        subprocess.run(["ldconfig", "-X", "-C", etc / "ld.so.cache", *libraries], check=True)
        return etc

    def queued(self):
        return sum(len(names) for _, _, names in os.walk(self.folder / "spool/input"))
