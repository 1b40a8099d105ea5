"""What an operator stops, starts, and orders for many messages at once."""
import datetime
import json
import smtplib

import mail
import relay as relays
import sinks
import verify
import waiting
from case import EndToEnd
from relay import run_program

OTHER = "carol@other.example"
POOL = '[[pool]]\nname = "default"\naddresses = [{ bind = "127.0.0.1", public = "192.0.2.1" }, { bind = "127.0.0.2", public = "192.0.2.2" }]\n'


class Control(EndToEnd):
    def command(self, relay, *arguments, status=0):
        done = run_program(*arguments, "--config", relay.configuration, "--json", check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return json.loads(done.stdout) if status == 0 else done.stderr.decode()

    def recipients(self, sink):
        return [to for received in sink.messages for to in received.recipients]

    def is_parked(self, relay, count=1):
        """All that is queued waits for the operator."""
        messages = relay.queue("list")["messages"]
        return len(messages) == count and all("Suspended" in message["last_reply"] for message in messages)

    def test_a_suspended_destination_waits_also_after_a_restart_and_goes_when_it_is_resumed(self):
        sink = self.sink()
        relay = self.relay(sink)
        made = self.command(relay, "queue", "suspend", "--destination", "RECEIVER.example", "--reason", "they moved", "--for", "2h")
        self.assertEqual((made["kind"], made["value"], made["reason"]), ("destination", "receiver.example", "they moved"))
        relay.send(mail.PLAIN, recipients=[mail.FRIEND, OTHER])
        sink.wait(1)
        self.assertEqual(self.recipients(sink), [OTHER])
        waiting.until(self, lambda: self.is_parked(relay), "the other waits")
        (identifier,) = relay.queued()
        told = self.command(relay, "explain", identifier)
        self.assertEqual(told["recipients"][0]["suspended"], "destination receiver.example: they moved")
        self.assertEqual(relay.queue("show", identifier)["recipients"][0]["attempts"], 0)
        relay.stop()
        relay.start()
        (kept,) = self.command(relay, "queue", "suspensions")["suspensions"]
        self.assertEqual((kept["value"], kept["until"]), ("receiver.example", made["until"]))
        self.assertEqual(relay.metric("signet_suspensions"), 1)
        self.assertIn(b"they moved", run_program("queue", "stats", "--config", relay.configuration).stdout)
        counts = relay.queue("stats")
        self.assertEqual((counts["messages"], [each["value"] for each in counts["suspensions"]]), (1, ["receiver.example"]))
        relay.retry_until(lambda: self.is_parked(relay), "it waits still")
        self.command(relay, "queue", "resume", "--destination", "receiver.example")
        sink.wait(2)
        self.assertEqual(self.recipients(sink), [OTHER, mail.FRIEND])
        for received in sink.messages:
            verify.dkimpy(self, received.octets, relay.keys)
        self.assertEqual(relay.metric("signet_suspensions"), 0)

    def test_a_client_and_a_domain_can_be_suspended(self):
        sink = self.sink()
        relay = self.relay(sink)
        for kind, value in (("client", "local"), ("domain", "example.com")):
            before = len(sink.messages)
            self.assertNotIn("warning", self.command(relay, "queue", "suspend", f"--{kind}", value))
            relay.send(mail.PLAIN)
            waiting.until(self, lambda: self.is_parked(relay), "it waits")
            self.assertEqual(len(sink.messages), before)
            self.command(relay, "queue", "resume", f"--{kind}", value)
            sink.wait(before + 1)
            waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_an_unknown_client_is_suspended_with_a_warning(self):
        relay = self.relay(self.sink())
        self.assertIn("no client of the configuration", self.command(relay, "queue", "suspend", "--client", "lokal")["warning"])
        said = run_program("queue", "suspend", "--client", "lokal", "--config", relay.configuration).stdout
        self.assertIn(b"client lokal: suspended; but no client of the configuration has this name", said)

    def test_a_suspended_egress_address_is_not_used(self):
        sink = self.sink(host="127.0.0.1")
        relay = self.relay(sink, routes=POOL)
        self.assertNotIn("warning", self.command(relay, "queue", "suspend", "--egress", "192.0.2.1"))
        unknown = self.command(relay, "queue", "suspend", "--egress", "192.0.2.77", "--for", "1s")
        self.assertIn("no pool of the configuration", unknown["warning"])
        for number in range(6):
            relay.send(mail.message(number=number))
        self.assertEqual({received.peer[0] for received in sink.wait(6)}, {"127.0.0.2"})
        self.command(relay, "queue", "suspend", "--egress", "192.0.2.2")
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: self.is_parked(relay), "without any address it waits")
        self.command(relay, "queue", "resume", "--egress", "192.0.2.1")
        self.assertEqual(sink.wait(7)[6].peer[0], "127.0.0.1")

    def test_mail_that_waits_for_a_suspension_alone_does_not_wait_for_the_retry_schedule(self):
        sink = self.sink()
        relay = self.relay(sink, more='[queue]\nretries = ["3h"]\n')
        self.command(relay, "queue", "suspend", "--destination", "other.example", "--for", "2m")
        relay.send(mail.PLAIN, recipients=[mail.FRIEND, OTHER])
        sink.wait(1)
        waiting.until(self, lambda: self.is_parked(relay), "the other waits")
        (identifier,) = relay.queued()
        waiting.until(self, lambda: 0 < self.seconds_until_due(relay, identifier) < 130, "it is due when the suspension ends")
        self.assertEqual(relay.queue("show", identifier)["attempts"], 0)
        sink.refuse[mail.FRIEND] = "450 4.2.1 busy"
        relay.send(mail.PLAIN, recipients=[mail.FRIEND, OTHER])
        second = waiting.until(self, lambda: [each for each in relay.queued() if each != identifier], "the second waits")[0]
        waiting.until(self, lambda: relay.queue("show", second)["attempts"] == 1, "an attempt is counted")
        self.assertLess(self.seconds_until_due(relay, second), 130)

    def seconds_until_due(self, relay, identifier):
        due = datetime.datetime.fromisoformat(relay.queue("show", identifier)["due"])
        return (due - datetime.datetime.now(datetime.UTC)).total_seconds()

    def test_explain_names_the_suspension_of_all_addresses(self):
        relay = self.relay(self.sink(host="127.0.0.1"), more=POOL)
        for address in ("192.0.2.1", "192.0.2.2"):
            self.command(relay, "queue", "suspend", "--egress", address, "--reason", "ipwarm")
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: self.is_parked(relay), "it waits")
        told = self.command(relay, "explain", *relay.queued())
        self.assertEqual(told["recipients"][0]["suspended"], "egress 192.0.2.1: ipwarm; egress 192.0.2.2: ipwarm")
        self.command(relay, "queue", "suspend", "--client", "local")
        told = self.command(relay, "explain", *relay.queued())
        self.assertEqual(told["recipients"][0]["suspended"], "client local; egress 192.0.2.1: ipwarm; egress 192.0.2.2: ipwarm")

    def test_an_order_that_cannot_be_stored_is_neither_counted_nor_told_as_done(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "450 4.2.1 later"
        made = relays.Relay(self, self.folder, relays.route(sink.port), more='[dsn]\nfrom = "mailer-daemon@example.com"\n')
        made.key("example.com")
        mood = made.give_moody_disk()
        made.start()
        made.send(mail.PLAIN)
        waiting.until(self, lambda: any(fact["event"] == "deferred" for fact in made.log()), "it waits")
        (identifier,) = made.queued()
        mood.write_text("broken")
        self.assertEqual(made.refusal(mail.PLAIN)[0], 451)  # From now on the spool takes nothing.
        waiting.until(self, lambda: b"in delivery" not in self.refused_order(made, "hold", identifier), "the spool's answer")
        self.assertEqual(made.metric("signet_held_messages"), 0)
        waiting.until(self, lambda: b"can't be stored" in self.refused_order(made, "bounce", identifier), "the report's fate")
        self.assertEqual([fact for fact in made.log() if fact["event"] == "bounced"], [])
        self.assertEqual(made.metric("signet_recipients_total", result="failed"), 0)
        made.kill()
        mood.unlink()
        made.start()
        self.assertIn(identifier, made.queued())
        self.command(made, "queue", "hold", identifier)
        self.assertEqual(made.metric("signet_held_messages"), 1)
        self.command(made, "queue", "bounce", identifier)
        self.assertEqual(made.metric("signet_held_messages"), 0)
        self.assertEqual([fact["id"] for fact in made.log() if fact["event"] == "bounced"], [identifier])
        waiting.until(self, lambda: any(b"Message returned by the operator" in each.octets for each in sink.messages), "the report")

    def refused_order(self, relay, order, identifier):
        done = run_program("queue", order, identifier, "--config", relay.configuration, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def test_a_suspension_ends_by_itself(self):
        sink = self.sink()
        relay = self.relay(sink)
        self.command(relay, "queue", "suspend", "--destination", "receiver.example", "--for", "1s")
        waiting.until(self, lambda: not self.command(relay, "queue", "suspensions")["suspensions"], "it ends")
        relay.send(mail.PLAIN)
        sink.wait(1)

    def test_wrong_orders_are_errors_and_have_no_effect(self):
        relay = self.relay(self.sink())
        for arguments in (["--destination", "no domain"], ["--egress", "moon"], ["--client", "x", "--for", "soon"]):
            self.assertNotEqual(self.command(relay, "queue", "suspend", *arguments, status=1), "")
        for arguments in ([], ["--client", "x", "--domain", "example.com"], ["--client", ""], ["--client", "x", "--for", ""]):
            self.command(relay, "queue", "suspend", *arguments, status=64)
        self.assertIn("not suspended", self.command(relay, "queue", "resume", "--client", "x", status=1))
        self.assertEqual(self.command(relay, "queue", "suspensions")["suspensions"], [])
        for arguments in ([], ["--all", "0000000000000"], ["0000000000000", "--dry-run"]):
            self.command(relay, "queue", "hold", *arguments, status=64)
        for option in ("--to-domain", "--from-domain", "--mail-from-domain", "--client", "--route", "--pool", "--status"):
            self.assertIn("empty", self.command(relay, "queue", "bounce", option, "", "--older-than", "1h", "--dry-run", status=64))
        for age in ("soon", "-1h", "400d", ""):
            self.assertIn("a time such as 2h", self.command(relay, "queue", "hold", "--older-than", age, status=64))

    def queue_of(self, sink, friends=3, others=2):
        """A relay with deferred mail for two domains."""
        sink.refuse |= {mail.FRIEND: "450 4.2.1 mailbox busy", OTHER: "450 4.2.1 mailbox busy"}
        relay = self.relay(sink, more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        for to in [mail.FRIEND] * friends + [OTHER] * others:
            relay.send(mail.PLAIN, recipients=[to])
        tried = lambda: len([fact for fact in relay.log() if fact["event"] == "deferred"]) >= friends + others
        waiting.until(self, tried, "the first attempts")
        waiting.until(self, lambda: len(relay.queued()) == friends + others, "all are back in the queue")
        sink.refuse.clear()
        return relay

    def many(self, relay, order, *arguments):
        """Repeats an order until no message is in somebody's hands."""
        answers = []

        def ordered():
            done = run_program("queue", order, *arguments, "--config", relay.configuration, "--json", check=False)
            answers.append(json.loads(done.stdout))
            return answers[-1]["refused"] == 0

        waiting.until(self, ordered, order)
        return answers[-1]

    def test_a_dry_run_counts_and_changes_nothing(self):
        sink = self.sink()
        relay = self.queue_of(sink)
        for order in ("retry", "hold", "bounce"):
            counted = self.command(relay, "queue", order, "--to-domain", "other.example", "--dry-run")
            self.assertEqual((counted["matched"], counted["looked_at"], counted["done"]), (2, 5, 0), order)
        self.assertEqual(self.command(relay, "queue", "hold", "--older-than", "1h", "--dry-run")["matched"], 0)
        self.assertEqual(self.command(relay, "queue", "hold", "--client", "local", "--dry-run")["matched"], 5)
        self.assertEqual(self.command(relay, "queue", "hold", "--from-domain", "example.org", "--dry-run")["matched"], 0)
        self.assertEqual(sink.messages, [])
        self.assertEqual({message["status"] for message in relay.queue("list")["messages"]}, {"queued"})

    def test_a_list_takes_the_conditions_of_orders(self):
        relay = self.queue_of(self.sink())
        listed = lambda *conditions: len(relay.queue("list", *conditions)["messages"])
        self.assertEqual((listed(), listed("--to-domain", "other.example"), listed("--status", "held")), (5, 2, 0))
        self.assertEqual((listed("--client", "local", "--older-than", "1h"), listed("--client", "no such")), (0, 0))

    def test_orders_reach_exactly_what_the_filter_matches(self):
        sink = self.sink()
        relay = self.queue_of(sink)
        self.assertEqual(self.many(relay, "hold", "--to-domain", "other.example", "--reason", "asked to")["done"], 2)
        self.assertEqual(self.many(relay, "retry", "--to-domain", "receiver.example")["done"], 3)
        sink.wait(3)
        self.assertEqual(set(self.recipients(sink)), {mail.FRIEND})
        waiting.until(self, lambda: len(relay.queued()) == 2, "the held are left")
        self.assertEqual(self.many(relay, "release", "--status", "held")["done"], 2)
        sink.wait(5)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_many_are_bounced_with_a_report_each(self):
        sink = self.sink()
        relay = self.queue_of(sink, friends=0, others=3)
        self.assertEqual(self.many(relay, "bounce", "--all")["done"], 3)
        self.assertEqual({to for received in sink.wait(3) for to in received.recipients}, {mail.AUTHOR})

    def test_the_reports_that_a_bounce_makes_are_not_bounced_by_it(self):
        count = 230  # More than it looks at in one go.
        sink = self.sink()
        sink.refuse |= {to: "450 4.2.1 busy" for to in (mail.FRIEND, mail.AUTHOR)}
        relay = self.relay(sink, more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        with relay.client() as client:
            for number in range(count):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        deferred = lambda: relay.queue("stats")["messages"] == count and self.many(relay, "hold", "--all")
        waiting.until(self, deferred, "all are in the queue")
        done = self.many(relay, "bounce", "--all")
        self.assertEqual((done["matched"], done["done"], done["refused"]), (count, count, 0))
        self.assertEqual([fact for fact in relay.log() if fact["event"] == "dsn_dropped"], [])
        sink.refuse.clear()
        self.many(relay, "retry", "--all")
        sink.wait(count, seconds=60)
        self.assertEqual({to for received in sink.messages for to in received.recipients}, {mail.AUTHOR})

    def test_what_was_answered_is_stored(self):
        sink = self.sink()
        relay = self.queue_of(sink, friends=6, others=0)
        sink.refuse |= {mail.AUTHOR: "450 4.2.1 busy"}
        for identifier in list(relay.queued()):
            relay.queue("bounce", identifier)
            relay.kill()
            relay.start()
            self.assertNotIn(identifier, relay.queued())

    def test_messages_to_which_an_order_means_nothing_are_counted_as_unchanged(self):
        relay = self.queue_of(self.sink(), friends=2, others=1)
        self.many(relay, "hold", "--to-domain", "other.example")
        again = self.many(relay, "hold", "--all")
        self.assertEqual((again["done"], again["unchanged"]), (2, 1))
        self.assertEqual(self.many(relay, "retry", "--all")["unchanged"], 3)
        (first, *_) = relay.queued()
        refused = run_program("queue", "hold", first, "--config", relay.configuration, check=False)
        self.assertEqual((refused.returncode, b"on hold already" in refused.stderr), (1, True), refused.stderr)

    def test_an_argument_that_is_no_text_is_told(self):
        relay = self.relay(self.sink())
        for order in (("suspend", "--client", "\udcff"), ("bounce", "--to-domain", "\udcff", "--dry-run"), ("hold", "--all", "--reason", "\udcff")):
            done = run_program("queue", *order, "--config", relay.configuration, check=False)
            self.assertEqual((done.returncode, done.stderr), (64, b"signet: an argument is not UTF-8\n"), order)

    def test_only_the_recipients_that_are_meant_are_bounced(self):
        sink = self.sink()
        sink.refuse |= {mail.FRIEND: "450 4.2.1 mailbox busy", OTHER: "450 4.2.1 mailbox busy"}
        relay = self.relay(sink, more='[dsn]\nfrom = "MAILER-DAEMON@example.com"\n')
        relay.send(mail.PLAIN, recipients=[mail.FRIEND, OTHER])
        deferred = lambda: len([fact for fact in relay.log() if fact["event"] == "deferred"]) == 2
        waiting.until(self, deferred, "the first attempts")
        (identifier,) = relay.queued()
        waiting.until(self, lambda: relay.queue("show", identifier)["due_in_seconds"] > 60, "it waits")
        before = relay.queue("show", identifier)["due_in_seconds"]
        self.assertEqual(self.many(relay, "bounce", "--to-domain", "other.example", "--reason", "gone")["done"], 1)
        (report,) = sink.wait(1)
        self.assertEqual(report.recipients, [mail.AUTHOR])
        self.assertIn(OTHER.encode(), report.octets)
        self.assertNotIn(b"Final-Recipient: rfc822; " + mail.FRIEND.encode(), report.octets)
        stored = lambda: relay.queue("show", identifier)
        waiting.until(self, lambda: stored()["recipients"][1]["status"] == "bounced", "it is stored")
        self.assertEqual([each["status"] for each in stored()["recipients"]], ["queued", "bounced"])
        self.assertLessEqual(stored()["due_in_seconds"], before)
        done = run_program("queue", "bounce", "--to-domain", "other.example", "--config", relay.configuration, "--json")
        self.assertEqual(json.loads(done.stdout)["matched"], 0)
        sink.refuse.clear()
        self.many(relay, "retry", "--all")
        self.assertEqual(sink.wait(2)[1].recipients, [mail.FRIEND])

    def test_drain_accepts_no_more_and_delivers_what_is_there(self):
        sink = self.sink()
        relay = self.queue_of(sink, friends=1, others=0)
        open_before = relay.client()
        self.addCleanup(open_before.close)
        open_before.ehlo()
        told = self.command(relay, "drain")
        self.assertEqual((told["draining"], told["messages"]), (True, 1))
        with self.assertRaises(smtplib.SMTPResponseException) as refused:
            open_before.sendmail(mail.AUTHOR, [mail.FRIEND], mail.PLAIN)
        self.assertEqual(refused.exception.smtp_code, 421)
        self.assertEqual(relay.get("/readyz")[0], 503)
        self.many(relay, "retry", "--all")
        sink.wait(1)
        waiting.until(self, lambda: not relay.queued(), "the queue is empty")
        self.assertFalse(self.command(relay, "drain", "--end")["draining"])
        relay.send(mail.PLAIN)
        sink.wait(2)
        self.assertEqual(relay.get("/readyz")[0], 200)

    def test_check_against_running_lists_what_a_reload_would_change(self):
        relay = self.relay(self.sink())
        running = relay.configuration.read_text()
        self.assertEqual(self.command(relay, "check", "--against-running")["changes"], [])
        relay.configuration.write_text(running.replace('name = "local"', 'name = "local"\nmessages_per_hour = 5').replace("loops = 2", "loops = 1"))
        changes = {change["setting"]: change for change in self.command(relay, "check", "--against-running")["changes"]}
        self.assertEqual(changes.pop("loops"), {"setting": "loops", "running": "2", "new": "1", "counts_at": "restart"})
        self.assertEqual(changes.pop("client local.messages_per_hour"),
                         {"setting": "client local.messages_per_hour", "running": "0", "new": "5", "counts_at": "reload"})
        self.assertEqual(changes, {})
        text = run_program("check", "--against-running", "--config", relay.configuration).stdout.decode()
        self.assertIn("client local.messages_per_hour: 0 -> 5\n", text)
        relay.configuration.write_text(running.replace("loops = 2", "loops = many"))
        self.command(relay, "check", "--against-running", status=2)
        relay.configuration.write_text(running + f'[tls]\ncertificate = "{self.folder}/none.crt"\nkey = "{self.folder}/none.key"\n')
        missing = run_program("check", "--against-running", "--config", relay.configuration, check=False)
        self.assertEqual((missing.returncode, b"none.crt: No such file" in missing.stderr), (2, True), missing)
        relay.configuration.write_text(running)
