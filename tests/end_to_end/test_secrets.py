"""Private keys are nowhere but in their files and in memory that no core dump holds."""
import os
import shutil
import subprocess
import threading
from pathlib import Path

import key_search
import mail
import peers
import relay
import verify
import waiting
from api_case import ApiCase
from key_search import Core, Key
from relay import run_program

UNPROTECTED = Path(os.environ.get("SIGNET_UNPROTECTED_PROGRAM", "build/asan/signet_unprotected"))
KEY_HOLDER = os.environ.get("SIGNET_KEY_HOLDER", "build/asan/key_holder")
KEYSET = '[[key]]\nselector = "rsa"\nstate = "active"\n\n[[key]]\nselector = "ed"\nstate = "active"\n'


def make_key(file, *options):
    """A PKCS#8 key that OpenSSL's own program makes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/usr/bin/openssl", "genpkey", "-quiet", *options, "-out", file], check=True, env={"PATH": "/usr/bin"})
    file.chmod(0o600)
    return file


def make_rsa(file):
    return make_key(file, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


class Secrets(ApiCase):
    def setUp(self):
        super().setUp()
        self.outputs = {}  # What commands and the API said.

    def command(self, *arguments, status=0):
        done = run_program(*arguments, check=False)
        self.outputs[" ".join(map(str, arguments))] = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def stored(self, domain):
        return self.folder / "store" / domain

    def marked_domain(self, domain):
        """A domain with an RSA and an Ed25519 key that nobody of ours made."""
        make_rsa(self.stored(domain) / "rsa.pem")
        make_key(self.stored(domain) / "ed.pem", "-algorithm", "ED25519")
        (self.stored(domain) / "keyset.toml").write_text(KEYSET)

    def imported_domain(self, domain):
        file = make_rsa(self.folder / "elsewhere" / "imported.key")
        self.command("keys", "import", "pem", file, "--domain", domain, "--selector", "imp", "--store", self.folder / "store")

    def new_domain(self, domain):
        self.command("keys", "new", domain, "--selector", "n1", "--store", self.folder / "store")

    def send(self, made, domain):
        made.send(mail.PLAIN.replace(b"example.com", domain.encode()), sender=f"alice@{domain}")

    def signed_by(self, sink, domain):
        """Selectors of signatures that arrived."""
        tags = [verify.tags(field) for received in list(sink.messages) for field in verify.signatures(received.octets)]
        return {tag[b"s"].decode() for tag in tags if tag[b"d"] == domain.encode()}

    def sign(self, made, sink, domains):
        for domain, selectors in domains.items():
            self.send(made, domain)
            waiting.until(self, lambda: selectors <= self.signed_by(sink, domain), f"mail of {domain} signed by {selectors}")

    def rotate_under_load(self, made, sink, domain):
        """Three keys in turn, made by the relay while it signs."""
        stop, failures = threading.Event(), []

        def load():
            while not stop.is_set():
                try:
                    self.send(made, domain)
                except Exception as error:  # A thread has no test to fail.
                    failures.append(error)

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for selector in ("r2", "r3"):
                self.write(f"/v1/keys/{domain}", {"selector": selector})
                self.write(f"/v1/keys/{domain}/{selector}/publish")
                self.write(f"/v1/keys/{domain}/{selector}/activate", {"unproven": True})
                waiting.until(self, lambda: failures or selector in self.signed_by(sink, domain), f"{selector} signs")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    def signing_relay(self, **options):
        """A relay that has signed with keys of every origin; (relay, sink, keys)."""
        sink = self.sink()
        made = self.served(sink, domains=(), **options)
        self.marked_domain("marked.example")
        self.imported_domain("imported.example")
        self.new_domain("new.example")
        self.new_domain("rotated.example")
        self.sign(made, sink, {"marked.example": {"rsa", "ed"}, "imported.example": {"imp"}, "new.example": {"n1"}, "rotated.example": {"n1"}})
        self.rotate_under_load(made, sink, "rotated.example")
        keys = [Key.of(file) for file in sorted((self.folder / "store").glob("*/*.pem"))]
        self.assertEqual(len(keys), 7)
        return made, sink, keys

    def spoil(self, made):
        """Keys that can't be used, each for its reason: the relay reads their text. The whole ones."""
        whole = []
        wrongs = {
            "cut.example": lambda text: text[:-200],
            "torn.example": lambda text: text[:800] + "!" + text[801:],
            "tail.example": lambda text: text.replace("-----END", "----END"),
        }
        for domain, wrong in wrongs.items():
            file = make_rsa(self.folder / "elsewhere" / f"{domain}.key")
            whole.append(Key.of(file))
            self.stored(domain).mkdir()
            spoilt = self.stored(domain) / "x.pem"
            spoilt.touch(mode=0o600)
            spoilt.write_text(wrong(file.read_text()))
            code, said = made.refusal(mail.PLAIN.replace(b"example.com", domain.encode()), sender=f"alice@{domain}")
            self.assertEqual(code, 451, said)
            self.outputs[f"reply for {domain}"] = said.encode()
        return whole

    def test_a_core_of_a_signing_relay_holds_no_key(self):
        made, _, keys = self.signing_relay()
        keys += self.spoil(made)
        core = Core(self, made.process, self.folder)
        known = {domain.encode(): domain for domain in ("imported.example", "marked.example", "rotated.example")}
        self.assertEqual(core.holds(known), sorted(known.values()), "the search finds what is there")
        self.assertEqual(core.holds(key_search.marks_in_memory(keys)), [])
        left_out, locked = key_search.excluded(made.process)
        self.assertGreater(locked, 64 << 10)
        self.assertLessEqual(locked, left_out)
        self.assertEqual(made.metric("signet_key_memory_locked_bytes"), made.metric("signet_key_memory_bytes"))
        self.assertGreaterEqual(made.metric("signet_key_memory_bytes"), locked)

    def test_gcore_takes_no_key_from_a_program_that_holds_and_uses_them(self):
        files = [make_rsa(self.folder / "rsa.pem"), make_key(self.folder / "ed.pem", "-algorithm", "ED25519")]
        keys = [Key.of(file) for file in files]
        wanted = key_search.marks_in_memory(keys)
        for program, is_protected in ((KEY_HOLDER, True), (KEY_HOLDER + "_unprotected", False)):
            with self.subTest(program):
                holder = subprocess.Popen([program, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={})
                self.addCleanup(holder.communicate)
                self.assertEqual(holder.stdout.readline(), b"ready\n")
                core = Core(self, holder, self.folder)
                self.assertEqual(core.way, "gcore")
                self.assertEqual(core.holds({str(files[0]).encode(): "an argument"}), ["an argument"])
                found = core.holds(wanted)
                if is_protected:
                    self.assertEqual(found, [])
                else:
                    self.assert_found(keys, found)

    def assert_found(self, keys, found):
        """The numbers from which the rest of a key follows, each of each key."""
        for key in keys:
            for number in ("p", "q", "d") if "p" in key.numbers else ("seed",):
                self.assertTrue(any(name.startswith(f"{number} of {key.name}") for name in found), (key.name, number, found))

    def test_a_limit_of_locked_memory_is_told_once_and_mail_goes_on(self):
        peers.need_root("it takes a capability away")
        sink = self.sink()
        made = relay.Relay(self, self.folder, relay.route(sink.port))
        made.launcher = ["/usr/bin/prlimit", "--memlock=131072:131072", "/usr/bin/setpriv", "--bounding-set=-ipc_lock"]
        domains = [f"d{number}.example" for number in range(40)]
        self.marked_domain(domains[0])
        for domain in domains[1:]:
            shutil.copytree(self.stored(domains[0]), self.stored(domain))
        made.start()
        for domain in domains:
            self.send(made, domain)
        sink.wait(len(domains))
        self.assertTrue(all(len(verify.signatures(received.octets)) == 2 for received in sink.messages))
        waiting.until(self, lambda: "raise LimitMEMLOCK" in made.stderr(), "the warning")
        self.assertLessEqual(made.metric("signet_key_memory_locked_bytes"), 131072)
        self.assertGreater(made.metric("signet_key_memory_bytes"), 131072)
        made.stop()
        self.assertEqual(made.stderr().count("raise LimitMEMLOCK"), 1)

    def test_without_protection_the_same_search_finds_the_keys(self):
        made, _, keys = self.signing_relay(program=UNPROTECTED)
        found = Core(self, made.process, self.folder).holds(key_search.marks_in_memory(keys))
        # What was freed of a retired key is found until its memory is used again: only the keys that sign are certain.
        self.assert_found([key for key in keys if key.name not in ("rotated.example/n1.pem", "rotated.example/r2.pem")], found)

    def test_no_log_metric_error_or_answer_holds_a_key(self):
        made, sink, keys = self.signing_relay()
        keys += self.spoil(made)
        sink.refuse[mail.FRIEND] = "450 4.2.1 mailbox busy"
        self.send(made, "marked.example")
        identifier = waiting.until(self, made.queued, "a message in the queue")[0]
        self.ask_everything(made, identifier)
        self.order_everything(made)
        texts = self.outputs | self.files_outside_the_store() | self.of_the_kernel(made)
        self.assertGreater(len(texts), 40)
        known = {b"marked.example": "the domain"}
        self.assertTrue(any(key_search.search(text, known) for text in texts.values()))
        wanted = key_search.marks(keys)
        for name, text in texts.items():
            with self.subTest(name):
                self.assertEqual(key_search.search(text, wanted), [])

    def ask_everything(self, made, identifier):
        """What the API and the monitoring listener tell."""
        message = f"/v1/queue/{identifier}"
        hypothesis = f"/v1/explain?from=alice@marked.example&to={mail.FRIEND}&client=local"
        for target in ("/v1/openapi.json", "/v1/queue", "/v1/queue/stats", message, message + "/explanation", hypothesis, "/v1/suspensions",
                       "/v1/config/settings", "/v1/config", "/v1/maintenance", "/v1/domains", "/v1/domains/marked.example",
                       "/v1/domains/cut.example", "/v1/keys", "/v1/keys/marked.example", "/v1/keys/cut.example", "/v1/egress", "/v1/destinations"):
            self.outputs[target] = str(self.ask("GET", target, self.reader)).encode()
        for target, body in (("/v1/keys/marked.example", {"selector": "rsa"}), ("/v1/keys/cut.example", {"selector": "x"}),
                             ("/v1/keys/cut.example/x/activate", {"unproven": True}), ("/v1/keys/torn.example/rotate", {})):
            self.outputs["POST " + target] = str(self.ask("POST", target, self.writer, body)).encode()
        for path in ("/metrics", "/healthz", "/readyz"):
            self.outputs[path] = str(made.get(path)).encode()

    def order_everything(self, made):
        """What the commands print, with and without success."""
        store, config = ("--store", self.folder / "store"), ("--config", made.configuration)
        elsewhere = self.folder / "elsewhere"
        cut = elsewhere / "cut.pem"
        cut.write_text((elsewhere / "cut.example.key").read_text()[:-200])
        table = elsewhere / "KeyTable"
        table.write_text("k table.example:s:" + (elsewhere / "cut.example.key").read_text().replace("\n", "\\n") + "\n")
        opendkim = elsewhere / "opendkim.conf"
        opendkim.write_text(f"KeyTable {table}\nSigningTable csl:table.example=k\n")
        for arguments in (
            ("keys", "list", *store, "--json"), ("keys", "show", "marked.example", *store, "--json"), ("keys", "show", "cut.example", *store),
            ("keys", "new", "marked.example", "--selector", "rsa", *store), ("keys", "new", "cut.example", "--selector", "x", *store),
            ("keys", "import", "pem", cut, "--domain", "other.example", "--selector", "s", *store),
            ("keys", "import", "opendkim", opendkim, *store), ("keys", "import", "opendkim", table, *store),
            ("keys", "import", "rspamd", elsewhere / "cut.example.key", *store),
            ("keys", "export", "opendkim", self.folder / "exported", "marked.example", *store),
            ("check", *config, "--all"), ("queue", "list", *config), ("explain", "--from", "alice@cut.example", *config),
        ):
            done = run_program(*arguments, check=False)
            self.outputs[" ".join(map(str, arguments))] = done.stdout + done.stderr

    def files_outside_the_store(self):
        """Logs, spool, whatever else was written."""
        kept = [self.folder / name for name in ("store", "elsewhere", "exported")]
        files = [file for file in self.folder.rglob("*") if file.is_file() and not any(file.is_relative_to(each) for each in kept)]
        return {str(file): file.read_bytes() for file in files}

    def of_the_kernel(self, made):
        place = Path("/proc") / str(made.process.pid)
        return {name: (place / name).read_bytes() for name in ("cmdline", "environ", "maps", "status")}
