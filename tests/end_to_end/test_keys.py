"""`signet keys` as scripts use it, and what becomes of queued mail whose key retires."""
import json
import os
import unittest

import mail
import relay
import signers
import verify
import waiting
from case import EndToEnd


class Keys(EndToEnd):
    def keys(self, *arguments, place=None, check=True):
        place = ("--store", self.folder / "store") if place is None else place
        return relay.run_program("keys", *arguments, *place, "--json", check=check)

    def test_exit_statuses_are_the_documented_ones(self):
        def status(*arguments, **options):
            return self.keys(*arguments, check=False, **options).returncode

        for _ in range(2):
            self.assertEqual(status("new", "example.com", "--selector", "s1"), 0)
        new = json.loads(self.keys("rotate", "example.com").stdout)["selector"]
        for order in ("publish", "retire", "revoke"):
            self.assertEqual(status(order, "example.com", "nosuch"), 1, order)
            self.assertEqual(status(order, "other.example", "s1"), 1, order)
        self.assertEqual(status("new", "no_domain", "--selector", "s1"), 1)
        self.assertEqual(status("new", "example.com", "--algorithm", "dsa"), 1)
        self.assertEqual(status("retire", "example.com", new), 1)  # It never signed.
        for order, *options in (("publish",), ("activate", "--unproven"), ("retire",), ("revoke",)):
            for _ in range(2):
                self.assertEqual(status(order, "example.com", new, *options), 0, order)
        self.assertEqual(status("publish", "example.com", new), 1)
        self.assertEqual(status("export", "opendkim", self.folder / "store", "example.com"), 1)
        self.assertEqual(status("list", place=("--config", "/nowhere/signet.toml")), 2)
        self.assertEqual(status("list", place=("--store", "/nowhere")), 2)
        (self.folder / "store/example.com/keyset.toml").write_text("x")
        self.assertEqual(status("publish", "example.com", "s1"), 2)
        self.assertEqual(status("list", place=()), 64)
        self.assertEqual(status("import", "sendmail", "/etc/x"), 64)

    def test_what_is_refused_leaves_nothing_behind(self):
        self.assertEqual(self.keys("new", "new.example", "--algorithm", "ed25519", check=False).returncode, 1)
        self.assertFalse((self.folder / "store/new.example").exists())
        long = ".".join(["x" * 60] * 4)
        done = self.keys("new", long, check=False)
        self.assertEqual((done.returncode, b"253 octets" in done.stderr), (1, True), done.stderr)
        self.assertEqual(list((self.folder / "store").iterdir()), [])
        self.keys("new", "example.com", "--selector", "s1")
        (self.folder / "store/begun.example").mkdir()  # A command that was cut off.
        self.assertEqual([each["domain"] for each in json.loads(self.keys("list").stdout)], ["example.com"])
        self.assertEqual(self.keys("rotate", check=False).returncode, 64)

    def test_a_key_that_is_not_the_keysets_is_named_and_taken_for_nothing(self):
        self.keys("new", "example.com", "--selector", "s1")
        new = json.loads(self.keys("rotate", "example.com").stdout)["selector"]
        store = self.folder / "store/example.com"
        (store / f"{new}.pem").write_bytes((store / "s1.pem").read_bytes())
        for order in (("publish",), ("activate", "--unproven")):
            done = self.keys(order[0], "example.com", new, *order[1:], check=False)
            self.assertEqual((done.returncode, b"is not the key that keyset.toml names" in done.stderr), (2, True), done.stderr)
        (shown,) = [key for key in json.loads(self.keys("show", "example.com").stdout)["keys"] if key["selector"] == new]
        self.assertIn("is not the key", shown["problem"])
        self.assertNotIn("record", shown)

    def test_a_key_that_leaked_before_it_was_published_fails(self):
        self.keys("new", "example.com", "--selector", "s1")
        new = json.loads(self.keys("rotate", "example.com").stdout)["selector"]
        self.assertEqual(json.loads(self.keys("revoke", "example.com", new).stdout)["state"], "failed")
        gone = self.keys("activate", "example.com", new, "--unproven", check=False)
        self.assertEqual((gone.returncode, b"make another key" in gone.stderr), (1, True), gone.stderr)

    def test_a_record_that_no_publisher_keeps_is_printed_for_whoever_keeps_it(self):
        rotation = '[rotation]\npublisher = "command"\ncommand = ["/bin/false"]\ndelegate_to = "dkim.example"\n'
        made = relay.Relay(self, self.folder, relay.route(9), more=rotation)
        place = ("--config", made.configuration)
        self.keys("new", "example.com", "--selector", "own", place=place)
        for order, hint in (("publish", b"no publisher keeps"), ("revoke", b"in place of")):
            done = relay.run_program("keys", order, "example.com", "own", *place)
            self.assertIn(b"own._domainkey.example.com. IN TXT", done.stdout)
            self.assertIn(hint, done.stderr)
        (shown,) = json.loads(self.keys("show", "example.com", place=place).stdout)["keys"]
        self.assertTrue(shown["by_hand"])
        self.keys("new", "other.example", place=place)
        (shown,) = json.loads(self.keys("show", "other.example", place=place).stdout)["keys"]
        self.assertEqual((shown["selector"], "by_hand" in shown), ("s1", False))

    def test_too_few_stable_selectors_for_a_rotation_are_said_everywhere(self):
        rotation = '[rotation]\npublisher = "manual"\ndelegate_to = "dkim.example"\n'
        made = relay.Relay(self, self.folder, relay.route(9), more=rotation)
        place = ("--config", made.configuration)
        self.assertEqual(json.loads(self.keys("new", "example.com", place=place).stdout)["selector"], "s1")
        second = json.loads(self.keys("new", "example.com", "--algorithm", "ed25519", place=place).stdout)
        self.assertEqual(second["selector"], "s2")
        checked = relay.run_program("check", *place)
        self.assertNotIn(b"takes 3", checked.stderr)
        self.keys("activate", "example.com", "s2", "--unproven", place=place)
        for command in (("check",), ("keys", "rotate", "--all", "--dry-run"), ("keys", "rotate", "example.com")):
            done = relay.run_program(*command, *place, check=False)
            self.assertEqual(done.returncode, 1 if command[-1] == "example.com" else 0)
            self.assertIn(b"to rotate them takes 3", done.stderr)
        made.start()
        waiting.until(self, lambda: "to rotate them takes 3" in made.stderr(), "the log says it")

    @unittest.skipUnless(os.getuid() == 0, "only root gives files away")
    def test_what_root_makes_in_the_relays_store_is_the_relays(self):
        store = self.folder / "store"
        store.mkdir()
        os.chown(store, 65534, 65534)
        self.keys("new", "example.com", "--selector", "s1")
        self.keys("rotate", "example.com")
        owners = {file.name: file.stat().st_uid for file in [store / "example.com", *(store / "example.com").iterdir()]}
        self.assertEqual(set(owners.values()), {65534}, owners)
        self.assertEqual(json.loads(self.keys("revoke", "example.com", "s1").stdout)["state"], "revoked")
        folder = self.folder / "log"
        folder.mkdir()
        os.chown(folder, 65534, 65534)
        made = relay.Relay(self, self.folder, relay.route(1))
        made.write_configuration(monitoring=made.parts["monitoring"].replace(f"{self.folder}/delivery.log", f"{folder}/delivery.log"))
        self.keys("new", "other.example", place=("--config", made.configuration))
        self.assertEqual((folder / "delivery.log").stat().st_uid, 65534)

    def test_queued_mail_is_signed_anew_when_its_key_retires(self):
        sink = self.sink()
        made = self.relay(sink)
        old = next(iter(made.keys.values()))["selector"]
        sink.refuse["late@receiver.example"] = "451 4.3.0 later"
        made.send(mail.message(subject=b"waits"), recipients=["late@receiver.example"])
        waiting.until(self, lambda: any(fact["event"] == "deferred" for fact in made.log()), "the message is deferred")
        new = json.loads(self.keys("rotate", "example.com").stdout)
        self.keys("activate", "example.com", new["selector"], "--unproven")

        def signs_with_new():
            made.send(mail.message())
            return bool(sink.messages) and ("example.com", new["selector"]) in signers.signed_by(sink.messages[-1].octets)

        waiting.until(self, signs_with_new, "the relay knows the new key")
        sink.refuse.clear()
        made.retry_until(lambda: any(b"waits" in each.octets for each in sink.messages), "the message goes out")
        (waited,) = [each.octets for each in sink.messages if b"waits" in each.octets]
        self.assertEqual(signers.signed_by(waited), {("example.com", new["selector"])}, f"not with {old}")
        verify.dkimpy(self, waited, {new["name"]: new})
