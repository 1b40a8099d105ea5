"""What a private key looks like wherever it may turn up, and the search for it: in text, in memory, in a core."""
import base64
import hashlib
import mmap
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

WINDOW = 24  # Octets that must be the same: no chance, and a piece that was wiped in part is found too.
BLOCK = 1 << 12
MOST = 1 << 40  # Address space of a program without sanitizers.


def elements(der):
    """(tag, contents) of each element of a DER sequence's contents."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count], "big"), at + count
        found.append((tag, der[at : at + size]))
        at += size
    return found


def private_numbers(pem):
    """name -> octets, big-endian, of what is secret in a PKCS#8 key."""
    der = base64.b64decode("".join(line for line in pem.split() if "-" not in line and line not in ("BEGIN", "END", "PRIVATE", "KEY")))
    (_, outer), = elements(der)
    inner = elements(outer)[2][1]
    tag, contents = elements(inner)[0]
    if tag == 0x04:  # RFC 8410 7: CurvePrivateKey.
        scalar = hashlib.sha512(contents).digest()  # RFC 8032 5.1.5: as good as the key.
        clamped = bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])
        return {"seed": contents, "scalar": scalar[:32], "clamped scalar": clamped, "prefix": scalar[32:]}
    numbers = [value.lstrip(b"\0") for _, value in elements(contents)]
    return dict(zip(("d", "p", "q", "dp", "dq", "qinv"), numbers[3:9]))


def windows(octets):
    """Pieces that follow each other, the last one up to the end."""
    return [octets[at : at + WINDOW] for at in range(0, len(octets) - WINDOW, WINDOW * 2)] + [octets[-WINDOW:]]


def _texts(octets):
    """How text would show octets: hexadecimal, and base64 wherever in a group of three they begin."""
    yield octets.hex().encode()
    yield octets.hex().upper().encode()
    for skipped in range(3):
        yield base64.b64encode(octets[skipped : skipped + (len(octets) - skipped) // 3 * 3])


class Key:
    """The marks of one key: pattern -> what it is."""

    def __init__(self, name, pem):
        self.name, self.numbers = name, private_numbers(pem)
        self.memory, self.lines, self.text = {}, {}, {}
        for what, number in self.numbers.items():
            for piece in windows(number):
                self.memory[piece] = f"{what} of {name}"
                self.memory[piece[::-1]] = f"{what} of {name}, little-endian"
                for shown in _texts(piece):
                    self.text[shown] = f"{what} of {name}, as text"
        # The lines after the modulus, which is public.
        lines = [line for line in pem.splitlines() if "-----" not in line]
        public = 0 if len(lines) == 1 else next(i for i, line in enumerate(lines) if self._covered(lines, i))
        for line in lines[public:]:
            self.lines[line.encode()] = f"a line of the PEM of {name}"

    def _covered(self, lines, index):
        """Whether a line holds private octets alone: it comes after d= began."""
        before = base64.b64decode("".join(lines[:index]))
        return self.numbers["d"][:8] in before

    @classmethod
    def of(cls, file):
        return cls(f"{file.parent.name}/{file.name}", file.read_text())


def marks_in_memory(keys):
    """pattern -> what it is, of all keys as a program holds them."""
    return {pattern: name for key in keys for pattern, name in (key.memory | key.lines).items()}


def marks(keys):
    """The same, and how text would show them."""
    return marks_in_memory(keys) | {pattern: name for key in keys for pattern, name in key.text.items()}


def search(octets, wanted):
    """What of `wanted` (pattern -> name) is in `octets`, by name."""
    return sorted({name for pattern, name in wanted.items() if octets.find(pattern) >= 0})


def mappings(process):
    """(first address, last, permissions, file, text) of each mapping, from /proc/PID/smaps."""
    for text in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{process.pid}/smaps").read_text())[1:]:
        words = text.partition("\n")[0].split(maxsplit=5)
        first, _, last = words[0].partition("-")
        yield int(first, 16), int(last, 16), words[1], words[5] if len(words) > 5 else "", text


def is_left_out(text):
    """Whether no dump holds the mapping: "dd" among its flags (proc(5))."""
    return re.search(r"(?m)^VmFlags:.*\bdd\b", text) is not None


class Core:
    """What a core of a running process holds, taken by root; the process goes on.

    gcore writes it. Not of a program with sanitizers: of the terabytes they reserve gcore would write
    every page. There it is read from /proc/PID/mem by the same rule: what can be written or has no
    file, without what the kernel was told to leave out.
    """

    def __init__(self, test, process, folder):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: it takes a core of another process")
        reserved = int(re.search(r"(?m)^VmSize:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) << 10
        self.way = "mem" if reserved > MOST else "gcore"
        self.octets = self._read(process) if self.way == "mem" else self._dump(test, process, Path(folder))

    @staticmethod
    def _dump(test, process, folder):
        done = subprocess.run(
            ["/usr/bin/gcore", "-o", folder / "core", str(process.pid)], capture_output=True, timeout=300, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        )
        file = folder / f"core.{process.pid}"
        test.assertTrue(file.exists(), (done.stdout + done.stderr).decode(errors="replace")[-2000:])
        with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as core:
            octets = _filled(core, len(core))
        file.unlink()
        return octets

    @staticmethod
    def _read(process):
        pieces = []
        process.send_signal(signal.SIGSTOP)
        try:
            with open(f"/proc/{process.pid}/mem", "rb", buffering=0) as memory:
                for first, last, permissions, file, text in mappings(process):
                    if is_left_out(text) or permissions[0] != "r" or (file.startswith("/") and permissions[1] != "w"):
                        continue
                    try:
                        memory.seek(first)
                        pieces.append(_filled(memory.read(last - first), last - first))
                    except (OSError, OverflowError):
                        continue  # The kernel's own pages.
        finally:
            process.send_signal(signal.SIGCONT)
        return b"".join(pieces)

    def holds(self, wanted):
        return search(self.octets, wanted)


def _filled(octets, size):
    """Without blocks of zeros."""
    filled, zeros = bytearray(), bytes(BLOCK)
    for at in range(0, size, BLOCK):
        block = octets[at : at + BLOCK]
        if block != zeros[: len(block)]:
            filled += block
    return bytes(filled)


def excluded(process):
    """(octets that can be written and that no dump holds, octets of them that are locked)."""
    left_out = locked = 0
    for _, _, permissions, _, text in mappings(process):
        if is_left_out(text) and permissions.startswith("rw"):
            left_out += int(re.search(r"(?m)^Rss:\s+(\d+)", text)[1]) << 10
            locked += int(re.search(r"(?m)^Locked:\s+(\d+)", text)[1]) << 10
    return left_out, locked
