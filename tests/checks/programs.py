"""Runs programs with a time limit and a log; nothing that was started outlives its suite."""

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


def end_group(group):
    """Asks what is left of the process group to end, then makes it."""
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                os.killpg(group, 0)
                os.waitpid(-group, os.WNOHANG)
            except (ProcessLookupError, ChildProcessError):
                break
            time.sleep(0.02)
