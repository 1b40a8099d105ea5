"""`signet keys` as scripts use it, and what becomes of queued mail whose key retires."""
import json

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
