"""What is wrong in the DNS of a domain: `signet doctor` and the audit of the running relay, asking a real Knot."""
import json

import names
import relay as relays
import sinks
import waiting
from case import EndToEnd

POOL = """
[[pool]]
name = "default"
addresses = [
  { bind = "127.0.0.1", public = "192.0.2.1", helo = "mx1.example.com" },
  { bind = "127.0.0.2", public = "192.0.2.2", helo = "mx2.example.com" },
]
"""
CLIENT = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com", "keyless.example"]\n'
AUDIT = '[audit]\nenabled = true\nused_every = "1s"\nunused_every = "1s"\n'
SPF = "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"
CHECKS = ["spf", "dkim", "dmarc", "reports", "mx", "reverse_dns", "helo", "tls_rpt", "mta_sts", "bimi"]
AUTHORISATION = "example.com._report._dmarc.reports.example"


def txt(name, text):
    return f'{name}. 1 IN TXT "{text}"'


GOOD = {
    "spf": txt("example.com", SPF),
    "dmarc": txt("_dmarc.example.com", "v=DMARC1; p=reject; rua=mailto:a@example.com,mailto:b@reports.example; ruf=mailto:f@example.com"),
    "reports": txt(AUTHORISATION, "v=DMARC1"),
    "mx": "example.com. 1 IN MX 10 mx.example.com.",
    "ptr1": "1.2.0.192.in-addr.arpa. 1 IN PTR mx1.example.com.",
    "ptr2": "2.2.0.192.in-addr.arpa. 1 IN PTR mx2.example.com.",
    "helo1": "mx1.example.com. 1 IN A 192.0.2.1",
    "helo2": "mx2.example.com. 1 IN A 192.0.2.2",
    "tls_rpt": txt("_smtp._tls.example.com", "v=TLSRPTv1; rua=mailto:tls@example.com"),
    "mta_sts": txt("_mta-sts.example.com", "v=STSv1; id=20261128"),
    "bimi": txt("default._bimi.example.com", "v=BIMI1; l=https://example.com/logo.svg"),
}


class Doctor(EndToEnd):
    def prepare(self, with_key=True, more="", **changes):
        """A configuration with one keyed domain, whose zone is GOOD but for `changes` (None: no such record)."""
        made = relays.Relay(self, self.folder, POOL, clients=CLIENT)
        key = made.key("example.com")
        zone = [line for line in (GOOD | changes).values() if line]
        self.key_line = key["zone"].replace(" IN TXT", " 1 IN TXT")
        self.server = self.names({}, zone + ([self.key_line] if with_key else []))
        self.made = made
        made.write_configuration(more=more + f'[resolver]\nservers = ["{self.server.address}"]\n')
        return made

    def doctor(self, relay, *arguments):
        return relays.run_program("doctor", *arguments, "--config", relay.configuration, check=False)

    def diagnose(self, status=1, domain="example.com", **changes):
        """(result by check, the findings that are not ok) of a domain."""
        done = self.doctor(self.prepare(**changes), domain, "--json")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([each["domain"] for each in told["domains"]], [domain])
        domain = told["domains"][0]
        self.assertEqual(told["result"], domain["result"])
        self.assertEqual(sorted(domain["checks"]), sorted(CHECKS))
        for finding in domain["findings"]:
            self.assertEqual(sorted(finding), ["check", "publish", "result", "subject", "words"])
        return domain["checks"], [finding for finding in domain["findings"] if finding["result"] != "ok"]

    def assert_mended_by(self, check, **changes):
        """The check alone fails; with the records that are offered nothing does."""
        checks, findings = self.diagnose(**changes)
        self.assertEqual([name for name in CHECKS if checks[name] == "fail"], [check], findings)
        offered = {record for finding in findings for record in finding["publish"] if finding["result"] == "fail"}
        self.assertTrue(offered)
        replaced = {(record.split()[0], record.split()[2]) for record in offered}  # Name and type.
        lines = [line for line in (GOOD | changes).values() if isinstance(line, str)]
        lines += [] if changes.get("with_key") is False else [self.key_line]
        kept = [line for line in lines if (line.split()[0], line.split()[3]) not in replaced]
        (self.folder / "mended").mkdir()
        server = names.NameServer(self, self.folder / "mended", kept + sorted(offered))
        self.made.write_configuration(more=f'[resolver]\nservers = ["{server.address}"]\n')
        done = self.doctor(self.made, "example.com")
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        return findings

    def test_nothing_fails_where_all_is_well(self):
        relay = self.prepare()
        done = self.doctor(relay, "example.com")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(lines[0], "example.com: ok")
        self.assertTrue(all(line.startswith("  ok ") for line in lines[1:]), lines)
        self.assertEqual(sorted({line.split()[1].rstrip(":") for line in lines[1:]}), sorted(CHECKS))
        self.assertIn("  ok spf 192.0.2.2: SPF of example.com passes for 192.0.2.2 by ip4:192.0.2.2 (0 of 10 lookups)", lines)

    def test_an_address_that_spf_lacks_is_named(self):
        findings = self.assert_mended_by("spf", spf=txt("example.com", "v=spf1 ip4:192.0.2.1 -all"))
        self.assertEqual([finding["subject"] for finding in findings], ["192.0.2.2"])
        self.assertIn("SPF of example.com does not list 192.0.2.2", findings[0]["words"])

    def test_no_spf_record(self):
        self.assert_mended_by("spf", spf=None)

    def test_an_spf_record_that_cannot_be_read(self):
        self.assert_mended_by("spf", spf=txt("example.com", "v=spf1 ipv4:192.0.2.1 ip4:192.0.2.2 -all"))

    def test_many_lookups_are_a_warning(self):
        includes = {f"i{i}": txt(f"i{i}.example.com", "v=spf1 ip4:198.51.100.1") for i in range(8)}
        terms = " ".join(f"include:i{i}.example.com" for i in range(8))
        checks, findings = self.diagnose(status=0, spf=txt("example.com", f"v=spf1 ip4:192.0.2.0/30 {terms} -all"), **includes)
        self.assertEqual(checks["spf"], "warning")
        self.assertIn("8 of 10 lookups", findings[0]["words"])

    def test_a_key_that_is_not_in_dns(self):
        findings = self.assert_mended_by("dkim", with_key=False)
        self.assertIn("is not in DNS", findings[0]["words"])

    def test_no_dmarc_record(self):
        # Nothing can ask for BIMI then, and its record stands.
        checks, findings = self.diagnose(dmarc=None, bimi=None)
        self.assertEqual([name for name in CHECKS if checks[name] == "fail"], ["dmarc"])
        self.assertIn('_dmarc.example.com. IN TXT ( "v=DMARC1; p=none; rua=mailto:postmaster@example.com" )', findings[0]["publish"])

    def test_removed_tags_of_dmarc_are_flagged(self):
        record = "v=DMARC1; p=reject; pct=100; rf=afrf; ri=86400; rua=mailto:a@example.com"
        checks, findings = self.diagnose(status=0, dmarc=txt("_dmarc.example.com", record))
        self.assertEqual(checks["dmarc"], "warning")
        words = [finding["words"] for finding in findings if finding["check"] == "dmarc"]
        self.assertEqual([text.split()[0] for text in words], ["pct=", "rf=", "ri="])
        self.assertIn('"v=DMARC1; p=reject; rua=mailto:a@example.com"', findings[0]["publish"][0])

    def test_a_destination_of_reports_that_does_not_take_them(self):
        findings = self.assert_mended_by("reports", reports=None)
        self.assertEqual(findings[0]["publish"], [f'{AUTHORISATION}. IN TXT ( "v=DMARC1" )'])

    def test_a_record_for_any_domain_authorises_reports(self):
        self.diagnose(status=0, reports=txt("*._report._dmarc.reports.example", "v=DMARC1"))

    def test_no_mx(self):
        self.assert_mended_by("mx", mx=None)

    def test_a_null_mx(self):
        checks, _ = self.diagnose(mx="example.com. 1 IN MX 0 .")
        self.assertEqual(checks["mx"], "fail")

    def test_an_address_without_a_name_and_one_whose_name_leads_elsewhere(self):
        findings = self.assert_mended_by("reverse_dns", ptr1=None, ptr2="2.2.0.192.in-addr.arpa. 1 IN PTR mx1.example.com.")
        self.assertEqual([finding["subject"] for finding in findings], ["192.0.2.1", "192.0.2.2"])

    def test_a_helo_name_without_an_address(self):
        checks, findings = self.diagnose(helo2=None)
        self.assertEqual([name for name in CHECKS if checks[name] == "fail"], ["reverse_dns", "helo"])
        self.assertIn(["mx2.example.com. IN A 192.0.2.2"], [finding["publish"] for finding in findings])

    def test_records_for_tls_are_missing_or_not_valid(self):
        checks, findings = self.diagnose(status=0, tls_rpt=None, mta_sts=None)
        self.assertEqual((checks["tls_rpt"], checks["mta_sts"]), ("warning", "warning"))
        self.assertTrue(all(finding["publish"] for finding in findings))

    def test_a_tls_rpt_record_that_is_not_valid(self):
        self.assert_mended_by("tls_rpt", tls_rpt=txt("_smtp._tls.example.com", "v=TLSRPTv1"))

    def test_several_mta_sts_records(self):
        self.assert_mended_by("mta_sts", more_sts=txt("_mta-sts.example.com", "v=STSv1; id=2"))

    def test_a_bimi_record_under_p_none(self):
        self.assert_mended_by("bimi", dmarc=txt("_dmarc.example.com", "v=DMARC1; p=none; rua=mailto:a@example.com"))

    def test_a_domain_without_a_key(self):
        checks, findings = self.diagnose(domain="keyless.example")
        self.assertEqual(checks["dkim"], "fail")
        self.assertIn("signet keys new keyless.example", [f["words"] for f in findings if f["check"] == "dkim"][0])

    def test_a_dns_that_does_not_answer_is_no_clean_bill(self):
        relay = relays.Relay(self, self.folder, POOL, clients=CLIENT)
        relay.key("example.com")
        relay.write_configuration(more=f'[resolver]\nservers = ["127.0.0.1:{sinks.free_port()}"]\ntimeout = "1s"\n')
        done = self.doctor(relay, "example.com", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(set(json.loads(done.stdout)["domains"][0]["checks"].values()), {"unknown"})

    def test_without_a_name_every_domain_is_looked_at(self):
        relay = self.prepare()
        for arguments in ((), ("--all",)):
            done = self.doctor(relay, *arguments, "--json")
            self.assertEqual(done.returncode, 1)
            results = {each["domain"]: each["result"] for each in json.loads(done.stdout)["domains"]}
            self.assertEqual(results, {"example.com": "ok", "keyless.example": "fail"})
        named = self.doctor(relay, "example.com", "keyless.example")
        self.assertEqual([line for line in named.stdout.decode().splitlines() if not line.startswith(" ")], ["example.com: ok", "keyless.example: fail"])

    def test_wrong_use_is_status_2(self):
        relay = relays.Relay(self, self.folder, POOL, clients=CLIENT)
        for arguments, words in (
            (("other.example",), b"other.example is not configured"),
            (("no domain",), b"no domain name"),
            (("example.com", "--all"), b"--all"),
            (("example.com", "--unheard-of"), b"--unheard-of"),
        ):
            done = self.doctor(relay, *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(words, done.stderr)
        without = relays.run_program("doctor", "example.com", check=False)
        self.assertEqual(without.returncode, 2)
        relay.configuration.write_text("hostname = 1\n")
        self.assertEqual(self.doctor(relay, "example.com").returncode, 2)

    def test_the_audit_turns_its_gauges_when_records_go(self):
        relay = self.prepare(more=AUDIT).start()
        value = lambda check: relay.metric("signet_audit_check", domain="example.com", check=check)
        waiting.until(self, lambda: [value(check) for check in CHECKS] == [1] * len(CHECKS), "an audit that finds nothing")
        waiting.until(self, lambda: relay.metric("signet_audit_domains", check="dkim", result="fail") == 1, "keyless.example has no key")
        self.assertEqual(relay.metric("signet_audit_domains", check="dkim", result="ok"), 1)
        self.server.change(self.key_line, "")
        waiting.until(self, lambda: value("dkim") == 0, "the key is missed")
        self.assertIn('signet_audit_check{check="dkim",domain="example.com"} 0', relay.get("/metrics")[1])
        self.assertEqual(value("spf"), 1)
        self.assertEqual(relay.metric("signet_audit_domains", check="dkim", result="fail"), 2)
        self.assertEqual(relay.metric("signet_audit_domains", check="dkim", result="ok"), 0)
        facts = [fact for fact in relay.log() if fact["event"] == "audit" and fact["domain"] == "example.com"]
        self.assertEqual([(fact["check"], fact["result"]) for fact in facts], [("dkim", "fail")])

    def test_the_audit_forgets_a_domain_that_is_no_longer_configured(self):
        relay = self.prepare(more=AUDIT).start()
        gauges = lambda: [line for line in relay.get("/metrics")[1].splitlines() if line.startswith("signet_audit_check{")]
        waiting.until(self, lambda: any("keyless.example" in line for line in gauges()), "a gauge")
        relay.write_configuration(clients=CLIENT.replace(', "keyless.example"', ""))
        relay.reload()
        waiting.until(self, lambda: gauges() and not any("keyless.example" in line for line in gauges()), "the gauge goes")
        waiting.until(self, lambda: relay.metric("signet_audit_domains", check="dkim", result="fail") == 0, "and is counted no more")

    def test_without_the_section_nothing_is_audited(self):
        relay = self.prepare().start()
        self.assertEqual(relay.metric("signet_audits_total"), 0)
        self.assertNotIn("signet_audit_check{", relay.get("/metrics")[1])
