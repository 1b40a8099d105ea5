"""What becomes of mail when next hops are slow, hostile or gone."""
import socket
import threading
import time

import mail
import relay as relay_module
import waiting
from case import EndToEnd
from hostile import CLOSE, STALL, HostilePeer

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
        waiting.until(self, lambda: [f for f in relay.log() if f["event"] == "bounced"], "the refusal")
        time.sleep(0.3)
        relay.kill()
        patience.clear()
        relay.start()
        waiting.until(self, lambda: slow.messages, "the slow one takes it", 30)
        waiting.until(self, lambda: reports.messages, "a report", 30)
        self.assertEqual(reports.one().recipients, [mail.AUTHOR])

    def test_a_message_does_not_wait_for_idle_connections_of_another_loop(self):
        peer = HostilePeer(self)
        relay = relay_module.Relay(self, self.folder, relay_module.route(peer.port, extra="connections = 1"), loops=4,
                                   more='[timeouts]\nidle_connection = "30s"\n')
        relay.key("example.com")
        relay.start()
        clients = [relay.client() for _ in range(4)]
        began = time.monotonic()
        for number, client in enumerate(clients):
            client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(peer.messages) == 4, "all four", 100)
        took = time.monotonic() - began
        self.assertLess(took, 5)
        self.assertEqual(peer.peak, 1)

    def test_a_stuck_destination_does_not_delay_others(self):
        stuck = HostilePeer(self, lambda step, *_: STALL if step == "connect" else None)
        good = HostilePeer(self)
        relay = self.made(route_to(stuck.port, "stuck", ["stuck.example"]), good, loops=1)
        body = mail.message()
        def fill():
            with relay.client() as client:
                for _ in range(1500):
                    client.sendmail(mail.AUTHOR, ["x@stuck.example"], body)
        threads = [threading.Thread(target=fill) for _ in range(3)]
        for t in threads: t.start()
        for t in threads: t.join()
        began = time.monotonic()
        with relay.client() as client:
            for number in range(20):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: len(good.messages) == 20, "the good ones", 20)
        print("took", time.monotonic() - began)

    def test_a_report_that_has_no_route_goes_to_the_postmaster_and_does_not_come_again(self):
        refusing = HostilePeer(self, lambda step, *_: "550 5.1.1 no such user" if step == "RCPT" else None)
        inside = self.sink()
        routes = route_to(refusing.port, "refusing", ["refusing.example"]) + route_to(inside.port, "inside", ["inside.example"])
        relay = self.made(routes, None, more=DSN.replace("postmaster@example.com", "postmaster@inside.example"))
        relay.send(mail.PLAIN, recipients=["a@refusing.example"])
        waiting.until(self, lambda: inside.messages, "a report", 10)
        waiting.until(self, lambda: not relay.queued(), "nothing is left", 10)
