"""Events for another program: batches by POST, in order, whatever the receiver does, and mail that never waits for it."""
import contextlib
import http.server
import json
import threading
import time

import mail
import relay as relays
import waiting
from case import EndToEnd
from certificates import Certificate
from sinks import free_port

TOKEN = "YXJndXMgZmlsY2g"


class Receiver:
    """Python's own HTTP server, over TLS with a `certificate`. Keeps the requests it answered 2yz; the next of
    `statuses` are what it answers first, each with `fields`."""

    def __init__(self, test, certificate=None, port=0, most=1 << 30):
        self.requests, self.statuses, self.fields, self.asked, self.test = [], [], {}, [], test
        self.most = most
        self.hold = None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if receiver.hold:
                    receiver.hold.wait(60)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if len(body) > receiver.most:
                    status = 413
                receiver.asked.append((time.monotonic(), status))
                if status // 100 == 2:
                    receiver.requests.append((self.path, dict(self.headers), body))
                try:
                    self.respond(status)
                except OSError:
                    return  # The relay has given up on this request.

            def respond(self, status):
                self.send_response(status)
                for name, value in receiver.fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        if certificate:
            self.server.socket = certificate.server_context().wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}/events?from=signet"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.stop)

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def events(self):
        """All that was taken, in the order it came."""
        return [json.loads(line) for _, _, body in self.requests for line in body.splitlines()]


class Webhook(EndToEnd):
    def start(self, settings, **options):
        self.sink_ = self.sink()
        self.token = self.folder / "token"
        self.token.touch(mode=0o600)
        self.token.write_text(TOKEN + "\n")
        return self.relay(self.sink_, more=f'[webhook]\nbatch_time = "50ms"\n{settings}\n', **options)

    def wait_for_all(self, relay, *receivers):
        """Everything in the file of the log came, once and in its order."""

        def came():
            return [event for receiver in receivers for event in receiver.events()]

        waiting.until(self, lambda: not relay.queued() and came() == relay.log() and relay.log(), f"all lines come: {len(came())} of {len(relay.log())}")

    def test_every_line_of_the_log_comes_once_and_in_order_with_the_token(self):
        receiver = Receiver(self)
        relay = self.start(f'url = "{receiver.url}"\ntoken = "{self.folder}/token"')
        for number in range(20):
            relay.send(mail.message(number=number))
        self.wait_for_all(relay, receiver)
        self.assertEqual({event["schema"] for event in receiver.events()}, {1})
        path, fields, body = receiver.requests[0]
        self.assertEqual(path, "/events?from=signet")
        self.assertEqual(fields["Authorization"], f"Bearer {TOKEN}")
        self.assertEqual(fields["Content-Type"], "application/x-ndjson")
        self.assertTrue(body.endswith(b"}\n"))
        self.assertEqual(relay.metric("signet_webhook_events_total"), len(receiver.events()))
        self.assertEqual(relay.metric("signet_webhook_waiting_events"), 0)

    def test_over_tls_the_receiver_must_prove_its_name(self):
        right, wrong = Certificate(self.folder, "localhost"), Certificate(self.folder, "localhost", file="other")
        receiver, impostor = Receiver(self, right), Receiver(self, wrong)
        relay = self.start(f'url = "https://localhost:{impostor.port}/"\nca = "{right.certificate}"\ntoken = "{self.folder}/token"\nformat = "json"')
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: relay.metric("signet_webhook_errors_total") >= 2, "the impostor is refused, again and again")
        self.assertEqual(impostor.asked, [], "it got nothing, the token neither")
        self.assertIn("self-signed certificate", relay.stderr().replace("self signed", "self-signed"))
        relay.write_configuration(more=relay.parts["more"].replace(str(impostor.port), str(receiver.port)))
        relay.reload()
        waiting.until(self, lambda: receiver.requests, "the right one gets it after a reload")
        _, fields, body = receiver.requests[0]
        self.assertEqual(fields["Content-Type"], "application/json")
        self.assertEqual(fields["Host"], f"localhost:{receiver.port}")
        waiting.until(self, lambda: sum((json.loads(body) for _, _, body in receiver.requests), []) == relay.log(), "all comes")

    def test_what_is_answered_503_comes_again_after_a_pause_and_nothing_is_lost(self):
        receiver = Receiver(self)
        receiver.statuses, receiver.fields = [503, 500, 302, 404], {"Retry-After": "2"}
        relay = self.start(f'url = "{receiver.url}"\nbatch_events = 1')
        for number in range(5):
            relay.send(mail.message(number=number))
        waiting.until(self, lambda: len(receiver.asked) >= 3, "it is tried again")
        self.assertGreaterEqual(receiver.asked[1][0] - receiver.asked[0][0], 1.9)
        self.assertGreater(relay.metric("signet_webhook_waiting_events"), 0)
        self.assertGreater(relay.metric("signet_webhook_oldest_waiting_seconds"), 0)
        self.wait_for_all(relay, receiver)
        self.assertEqual(relay.metric("signet_webhook_errors_total"), 4)
        self.assertEqual(relay.metric("signet_webhook_events_dropped_total"), 0)

    def test_mail_does_not_wait_for_a_receiver_that_is_away_or_hangs_and_gets_all_when_it_is_back(self):
        port = free_port()
        relay = self.start(f'url = "http://127.0.0.1:{port}/events"\ntimeout = "500ms"')
        for number in range(10):
            relay.send(mail.message(number=number))
        self.sink_.wait(10)
        waiting.until(self, lambda: relay.metric("signet_webhook_errors_total") > 0, "nobody is there")
        receiver = Receiver(self, port=port)
        receiver.hold = threading.Event()
        self.addCleanup(receiver.hold.set)
        waiting.until(self, lambda: relay.metric("signet_webhook_errors_total") > 2, "it hangs")
        for number in range(10):
            relay.send(mail.message(number=number))
        self.sink_.wait(20)
        self.assertEqual(relay.get("/readyz")[0], 200)
        hold, receiver.hold = receiver.hold, None
        receiver.statuses = [408] * 20  # What was asked while it hung was given up, and counts for nothing.
        hold.set()
        waiting.until(self, lambda: not relay.queued(), "all is delivered")
        receiver.statuses = []
        self.wait_for_all(relay, receiver)

    def test_a_full_buffer_drops_what_comes_and_says_where_something_is_missing(self):
        receiver = Receiver(self)
        receiver.statuses = [500] * 1000
        relay = self.start(f'url = "{receiver.url}"\nbuffer_bytes = "64 KiB"')
        number = 0
        while relay.metric("signet_webhook_events_dropped_total") < 10:
            relay.send(mail.message(number=number))
            number += 1
            self.assertLessEqual(relay.metric("signet_webhook_waiting_bytes"), 64 << 10)
        self.sink_.wait(number)
        waiting.until(self, lambda: not relay.queued(), "all is delivered")
        receiver.statuses = []
        waiting.until(self, lambda: relay.metric("signet_webhook_waiting_events") == 0, "what was kept comes", 120)
        relay.send(mail.message(number=number))
        waiting.until(self, lambda: not relay.queued() and relay.metric("signet_webhook_waiting_events") == 0, "and what is new")
        events = receiver.events()
        lost = [event for event in events if event["event"] == "events_lost"]
        self.assertEqual(sum(event["count"] for event in lost), relay.metric("signet_webhook_events_dropped_total"))
        kept = [event for event in events if event["event"] != "events_lost"]
        self.assertEqual(len(kept) + sum(event["count"] for event in lost), len(relay.log()))
        self.assertEqual([event for event in relay.log() if event in kept], kept, "the file has them all, in the same order")

    def test_a_batch_the_receiver_finds_too_large_comes_in_smaller_ones(self):
        receiver = Receiver(self, most=1000)
        relay = self.start(f'url = "{receiver.url}"')
        receiver.statuses = [500]
        for number in range(10):
            relay.send(mail.message(number=number))
        self.wait_for_all(relay, receiver)
        self.assertTrue(all(len(body) <= 1000 for _, _, body in receiver.requests))
        self.assertIn(413, [status for _, status in receiver.asked])

    def test_batches_grow_again_once_the_receiver_takes_larger_ones(self):
        receiver = Receiver(self, most=1000)
        relay = self.start(f'url = "{receiver.url}"')
        receiver.statuses = [500]
        for number in range(10):
            relay.send(mail.message(number=number))
        self.wait_for_all(relay, receiver)
        receiver.most = 1 << 30
        receiver.hold = threading.Event()
        self.addCleanup(receiver.hold.set)
        for number in range(20):
            relay.send(mail.message(number=number))
        waiting.until(self, lambda: not relay.queued() and relay.metric("signet_webhook_waiting_events") >= 40, "many wait")
        receiver.hold.set()
        self.wait_for_all(relay, receiver)
        self.assertGreater(max(len(body) for _, _, body in receiver.requests), 3000)

    def test_what_waits_when_the_relay_stops_comes_after_the_next_start(self):
        first = Receiver(self)
        relay = self.start(f'url = "{first.url}"')
        relay.send(mail.PLAIN)
        self.wait_for_all(relay, first)
        first.stop()
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: not relay.queued() and relay.metric("signet_webhook_waiting_events") >= 2, "two lines wait")
        relay.stop()
        self.assertTrue((self.folder / "spool/webhook.waiting").exists())
        second = Receiver(self, port=first.port)
        relay.start()
        self.wait_for_all(relay, first, second)
        self.assertFalse((self.folder / "spool/webhook.waiting").exists())
        relay.send(mail.PLAIN)
        relay.stop()
        self.assertEqual(first.events() + second.events(), relay.log(), "what waits for the end of a batch is sent at the end")

    def test_a_webhook_that_is_taken_away_is_late_with_nothing(self):
        receiver = Receiver(self)
        receiver.statuses = [500] * 1000
        relay = self.start(f'url = "{receiver.url}"')
        relay.send(mail.PLAIN)
        waiting.until(self, lambda: relay.metric("signet_webhook_oldest_waiting_seconds") >= 1, "events wait")
        relay.write_configuration(more=relay.parts["more"].partition("[webhook]")[0])
        relays.run_program("reload", "--config", relay.configuration)
        self.assertEqual(relay.metric("signet_webhook_oldest_waiting_seconds"), 0)
        relay.stop()
        relay.start()
        self.assertEqual(relay.metric("signet_webhook_oldest_waiting_seconds"), 0)
        self.assertGreater(relay.metric("signet_webhook_waiting_events"), 0, "kept for the next receiver")

    def test_addresses_are_cut_there_as_in_the_file(self):
        receiver = Receiver(self)
        relay = self.start(f'url = "{receiver.url}"', monitoring='delivery_log_addresses = "domain"\n')
        relay.send(mail.PLAIN)
        self.wait_for_all(relay, receiver)
        self.assertNotIn(mail.AUTHOR, json.dumps(receiver.events()))

    def test_settings_that_cannot_work_are_refused_with_the_reason(self):
        relay = self.start('url = "http://127.0.0.1:1/"')
        good = relay.parts["more"]
        self.token.chmod(0o644)
        for settings, words in (
            ('url = "ftp://events.example.com/"', "begins with neither"),
            ("", "'url'"),
            ('url = "https://"', "no host|no URL"),
            ('url = "https://user:secret@events.example.com/"', "use a token"),
            ('url = "https://127.0.0.1/"\nbatch_events = 0', "batch_events"),
            ('url = "https://127.0.0.1/"\nca = "/nowhere"', "/nowhere"),
            ('url = "http://127.0.0.1/"\nca = "/nowhere"', "only with an https"),
            (f'url = "https://127.0.0.1/"\ntoken = "{self.token}"', "token"),
            (f'url = "https://127.0.0.1/"\ntoken = "{self.folder}/none"', "token"),
            ('url = "https://127.0.0.1/"\nnonsense = 1', "nonsense"),
        ):
            relay.write_configuration(more=f"[webhook]\n{settings}\n")
            done = relays.run_program("check", "--config", relay.configuration, check=False)
            self.assertEqual(done.returncode, 2, settings)
            self.assertRegex((done.stdout + done.stderr).decode(), words, settings)
        self.token.chmod(0o600)
        relay.write_configuration(more=f'[webhook]\nurl = "http://192.0.2.1/"\ntoken = "{self.token}"\n')
        done = relays.run_program("check", "--config", relay.configuration, check=False)
        self.assertRegex((done.stdout + done.stderr).decode(), "in clear")
        relay.reload()
        waiting.until(self, lambda: relay.metric("signet_reload_successful") == 0, "nor does it load")
        relay.write_configuration(more=good)
