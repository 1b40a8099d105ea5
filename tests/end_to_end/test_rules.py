"""The rule file for Prometheus and the reference of metrics."""
import json
import re
import subprocess
import sys

import peers
from case import EndToEnd
from relay import run_program
from watching import MONITORING, RULES

sys.path.insert(0, str(MONITORING))
import reference  # noqa: E402

CASES = sorted(RULES.parent.glob("*.test.yml"))


def promtool(*arguments):
    program = peers.need("usr/bin/promtool")
    done = subprocess.run([program, *arguments], capture_output=True, env=peers.environment(), timeout=800, cwd=RULES.parent)
    return done.returncode, (done.stdout + done.stderr).decode()


def parsed(file):
    import yaml

    peers.need("usr/lib/python3/dist-packages/yaml/__init__.py")
    return yaml.safe_load(file.read_text())


class Rules(EndToEnd):
    def alerts(self):
        return {rule["alert"]: rule for group in parsed(RULES)["groups"] for rule in group["rules"] if "alert" in rule}

    def test_promtool_finds_no_fault_in_the_rules(self):
        status, text = promtool("check", "rules", RULES)
        self.assertEqual(status, 0, text)

    def test_every_case_of_an_alert_holds(self):
        status, text = promtool("test", "rules", *CASES)
        self.assertEqual(status, 0, text)

    def test_every_alert_has_a_firing_and_a_silent_case(self):
        fires, silent = set(), set()
        for case in (case for file in CASES for case in parsed(file)["tests"]):
            for check in case.get("alert_rule_test", ()):
                (fires if check["exp_alerts"] else silent).add(check["alertname"])
        self.assertEqual(fires, set(self.alerts()))
        self.assertEqual(silent, set(self.alerts()))

    def test_every_alert_says_how_bad_it_is_and_what_to_do(self):
        for name, rule in self.alerts().items():
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"), name)
            self.assertGreater(len(rule["annotations"]["summary"]), 20, name)
            self.assertGreater(len(rule["annotations"]["description"]), 40, name)

    def test_every_metric_of_a_rule_and_of_a_panel_is_in_the_list_of_the_program(self):
        known = set()
        for metric in json.loads(run_program("metrics", "--json").stdout):
            known |= {metric["name"]} if metric["kind"] != "histogram" else {metric["name"] + end for end in ("_bucket", "_sum", "_count")}
        rules = list(reference.rules())
        self.assertEqual({name for kind, name, _ in rules if kind == "alert"}, set(self.alerts()), "the reference reads the rule file as YAML does")
        known |= {name for kind, name, _ in rules if kind == "record"}
        expressions = [expression for _, _, expression in rules] + [expression for _, expression in reference.panels()]
        self.assertGreater(len(expressions), 100)
        for expression in expressions:
            names = set(reference.NAME.findall(expression))
            self.assertTrue(names or re.search(r"\bup\b", expression), expression)
            self.assertEqual(names - known, set(), expression)

    def test_the_reference_is_made_from_what_the_program_lists_now(self):
        made = reference.reference(str(peers.PROGRAM))
        self.assertEqual((MONITORING / "METRICS.md").read_text(), made, "METRICS.md is stale: ninja metrics_reference")

    def test_the_reference_gives_each_metric_its_unit(self):
        for name, unit in {"signet_spool_disk_free_ratio": "ratio", "signet_spool_disk_free_bytes": "bytes", "signet_queue_messages": "count"}.items():
            self.assertEqual(reference.unit({"name": name, "help": ""}), unit)
