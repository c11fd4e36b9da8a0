"""An office, its gateway and the world outside, as network namespaces that nothing else can see."""

import os
import random
import shutil
import subprocess

INSIDE, GATEWAY = "10.77.0.0/16", "10.77.0.1"
SINK, BACKUP = "198.51.100.9", "192.0.2.9"  # a server that nobody knows; the backup's
SINK6 = "2001:db8:9::9"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


def cannot():
    """Why this machine cannot have namespaces, or nothing."""
    if os.geteuid() != 0:
        return "it makes network namespaces, which needs root"
    return None if shutil.which("ip") else "iproute2 (the command ip) is not there"


class Office:
    """Machines behind lan0 of the gateway; one machine outside has all of the world's addresses."""

    def __init__(self, names):
        mark = f"demo{os.getpid() % 100000}-{random.randrange(1000)}"
        self.gateway, self.outside = f"{mark}-gw", f"{mark}-out"
        self.machine = {name: f"{mark}-{n}" for n, name in enumerate(names)}
        self.address = {name: f"10.77.0.{n + 2}" for n, name in enumerate(names)}
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def namespaces(self):
        return (self.gateway, self.outside, *self.machine.values())

    def build(self):
        for space in self.namespaces():
            ip("netns", "add", space)
            ip("-n", space, "link", "set", "lo", "up")
        self.join(self.gateway, "wan0", self.outside)
        ip("-n", self.gateway, "link", "add", "lan0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
           "mcast_snooping", "0")
        self.give(self.gateway, "lan0", f"{GATEWAY}/16", "2001:db8:77::1/64")
        self.give(self.gateway, "wan0", "198.51.100.1/24", "192.0.2.1/24", "2001:db8:9::1/64")
        self.give(self.outside, "eth0", f"{SINK}/24", "198.51.100.10/24", f"{BACKUP}/24", f"{SINK6}/64")
        self.route(self.outside, "198.51.100.1", "2001:db8:9::1")
        for n, (name, space) in enumerate(self.machine.items()):
            self.join(self.gateway, f"port{n}", space)
            ip("-n", self.gateway, "link", "set", f"port{n}", "master", "lan0")
            self.give(space, "eth0", f"{self.address[name]}/16", f"2001:db8:77::{n + 2}/64")
            self.route(space, GATEWAY, "2001:db8:77::1")
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            subprocess.run(self.within(self.gateway, "sh", "-c", f"echo 1 >/proc/sys/net/{setting}"), check=True)

    @staticmethod
    def join(space, name, other):
        ip("-n", space, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", other)
        ip("-n", space, "link", "set", name, "up")

    @staticmethod
    def give(space, device, *addresses):
        ip("-n", space, "link", "set", device, "up")
        for address in addresses:
            ip("-n", space, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    @staticmethod
    def route(space, four, six):
        ip("-n", space, "route", "add", "default", "via", four)
        ip("-n", space, "-6", "route", "add", "default", "via", six)

    def move(self, name, address):
        """The machine takes another address, and speaks from it."""
        space = self.machine[name]
        ip("-n", space, "addr", "flush", "dev", "eth0", "scope", "global")
        self.give(space, "eth0", f"{address}/16")
        ip("-n", space, "route", "replace", "default", "via", GATEWAY)

    @staticmethod
    def within(space, *command):
        return ["ip", "netns", "exec", space, *map(str, command)]

    def close(self):
        for space in self.namespaces():
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)
