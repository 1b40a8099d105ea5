"""What the kernel says of the clock is told, and is a gate only where asked; a step stops signatures."""
import os
import time
import unittest

import mail
import relay as relays
import verify
import waiting
from case import EndToEnd

PRELOAD = os.environ.get("SIGNET_CLOCK_PRELOAD", "")
STEADY = 10


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

    def stepping_relay(self, sink):
        """A relay whose wall clock is off by the seconds in the file `step`."""
        if not PRELOAD:
            raise unittest.SkipTest("SIGNET_CLOCK_PRELOAD names no library")
        self.step(0)
        made = relays.Relay(self, self.folder, relays.route(sink.port), more=f'[clock]\nsteady = "{STEADY}s"\n')
        made.key("example.com")
        made.launcher = ["/usr/bin/env", f"LD_PRELOAD={PRELOAD}", f"CLOCK_STEP={self.folder}/step"]
        return made.start()

    def step(self, seconds):
        """Sets the relay's wall clock off by `seconds` at once. Returns when, on the steady clock."""
        new = self.folder / "step.new"
        new.write_text(str(seconds))
        at = time.monotonic()
        new.rename(self.folder / "step")
        return at

    def signed_at(self, received):
        return int(verify.tags(verify.signatures(received.octets)[0])[b"t"])

    def test_a_step_of_the_clock_stops_signatures_until_it_was_steady(self):
        sink = self.sink()
        relay = self.stepping_relay(sink)
        relay.send(mail.PLAIN)
        self.assertLess(abs(self.signed_at(sink.one()) - time.time()), 60)
        for steps, offset in enumerate((7200, -300), start=1):
            stepped = self.step(offset)
            waiting.until(self, lambda: relay.metric("signet_clock_unsteady") == 1, "the step is seen")
            code, text = relay.refusal(mail.PLAIN)
            self.assertEqual((code, text[:5]), (451, "4.3.0"), text)
            self.assertEqual(relay.metric("signet_clock_steps_total"), steps)
            self.assertEqual(relay.metric("signet_messages_refused_total", cause="clock_unsteady"), steps)
            waiting.until(self, lambda: relay.metric("signet_clock_unsteady") == 0, "the clock is trusted again")
            self.assertGreaterEqual(time.monotonic() - stepped, STEADY)
            relay.send(mail.PLAIN)
            self.assertLess(abs(self.signed_at(sink.wait(1 + steps)[-1]) - time.time() - offset), 60)
        self.assertIn("the clock made a step of", relay.stderr())
