"""What bench/refused and bench/answers share: one nginx with the module and its own `return` beside it."""
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "front"))
os.environ.setdefault("ECLUSE_BUILD", str(HERE.parent / "build"))
sys.dont_write_bytecode = True

from front import BUILD, CONTRACT, Front, free_port, s10, some_numbers, until  # noqa: E402,F401
from origin import Origin  # noqa: E402

PROMISE = """
promises:
  - {name: tracking answers, route: tracking, success: 99%, within: 300ms, over: 5m}
"""


class Served:
    """What `ecluse serve` writes and starts, with one worker, and nginx's own `return` in the same server block."""

    def __init__(self, plain="", state=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-bench-"))
        self.directory.chmod(0o755)
        self.port, self.origin, self.plain, self.process = free_port(), Origin(), plain, None
        text = CONTRACT.format(directory=self.directory) + PROMISE
        if state:
            text = text.replace(f"state: {self.directory}/state", f"state: {state}")
        (self.directory / "ecluse.yaml").write_text(text)

    def feed(self, *parcels):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        lines = [f'{{"parcel":"{p}","at":"{at}","code":"ET1","place":"Roissy","country":"FR"}}' for p in parcels]
        (self.directory / "feed.ndjson").write_text("\n".join(lines) + "\n")
        subprocess.run([BUILD / "ecluse", "ingest", "-c", self.directory / "ecluse.yaml", self.directory / "feed.ndjson"],
                       check=True, capture_output=True, timeout=120)

    def start(self):
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            [BUILD / "ecluse", "serve", "-c", self.directory / "ecluse.yaml", "--listen", f"127.0.0.1:{self.port}",
             "--origin", f"http://127.0.0.1:{self.origin.port}", "--dir", self.directory / "serve", "--workers", "1"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout.readline().startswith("ready"), (self.directory / "log").read_text()
        if self.plain:
            self.add(self.plain)

    def add(self, plain):
        """Locations of nginx's own, taken up as a person would: the file is edited, and SIGHUP sent."""
        conf = self.directory / "serve" / "nginx.conf"
        before = self.worker()
        conf.write_text(conf.read_text().replace("        location = / {", plain + "\n        location = / {", 1))
        self.process.send_signal(signal.SIGHUP)
        until(lambda: (workers := self.workers()) and len(workers) == 1 and workers != [before], seconds=40)
        time.sleep(1.5)

    def workers(self):
        master = (self.directory / "serve" / "nginx.pid").read_text().strip()
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", master], capture_output=True, text=True, timeout=10).stdout
        return [int(pid) for pid in out.split()]

    def worker(self):
        return self.workers()[0]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
        self.origin.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def medians(rounds, *measures):
    """Each measure once a round, in turn, so that what else the machine does falls on all alike."""
    results = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*results)]


def send_some(port, path_of, numbers, headers):
    """Requests on one kept connection, each after the answer to the one before; all with one status, which is told."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        status = None
        for i in numbers:
            s.sendall(f"GET {path_of(i)} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
            data = b""
            while b"\r\n\r\n" not in data:
                data += s.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            status = status or int(head.split()[1])
            assert int(head.split()[1]) == status, head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r")[0])
            while len(body) < length:
                body += s.recv(65536)
    return status


def send(port, path_of, count, headers):
    """The same, in connections of at most 5000 requests: nginx closes one after `keepalive_requests`."""
    for first in range(0, count, 5000):
        status = send_some(port, path_of, range(first, min(count, first + 5000)), headers)
    return status


def instructions(pid, work):
    """User-space instructions of one process while work() runs."""
    perf = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u", "-p", str(pid)], stderr=subprocess.PIPE,
                            text=True)
    time.sleep(0.3)
    work()
    time.sleep(0.05)
    perf.send_signal(2)
    text = perf.communicate(timeout=20)[1]
    return int(next(line for line in text.splitlines() if "instructions" in line).split(",")[0])


def wrk(port, script, seconds=3, connections=16):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, f"http://127.0.0.1:{port}/"],
                         capture_output=True, text=True, timeout=120, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(next(line for line in out.splitlines() if line.startswith("Requests/sec")).split(":")[1])


def shuffled(count, seed):
    numbers = list(range(count))
    random.Random(seed).shuffle(numbers)
    return numbers
