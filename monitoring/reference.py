#!/usr/bin/env python3
"""Prints METRICS.md: every metric of `signet metrics --json`, with its alerts and dashboards.

    reference.py PROGRAM > METRICS.md

Alerts are found in prometheus/signet.rules.yml (a recording rule passes on what it is made of), panels in
grafana/*.json. `ninja metrics_reference` runs it.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = re.compile(r"\b(?:signet|process)[_:][a-z0-9_:]+")
HEAD = """\
# Metrics

Made by `ninja metrics_reference` from the list in the code (`metric_families.hpp`, `signet metrics`), the rules
([prometheus/signet.rules.yml](prometheus/signet.rules.yml)) and the dashboards ([grafana/](grafana/)): change those.

- Labels: `client`, `domain`, `pool`, `route` and `egress` take their values from the configuration and the store of
  keys; others are counted as `other` (`signet_label_values_other_total`). All other labels have fixed sets of values. A
  family holds at most 10,000 series; what comes on top is `other` too (`signet_series_dropped_total`).
- Counters never fall while the process lives. A series with labels begins with its first event.
- A histogram is exported as `_bucket`, `_sum` and `_count`.
- Alert on what the column names: the rule file has threshold, duration, and what to do. Metrics without an alert are there
  for the dashboards and for the search after a cause.
- **The share of aligned mail of a domain is no metric of the relay**: it is a recording rule over
  `signet_alignment_messages_total`, so that it can be taken over any window and over all relays.
"""


def metrics(program):
    done = subprocess.run([program, "metrics", "--json"], capture_output=True, check=True)
    return json.loads(done.stdout)


def rules():
    """(kind, name, expression) of each rule: the file has one `expr:` after each `record:` or `alert:`."""
    text = re.sub(r"(?m)^\s*#.*$", "", (HERE / "prometheus/signet.rules.yml").read_text())
    parts = re.split(r"(?m)^\s*- (record|alert): (\S+)\n", text)
    for kind, name, body in zip(parts[1::3], parts[2::3], parts[3::3]):
        yield kind, name, re.split(r"(?m)^\s*(?:for|labels):", body.partition("expr:")[2])[0]


def panels():
    """(dashboard, expression) of each query."""
    for file in sorted((HERE / "grafana").glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield dashboard["title"].removeprefix("Signet: "), target["expr"]


def sources(expression, records):
    """Metrics an expression reads, through recording rules, without the endings of a histogram."""
    found = set()
    for name in NAME.findall(expression):
        if name in records:
            found |= records[name]
        else:
            found |= {name, re.sub(r"_(bucket|sum|count)$", "", name)}
    return found


def users():
    """Metric -> names of the alerts; metric -> titles of the dashboards; the recording rules."""
    records, alerts, shown = {}, {}, {}
    for kind, name, expression in rules():
        read = sources(expression, records)
        if kind == "record":
            records[name] = read
            continue
        for metric in read:
            alerts.setdefault(metric, []).append(name)
    for title, expression in panels():
        for metric in sources(expression, records):
            shown.setdefault(metric, {})[title] = None
    return alerts, shown, records


def unit(metric):
    name = metric["name"].removesuffix("_total")
    if re.match(r"1 (when|while)\b", metric["help"]):
        return "0 or 1"
    if name.endswith("_timestamp_seconds") or name == "process_start_time_seconds":
        return "seconds since 1970"
    for ending in ("seconds", "bytes", "ratio"):
        if name.endswith("_" + ending):
            return ending
    return "count"


def table(heads, rows):
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def reference(program):
    alerts, shown, records = users()
    code = lambda names: ", ".join(f"`{name}`" for name in names)
    rows = [
        [f"`{metric['name']}`", metric["kind"], unit(metric), code(metric["labels"]), metric["help"],
         code(alerts.get(metric["name"], ())), ", ".join(shown.get(metric["name"], ()))]
        for metric in metrics(program)
    ]
    lines = [HEAD, *table(["metric", "kind", "unit", "labels", "what it says", "alerts", "dashboards"], rows)]
    lines += ["", "## Recording rules", ""]
    lines += table(["rule", "made from"], ([f"`{name}`", code(sorted(read))] for name, read in records.items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference(sys.argv[1]))
