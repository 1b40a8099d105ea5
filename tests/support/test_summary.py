#!/usr/bin/env python3
"""test_summary.py DIR...: what came of the suites whose build directories are given.

Reads DIR/results.xml and, where tests failed and were run once more, DIR/second.xml (both JUnit, of ctest).
Prints the end of the output of each test that failed, then one line: "N passed, N failed", with ", N skipped"
where tests said that they could not be run. Ends with 0 if tests passed and none failed.

A test that failed beside others and passes alone counts as passed and is named: the end-to-end tests wait for
servers, in real time. That forgives no report of a sanitizer and no test that was never run.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

SHOWN_LINES = 25
SANITIZER_REPORT = re.compile(r"(Address|Thread|Leak|UndefinedBehavior)Sanitizer|: runtime error: ")


def cases(path):
    """Name -> (status, output); the status is "run", "skip" or what ctest calls a failure."""
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        is_skip = skipped is not None and skipped.get("message", "").startswith("SKIP_")
        output = case.findtext("system-out") or ""
        found[case.get("name")] = ("skip" if is_skip else case.get("status"), output)
    return found


def judge(first, second):
    """Names by what came of them: dict with the lists "passed", "failed", "skipped", "alone"."""
    came_to = {"passed": [], "failed": [], "skipped": [], "alone": []}
    for name, (status, output) in first.items():
        if status == "run":
            came_to["passed"].append(name)
        elif status == "skip":
            came_to["skipped"].append(name)
        elif (status == "fail" and not SANITIZER_REPORT.search(output)
              and second.get(name, ("never",))[0] == "run"):
            came_to["alone"].append(name)
        else:
            came_to["failed"].append(name)
    return came_to


def show_end(title, output):
    print(f"--- {title}")
    for line in output.splitlines()[-SHOWN_LINES:]:
        print(f"    {line[:200]}")


def main(directories):
    passed = failed = skipped = 0
    for directory in map(pathlib.Path, directories):
        first = cases(directory / "results.xml")
        second_path = directory / "second.xml"
        second = cases(second_path) if second_path.exists() else {}
        came_to = judge(first, second)
        for name in came_to["alone"]:
            show_end(f"{directory.name}: passed only when run alone: {name}", first[name][1])
        for name in came_to["failed"]:
            show_end(f"{directory.name}: failed: {name}", first[name][1])
        passed += len(came_to["passed"]) + len(came_to["alone"])
        failed += len(came_to["failed"])
        skipped += len(came_to["skipped"])
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
