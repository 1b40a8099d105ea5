"""Commands that need no running relay."""
import json
import os
import shutil
import signal
import subprocess

import mail
import peers
import verify
import waiting
from case import EndToEnd
from names import NameServer
from relay import Relay, program_environment, route, run_program


class Commands(EndToEnd):
    def test_demo_once_leaves_a_signed_message_and_the_key_record(self):
        done = run_program("demo", "--once", "--dir", self.folder / "demo", folder=self.folder)
        zone = (self.folder / "demo/dns.zone").read_text()
        (stored,) = [path for path in (self.folder / "demo").rglob("new/*") if path.is_file()]
        octets = mail.crlf(stored.read_bytes())
        self.assertGreaterEqual(len(verify.signatures(octets)), 1)
        lines = [line for line in zone.splitlines() if line and not line.startswith(";")]
        names = NameServer(self, self.folder, lines)
        program = peers.need("usr/sbin/opendkim-testmsg")
        environment = peers.environment() | {"LD_PRELOAD": verify.PRELOAD, "NAMESERVER": names.address}
        checked = subprocess.run([program], input=octets, capture_output=True, env=environment, timeout=60)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, b""))
        again = run_program("verify", "--dns", names.address, input=octets)
        self.assertTrue(again.stdout.startswith(b"pass"), again.stdout)
        self.assertNotEqual(done.stdout, b"", "says which checks held")

    def test_demo_keeps_serving_until_told_to_stop(self):
        folder = self.folder / "demo"
        with subprocess.Popen([peers.PROGRAM, "demo", "--dir", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=program_environment(self.folder)) as demo:
            try:
                line = b""
                said = []
                while b"swaks" not in line and b"smtp" not in line.lower():
                    line = demo.stdout.readline()
                    self.assertNotEqual(line, b"", b"".join(said))
                    said.append(line)
                waiting.until(self, lambda: list(folder.rglob("new/*")), "the first message")
                self.assertIsNone(demo.poll())
            finally:
                demo.send_signal(signal.SIGTERM)
            demo.stdout.read()
            self.assertEqual(demo.wait(60), 0)

    def test_an_unknown_command_is_named_with_the_nearest_known_one(self):
        for words, expected in ((["bogus"], '"bogus"'), (["quue"], 'did you mean "queue"?'), (["queue", "lst"], 'signet queue has no command "lst": did you mean "list"?'),
                                (["keys", "bogus", "--json"], 'signet keys has no command "bogus"')):
            done = run_program(*words, check=False)
            self.assertEqual((done.returncode, done.stdout), (64, b""), words)
            self.assertIn(expected, done.stderr.decode())
            self.assertIn("--help lists them", done.stderr.decode())

    def test_manual_pages_name_every_command_and_every_option_and_are_sound_roff(self):
        manual = run_program("reference", "manual").stdout.decode().replace("\\-", "-")
        for words in ("signet explain", "signet queue suspend", "--dry-run", "--against-running", "signet keys rotate"):
            self.assertIn(words, manual)
        settings = run_program("reference", "settings").stdout.decode().replace("\\-", "-")
        example = (peers.SOURCE / "config/signet.example.toml").read_text()
        for line in example.splitlines():
            if line and not line.startswith("# ") and line != "#":
                self.assertIn(line.removeprefix("#").replace("\\", "\\e"), settings)
        groff = shutil.which("groff")
        if groff:
            for what in ("manual", "settings"):
                page = run_program("reference", what).stdout
                done = subprocess.run([groff, "-man", "-Tutf8", "-ww", "-k"], input=page, capture_output=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, b""), what)

    def test_completion_offers_commands_and_options(self):
        script = run_program("reference", "completion").stdout.decode()
        for typed, expected in ((["signet", "expl"], "explain"), (["signet", "queue", "susp"], "suspend"), (["signet", "queue", "hold", "--client", "apps", "--dry"], "--dry-run"),
                                (["signet", "keys", ""], "rotate"), (["signet", "zzz"], "")):
            words = " ".join(f"'{word}'" for word in typed)
            asked = f'{script}\nCOMP_WORDS=({words})\nCOMP_CWORD={len(typed) - 1}\n_signet\necho "${{COMPREPLY[@]}}"\n'
            done = subprocess.run(["/bin/bash", "-c", asked], capture_output=True, timeout=60)
            self.assertEqual(done.stderr, b"")
            self.assertIn(expected, done.stdout.decode().split() or [""])

    def test_sign_makes_a_signature_that_others_verify(self):
        relay = Relay(self, self.folder, route(25))
        relay.key("example.com")
        signed = run_program("sign", "--config", relay.configuration, input=mail.PLAIN).stdout
        verify.dkimpy(self, signed, relay.keys)
        self.assertTrue(signed.endswith(mail.PLAIN))

    def test_verify_judges_signatures_of_others(self):
        corpus = peers.need_corpus("dkim")
        names = NameServer(self, self.folder, (corpus / "rfc8463-appendix-a.dns").read_text().splitlines())
        message = mail.crlf((corpus / "rfc8463-appendix-a.eml").read_bytes())
        done = run_program("verify", "--dns", names.address, "--json", input=message)
        self.assertEqual([verdict["result"] for verdict in json.loads(done.stdout)], ["pass", "pass"])
        forged = run_program("verify", "--dns", names.address, "--json", input=message + b"more\r\n", check=False)
        self.assertEqual(forged.returncode, 1)
        self.assertEqual({verdict["result"] for verdict in json.loads(forged.stdout)}, {"fail"})

    def test_keys_new_twice_keeps_the_key(self):
        relay = Relay(self, self.folder, route(25))
        first = relay.key("example.com", "--selector", "s1")
        second = relay.key("example.com", "--selector", "s1")
        self.assertEqual(first, second)
        (key,) = (self.folder / "store/example.com").glob("*.pem")
        self.assertEqual((key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777), (0o600, 0o700))

    def printing(self, *words, stdout, **options):
        """The exit status of a command and what it says on standard error."""
        done = subprocess.run([peers.PROGRAM, *map(str, words)], stdout=stdout, stderr=subprocess.PIPE, timeout=60,
                              env=program_environment(self.folder), **options)
        return done.returncode, done.stderr.decode()

    def test_output_that_could_not_be_written_is_an_error(self):
        relay = Relay(self, self.folder, route(25))
        relay.write_configuration()
        commands = (["token", "new", "x"], ["metrics"], ["metrics", "--json"], ["reference", "manual"], ["--version"],
                    ["keys", "new", "example.com", "--store", self.folder / "store"], ["keys", "list", "--store", self.folder / "store"],
                    ["explain", "--from", "a@example.com", "--to", "b@example.net", "--client", "local", "--config", relay.configuration])
        with open("/dev/full", "wb") as full:
            for words in commands:
                status, complaint = self.printing(*words, stdout=full)
                is_flushed_before = words[0] in ("metrics", "reference", "--version")
                why = "(No space left on device|not all could be written)" if is_flushed_before else "No space left on device"
                self.assertEqual(status, 2, words)
                self.assertRegex(complaint.splitlines()[-1], f"^signet: standard output: {why}$", words)
            self.assertEqual(self.printing("keys", "new", "example.com", "--stor", stdout=full)[0], 64)
            done = subprocess.run([peers.PROGRAM, "metrics", "--json"], stdout=full, stderr=full, timeout=60, env=program_environment(self.folder))
            self.assertEqual(done.returncode, 2)

    def test_a_reader_that_has_enough_is_no_error(self):
        read, write = os.pipe()
        os.close(read)
        self.addCleanup(os.close, write)
        for words in (["metrics"], ["metrics", "--json"], ["--version"]):
            self.assertEqual(self.printing(*words, stdout=write), (-signal.SIGPIPE, ""), words)
            self.assertEqual(self.printing(*words, stdout=write, restore_signals=False), (0, ""), words)  # SIGPIPE is ignored.

    def test_wrong_usage_says_so(self):
        for arguments in ((), ("nonsense",), ("serve",), ("keys", "new", "x..y", "--store", self.folder)):
            done = run_program(*arguments, check=False)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertNotEqual(done.stdout + done.stderr, b"")

    def test_openssl_reads_the_key_that_was_made(self):
        relay = Relay(self, self.folder, route(25))
        relay.key("example.com")
        (key,) = (self.folder / "store/example.com").glob("*.pem")
        done = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], capture_output=True, timeout=60)
        self.assertIn(b"2048 bit", done.stdout)
