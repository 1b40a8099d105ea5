"""Alerts of the rule file fire for what really happens to a relay, and clear when it is mended."""
import mail
import relay as relays
import sinks
import waiting
from case import EndToEnd
from test_alignment import BOTH, ONE, POOL, client, txt
from watching import Prometheus

DOMAINS = ("example.com", "keyless.example", "unpublished.example")
ZONE = [
    txt("example.com", BOTH),
    txt("keyless.example", ONE),
    txt("unpublished.example", "v=spf1 -all"),
    *(txt(f"_dmarc.{domain}", "v=DMARC1; p=none") for domain in DOMAINS),
    "receiver.example. 60 IN MX 10 gmail-smtp-in.l.google.com.",
]
REFUSED = "unwelcome@receiver.example"


class Alerts(EndToEnd):
    def setUp(self):
        super().setUp()
        address, self.sink_ = sinks.mail_exchanger(self)
        self.sink_.refuse[REFUSED] = "550 5.7.26 Unauthenticated email from example.com is not accepted"
        made = relays.Relay(self, self.folder, POOL, clients=client(list(DOMAINS)), top="allow_private_mx = true\n")
        made.key("example.com")
        published = dict(made.keys)
        made.copy_key("example.com", "unpublished.example")
        names = self.names(published, [*ZONE, f"gmail-smtp-in.l.google.com. 60 IN A {address}"])
        made.write_configuration(alignment="[alignment]\n", more=f'[resolver]\nservers = ["{names.address}"]\n[dsn]\nfrom = "mailer-daemon@example.com"\n')
        self.relay_ = made.start()
        self.prometheus = Prometheus(self, self.folder, made.ports["monitoring"], at_once=True)

    def send(self, domain="example.com", **options):
        sender = f"alice@{domain}"
        self.relay_.send(mail.PLAIN.replace(b"alice@example.com", sender.encode()), sender=sender, **options)

    def wait_for(self, name, **labels):
        """The alert fires for these labels and for no others that differ in them."""
        found = waiting.until(self, lambda: self.prometheus.firing().get(name), f"{name} fires", 120)
        self.assertEqual([{key: alert.get(key) for key in labels} for alert in found], [labels])

    def wait_for_silence(self, name):
        waiting.until(self, lambda: name not in self.prometheus.firing(), f"{name} is silent", 120)

    def test_a_relay_that_does_well_raises_no_alert(self):
        for _ in range(3):
            self.send()
        self.sink_.wait(3)
        counted = 'sum(signet_provider_attempts_total{result="delivered"}) == 3'
        waiting.until(self, lambda: self.prometheus.instant(counted), "Prometheus has seen the deliveries")
        waiting.until(self, lambda: self.prometheus.instant("signet:alignment_judged:increase1h"), "the rules were evaluated")
        # The clock of a test machine may be nobody's concern, and rates over a second tell nothing of load.
        self.assertEqual(set(self.prometheus.firing()) - {"SignetClockUnsynchronised", "SignetLoopBusy", "SignetSpoolSlow"}, set())

    def test_unsigned_mail_and_an_address_that_spf_misses_are_named(self):
        self.send("keyless.example")
        self.wait_for("SignetUnsignedMail", domain="keyless.example", reason="domain_without_key")
        self.wait_for("SignetEgressNotInSpf", domain="keyless.example", egress="192.0.2.2")

    def test_a_key_that_is_not_in_dns_is_named(self):
        self.send("unpublished.example")
        self.wait_for("SignetKeyNotInDns", domain="unpublished.example", reason="key_not_in_dns")

    def test_mail_that_all_leaves_unsigned_raises_an_alert_until_something_is_signed(self):
        def fires():
            self.send("keyless.example")
            return "SignetNothingSigns" in self.prometheus.firing()

        def clears():
            self.send()
            return "SignetNothingSigns" not in self.prometheus.firing()

        waiting.until(self, fires, "SignetNothingSigns fires", 120)
        waiting.until(self, clears, "SignetNothingSigns is silent", 120)

    def test_a_provider_that_refuses_for_authentication_is_named(self):
        self.send(recipients=[REFUSED])
        self.wait_for("SignetProviderRefusesAuthentication", provider="google", route="default", cause="authentication")

    def test_a_failed_reload_raises_an_alert_until_one_succeeds(self):
        right = self.relay_.configuration.read_text()
        self.relay_.configuration.write_text(right + "\n[nonsense]\n")
        self.relay_.reload()
        self.wait_for("SignetReloadFailed")
        self.relay_.configuration.write_text(right)
        self.relay_.reload()
        self.wait_for_silence("SignetReloadFailed")

    def test_a_relay_that_is_gone_raises_an_alert(self):
        waiting.until(self, lambda: self.prometheus.instant("signet_build_info"), "a first scrape")
        self.relay_.stop()
        self.wait_for("SignetDown")
