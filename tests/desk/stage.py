"""A desk with everything behind it: contract, operators, an origin, nginx with the module, `ecluse run`; and who asks it."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", SOURCE / "build"))
ECLUSE = str(BUILD / "ecluse")
PASSWORD = "correct horse battery"

CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
mode: enforce
state: {root}/state
runtime: {root}/run
desk: {{listen: "127.0.0.1:{desk}"}}
tracking:
  formats: [s10, colissimo, sscc]
  stale_after: 24h
routes:
  - {{name: login, match: "POST /connexion"}}
  - {{name: prices, match: "GET /tarifs"}}
promises:
  - {{name: tracking answers, route: tracking, success: 99%, within: 300ms, over: 5m}}
  - {{name: prices answer, route: prices, success: 95%, within: 1s, over: 5m}}
budgets:
  - name: logins
    meter: requests
    per: client
    where: {{route: login}}
    at_most: {{10s: 5, 1h: 60}}
    over: hold
    hold_for: 10m
  - name: harvesting
    meter: parcels_read
    per: client
    at_most: {{1h: 300}}
    over: hold
    hold_for: 10m
  - name: tracking flood
    meter: requests
    per: network
    where: {{route: tracking}}
    at_most: {{10s: 100000}}
    over: slow
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def totp(secret, at=None):
    """RFC 6238, as an authenticator computes it."""
    step = int((time.time() if at is None else at) // 30)
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    place = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[place:place + 4])[0] & 0x7fffffff) % 1000000:06d}"


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: in two, each waits 40 ms for a delayed ACK

    def do_GET(self):
        failing = self.server.failing
        body = b"the origin\n"
        self.send_response(503 if failing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Client:
    """A program that uses the interface, or a browser without scripts."""

    def __init__(self, port, agent="a test"):
        self.port, self.agent = port, agent
        self.cookies, self.csrf = {}, ""

    def ask(self, method, path, body=None, headers=None, timeout=10):
        """(status, headers, body as bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = {"User-Agent": self.agent}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.csrf and method != "GET":
            sent["X-CSRF-Token"] = self.csrf
        sent.update(headers or {})
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            reply = connection.getresponse()
            for cookie in reply.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                self.cookies[name] = value
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        """(status, object)."""
        data = None if body is None else json.dumps(body)
        status, _, text = self.ask(method, path, data, headers)
        return status, json.loads(text)

    def sign_in(self, name, secret, password=PASSWORD, code=None):
        status, me = self.json("POST", "/api/session",
                               {"name": name, "password": password, "code": code or totp(secret)})
        self.csrf = me.get("csrf", "")
        return status, me


class Stage:
    def __init__(self, serve=True, desk_port=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-desk-"))
        os.chmod(self.root, 0o755)
        self.port, self.public = desk_port or free_port(), free_port()
        self.contract = self.root / "ecluse.yaml"
        self.contract.write_text(CONTRACT.format(root=self.root, desk=self.port))
        (self.root / "state").mkdir()
        self.secrets = {}
        self.origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
        self.origin.failing = False
        threading.Thread(target=self.origin.serve_forever, daemon=True).start()
        for name, role in (("ana", "administer"), ("rui", "release"), ("sam", "see")):
            self.add_operator(name, role)
        self.process = None
        self.start(serve)

    def ecluse(self, *words, **more):
        more.setdefault("timeout", 60)
        return subprocess.run([ECLUSE, words[0], "-c", str(self.contract), *words[1:]], capture_output=True, text=True,
                              check=False, **more)

    def add_operator(self, name, role, password=PASSWORD):
        file = self.root / "password"
        file.write_text(password + "\n")
        done = self.ecluse("operator", "add", name, "--role", role, "--password-file", str(file), "--json")
        assert done.returncode == 0, done.stderr
        self.secrets[name] = json.loads(done.stdout)["totp_secret"]

    def start(self, serve=True):
        words = ["run"]
        if serve:
            words = ["serve", "--listen", f"127.0.0.1:{self.public}", "--origin",
                     f"http://127.0.0.1:{self.origin.server_port}", "--dir", str(self.root / "serve"), "--workers", "2"]
        with open(self.root / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([ECLUSE, words[0], "-c", str(self.contract), *words[1:]],
                                            stdout=subprocess.DEVNULL, stderr=log)
        assert wait_until(self.answers, 20), self.log()

    def log(self):
        return (self.root / "log").read_text(encoding="utf-8")

    def answers(self):
        try:
            return Client(self.port).ask("GET", "/sign-in", timeout=2)[0] == 200
        except OSError:
            return False

    def client(self, name=None, **more):
        client = Client(self.port, **more)
        if name:
            status, me = client.sign_in(name, self.secrets[name])
            assert status == 200, me
            # A code works once: the next sign-in of the same operator needs another step, which no test waits for.
            self.forget_step(name)
        return client

    def forget_step(self, name):
        file = self.root / "state/access/operators"
        status = file.stat()
        # In one piece, as the program writes it: a desk that reads half a file signs out who is not in it.
        fresh = file.with_name("operators.of-the-test")
        fresh.write_text(re.sub(rf"^({name} \S+ \S+) \d+", r"\1 0", file.read_text(), flags=re.M))
        fresh.chmod(status.st_mode & 0o7777)
        os.chown(fresh, status.st_uid, status.st_gid)
        os.replace(fresh, file)

    def visit(self, path, method="GET", source="127.0.0.1"):
        """What a customer at that address gets of the public side."""
        connection = http.client.HTTPConnection("127.0.0.1", self.public, timeout=10, source_address=(source, 0))
        try:
            connection.request(method, path)
            reply = connection.getresponse()
            reply.read()
            return reply.status
        except OSError:
            return 0
        finally:
            connection.close()

    def hold(self, source="127.0.0.9"):
        """Somebody who guesses passwords is held; the hold's name."""
        assert wait_until(lambda: self.visit("/connexion", "POST", source) == 429, 10)
        client = self.client("sam")
        found = []

        def held():
            found[:] = [hold["hold"] for hold in client.json("GET", "/api/holds")[1]["holds"]
                        if hold["principal"].startswith(source)]
            return bool(found)

        assert wait_until(held, 5)
        return found[0]

    def desk_pid(self):
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(words) > 3 and words[1] == b"desk" and words[2] == str(self.root / "run").encode() \
                    and (stat.parent / "comm").read_text().strip() == "ecluse-desk":
                return int(stat.parent.name)
        return 0

    def end(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.origin.shutdown()
        self.origin.server_close()
        shutil.rmtree(self.root, ignore_errors=True)
