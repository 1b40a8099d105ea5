"""`signet spf` against a real name server, and against broken ones."""
import json
import socket
import threading

from case import EndToEnd
from names import NameServer
from relay import run_program

ADDRESS = "192.0.2.7"


def txt(name, *strings):
    return f"{name}. TXT " + " ".join(f'"{text}"' for text in strings)


class BrokenServer:
    """Answers every question over UDP with `rcode` and nothing else, or, without one, never. With
    `tcp` it takes connections and says nothing there; else it refuses them."""

    TRUNCATED = 0x0200

    def __init__(self, test, rcode=None, flags=0, tcp=False):
        self.rcode = rcode
        self.flags = 0x8180 | flags
        listener = socket.create_server(("127.0.0.1", 0))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(listener.getsockname())
        if tcp:
            test.addCleanup(listener.close)
        else:
            listener.close()
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        test.addCleanup(thread.join, 10)
        test.addCleanup(self.stop)

    def serve(self):
        while True:
            question, client = self.socket.recvfrom(4096)
            if question == b"stop":
                return self.socket.close()
            if self.rcode is not None:
                flags = (self.flags | self.rcode).to_bytes(2, "big")
                end = question.index(b"\0", 12) + 5
                self.socket.sendto(question[:2] + flags + b"\0\1\0\0\0\0\0\0" + question[12:end], client)

    def stop(self):
        self.socket.sendto(b"stop", self.socket.getsockname())


class Spf(EndToEnd):
    def ask(self, server, domain, *more, ip=ADDRESS):
        done = run_program("spf", "--ip", ip, "--mail-from", f"ann@{domain}", "--helo", f"mail.{domain}", "--dns", server.address, "--json", *more, check=False)
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if answer["result"] == "pass" else 1, done.stderr)
        return answer

    def serve(self, *lines):
        return NameServer(self, self.folder, lines)

    def test_the_first_word_is_the_result_and_explain_says_why(self):
        server = self.serve(
            txt("a.test", "v=spf1 include:b.test -all exp=why.a.test"),
            txt("b.test", "v=spf1 ip4:192.0.2.0/28 ", "-all"),
            txt("why.a.test", "%{i} may not send for %{d}"),
        )
        options = ("--mail-from", "<ann@a.test>", "--helo", "mail.a.test", "--dns", server.address, "--explain")
        passed = run_program("spf", "--ip", ADDRESS, *options).stdout.decode().splitlines()
        self.assertEqual(passed[0].split()[0], "pass")
        self.assertEqual(passed[1:], ["term: ip4:192.0.2.0/28", "chain: a.test > b.test", "lookups: 1 of 10", "void lookups: 0 of 2", passed[5]])
        self.assertRegex(passed[5], r"^ttl: ([1-9]|[1-5][0-9]|60) s$")
        failed = run_program("spf", "--ip", "198.51.100.1", *options, check=False)
        self.assertEqual((failed.returncode, failed.stdout.split()[0]), (1, b"fail"))
        self.assertIn(b"explanation: 198.51.100.1 may not send for a.test", failed.stdout)

    def test_the_null_sender_is_checked_as_the_helo_domain(self):
        server = self.serve(txt("mail.a.test", "v=spf1 ip4:192.0.2.7 -all"))
        for sender in ([], ["--mail-from", "<>"], ["--mail-from", ""]):
            done = run_program("spf", "--ip", ADDRESS, *sender, "--helo", "mail.a.test", "--dns", server.address)
            self.assertEqual(done.stdout.split()[0], b"pass")

    def test_wrong_options_are_named(self):
        sound = {"--ip": ADDRESS, "--mail-from": "a@a.test", "--helo": "a.test", "--dns": "127.0.0.1:9"}
        for option, value in (("--ip", "192.0.2"), ("--mail-from", "a.test"), ("--mail-from", "a@"), ("--helo", ""), ("--dns", "127.0.0.1")):
            options = [word for pair in (sound | {option: value}).items() for word in pair]
            done = run_program("spf", *options, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""), (option, value))
            self.assertIn(option.encode(), done.stderr)
        self.assertEqual(run_program("spf", "--nonsense", check=False).returncode, 2)

    def test_a_record_of_60_000_octets_comes_by_tcp(self):
        terms = [f"ip4:198.51.{i // 256 % 256}.{i % 256}" for i in range(3300)]
        text = " ".join(["v=spf1", *terms, "ip4:192.0.2.7 -all"])
        self.assertGreater(len(text), 55_000)
        server = self.serve(txt("a.test", *(text[at : at + 255] for at in range(0, len(text), 255))))
        self.assertEqual(self.ask(server, "a.test")["term"], "ip4:192.0.2.7")
        self.assertEqual(self.ask(server, "a.test", ip="192.0.2.8")["result"], "fail")

    def test_hundreds_of_other_txt_records_hide_nothing(self):
        server = self.serve(txt("a.test", "v=spf1 ip4:192.0.2.7 -all"), *(txt("a.test", f"note {i} " + "x" * 100) for i in range(400)))
        self.assertEqual(self.ask(server, "a.test")["result"], "pass")

    def test_aliases_are_followed_and_loops_are_temporary_errors(self):
        server = self.serve(
            *(f"c{i}.test. CNAME c{i + 1}.test." for i in range(6)),
            txt("c6.test", "v=spf1 ip4:192.0.2.7 -all"),
            "x.loop.test. CNAME y.loop.test.",
            "y.loop.test. CNAME x.loop.test.",
            "self.loop.test. CNAME self.loop.test.",
            txt("a.test", "v=spf1 mx -all"),
            "a.test. MX 10 alias.test.",
            "alias.test. CNAME host.test.",
            "host.test. A 192.0.2.7",
        )
        self.assertEqual(self.ask(server, "c0.test")["result"], "pass")
        self.assertEqual(self.ask(server, "x.loop.test")["result"], "temperror")
        self.assertEqual(self.ask(server, "self.loop.test")["result"], "temperror")
        self.assertEqual(self.ask(server, "a.test")["result"], "pass")

    def test_a_failing_server_is_a_temporary_error(self):
        answer = self.ask(BrokenServer(self, rcode=2), "a.test")
        self.assertEqual((answer["result"], answer["chain"]), ("temperror", ["a.test"]))

    def test_a_refusing_server_is_a_temporary_error(self):
        self.assertEqual(self.ask(BrokenServer(self, rcode=5), "a.test")["result"], "temperror")

    def test_a_silent_server_is_a_temporary_error(self):
        self.assertEqual(self.ask(BrokenServer(self), "a.test")["result"], "temperror")

    def test_a_truncated_answer_without_tcp_behind_it_is_a_temporary_error(self):
        server = BrokenServer(self, rcode=0, flags=BrokenServer.TRUNCATED)
        self.assertEqual(self.ask(server, "a.test")["result"], "temperror")

    def test_a_truncated_answer_with_silent_tcp_behind_it_is_a_temporary_error(self):
        server = BrokenServer(self, rcode=0, flags=BrokenServer.TRUNCATED, tcp=True)
        self.assertEqual(self.ask(server, "a.test")["result"], "temperror")

    def test_a_dead_server_is_a_temporary_error(self):
        server = self.serve(txt("a.test", "v=spf1 -all"))
        server.process.kill()
        server.process.wait(10)
        self.assertEqual(self.ask(server, "a.test")["result"], "temperror")

    def test_no_such_name_and_no_records_are_both_void(self):
        server = self.serve(
            txt("empty.test", "just a note"),
            txt("two.test", "v=spf1 a:gone.test a:empty.test ?all"),
            txt("three.test", "v=spf1 a:gone.test a:empty.test exists:gone.test ?all"),
        )
        two = self.ask(server, "two.test")
        self.assertEqual((two["result"], two["void_lookups"]), ("neutral", 2))
        three = self.ask(server, "three.test")
        self.assertEqual((three["result"], three["term"]), ("permerror", "exists:gone.test"))
        self.assertEqual(self.ask(server, "gone.test")["result"], "none")
        self.assertEqual(self.ask(server, "empty.test")["result"], "none")

    def test_bombs_end_at_the_limit_of_lookups(self):
        tree = [txt(f"n{i}.tree.test", "v=spf1 " + " ".join(f"include:m{i}x{j}.tree.test" for j in range(10)) + " ?all") for i in range(10)]
        leaves = [txt(f"m{i}x{j}.tree.test", "v=spf1 ?all") for i in range(10) for j in range(10)]
        server = self.serve(
            txt("tree.test", "v=spf1 " + " ".join(f"include:n{i}.tree.test" for i in range(10)) + " -all"),
            *tree,
            *leaves,
            txt("a.loop.test", "v=spf1 include:b.loop.test -all"),
            txt("b.loop.test", "v=spf1 include:a.loop.test -all"),
            txt("r.loop.test", "v=spf1 redirect=r.loop.test"),
            *(txt(f"d{i}.test", f"v=spf1 include:d{i + 1}.test -all") for i in range(12)),
            txt("d12.test", "v=spf1 +all"),
        )
        for domain in ("tree.test", "a.loop.test", "r.loop.test", "d0.test"):
            answer = self.ask(server, domain)
            self.assertEqual((answer["result"], answer["lookups"]), ("permerror", 11), domain)
            self.assertIn("more than 10", answer["reason"])
        self.assertEqual(self.ask(server, "d2.test")["result"], "pass", "10 deep is allowed")

    def test_ten_mx_terms_of_ten_hosts_are_all_asked_and_eleven_hosts_are_an_error(self):
        wide = [f"wide{i}.test. MX {j} h{j}.wide{i}.test." for i in range(10) for j in range(10)]
        hosts = [f"h{j}.wide{i}.test. A 198.51.100.{j + 1}" for i in range(10) for j in range(10)]
        server = self.serve(
            txt("a.test", "v=spf1 " + " ".join(f"mx:wide{i}.test" for i in range(10)) + " -all"),
            *wide,
            *hosts,
            txt("b.test", "v=spf1 mx:many.test -all"),
            *(f"many.test. MX 10 m{j}.test." for j in range(11)),
        )
        answer = self.ask(server, "a.test")
        self.assertEqual((answer["result"], answer["lookups"]), ("fail", 10))
        self.assertEqual(self.ask(server, "b.test")["result"], "permerror")
