"""A share with people's files on it, the guard over it, and what is done to them by whom."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "lab"))

import file_tree  # noqa: E402  (its folder is only known now)
from disposable_share import Share  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", SOURCE / "build"))
ECLUSE, ENCRYPT = str(BUILD / "ecluse"), str(BUILD / "lab" / "encrypt")
FIRST_USER = 61000  # numbers that no user of the system has

SWEEP, REWRITE, REWRITE_USER = 500, 50, 500
CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
mode: {mode}
state: {home}/state
runtime: {home}/run
files:
  shares: [{{name: exchange, path: {share}}}]
{more}
budgets:
  - name: share sweep
    meter: files_read
    per: user
    where: {{share: exchange}}
    at_most: {{1h: {sweep}}}
    over: hold
    hold_for: 1h
  - name: mass rewrite
    meter: files_rewritten
    per: process
    where: {{share: exchange}}
    at_most: {{1m: {rewrite}}}
    over: hold
    hold_for: 1d
  - name: rewrites by one user
    meter: files_rewritten
    per: user
    where: {{share: exchange}}
    at_most: {{1h: {rewrite_user}}}
    over: hold
    hold_for: 1h
"""


def wait_until(true, seconds=10):
    """What true() gave when it came to hold in time, else something false."""
    deadline = time.monotonic() + seconds
    while not (last := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return last


class Department:
    """One user's files in a directory that a simulator may destroy."""

    def __init__(self, world, name, count):
        self.world, self.name, self.user = world, name, world.new_user()
        self.path = world.share.on(name)
        made = subprocess.run([ENCRYPT, "prepare", self.path], check=True, capture_output=True,
                              text=True)
        self.mark = made.stdout.strip()
        os.chown(self.path, self.user, self.user)
        self.count = file_tree.plant(world.stock, self.path, count, self.user)
        self.before = self.snapshot()

    def snapshot(self):
        return {name: told for name, told in file_tree.snapshot(self.path).items()
                if name.startswith("files/")}

    def again(self):
        """What is there now is what must be there."""
        self.before = self.snapshot()

    def lost(self, ignore=()):
        """Names of files that are not as they were, and in what."""
        missing, other = file_tree.differences(self.before, self.snapshot(), ignore)
        return {**{name: ["gone"] for name in missing}, **other}

    def destroy(self, way, *options, seconds=30):
        return Destruction(self, way, options, seconds)


class Destruction:
    """A simulator at work: what it says of each file, as it goes."""

    def __init__(self, department, way, options, seconds):
        self.log = department.world.share.at(f"{department.name}-{way}.log")
        with open(self.log, "wb") as log:
            self.process = department.world.start(
                department.user, ENCRYPT, "run", "--way", way, "--id", department.mark,
                "--seconds", str(seconds), *options, department.path, stdout=log, stderr=log)

    def lines(self):
        with open(self.log, encoding="utf-8") as log:
            told = [json.loads(line) for line in log if line.startswith('{"') and line[-1] == "\n"]
        return [line for line in told if "file" in line]

    def done(self):
        return [line for line in self.lines() if line["error"] == 0]

    def until_held(self, patience=15, quiet=1.5):
        """Waits until it has ended, or has come no further for a while (frozen); then ends it."""
        deadline, last, since = time.monotonic() + patience, -1, time.monotonic()
        while self.process.poll() is None and time.monotonic() < deadline:
            now = len(self.done())
            if now != last:
                last, since = now, time.monotonic()
            if now > 0 and time.monotonic() - since > quiet:
                break
            time.sleep(0.05)
        self.end()

    def end(self):
        end_process(self.process)

    def crossing(self, limit):
        """(when the limit was passed, when the last file went), on the monotonic clock."""
        moments = sorted(line["at"] for line in self.done())
        return (moments[limit], moments[-1]) if len(moments) > limit else None


def end_process(process):
    """Its whole session, frozen or not; it was begun by us."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class World:
    def __init__(self, stock, more="", mode="enforce", rewrite=REWRITE, sweep=SWEEP,
                 rewrite_user=REWRITE_USER, **share):
        self.stock, self.users, self.started, self.guard = stock, 0, [], None
        self.share = Share(**share)
        self.contract = self.share.at("ecluse.yaml")
        text = CONTRACT.format(home=self.share.home, share=self.share.path, mode=mode, more=more,
                               rewrite=rewrite, sweep=sweep, rewrite_user=rewrite_user)
        pathlib.Path(self.contract).write_text(text, encoding="utf-8")

    def new_user(self):
        self.users += 1
        return FIRST_USER + 10 * self.users

    def department(self, name, count=150):
        return Department(self, name, count)

    # ---- The guard ---------------------------------------------------------------------------

    def guarded(self):
        """`ecluse run`, once every file that is there is in the vault."""
        with open(self.share.at("run.log"), "ab") as log:
            self.guard = subprocess.Popen([ECLUSE, "run", "-c", self.contract], stdout=log,
                                          stderr=log, start_new_session=True)
        assert wait_until(self.is_ready, 60), self.said()
        return self

    def said(self):
        return pathlib.Path(self.share.at("run.log")).read_text(encoding="utf-8") \
            + json.dumps(self.status().get("files"), indent=1)

    def is_ready(self):
        assert self.guard.poll() is None, self.said()
        shares = (self.status().get("files") or {}).get("shares") or [{}]
        return shares[0].get("guarded") and shares[0].get("vault", {}).get("pass_done")

    def unguarded(self):
        if self.guard is not None:
            self.guard.send_signal(signal.SIGTERM)
            try:
                self.guard.wait(20)
            except subprocess.TimeoutExpired:
                end_process(self.guard)
            self.guard = None

    def ecluse(self, *words, timeout=120):
        command = [ECLUSE, words[0], *words[1:]]
        place = 2 if words[0] == "files" else 1
        command[1 + place:1 + place] = ["-c", self.contract]
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout)

    def status(self):
        done = self.ecluse("status", "--json")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def holds(self, user=None):
        done = self.ecluse("holds", "--json")
        found = json.loads(done.stdout)["holds"] if done.stdout else []
        return [hold for hold in found
                if user is None or str(user) in json.dumps(hold["principal"])]

    def restore(self, *words, timeout=300):
        done = self.ecluse("files", "restore", *map(str, words), "--yes", timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    # ---- People ------------------------------------------------------------------------------

    def start(self, user, *command, **options):
        """Begins a program as a user, in a session of its own."""
        rights = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([*rights, *map(str, command)], start_new_session=True, **options)
        self.started.append(process)
        return process

    def do(self, user, *command, timeout=120, **options):
        """The same, to its end: (exit status, what it said)."""
        process = self.start(user, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", **options)
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end_process(process)
            said = process.communicate()[0] + "\n(it did not end)"
        return process.returncode, said

    def close(self):
        for process in self.started:
            if process.poll() is None:
                end_process(process)
        self.unguarded()
        self.share.close()
