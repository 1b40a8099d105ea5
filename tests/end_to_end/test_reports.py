"""Delivery status notifications, and mail with the null sender."""
import email
import email.policy
import time

import mail
import verify
import waiting
from case import EndToEnd

DSN = '[dsn]\nfrom = "MAILER-DAEMON@example.com"\n'


class Reports(EndToEnd):
    def bounced(self, reply="550 5.1.1 no such user", send={}, **options):
        """(relay, report) after a message to a recipient the sink refuses."""
        sink = self.sink()
        sink.refuse[mail.FRIEND] = reply
        relay = self.relay(sink, more=DSN, **options)
        relay.send(mail.PLAIN, **send)
        return relay, sink.one()

    def assert_valid_report(self, octets, reply):
        report = email.message_from_bytes(octets, policy=email.policy.default)
        self.assertEqual(report.defects, [])
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertEqual(report["content-type"].params["report-type"], "delivery-status")
        self.assertTrue(report["auto-submitted"].startswith("auto-"))
        self.assertEqual(report["from"].addresses[0].addr_spec, "MAILER-DAEMON@example.com")
        self.assertEqual(report["to"].addresses[0].addr_spec, mail.AUTHOR)
        text, status, original = report.iter_parts()
        self.assertEqual(text.get_content_type(), "text/plain")
        self.assertIn(mail.FRIEND, text.get_content())
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        about_message, about_recipient = status.get_payload()
        self.assertEqual(about_message["reporting-mta"].replace(" ", ""), "dns;mx.signet.example")
        self.assertEqual(about_recipient["final-recipient"].replace(" ", ""), f"rfc822;{mail.FRIEND}")
        self.assertEqual(about_recipient["action"], "failed")
        self.assertEqual(about_recipient["status"], "5.1.1")
        self.assertIn(reply, about_recipient["diagnostic-code"])
        self.assertIn(original.get_content_type(), ("text/rfc822-headers", "message/rfc822"))
        self.assertIn("plain@example.com", original.as_string())
        self.assertNotIn("Hello Bob", original.as_string(), "headers only")

    def test_a_refused_recipient_makes_a_signed_report_of_rfc_3464(self):
        relay, report = self.bounced()
        self.assertIn(report.sender, ("", "<>", None))
        self.assertEqual(report.recipients, [mail.AUTHOR])
        self.assert_valid_report(report.octets, "550 5.1.1 no such user")
        verify.dkimpy(self, report.octets, relay.keys)
        verify.opendkim(self, report.octets, relay.keys, self.names(relay.keys))
        waiting.until(self, lambda: not relay.queued(), "nothing is left")

    def test_the_report_is_aligned_for_dmarc(self):
        relay, report = self.bounced()
        signing_domain = verify.tags(verify.signatures(report.octets)[0])[b"d"]
        self.assertEqual(signing_domain, b"example.com")

    def test_only_the_refused_recipient_is_reported(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "550 5.1.1 no such user"
        relay = self.relay(sink, more=DSN)
        relay.send(mail.PLAIN, recipients=[mail.FRIEND, "carol@receiver.example"])
        received = sink.wait(2)
        self.assertEqual(sorted(r.recipients[0] for r in received), [mail.AUTHOR, "carol@receiver.example"])
        report = next(r for r in received if r.recipients == [mail.AUTHOR])
        self.assertNotIn(b"carol@receiver.example", report.octets)

    def test_a_report_that_can_not_be_delivered_goes_to_the_postmaster_once(self):
        sink = self.sink()
        sink.refuse |= {mail.FRIEND: "550 5.1.1 no such user", mail.AUTHOR: "550 5.1.1 gone"}
        relay = self.relay(sink, more=DSN + 'postmaster = "postmaster@example.com"\n')
        relay.send(mail.PLAIN)
        report = sink.one()
        self.assertEqual(report.recipients, ["postmaster@example.com"])
        verify.dkimpy(self, report.octets, relay.keys)
        waiting.until(self, lambda: not relay.queued(), "nothing is left")
        self.assertEqual(len(sink.messages), 1)

    def test_a_report_of_a_report_is_never_made(self):
        sink = self.sink()
        sink.refuse |= {address: "550 5.1.1 no" for address in (mail.FRIEND, mail.AUTHOR, "postmaster@example.com")}
        relay = self.relay(sink, more=DSN + 'postmaster = "postmaster@example.com"\n')
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: relay.metric("signet_dsn_dropped_total") == 1, "the last report is dropped")
        waiting.until(self, lambda: not relay.queued(), "nothing is left")
        self.assertEqual(sink.messages, [])

    def test_mail_from_the_null_sender_is_signed_by_its_author_domain(self):
        sink = self.sink()
        relay = self.relay(sink)
        relay.send(mail.PLAIN, sender="")
        self.assertIn(sink.one().sender, ("", "<>", None))
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_a_refused_message_from_the_null_sender_makes_no_report(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "550 5.1.1 no such user"
        relay = self.relay(sink, more=DSN)
        relay.send(mail.PLAIN, sender="")
        waiting.until(self, lambda: relay.metric("signet_dsn_dropped_total") == 1, "the report is dropped")
        self.assertEqual(sink.messages, [])

    def test_an_expired_message_is_reported(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "450 4.2.1 not now"
        relay = self.relay(sink, more=DSN + '[queue]\nlife = "1s"\n[signing]\nsignature_life = "1d"\n')
        relay.send(mail.PLAIN)
        time.sleep(1.1)  # The life of the message.
        relay.retry_until(lambda: sink.messages, "the report")
        report = sink.one()
        self.assertEqual(report.recipients, [mail.AUTHOR])
        self.assertIn(b"5.4.7", report.octets)
