"""What the kernel says of the clock is told, and is a gate only where asked."""
import mail
from case import EndToEnd


class Clock(EndToEnd):
    def test_an_unsynchronised_clock_is_a_gauge_and_a_gate_where_asked(self):
        sink = self.sink()
        lenient = self.relay(sink)
        lenient.send(mail.PLAIN)
        sink.one()
        unsynchronised = lenient.metric("signet_clock_unsynchronised")
        self.assertEqual(lenient.metric("signet_clock_unsteady"), 0)
        self.assertEqual(lenient.metric("signet_clock_steps_total"), 0)
        strict = self.relay(sink, folder=self.folder / "strict", more="[clock]\nrequire_sync = true\n")
        self.assertEqual(strict.metric("signet_clock_unsteady"), unsynchronised)
        if unsynchronised:
            self.assertEqual("not synchronised" in strict.stderr(), True)
            code, text = strict.refusal(mail.PLAIN)
            self.assertEqual((code, text[:5]), (451, "4.3.0"), text)
        else:
            strict.send(mail.PLAIN)
            sink.wait(2)
