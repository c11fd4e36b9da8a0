"""Hosts inside, a gateway with the guard, one machine outside: namespaces nothing else can see."""
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", HERE.parent.parent / "build"))
STAGE = BUILD / "src" / "egress_stage"
TRAFFIC = [sys.executable, "-B", str(HERE / "traffic.py")]
PORT = 5001
OUTSIDE = "198.51.100.9"
OUTSIDE6 = "2001:db8:9::9"
PARTNER = "203.0.113.9"
MB = 1000000

CONTRACT = """ecluse: 1
mode: {mode}
state: {directory}/state
runtime: {directory}/run
network:
  inside: [10.77.0.0/16, "2001:db8:77::/48"]
  interface: lan0
  without_guard: 100kB/s
  destinations: {{partners: [203.0.113.0/24]}}
budgets:
  - {{name: theft, meter: bytes_out, per: host, where: {{to: unlisted}},
     at_most: {{1h: {host}, 1d: {host}}}, over: hold, hold_for: 1h}}
  - {{name: all hosts, meter: bytes_out, per: everyone, where: {{to: unlisted}},
     at_most: {{1h: {everyone}}}, over: hold, hold_for: 1h}}
  - {{name: partners, meter: bytes_out, per: host, where: {{to: partners}},
     at_most: {{1h: {partners}}}, over: hold, hold_for: 1h}}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


class World:
    def __init__(self, hosts=1, mode="enforce", host="20MB", everyone="10GB", partners="1GB"):
        mark = f"ecl{os.getpid() % 10000}{random.randrange(1000)}"
        self.gateway, self.outside = f"{mark}-gw", f"{mark}-out"
        self.inside = [f"{mark}-in{n}" for n in range(hosts)]
        self.children = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-egress-"))
        self.contract = self.directory / "contract.yaml"
        self.contract.write_text(CONTRACT.format(directory=self.directory, mode=mode, host=host,
                                                 everyone=everyone, partners=partners))
        self.guard = None
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
        for address in ("198.51.100.1/24", "203.0.113.1/24", "2001:db8:9::1/64"):
            ip(*gateway, "addr", "add", address, "dev", "wan0")
        ip("-n", self.outside, "link", "set", "eth0", "up")
        for address in (f"{OUTSIDE}/24", f"{PARTNER}/24", f"{OUTSIDE6}/64",
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
        self.guard = self.start(self.gateway, STAGE, self.contract)
        return self.guard

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

    def send(self, to=OUTSIDE, host=0, **options):
        words = [word for name, value in options.items()
                 for word in ([f"--{name}"] if value is True else [f"--{name}", value])]
        return int(self.run(self.inside[host], *TRAFFIC, "send", to, PORT, *words))

    def dropped(self):
        told = self.run(self.gateway, "tc", "-s", "qdisc", "show", "dev", "lan0")
        return int(re.search(r"qdisc clsact.*?dropped (\d+)", told, re.DOTALL).group(1))

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
            child.stdin.close()
            child.stdout.close()
        for name in (self.gateway, self.outside, *self.inside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
