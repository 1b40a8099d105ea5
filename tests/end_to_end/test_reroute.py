"""An operator sends what waits another way."""
import json

import mail
import relay as relays
import sinks
import verify
import waiting
from case import EndToEnd
from relay import route, run_program
from test_alignment import client, txt

OTHER = "carol@other.example"
BUSY = "450 4.2.1 mailbox busy"
POOLS = """
[[pool]]
name = "default"
addresses = [{ bind = "127.0.0.1", public = "192.0.2.1" }]
[[pool]]
name = "bulk"
addresses = [{ bind = "127.0.0.3", public = "192.0.2.3" }]
"""


class Reroute(EndToEnd):
    def setting(self, recipients=((mail.FRIEND,), (OTHER,)), routes="", **options):
        """A relay whose default route leads to a sink that defers, and a second sink that takes mail."""
        stuck, good = self.sink(), self.sink()
        stuck.refuse |= {mail.FRIEND: BUSY, OTHER: BUSY}
        backup = f'[[route]]\nname = "backup"\nnext_hop = "smtp://127.0.0.1:{good.port}"\ndomains = ["backup.example"]\n'
        relay = self.relay(stuck, routes=routes + backup, **options)
        for each in recipients:
            relay.send(mail.PLAIN, recipients=each)
        count = sum(map(len, recipients))
        waiting.until(self, lambda: len([f for f in relay.log() if f["event"] == "deferred"]) >= count, "the first attempts")
        return relay, stuck, good

    def reroute(self, relay, *arguments, status=0):
        done = run_program("queue", "reroute", *arguments, "--config", relay.configuration, "--json", check=False)
        self.assertEqual(done.returncode, status, (done.stdout, done.stderr))
        return json.loads(done.stdout) if status == 0 else done.stderr.decode()

    def rerouted(self, relay, *arguments):
        """Repeats the order until no message is in somebody's hands."""
        answers = []

        def ordered():
            done = run_program("queue", "reroute", *arguments, "--config", relay.configuration, "--json", check=False)
            answers.append(json.loads(done.stdout))
            return answers[-1]["refused"] == 0

        waiting.until(self, ordered, "reroute")
        return answers[-1]

    def recipients(self, sink):
        return [to for received in sink.messages for to in received.recipients]

    def test_what_the_filter_matches_goes_to_another_route(self):
        relay, stuck, good = self.setting()
        counted = self.reroute(relay, "--to-domain", "receiver.example", "--to", "backup", "--dry-run")
        self.assertEqual((counted["matched"], counted["looked_at"], counted["done"]), (1, 2, 0))
        self.assertEqual(good.messages, [])
        done = self.rerouted(relay, "--to-domain", "receiver.example", "--to", "backup")
        self.assertEqual((done["order"], done["matched"], done["done"]), ("reroute", 1, 1))
        verify.dkimpy(self, good.one().octets, relay.keys)
        self.assertEqual(self.recipients(good), [mail.FRIEND])
        waiting.until(self, lambda: len(relay.queued()) == 1, "the other waits")
        facts = [fact for fact in relay.log() if fact["event"] == "order" and fact["order"] == "reroute"]
        self.assertEqual([fact["reason"] for fact in facts], ["route backup"])
        delivered = lambda: [f["route"] for f in relay.log() if f["event"] == "delivered"]
        self.assertEqual(waiting.until(self, delivered, "the log tells"), ["backup"])

    def test_only_the_recipients_that_are_meant_go_another_way(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND, OTHER),))
        self.rerouted(relay, "--to-domain", "other.example", "--to", "backup")
        good.one()
        self.assertEqual(self.recipients(good), [OTHER])
        (identifier,) = relay.queued()
        waiting.until(self, lambda: relay.queue("show", identifier)["recipients"][1]["status"] == "delivered", "it is stored")
        first, second = relay.queue("show", identifier)["recipients"]
        self.assertEqual((first["route"], first.get("rerouted_to")), ("default", None))
        self.assertEqual((second["route"], second["rerouted_to"]), ("backup", "route backup"))

    def test_a_next_hop_of_no_route_is_shown_and_kept_over_a_restart(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND,),))
        good.refuse[mail.FRIEND] = BUSY
        (identifier,) = relay.queued()
        hop = f"smtp://127.0.0.1:{good.port}"
        self.assertEqual(self.rerouted(relay, "--route", "default", "--to", f"127.0.0.1:{good.port}")["done"], 1)
        deferred = lambda: [f["route"] for f in relay.log() if f["event"] == "deferred"]
        waiting.until(self, lambda: "next hop " + hop in deferred(), "the attempt by the other way")
        waiting.until(self, lambda: relay.queue("show", identifier)["due_in_seconds"] > 60, "it waits again")
        relay.stop()
        relay.start()
        self.assertEqual(relay.queue("show", identifier)["recipients"][0]["rerouted_to"], hop)
        explained = json.loads(run_program("explain", identifier, "--config", relay.configuration, "--json").stdout)
        self.assertEqual(explained["recipients"][0]["route"], {"name": "next hop " + hop, "why": "is where an operator sent it", "kind": "host", "hosts": ["127.0.0.1"]})
        text = run_program("queue", "show", identifier, "--config", relay.configuration).stdout.decode()
        self.assertIn(f"route next hop {hop} (rerouted)", text)
        good.refuse.clear()
        relay.retry_until(lambda: good.messages, "it goes where it was sent")
        self.assertEqual(stuck.messages, [])
        # In the metrics a next hop of no configuration is no series of its own.
        waiting.until(self, lambda: relay.metric("signet_delivery_attempts_total", route="other", result="delivered") == 1, "the count")

    def test_by_id_and_back_by_another_pool(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND,),), routes=POOLS)
        (identifier,) = relay.queued()
        waiting.until(self, lambda: relay.queue("show", identifier)["due_in_seconds"] > 60, "it waits")
        run_program("queue", "reroute", identifier, "--to", "backup", "--to-pool", "bulk", "--config", relay.configuration)
        self.assertEqual(good.one().peer[0], "127.0.0.3")
        delivered = lambda: [(f["pool"], f["public"]) for f in relay.log() if f["event"] == "delivered"]
        self.assertEqual(waiting.until(self, delivered, "the log tells"), [("bulk", "192.0.2.3")])

    def test_a_route_that_is_gone_keeps_the_mail_until_it_is_back(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND,),))
        good.refuse[mail.FRIEND] = BUSY
        self.rerouted(relay, "--all", "--to", "backup")
        waiting.until(self, lambda: "backup" in [f["route"] for f in relay.log() if f["event"] == "deferred"], "an attempt by backup")
        before = relay.parts["routes"]
        relay.write_configuration(routes=route(stuck.port))
        run_program("reload", "--config", relay.configuration)
        gone = lambda: "route backup is gone" in relay.queue("list")["messages"][0]["last_reply"]
        relay.retry_until(gone, "it says what is missing")
        good.refuse.clear()
        relay.write_configuration(routes=before)
        run_program("reload", "--config", relay.configuration)
        relay.retry_until(lambda: good.messages, "it goes by the route that is back")

    def test_held_mail_stays_on_hold_and_goes_the_other_way_when_it_is_released(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND,),))
        (identifier,) = relay.queued()
        waiting.until(self, lambda: relay.queue("show", identifier)["due_in_seconds"] > 60, "it waits")
        run_program("queue", "hold", identifier, "--config", relay.configuration)
        self.reroute(relay, "--status", "held", "--to", "backup")
        self.assertEqual(relay.queue("show", identifier)["status"], "held")
        run_program("queue", "release", identifier, "--config", relay.configuration)
        good.one()

    def test_a_way_by_which_the_mail_would_be_misaligned_is_refused(self):
        address, sink = sinks.mail_exchanger(self)
        sink.refuse[mail.FRIEND] = BUSY
        relay = relays.Relay(self, self.folder, POOLS, clients=client(["example.com"]), top="allow_private_mx = true\n", alignment="")
        zone = ["receiver.example. 60 IN MX 10 mx.receiver.example.", f"mx.receiver.example. 60 IN A {address}",
                txt("example.com", "v=spf1 ip4:192.0.2.1 -all"), txt("_dmarc.example.com", "v=DMARC1; p=reject")]
        relay.write_configuration(more=f'[resolver]\nservers = ["{self.names({}, zone).address}"]\n')
        relay.start().send(mail.PLAIN)
        (identifier,) = relay.queued()
        waiting.until(self, lambda: relay.queue("show", identifier)["due_in_seconds"] > 60, "it waits")
        words = self.reroute(relay, identifier, "--to-pool", "bulk", status=1)
        self.assertIn("The message keeps its way: alignment: SPF of example.com does not list 192.0.2.3", words)
        self.assertEqual(relay.queue("show", identifier)["recipients"][0]["pool"], "default")
        done = run_program("queue", "reroute", "--all", "--to-pool", "bulk", "--config", relay.configuration, "--json", check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["refused"]), (1, 1))

    def test_wrong_orders_are_errors_and_have_no_effect(self):
        relay, stuck, good = self.setting(recipients=((mail.FRIEND,),))
        (identifier,) = relay.queued()
        for way, words in ((("--to", "backap"), "the routes are backup, default"), (("--to", "smtp://a b"), "the routes are"),
                           (("--to", "backup", "--to-pool", "moon"), "there is no pool moon"), (("--to-pool", "moon"), "there is no pool moon")):
            for whom in (("--all",), ("--all", "--dry-run"), (identifier,)):
                self.assertIn(words, self.reroute(relay, *whom, *way, status=1))
        for arguments in (("--all",), (), ("--to", "backup"), ("--all", identifier, "--to", "backup"), (identifier, "--to", "backup", "--dry-run")):
            self.reroute(relay, *arguments, status=64)
        self.reroute(relay, "0123456789A", "--to", "backup", status=1)
        self.assertEqual(relay.queue("show", identifier)["recipients"][0]["route"], "default")
        self.assertEqual(good.messages, [])
