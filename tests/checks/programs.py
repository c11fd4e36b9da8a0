"""Runs programs with a time limit and a log; nothing that was started outlives its suite."""

import glob
import os
import signal
import subprocess
import time


def run(command, log, timeout, environment=None, directory=None):
    """Runs a command, its output added to the log. Returns (exit status, output); 124: too long."""
    with open(log, "ab", buffering=0) as file:
        file.write(("$ " + " ".join(map(str, command)) + "\n").encode())
        start = file.tell()
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=subprocess.STDOUT, cwd=directory, start_new_session=True,
                                   env={**os.environ, **(environment or {})})
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = 124
            file.write(f"\nstopped after {timeout} s\n".encode())
        end_group(process.pid)
        process.wait()
    with open(log, "rb") as file:
        file.seek(start)
        return status, file.read().decode(errors="replace")


def lives(group):
    """Whether a process of the group runs; one that has ended and is not yet reaped does not."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as file:
                state, _, of = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state not in "ZX":
            return True
    return False


def end_group(group):
    """Asks what is left of the process group to end, then makes it."""
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
        if not lives(group):
            return
        os.killpg(group, number)
        deadline = time.monotonic() + patience
        while lives(group) and time.monotonic() < deadline:
            time.sleep(0.02)
