"""What a new configuration would do to mail, told before it comes into force, and refused by setting."""
import json

import mail
import relay as relays
import sinks
import verify
import waiting
from case import EndToEnd
from certificates import Certificate
from relay import ALIGNMENT_OFF, run_program
from test_alignment import POOL, client, txt

NEWS = mail.PLAIN.replace(b"alice@example.com", b"alice@news.example.com")
PARENTS = '[signing.parents]\n"news.example.com" = "example.com"\n'
UNSIGNED = "[reload]\nrefuse_if_unsigned = true\n"
MISALIGNED = "[reload]\nrefuse_if_misaligned = true\n"
ELSEWHERE = POOL.replace("192.0.2.", "198.51.100.")


class Reload(EndToEnd):
    def check(self, relay, status=0):
        done = run_program("check", "--against-running", "--config", relay.configuration, "--json", check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return json.loads(done.stdout)

    def reload(self, relay, status=0):
        done = run_program("reload", "--config", relay.configuration, "--json", check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return json.loads(done.stdout) if status == 0 else done.stderr.decode()

    def changes(self, one):
        return {change["what"]: (change["running"], change["new"]) for change in one["changes"]}

    def with_a_child(self, more="", routes=""):
        """A relay that signs for news.example.com with the key of its parent, and sent some such mail."""
        sink = self.sink()
        relay = self.relay(sink, clients=client(["example.com", "news.example.com"], "allow_unsigned = true"), more=PARENTS + more, routes=routes)
        relay.send(NEWS, sender="alice@news.example.com")
        relay.send(NEWS, sender="alice@news.example.com")
        relay.send(mail.PLAIN)
        sink.wait(3)
        return relay, sink

    def with_spf(self, more="", client_more=""):
        """A relay whose mail has no key and is in alignment by SPF of its addresses alone."""
        address, sink = sinks.mail_exchanger(self)
        made = relays.Relay(self, self.folder, POOL, clients=client(["example.com"], client_more), top="allow_private_mx = true\n")
        zone = ["receiver.example. 60 IN MX 10 mx.receiver.example.", f"mx.receiver.example. 60 IN A {address}",
                txt("example.com", "v=spf1 ip4:192.0.2.0/30 -all"), txt("_dmarc.example.com", "v=DMARC1; p=reject")]
        servers = f'[resolver]\nservers = ["{self.names({}, zone).address}"]\n'
        made.write_configuration(alignment="", more=servers + more)
        made.start().send(mail.PLAIN)
        sink.one()
        return made, sink

    def test_nothing_changes_under_the_same_configuration(self):
        relay, _ = self.with_a_child()
        told = self.check(relay)
        self.assertEqual((told["changes"], told["mail"], told["refused_because"], told["forgotten"]), ([], [], None, 0))
        self.assertEqual(run_program("check", "--against-running", "--config", relay.configuration).stdout, b"nothing would change\n")

    def test_mail_of_the_last_hour_that_would_go_unsigned_is_listed(self):
        relay, _ = self.with_a_child()
        relay.write_configuration(more="")
        told = self.check(relay)
        (one,) = told["mail"]
        self.assertEqual((one["author_domain"], one["client"], one["recipient_domain"], one["messages"]),
                         ("news.example.com", "local", "receiver.example", 2))
        self.assertEqual((one["becomes_unsigned"], one["becomes_misaligned"], one["becomes_refused"]), (True, False, False))
        self.assertEqual(self.changes(one), {"signed_by": ("example.com", "nobody")})
        self.assertIsNone(told["refused_because"])
        text = run_program("check", "--against-running", "--config", relay.configuration).stdout.decode()
        self.assertIn("mail would become UNSIGNED:\n  signed_by: example.com -> nobody\n"
                      "    of news.example.com by client local to receiver.example (2 in the last hour)\n", text)

    def test_pool_route_and_limit_of_mail_are_compared(self):
        relay, _ = self.with_a_child(routes=POOL)
        other = POOL + '[[pool]]\nname = "bulk"\naddresses = [{ bind = "127.0.0.3", public = "192.0.2.3" }]\n[[route]]\nname = "friends"\nnext_hop = "mx"\ndomains = ["receiver.example"]\npool = "bulk"\nconnections = 3\n'
        relay.write_configuration(routes=other + relay.parts["routes"].removeprefix(POOL), clients=relay.parts["clients"] + "messages_per_hour = 9\n")
        told = {one["author_domain"]: one for one in self.check(relay)["mail"] if one["recipient_domain"] == "receiver.example"}
        self.assertEqual(self.changes(told["example.com"]),
                         {"route": ("default", "friends"), "pool": ("default", "bulk"), "limits.connections": ("20", "3"),
                          "limits.client_messages_per_hour": ("0", "9")})

    def test_a_client_that_would_match_no_more_is_told(self):
        relay, _ = self.with_a_child()
        relay.write_configuration(clients=relay.parts["clients"].replace("127.0.0.0/8", "10.0.0.0/8"))
        told = self.check(relay)
        sent = [one for one in told["mail"] if one["messages"]]
        self.assertEqual([(one["becomes_refused"], one["becomes_unsigned"]) for one in sent], [(True, False)] * 2)
        self.assertIn("client_unknown", self.changes(sent[0])["outcome"][1])

    def test_the_sections_of_admin_and_audit_are_compared(self):
        relay = self.relay(self.sink())
        relay.write_configuration(more="[audit]\nenabled = true\n[admin]\nrequests_per_second = 7\n")
        changes = {change["setting"]: change for change in self.check(relay)["changes"]}
        self.assertEqual(changes["audit.enabled"], {"setting": "audit.enabled", "running": "false", "new": "true", "counts_at": "restart"})
        self.assertEqual(changes["admin.requests_per_second"],
                         {"setting": "admin.requests_per_second", "running": "50", "new": "7", "counts_at": "reload"})

    def test_a_reload_after_which_mail_would_go_unsigned_is_refused(self):
        relay, sink = self.with_a_child(UNSIGNED)
        relay.write_configuration(more=UNSIGNED)
        self.assertIn("refuse_if_unsigned", self.check(relay, status=1)["refused_because"])
        words = self.reload(relay, status=1)
        self.assertIn("The old configuration stays: refuse_if_unsigned: unsigned would be mail of news.example.com"
                      " by client local to receiver.example (2 in the last hour)", words)
        # By signal too; and without the section as well, for what is in force counts.
        relay.write_configuration(more="")
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="failed") == 2, "the second refusal")
        self.assertIn("unsigned would be mail of news.example.com by client local", relay.stderr())
        self.assertEqual(relay.metric("signet_reload_successful"), 0)
        self.assertEqual(relay.metric("signet_configuration_generation"), 1)
        relay.send(NEWS, sender="alice@news.example.com")
        verify.dkimpy(self, sink.wait(4)[3].octets, relay.keys)
        # Who wants it all the same takes the rule away first.
        relay.write_configuration(more=PARENTS)
        self.assertEqual(self.reload(relay)["generation"], 2)
        relay.write_configuration(more="")
        self.assertEqual(self.reload(relay)["generation"], 3)
        relay.send(NEWS, sender="alice@news.example.com")
        self.assertEqual(verify.signatures(sink.wait(5)[4].octets), [])

    def test_a_configured_domain_that_did_not_send_counts_too(self):
        domains = client(["example.com", "news.example.com"], "allow_unsigned = true")
        relay = self.relay(self.sink(), clients=domains, more=PARENTS)
        relay.write_configuration(more=UNSIGNED)  # The new file's rule counts as well.
        words = self.reload(relay, status=1)
        self.assertIn("news.example.com by client local to elsewhere.invalid (configured)", words)
        relay.write_configuration(more=PARENTS + UNSIGNED)
        self.reload(relay)

    def test_a_reload_after_which_mail_would_be_misaligned_is_refused(self):
        relay, sink = self.with_spf(MISALIGNED)
        relay.write_configuration(routes=ELSEWHERE)
        (one,) = self.check(relay, status=1)["mail"]
        self.assertEqual((one["becomes_misaligned"], one["becomes_unsigned"]), (True, False))
        self.assertEqual(self.changes(one)["verdict"], ("pass", "fail"))
        self.assertIn("misaligned would be mail of example.com by client local to receiver.example (1 in the last hour)", self.reload(relay, status=1))
        relay.send(mail.PLAIN)
        sink.wait(2)
        relay.write_configuration(routes=POOL.replace("192.0.2.2", "192.0.2.3"))
        self.assertEqual(self.reload(relay)["generation"], 2)

    def test_switching_alignment_off_does_not_hide_what_would_be_misaligned(self):
        relay, sink = self.with_spf(MISALIGNED, "allow_unsigned = true")
        relay.write_configuration(routes=ELSEWHERE, alignment=ALIGNMENT_OFF)
        self.assertIn("misaligned would be mail of example.com", self.reload(relay, status=1))
        relay.write_configuration(routes=POOL)
        self.assertEqual(self.reload(relay)["generation"], 2)  # As well aligned as before.
        relay.send(mail.PLAIN)
        sink.wait(2)

    def test_mail_that_is_refused_now_is_not_let_go_by_switching_alignment_off(self):
        relay, _ = self.with_spf(MISALIGNED, "allow_unsigned = true")
        relay.write_configuration(routes=ELSEWHERE)
        relay.stop()
        relay.start()
        self.assertIn("5.7.26", relay.refusal(mail.PLAIN)[1])
        relay.write_configuration(alignment=ALIGNMENT_OFF)
        self.assertIn("misaligned would be mail of example.com", self.reload(relay, status=1))

    def test_without_the_setting_such_reloads_come_into_force(self):
        relay, _ = self.with_spf()
        relay.write_configuration(routes=ELSEWHERE)
        self.assertTrue(self.check(relay)["mail"][0]["becomes_misaligned"])
        self.reload(relay)
        self.assertIn("5.7.26", relay.refusal(mail.PLAIN)[1])

    def test_a_listener_that_speaks_tls_keeps_its_certificate(self):
        tls = Certificate(self.folder, "mx.example").settings()
        relay = self.relay(self.sink(), listen=relays.LISTEN + 'tls = "starttls"\n', more=tls)
        relay.configuration.write_text(relay.configuration.read_text().replace(tls, "").replace('tls = "starttls"\n', ""))
        because = self.check(relay, 1)["refused_because"]
        self.assertIn("listener smtp needs one until a restart", because)
        self.assertIn(because, self.reload(relay, 1))

    def test_a_broken_file_changes_nothing_and_the_asker_hears_it(self):
        relay = self.relay(self.sink())
        socket = relay.folder / "spool" / "signet.sock"
        relay.configuration.write_text("loops = many")
        done = run_program("reload", "--socket", socket, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"The old configuration stays", done.stderr)
        self.assertRegex(done.stderr, rb"signet\.toml:\d+:\d+: ", "where, and what is wrong there")
        done = run_program("reload", "--config", relay.configuration, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"mend it, or name the relay's socket with --socket", done.stderr)
        done = run_program("reload", "--socket", self.folder / "nobody", check=False)
        self.assertEqual(done.returncode, 2)
