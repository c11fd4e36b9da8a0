"""Hosts inside, a gateway with the guard, one machine outside: namespaces nothing else can see."""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", HERE.parent.parent / "build"))
STAGE = BUILD / "src" / "egress_stage"
ECLUSE = BUILD / "ecluse"
TRAFFIC = [sys.executable, "-B", str(HERE / "traffic.py")]
PORT = 5001
OUTSIDE = "198.51.100.9"
OUTSIDE6 = "2001:db8:9::9"
PARTNER = "203.0.113.9"
BACKUP = "192.0.2.9"
MB = 1000000

CONTRACT = """ecluse: 1
mode: {mode}
state: {directory}/state
runtime: {directory}/run
network:
  inside: [10.77.0.0/16, "2001:db8:77::/48"]
  interface: {interface}
  attach: {attach}
  without_guard: 100kB/s
  destinations: {{partners: [203.0.113.0/24], backup: [192.0.2.9]}}
budgets:
  - {{name: theft, meter: bytes_out, per: host, where: {{to: unlisted}},
     at_most: {{{windows}}}, over: hold, hold_for: 1h}}
  - {{name: all hosts, meter: bytes_out, per: everyone, where: {{to: unlisted}},
     at_most: {{1h: {everyone}}}, over: hold, hold_for: 1h}}
  - {{name: partners, meter: bytes_out, per: host, where: {{to: partners}},
     at_most: {{1h: {partners}}}, over: hold, hold_for: 1h}}
  - {{name: nightly backup, meter: bytes_out, per: host, where: {{to: backup}},
     at_most: {{1d: 4TB}}, over: hold, hold_for: 1h}}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


class World:
    def __init__(self, hosts=1, mode="enforce", host="20MB", everyone="10GB", partners="1GB",
                 attach="gateway", windows=None):
        mark = f"ecl{os.getpid() % 10000}{random.randrange(1000)}"
        self.gateway, self.outside = f"{mark}-gw", f"{mark}-out"
        self.inside = [f"{mark}-in{n}" for n in range(hosts)]
        self.children = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-egress-"))
        self.contract = self.directory / "contract.yaml"
        self.interface = "lan0" if attach == "gateway" else "eth0"
        self.guarded = self.gateway if attach == "gateway" else self.inside[0]
        self.contract.write_text(CONTRACT.format(
            directory=self.directory, mode=mode, everyone=everyone, partners=partners,
            attach=attach, interface=self.interface,
            windows=windows or f"1h: {host}, 1d: {host}"))
        self.directory.chmod(0o755)  # the guards' users pass through
        self.guard = self.supervisor = None
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        for name in (self.gateway, self.outside, *self.inside):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
                     "net.ipv6.conf.default.accept_dad=0")
        gateway = ("-n", self.gateway)
        ip(*gateway, "link", "add", "lan0", "type", "bridge",
           "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        ip(*gateway, "link", "add", "wan0", "type", "veth",
           "peer", "name", "eth0", "netns", self.outside)
        for n, name in enumerate(self.inside):
            ip(*gateway, "link", "add", f"port{n}", "type", "veth",
               "peer", "name", "eth0", "netns", name)
            ip(*gateway, "link", "set", f"port{n}", "master", "lan0", "up")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "addr", "add", f"10.77.0.{n + 2}/16", "dev", "eth0")
            ip("-n", name, "addr", "add", f"2001:db8:77::{n + 2}/64", "dev", "eth0")
        for device in ("lan0", "wan0"):
            ip(*gateway, "link", "set", device, "up")
        for address in ("10.77.0.1/16", "2001:db8:77::1/64"):
            ip(*gateway, "addr", "add", address, "dev", "lan0")
        for address in ("198.51.100.1/24", "203.0.113.1/24", "192.0.2.1/24", "2001:db8:9::1/64"):
            ip(*gateway, "addr", "add", address, "dev", "wan0")
        ip("-n", self.outside, "link", "set", "eth0", "up")
        for address in (f"{OUTSIDE}/24", f"{PARTNER}/24", f"{BACKUP}/24", f"{OUTSIDE6}/64",
                        *(f"198.51.100.{n}/24" for n in range(21, 26))):
            ip("-n", self.outside, "addr", "add", address, "dev", "eth0")
        for name in self.inside:
            self.route(name, "10.77.0.1", "2001:db8:77::1")
        self.route(self.outside, "198.51.100.1", "2001:db8:9::1")
        self.run(self.gateway, "sysctl", "-qw", "net.ipv4.ip_forward=1",
                 "net.ipv6.conf.all.forwarding=1")

    @staticmethod
    def route(name, four, six):
        ip("-n", name, "route", "add", "default", "via", four)
        ip("-n", name, "-6", "route", "add", "default", "via", six)

    def run(self, where, *words, seconds=15):
        done = subprocess.run(["ip", "netns", "exec", where, *map(str, words)], check=True,
                              capture_output=True, text=True, timeout=seconds)
        return done.stdout

    def start(self, where, *words):
        child = subprocess.Popen(["ip", "netns", "exec", where, *map(str, words)], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.children.append(child)
        assert child.stdout.readline().strip() == "ready"
        return child

    def start_guard(self):
        self.guard = self.start(self.guarded, STAGE, self.contract)
        return self.guard

    # ---- `ecluse run` itself -----------------------------------------------------------------

    def start_run(self):
        """`ecluse run` where the guard stands; when bytes are counted."""
        with open(self.directory / "run.log", "a", encoding="utf-8") as log:
            self.supervisor = subprocess.Popen(
                ["ip", "netns", "exec", self.guarded, ECLUSE, "run", "-c", self.contract],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.children.append(self.supervisor)
        assert self.wait(self.is_up), self.log()
        return self.supervisor

    def stop_run(self):
        self.supervisor.terminate()
        assert self.supervisor.wait(20) == 0

    def log(self):
        return (self.directory / "run.log").read_text(encoding="utf-8")

    def ecluse(self, *words, status=0):
        done = subprocess.run(["ip", "netns", "exec", self.guarded, ECLUSE, words[0], "-c",
                               self.contract, *words[1:]],
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stdout + done.stderr

    def told(self, *words):
        return json.loads(self.ecluse(*words, "--json"))

    def guard_told(self):
        guards = [guard for guard in self.told("status")["guards"] if guard["name"] == "egress"]
        return guards[0] if guards else None

    def is_up(self):
        done = subprocess.run([ECLUSE, "status", "--json", "-c", self.contract],
                              capture_output=True, text=True, timeout=30, check=False)
        guards = json.loads(done.stdout)["guards"] if done.returncode < 2 else []
        return any(guard["name"] == "egress" and guard["state"] == "up" for guard in guards)

    def guard_pid(self):
        alive = [process["pid"] for process in self.guard_told()["processes"] if process["alive"]]
        return alive[0] if alive else 0

    def held(self):
        return self.told("holds")["holds"]

    def is_attached(self):
        return "egress_out" in self.run(self.guarded, "tc", "filter", "show", "dev",
                                        self.interface,
                                        "ingress" if self.interface == "lan0" else "egress")

    @staticmethod
    def wait(true, seconds=10):
        """Whether true() came to hold in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if true():
                return True
            time.sleep(0.05)
        return False

    def ask(self, line):
        self.guard.stdin.write(line + "\n")
        self.guard.stdin.flush()
        return self.guard.stdout.readline().strip()

    def holds(self):
        lines = [self.guard.stdout.readline().split() for _ in range(int(self.ask("holds")))]
        return [dict(zip(("id", "who", "used", "limit", "observed"), line)) for line in lines]

    def receiver(self):
        child = self.start(self.outside, *TRAFFIC, "receive", PORT)

        def arrived():
            child.stdin.write("\n")
            child.stdin.flush()
            return int(child.stdout.readline())
        return arrived

    def send(self, to=OUTSIDE, host=0, patience=15, **options):
        words = [word for name, value in options.items()
                 for word in ([f"--{name}"] if value is True else [f"--{name}", value])]
        return int(self.run(self.inside[host], *TRAFFIC, "send", to, PORT, *words,
                            seconds=patience))

    def dropped(self):
        told = self.run(self.guarded, "tc", "-s", "qdisc", "show", "dev",
                        self.interface)
        return int(re.search(r"qdisc clsact.*?dropped (\d+)", told, re.DOTALL).group(1))

    def close(self):
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.terminate()
            self.supervisor.wait(20)
        for child in self.children:
            child.kill()
            child.wait()
            child.stdin.close()
            child.stdout.close()
        for name in (self.gateway, self.outside, *self.inside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
