#!/usr/bin/env python3
"""A publisher for Signet (`[rotation] publisher = "command"`): keeps TXT records in a zone file.

    publish_zone_file.py ZONE-FILE [RELOAD-COMMAND ARGUMENT...]

Reads one request from standard input:

    {"action": "set", "name": "s1._domainkey.example.com", "strings": ["v=DKIM1; ...", "..."], "ttl": 3600}
    {"action": "delete", "name": "s1._domainkey.example.com"}

Writes its lines, marked "; signet", at the end of the zone file, in place of every TXT record of that
name, raises the serial of the SOA record, and runs the reload command. A record behind them that had its
owner from them is given it. The SOA record and those that are replaced must stand in one line each, and
$ORIGIN, or an SOA record with its whole name, says where relative names belong. Safe to repeat. Exit: 0
done; 65 a bad request; 75 anything else: Signet asks again later.
"""
import fcntl
import json
import os
import re
import subprocess
import sys
import time

MARK = " ; signet"
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
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


def bare(line, number):
    """The line without comment, parentheses and what is in its strings; and how far it opens them."""
    text = STRING.sub('""', line)
    if '"' in text.replace('""', "").partition(";")[0]:
        raise ValueError(f"line {number + 1} ends within a string")
    text = text.partition(";")[0]
    return re.sub("[()]", " ", text), text.count("(") - text.count(")")


def entries_of(zone):
    """(line numbers, owner's whole name or None, does it state that, words) of each record."""
    origin, owner, depth, entries = None, None, 0, []
    for number, line in enumerate(zone):
        text, opens = bare(line, number)
        inside, depth = depth > 0, depth + opens
        words = text.split()
        if inside:
            entries[-1][0].append(number)
        elif words and words[0].upper() == "$ORIGIN":
            origin = words[1].strip(".").lower() if origin is None else whole(words[1], origin)
        elif words and not words[0].startswith("$"):
            states = not text[0].isspace()
            if states:
                owner = whole(words[0], origin)
                if origin is None and owner is not None and SOA.search(line):
                    origin = owner
            entries.append(([number], owner, states, words[1:] if states else words))
    if depth:
        raise ValueError("a parenthesis is not closed")
    return entries


def is_txt(words):
    kinds = [word.upper() for word in words if not re.fullmatch(r"\d+\w*|IN", word, re.IGNORECASE)]
    return kinds[:1] == ["TXT"]


def whole(owner, origin):
    """None: nobody says where relative names belong."""
    if owner == "@":
        return origin
    if owner.endswith("."):
        return owner[:-1].lower()
    return None if origin is None else f"{owner}.{origin}".lower().rstrip(".")


def without(zone, name):
    """The lines that stay when the TXT records of that name go; and those that go."""
    kept, gone, heir = list(zone), [], False
    for numbers, owner, states, words in entries_of(zone):
        goes = owner == name.lower() and is_txt(words)
        if goes and len(numbers) > 1:
            raise ValueError(f"a TXT record of {name} stands in several lines: put it in one")
        if goes:
            gone.append(zone[numbers[0]])
            kept[numbers[0]] = ""
        elif heir and not states:  # Its owner stood in a line that goes.
            kept[numbers[0]] = f"{name}. {zone[numbers[0]].lstrip()}"
        heir = goes and (heir or states)
    return "".join(kept), gone


def changed(zone, name, line):
    """The zone's text with the record set or gone; None: it is so already."""
    kept, gone = without(zone, name)
    if gone == ([line] if line else []):
        return None
    kept += ("" if kept.endswith("\n") else "\n") + (line or "")
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
