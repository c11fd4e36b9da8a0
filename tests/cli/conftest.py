"""What the tests of the command share: a folder with a contract, and programs that always end."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", SOURCE / "build"))
ECLUSE = str(BUILD / "ecluse")

CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
mode: enforce
state: {root}/state
runtime: {root}/run
tracking:
  formats: [s10, colissimo, sscc]
  stale_after: 24h
routes:
  - {{name: login, match: "POST /connexion"}}
promises:
  - {{name: tracking answers, route: tracking, success: 99%, within: 300ms, over: 5m}}
budgets:
  - name: logins
    meter: requests
    per: client
    where: {{route: login}}
    at_most: {{10s: {logins}}}
    over: hold
    hold_for: 10m
  - name: share sweep
    meter: requests
    per: network
    where: {{route: tracking}}
    at_most: {{10s: 100000}}
    over: slow
"""

KNOWN = "RA123456785FR"  # RA 12345678 with its check digit


def event(parcel, days_ago=1):
    """A line of a feed, of that many days ago."""
    at = time.strftime("%Y-%m-%dT14:03:00Z", time.gmtime(time.time() - days_ago * 86400))
    fields = {"parcel": parcel, "at": at, "code": "ET1", "place": "Roissy", "country": "FR"}
    return json.dumps(fields) + "\n"


def wait_until(true, seconds=10):
    """Whether true() came to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def longest_first(items, names):
    """Deals tests so that workers side by side end together: xdist hands out two at a time, so a short one after each."""
    first = [item for name in names for item in items if item.name.startswith(name)]
    rest = [item for item in items if item not in first]
    dealt = [one for pair in zip(first, rest) for one in pair]
    items[:] = dealt + first[len(rest):] + rest[len(first):]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as listed:
            return [int(word) for word in listed.read().split()]
    except OSError:
        return []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Place:
    """A folder that other users may enter, with a contract in it, and what was started from it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.contract = self.root / "ecluse.yaml"
        self.started = []
        self.write_contract()

    def write_contract(self, logins=5, change=lambda text: text):
        self.contract.write_text(change(CONTRACT.format(root=self.root, logins=logins)))

    def ecluse(self, *words, contract=True, **more):
        """Runs a command to its end."""
        named = ["-c", str(self.contract)] if contract else []
        command = [ECLUSE, words[0], *named, *words[1:]]
        more.setdefault("timeout", 60)
        return subprocess.run(command, capture_output=True, text=True, check=False, **more)

    def json(self, *words, status=0):
        done = self.ecluse(*words, "--json")
        assert done.returncode == status, done.stderr + done.stdout
        return json.loads(done.stdout)

    def start(self, *words):
        log = open(self.root / f"{words[0]}.log", "a", encoding="utf-8")
        process = subprocess.Popen([ECLUSE, words[0], "-c", str(self.contract), *words[1:]],
                                   stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        self.started.append(process)
        return process

    def log(self, name):
        return (self.root / f"{name}.log").read_text(encoding="utf-8")

    def run(self):
        """`ecluse run`, when it is in force."""
        process = self.start("run")
        assert wait_until(lambda: self.supervised(process.pid)), self.log("run")
        return process

    def supervised(self, pid):
        done = self.ecluse("status", "--json")
        if done.returncode == 2:
            return False
        supervisor = json.loads(done.stdout)["supervisor"]
        keeper = supervisor["keeper"]
        return supervisor["pid"] == pid and keeper and (keeper["running"] or not keeper["wanted"])

    def feed(self, *parcels):
        text = "".join(event(parcel) for parcel in parcels or [KNOWN])
        return self.ecluse("ingest", input=text)

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@pytest.fixture
def place():
    root = tempfile.mkdtemp(prefix="ecluse-cli-")
    os.chmod(root, 0o755)
    made = Place(root)
    yield made
    made.end()
    shutil.rmtree(root, ignore_errors=True)
