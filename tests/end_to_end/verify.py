"""Verifiers nobody here wrote: dkimpy, and OpenDKIM's opendkim-testmsg asking a Knot name server."""
import os
import subprocess

import dkim

import mail
import peers

PRELOAD = os.environ.get("SIGNET_NAMESERVER_PRELOAD", "")


def signatures(octets):
    """The DKIM-Signature fields, top first."""
    return [field for field in mail.split(octets)[0] if mail.name_of(field) == b"dkim-signature"]


def tags(field):
    """tag -> value of one DKIM-Signature field."""
    text = b"".join(field.partition(b":")[2].split())
    return dict(part.split(b"=", 1) for part in text.split(b";") if part)


def identity(field):
    """'selector._domainkey.domain algorithm' of a signature."""
    tag = tags(field)
    return f"{tag[b's'].decode()}._domainkey.{tag[b'd'].decode()} {tag[b'a'].decode()}"


def dkimpy(test, octets, keys, count=1):
    """Each signature of keys we know verifies with dkimpy; there are `count` of them."""

    def record(name, timeout=5):
        made = keys.get(name.decode().rstrip("."))
        return made["record"].encode() if made else None

    verified = 0
    for index, field in enumerate(signatures(octets)):
        if identity(field).split()[0] not in keys:
            continue
        test.assertTrue(dkim.DKIM(octets).verify(index, dnsfunc=record), f"dkimpy refuses {field!r}")
        verified += 1
    test.assertEqual(verified, count, "signatures of ours")


def opendkim(test, octets, keys, name_server, count=1):
    """The same with opendkim-testmsg, one signature at a time."""
    program = peers.need("usr/sbin/opendkim-testmsg")
    environment = peers.environment() | {"LD_PRELOAD": PRELOAD, "NAMESERVER": name_server.address}
    fields, body = mail.split(octets)
    ours = [field for field in signatures(octets) if identity(field).split()[0] in keys]
    for field in ours:
        rest = [other for other in fields if mail.name_of(other) != b"dkim-signature"]
        alone = field + b"".join(rest) + b"\r\n" + body
        done = subprocess.run([program], input=alone, capture_output=True, env=environment, timeout=60)
        said = (done.stdout + done.stderr).decode(errors="replace")
        test.assertEqual((done.returncode, said), (0, ""), f"opendkim-testmsg refuses {field!r}")
    test.assertEqual(len(ours), count, "signatures of ours")


def zone_lines(keys):
    return [made["zone"] for made in keys.values()]
