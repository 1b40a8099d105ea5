"""Postfix from its unpacked package, with every path redirected below the test's folder.

It is started by its master daemon alone, which needs root: the daemons change to `mail`.
"""
import os
import shutil
import signal
import subprocess

import peers
import waiting
from sinks import free_port, is_listening

QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace".split()
MAIN = """\
compatibility_level = 3.6
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
data_directory = {folder}/data
queue_directory = {folder}/queue
meta_directory = {folder}/etc
shlib_directory = no
mail_owner = mail
setgid_group = list
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH={libraries}
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
smtputf8_enable = no
notify_classes =
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A running Postfix with `settings` (lines of main.cf) besides the paths."""

    def __init__(self, test, folder, settings):
        peers.need_root("Postfix changes to other users")
        master = peers.need("usr/lib/postfix/sbin/master")
        self.test, self.folder = test, folder / "postfix"
        self.port = free_port()
        self._make_folders()
        paths = dict(root=peers.ROOT, folder=self.folder, libraries=peers.environment()["LD_LIBRARY_PATH"])
        (self.folder / "etc/main.cf").write_text(MAIN.format(**paths) + settings)
        (self.folder / "etc/master.cf").write_text(MASTER.format(port=self.port))
        self.process = subprocess.Popen(
            [master, "-c", self.folder / "etc", "-d"], env=peers.environment() | {"MAIL_CONFIG": str(self.folder / "etc")}
        )
        test.addCleanup(self.stop)
        waiting.until(test, lambda: is_listening(self.port), f"Postfix listens; {self.log()}")

    def _make_folders(self):
        for name in ["etc", "data", "mailboxes", *("queue/" + queue for queue in QUEUES)]:
            path = self.folder / name
            path.mkdir(parents=True)
            if name != "etc" and name != "queue/pid":
                shutil.chown(path, "mail")
        for name in ("maildrop", "public"):
            shutil.chown(self.folder / "queue" / name, "mail", "list")
        (self.folder / "queue/maildrop").chmod(0o730)
        (self.folder / "queue/public").chmod(0o710)

    def log(self):
        path = self.folder / "mail.log"
        return path.read_text() if path.exists() else "no log"

    def mailbox(self, name):
        """The messages of a Maildir of `virtual`, with CRLF as on the wire."""
        new = self.folder / "mailboxes" / name / "new"
        files = sorted(new.iterdir()) if new.is_dir() else []
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in files]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()


def receiver(test, folder, domain="receiver.example", settings=""):
    """A Postfix that takes mail for one domain into Maildirs named after the local part."""
    return Postfix(test, folder, f"""\
myhostname = {domain}
mydestination =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/postfix/mailboxes
virtual_mailbox_maps = inline:{{ bob@{domain}=bob/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:8
virtual_gid_maps = static:8
{settings}""")


def upstream(test, folder, relay_port, settings=""):
    """A Postfix of example.com whose mail leaves through the relay."""
    return Postfix(test, folder, f"""\
myhostname = mail.example.com
mydestination = example.com
myorigin = example.com
relayhost = [127.0.0.1]:{relay_port}
smtp_tls_security_level = may
local_recipient_maps = inline:{{ games=x }}
forward_path = {folder}/forward/$user
{settings}""")
