"""What commands show on a terminal, and do not show anywhere else."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import mail
import peers
import waiting
from case import EndToEnd
from relay import WAIT, program_environment, run_program

LONG = "450 4.2.1 " + "this mailbox is busy, and so are all the others on this machine, so come again " * 2


class Terminal:
    """A command on a pseudo-terminal of a given size; `stderr_only`: its standard output is a pipe."""

    def __init__(self, test, *arguments, columns=60, rows=12, environment=None, stderr_only=False):
        self.test, self.octets = test, b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        variables = program_environment(test.folder) | {"TERM": "xterm"} | (environment or {})
        variables = {name: value for name, value in variables.items() if value is not None}
        self.process = subprocess.Popen([peers.PROGRAM, *map(str, arguments)], stdin=slave, stdout=subprocess.PIPE if stderr_only else slave,
                                        stderr=slave, env=variables, start_new_session=True)
        os.close(slave)
        test.addCleanup(self.close)

    def read(self, until=None, seconds=WAIT):
        """What it wrote so far: up to some octets, or to its end."""
        deadline = time.monotonic() + seconds
        while until is None or until not in self.octets:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.test.fail(f"no {until!r} within {seconds} s: {self.octets[-2000:]!r}")
            try:
                part = os.read(self.master, 65536)
            except OSError:  # EIO: the other end is closed.
                part = b""
            if not part:
                if until is not None:
                    self.test.fail(f"it ended before {until!r}: {self.octets[-2000:]!r}")
                break
            self.octets += part
        return self.octets

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def end(self):
        return self.process.wait(timeout=WAIT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self.master)


def lines_of(octets):
    """Text lines without escape sequences."""
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", octets).decode()
    return text.replace("\r", "").split("\n")


class AtTheTerminal(EndToEnd):
    def with_mail(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = LONG
        relay = self.relay(sink)
        relay.send(mail.PLAIN)
        relay.refusal(b"Subject: no author\r\n\r\nx\r\n")
        waiting.until(self, lambda: relay.metric("signet_provider_attempts_total", result="deferred") == 1, "the attempt")
        return relay

    def test_top_without_a_terminal_prints_one_frame_without_colours(self):
        relay = self.with_mail()
        text = run_program("top", "--config", relay.configuration).stdout.decode()
        self.assertRegex(text.splitlines()[0], r"^signet \S+  ready  up \d+s  configuration 1$")
        self.assertIn("queue   1 messages", text)
        self.assertIn("author_missing", text)
        self.assertRegex(text, r"\nPROVIDER .*FAILED\nother +0\.0 ")
        self.assertNotIn("\x1b", text)
        told = json.loads(run_program("top", "--config", relay.configuration, "--json").stdout)
        self.assertEqual((told["gauges"]["messages"], told["rates"]["accepted"]["total"], told["refusals"]["author_missing"]["total"]), (1, 1, 1))

    def test_top_on_a_terminal_looks_again_fits_and_leaves_it_tidy(self):
        relay = self.with_mail()
        top = Terminal(self, "top", "--every", "200ms", "--config", relay.configuration, columns=40, rows=6)
        top.read(until=b"\x1b[J")
        self.assertTrue(top.octets.startswith(b"\x1b[?25l"))
        self.assertIn(b"\x1b[1msignet", top.octets)
        first = top.octets.split(b"\x1b[H")[1]
        self.assertEqual(len(lines_of(first)), 6)
        self.assertEqual(max(len(line) for line in lines_of(first)), 40)
        self.assertIn("\u2026", first.decode())
        relay.send(mail.PLAIN)
        top.read(until=b"queue   2 messages")
        top.resize(100, 30)
        top.read(until=b"author_missing")
        top.process.send_signal(signal.SIGINT)
        self.assertEqual(top.end(), 0)
        self.assertTrue(top.read().endswith(b"\x1b[?25h\r\n"))

    def test_colours_are_left_out_on_request(self):
        relay = self.with_mail()
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            top = Terminal(self, "top", "--once", "--config", relay.configuration, environment=environment)
            self.assertNotIn(b"\x1b[", top.read())
            self.assertEqual(top.end(), 0)
        top = Terminal(self, "top", "--once", "--config", relay.configuration, environment={"NO_COLOR": None})
        self.assertIn(b"\x1b[1m", top.read())

    def test_a_terminal_that_takes_no_escapes_gets_none(self):
        relay = self.with_mail()
        for kind in ("dumb", "", None):
            top = Terminal(self, "top", "--config", relay.configuration, environment={"TERM": kind})
            self.assertIn(b"queue   1 messages", top.read())
            self.assertEqual(top.end(), 0)
            self.assertNotIn(b"\x1b", top.octets)
        importing = Terminal(self, "keys", "import", "opendkim", self.keys_to_import(800), "--store", self.folder / "imported", environment={"TERM": "dumb"})
        self.assertEqual(importing.read().count(b"\n"), 800)
        self.assertEqual(importing.end(), 0)
        self.assertNotIn(b"\x1b", importing.octets)

    def test_top_goes_on_when_the_relay_is_away_for_a_while(self):
        relay = self.with_mail()
        top = Terminal(self, "top", "--every", "100ms", "--config", relay.configuration, columns=100)
        top.read(until=b"queue   1 messages")
        relay.stop()
        top.read(until=b"can't reach the relay")
        relay.start()
        top.octets = b""
        top.read(until=b"queue   1 messages")
        top.process.send_signal(signal.SIGTERM)
        self.assertEqual(top.end(), 0)

    def test_wrong_use_of_top(self):
        relay = self.relay(self.sink())
        for every in ("soon", "0s", "-1s", "10ms"):
            self.assertEqual(run_program("top", "--every", every, "--config", relay.configuration, check=False).returncode, 64)
        done = run_program("top", "--socket", self.folder / "nobody", check=False)
        self.assertEqual((done.returncode, done.stdout), (2, b""))

    def test_tables_fit_the_terminal_and_are_whole_elsewhere(self):
        relay = self.with_mail()
        waiting.until(self, lambda: relay.queue("list")["messages"][0]["last_reply"], "the reply")
        whole = run_program("queue", "list", "--config", relay.configuration).stdout.decode()
        self.assertIn(LONG.strip(), whole)
        shown = Terminal(self, "queue", "list", "--config", relay.configuration, columns=70).read().decode()
        rows = shown.replace("\r", "").rstrip("\n").split("\n")
        self.assertEqual([len(row) for row in rows], [70, 70])
        self.assertTrue(all(row.endswith("\u2026") for row in rows))
        as_json = Terminal(self, "queue", "list", "--json", "--config", relay.configuration, columns=70).read()
        self.assertEqual(len(json.loads(as_json)["messages"]), 1)

    def keys_to_import(self, count):
        """The settings of an OpenDKIM with one key for many domains."""
        made = self.folder / "made"
        run_program("keys", "new", "example.com", "--store", made, "--selector", "s")
        (pem,) = made.glob("example.com/*.pem")
        names = [f"n{number}.example" for number in range(count)]
        (self.folder / "KeyTable").write_text("".join(f"{name} {name}:s:{pem}\n" for name in names))
        (self.folder / "SigningTable").write_text("".join(f"{name} {name}\n" for name in names))
        file = self.folder / "opendkim.conf"
        file.write_text(f"KeyTable {self.folder}/KeyTable\nSigningTable {self.folder}/SigningTable\n")
        return file

    def test_an_import_that_takes_long_shows_a_bar_on_a_terminal_only(self):
        file = self.keys_to_import(800)
        done = run_program("keys", "import", "opendkim", file, "--store", self.folder / "one")
        self.assertEqual(done.stderr, b"")
        shown = Terminal(self, "keys", "import", "opendkim", file, "--store", self.folder / "two", columns=70, stderr_only=True)
        output = []
        reader = threading.Thread(target=lambda: output.append(shown.process.stdout.read()))
        reader.start()
        octets = shown.read()
        reader.join()
        self.assertEqual(shown.end(), 0)
        self.assertEqual(output[0].count(b"\n"), 800)
        self.assertNotIn(b"\x1b", output[0])
        bars = re.findall(rb"\rimport \[(#*\.*)\] +(\d+)% (\d+) of 800", octets)
        self.assertTrue(bars, octets[-300:])
        self.assertTrue(all(len(bar[0]) == 30 for bar in bars))
        self.assertEqual([int(bar[2]) for bar in bars], sorted(int(bar[2]) for bar in bars))
        self.assertTrue(octets.endswith(b"\r\x1b[K"))
