#!/usr/bin/env python3
"""The check itself: it finds a breach, and leaves what is allowed alone."""
import tempfile
import unittest
from pathlib import Path

from include_rules import breaches

CMAKE = """
signet_library(base relay/base)
signet_library(net relay/net signet_base)
signet_library(spool relay/spool signet_base)
signet_library(accept relay/accept signet_base
  signet_net)
"""


def tree(test, **sources):
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    root = Path(folder.name)
    (root / "CMakeLists.txt").write_text(CMAKE)
    for top in ("relay", "keys", "config", "monitoring"):
        (root / top).mkdir()
    for name, include in sources.items():
        folder = root / "relay" / name
        folder.mkdir()
        (folder / f"{name}.cpp").write_text(f"// x\n#include {include}\n")
    return root


class IncludeRules(unittest.TestCase):
    def test_finds_a_stage_that_includes_a_stage_it_does_not_link(self):
        found = list(breaches(tree(self, accept='"relay/spool/spool.hpp"')))
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("relay/accept/accept.cpp:2: "), found)

    def test_finds_a_library_outside_its_folder(self):
        self.assertEqual(len(list(breaches(tree(self, accept="<rocksdb/db.h>")))), 1)

    def test_allows_linked_folders_common_folders_and_the_own_library(self):
        root = tree(self, accept='"relay/net/loop.hpp"', net="<event2/event.h>", spool='"relay/smtp/reply.hpp"')
        self.assertEqual(list(breaches(root)), [])


if __name__ == "__main__":
    unittest.main()
