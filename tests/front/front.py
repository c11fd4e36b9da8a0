"""One nginx with the module, one stage that publishes to it, one origin behind it: all in a folder of their own."""
import http.client
import json
import os
import pathlib
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from origin import Origin

BUILD = pathlib.Path(os.environ["ECLUSE_BUILD"])
MODULE = BUILD / "ngx_http_ecluse_module.so"
STAGE = BUILD / "src" / "front" / "front_stage"

CONTRACT = """ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
state: {directory}/state
runtime: {directory}/run
tracking:
  formats: [s10]
  stale_after: 24h
"""

SERVER = """
        ecluse on;
        location = / {{ ecluse_page home; }}
        location = /suivi {{ ecluse_lookup $arg_id html redirect=/suivi/; }}
        location ~ ^/suivi/(?<parcel>[^/]*)$ {{
            ecluse_lookup $parcel;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location ~ ^/suivi/v2/idships/(?<parcel>[^/]*)$ {{
            ecluse_lookup $parcel json;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location ~ ^/behind/(?<parcel>[^/]*)$ {{
            ecluse_route tracking;
            ecluse_lookup $parcel html;
            ecluse_answer fallback;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location / {{
            ecluse_answer fallback;
            proxy_pass http://127.0.0.1:{origin};
        }}
"""


def s10(serial, service="RA", country="FR"):
    digits = f"{serial:08d}"
    rest = 11 - sum(int(d) * w for d, w in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7))) % 11
    return f"{service}{digits}{ {10: 0, 11: 5}.get(rest, rest) }{country}"


given_ports = set()


def free_port():
    """Below those that the kernel gives to connections, and none twice: an nginx takes it only later. Tests that run side
    by side each have a range of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    while True:
        port = 20000 + worker % 8 * 1500 + random.SystemRandom().randrange(1500)
        if port in given_ports:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        given_ports.add(port)
        return port


class Response:
    def __init__(self, raw, body):
        self.status, self.body = raw.status, body
        self.headers = {name.lower(): value for name, value in raw.getheaders()}
        self.version = raw.version

    @property
    def text(self):
        return self.body.decode()


class Front:
    def __init__(self, contract="", server=SERVER, main="", http_block="", workers=1, module=MODULE, events=1024):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-front-"))
        self.port, self.module, self.workers = free_port(), module, workers
        self.origin = Origin()
        self.stage = self.nginx = None
        self.server, self.main, self.http_block, self.events = server, main, http_block, events
        for name in ("state", "state/budget", "state/tracking", "run", "logs"):
            (self.directory / name).mkdir()
            self._give(self.directory / name)
        (self.directory / "run" / "releases").mkdir(mode=0o755)
        self.directory.chmod(0o755)
        self.write_contract(contract)

    @staticmethod
    def _give(path):
        if os.geteuid() == 0:
            os.chown(path, 0, pwd.getpwnam("www-data").pw_gid)
            path.chmod(0o2775)

    # ---- contract and stage

    def write_contract(self, more="", name="ecluse.yaml"):
        text = CONTRACT.format(directory=self.directory) + more
        (self.directory / name).write_text(text)
        return self.directory / name

    def start_stage(self):
        self.stage = subprocess.Popen([STAGE, self.directory / "ecluse.yaml"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        answer = json.loads(self.stage.stdout.readline())
        assert "ready" in answer, answer

    def tell(self, command):
        self.stage.stdin.write(command + "\n")
        self.stage.stdin.flush()
        answer = json.loads(self.stage.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def stop_stage(self, how=None):
        if not self.stage:
            return
        if how:
            self.stage.send_signal(how)
        else:
            self.stage.stdin.write("quit\n")
            self.stage.stdin.flush()
        self.stage.wait(10)
        self.stage = None

    def feed(self, *parcels, days_ago=0, code="ET1"):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86400 * days_ago - 60))
        lines = [json.dumps({"parcel": p, "at": at, "code": code, "place": "Roissy", "country": "FR"}) for p in parcels]
        path = self.directory / "feed.ndjson"
        path.write_text("\n".join(lines) + "\n")
        answer = self.tell(f"feed {path}")
        for found in (self.directory / "state" / "tracking").rglob("*"):
            self._give(found) if found.is_dir() else (found.chmod(0o664), self._group(found))
        return answer

    @staticmethod
    def _group(path):
        if os.geteuid() == 0:
            os.chown(path, 0, pwd.getpwnam("www-data").pw_gid)

    # ---- nginx

    @staticmethod
    def user():
        return "user www-data;" if os.geteuid() == 0 else ""

    def configuration(self):
        return f"""{self.user()}
load_module {self.module};
worker_processes {self.workers};
pid {self.directory}/nginx.pid;
error_log {self.directory}/logs/error.log notice;
daemon on;
{self.main}
events {{ worker_connections {self.events}; }}
http {{
    access_log off;
    ecluse_runtime {self.directory}/run;
    client_body_temp_path {self.directory}/body;
    proxy_temp_path {self.directory}/proxy;
    fastcgi_temp_path {self.directory}/fastcgi;
    uwsgi_temp_path {self.directory}/uwsgi;
    scgi_temp_path {self.directory}/scgi;
    keepalive_requests 1000000;
    proxy_connect_timeout 1s;
    proxy_read_timeout 1s;
    {self.http_block}
    server {{
        listen 127.0.0.1:{self.port};
{self.server.format(origin=self.origin.port, directory=self.directory, port=self.port)}
    }}
}}
"""

    def nginx_command(self, *more):
        """ECLUSE_PRELOAD: for a module that was built with sanitizers, whose runtime nginx itself does not bring."""
        preload = os.environ.get("ECLUSE_PRELOAD")
        return [*(["env", f"LD_PRELOAD={preload}"] if preload else []), "/usr/sbin/nginx", "-p", self.directory, "-c", self.directory / "nginx.conf",
                "-e", self.directory / "logs" / "error.log", *more]

    def check(self):
        (self.directory / "nginx.conf").write_text(self.configuration())
        return subprocess.run(self.nginx_command("-t"), capture_output=True, text=True, timeout=20)

    def start_nginx(self, ready=True):
        checked = self.check()
        assert checked.returncode == 0, checked.stderr
        subprocess.run(self.nginx_command(), check=True, timeout=20)
        deadline = time.monotonic() + 10
        while not (self.pid_file().exists() and self.pid_file().read_text().strip()
                   and len(self.worker_pids()) >= self.workers and self._answers()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def pid_file(self):
        return self.directory / "nginx.pid"

    def master(self):
        return int(self.pid_file().read_text())

    def worker_pids(self, master=None):
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(master or self.master())], capture_output=True,
                             text=True, timeout=10).stdout
        return [int(pid) for pid in out.split()]

    def signal(self, number, master=None):
        os.kill(master or self.master(), number)

    def stop_nginx(self):
        for pid_file in (self.pid_file(), self.directory / "nginx.pid.oldbin"):
            try:
                pid = int(pid_file.read_text())
                os.kill(pid, signal.SIGTERM)
            except (OSError, ValueError):
                continue
            self.wait_gone(pid)

    @staticmethod
    def wait_gone(pid, seconds=10):
        """A process that has ended is gone, although its entry stays until init collects it: some take seconds to."""
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            end = select.poll()
            end.register(process, select.POLLIN)
            return bool(end.poll(1000 * seconds))
        finally:
            os.close(process)

    def log(self):
        try:
            return (self.directory / "logs" / "error.log").read_text()
        except OSError:
            return ""

    # ---- life

    def start(self):
        self.start_stage()
        return self

    def stop(self):
        self.stop_nginx()
        self.stop_stage()
        self.origin.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            print(self.log()[-4000:])
        self.stop()

    # ---- requests

    def get(self, path, method="GET", headers=None, body=None, connection=None, timeout=15):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            own.request(method, path, body=body, headers=headers or {})
            raw = own.getresponse()
            return Response(raw, raw.read())
        finally:
            if not connection:
                own.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)

    def counters(self):
        return self.tell("counters")


def until(check, seconds=6, every=0.05):
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(every)


def some_numbers(count, seed=1, service="RA"):
    random_numbers = random.Random(seed)
    return [s10(random_numbers.randrange(10**8), service) for _ in range(count)]
