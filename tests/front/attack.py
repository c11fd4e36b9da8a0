"""Slow attackers and their customers: connections that are held open, in all the ways there are; and how others fare
meanwhile. Everything is bounded, in count and in time, and stays in 127.0.0.0/8."""
import selectors
import socket
import ssl
import struct
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY, WINDOW = 0, 1, 3, 4, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field that is never indexed, without Huffman (RFC 7541 section 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def head(path, method="GET", more=()):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def insecure(*protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols or ("http/1.1",))
    return context


def source(number, spread):
    """Every address of its own; or all of them one."""
    return f"127.{64 + number // 60000 % 60}.{number // 250 % 240}.{1 + number % 250}" if spread else "127.9.9.9"


class Holders(threading.Thread):
    """So many connections, each begun with `first` and fed with `drip` once a second. Whoever is closed comes back at
    once. With `receive`, a small buffer, they do not read what they are sent."""

    def __init__(self, port, count, first=b"", drip=b"", spread=True, tls=False, receive=None):
        super().__init__(daemon=True)
        self.port, self.count, self.first, self.drip = port, count, first, drip
        self.spread, self.tls, self.receive = spread, tls, receive
        self.closed, self.over = 0, threading.Event()
        self.selector, self.number, self.held = selectors.DefaultSelector(), 0, set()

    def open(self):
        s = socket.socket()
        s.setblocking(False)
        if self.receive:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive)
        s.bind((source(self.number, self.spread), 0))
        self.number += 1
        s.connect_ex(("127.0.0.1", self.port))
        self.selector.register(s, selectors.EVENT_WRITE, "new")

    def again(self, s):
        if not self.receive or s not in self.held:
            self.selector.unregister(s)
        self.held.discard(s)
        s.close()
        self.closed += 1
        self.open()

    def send(self, s, data):
        try:
            if data:
                s.send(data)
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def step(self, s, kind):
        if kind == "new":
            if not self.send(s, self.first):
                return self.again(s)
            self.held.add(s)
            if self.receive:
                return self.selector.unregister(s)
            return self.selector.modify(s, selectors.EVENT_READ, "held")
        try:
            if not s.recv(65536):
                return self.again(s)
        except BlockingIOError:
            pass
        except OSError:
            return self.again(s)
        return None

    def run(self):
        for _ in range(self.count):
            self.open()
        due = time.monotonic() + 1
        while not self.over.is_set():
            for key, _ in self.selector.select(0.05):
                self.step(key.fileobj, key.data)
            if time.monotonic() >= due:
                due += 1
                for s in list(self.held):
                    if not self.send(s, self.drip):
                        self.again(s)
        for s in [*self.held, *(key.fileobj for key in list(self.selector.get_map().values()))]:
            s.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(10)


class Customers:
    """One after the other, each on a new connection, for so many seconds: how many were answered in time."""

    def __init__(self, port, path="/", tls=False, within=2.0, status=(200,), headers=""):
        self.port, self.path, self.tls, self.within, self.status = port, path, tls, within, status
        self.headers = headers
        self.waits, self.failed = [], []

    def one(self):
        request = f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{self.headers}\r\n"
        with socket.create_connection(("127.0.0.1", self.port), self.within) as s:
            s.settimeout(self.within)
            if self.tls:
                s = insecure().wrap_socket(s)
            s.sendall(request.encode())
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
            s.close()
        return int(answer.split(None, 2)[1])

    def come(self, seconds, every=0.05):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            try:
                status = self.one()
                (self.waits if status in self.status else self.failed).append(time.monotonic() - begin)
            except (OSError, IndexError, ValueError) as error:
                self.failed.append(error)
            time.sleep(max(0, begin + every - time.monotonic()))
        return self

    @property
    def share(self):
        return len(self.waits) / max(1, len(self.waits) + len(self.failed))

    def slowest(self, part=0.95):
        return sorted(self.waits)[int(len(self.waits) * part)] if self.waits else float("inf")
