"""What a careless operator may do, and hears of."""
import json
import os
import signal
import socket
import subprocess
import threading

import mail
import peers
import waiting
from case import EndToEnd
from certificates import Certificate
from dialogue import Dialogue
from relay import WAIT, Relay, program_environment, route, run_program

IMPLICIT = '[[listen]]\naddress = "127.0.0.1:0"\nname = "smtp"\n[[listen]]\naddress = "127.0.0.1:0"\nname = "smtps"\ntls = "implicit"\n'
PLAIN = IMPLICIT.replace('tls = "implicit"\n', "")
LOCAL = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = ["example.com"]\n'
ELSEWHERE = LOCAL.replace("127.0.0.0/8", "192.0.2.0/24")


class Operator(EndToEnd):
    def complaints(self, relay):
        done = run_program("check", "--config", relay.configuration, check=False)
        self.assertEqual(done.returncode, 2, done.stderr.decode())
        return done.stderr.decode()

    def test_check_finds_files_that_are_missing_broken_or_do_not_fit(self):
        one, two = Certificate(self.folder, "one.example", "one"), Certificate(self.folder, "two.example", "two")
        broken = self.folder / "broken.pem"
        broken.write_text("no certificate")
        login = 'user = "u"\npassword_file = "{folder}/absent"\n'.format(folder=self.folder)
        (self.folder / "open").write_text("secret")
        (self.folder / "open").chmod(0o644)
        relay = Relay(self, self.folder, route(25))
        relay.key("example.com")
        self.assertEqual(run_program("check", "--config", relay.configuration).returncode, 0)
        for part, word in (
            ({"more": f'[tls]\ncertificate = "{one.certificate}"\nkey = "{two.key}"\n'}, "key values mismatch"),
            ({"more": f'[tls]\ncertificate = "{one.certificate}"\nkey = "{self.folder}/absent"\n'}, "No such file"),
            ({"more": f'[tls]\ncertificate = "{broken}"\nkey = "{one.key}"\n'}, "broken.pem"),
            ({"more": one.settings() + f'client_ca = "{broken}"\n'}, "broken.pem"),
            ({"more": f'[tls]\noutbound_ca = "{broken}"\n'}, "broken.pem"),
            ({"more": f'[resolver]\ntrust_anchor = "{self.folder}/absent"\n'}, "trust_anchor"),
            ({"more": "", "routes": route(25, extra=login)}, "password_file"),
            ({"more": "", "routes": route(25, extra=login.replace("absent", "open"))}, "password_file"),
            ({"routes": route(25), "more": '[dsn]\nfrom = "mailer-daemon@keyless.example"\n'}, "keyless.example"),
        ):
            with self.subTest(part=part):
                relay.write_configuration(**part)
                self.assertIn(word, self.complaints(relay))
        relay.write_configuration(more=f'[tls]\ncertificate = "{broken}"\nkey = "{one.key}"\n')
        done = run_program("check", "--json", "--config", relay.configuration, check=False)
        self.assertIn("broken.pem", json.loads(done.stdout)["problems"][0])

    def test_a_reload_that_takes_the_certificate_from_a_listener_is_refused(self):
        certificate = Certificate(self.folder, "mx.signet.example")
        relay = self.relay(self.sink(), listen=IMPLICIT, more=certificate.settings())
        relay.write_configuration(listen=PLAIN, more="")
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="failed") == 1, "the refused reload")
        with socket.create_connection(("127.0.0.1", relay.ports["smtps"]), timeout=WAIT) as raw:
            secure = certificate.client_context().wrap_socket(raw, server_hostname="mx.signet.example")
            self.assertTrue(secure.recv(100).startswith(b"220 "))

    def test_the_last_reload_counts_though_an_earlier_one_took_longer(self):
        relay = self.relay(self.sink(), clients=LOCAL)
        stale, file = relay.configuration.read_text(), relay.configuration
        file.unlink()
        os.mkfifo(file)
        pipe = []
        opener = threading.Thread(target=lambda: pipe.append(open(file, "w")))  # Waits for the reader.
        opener.start()
        relay.reload()
        opener.join()
        file.unlink()
        relay.write_configuration(clients=ELSEWHERE)
        relay.reload()
        relay.get("/healthz")  # It had time to begin.
        with pipe[0]:
            pipe[0].write(stale)
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="succeeded") == 2, "both reloads")
        self.assertEqual(relay.refusal(mail.PLAIN)[0], 550)

    def test_a_reload_names_what_counts_only_at_a_restart(self):
        relay = self.relay(self.sink())
        relay.write_configuration(top=relay.parts["top"].replace("loops = 2", "loops = 3"), more='[resolver]\ntimeout = "7s"\n')
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reloads_total", result="succeeded") == 1, "the reload")
        waiting.until(self, lambda: "resolver changed" in relay.stderr() and "loops changed" in relay.stderr(), "the warnings")
        self.assertNotIn("listen changed", relay.stderr())

    def test_while_it_drains_new_connections_are_refused_not_left_waiting(self):
        relay = self.relay(self.sink())
        with Dialogue(relay.port) as busy:
            busy.open()
            self.assertEqual(busy.envelope()[-1], 354)
            relay.process.send_signal(signal.SIGTERM)
            waiting.until(self, lambda: relay.get("/readyz")[0] == 503, "the relay drains")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT)
            busy.write(mail.PLAIN + b".\r\n")
            self.assertEqual(busy.reply()[0], 250)
        relay.stop()

    def test_a_socket_of_systemd_that_no_listener_names_is_told(self):
        relay = Relay(self, self.folder, route(25))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            relay.give(listener)
            done = subprocess.run([*relay.launcher, peers.PROGRAM, "serve", "--config", relay.configuration], pass_fds=relay.inherited,
                                  capture_output=True, timeout=WAIT, env=program_environment(self.folder))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"127.0.0.1:{listener.getsockname()[1]}", done.stderr.decode())

    def test_strangers_can_not_use_up_the_descriptors(self):
        sink = self.sink()
        relay = Relay(self, self.folder, route(sink.port))
        relay.key("example.com")
        relay.launcher = ["/bin/bash", "-c", 'ulimit -n 300; exec "$@"', "bash"]
        relay.start()
        strangers = [socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT) for _ in range(200)]
        answers = [stranger.recv(3) for stranger in strangers]
        self.assertEqual((answers.count(b"220"), answers.count(b"421")), (150, 50))
        for stranger in strangers:
            stranger.close()
        waiting.until(self, lambda: relay.metric("signet_connections_open") == 0, "they are gone")
        relay.send(mail.PLAIN)
        sink.one()

    def test_a_user_has_a_name_that_the_configuration_takes(self):
        for name in ("", "a b", 'a"b', "a\\b", "a\nb", "é", "x" * 65):
            done = run_program("user", "new", name, check=False, input=b"password\n")
            self.assertNotEqual(done.returncode, 0, name)
            self.assertEqual(done.stdout, b"")
        run_program("user", "new", "ann@example.com", input=b"password\n")
