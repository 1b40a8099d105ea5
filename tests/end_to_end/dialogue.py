"""A bare SMTP client that sends exactly the octets it is told to."""
import socket


class Dialogue:
    def __init__(self, port, host="127.0.0.1", timeout=30):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """One line without its CRLF; None at the end of the connection."""
        while b"\r\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("ascii")

    def reply(self):
        """(code, lines) of one reply; (None, []) at the end of the connection."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return None, lines
            lines.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), lines

    def command(self, octets):
        self.write(octets + b"\r\n")
        return self.reply()[0]

    def open(self):
        """Greeting and EHLO; the keywords offered."""
        self.reply()
        self.write(b"EHLO client.example\r\n")
        return self.reply()[1][1:]

    def envelope(self, sender="alice@example.com", recipients=("bob@receiver.example",), parameters=b""):
        """From MAIL to 354; returns the codes."""
        codes = [self.command(b"MAIL FROM:<" + sender.encode() + b">" + parameters)]
        codes += [self.command(b"RCPT TO:<" + recipient.encode() + b">") for recipient in recipients]
        return codes + [self.command(b"DATA")]

    def ended(self):
        """True when the peer closed the connection; what still arrives is read away."""
        while self.line() is not None:
            pass
        return True
