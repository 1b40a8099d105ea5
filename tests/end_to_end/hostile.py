"""A next hop that answers what the test says: refusals, garbage, silence, a close at any step."""
import socket
import threading

CLOSE, STALL = object(), object()


class HostilePeer:
    """One thread per connection. `answer(step, argument, session)` gives the reply to a step.

    Steps: connect, EHLO, MAIL, RCPT, DATA, ., RSET, QUIT. None is the usual reply; bytes go out as
    they are; CLOSE ends the connection, STALL answers nothing until the test ends.
    """

    USUAL = {
        "connect": "220 hostile.example ESMTP",
        "EHLO": "250-hostile.example\r\n250-PIPELINING\r\n250 8BITMIME",
        "DATA": "354 go on",
        "QUIT": "221 2.0.0 bye",
    }

    def __init__(self, test, answer=None):
        self.answer = answer or (lambda step, argument, session: None)
        self.messages, self.sessions, self.open, self.peak = [], 0, 0, 0
        self.counted = set()  # Connections that have not said QUIT.
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.stop)

    def stop(self):
        self.ended.set()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.sessions += 1
                number = self.sessions
                self.open += 1
                self.counted.add(connection)
                self.peak = max(self.peak, self.open)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        try:
            with connection, connection.makefile("rb") as lines:
                self._session(connection, lines, number)
        except OSError:
            pass
        finally:
            self._count_out(connection)

    def _count_out(self, connection):
        with self.lock:
            self.open -= connection in self.counted
            self.counted.discard(connection)

    def _reply(self, connection, step, argument, session):
        """False when the connection ends here."""
        reply = self.answer(step, argument, session)
        if reply is CLOSE:
            return None
        if reply is STALL:
            self.ended.wait()
            return None
        if reply is None:
            reply = self.USUAL.get(step, "250 2.0.0 ok")
        if isinstance(reply, str):
            reply = reply.encode() + b"\r\n"
        connection.sendall(reply)
        return reply

    def _session(self, connection, lines, session):
        sender, recipients = None, []
        if not self._reply(connection, "connect", b"", session):
            return
        for line in lines:
            verb = line[:4].decode("latin-1").strip().upper()
            argument = line[4:].strip()
            if verb == "QUIT":
                self._count_out(connection)
            reply = self._reply(connection, "EHLO" if verb == "HELO" else verb, argument, session)
            if not reply or verb == "QUIT":
                return
            if verb in ("MAIL", "RSET", "EHLO"):
                sender, recipients = argument, []
            elif verb == "RCPT" and reply.startswith(b"2"):
                recipients.append(argument.split(b"<")[1].split(b">")[0].decode())
            elif verb == "DATA" and reply.startswith(b"3"):
                body = bytearray()
                for each in lines:
                    if each == b".\r\n":
                        break
                    body += each[1:] if each.startswith(b".") else each
                else:
                    return
                reply = self._reply(connection, ".", bytes(body), session)
                if not reply:
                    return
                if reply.startswith(b"2"):
                    with self.lock:
                        self.messages.append((sender, recipients, bytes(body)))
                sender, recipients = None, []
