#!/usr/bin/env python3
"""Runs test methods of one module: run.py MODULE [METHOD]. Exit: 0 passed, 77 all skipped, else 1.

Starts itself again with the environment the unpacked peers need, so that extension modules find
their libraries.
"""
import os
import sys
import unittest

import peers


def selected(module, method):
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    tests = [test for group in suite for test in group]
    return unittest.TestSuite(test for test in tests if not method or test._testMethodName == method)


def main():
    if not os.environ.get("SIGNET_PEERS_READY"):
        os.execve(sys.executable, [sys.executable, "-B", *sys.argv], peers.environment() | {"SIGNET_PEERS_READY": "1"})
    sys.path[:0] = peers.python_path()
    suite = selected(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    count = suite.countTestCases()
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful() or count == 0:
        return 1
    return 77 if len(result.skipped) == count else 0


if __name__ == "__main__":
    sys.exit(main())
