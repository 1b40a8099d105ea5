"""Coming from OpenDKIM and rspamd: the same mail is signed with the same d= and s= as there."""
import json
import os

import peers
import relay
import signers
from case import EndToEnd


class Import(EndToEnd):
    def take(self, source, file, *options, check=True):
        """`signet keys import ... --json`, parsed."""
        done = relay.run_program("keys", "import", source, file, "--store", self.folder / "store", "--json", *options, check=check)
        return (json.loads(done.stdout) if done.stdout else None), done

    def signs(self, authors, parents):
        """author -> {(d=, s=)} of what the relay makes of its mail."""
        lines = "".join(f'"{author}" = "{domain}"\n' for author, domain in parents.items())
        sink = self.sink()
        made = relay.Relay(self, self.folder, relay.route(sink.port), more=f"[signing.parents]\n{lines}").start()
        for author in authors:
            made.send(signers.message(author), sender=author)
        sink.wait(len(authors))
        return {received.sender: signers.signed_by(received.octets) for received in sink.messages}

    def opendkim(self, tables, *lines):
        """opendkim.conf and its tables (name -> text)."""
        for name, text in tables.items():
            (self.folder / name).write_text(text)
        configuration = self.folder / "opendkim.conf"
        # The test's folder is below /tmp, which all may write.
        configuration.write_text("\n".join(["Mode s", "Canonicalization relaxed/relaxed", "RequireSafeKeys no", *lines]) + "\n")
        return configuration

    def compare(self, configuration, authors, taken):
        expected = {author: signers.opendkim(configuration, author, self.folder) for author in authors}
        self.assertTrue(all(expected.values()), expected)
        self.assertEqual(self.signs(authors, taken["parents"]), expected)

    def test_tables_of_patterns_sign_as_opendkim_did(self):
        keys = self.folder / "keys"
        main = signers.make_key(keys / "main", "example.com", "sel")
        percent = signers.make_key(keys / "other.example", "other.example", "pct")
        configuration = self.opendkim(
            {
                "KeyTable": f"main example.com:sel:{main}\nany %:pct:{keys}/%/pct.private\n",
                "SigningTable": "*@example.com main\n*@*.example.com main\n*@other.example any\n",
            },
            f"KeyTable refile:{self.folder}/KeyTable",
            f"SigningTable refile:{self.folder}/SigningTable",
        )
        refused, done = self.take("opendkim", configuration, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("*@*.example.com covers domains that are not named", refused["refused"][0])
        self.assertEqual(list((self.folder / "store").glob("*")) if (self.folder / "store").exists() else [], [])
        plan, _ = self.take("opendkim", configuration, "--domain", "news.example.com", "--dry-run")
        self.assertFalse((self.folder / "store").exists(), "a dry run changes nothing")
        taken, _ = self.take("opendkim", configuration, "--domain", "news.example.com")
        self.assertEqual(plan["signs"], taken["signs"])
        self.compare(configuration, ["a@example.com", "b@news.example.com", "c@other.example"], taken)
        again, _ = self.take("opendkim", configuration, "--domain", "news.example.com", "--partial", check=False)
        self.assertTrue(all(key["in_store"] for key in again["keys"]))

    def test_plain_tables_and_subdomains_sign_as_opendkim_did(self):
        key = signers.make_key(self.folder / "keys", "example.com", "s1")
        configuration = self.opendkim(
            {"KeyTable": f"k example.com:s1:{key}\n", "SigningTable": "example.com k\n.example.com k\n"},
            f"KeyTable {self.folder}/KeyTable",
            f"SigningTable {self.folder}/SigningTable",
        )
        taken, _ = self.take("opendkim", configuration, "--domain", "a.b.example.com")
        self.compare(configuration, ["a@example.com", "b@a.b.example.com"], taken)

    def test_a_single_key_signs_as_opendkim_did(self):
        key = signers.make_key(self.folder / "keys", "example.com", "single")
        configuration = self.opendkim({}, "Domain example.com", "Selector single", f"KeyFile {key}")
        taken, _ = self.take("opendkim", configuration)
        self.compare(configuration, ["a@example.com"], taken)

    def test_a_short_key_is_named_and_signs_until_its_end(self):
        key = signers.make_key(self.folder / "keys", "example.com", "short", bits=1024)
        configuration = self.opendkim({}, "Domain example.com", "Selector short", f"KeyFile {key}")
        refused, done = self.take("opendkim", configuration, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"signet keys new --store {self.folder}/store example.com", refused["refused"][0])
        _, late = self.take("opendkim", configuration, "--legacy-until", "2001-01-01", check=False)
        self.assertIn("2001-01-01 is past", late.stderr.decode())
        taken, _ = self.take("opendkim", configuration, "--legacy-until", "2096-01-01")
        self.assertIn("1024 bits", taken["notes"][0])
        self.compare(configuration, ["a@example.com"], taken)

    def test_an_import_that_finds_no_key_says_so(self):
        for name in ("keys", "signing"):
            (self.folder / name).write_text("# nothing\n")
        configuration = self.opendkim({}, f"KeyTable {self.folder}/keys", f"SigningTable {self.folder}/signing")
        _, done = self.take("opendkim", configuration, check=False)
        self.assertEqual((done.returncode, b"names no key that signs" in done.stderr), (1, True), done.stderr)

    def test_a_key_of_opendkim_genkey_brings_its_selector_along(self):
        key = signers.make_key(self.folder / "keys", "example.com", "gen")
        taken, _ = self.take("pem", key, "--domain", "example.com", "--zone", key.with_suffix(".txt"))
        self.assertEqual(taken["signs"], [{"author": "example.com", "domain": "example.com", "selector": "gen"}])
        _, done = self.take("pem", key, "--domain", "example.com", "--zone", "/nowhere", check=False)
        self.assertEqual(done.returncode, 1)
        shown = relay.run_program("keys", "show", "example.com", "--store", self.folder / "store", "--json")
        move = json.loads(shown.stdout)["keys"][0]["moves"][0]
        self.assertEqual((move["to"], move["reason"]), ("active", f"imported from pem {key}"))
        self.assertTrue(move["by"].startswith("uid "))

    def test_paths_that_are_not_utf8_are_taken_and_said(self):
        key = signers.make_key(self.folder / "keys", "example.com", "gen")
        odd = f"{self.folder}/odd\udcff"  # One octet, 0xff.
        os.rename(key, odd + ".pem")
        self.take("pem", odd + ".pem", "--domain", "example.com", "--selector", "gen")
        done = relay.run_program("keys", "export", "opendkim", odd, "example.com", "--store", self.folder / "store",
                                 "--json")
        self.assertEqual(json.loads(done.stdout)["directory"], f"{self.folder}/odd\ufffd")
        self.assertTrue(os.path.exists(odd + "/keys/example.com.gen.private"))

    def rspamd(self, text, authors, *options):
        """Compares what rspamd with these settings and the relay with what it imports sign."""
        settings = self.folder / "dkim_signing.conf"
        settings.write_text(text)
        original = signers.Rspamd(self, self.folder, settings)
        expected = {author: original.signs(author) for author in authors}
        self.assertTrue(all(expected.values()), (expected, (self.folder / "rspamd/log").read_text()))
        taken, _ = self.take("rspamd", settings, *options)
        self.assertEqual(self.signs(authors, taken["parents"]), expected)

    def test_rspamds_sections_maps_and_folder_sign_as_rspamd_did(self):
        peers.need("usr/bin/rspamd")
        keys = self.folder / "keys"
        one = signers.make_key(keys, "example.com", "one")
        signers.make_key(keys, "b.example", "two").rename(keys / "b.example.all.key")
        signers.make_key(keys, "c.example", "three").rename(keys / "c.key")
        (self.folder / "paths.map").write_text(f"c.example {keys}/c.key\n")
        (self.folder / "selectors.map").write_text("# comment\nc.example three\n")
        self.rspamd(
            f'selector = "all";\npath = "{keys}/$domain.$selector.key";\nsign_local = true;\n'
            f'path_map = "{self.folder}/paths.map";\nselector_map = "{self.folder}/selectors.map";\n'
            f'domain {{ example.com {{ selectors [ {{ path = "{one}"; selector = "one"; }} ] }} }}\n',
            ["a@example.com", "a@news.example.com", "a@b.example", "a@c.example"],
            "--domain", "news.example.com",
        )

    def test_rspamds_tables_sign_as_rspamd_did(self):
        peers.need("usr/bin/rspamd")
        key = signers.make_key(self.folder / "keys", "example.com", "tab")
        (self.folder / "signing").write_text("*@example.com k\n*@*.example.com k\n")
        (self.folder / "table").write_text(f"k example.com:tab:{key}\n")
        self.rspamd(
            f'use_esld = false;\nsigning_table = "{self.folder}/signing";\nkey_table = "{self.folder}/table";\n',
            ["a@example.com", "a@news.example.com"],
            "--domain", "news.example.com",
        )

    def test_what_is_exported_signs_the_same_in_opendkim_and_rspamd(self):
        sink = self.sink()
        made = relay.Relay(self, self.folder, relay.route(sink.port), more='[signing.parents]\n"news.example.com" = "example.com"\n')
        selector = made.key("example.com")["selector"]
        for form in ("opendkim", "rspamd"):
            done = relay.run_program("keys", "export", form, self.folder / form, "--config", made.configuration, "--json")
            self.assertEqual(json.loads(done.stdout)["keys"], [{"domain": "example.com", "selector": selector}])
        again = relay.run_program("keys", "export", "rspamd", self.folder / "rspamd", "--config", made.configuration, check=False)
        self.assertEqual(again.returncode, 1)
        configuration = self.folder / "opendkim/opendkim.conf"
        configuration.write_text(configuration.read_text() + "RequireSafeKeys no\n")
        authors, expected = ["a@example.com", "b@news.example.com"], {("example.com", selector)}
        for author in authors:
            self.assertEqual(signers.opendkim(configuration, author, self.folder), expected)
        audit = [(fact["event"], fact["by"].split()[0]) for fact in made.log()]
        self.assertEqual(audit[-2:], [("key_exported", "uid")] * 2)
        peers.need("usr/bin/rspamd")
        (self.folder / "peer").mkdir()
        original = signers.Rspamd(self, self.folder / "peer", self.folder / "rspamd/dkim_signing.conf")
        for author in authors:
            self.assertEqual(original.signs(author), expected)
