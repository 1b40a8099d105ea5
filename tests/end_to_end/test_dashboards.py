"""The Grafana dashboards: Grafana's own types, and every query against a Prometheus that watches a relay at work."""
import json
import re
import smtplib
import socket
import subprocess
import threading
import time

import mail
import peers
import relay as relays
import sinks
import waiting
from case import EndToEnd
from certificates import Certificate
from test_alignment import BOTH, ONE, POOL, client, txt
from test_clients import user_line
from test_rules import promtool
from test_webhook import Receiver
from watching import MONITORING, Prometheus

GRAFANA = sorted((MONITORING / "grafana").glob("*.json"))
PACKAGES = peers.SOURCE / "build/grafana/node_modules"
COMPILER = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "node16", "--moduleResolution", "node16"]

LISTEN = """
[[listen]]
address = "127.0.0.1:0"
name = "smtp"
tls = "starttls"
[[listen]]
address = "127.0.0.1:0"
name = "submissions"
tls = "implicit"
"""
DOMAINS = ("example.com", "keyless.example", "loop.example", "dept.example.com")
ZONE = [
    txt("example.com", BOTH),
    txt("_dmarc.example.com", "v=DMARC1; p=none"),
    # An organisation of its own by the tree walk, a part of example.com by the public suffix list.
    txt("_dmarc.dept.example.com", "v=DMARC1; p=none; psd=n"),
    txt("_dmarc.keyless.example", "v=DMARC1; p=none"),
    txt("keyless.example", ONE),
    "_dmarc.loop.example. 60 IN CNAME turn.loop.example.",
    "turn.loop.example. 60 IN CNAME _dmarc.loop.example.",
    "receiver.example. 60 IN MX 10 gmail-smtp-in.l.google.com.",
]
AUDIT = '[audit]\nenabled = true\nused_every = "1s"\nunused_every = "1s"\n'
ROTATION = """
[rotation]
publisher = "manual"
authoritative_port = {port}
interval = "20s"
jitter = "0s"
slack = "2s"
revoked_for = "2s"
poll = "1s"
look_every = "1s"
ttl = "1s"
[queue]
life = "30m"
null_sender_life = "30m"
retries = ["1m"]
"""
REFUSALS = {
    "unwelcome@receiver.example": "550 5.7.26 Unauthenticated email from example.com is not accepted",
    "nobody@receiver.example": "550 5.1.1 No such user",
    "later@receiver.example": "450 4.2.1 Try again later",
}
RANGE = 60  # Seconds a dashboard shows here.
# A share: what of a counter has one label's good value, by all of it.
SHARE = re.compile(r'sum(?: by \((?P<by>\w+)\))? ?\(\w+\((?P<metric>\w+_total)\{(?P<label>\w+)="(?P<good>\w+)", [^}]*\}.* / ')


def dashboards():
    return {file.stem: json.loads(file.read_text()) for file in GRAFANA}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def variables(dashboard):
    return {each["name"]: each for each in dashboard["templating"]["list"]}


def substituted(query, **values):
    """A query as Grafana sends it; a variable without a value is `All`."""
    values = {"__rate_interval": "20s", "__range": f"{RANGE}s"} | values
    return re.sub(r"\$(\w+)", lambda found: values.get(found[1], ".*"), query)


class Load:
    """Clients of every kind, in rounds, until the test ends."""

    def __init__(self, test, relay, certificate):
        self.relay, self.certificate, self.rounds, self.trouble = relay, certificate, 0, None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        test.addCleanup(self.stop)

    def stop(self):
        self.ending.set()
        self.thread.join(120)

    def run(self):
        try:
            while not self.ending.wait(1):
                self.round()
                self.rounds += 1
        except Exception as error:  # Told to the test, whose thread this is not.
            self.trouble = error

    def round(self):
        self.relay.send(mail.PLAIN)
        self.relay.send(mail.PLAIN, recipients=list(REFUSALS) + ["bob@receiver.example"])
        for domain in DOMAINS[1:]:
            sender = "alice@example.com" if domain == "dept.example.com" else f"alice@{domain}"
            self.relay.send(mail.PLAIN.replace(b"alice@example.com", f"alice@{domain}".encode()), sender=sender)
        self.relay.refusal(b"From: a@example.com, b@example.com\r\n\r\nx\r\n")
        self.misbehave()
        self.ask_for_nothing()
        self.relay.reload()

    def ask_for_nothing(self):
        """A request that the admin API refuses."""
        with socket.socket(socket.AF_UNIX) as operator:
            operator.connect(str(self.relay.folder / "spool/signet.sock"))
            operator.sendall(b"GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while operator.recv(4096):
                pass

    def misbehave(self):
        with self.relay.client() as connection:
            connection.docmd("X" * 3000)
            connection.starttls(context=self.certificate.client_context())
            try:
                connection.login("app", "wrong")
            except smtplib.SMTPAuthenticationError:
                pass
        with socket.create_connection(("127.0.0.1", self.relay.ports["submissions"]), timeout=60) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while stranger.recv(4096):
                pass


class Dashboards(EndToEnd):
    def start(self):
        """A relay whose mail of DOMAINS leaves by MX from two addresses, under load, and a Prometheus that watches it."""
        certificate = Certificate(self.folder, "mx.signet.example")
        address, sink = sinks.mail_exchanger(self, tls_context=certificate.server_context())
        sink.refuse |= REFUSALS
        made = relays.Relay(self, self.folder, POOL, listen=LISTEN, clients=client(list(DOMAINS)), top="allow_private_mx = true\n")
        made.key("example.com")
        names = self.names(made.keys, [*ZONE, f"gmail-smtp-in.l.google.com. 60 IN A {address}"])
        resolver = f'[resolver]\nservers = ["{names.address}"]\n[dsn]\nfrom = "mailer-daemon@example.com"\n'
        receiver = Receiver(self)
        webhook = f'[webhook]\nurl = "{receiver.url}"\n'
        made.write_configuration(alignment="[alignment]\n", more=AUDIT + webhook + certificate.settings() + user_line() + ROTATION.format(port=names.port) + resolver)
        relay = made.start()
        self.prometheus = Prometheus(self, self.folder, relay.ports["monitoring"])
        return relay, Load(self, relay, certificate)

    def has_data(self, panel, target, **values):
        query = substituted(target["expr"], **values)
        if target["instant"]:
            return bool(self.prometheus.instant(query))
        now = time.time()
        return bool(self.prometheus.points(query, now - RANGE, now))

    def wait_for(self, load, questions, what):
        """Asks all questions (name -> function) again until each was answered with yes."""
        def open_ones():
            if load.trouble:
                raise load.trouble
            for name in [name for name, question in questions.items() if question()]:
                del questions[name]
            return not questions

        try:
            waiting.until(self, open_ones, what, 300)
        except AssertionError as error:
            raise AssertionError(f"{what}: {sorted(questions)}") from error

    def test_every_query_of_every_panel_has_data_from_a_relay_at_work(self):
        relay, load = self.start()
        waiting.until(self, lambda: relay.queued() or load.trouble, "a message waits")
        relays.run_program("queue", "hold", relay.queued()[0], "--config", relay.configuration)
        questions = {}
        for name, dashboard in dashboards().items():
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    key = (name, panel["title"], target["refId"], target["expr"])
                    questions[key] = lambda panel=panel, target=target: self.has_data(panel, target)
        self.assertGreater(len(questions), 80)
        self.wait_for(load, questions, "every query has data")
        self.check_variables()
        self.check_domains(load)

    def check_variables(self):
        for name, dashboard in dashboards().items():
            for variable in variables(dashboard).values():
                if variable["type"] != "query":
                    continue
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
                values = self.prometheus.ask(f"label/{label}/values", **{"match[]": metric})
                self.assertTrue(values, (name, variable["name"]))

    def check_domains(self, load):
        """Each panel by domain has data for a configured domain, and of that domain alone."""
        questions = {}
        for name, dashboard in dashboards().items():
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    if "$domain" in target["expr"]:
                        key = (name, panel["title"], target["refId"])
                        questions[key] = lambda panel=panel, target=target: any(self.has_data(panel, target, domain=domain) for domain in DOMAINS)
        self.assertGreater(len(questions), 20)
        self.wait_for(load, questions, "every panel by domain has data of a configured domain")
        for name, dashboard in dashboards().items():
            for target in (target for panel in panels(dashboard) for target in panel["targets"] if "$domain" in target["expr"]):
                found = self.prometheus.instant(substituted(target["expr"], domain="example.com"))
                self.assertEqual({labels.get("domain", "example.com") for labels, _ in found} - {"example.com"}, set(), target["expr"])
                self.assertFalse(self.prometheus.instant(substituted(target["expr"], domain="nowhere.example")), target["expr"])

    def test_every_panel_says_what_it_shows_and_in_which_unit(self):
        for name, dashboard in dashboards().items():
            self.assertEqual(dashboard["uid"], name)
            self.assertEqual(variables(dashboard)["datasource"]["type"], "datasource")
            identifiers = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(identifiers), len(set(identifiers)))
            for panel in panels(dashboard):
                self.assertGreater(len(panel["description"]), 10, (name, panel["title"]))
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], (name, panel["title"]))
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"], {"type": "prometheus", "uid": "${datasource}"})
                    self.assertNotIn("vector(", target["expr"])
                    used = set(re.findall(r"\$(?!__)(\w+)", target["expr"]))
                    self.assertEqual(used - set(variables(dashboard)), set(), (name, panel["title"]))

    def test_a_share_of_which_nothing_is_good_is_0_and_not_absent(self):
        cases = []
        for expression in (target["expr"] for dashboard in dashboards().values() for panel in panels(dashboard) for target in panel["targets"]):
            if found := SHARE.search(expression):
                cases += [self.share_case(expression, found, "wrong", 0), self.share_case(expression, found, found["good"], 1)]
        self.assertEqual(len(cases), 2 * 8)
        file = self.folder / "shares.test.yml"
        file.write_text(json.dumps({"evaluation_interval": "10s", "tests": cases}))
        status, said = promtool("test", "rules", file)
        self.assertEqual(status, 0, said)

    @staticmethod
    def share_case(expression, share, value, expected):
        """For promtool: all that is counted has `value` for the label of the share."""
        others = set(re.findall(r'(\w+)=~"', expression)) | ({share["by"]} if share["by"] else set())
        labels = [f'{share["label"]}="{value}"', *(f'{name}="x"' for name in sorted(others))]
        return {
            "interval": "10s",
            "input_series": [{"series": f'{share["metric"]}{{{", ".join(labels)}}}', "values": "0+1x60"}],
            "promql_expr_test": [{
                "expr": substituted(expression),
                "eval_time": "5m",
                "exp_samples": [{"labels": f'{{{share["by"]}="x"}}' if share["by"] else "{}", "value": expected}],
            }],
        }

    def test_links_lead_from_a_domain_to_its_reasons(self):
        dashboard = dashboards()["signet-compliance"]
        table = next(panel for panel in panels(dashboard) if panel["title"] == "Domains")
        link = table["fieldConfig"]["defaults"]["links"][0]["url"]
        self.assertIn("/d/signet-compliance?", link)
        self.assertIn("var-domain=${__data.fields.Domain}", link)
        self.assertEqual(table["transformations"][-1]["options"]["renameByName"]["domain"], "Domain")

    def compile(self, dashboards):
        """What the TypeScript compiler says of dashboards (name -> text) held against Grafana's types."""
        folder = self.folder / "types"
        folder.mkdir(exist_ok=True)
        (folder / "node_modules").unlink(missing_ok=True)
        (folder / "node_modules").symlink_to(PACKAGES)
        (folder / "dashboard_types.ts").write_text((peers.SOURCE / "tests/support/dashboard_types.ts").read_text())
        for name, text in dashboards.items():
            head = "import type { Provisioned } from './dashboard_types';\nexport const dashboard: Provisioned = "
            (folder / f"{name}.ts").write_text(head + text + ";\n")
        program = ["node", PACKAGES / "typescript/bin/tsc", *COMPILER, *(f"{name}.ts" for name in dashboards)]
        done = subprocess.run(program, capture_output=True, cwd=folder, timeout=300)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def test_dashboards_are_what_the_types_of_grafana_say(self):
        if not (PACKAGES / "@grafana/schema").is_dir():
            self.skipTest(f"no {PACKAGES}/@grafana/schema: tests/support/fetch_grafana_schema.sh brings it")
        texts = {file.stem: file.read_text() for file in GRAFANA}
        status, said = self.compile(texts)
        self.assertEqual((status, said), (0, ""))
        keys = texts["signet-keys"]
        wrong = {
            "mode": keys.replace('"mode": "multi"', '"mode": "every"', 1),
            "field": keys.replace('"graphMode"', '"grafMode"', 1),
            "unit": re.sub(r'"unit": "[^"]*",', "", keys, count=1),
            "number": keys.replace('"graphTooltip": 1', '"graphTooltip": 9', 1),
        }
        _, said = self.compile(wrong)
        for name in wrong:
            self.assertIn(f"{name}.ts(", said)
