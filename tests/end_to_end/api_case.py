"""The base of tests that speak to the admin API over TCP."""
import http.client
import json

import relay
from case import EndToEnd
from relay import run_program

ADMIN = '\n[admin]\nlisten = "127.0.0.1:0"\ntokens = "admin.tokens"\n'
PROBLEM = "application/problem+json"


class ApiCase(EndToEnd):
    def served(self, sink=None, admin="requests_per_second = 100000\n", more="", **options):
        """A relay with an admin listener; self.reader and self.writer are its tokens."""
        made = {}
        for name, flags in (("grafana", ()), ("deploy", ("--write",))):
            made[name] = json.loads(run_program("token", "new", name, *flags, "--json").stdout)
        self.reader, self.writer = made["grafana"]["token"], made["deploy"]["token"]
        self.write_tokens(*(token["line"] for token in made.values()))
        self.served_relay = self.relay(sink or self.sink(), more=ADMIN + admin + more, **options)
        return self.served_relay

    def write_tokens(self, *lines):
        file = self.folder / "admin.tokens"
        file.touch(mode=0o600)
        file.write_text("# who may ask\n" + "\n".join(lines) + "\n")

    def ask(self, method, target, token=None, body=None, headers=()):
        """(status, content type, parsed body) of one request, sent as it is written."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served_relay.ports["admin"], timeout=relay.WAIT)
        fields = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
        payload = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection.request(method, target, body=payload, headers=fields)
        answer = connection.getresponse()
        octets = answer.read()
        connection.close()
        self.fields = answer.headers
        content_type = answer.headers.get("Content-Type")
        is_json = content_type in ("application/json", PROBLEM)
        return answer.status, content_type, json.loads(octets) if is_json else octets

    def write(self, target, body=None):
        """A change that must succeed."""
        status, _, answer = self.ask("POST", target, self.writer, body)
        self.assertEqual(status, 200, (target, answer))
        return answer

    def read(self, target):
        status, _, answer = self.ask("GET", target, self.reader)
        self.assertEqual(status, 200, (target, answer))
        return answer
