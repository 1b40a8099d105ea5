#!/usr/bin/env python3
"""The count over the suites: nothing that failed goes uncounted."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import test_summary  # noqa: E402


def case(name, status, output="", skipped=""):
    inner = f'<skipped message="{skipped}"/>' if skipped else ""
    return f'<testcase name="{name}" status="{status}">{inner}<system-out>{output}</system-out></testcase>'


class TestSummary(unittest.TestCase):
    def summary(self, first, second=None):
        with tempfile.TemporaryDirectory() as folder:
            for name, cases in (("results.xml", first), ("second.xml", second)):
                if cases is not None:
                    (pathlib.Path(folder) / name).write_text(f"<testsuite>{''.join(cases)}</testsuite>")
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = test_summary.main([folder])
            return code, said.getvalue().splitlines()

    def test_all_passed(self):
        self.assertEqual((0, ["2 passed, 0 failed"]), self.summary([case("a", "run"), case("b", "run")]))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual((1, ["0 passed, 0 failed"]), self.summary([]))

    def test_a_failure_is_named_with_the_end_of_its_output(self):
        code, lines = self.summary([case("a", "run"), case("b", "fail", "why\n")], [case("b", "fail")])
        self.assertEqual(1, code)
        self.assertTrue(lines[0].endswith(": failed: b"), lines)
        self.assertEqual(["    why", "1 passed, 1 failed"], lines[1:])

    def test_what_could_not_be_started_failed_and_what_says_it_cannot_be_run_is_skipped(self):
        code, lines = self.summary([case("a", "run"), case("b", "notrun", skipped="Unable to find executable"),
                                    case("c", "notrun", skipped="SKIP_RETURN_CODE=77")])
        self.assertEqual((1, "1 passed, 1 failed, 1 skipped"), (code, lines[-1]))

    def test_what_passes_alone_passed_and_is_named(self):
        code, lines = self.summary([case("a", "fail", "too late")], [case("a", "run")])
        self.assertTrue(lines[0].endswith(": passed only when run alone: a"), lines)
        self.assertEqual((0, "1 passed, 0 failed"), (code, lines[-1]))

    def test_a_report_of_a_sanitizer_is_never_forgiven(self):
        for report in ("==7==ERROR: AddressSanitizer: heap-use-after-free", "WARNING: ThreadSanitizer: data race",
                       "ERROR: LeakSanitizer: detected memory leaks", "a.cpp:1:2: runtime error: signed overflow"):
            code, lines = self.summary([case("a", "fail", report)], [case("a", "run")])
            self.assertEqual((1, "0 passed, 1 failed"), (code, lines[-1]))


if __name__ == "__main__":
    unittest.main()
