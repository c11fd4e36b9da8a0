"""What runs behind the demo: programs, their directory, and their end."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

LOOPBACK = "127.0.0.1"


def free_port():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return taken.getsockname()[1]


class Failure(Exception):
    """Something that the demo cannot go on without; the text is for the person at the terminal."""


class Stage:
    """Starts programs and, at the end, ends every one of them, by its own id."""

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        self.running = []

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def program(self, name):
        return os.path.join(self.build, name)

    def start(self, name, command, **options):
        log = open(self.path(f"{name}.log"), "ab")
        options.setdefault("stderr", log)
        options.setdefault("stdout", log)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True,
                                   **options)
        log.close()
        self.running.append(process)
        return process

    def start_until_ready(self, name, command, patience=60):
        """Starts a server that says `ready ADDRESS:PORT` on standard output; returns it."""
        process = self.start(name, command, stdout=subprocess.PIPE, text=True)
        said = threading.Event()

        def listen():
            for line in process.stdout:
                if line.startswith("ready "):
                    said.set()
            said.set()
        threading.Thread(target=listen, daemon=True).start()
        if not said.wait(patience) or process.poll() is not None:
            with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as log:
                raise Failure(f"{name} does not start:\n{log.read()[-2000:]}")
        return process

    def stop(self, process, how=signal.SIGTERM, patience=20):
        """Ends a process, the hard way if it does not listen, and whatever it left running."""
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if process in self.running:
            self.running.remove(process)

    def stop_all(self):
        for process in reversed(list(self.running)):
            self.stop(process)


class Customers:
    """One stream of customers: its seconds as they come, and its sum."""

    def __init__(self, stage, name, options):
        self.seconds, self.phase, self.phases, self.total = [], None, [], None
        self.process = stage.start(name, [stage.program("lab/customers"), *map(str, options)],
                                   stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            told["ended"] = ended(told)
            if told["second"] == "all":
                self.total = told
            elif told["second"] == "phase":
                self.phase = told
            elif told["second"] == "end of phase":
                self.phases.append(told)
                self.phase = None
            else:
                self.seconds.append(told)

    def end_phase(self):
        """The figures so far are soon closed as one phase; the next begins now."""
        self.process.send_signal(signal.SIGUSR1)

    def figures(self, phase):
        """What came of a phase, by number from 0: closed, running, or None."""
        if phase < len(self.phases):
            return self.phases[phase]
        return self.phase if phase == len(self.phases) else None

    def finish(self, patience=30):
        """Lets those who wait get their answer, and returns the sum."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(patience)
        self.reader.join(patience)
        return self.total

    @property
    def over(self):
        return self.total is not None


def ended(second):
    """How many questions came to an end in this second, whichever."""
    return sum(second[name] for name in ("answered", "wrong", "not_known", "refused", "notice",
                                         "failed", "late"))


def fetch(url, timeout=3):
    """(status, Retry-After) of a page; (0, None) when there was no answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.headers.get("Retry-After")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Retry-After")
    except (OSError, ValueError):
        return 0, None


def read(url, timeout=3):
    """The text of a page; empty when there is none."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read().decode(errors="replace")
    except (OSError, ValueError):
        return ""


def wait_for(what, condition, patience=30):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what} within {patience} s: no")
        time.sleep(0.05)
