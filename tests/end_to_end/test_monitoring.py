"""What the relay says about itself."""
import subprocess

import mail
import peers
import waiting
from case import EndToEnd
from dialogue import Dialogue

FOREIGN_AND_KEYLESS = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\nforeign_from = "relay"\n'


class Monitoring(EndToEnd):
    def test_prometheus_finds_no_fault_in_the_metrics(self):
        program = peers.need("usr/bin/promtool")
        sink = self.sink()
        sink.refuse["no@receiver.example"] = "550 5.1.1 no"
        relay = self.relay(sink, more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        relay.send(mail.PLAIN)
        relay.send(mail.PLAIN, recipients=["no@receiver.example"])
        relay.refusal(b"no header\r\n")
        sink.wait(2)
        done = subprocess.run([program, "check", "metrics"], input=relay.get("/metrics")[1].encode(), capture_output=True, env=peers.environment(), timeout=60)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_metrics_count_what_happened(self):
        sink = self.sink()
        sink.refuse["no@receiver.example"] = "550 5.1.1 no"
        sink.refuse["later@receiver.example"] = "450 4.2.1 later"
        relay = self.relay(sink, clients=FOREIGN_AND_KEYLESS)
        relay.send(mail.PLAIN, recipients=["bob@receiver.example", "no@receiver.example", "later@receiver.example"])
        relay.send(mail.PLAIN.replace(b"alice@example.com", b"zoe@foreign.example"), sender="zoe@foreign.example")
        relay.refusal(b"From: a@example.com, b@example.com\r\n\r\nx\r\n")
        sink.wait(2)
        waiting.until(self, lambda: relay.metric("signet_delivery_attempts_total") == 4, "four attempts")
        for name, labels, value in (
            ("signet_messages_accepted_total", {"client": "local"}, 2),
            ("signet_messages_refused_total", {"cause": "author_ambiguous"}, 1),
            ("signet_signatures_total", {"domain": "example.com", "algorithm": "rsa-sha256"}, 1),
            ("signet_signatures_wrong_total", {}, 0),
            ("signet_messages_unsigned_total", {"reason": "foreign_from"}, 1),
            ("signet_delivery_attempts_total", {"result": "delivered"}, 2),
            ("signet_delivery_attempts_total", {"result": "failed"}, 1),
            ("signet_delivery_attempts_total", {"result": "deferred"}, 1),
            ("signet_cached_key_path_broken", {}, 0),
            ("signet_spool_broken", {}, 0),
        ):
            self.assertEqual(relay.metric(name, **labels), value, (name, labels))
        waiting.until(self, lambda: "signet_loop_lag_seconds" in relay.get("/metrics")[1], "a first sample of the lag")
        text = relay.get("/metrics")[1]
        for name in ("signet_stage_duration_seconds_bucket", "signet_spool_commits_total", "signet_build_info"):
            self.assertIn(name, text)
        self.assertRegex(text, r"(?m)^signet_queue\S* 1(\.0)?$", "the deferred message is in a gauge")
        self.assertNotIn("foreign.example", text, "labels come from the configuration only")

    def test_health_and_readiness_answer(self):
        relay = self.relay(self.sink())
        self.assertEqual(relay.get("/healthz")[0], 200)
        self.assertEqual(relay.get("/readyz")[0], 200)
        self.assertEqual(relay.get("/nothing")[0], 404)

    def test_the_delivery_log_tells_the_life_of_a_message(self):
        sink = self.sink()
        relay = self.relay(sink)
        relay.send(mail.PLAIN)
        sink.one()
        facts = waiting.until(self, lambda: relay.log() if "delivered" in [f["event"] for f in relay.log()] else None, "the delivery fact")
        self.assertEqual([fact["event"] for fact in facts if "id" in fact], ["received", "delivered"])
        received, delivered = facts[-2:]
        self.assertEqual(received["id"], delivered["id"])
        self.assertEqual((received["client"], received["from_domain"]), ("local", "example.com"))
        self.assertEqual(received["signed_by"], list(relay.keys))
        self.assertEqual((delivered["recipient"], delivered["route"]), (mail.FRIEND, "default"))
        self.assertTrue(delivered["reply"].startswith("250"))

    def test_the_reply_names_the_queue_id_of_the_log(self):
        relay = self.relay(self.sink())
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            dialogue.envelope()
            dialogue.write(mail.PLAIN + b".\r\n")
            text = dialogue.reply()[1][-1]
        facts = waiting.until(self, relay.log, "a fact")
        self.assertIn(facts[0]["id"], text)
