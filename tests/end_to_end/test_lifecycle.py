"""Start, reload, stop: nothing is lost, nothing is half done."""
import os
import signal
import socket
import subprocess

import mail
import peers
import verify
import waiting
from case import EndToEnd
from dialogue import Dialogue
from relay import CLIENT, WAIT, Relay, program_environment, route, run_program


class Lifecycle(EndToEnd):
    def reloads(self, relay, result):
        return relay.metric("signet_reloads_total", result=result)

    def test_a_good_reload_counts_for_new_connections(self):
        relay = self.relay(self.sink(), domains=("example.com", "new.example"),
                           clients='[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\n')
        self.assertEqual(relay.refusal(mail.PLAIN, sender="alice@new.example")[0], 550)
        relay.write_configuration(clients=CLIENT)
        relay.reload()
        waiting.until(self, lambda: self.reloads(relay, "succeeded") == 1, "the reload")
        relay.send(mail.PLAIN, sender="alice@new.example")

    def test_a_bad_reload_changes_nothing_and_shows(self):
        sink = self.sink()
        relay = self.relay(sink)
        relay.write_configuration(more="[limits2]\nnonsense = 1\n")
        relay.reload()
        waiting.until(self, lambda: self.reloads(relay, "failed") == 1, "the failed reload")
        self.assertEqual(relay.metric("signet_reload_successful"), 0)
        relay.send(mail.PLAIN)
        sink.one()
        relay.write_configuration(more="")
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reload_successful") == 1, "the good reload")

    def test_an_open_session_survives_a_reload(self):
        sink = self.sink()
        relay = self.relay(sink)
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            self.assertEqual(dialogue.envelope()[-1], 354)
            relay.reload()
            waiting.until(self, lambda: self.reloads(relay, "succeeded") == 1, "the reload")
            dialogue.write(mail.PLAIN + b".\r\n")
            self.assertEqual(dialogue.reply()[0], 250)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_a_new_key_counts_without_a_reload(self):
        sink = self.sink()
        relay = self.relay(sink)
        from_new = mail.PLAIN.replace(b"alice@example.com", b"alice@late.example")
        self.assertEqual(relay.refusal(from_new)[0], 550)
        relay.key("late.example")

        def taken():
            try:
                return relay.send(from_new) == {}
            except Exception:
                return False

        waiting.until(self, taken, "the new domain signs", seconds=20)
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_sigterm_lets_a_message_in_flight_finish(self):
        sink = self.sink()
        relay = self.relay(sink)
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            self.assertEqual(dialogue.envelope()[-1], 354)
            relay.process.send_signal(signal.SIGTERM)
            waiting.until(self, lambda: relay.get("/readyz")[0] == 503, "the relay drains")
            dialogue.write(mail.PLAIN + b".\r\n")
            self.assertEqual(dialogue.reply()[0], 250)
            self.assertIn(dialogue.command(b"NOOP"), (421, None))
        relay.stop()
        if not sink.messages:
            relay.start()
        sink.one()

    def test_sigterm_ends_within_its_time_though_a_client_is_silent(self):
        relay = self.relay(self.sink(), more='[timeouts]\ndrain = "1s"\n')
        with Dialogue(relay.port) as dialogue:
            dialogue.open()
            dialogue.envelope()
            relay.stop()

    def test_what_was_not_delivered_is_delivered_after_a_restart(self):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "451 4.3.0 later"
        relay = self.relay(sink)
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: [f for f in relay.log() if f["event"] == "deferred"], "the first attempt")
        relay.stop()
        sink.refuse.clear()
        relay.start()
        relay.retry_until(lambda: sink.messages, "the delivery")
        verify.dkimpy(self, sink.one().octets, relay.keys)

    def test_restarts_without_mail_between_them_lose_nothing(self):
        sink = self.sink()
        relay = self.relay(sink)
        for number in range(5):
            relay.send(mail.message(number=number))
        sink.wait(5)
        for _ in range(3):
            relay.stop()
            relay.start()
        relay.send(mail.PLAIN)
        sink.wait(6)

    def test_listening_sockets_given_by_systemd_are_used(self):
        sink = self.sink()
        relay = Relay(self, self.folder, route(sink.port))
        relay.key("example.com")
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        relay.write_configuration(listen=f'[[listen]]\naddress = "127.0.0.1:{port}"\nname = "smtp"\n')
        waiting_client = socket.create_connection(("127.0.0.1", port))  # Queued before the relay lives.
        relay.give(listener)
        relay.start()
        self.assertTrue(waiting_client.makefile("rb").readline().startswith(b"220 "))
        relay.send(mail.PLAIN)
        sink.one()
        listener.close()
        waiting_client.close()

    def test_a_spool_in_use_is_refused(self):
        relay = self.relay(self.sink())
        second = subprocess.run([peers.PROGRAM, "serve", "--config", relay.configuration], capture_output=True,
                                env=program_environment(self.folder), timeout=WAIT)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(b"in use", second.stderr)

    def test_a_wrong_configuration_is_refused_with_line_and_nearest_key(self):
        relay = Relay(self, self.folder, route(25))
        relay.write_configuration(top="hostnam = 'x'\n" + relay.parts["top"])
        done = run_program("check", "--config", relay.configuration, check=False)
        self.assertEqual(done.returncode, 2)
        said = (done.stdout + done.stderr).decode()
        self.assertIn(f"{relay.configuration}:1:1", said)
        self.assertIn("hostname", said)

    def test_check_signs_a_probe_for_each_domain(self):
        relay = Relay(self, self.folder, route(25))
        relay.key("example.com")
        self.assertEqual(run_program("check", "--config", relay.configuration).returncode, 0)
        (self.folder / "store/broken.example").mkdir()
        (self.folder / "store/broken.example/s1.pem").write_text("no key")
        os.chmod(self.folder / "store/broken.example/s1.pem", 0o600)
        done = run_program("check", "--config", relay.configuration, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"broken.example", done.stdout + done.stderr)
