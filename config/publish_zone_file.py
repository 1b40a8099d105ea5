#!/usr/bin/env python3
"""A publisher for Signet (`[rotation] publisher = "command"`): keeps TXT records in a zone file.

    publish_zone_file.py ZONE-FILE [RELOAD-COMMAND ARGUMENT...]

Reads one request from standard input:

    {"action": "set", "name": "s1._domainkey.example.com", "strings": ["v=DKIM1; ...", "..."], "ttl": 3600}
    {"action": "delete", "name": "s1._domainkey.example.com"}

Writes its lines, marked "; signet", at the end of the zone file, in place of every TXT record of that
name, raises the serial of the SOA record, and runs the reload command. The SOA record and those that are
replaced must stand in one line each, and $ORIGIN, or an SOA record with its whole name, says where
relative names belong. Safe to repeat. Exit: 0 done; 65 a bad
request; 75 anything else: Signet asks again later.
"""
import fcntl
import json
import os
import re
import subprocess
import sys
import time

MARK = " ; signet"
TXT = re.compile(r"\S+\s+(?:(?:\d+\w*|IN)\s+)*TXT\s", re.IGNORECASE)
SOA = re.compile(r"(\bSOA\s+\S+\s+\S+\s+\(?\s*)(\d+)", re.IGNORECASE)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def line_for(request):
    name = request["name"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name):
        raise ValueError(f"bad name: {name!r}")
    if request["action"] == "delete":
        return name, None
    if request["action"] != "set" or any(ord(c) < 32 for text in request["strings"] for c in text):
        raise ValueError("bad request")
    strings = " ".join(map(quoted, request["strings"]))
    return name, f"{name}. {int(request['ttl'])} IN TXT ( {strings} ){MARK}\n"


def records_of(zone, name):
    """The lines of the TXT records of that name."""
    origin, found = "", []
    for line in zone:
        owner = line.split(maxsplit=1)[0] if line[:1].strip() else ""
        if owner.upper() == "$ORIGIN":
            origin = line.split()[1].strip(".").lower()
        elif owner.endswith(".") and SOA.search(line):
            origin = owner.strip(".").lower()
        elif TXT.match(line) and whole(owner, origin) == name.lower():
            if line.count("(") > line.count(")"):
                raise ValueError(f"a TXT record of {name} stands in several lines: put it in one")
            found.append(line)
    return found


def whole(owner, origin):
    if owner.endswith("."):
        return owner.rstrip(".").lower()
    return f"{owner}.{origin}".lower() if origin else ""


def changed(zone, name, line):
    """The zone's text with the record set or gone; None: it is so already."""
    known = records_of(zone, name)
    if known == ([line] if line else []):
        return None
    kept = "".join(each for each in zone if each not in known) + (line or "")
    found = SOA.search(kept)
    if not found:
        raise ValueError("no SOA record in one line")
    serial = max(int(found[2]) + 1, int(time.time()))
    return kept[: found.start(2)] + str(serial) + kept[found.end(2) :]


def replace(file, text):
    """Whole or not at all, also after a power cut."""
    draft = file + ".draft"
    with open(draft, "w") as stream:
        os.fchmod(stream.fileno(), os.stat(file).st_mode & 0o777)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, file)


def main(file, *reload):
    try:
        name, line = line_for(json.load(sys.stdin))
    except (ValueError, KeyError, TypeError) as error:
        print(f"publish_zone_file: {error}", file=sys.stderr)
        return 65
    try:
        with open(file + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with open(file) as stream:
                text = changed(stream.readlines(), name, line)
            if text is not None:
                replace(file, text)
            if reload:  # Also when nothing changed: the last reload may have failed.
                subprocess.run(reload, check=True, stdin=subprocess.DEVNULL, timeout=20)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"publish_zone_file: {error}", file=sys.stderr)
        return 75
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
