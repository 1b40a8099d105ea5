"""Will receivers accept it: SPF of every egress address, keys in DNS, DMARC, and what policy makes of it."""
import json

import mail
import relay as relays
import sinks
import verify
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
FOREIGN = mail.PLAIN.replace(b"alice@example.com", b"zoe@foreign.example")
BOTH = "v=spf1 ip4:192.0.2.0/30 -all"
ONE = "v=spf1 ip4:192.0.2.1 -all"


def txt(name, text):
    return f'{name}. 60 IN TXT "{text}"'


def client(domains, extra=""):
    return f'[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = {json.dumps(domains)}\n{extra}\n'


class Alignment(EndToEnd):
    def start(self, zone, domains=("example.com",), keyed=(), published=None, policy="auto", extra="", more="", settings="", reevaluate="1s"):
        """A relay whose mail for receiver.example leaves by MX from two addresses, and its sink."""
        address, sink = sinks.mail_exchanger(self)
        made = relays.Relay(self, self.folder, POOL, clients=client(list(domains), extra), top="allow_private_mx = true\n")
        for domain in keyed:
            made.key(domain)
        keys = made.keys if published is None else published(made.keys)
        receiver = ["receiver.example. 60 IN MX 10 mx.receiver.example.", f"mx.receiver.example. 60 IN A {address}"]
        names = self.names(keys, receiver + zone)
        alignment = f'[alignment]\npolicy = "{policy}"\nreevaluate = "{reevaluate}"\n{settings}\n'
        made.write_configuration(alignment=alignment, more=more + f'[resolver]\nservers = ["{names.address}"]\n')
        return made.start(), sink, names

    def verdicts(self, relay):
        return [fact for fact in relay.log() if fact["event"] == "verdict"]

    def test_a_domain_whose_key_is_in_dns_passes_whatever_spf_says(self):
        relay, sink, _ = self.start([txt("example.com", ONE), txt("_dmarc.example.com", "v=DMARC1; p=reject")], keyed=["example.com"])
        relay.send(mail.PLAIN)
        verify.dkimpy(self, sink.one().octets, relay.keys)
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="example.com", verdict="pass", reason="aligned", action="send"), 1)
        self.assertEqual(relay.metric("signet_alignment_strict_messages_total", domain="example.com", verdict="fail"), 1)
        self.assertEqual(relay.metric("signet_spf_results_total", domain="example.com", egress="192.0.2.1", result="pass"), 1)
        self.assertEqual(relay.metric("signet_spf_results_total", domain="example.com", egress="192.0.2.2", result="fail"), 1)
        verdict = self.verdicts(relay)[0]
        self.assertEqual((verdict["verdict"], verdict["strict"]), ("pass", "fail"))
        self.assertIn("SPF of example.com does not list 192.0.2.2", verdict["words"])
        # Of two addresses the one that SPF lists is used, and the attempt says so.
        for _ in range(4):
            relay.send(mail.PLAIN)
        self.assertEqual({received.peer[0] for received in sink.wait(5)}, {"127.0.0.1"})
        waiting.until(self, lambda: relay.metric("signet_egress_attempts_total", egress="192.0.2.1", spf="pass") == 5, "five attempts")
        self.assertEqual(relay.metric("signet_egress_attempts_total", egress="192.0.2.2"), 0)

    def test_without_a_usable_key_the_address_spf_misses_is_named_in_the_refusal(self):
        relay, _, _ = self.start([txt("example.com", ONE), txt("_dmarc.example.com", "v=DMARC1; p=reject")])
        code, text = relay.refusal(mail.PLAIN)
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith("5.7.26 SPF of example.com does not list 192.0.2.2"), text)
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="fail", reason="no_signature", action="refuse"), 1)
        self.assertEqual(relay.metric("signet_messages_refused_total", cause="not_aligned"), 1)

    def test_a_key_that_vanished_from_dns_is_refused_under_p_reject(self):
        zone = [txt("example.com", "v=spf1 -all"), txt("_dmarc.example.com", "v=DMARC1; p=reject")]
        relay, _, _ = self.start(zone, keyed=["example.com"], published=lambda keys: {})
        code, text = relay.refusal(mail.PLAIN)
        self.assertEqual(code, 550, text)
        self.assertIn("_domainkey.example.com is not in DNS", text)
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="fail", reason="key_not_in_dns"), 1)

    def test_without_any_key_spf_on_all_addresses_is_enough_and_the_mail_is_counted_as_unsigned(self):
        relay, sink, _ = self.start([txt("example.com", BOTH), txt("_dmarc.example.com", "v=DMARC1; p=reject")])
        relay.send(mail.PLAIN)
        self.assertEqual(verify.signatures(sink.one().octets), [])
        self.assertEqual(relay.metric("signet_messages_unsigned_total", domain="example.com", reason="aligned_by_spf_alone"), 1)
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="pass", reason="aligned_by_spf_alone"), 1)

    def test_np_refuses_a_subdomain_that_does_not_exist(self):
        zone = [txt("_dmarc.example.com", "v=DMARC1; p=none; sp=none; np=reject"), txt("there.example.com", "v=spf1 -all")]
        relay, sink, _ = self.start(zone, domains=["there.example.com", "nowhere.example.com"])
        nowhere = mail.PLAIN.replace(b"alice@example.com", b"alice@nowhere.example.com")
        code, text = relay.refusal(nowhere, sender="alice@nowhere.example.com")
        self.assertEqual(code, 550, text)
        self.assertIn("nowhere.example.com has no SPF record", text)
        relay.send(mail.PLAIN.replace(b"alice@example.com", b"alice@there.example.com"), sender="alice@there.example.com")
        sink.one()
        self.assertEqual(relay.metric("signet_alignment_messages_total", domain="there.example.com", verdict="fail", action="send"), 1)

    def test_observe_sends_and_counts(self):
        relay, sink, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=reject")], policy="observe")
        relay.send(mail.PLAIN)
        sink.one()
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="fail", action="send"), 1)

    def test_a_tag_is_added_and_signed(self):
        zone = [txt("_dmarc.example.com", "v=DMARC1; p=quarantine")]
        relay, sink, _ = self.start(zone, keyed=["example.com"], published=lambda keys: {})
        relay.send(mail.PLAIN)
        octets = sink.one().octets
        tags = mail.values(octets, b"x-signet-alignment")
        self.assertEqual(tags, [b"fail; author=example.com; reason=key_not_in_dns; policy=quarantine"])
        self.assertIn(b"x-signet-alignment", verify.tags(verify.signatures(octets)[0])[b"h"].lower())
        verify.dkimpy(self, octets, relay.keys)

    def test_t_y_lowers_the_policy(self):
        relay, sink, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=reject; t=y")])
        relay.send(mail.PLAIN)
        self.assertEqual(len(mail.values(sink.one().octets, b"x-signet-alignment")), 1)

    def test_mail_on_hold_is_released_when_the_cause_is_gone(self):
        relay, sink, names = self.start([txt("_dmarc.example.com", "v=DMARC1; p=none"), txt("example.com", ONE)], policy="hold")
        relay.send(mail.PLAIN)
        self.assertEqual(relay.metric("signet_held_messages", reason="alignment"), 1)
        held = relay.queue("list")["messages"]
        self.assertEqual(len(held), 1)
        self.assertEqual(sink.messages, [])
        # The operator makes a key known as DNS has it: the domain gets its second address in SPF.
        names.change(ONE, BOTH)
        relay.stop()  # The caches of derived verdicts and of the resolver go.
        relay.start()
        sink.wait(1)
        waiting.until(self, lambda: relay.metric("signet_held_messages", reason="alignment") == 0, "nothing is held")
        self.assertIn("released", [fact["event"] for fact in relay.log()])

    def held(self, ttl=60, reevaluate="1s"):
        """A relay that holds one message, because SPF misses an address; its records live `ttl` s."""
        spf = txt("example.com", ONE).replace(" 60 ", f" {ttl} ")
        relay, sink, names = self.start([txt("_dmarc.example.com", "v=DMARC1; p=none"), spf], policy="hold", reevaluate=reevaluate)
        relay.send(mail.PLAIN)
        (identifier,) = relay.queued()
        return relay, sink, names, identifier

    def test_mail_on_hold_is_released_by_the_running_relay_once_the_records_are_mended(self):
        relay, sink, names, _ = self.held(ttl=1)
        names.change(ONE, BOTH)
        sink.wait(1, seconds=150)  # A verdict lives for half a minute at least.
        waiting.until(self, lambda: relay.metric("signet_held_messages", reason="alignment") == 0, "nothing is held")
        self.assertEqual([fact["event"] for fact in relay.log()].count("released"), 1)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_what_is_released_by_hand_is_judged_again(self):
        relay, sink, _, identifier = self.held(reevaluate="1h")
        done = relays.run_program("queue", "release", identifier, "--config", relay.configuration, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"stays on hold: alignment: SPF of example.com does not list 192.0.2.2", done.stdout + done.stderr)
        self.assertEqual((relay.queued(), sink.messages), ([identifier], []))
        self.assertEqual(relay.metric("signet_held_messages", reason="alignment"), 1)
        # The way to send it as it is: say that mail like this may leave.
        relay.write_configuration(alignment=relay.parts["alignment"].replace('"hold"', '"observe"'))
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="succeeded") == 1, "the reload")
        relay.queue("release", identifier)
        sink.wait(1)
        self.assertEqual(relay.metric("signet_held_messages", reason="alignment"), 0)

    def test_what_an_operator_held_is_judged_at_its_release(self):
        zone = [txt("_dmarc.example.com", "v=DMARC1; p=reject"), txt("example.com", BOTH)]
        relay, sink, names = self.start(zone)
        sink.refuse[mail.FRIEND] = "450 4.2.1 mailbox busy"
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: [fact for fact in relay.log() if fact["event"] == "deferred"], "the first attempt")
        (identifier,) = relay.queued()
        hold = ("queue", "hold", identifier, "--config", relay.configuration)  # Refused while it is in delivery.
        waiting.until(self, lambda: relays.run_program(*hold, check=False).returncode == 0, "the hold")
        sink.refuse.clear()
        names.change(BOTH, ONE)
        relay.stop()  # The caches of derived verdicts and of the resolver go.
        relay.start()
        done = relays.run_program("queue", "release", identifier, "--config", relay.configuration, check=False)
        self.assertIn(b"does not list 192.0.2.2", done.stdout + done.stderr)
        self.assertEqual((relay.queued(), sink.messages), ([identifier], []))
        names.change(ONE, BOTH)
        relay.stop()
        relay.start()
        relay.queue("release", identifier)
        sink.wait(1)

    def test_mail_on_hold_stays_while_the_cause_does(self):
        relay, sink, _ = self.start([txt("_dmarc.example.com", "v=DMARC1; p=none"), txt("example.com", ONE)], policy="hold")
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: len([f for f in relay.log() if f["event"] == "held"]) >= 2, "it is judged again")
        self.assertEqual(sink.messages, [])

    def test_refuse_is_for_failures_alone(self):
        relay, sink, _ = self.start([txt("example.com", ONE)], domains=["example.com", "other.example"], keyed=["other.example"], policy="refuse")
        self.assertEqual(relay.refusal(mail.PLAIN)[0], 550)
        relay.send(mail.PLAIN.replace(b"alice@example.com", b"alice@other.example"), sender="alice@other.example")
        sink.one()

    def test_the_null_sender_is_judged_by_its_helo_name(self):
        zone = [txt("_dmarc.example.com", "v=DMARC1; p=reject")]
        helo = [txt("mx1.example.com", "v=spf1 ip4:192.0.2.1 -all"), txt("mx2.example.com", "v=spf1 ip4:192.0.2.2 -all")]
        relay, sink, _ = self.start(zone + helo)
        relay.send(mail.PLAIN, sender="")
        sink.one()
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="pass", reason="aligned_by_spf_alone"), 1)
        self.assertEqual(relay.metric("signet_spf_results_total", domain="other", result="pass"), 2)
        for gauge in ("signet_spf_egress_pass", "signet_spf_lookups"):  # A HELO name is no domain of ours.
            self.assertNotIn(f"{gauge}{{", relay.get("/metrics")[1])

    def test_foreign_mail_counts_by_the_signature_it_brings(self):
        signer = relays.Relay(self, self.folder / "signer", relays.route(1))
        signer.key("foreign.example")
        signed = relays.run_program("sign", "--config", signer.configuration, input=FOREIGN).stdout
        zone = [txt("_dmarc.foreign.example", "v=DMARC1; p=reject"), *verify.zone_lines(signer.keys)]
        relay, sink, _ = self.start(zone, extra='foreign_from = "relay"')
        relay.send(signed, sender="alice@example.com")
        self.assertTrue(sink.one().octets.endswith(signed))
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="pass", reason="aligned"), 1)
        code, text = relay.refusal(signed.replace(b"Hello Bob", b"Hello Eve"), sender="alice@example.com")
        self.assertEqual((code, text[:6]), (550, "5.7.26"), text)
        self.assertEqual(relay.refusal(FOREIGN, sender="alice@example.com")[0], 550)
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="fail", reason="foreign_invalid"), 2)

    def test_dead_dns_is_unknown_and_never_refuses(self):
        sink = self.sink()
        settings = f'[alignment]\npolicy = "refuse"\ndeadline = "500ms"\n[resolver]\nservers = ["127.0.0.1:{sinks.free_port()}"]\ntimeout = "1s"\n'
        relay = self.relay(sink, alignment=settings)
        relay.send(mail.PLAIN)
        sink.one()
        self.assertEqual(relay.metric("signet_alignment_messages_total", verdict="unknown", action="send"), 1)

    def test_a_next_hop_that_is_not_ours_counts_with_its_spf_addresses(self):
        sink = self.sink()
        names = self.names({}, [txt("_dmarc.example.com", "v=DMARC1; p=reject"), txt("example.com", "v=spf1 ip4:198.51.100.1 -all")])
        settings = f'[alignment]\n[resolver]\nservers = ["{names.address}"]\n'
        for address, taken in (("198.51.100.1", True), ("198.51.100.2", False)):
            hop = relays.route(sink.port, extra=f'spf_addresses = ["{address}"]')
            relay = relays.Relay(self, self.folder / address, hop, clients=client(["example.com"]), alignment=settings).start()
            if taken:
                relay.send(mail.PLAIN)
                sink.one()
            else:
                self.assertIn(f"does not list {address}", relay.refusal(mail.PLAIN)[1])
            self.assertIn(f'signet_spf_egress_pass{{domain="example.com",egress="{address}"}} {int(taken)}\n', relay.get("/metrics")[1])

    def test_mail_for_a_maildir_asks_nothing(self):
        hop = f'[[route]]\nname = "default"\ndefault = true\nnext_hop = "maildir:{self.folder}/Maildir"\n'
        settings = f'[alignment]\n[resolver]\nservers = ["127.0.0.1:{sinks.free_port()}"]\n'
        relay = relays.Relay(self, self.folder, hop, alignment=settings)
        relay.key("example.com")
        relay.start().send(mail.PLAIN)
        waiting.until(self, lambda: list(self.folder.glob("Maildir/new/*")), "the message is there")
        self.assertEqual(relay.metric("signet_alignment_messages_total"), 0)
        self.assertEqual(relay.metric("signet_verdict_cache_total"), 0)

    def test_a_verdict_is_asked_for_once(self):
        relay, sink, _ = self.start([txt("example.com", BOTH), txt("_dmarc.example.com", "v=DMARC1; p=reject")], keyed=["example.com"])
        relay.send(mail.PLAIN)
        misses = relay.metric("signet_verdict_cache_total", event="miss")
        with relay.client() as connection:
            for _ in range(10):
                connection.sendmail("alice@example.com", ["bob@receiver.example"], mail.PLAIN)
        sink.wait(11)
        # The other loop may ask once for itself.
        self.assertLessEqual(relay.metric("signet_verdict_cache_total", event="miss"), 2 * misses)
        self.assertGreaterEqual(relay.metric("signet_verdict_cache_total", event="hit"), 30)

    def test_signet_dmarc_explains_itself(self):
        names = self.names({}, [txt("_dmarc.example.com", "v=DMARC1; p=reject; sp=quarantine; pct=5"), txt("_dmarc.dept.example.com", "v=DMARC1; p=none; psd=n")])

        def ask(*arguments):
            done = relays.run_program("dmarc", "--dns", names.address, *arguments, check=False)
            return done.returncode, done.stdout.decode()

        status, text = ask("--from", "a.example.com", "--spf", "example.com=pass")
        self.assertEqual((status, text.split()[0]), (0, "pass"), text)
        status, text = ask("--from", "a.example.com", "--spf", "example.net=pass", "--dkim", "example.com=fail", "--json")
        told = json.loads(text)
        self.assertEqual((status, told["result"], told["policy"], told["domain"]), (1, "fail", "quarantine", "example.com"))
        self.assertTrue(any("pct=" in problem for problem in told["problems"]), told)
        status, text = ask("--from", "dept.example.com", "--dkim", "example.com=pass", "--json")
        told = json.loads(text)
        self.assertEqual((status, told["result"], told["by_list"]["result"], told["worlds_differ"]), (1, "fail", "pass", True))
        self.assertEqual(ask("--from", "example.org")[1].split()[0], "none")
        dead = f"127.0.0.1:{sinks.free_port()}"
        done = relays.run_program("dmarc", "--dns", dead, "--from", "example.com", check=False)
        self.assertEqual(done.stdout.split()[0], b"temperror")
