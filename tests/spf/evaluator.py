"""Asks the evaluator under test, and finds what the tests need from outside."""
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
PEERS = Path(os.environ.get("SIGNET_PEERS", SOURCE / "build/peers/root"))
CORPUS = Path(os.environ.get("SIGNET_CORPUS", SOURCE.parent / "shared/corpus"))
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def need_module(name):
    """The module, the system's or a peer's."""
    peers = str(PEERS / "usr/lib/python3/dist-packages")
    if peers not in sys.path:
        sys.path.append(peers)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        skip(f"{error}: tests/support/fetch_peers.sh brings it")


def evaluate(groups):
    """The results of all questions of all groups (see evaluate.cpp), in order."""
    done = subprocess.run([sys.argv[1]], input=json.dumps(groups).encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def question(address, sender, helo):
    local, _, domain = (sender or f"postmaster@{helo}").rpartition("@")
    return {"ip": address, "local": local, "domain": domain, "helo": helo}
