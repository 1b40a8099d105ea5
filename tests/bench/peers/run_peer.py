"""Starts one signing mail server for bench_relay: run_peer.py PEER FOLDER SINK_PORT KEY

It listens on loopback, signs for bench.example with KEY (PEM, selector b1) and hands all mail to
SINK_PORT; all it writes is in FOLDER. Lines on standard output are JSON: {"port": N} once it takes
mail, then an answer to each line of standard input:

    cpu     {"cpu_s": S}     CPU of all its processes so far, also of those that are gone
    drain   {"queued": N}    once the queue is empty, or after a minute

It ends, with every process it started, when standard input closes. Exit status 77, with the reason
as {"skipped": TEXT}: this peer can't be had here.
"""
import contextlib
import importlib
import json
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "end_to_end"))
import peers  # noqa: E402

sys.path[1:1] = peers.python_path()
from cpu_group import CpuGroup  # noqa: E402

SKIPPED = 77


class Run:
    """What a peer gets: its folder, the sink, the key. Stands in for the test of tests/end_to_end."""

    def __init__(self, folder, sink_port, key, cleanups):
        self.folder, self.sink_port, self.key = Path(folder), int(sink_port), Path(key)
        self.addCleanup = cleanups.callback

    def fail(self, why):
        raise SystemExit(f"run_peer: {why}")


def say(**answer):
    print(json.dumps(answer), flush=True)


def drained(peer, seconds=60):
    """How many messages are left once there are none, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while (queued := peer.queued()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return queued


def serve(peer, group):
    say(port=peer.port)
    for line in sys.stdin:
        if line.strip() == "cpu":
            say(cpu_s=group.cpu_seconds())
        elif line.strip() == "drain":
            say(queued=drained(peer))


def main(name, folder, sink_port, key):
    try:
        peers.need_root("mail servers change to other users")
        peers.need("usr/lib/python3/dist-packages/aiosmtpd")  # The modules of tests/end_to_end use it.
        with CpuGroup() as group, contextlib.ExitStack() as cleanups:
            with group.joined():
                peer = importlib.import_module(name).Peer(Run(folder, sink_port, key, cleanups))
            serve(peer, group)
    except unittest.SkipTest as reason:
        say(skipped=str(reason))
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
