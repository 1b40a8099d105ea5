"""Keys rotate under mail: the DNS is a real name server that takes signed updates."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import unittest
from pathlib import Path

import mail
import relay
import waiting
from rotations import Bind, Knot, RotationCase


class Rotation(RotationCase):
    def test_domains_rotate_under_mail_and_every_message_verifies_when_it_arrives(self):
        domains = ["example.com"]
        made = self.start(domains)
        first = next(iter(made.keys)).split(".")[0]

        def done():
            moves = [fact for fact in made.log() if fact["event"] == "key"]
            return sum(fact["to"] == "deleted" for fact in moves) >= 3

        self.send_until(made, domains, done, 240)
        self.assertEqual(self.wrong, [])
        self.assertGreaterEqual(len(self.seen["example.com"]), 3, self.seen)
        moves = [fact for fact in made.log() if fact["event"] == "key" and fact["selector"] == first]
        self.assertEqual([fact["to"] for fact in moves], ["retiring", "revoked", "deleted"])
        self.assertFalse((self.folder / "store/example.com" / f"{first}.pem").exists())
        self.assertEqual(self.server.texts(f"{first}._domainkey.example.com"), [])
        self.assertEqual(made.metric("signet_publisher_errors_total"), 0)
        self.assertEqual(made.metric("signet_keys", state="active"), 1)

    def test_killed_at_any_moment_a_rotation_goes_on_where_it_stopped(self):
        domains = ["example.com"]
        made = self.start(domains)
        pause = 0.15

        def done():
            return sum(fact["event"] == "key" and fact["to"] == "active" for fact in made.log()) >= 2

        deadline = time.monotonic() + 240
        while not done():
            self.assertLess(time.monotonic(), deadline, made.log()[-10:])
            time.sleep(pause)  # A different moment of the rotation each time.
            pause = pause * 1.3 if pause < 4 else 0.4
            made.kill()
            made.start()
            made.send(mail.message())
        waiting.until(self, lambda: made.metric("signet_keys", state="active") == 1, "one active key")
        self.send_until(made, domains, lambda: len(self.sink_.messages) > 3, 60)
        self.assertEqual(self.wrong, [])
        self.assertEqual(sum(state == "active" for state in self.states(made, "example.com").values()), 1)

    def test_a_name_server_that_is_down_only_delays_a_rotation(self):
        made = self.start(["example.com"], interval="4s")
        self.server.stop()
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 0, "the publisher fails", 60)
        states = self.states(made, "example.com")
        self.assertEqual(sorted(states.values()), ["active", "generated"])
        self.server.start()
        waiting.until(self, lambda: "retiring" in self.states(made, "example.com").values(), "the rotation goes on", 90)
        self.send_until(made, ["example.com"], lambda: len(self.sink_.messages) > 2, 60)
        self.assertEqual(self.wrong, [])

    def test_a_record_that_vanishes_raises_a_gauge_and_a_log_line(self):
        made = self.start(["example.com"], interval="1d")
        made.stop()
        selector = next(iter(made.keys)).split(".")[0]
        import dns.query
        import dns.tsigkeyring
        import dns.update

        update = dns.update.Update("example.com", keyring=dns.tsigkeyring.from_text({"signet": self.server.secret}))
        update.delete(f"{selector}._domainkey.example.com.", "TXT")
        self.assertEqual(dns.query.tcp(update, "127.0.0.1", port=self.server.port, timeout=10).rcode(), 0)
        made.start()
        waiting.until(self, lambda: made.metric("signet_key_mismatches") == 1, "the gauge rises")
        waiting.until(self, lambda: "key_mismatch" in [fact["event"] for fact in made.log()], "the log says so")

    def test_an_operator_takes_each_step_by_hand(self):
        made = self.start(["example.com"], interval="1d")
        made.stop()  # The commands need no relay.
        old = next(iter(made.keys)).split(".")[0]

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)["selector"]
        self.assertEqual(json.loads(keys("rotate", "example.com").stdout)["selector"], new)
        early = keys("activate", "example.com", new, check=False)
        self.assertEqual(early.returncode, 1)
        self.assertIn(b"does not prove", early.stderr)
        for _ in range(2):
            self.assertEqual(json.loads(keys("publish", "example.com", new).stdout)["state"], "published")
        waiting.until(self, lambda: keys("activate", "example.com", new, check=False).returncode == 0, "old answers expire")
        self.assertEqual(json.loads(keys("activate", "example.com", new).stdout)["state"], "active")
        self.assertEqual(self.states(made, "example.com"), {old: "retiring", new: "active"})
        self.assertEqual(json.loads(keys("revoke", "example.com", old).stdout)["state"], "revoked")
        self.assertEqual(self.server.texts(f"{old}._domainkey.example.com"), [b"v=DKIM1; k=rsa; p="])
        (shown,) = [key for key in json.loads(keys("show", "example.com").stdout)["keys"] if key["selector"] == old]
        self.assertEqual(shown["record"], "v=DKIM1; k=rsa; p=", "what belongs in the DNS now")
        again = keys("publish", "example.com", old, check=False)
        self.assertEqual((again.returncode, b"must not come back" in again.stderr), (1, True))
        self.assertEqual(keys("show", "other.example", check=False).returncode, 1)
        plan = json.loads(keys("rotate", "--all", "--dry-run").stdout)
        self.assertEqual([each["domain"] for each in plan], ["example.com"])
        audit = [(fact["to"], fact["by"].split()[0]) for fact in made.log() if fact["event"] == "key"]
        given_and_seen = ["published", "published"]
        self.assertEqual([to for to, _ in audit], ["generated", *given_and_seen, "retiring", "verified", "active", "revoked"])
        self.assertTrue(all(by == "uid" for _, by in audit))

    def test_a_key_waits_until_answers_without_its_record_have_expired(self):
        server = Knot(self, self.folder, ["example.com"])
        server.stop()
        zone = server.zone_file("example.com")
        zone.write_text(zone.read_text().replace("@ 1 IN SOA", "@ 3600 IN SOA").replace("86400 1", "86400 3600"))
        server.start()
        made = self.prepare(["example.com"], interval="1d", server=server)
        self.publish(made.key("example.com"))
        made.write_configuration()

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)["selector"]
        keys("publish", "example.com", new)
        early = keys("activate", "example.com", new, check=False)
        self.assertEqual((early.returncode, b"may be remembered until" in early.stderr), (1, True), early.stderr)
        self.assertEqual(self.states(made, "example.com")[new], "published")
        self.assertEqual(json.loads(keys("activate", "example.com", new, "--unproven").stdout)["state"], "active")

    def test_a_revoked_key_has_signed_its_last_when_its_record_is_emptied(self):
        made = self.start(["example.com"], interval="1d")
        old = next(iter(made.keys)).split(".")[0]

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)["selector"]
        waiting.until(self, lambda: self.states(made, "example.com")[new] == "active", "the new key is proven", 60)
        self.send_until(made, ["example.com"], lambda: new in self.seen.get("example.com", ()), 60)
        keys("activate", "example.com", old)
        revoking = threading.Thread(target=lambda: keys("revoke", "example.com", new))
        revoking.start()
        self.send_until(made, ["example.com"], lambda: not revoking.is_alive(), 60)
        revoking.join()
        self.assertIn(self.server.texts(f"{new}._domainkey.example.com"), ([b"v=DKIM1; k=rsa; p="], []))
        self.assertEqual(self.wrong, [])
        self.assertEqual(self.states(made, "example.com")[old], "active")
        self.assertIn("revoked", [f["to"] for f in made.log() if f["event"] == "key" and f["selector"] == new])

    def test_a_name_server_beyond_this_hosts_reach_and_a_dead_resolver_stop_no_rotation(self):
        server = Knot(self, self.folder, ["example.com"], more={"example.com": ["ns 1 IN AAAA fe80::53"]})
        made = self.prepare(["example.com"], server=server)
        made.parts["more"] = made.parts["more"].replace("servers = [", 'servers = ["127.0.0.1:1", ')
        made.write_configuration()
        self.publish(made.key("example.com"))
        made.start()
        waiting.until(self, lambda: sum(f["event"] == "key" and f["to"] == "active" for f in made.log()), "the next key", 120)

    def test_a_domain_that_is_stuck_keeps_no_other_from_rotating(self):
        made = self.prepare(["example.com"], interval="15s", more="at_once = 1")
        self.publish(made.key("example.com"))
        made.key("aaa.example")  # No server knows its zone.
        made.start()
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 0, "one is stuck", 60)
        active = lambda: [f["domain"] for f in made.log() if f["event"] == "key" and f["to"] == "active"]
        self.assertEqual(waiting.until(self, active, "the other rotates", 60)[0], "example.com")

    def test_a_domain_that_is_not_due_takes_no_place_of_one_that_is(self):
        domains = ["aaa.example", "bbb.example", "ccc.example", "example.com"]
        made = self.prepare(domains, interval="1d", more="at_once = 1")
        for domain in domains:
            self.publish(made.key(domain))
        for key in list(made.keys.values())[2:]:
            self.make_old(made, key)
        made.start()
        began = lambda: {f["domain"] for f in made.log() if f["event"] == "key" and f["to"] == "generated"}
        waiting.until(self, lambda: began() == {"ccc.example", "example.com"}, "both have their turn", 60)

    def test_after_a_restart_no_rotation_begins_beside_one_that_is_under_way(self):
        made = self.prepare(["example.com", "aaa.example"], interval="1h", more="at_once = 1")
        self.make_old(made, made.key("example.com"))
        self.server.stop()
        made.start()
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 0, "a rotation that can't go on", 60)
        made.stop()
        self.make_old(made, made.key("aaa.example"))  # It is looked at first.
        made.start()
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 1, "some walks over the store", 60)
        self.assertEqual(len(self.states(made, "example.com")), 2)
        self.assertEqual(len(self.states(made, "aaa.example")), 1)
        self.server.start()
        waiting.until(self, lambda: len(self.states(made, "aaa.example")) == 2, "its turn, once the other is done", 60)
        self.assertIn("retiring", self.states(made, "example.com").values())

    def test_a_rotation_that_waits_says_why_in_the_log(self):
        made = self.prepare(["example.com"], interval="3s", more="")
        made.parts["more"] = made.parts["more"].replace('publisher = "rfc2136"', 'publisher = "manual"')
        made.write_configuration()
        self.publish(made.key("example.com"))
        made.start()
        waiting.until(self, lambda: "the rotation of example.com waits: " in made.stderr(), "the reason", 60)
        self.assertIn("no record", made.stderr())

    def test_a_refused_update_says_what_to_look_at(self):
        made = self.prepare(["example.com"], interval="1d")
        selector = made.key("example.com")["selector"]
        text, secret = made.configuration.read_text(), Path(self.server.key_file).read_text()

        def publish(old="", new=""):
            self.assertIn(old, text)
            made.configuration.write_text(text.replace(old, new) if old else text)
            return relay.run_program("keys", "publish", "example.com", selector, "--config", made.configuration, check=False)

        def refusal(*change):
            done = publish(*change)
            self.assertEqual(done.returncode, 2, done.stderr)
            return done.stderr.decode()

        self.assertEqual(publish().returncode, 0)
        self.assertIn("BADKEY", refusal('key_name = "signet"', 'key_name = "other"'))
        zone = '[rotation]\nzone = "other.example"'
        self.assertIn("it is no name server of other.example", refusal("[rotation]", zone))
        Path(self.server.key_file).write_text("A" + secret[1:] if secret[0] != "A" else "B" + secret[1:])
        self.assertIn("BADSIG", refusal())
        Path(self.server.key_file).write_text("")
        self.assertIn("is empty", refusal())

    def test_no_output_holds_key_material(self):
        made = self.start(["example.com"], interval="4s")
        self.send_until(made, ["example.com"], lambda: "retiring" in self.states(made, "example.com").values(), 120)
        secrets_ = [self.server.secret]
        for file in (self.folder / "store/example.com").glob("*.pem"):
            secrets_ += file.read_text().splitlines()[10:14]  # Deep in the private part.
        self.assertGreater(len(secrets_), 4)
        command_line = (Path("/proc") / str(made.process.pid) / "cmdline").read_bytes()
        environment = (Path("/proc") / str(made.process.pid) / "environ").read_bytes()
        shown = relay.run_program("keys", "show", "example.com", "--config", made.configuration, "--json").stdout
        outputs = [made.stderr(), (self.folder / "delivery.log").read_text(), made.get("/metrics")[1]]
        outputs += [each.decode(errors="replace") for each in (command_line, environment, shown)]
        outputs += [file.read_text() for file in (self.folder / "store/example.com").glob("keyset.toml")]
        for secret in secrets_:
            for output in outputs:
                self.assertNotIn(secret, output)

    def test_bind_takes_the_updates_of_a_rotation(self):
        domains = ["example.com"]
        made = self.start(domains, server=Bind(self, self.folder, domains))

        def done():
            moves = [fact for fact in made.log() if fact["event"] == "key"]
            return any(fact["to"] == "deleted" for fact in moves)

        self.send_until(made, domains, done, 240)
        self.assertEqual(self.wrong, [])
        self.assertGreaterEqual(len(self.seen["example.com"]), 2, self.seen)
        self.assertEqual(made.metric("signet_publisher_errors_total"), 0)

    def test_delegated_selectors_rotate_without_a_change_of_the_customers_zone(self):
        zone, customer = "dkim.relay.example", "customer.example"
        cnames = [f"s{n}._domainkey 1 IN CNAME s{n}.{customer}.{zone}." for n in (1, 2)]
        server = Knot(self, self.folder, [zone], fixed=[customer], more={customer: cnames})
        made = self.prepare([customer], more=f'delegate_to = "{zone}"', server=server)

        def keys(*arguments):
            return json.loads(relay.run_program("keys", *arguments, "--config", made.configuration, "--json").stdout)

        first = keys("new", customer)
        self.assertEqual((first["selector"], first["published_at"]), ("s1", f"s1.{customer}.{zone}"))
        self.assertEqual(keys("new", customer)["selector"], "s1")
        keys("publish", customer, "s1")
        shown = keys("show", customer)
        self.assertEqual([each["target"] for each in shown["cnames"]], [f"s{n}.{customer}.{zone}" for n in (1, 2)])
        before = self.server.texts(customer, "SOA")
        made.start()
        turns = []

        def done():
            turns[:] = [fact["selector"] for fact in made.log() if fact["event"] == "key" and fact["to"] == "active"]
            return turns[-2:] == ["s2", "s1"]

        self.send_until(made, [customer], done, 300)
        self.assertEqual(self.wrong, [])
        self.assertEqual(self.seen[customer], {"s1", "s2"})
        self.assertEqual(self.server.texts(customer, "SOA"), before)
        self.assertEqual(made.metric("signet_publisher_errors_total"), 0)

    def test_the_example_publisher_keeps_a_zone_file(self):
        domains = ["example.com"]
        server = Knot(self, self.folder, domains)
        script = Path(__file__).resolve().parents[2] / "config/publish_zone_file.py"
        reload = ["/bin/sh", "-c", f"kill -HUP $(cat {server.folder}/knot.pid)"]
        words = ", ".join(json.dumps(str(each)) for each in [script, server.zone_file("example.com"), *reload])
        made = self.prepare(domains, server=server)
        text = made.configuration.read_text().replace('publisher = "rfc2136"', f'publisher = "command"\ncommand = [{words}]')
        made.configuration.write_text(text)
        relay.run_program("keys", "new", "example.com", "--config", made.configuration)
        selector = json.loads(relay.run_program("keys", "list", "--config", made.configuration, "--json").stdout)[0]["keys"][0]["selector"]
        by_hand = json.loads(relay.run_program("keys", "show", "example.com", "--config", made.configuration, "--json").stdout)["keys"][0]
        zone = server.zone_file("example.com")
        strings = " ".join(f'"{each}"' for each in by_hand["strings"])
        zone.write_text(zone.read_text() + f"{selector}._domainkey 60 IN TXT ( {strings} )\n{selector}._domainkey.sub TXT other\n")
        relay.run_program("keys", "publish", "example.com", selector, "--config", made.configuration)
        waiting.until(self, lambda: self.server.texts(f"{selector}._domainkey.example.com"), "the first record")
        self.assertEqual(len(self.server.texts(f"{selector}._domainkey.example.com")), 1, "in place of the one by hand")
        made.start()

        def done():
            return any(fact["event"] == "key" and fact["to"] == "deleted" for fact in made.log())

        self.send_until(made, domains, done, 240)
        self.assertEqual(self.wrong, [])
        self.assertGreaterEqual(len(self.seen["example.com"]), 2, self.seen)
        self.assertNotIn(f"{selector}._domainkey.example.com", zone.read_text())
        self.assertIn(f"{selector}._domainkey.sub TXT other", zone.read_text())
        self.assertNotIn(f"{selector}._domainkey 60", zone.read_text())

    def test_a_publisher_that_hangs_does_not_keep_the_relay_from_ending(self):
        script = self.folder / "publish"
        script.write_text(f'#!/bin/sh\necho called >> {self.folder}/calls\nsleep 1000\n')
        script.chmod(0o755)
        made = self.prepare(["example.com"], interval="1d")
        text = made.configuration.read_text()
        made.configuration.write_text(text.replace('publisher = "rfc2136"', f'publisher = "command"\ncommand = ["{script}"]\ntimeout = "10m"'))
        self.publish(made.key("example.com"))
        relay.run_program("keys", "rotate", "example.com", "--config", made.configuration)
        made.start()
        calls = self.folder / "calls"
        waiting.until(self, lambda: calls.exists() and calls.read_text(), "the publisher is called")
        made.stop()
        self.assertEqual(calls.read_text(), "called\n")

    def test_new_and_imported_keys_leave_audit_lines_and_domain_gauges(self):
        made = self.start(["example.com"], interval="1d")
        waiting.until(self, lambda: made.metric("signet_keys", state="active") == 1, "a walk")
        self.assertEqual(made.metric("signet_domain_keys", domain="example.com"), 0, "not a configured label")
        made.stop()
        made.write_configuration(clients=made.parts["clients"].replace('domains = "all"', 'domains = ["example.com", "new.example"]'))
        for _ in range(2):
            relay.run_program("keys", "new", "new.example", "--config", made.configuration, "--selector", "n1")
        lines = [fact for fact in made.log() if fact["event"] == "key"]
        self.assertEqual([(fact["domain"], fact["selector"], fact["to"], fact["reason"]) for fact in lines], [("new.example", "n1", "active", "new")])
        self.assertTrue(lines[0]["by"].endswith("(command line)"))
        made.start()
        waiting.until(self, lambda: made.metric("signet_domain_keys", domain="new.example", state="active") == 1, "a walk")
        waiting.until(self, lambda: made.metric("signet_domain_key_rotation_timestamp_seconds", domain="example.com") > time.time(), "its next rotation")
        self.assertEqual(made.metric("signet_domain_keys", domain="example.com", state="failed"), 0)

    def test_a_key_is_not_proven_while_one_of_two_name_servers_lags(self):
        both = ["@ 1 IN NS ns2", "ns2 1 IN A 127.0.0.2"]
        first = Knot(self, self.folder, ["example.com"], more={"example.com": both})
        second = Knot(self, self.folder, ["example.com"], more={"example.com": both}, name="second", address="127.0.0.2", port=first.port)
        made = self.prepare(["example.com"], interval="1d", server=first)
        for server in (first, second):
            self.publish(made.key("example.com"), server)

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)
        keys("publish", "example.com", new["selector"])
        self.assertTrue(first.texts(new["name"]))
        early = keys("activate", "example.com", new["selector"], check=False)
        self.assertEqual(early.returncode, 1)
        self.assertIn(b"the name servers differ", early.stderr)
        self.publish(new | {"domain": "example.com"}, second)
        activate = lambda: keys("activate", "example.com", new["selector"], check=False)
        waiting.until(self, lambda: activate().returncode == 0, "old answers expire")
        self.assertEqual(self.states(made, "example.com")[new["selector"]], "active")
        second.stop()
        third = json.loads(keys("rotate", "example.com").stdout)
        keys("publish", "example.com", third["selector"])
        late = keys("activate", "example.com", third["selector"], check=False)
        self.assertEqual((late.returncode, b"does not prove" in late.stderr), (1, True), "one that is silent proves nothing")

    def test_where_authoritative_servers_can_not_be_asked_all_resolvers_must_agree(self):
        first = Knot(self, self.folder, ["example.com"])
        second = Knot(self, self.folder, ["example.com"], name="second", address="127.0.0.2", port=first.port)
        more = f'proof = "resolvers"\nresolvers = ["127.0.0.2:{first.port}"]'
        made = self.prepare(["example.com"], interval="1d", server=first, more=more)
        closed = made.configuration.read_text().replace(f"authoritative_port = {first.port}", "authoritative_port = 1")
        made.configuration.write_text(closed)
        self.publish(made.key("example.com"))

        def keys(*arguments, check=True):
            return relay.run_program("keys", *arguments, "--config", made.configuration, "--json", check=check)

        new = json.loads(keys("rotate", "example.com").stdout)
        keys("publish", "example.com", new["selector"])
        early = keys("activate", "example.com", new["selector"], check=False)
        self.assertEqual((early.returncode, b"says otherwise" in early.stderr), (1, True), early.stderr)
        self.publish(new | {"domain": "example.com"}, second)
        activate = lambda: keys("activate", "example.com", new["selector"], check=False)
        waiting.until(self, lambda: activate().returncode == 0, "old answers expire")
        self.assertEqual(self.states(made, "example.com")[new["selector"]], "active")

    def test_killed_after_each_step_a_rotation_ends_in_the_same_state(self):
        made = self.start(["example.com"], interval="20s")
        first = next(iter(made.keys)).split(".")[0]

        def moves():
            """From the keyset: a line of the log may be lost with the process."""
            keyset = self.folder / "store/example.com/keyset.toml"
            keys = tomllib.loads(keyset.read_text())["key"] if keyset.exists() else []
            return [(key["selector"], move["to"]) for key in keys for move in key.get("move", [])]

        def came(to):
            """A move to `to` of the rotation that replaces the first key."""
            of_first = to in ("retiring", "revoked", "deleted")
            return any(state == to and (selector == first) == of_first for selector, state in moves())

        for step in ("generated", "published", "verified", "active", "retiring", "revoked", "deleted"):
            self.send_until(made, ["example.com"], lambda step=step: came(step), 240)
            made.kill()
            made.start()
        self.assertEqual(self.wrong, [])
        own = [state for selector, state in moves() if selector == first and state in ("retiring", "revoked", "deleted")]
        self.assertEqual(own, ["retiring", "revoked", "deleted"], "each once, in order")
        states = self.states(made, "example.com")
        self.assertEqual(states[first], "deleted")
        self.assertEqual(sum(state == "active" for state in states.values()), 1, states)
        self.assertEqual(self.server.texts(f"{first}._domainkey.example.com"), [])
        self.assertFalse((self.folder / "store/example.com" / f"{first}.pem").exists())

    def lie(self, made, domains):
        """While the relay is down, puts another key into the record of each successor that is published and not proven;
        how many there were."""
        keysets = [self.folder / "store" / domain / "keyset.toml" for domain in domains]
        has_one = lambda keyset: any(line == 'state = "published"' for line in keyset.read_text().splitlines())
        waiting.until(self, lambda: any(map(has_one, keysets)), "a successor that is published", 120)
        made.stop()
        told = 0
        for domain in domains:
            for selector, state in self.states(made, domain).items():
                if state == "published":
                    record = next(key["record"] for key in made.keys.values() if key["domain"] != domain)
                    self.publish({"domain": domain, "name": f"{selector}._domainkey.{domain}", "record": record})
                    told += 1
        made.start()
        return told

    def test_many_domains_rotate_three_times_through_outages_lies_and_a_failing_publisher(self):
        count = int(os.environ.get("SIGNET_LIFE_DOMAINS", "50"))
        domains = [f"d{number}.example" for number in range(count)]
        made = self.start(domains, interval="25s", more="at_once = 50")
        firsts = {made_["domain"]: made_["selector"] for made_ in made.keys.values()}

        def rotations(domain):
            return sum(f["event"] == "key" and f["domain"] == domain and f["to"] == "active" for f in made.log())

        def turned(times):
            return all(rotations(domain) >= times for domain in domains)

        self.send_until(made, domains, lambda: turned(1), 600)
        self.server.stop()  # Neither updates nor answers.
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > 0, "the gauge of the publisher rises", 120)
        self.server.start()
        waiting.until(self, lambda: self.lie(made, domains) > 0, "a lie of the DNS", 120)
        self.send_until(made, domains, lambda: turned(2), 600)
        secret = self.server.key_file.read_text()  # The publisher fails: its key is no longer the server's.
        self.server.key_file.write_text("A" * 43 + "=\n")
        errors = made.metric("signet_publisher_errors_total")
        waiting.until(self, lambda: made.metric("signet_publisher_errors_total") > errors, "it fails again", 120)
        self.server.key_file.write_text(secret)
        self.send_until(made, domains, lambda: turned(3), 600)
        made.stop()
        self.assertEqual(self.wrong, [], "no message left with a selector that the DNS did not hold")
        for domain in domains:
            self.assertGreaterEqual(len(self.seen[domain]), 3, self.seen[domain])
            states = self.states(made, domain)
            self.assertEqual(sum(state == "active" for state in states.values()), 1, states)
            self.assertNotEqual(states.get(firsts[domain]), "active")


class ZoneFile(unittest.TestCase):
    """The example publisher with a zone file alone."""
    SOA = "$ORIGIN example.com.\n@ 60 IN SOA ns hostmaster 1 60 60 60 60\n"

    def publish(self, zone, action="delete", name="s1._domainkey.example.com"):
        """The exit status, and what is in the file then, without its SOA record."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "zone")
            file.write_text(self.SOA + zone)
            request = {"action": action, "name": name, "strings": ["v=DKIM1; p=new"], "ttl": 60}
            script = Path(__file__).resolve().parents[2] / "config/publish_zone_file.py"
            done = subprocess.run([sys.executable, script, file], input=json.dumps(request).encode(), stderr=subprocess.PIPE)
            return done.returncode, "".join(file.read_text().splitlines(keepends=True)[2:])

    def test_a_zone_file_without_a_last_newline_keeps_its_last_record(self):
        self.assertEqual(self.publish("www IN A 192.0.2.1", "set"),
                         (0, 'www IN A 192.0.2.1\ns1._domainkey.example.com. 60 IN TXT ( "v=DKIM1; p=new" ) ; signet\n'))

    def test_the_same_line_under_another_origin_stays(self):
        line = 's1._domainkey IN TXT "v=DKIM1; p=old"\n'
        self.assertEqual(self.publish(f"{line}$ORIGIN sub\n{line}"), (0, f"$ORIGIN sub\n{line}"))
        self.assertEqual(self.publish(f"{line}$ORIGIN sub\n{line}", name="s1._domainkey.sub.example.com"), (0, f"{line}$ORIGIN sub\n"))

    def test_a_record_that_names_no_owner_keeps_its_owner(self):
        self.assertEqual(self.publish('www A 192.0.2.1\ns1._domainkey TXT "old" ; (\n\n\tIN TXT older\n\tHINFO a b\n\tRP . .\n'),
                         (0, "www A 192.0.2.1\n\ns1._domainkey.example.com. HINFO a b\n\tRP . .\n"))
        self.assertEqual(self.publish('s1._domainkey HINFO a b\n  TXT "old"\n  RP . .\n'), (0, "s1._domainkey HINFO a b\n  RP . .\n"))

    def test_what_it_can_not_tell_apart_stays_and_is_refused(self):
        for zone in ('s1._domainkey TXT ( "a"\n"b" )\n', 'x TXT "a\n"\n', "x TXT ( a\n"):
            self.assertEqual(self.publish(zone, "set"), (75, zone))
        zone = '; SOA " of old\nx TXT ( "(" ; )\n  s1._domainkey TXT y )\n'
        self.assertEqual(self.publish(zone), (0, zone))
