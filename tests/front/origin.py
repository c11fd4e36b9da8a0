"""A small origin that does as it is told: answers, refuses, is slow, or fails."""
import http.server
import socket
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        origin = self.server.origin
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        with origin.lock:
            origin.seen.append((self.command, self.path, body, dict(self.headers)))
        time.sleep(origin.delay)
        text = origin.body if origin.body is not None else b"origin says " + self.path.encode()
        self.send_response(origin.status)
        for name, value in origin.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # a reader who went away


class Origin:
    def __init__(self):
        self.lock = threading.Lock()
        self.port = 0
        self.server = None
        self.reset()
        self.start()

    def reset(self):
        self.status, self.delay, self.body, self.headers, self.seen = 200, 0, None, [], []

    def start(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.origin = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def paths(self):
        with self.lock:
            return [path for _, path, _, _ in self.seen]
