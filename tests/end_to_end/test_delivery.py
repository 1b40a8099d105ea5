"""What becomes of mail when next hops are slow, hostile or gone."""

import threading
import time

import mail
import relay as relay_module
import waiting
from case import EndToEnd
from hostile import STALL, HostilePeer

DSN = '[dsn]\nfrom = "MAILER-DAEMON@example.com"\npostmaster = "postmaster@example.com"\n'


def route_to(port, name, domains, extra=""):
    return f'[[route]]\nname = "{name}"\ndomains = {domains}\nnext_hop = "smtp://127.0.0.1:{port}"\n{extra}\n'.replace("'", '"')


class Delivery(EndToEnd):
    def made(self, routes, default, **options):
        """A started relay with several routes, and a key for example.com."""
        made = relay_module.Relay(self, self.folder, routes + (relay_module.route(default.port) if default else ""), **options)
        made.key("example.com")
        return made.start()

    def test_a_refused_recipient_is_reported_though_the_relay_died_before_the_others_were_done(self):
        refusing = HostilePeer(self, lambda step, *_: "550 5.1.1 no such user" if step == "RCPT" else None)
        patience = {"RCPT": STALL}
        slow = HostilePeer(self, lambda step, *_: patience.get(step))
        reports = self.sink()
        routes = route_to(refusing.port, "refusing", ["refusing.example"]) + route_to(slow.port, "slow", ["slow.example"])
        relay = self.made(routes, reports, more=DSN)
        relay.send(mail.PLAIN, recipients=["a@refusing.example", "b@slow.example"])
        (identifier,) = waiting.until(self, relay.queued, "it is queued")
        waiting.until(self, lambda: "no such user" in str(relay.queue("show", identifier)), "the refusal is stored")
        relay.kill()
        patience.clear()
        relay.start()
        waiting.until(self, lambda: slow.messages, "the slow one takes it", 30)
        waiting.until(self, lambda: reports.messages, "a report", 30)
        self.assertEqual(reports.one().recipients, [mail.AUTHOR])

    def test_a_message_does_not_wait_for_idle_connections_of_another_loop(self):
        peer = HostilePeer(self)
        relay = self.made(relay_module.route(peer.port, extra="connections = 1"), None, loops=4, more='[timeouts]\nidle_connection = "60s"\n')
        clients = [relay.client() for _ in range(4)]
        began = time.monotonic()
        for number, client in enumerate(clients):
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(peer.messages) == 4, "all four")
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(peer.peak, 1)

    def test_a_busy_loop_leaves_connections_to_the_others(self):
        never = threading.Event()

        def takes_its_time(step, *_):
            if step == ".":
                never.wait(0.05)

        peer = HostilePeer(self, takes_its_time)
        relay = self.made(relay_module.route(peer.port, extra="connections = 1"), None, loops=2)
        busy, other = relay.client(), relay.client()
        for number in range(200):
            busy.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        other.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(subject=b"the other"))
        waiting.until(self, lambda: any(b"the other" in body for _, _, body in peer.messages), "the other one")
        self.assertLess(len(peer.messages), 190)
        self.assertEqual(peer.peak, 1)

    def test_a_destination_that_is_stuck_does_not_delay_others(self):
        stuck = HostilePeer(self, lambda step, *_: STALL if step == "connect" else None)
        good = HostilePeer(self)
        relay = self.made(route_to(stuck.port, "stuck", ["stuck.example"]), good, loops=1)
        large = mail.message((b"x" * 70 + b"\r\n") * 3600)
        with relay.client() as client:
            for _ in range(300):  # More than a loop keeps in memory.
                client.sendmail(mail.AUTHOR, ["x@stuck.example"], large)
            for number in range(20):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(good.messages) == 20, "the others", 30)
        self.assertEqual(len(relay.queued()), 300)
        self.assertGreater(relay.metric("signet_limit_hits_total", limit="destination_memory"), 0)
