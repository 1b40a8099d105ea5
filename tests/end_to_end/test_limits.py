"""Limits hold, across loops too."""
import smtplib
import threading
from pathlib import Path

import mail
import waiting
from case import EndToEnd
from dialogue import Dialogue
from relay import Relay, route

CLIENT = '[[client]]\nname = "local"\nnetworks = ["127.0.0.0/8"]\ndomains = "all"\n'


class Limits(EndToEnd):
    def test_five_connections_to_a_destination_are_five_with_four_loops(self):
        sink = self.sink()
        sink.hold = threading.Event()
        relay = Relay(self, self.folder, route(sink.port, extra="connections = 5"), loops=4)
        relay.key("example.com")
        relay.start()
        clients = [relay.client() for _ in range(8)]
        for number in range(40):
            clients[number % 8].sendmail(mail.AUTHOR, [mail.FRIEND], mail.message(number=number))
        waiting.until(self, lambda: sink.open == 5, "five connections")
        sink.hold.set()
        sink.wait(40)
        self.assertEqual(sink.peak, 5)
        for client in clients:
            client.quit()

    def test_four_busy_connections_leave_none_of_four_loops_idle(self):
        sink = self.sink()
        relay = self.relay(sink, loops=4)

        def busy(threads=Path(f"/proc/{relay.process.pid}/task")):
            """Threads that used processor time, by id."""
            return {int(task.name): int((task / "stat").read_text().rpartition(")")[2].split()[11]) for task in threads.iterdir()}

        clients = [relay.client() for _ in range(4)]
        before = busy()
        message = mail.message((b"x" * 70 + b"\r\n") * 4000)

        def send(client):
            for _ in range(15):
                client.sendmail(mail.AUTHOR, [mail.FRIEND], message)

        threads = [threading.Thread(target=send, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used = sorted((after - before.get(task, 0) for task, after in busy().items()), reverse=True)
        self.assertGreater(used[3], used[0] / 4, f"processor ticks by thread: {used}")

    def test_a_message_over_the_size_limit_is_refused_by_its_declared_and_by_its_real_size(self):
        relay = self.relay(self.sink(), limits="message_bytes = 100000\n")
        with relay.client() as client:
            client.ehlo()
            self.assertEqual(client.esmtp_features["size"], "100000")
            self.assertEqual(client.docmd("MAIL FROM:<alice@example.com> SIZE=100001")[0], 552)
        lying = Dialogue(relay.port)
        lying.open()
        lying.envelope(parameters=b" SIZE=10")
        lying.write(mail.message((b"x" * 70 + b"\r\n") * 2000) + b".\r\n")
        self.assertEqual(lying.reply()[0], 552)

    def test_more_recipients_than_allowed_are_refused_one_by_one(self):
        sink = self.sink()
        relay = self.relay(sink, limits="recipients = 100\n")
        refused = relay.send(mail.PLAIN, recipients=[f"r{n}@receiver.example" for n in range(102)])
        self.assertEqual({code for code, _ in refused.values()}, {452})
        self.assertEqual(len(refused), 2)
        waiting.until(self, lambda: sum(len(r.recipients) for r in sink.messages) == 100, "the hundred")

    def test_the_hourly_quota_of_a_client_holds(self):
        sink = self.sink()
        relay = self.relay(sink, clients=CLIENT + "messages_per_hour = 3\n", loops=4)
        for _ in range(3):
            relay.send(mail.PLAIN)
        self.assertEqual(relay.refusal(mail.PLAIN)[0], 452)
        self.assertEqual(len(sink.wait(3)), 3)

    def test_connections_of_one_address_are_limited(self):
        relay = self.relay(self.sink(), limits="connections_per_address = 2\n")
        first, second = relay.client(), relay.client()
        with self.assertRaises(smtplib.SMTPConnectError) as refusal:
            relay.client()
        self.assertEqual(refusal.exception.smtp_code, 421)
        first.quit()
        waiting.until(self, lambda: relay.metric("signet_connections_open") == 1, "the first connection is gone")
        relay.client().quit()
        second.quit()

    def test_header_limits_answer_552(self):
        relay = self.relay(self.sink())
        many = b"".join(b"X-%d: y\r\n" % n for n in range(1001))
        big = b"".join(b"X-%d: " % n + b"y" * 900 + b"\r\n" for n in range(150))
        for fields in (many, big):
            self.assertEqual(relay.refusal(mail.message(fields=fields))[0], 552)

    def test_commands_are_answered_in_order_however_they_are_cut(self):
        sink = self.sink()
        relay = self.relay(sink)
        script = (
            b"EHLO client.example\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@receiver.example>\r\nRCPT TO:<@>\r\nNOOP\r\nDATA\r\n"
        )
        answers = []
        for size in (len(script), 1):
            with Dialogue(relay.port) as dialogue:
                for start in range(0, len(script), size):
                    dialogue.write(script[start : start + size])
                codes = [dialogue.reply()[0] for _ in range(7)]
                dialogue.write(mail.PLAIN + b".\r\nQUIT\r\n")
                answers.append(codes + [dialogue.reply()[0], dialogue.reply()[0]])
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0][:4] + answers[0][5:], [220, 250, 250, 250, 250, 354, 250, 221])
        self.assertGreaterEqual(answers[0][4], 500)
        sink.wait(2)
