"""The admin API over TCP, as its description says, and against what should not work."""
import json
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import mail
import openapi
import relay
import signers
import waiting
from api_case import PROBLEM, ApiCase
from relay import run_program
from rotations import ROTATION, Knot

DESCRIPTION = Path(__file__).parents[2] / "relay/admin/openapi.json"
BIG = b'{"reason":"' + b"x" * 70000 + b'"}'


def pem(algorithm="rsa:2048"):
    kind, _, bits = algorithm.partition(":")
    more = ["-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else []
    return subprocess.run(["openssl", "genpkey", "-algorithm", kind, *more], check=True, capture_output=True, text=True).stdout


class Api(ApiCase):
    def with_deferred_mail(self, **options):
        sink = self.sink()
        sink.refuse[mail.FRIEND] = "450 4.2.1 mailbox busy"
        made = self.served(sink, **options)
        made.send(mail.PLAIN)
        waiting.until(self, lambda: [f for f in made.log() if f["event"] == "deferred"], "the first attempt")
        return made, sink, made.queued()[0]

    def test_every_operation_answers_as_its_description_says(self):
        made, _, identifier = self.with_deferred_mail()
        document = self.read("/v1/openapi.json")
        self.assertEqual(document, json.loads(DESCRIPTION.read_text()))
        description = openapi.Description(document)
        first = next(iter(made.keys.values()))["selector"]
        message, keys = f"/v1/queue/{identifier}", "/v1/keys/example.com"
        steps = {
            "description": ("/v1/openapi.json", None),
            "listMessages": ("/v1/queue?limit=5&status=queued&client=local&sender_domain=example.com&recipient_domain=receiver.example"
                             "&route=default&author_domain=example.com&older_than=0", None),
            "queueStats": ("/v1/queue/stats", None),
            "showMessage": (message, None),
            "explainMessage": (message + "/explanation", None),
            "explainHypothesis": ("/v1/explain?from=alice@example.com&to=bob@receiver.example&client=local", None),
            "orderMany": ("/v1/queue/orders", {"order": "hold", "recipient_domain": "receiver.example", "dry_run": True}),
            "suspend": ("/v1/suspensions", {"kind": "destination", "value": "other.example", "reason": "moving", "for": "1h"}),
            "listSuspensions": ("/v1/suspensions", None),
            "resume": ("/v1/suspensions/resume", {"kind": "destination", "value": "other.example"}),
            "settings": ("/v1/config/settings", None),
            "recentMail": ("/v1/mail/recent", None),
            "reload": ("/v1/config/reload", None),
            "maintenance": ("/v1/maintenance", None),
            "drain": ("/v1/maintenance", {"draining": False}),
            "holdMessage": (message + "/hold", {"reason": "looks odd"}),
            "releaseMessage": (message + "/release", None),
            "retryMessage": (message + "/retry", None),
            "rerouteMessage": (message + "/reroute", {"to": "default"}),
            "bounceMessage": (message + "/bounce", {"reason": "no more"}),
            "listDomains": ("/v1/domains?limit=10", None),
            "showDomain": ("/v1/domains/example.com", None),
            "listKeys": ("/v1/keys?limit=10", None),
            "showKeys": (keys, None),
            "newKey": (keys, {"selector": "s2"}),
            "rotateKeys": (keys + "/rotate", {"algorithm": "rsa"}),
            "importKey": ("/v1/keys/imported.example/i1/import", {"private_key": pem()}),
            "publishKey": (keys + "/s2/publish", None),
            "activateKey": (keys + "/s2/activate", {"unproven": True}),
            "retireKey": (f"{keys}/{first}/retire", None),
            "revokeKey": (f"{keys}/{first}/revoke", None),
            "egress": ("/v1/egress", None),
            "listDestinations": ("/v1/destinations", None),
            "configuration": ("/v1/config", None),
            "metrics": ("/v1/metrics", None),
        }
        operations = {operation["operationId"]: (path, method, operation) for path, method, operation in description.operations()}
        self.assertEqual(steps.keys(), operations.keys())
        for name, (target, body) in steps.items():
            path, method, operation = operations[name]
            with self.subTest(name):
                if name in ("retryMessage", "rerouteMessage", "bounceMessage"):
                    waiting.until(self, lambda: self.read(message)["due_in_seconds"] > 60, "it waits again")
                answer = self.ask(method, target, self.writer, body)
                self.assertEqual(answer[0], 200, answer)
                self.assertEqual(description.answer_faults(operation, *answer), [])
                self.assertNotIn("PRIVATE", str(answer[2]))
        waiting.until(self, lambda: not made.queued(), "the message was bounced")
        self.assertEqual(self.read("/v1/domains/example.com")["active"], [{"selector": "s2", "algorithm": "rsa-sha256"}])

    def test_what_is_wrong_is_refused_with_words_and_without_effect(self):
        made, _, identifier = self.with_deferred_mail()
        description = openapi.Description(json.loads(DESCRIPTION.read_text()))
        values = {"id": identifier, "domain": "example.com", "selector": next(iter(made.keys.values()))["selector"]}

        def state():
            keys = [domain["keys"] for domain in self.read("/v1/keys")["domains"]]
            rows = [(row["id"], row["status"], row["due"]) for row in self.read("/v1/queue")["messages"]]
            return keys, self.read("/v1/domains"), rows

        before = state()
        for path, method, operation in description.operations():
            target = path.format(**values)
            is_write = method == "POST"
            takes_body = "requestBody" in operation
            attempts = [
                (401, method, target, None, None),
                (401, method, target, self.writer + "x", None),
                (400, method, target + "?colour=red", self.writer, None),
                (400, method, target + "?a=%zz", self.writer, None),
                (405, "DELETE", target, self.writer, None),
                (405, "PATCH", target, self.writer, b"{}"),
            ]
            if is_write:
                attempts += [
                    (403, method, target, self.reader, None),
                    (400, method, target, self.writer, b"{"),
                    (400, method, target, self.writer, b"reason=x"),
                    (400, method, target, self.writer, {"colour": "red"}),
                    (400, method, target, self.writer, []),
                    (413, method, target, self.writer, BIG),
                ]
            if takes_body:
                name = next(iter(operation["requestBody"]["content"]["application/json"]["schema"]["properties"]))
                attempts += [(400, method, target, self.writer, {name: 7}), (400, method, target, self.writer, f'{{"{name}":"a","{name}":"a"}}'.encode())]
            for expected, verb, where, token, body in attempts:
                with self.subTest(method=verb, target=where, body=str(body)[:40], expected=expected):
                    status, content_type, answer = self.ask(verb, where, token, body)
                    self.assertEqual((status, content_type), (expected, PROBLEM), answer)
                    self.assertEqual(list(description.faults({"$ref": "#/components/schemas/Problem"}, answer, "body")), [])
                    if expected != 405:
                        self.assertIn(str(expected), operation["responses"])
        self.assertEqual(state(), before)

    def test_a_hypothesis_hears_of_suspensions(self):
        self.served()
        asked = "/v1/explain?from=alice@example.com&to=bob@receiver.example&client=local"
        self.assertNotIn("suspended", self.read(asked)["recipients"][0])
        self.write("/v1/suspensions", {"kind": "domain", "value": "example.com", "reason": "a leak"})
        self.assertEqual(self.read(asked)["recipients"][0]["suspended"], "domain example.com: a leak")
        self.assertNotIn("suspended", self.read(asked.replace("alice@example.com", "alice@example.net"))["recipients"][0])

    def test_names_can_not_lead_out_of_the_store(self):
        made = self.served()
        outside = self.folder / "outside"
        outside.mkdir()
        before = sorted(self.folder.rglob("*.pem"))
        for name in ("..", "%2e%2e", "..%2Foutside", "%2Fetc", "a%00b", "example.com%2F..%2F..%2Foutside", "."):
            for target in (f"/v1/keys/{name}", f"/v1/domains/{name}"):
                self.assertEqual(self.ask("GET", target, self.writer)[0], 400, target)
            self.assertEqual(self.ask("POST", f"/v1/keys/{name}", self.writer)[0], 400, name)
            self.assertEqual(self.ask("POST", f"/v1/keys/example.com/{name}/publish", self.writer)[0], 400, name)
            self.assertEqual(self.ask("POST", "/v1/keys/example.com", self.writer, {"selector": name})[0], 400, name)
            self.assertEqual(self.ask("GET", f"/v1/queue/{name}", self.writer)[0], 400, name)
        self.assertEqual(sorted(self.folder.rglob("*.pem")), before)
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual(made.queued(), [])

    def test_every_change_is_an_audit_line(self):
        made, _, identifier = self.with_deferred_mail()
        self.write(f"/v1/queue/{identifier}/hold", {"reason": "looks odd"})
        self.ask("POST", f"/v1/queue/{identifier}/release", self.reader)
        self.ask("GET", "/v1/queue", "wrong")
        self.write("/v1/keys/example.com", {"selector": "s2"})
        made.queue("release", identifier)
        lines = waiting.until(self, lambda: (found := [f for f in made.log() if f["event"] == "admin"]) and len(found) >= 5 and found, "five lines")
        told = [(line["by"], line["method"], line["target"], line["status"]) for line in lines]
        self.assertEqual(told, [
            ("token deploy", "POST", f"/v1/queue/{identifier}/hold", 200),
            ("token grafana", "POST", f"/v1/queue/{identifier}/release", 403),
            ("unknown", "GET", "/v1/queue", 401),
            ("token deploy", "POST", "/v1/keys/example.com", 200),
            (f"uid {os.getuid()}", "POST", f"/v1/queue/{identifier}/release", 200),
        ])
        self.assertTrue(lines[0]["from"].startswith("127.0.0.1:") and lines[0]["time"], lines[0])
        self.assertEqual(lines[4]["from"], "unix socket")
        order = next(f for f in made.log() if f["event"] == "order")
        self.assertEqual((order["order"], order["reason"], order["by"].split(" (")[0]), ("hold", "looks odd", "token deploy"))
        text = (self.folder / "delivery.log").read_text() + made.stderr()
        for secret in (self.reader, self.writer):
            self.assertNotIn(secret, text)
        self.assertEqual(made.metric("signet_admin_requests_total", code="403"), 1)

    def test_a_token_counts_from_one_reload_to_the_next(self):
        made = self.served()
        kept = run_program("token", "new", "kept", "--json")
        kept = json.loads(kept.stdout)
        self.read("/v1/config")
        self.write_tokens(kept["line"])
        made.reload()
        waiting.until(self, lambda: self.ask("GET", "/v1/config", kept["token"])[0] == 200, "the new token")
        self.assertEqual(self.ask("GET", "/v1/config", self.reader)[0], 401)
        self.reader = kept["token"]
        self.assertEqual(self.read("/v1/config")["generation"], 2)
        (self.folder / "admin.tokens").chmod(0o644)
        made.reload()
        state = waiting.until(self, lambda: (c := self.read("/v1/config"))["last_reload"]["applied"] is False and c, "the refusal")
        self.assertEqual(state["generation"], 2)
        self.assertIn("accessible by others", state["last_reload"]["problem"])
        done = run_program("check", "--config", made.configuration, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"admin.tokens", done.stdout + done.stderr)

    def test_too_much_is_refused_and_a_slow_one_delays_nobody(self):
        made = self.served(admin="requests_per_second = 2\n")
        port = made.ports["admin"]
        slow = socket.create_connection(("127.0.0.1", port), timeout=relay.WAIT)
        self.addCleanup(slow.close)
        slow.sendall(f"POST /v1/keys/slow.example HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.writer}\r\nContent-Length: 20\r\n\r\n{{".encode())
        started = time.monotonic()
        self.assertEqual(self.ask("GET", "/v1/config", self.reader, headers={"X": "x" * 20000})[0], 431)
        self.assertEqual(self.ask("GET", "/v1/" + "x" * 5000, self.writer)[0], 400)
        self.assertEqual(self.flood(port), 413)
        statuses = [self.ask("GET", "/v1/config", self.reader)[0] for _ in range(20)]
        self.assertEqual(set(statuses), {200, 429})
        self.assertEqual(self.ask("GET", "/v1/config", self.writer)[0], 200, "the rate of one token is no other's affair")
        self.assertEqual(slow.recv(12), b"HTTP/1.1 408")
        self.assertLess(time.monotonic() - started, 30)
        self.assertFalse((self.folder / "store" / "slow.example").exists())
        made.send(mail.PLAIN)

    def flood(self, port):
        """The status for a body of 2 MiB."""
        with socket.create_connection(("127.0.0.1", port), timeout=relay.WAIT) as big:
            head = f"POST /v1/keys/example.com HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.writer}\r\nContent-Length: 2097152\r\n\r\n"
            big.sendall(head.encode())
            return int(big.recv(100).split()[1])

    def test_a_key_is_published_proven_and_activated_over_http(self):
        server = Knot(self, self.folder, ["example.com"])
        more = ROTATION.format(port=server.port, key_file=server.key_file, interval="180d", more="")
        made = self.served(more=more)
        old = next(iter(made.keys.values()))["selector"]
        key = self.write("/v1/keys/example.com", {"selector": "s2"})
        self.assertEqual(key["state"], "generated")
        status, _, refused = self.ask("POST", "/v1/keys/example.com/s2/activate", self.writer)
        if status != 200:  # The relay may have published it by itself meanwhile.
            self.assertEqual((status, refused["fault"]), (409, "key_state_wrong"))
        self.write("/v1/keys/example.com/s2/publish")
        activate = lambda: self.ask("POST", "/v1/keys/example.com/s2/activate", self.writer)
        answer = waiting.until(self, lambda: (told := activate())[0] == 200 and told[2], "old answers expire")
        self.assertEqual(answer["state"], "active")
        shown = self.read("/v1/keys/example.com")
        printed = json.loads(run_program("keys", "show", "example.com", "--config", made.configuration, "--json").stdout)
        self.assertEqual([key["selector"] for key in shown["keys"]], [key["selector"] for key in printed["keys"]])
        states = {key["selector"]: key["state"] for key in shown["keys"]}
        self.assertEqual(states["s2"], "active")
        self.assertIn(states[old], ("retiring", "revoked", "deleted"))
        self.assertTrue(any(move["by"].startswith("token deploy (127.0.0.1:") for key in shown["keys"] for move in key["moves"]))
        self.assertTrue(self.read("/v1/domains/example.com")["signs"])

    def test_a_key_is_taken_over_http_and_signs(self):
        sink = self.sink()
        made = self.served(sink)
        target, key, other = "/v1/keys/taken.example/t1/import", pem(), pem()
        for wrong, words in (({}, "private_key"), ({"private_key": "no key"}, "private_key"), ({"private_key": key, "legacy_until": "soon"}, "2027-06-30")):
            status, _, refused = self.ask("POST", target, self.writer, wrong)
            self.assertEqual((status, words in refused["detail"]), (400, True), refused)
        self.assertEqual(self.ask("POST", target, self.reader, {"private_key": key})[0], 403)
        self.assertFalse((self.folder / "store" / "taken.example").exists())
        for _ in range(2):  # Done already is done.
            taken = self.write(target, {"private_key": key})
            self.assertEqual((taken["state"], len(taken["moves"])), ("active", 1), taken)
        self.assertIn("token deploy", taken["moves"][0]["by"])
        for selector, text, words in (("t1", other, "another key t1"), ("t2", other, "signs with t1 already"), ("e1", pem("ed25519"), None)):
            status, _, answer = self.ask("POST", f"/v1/keys/taken.example/{selector}/import", self.writer, {"private_key": text})
            self.assertEqual(status, 409 if words else 200, answer)
            self.assertIn(words or "", answer.get("detail", ""))
        short = "/v1/keys/short.example/s/import", pem("rsa:1024")
        status, _, refused = self.ask("POST", short[0], self.writer, {"private_key": short[1]})
        self.assertEqual((status, "legacy_until" in refused["detail"]), (409, True), refused)
        self.assertEqual(self.write(short[0], {"private_key": short[1], "legacy_until": "2096-01-01"})["state"], "active")
        made.send(mail.PLAIN.replace(b"example.com", b"taken.example"), sender="alice@taken.example")
        self.assertEqual(signers.signed_by(sink.one().octets), {("taken.example", "t1"), ("taken.example", "e1")})
        told = [(fact["selector"], fact["by"].split(" (")[0]) for fact in made.log() if fact["event"] == "key" and fact["domain"] == "taken.example"]
        self.assertEqual(told, [("t1", "token deploy"), ("e1", "token deploy")])
        written = (self.folder / "delivery.log").read_text() + made.stderr()
        self.assertNotIn(key.splitlines()[5], written)

    def test_reads_go_on_while_mail_and_orders_do(self):
        sink = self.sink()
        made = self.served(sink)
        failures = []

        def read_on():
            for _ in range(30):
                for target in ("/v1/queue", "/v1/keys", "/v1/destinations", "/v1/queue/stats"):
                    try:
                        self.read(target)
                    except Exception as error:  # Told below: a thread has no test to fail.
                        failures.append(error)

        readers = [threading.Thread(target=read_on) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(100):
            made.send(mail.message(number=number))
        for reader in readers:
            reader.join()
        self.assertEqual(failures, [])
        sink.wait(100)

    def test_nothing_listens_on_tcp_unless_it_is_asked_for(self):
        made = self.relay(self.sink())
        self.assertNotIn("admin", made.ports)
        self.assertEqual(made.get("/v1/queue")[0], 404)
        made.write_configuration(more='[admin]\nlisten = "127.0.0.1:0"\n')
        done = run_program("check", "--config", made.configuration, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"needs 'tokens'", done.stdout + done.stderr)
