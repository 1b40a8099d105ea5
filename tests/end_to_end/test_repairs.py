"""Repairs: only of own mail, and within the memory of all sessions."""
import mail
import verify
import waiting
from case import EndToEnd
from dialogue import Dialogue

REPAIRING = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\nrepair = ["long_lines", "bare_lf"]\nforeign_from = "relay"\n'
FOREIGN = mail.PLAIN.replace(b"alice@example.com", b"zoe@foreign.example")


class Repairs(EndToEnd):
    def test_foreign_mail_is_refused_rather_than_edited(self):
        sink = self.sink()
        relay = self.relay(sink, clients=REPAIRING)
        self.assertEqual(relay.refusal(FOREIGN + b"x" * 2000 + b"\r\n")[0], 554)
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            dialogue.envelope()
            dialogue.write(FOREIGN + b"one\ntwo\r\n.\r\n")
            self.assertEqual(dialogue.reply()[0], 521)
        relay.send(FOREIGN)
        self.assertTrue(sink.one().octets.endswith(FOREIGN))

    def test_mail_that_waits_for_its_repair_is_in_the_memory_budget(self):
        relay = self.relay(self.sink(), clients=REPAIRING, limits='session_memory_bytes = "2 MiB"\n')
        line = b"x" * 70 + b"\r\n"
        with Dialogue(relay.port) as waiting_one:
            waiting_one.open()
            waiting_one.envelope()
            waiting_one.write(mail.message(line * 20000))  # 1.4 MiB, and no end.
            waiting.until(self, lambda: relay.metric("signet_session_memory_bytes") > 1_400_000, "it is in memory")
            with Dialogue(relay.port) as other:
                other.open()
                other.envelope()
                other.write(mail.message(line * 15000) + b".\r\n")
                self.assertEqual(other.reply()[0], 452)
            waiting_one.write(b".\r\n")
            self.assertEqual(waiting_one.reply()[0], 250)
        relay.send(mail.message(line * 15000))

    def test_a_large_message_is_repaired_and_verifies(self):
        sink = self.sink()
        relay = self.relay(sink, clients=REPAIRING)
        relay.send(mail.message((b"y" * 5000 + b"\r\n") * 600))
        verify.dkimpy(self, sink.one().octets, relay.keys)
