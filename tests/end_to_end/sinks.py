"""Receivers nobody here wrote: aiosmtpd with everything it took kept, and Postfix's smtp-sink.

Import only under run.py, which makes the unpacked aiosmtpd findable.
"""
import asyncio
import dataclasses
import os
import random
import shutil
import socket
import subprocess
import threading

from aiosmtpd.smtp import SMTP

import peers
import waiting


@dataclasses.dataclass
class Received:
    sender: str
    recipients: list
    octets: bytes
    options: list
    peer: tuple


class _Handler:
    def __init__(self, sink):
        self.sink = sink

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses[:1] + ["250-" + extension for extension in self.sink.extensions] + responses[1:]

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_options += options
        refusal = self.sink.refuse.get(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.sink.hold:
            await asyncio.to_thread(self.sink.hold.wait, 60)
        answer = self.sink.answer(envelope) if self.sink.answer else None
        if answer:
            return answer
        self.sink.messages.append(
            Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content,
                     envelope.mail_options + envelope.rcpt_options, session.peer))
        return "250 2.0.0 OK"


class Sink:
    """aiosmtpd on a port of its own. Keeps messages as they came, dots unstuffed.

    `refuse` maps a recipient to the reply it gets; `answer(envelope)` may give the reply to the
    final dot (None: take it); `extensions` are more lines of the EHLO reply; while `hold` (a threading.Event) is unset, final dots wait for it.
    """

    def __init__(self, test, host="127.0.0.1", port=0, tls_context=None, require_starttls=False, extensions=(), **smtp_options):
        self.extensions = list(extensions)
        self.messages, self.refuse, self.answer, self.hold = [], {}, None, None
        self.open, self.peak, self.connections = 0, 0, 0
        self.loop = asyncio.new_event_loop()
        options = {"hostname": "sink.example", "data_size_limit": 64 << 20, "enable_SMTPUTF8": True} | smtp_options
        sink = self

        class Session(SMTP):
            def connection_made(self, transport):
                if not getattr(self, "counted", False):
                    self.counted = True
                    sink.connections += 1
                    sink.open += 1
                    sink.peak = max(sink.peak, sink.open)
                super().connection_made(transport)

            def connection_lost(self, error):
                sink.open -= 1
                super().connection_lost(error)

        async def listen():
            def session():
                return Session(_Handler(sink), loop=self.loop, tls_context=tls_context, require_starttls=require_starttls, **options)

            return await self.loop.create_server(session, host, port)

        self.server = self.loop.run_until_complete(listen())
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.test = test
        test.addCleanup(self.stop)

    def stop(self):
        async def close():
            self.server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0)
            self.loop.stop()

        if self.thread.is_alive():
            asyncio.run_coroutine_threadsafe(close(), self.loop)
            self.thread.join(10)

    def wait(self, count, seconds=60):
        """The first `count` messages, once they are there."""
        waiting.until(self.test, lambda: len(self.messages) >= count, f"{count} messages at the sink", seconds)
        return self.messages[:count]

    def one(self):
        """The only message."""
        return self.wait(1)[0]


class Tee:
    """Passes connections on to `port` and keeps the octets the client sent on each."""

    def __init__(self, test, port):
        self.target, self.streams = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.listener.close)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            kept = bytearray()
            self.streams.append(kept)
            threading.Thread(target=self._pump, args=(client, server, kept), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()

    @staticmethod
    def _pump(source, target, kept):
        try:
            while octets := source.recv(65536):
                if kept is not None:
                    kept += octets
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def free_port():
    """A port nobody listens on now, for peers that can't choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def mail_exchanger(test, **options):
    """(address, sink) on port 25 of a loopback address that only this test uses."""
    for _ in range(20):
        host = f"127.{random.randint(20, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}"
        try:
            return host, Sink(test, host=host, port=25, **options)
        except PermissionError:
            test.skipTest("may not listen on port 25")
        except OSError:
            continue
    return test.fail("no free loopback address")


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class SmtpSink:
    """Postfix's smtp-sink; with `capture` a folder that gets one file per message."""

    def __init__(self, test, *options, capture=None):
        program = peers.need("usr/sbin/smtp-sink")
        self.port = free_port()
        dump = ["-d", f"{capture}/message."] if capture else []
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        if capture and user:
            shutil.chown(capture, "nobody")
        self.process = subprocess.Popen([program, *user, *dump, *options, f"127.0.0.1:{self.port}", "1000"], env=peers.environment())
        test.addCleanup(self.stop)
        waiting.until(test, lambda: is_listening(self.port), "smtp-sink listens")

    def stop(self):
        self.process.kill()
        self.process.wait()
