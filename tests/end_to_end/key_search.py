"""What a private key looks like wherever it may turn up, and the search for it: in text, in memory, in a core."""
import base64
import hashlib
import mmap
import os
import re
import subprocess
import unittest
from pathlib import Path

WINDOW = 24  # Octets that must be the same: no chance, and a piece that was wiped in part is found too.
BLOCK = 1 << 22


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
        self.memory, self.text = {}, {}
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
            self.text[line.encode()] = f"a line of the PEM of {name}"

    def _covered(self, lines, index):
        """Whether a line holds private octets alone: it comes after d= began."""
        before = base64.b64decode("".join(lines[:index]))
        return self.numbers["d"][:8] in before

    @classmethod
    def of(cls, file):
        return cls(f"{file.parent.name}/{file.name}", file.read_text())


def marks(keys):
    """pattern -> what it is, of all keys, in memory or in text."""
    found = {}
    for key in keys:
        found |= key.memory | key.text
    return found


def search(octets, wanted):
    """What of `wanted` (pattern -> name) is in `octets`, by name."""
    return sorted({name for pattern, name in wanted.items() if octets.find(pattern) >= 0})


class Core:
    """A core that root takes of a running process; it goes on. Blocks of zeros are left out."""

    def __init__(self, test, process, folder):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: it takes a core of another process")
        taken = subprocess.run(
            ["/usr/bin/gcore", "-o", folder / "core", str(process.pid)], capture_output=True, timeout=600, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        )
        file = Path(folder) / f"core.{process.pid}"
        test.assertTrue(file.exists(), (taken.stdout + taken.stderr).decode(errors="replace")[-2000:])
        self.octets = self._filled(file)
        file.unlink()

    @staticmethod
    def _filled(file):
        """Holes of the file are skipped; where a block ends, a pattern may go on in the next."""
        filled = bytearray()
        with open(file, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as core:
            zeros = bytes(BLOCK)
            for at in range(0, len(core), BLOCK):
                block = core[at : at + BLOCK]
                if block != zeros[: len(block)]:
                    filled += block
        return bytes(filled)

    def holds(self, wanted):
        return search(self.octets, wanted)


def excluded(process):
    """(octets of mappings the kernel leaves out of dumps and that can be read, octets locked), from /proc/PID/smaps."""
    left_out = locked = 0
    for mapping in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{process.pid}/smaps").read_text()):
        if re.search(r"(?m)^VmFlags:.*\bdd\b", mapping) and mapping.split()[1].startswith("rw"):
            left_out += int(re.search(r"(?m)^Rss:\s+(\d+)", mapping)[1]) << 10
            locked += int(re.search(r"(?m)^Locked:\s+(\d+)", mapping)[1]) << 10
    return left_out, locked
