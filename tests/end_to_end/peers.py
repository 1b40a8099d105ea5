"""Where the unpacked test peers are, and the environment they run in."""
import os
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ROOT = Path(os.environ.get("SIGNET_PEERS", SOURCE / "build/peers/root"))
CORPUS = Path(os.environ.get("SIGNET_CORPUS", SOURCE.parent / "shared/corpus"))
PROGRAM = Path(os.environ.get("SIGNET_PROGRAM", SOURCE / "build/asan/signet"))

LIBRARIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib", "usr/lib/postfix", "usr/lib/rspamd"]
PERL = ["usr/share/perl5", "usr/lib/x86_64-linux-gnu/perl5/5.36", "usr/lib/aarch64-linux-gnu/perl5/5.36"]


def _paths(names):
    return ":".join(str(ROOT / name) for name in names if (ROOT / name).is_dir())


def environment():
    """The environment of a peer. Not for the relay: it runs with the system's libraries."""
    return os.environ | {
        "LD_LIBRARY_PATH": _paths(LIBRARIES),
        "PERL5LIB": _paths(PERL),
        "NODE_PATH": str(ROOT / "usr/share/nodejs"),
        "LC_ALL": "C.UTF-8",
    }


def python_path():
    return [str(ROOT / "usr/lib/python3/dist-packages")]


def need(path):
    """The unpacked program at `path` (below the peers' root); the test is skipped without it."""
    program = ROOT / path
    if not program.exists():
        raise unittest.SkipTest(f"{program} is missing: tests/support/fetch_peers.sh brings it")
    return str(program)


def need_corpus(folder):
    path = CORPUS / folder
    if not path.is_dir():
        raise unittest.SkipTest(f"no corpus at {path}")
    return path


def need_root(why):
    if os.geteuid() != 0:
        raise unittest.SkipTest(f"needs root: {why}")
