"""smbd on loopback, an instance of its own: one share for each user as whom it opens files."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

USERS = ("games", "news")  # of every Debian: as whom files of //127.0.0.1/NAME are opened

GLOBAL = """[global]
server role = standalone
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
map to guest = Bad User
guest account = nobody
server min protocol = SMB3
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
log level = 0
log file = {home}/log
pid directory = {home}
lock directory = {home}
state directory = {home}
cache directory = {home}
private dir = {home}
ncalrpc dir = {home}/ncalrpc
"""
SHARE = """[{name}]
path = {path}
guest ok = yes
read only = no
force user = {name}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Samba:
    def __init__(self, path):
        self.home = tempfile.mkdtemp(prefix="ecluse-samba-")
        self.port = free_port()
        with open(f"{self.home}/smb.conf", "w", encoding="utf-8") as out:
            out.write(GLOBAL.format(port=self.port, home=self.home))
            for name in USERS:
                out.write(SHARE.format(name=name, path=path))
        with open(f"{self.home}/said", "wb") as said:
            self.server = subprocess.Popen(
                ["smbd", "--foreground", "--no-process-group", "-s", f"{self.home}/smb.conf"],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        deadline = time.monotonic() + 20
        while self.do(USERS[0], "ls", timeout=5)[0] != 0:
            if time.monotonic() > deadline or self.server.poll() is not None:
                with open(f"{self.home}/said", encoding="utf-8") as said:
                    raise AssertionError(said.read())
            time.sleep(0.1)

    def command(self, user, line):
        return ["smbclient", f"//127.0.0.1/{user}", "-p", str(self.port), "-N", "-s",
                f"{self.home}/smb.conf", "-c", line]

    def do(self, user, line, timeout=60, directory=None):
        """A line of smbclient's as a client who gets to be that user: (exit status, output)."""
        try:
            done = subprocess.run(self.command(user, line), capture_output=True, text=True,
                                  check=False, timeout=timeout, cwd=directory or self.home,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return 124, "(it did not end)"
        return done.returncode, done.stdout + done.stderr

    def end(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.server.pid, how)
                self.server.wait(5)
                break
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        shutil.rmtree(self.home, ignore_errors=True)
