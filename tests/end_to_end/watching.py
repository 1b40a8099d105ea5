"""Prometheus, as Debian has it, watching relays of a test under our rules."""
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import peers
import waiting
from sinks import free_port

MONITORING = peers.SOURCE / "monitoring"
RULES = MONITORING / "prometheus/signet.rules.yml"
SETTINGS = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files:
  - {rules}
scrape_configs:
  - job_name: signet
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


def shortened(rules):
    """The rules for a test: alerts do not wait for their `for:`, and what looks back over minutes, hours or three days
    looks back over 20 seconds. Nothing else is changed."""
    return re.sub(r"(?<=\[)(\d+[mh]|3d)(?=\])|(?<=offset )\d+m", "20s", re.sub(r"(?m)^\s+for: \S+\n", "", rules))


class Prometheus:
    """Scrapes the monitoring listener at `port` each second; `at_once`: alerts do not wait for their `for:`; `quick`:
    the rules are shortened()."""

    def __init__(self, test, folder, port, at_once=False, quick=False):
        program = peers.need("usr/bin/prometheus")
        folder = folder / "prometheus"
        folder.mkdir()
        self.port = free_port()
        rules = folder / RULES.name
        text = shortened(RULES.read_text()) if quick else RULES.read_text()
        rules.write_text(re.sub(r"(?m)^\s+for: \S+\n", "", text) if at_once else text)
        (folder / "prometheus.yml").write_text(SETTINGS.format(rules=rules, port=port))
        self.output = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdout=self.output, stderr=subprocess.STDOUT, env=peers.environment(), cwd=folder)
        test.addCleanup(self.stop)
        waiting.until(test, self.is_ready, "Prometheus is ready")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.output.close()

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        """The `data` of an answer of /api/v1; fails on an error of the query."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def firing(self):
        """Labels of the alerts that fire, by their names."""
        alerts = {}
        for alert in self.ask("alerts")["alerts"]:
            if alert["state"] == "firing":
                alerts.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return alerts

    def instant(self, query):
        """Samples of a query now: (labels, value), without NaN."""
        return [(each["metric"], each["value"][1]) for each in self.ask("query", query=query)["result"] if each["value"][1] != "NaN"]

    def points(self, query, start, end, step=1):
        """Series of a query over a time: (labels, values), without NaN."""
        result = self.ask("query_range", query=query, start=start, end=end, step=step)["result"]
        series = [(each["metric"], [value for _, value in each["values"] if value != "NaN"]) for each in result]
        return [each for each in series if each[1]]
