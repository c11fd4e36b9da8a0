"""What bench/refused and bench/answers share: one nginx with the module and its own `return` beside it."""
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "front"))
os.environ.setdefault("ECLUSE_BUILD", str(HERE.parent / "build"))
sys.dont_write_bytecode = True

from front import Front, s10, some_numbers, until  # noqa: E402,F401

SERVER = """
        ecluse_route tracking;
        location /suivi/v2/idships/ {{ ecluse on; ecluse_lookup $ecluse_last json early; }}
        location /suivi/ {{ ecluse on; ecluse_lookup $ecluse_last html early; }}
        location /plain/ {{ return 404; }}
        include {directory}/plain.conf;
"""

PROMISE = """
promises:
  - {name: tracking answers, route: tracking, success: 99%, within: 300ms, over: 5m}
"""


def medians(rounds, *measures):
    """Each measure once a round, in turn, so that what else the machine does falls on all alike."""
    results = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*results)]


def send(port, path_of, count, headers):
    """`count` requests on one kept connection, each after the answer to the one before."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        status = None
        for i in range(count):
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


def instructions(pid, work):
    """User-space instructions of one process while work() runs."""
    perf = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u", "-p", str(pid)], stderr=subprocess.PIPE,
                            text=True)
    import time
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
