#!/usr/bin/env python3
"""Checks that sources include only what the house allows.

A folder may include itself and the folders its CMake library links directly (CMakeLists.txt is the
one list); every stage may also use base, smtp and monitoring/metrics. A third-party library that
belongs to one folder is included only there. Prints each breach as FILE:LINE: what is wrong.
"""
import re
import sys
from pathlib import Path

COMMON = {"relay/base", "relay/smtp", "monitoring/metrics"}

# Library header prefix -> the only places that may include it.
EXCLUSIVE = {
    "event2/": ["relay/net/"],
    "unbound": ["relay/net/"],
    "openssl/ssl.h": ["relay/net/"],
    "opendkim/": ["relay/sign/"],
    "rocksdb/": ["relay/spool/"],
    "ldns/": ["keys/"],
    "toml++/": ["config/document.cpp"],
    "prometheus/": ["monitoring/"],
    "CLI/": ["relay/main.cpp", "relay/key_options.cpp", "relay/reference_text.cpp", "relay/admin/queue_commands.cpp",
             "relay/admin/control_commands.cpp", "relay/admin/relay_command.cpp", "relay/admin/top_command.cpp"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
FOLDERS = ("relay/", "keys/", "config/", "monitoring/")


def folder_of(path):
    """The folder a file or an included header belongs to; monitoring/metric* is one of its own."""
    if path.startswith("monitoring/metric"):
        return "monitoring/metrics"
    return path.rsplit("/", 1)[0]


def allowed_folders(root):
    """Folder -> folders it may include, from the signet_library lines."""
    texts = [root / "CMakeLists.txt", root / "relay/CMakeLists.txt"]
    text = "\n".join(file.read_text() for file in texts if file.exists())
    folders, links = {"metrics": "monitoring/metrics", "monitoring": "monitoring"}, {}
    for name, folder, rest in re.findall(r"\bsignet_library\((\w+) ([^\s)]+)([^)]*)\)", text):
        folders[name] = folder
        links[name] = rest
    for name, rest in re.findall(r"\btarget_link_libraries\(signet_(\w+)([^)]*)\)", text):
        links[name] = links.get(name, "") + rest
    allowed = {}
    for name, rest in links.items():
        if name not in folders:
            continue
        linked = {folders[other] for other in re.findall(r"\bsignet_(\w+)", rest) if other in folders}
        allowed[folders[name]] = linked | COMMON | {folders[name]}
    allowed["relay/base"] = {"relay/base"}
    allowed["relay/smtp"] = {"relay/smtp", "relay/base"}
    return allowed


def breach(file, header, is_own, allowed):
    """What is wrong with this include; None when nothing is."""
    if not is_own:
        for prefix, places in EXCLUSIVE.items():
            if header.startswith(prefix) and not any(file.startswith(place) for place in places):
                return f"<{header}> may be included only by {', '.join(places)}"
        return None
    if not header.startswith(FOLDERS) or header.endswith(".pb.h"):
        return None
    own, other = folder_of(file), folder_of(header)
    if own in allowed and other not in allowed[own]:
        return f"{own} may not include {other}: its library does not link it"
    return None


def breaches(root):
    allowed = allowed_folders(root)
    for top in FOLDERS:
        for path in sorted((root / top).rglob("*.[ch]pp")):
            file = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                wrong = breach(file, match[2], match[1] == '"', allowed)
                if wrong:
                    yield f"{file}:{number}: {wrong}"


def main():
    found = list(breaches(Path(sys.argv[1])))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
