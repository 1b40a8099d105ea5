"""What becomes of mail when next hops are slow, hostile or gone."""

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
