"""The built program as a test drives it: own folder, own keys, port 0, real signals."""
import json
import os
import queue
import shutil
import signal
import smtplib
import subprocess
import threading
import unittest
import urllib.request
from pathlib import Path

import peers
import waiting

HOSTNAME = "mx.signet.example"
WAIT = 60  # Seconds after which a step that must happen is said not to have happened.

TOP = """\
hostname = "{hostname}"
store = "{folder}/store"
spool = "{folder}/spool"
loops = {loops}
"""
LISTEN = """
[[listen]]
address = "127.0.0.1:0"
name = "smtp"
"""
CLIENT = """
[[client]]
name = "local"
networks = ["127.0.0.0/8"]
domains = "all"
"""
LIMITS = """
[limits]
min_free_bytes = 0
min_free_share = 0.0
"""
MONITORING = """
[monitoring]
listen = "127.0.0.1:0"
delivery_log = "{folder}/delivery.log"
"""
ALIGNMENT_OFF = """
[alignment]
enabled = false
"""
SANITIZER_REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


def route(port, name="default", extra=""):
    """A default route to a sink on loopback."""
    return f'[[route]]\nname = "{name}"\ndefault = true\nnext_hop = "smtp://127.0.0.1:{port}"\n{extra}\n'


def program_environment(folder):
    """Without the peers' libraries."""
    hidden = ("LD_LIBRARY_PATH", "PERL5LIB", "NODE_PATH", "LD_PRELOAD")
    return {k: v for k, v in os.environ.items() if k not in hidden} | {"TMPDIR": str(folder)}


def run_program(*arguments, folder="/tmp", check=True, **options):
    """A `signet` command to its end."""
    done = subprocess.run(
        [peers.PROGRAM, *map(str, arguments)], capture_output=True, timeout=120, env=program_environment(folder), **options
    )
    if check and done.returncode != 0:
        raise AssertionError(f"signet {arguments} exited {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done


class Relay:
    """A relay of one test; `test` stops it at the end and hears of sanitizer reports."""

    def __init__(self, test, folder, routes, top="", listen=LISTEN, clients=CLIENT, limits="", monitoring="", more="", loops=2,
                 alignment=ALIGNMENT_OFF, program=None):
        self.program = program or peers.PROGRAM
        self.test, self.folder = test, Path(folder)
        self.keys = {}
        self.ports = {}
        self.process = None
        self.launcher, self.inherited = [], []  # What starts the program, with which descriptors.
        self.stderr_file = self.folder / "relay.stderr"
        self.configuration = self.folder / "signet.toml"
        (self.folder / "store").mkdir(parents=True, exist_ok=True)
        self.parts = dict(
            top=TOP.format(hostname=HOSTNAME, folder=folder, loops=loops) + top,
            listen=listen,
            clients=clients,
            routes=routes,
            limits=LIMITS + limits,
            monitoring=MONITORING.format(folder=folder) + monitoring,
            alignment=alignment,
            more=more,
        )
        self.write_configuration()
        test.addCleanup(self.end)

    def write_configuration(self, **changed):
        """Writes the configuration again, with some parts changed."""
        self.parts |= changed
        self.configuration.write_text("\n".join(self.parts.values()))

    def key(self, domain, *options):
        """A new key; its record joins self.keys. Returns what `signet keys new --json` prints."""
        done = run_program("keys", "new", domain, "--store", self.folder / "store", "--json", *options)
        made = json.loads(done.stdout)
        self.keys[f"{made['selector']}._domainkey.{made['domain']}"] = made
        return made

    def copy_key(self, source, domain):
        """Gives `domain` the keys of `source`: quicker than new ones."""
        shutil.copytree(self.folder / "store" / source, self.folder / "store" / domain, dirs_exist_ok=True)
        for made in [made for made in self.keys.values() if made["domain"] == source]:
            name = f"{made['selector']}._domainkey.{domain}"
            self.keys[name] = made | {"domain": domain, "zone": made["zone"].replace(f".{source}.", f".{domain}.", 1)}

    def write_keyset(self, domain, states):
        """keyset.toml: selector -> state."""
        lines = [f'[[key]]\nselector = "{selector}"\nstate = "{state}"\n' for selector, state in states.items()]
        (self.folder / "store" / domain / "keyset.toml").write_text("\n".join(lines))

    def give_moody_disk(self):
        """The file that says from the next start on how its disk is (tests/support/disk_preload.c)."""
        library = os.environ.get("SIGNET_DISK_PRELOAD", "")
        if not library:
            raise unittest.SkipTest("SIGNET_DISK_PRELOAD names no library")
        mood = self.folder / "mood"
        mood.write_text("")
        self.launcher = ["/usr/bin/env", f"LD_PRELOAD={library}", f"DISK_MOOD={mood}"]
        return mood

    # ---- Life.

    def start(self):
        self.ports = {}
        self.facts = queue.Queue()
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                [*self.launcher, self.program, "serve", "--config", self.configuration],
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=self.inherited,
                env=program_environment(self.folder),
            )
        threading.Thread(target=self._read_facts, args=(self.process.stdout, self.facts), daemon=True).start()
        self.wait_for("ready")
        return self

    def _read_facts(self, stdout, facts):
        for line in stdout:
            fact = json.loads(line)
            if fact.get("event") == "listening" and not fact["address"].startswith("unix:"):
                self.ports[fact["name"]] = int(fact["address"].rpartition(":")[2])
            facts.put(fact)
        facts.put(None)

    def wait_for(self, event):
        """The next fact on standard output with that event."""
        while True:
            try:
                fact = self.facts.get(timeout=WAIT)
            except queue.Empty:
                self.test.fail(f"no {event!r} within {WAIT} s: {self.stderr()[-4000:]}")
            if fact is None:
                self.test.fail(f"the relay ended before {event!r}: {self.stderr()[-4000:]}")
            if fact.get("event") == event:
                return fact

    @property
    def port(self):
        return self.ports["smtp"]

    def stop(self):
        """SIGTERM; the relay must drain and exit 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=WAIT)
        self.process = None
        self.check_stderr()
        self.test.assertEqual(status, 0, self.stderr()[-4000:])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def give(self, listener):
        """Hands a listening socket to the next start, as systemd does; [[listen]] must name its address."""
        number = listener.fileno()
        script = 'exec 3<&"$0"; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        self.launcher, self.inherited = ["/bin/bash", "-c", script, str(number)], [number]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        """At the end of the test, whatever became of it."""
        if self.process:
            self.stop()
        self.check_stderr()

    def stderr(self):
        return self.stderr_file.read_text(errors="replace") if self.stderr_file.exists() else ""

    def check_stderr(self):
        text = self.stderr()
        for report in SANITIZER_REPORTS:
            if report in text:
                self.test.fail(text[text.index(report) :][:16000])

    # ---- Work.

    def client(self, **options):
        """An smtplib connection."""
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example", timeout=WAIT, **options)

    def send(self, message, sender="alice@example.com", recipients=("bob@receiver.example",), options=()):
        with self.client() as client:
            client.ehlo()
            return client.sendmail(sender, list(recipients), message, mail_options=list(options))

    def refusal(self, message, **envelope):
        """The (code, text) with which a message is refused; fails when it is taken."""
        try:
            self.send(message, **envelope)
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, error.smtp_error.decode()
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return code, text.decode()
        self.test.fail("the message was taken")

    def queue(self, *arguments):
        """`signet queue ... --json`, parsed."""
        done = run_program("queue", *arguments, "--config", self.configuration, "--json")
        return json.loads(done.stdout)

    def queued(self):
        """The ids of all that is queued."""
        identifiers, after = [], ()
        while True:
            answer = self.queue("list", "--limit", "1000", *after)
            identifiers += [message["id"] for message in answer["messages"]]
            if not answer["next"]:
                return identifiers
            after = ("--after", answer["next"])

    def retry_until(self, question, what, seconds=60):
        """Asks for another attempt at all that is queued until the answer is true."""

        def asked():
            if not question() and (identifiers := self.queued()):
                run_program("queue", "retry", *identifiers, "--config", self.configuration, check=False)
            return question()

        return waiting.until(self.test, asked, what, seconds)

    def get(self, path):
        """An answer of the monitoring listener: (status, text)."""
        url = f"http://127.0.0.1:{self.ports['monitoring']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """Sum of the samples called `name` whose labels include `labels`."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{k}="{v}"' in series for k, v in labels.items()):
                total += float(value)
        return total

    def log(self):
        """The delivery log so far."""
        path = self.folder / "delivery.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
