"""A disposable share with `ecluse run` over it: for the tests of files, the bench and the demo."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import file_tree
from disposable_share import Share

SWEEP, REWRITE, REWRITE_USER = 500, 50, 500  # a contract as one would write it
CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
mode: {mode}
state: {home}/state
runtime: {home}/run
files:
  shares: [{{name: exchange, path: {share}}}]
  trusted:
    - {{name: comparer, executable: {home}/comparer, user: root}}
{trusted}
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
  - name: the comparison reads
    meter: files_read
    per: user
    where: {{trusted: comparer}}
    at_most: {{1h: 65536}}
    over: hold
    hold_for: 1h
  - name: the comparison writes
    meter: files_rewritten
    per: user
    where: {{trusted: comparer}}
    at_most: {{1h: 1}}
    over: hold
    hold_for: 1h
{budgets}
"""


def wait_until(true, seconds=10):
    """What true() gave when it came to hold in time, else something false."""
    deadline = time.monotonic() + seconds
    while not (last := true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return last


def end_session(process):
    """All of a session that we began, frozen or not."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class GuardedShare:
    def __init__(self, build, mode="enforce", more="", trusted="", budgets="", sweep=SWEEP, rewrite=REWRITE,
                 rewrite_user=REWRITE_USER, **share):
        self.program, self.guard = str(pathlib.Path(build) / "ecluse"), None
        self.seen = set()
        self.share = Share(**share)
        self.contract = self.share.at("ecluse.yaml")
        text = CONTRACT.format(home=self.share.home, share=self.share.path, mode=mode, more=more,
                               trusted=trusted, budgets=budgets,
                               sweep=sweep, rewrite=rewrite, rewrite_user=rewrite_user)
        pathlib.Path(self.contract).write_text(text, encoding="utf-8")
        # Whoever compares a whole share sweeps it: a program of its own, which is trusted to.
        shutil.copyfile(os.path.realpath("/usr/bin/python3"), self.share.at("comparer"))
        os.chmod(self.share.at("comparer"), 0o700)

    # ---- The guard ---------------------------------------------------------------------------

    def guarded(self, patience=60, begun_by=("setpriv", "--pdeathsig", "TERM")):
        """`ecluse run`, once every file that is there is in the vault."""
        with open(self.share.at("run.log"), "ab") as log:
            self.guard = subprocess.Popen(  # which must not outlive a test that is killed
                [*begun_by, self.program, "run", "-c", self.contract],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        assert wait_until(self.is_ready, patience), self.said()
        return self

    def unguarded(self):
        if self.guard is not None:
            self.guard.send_signal(signal.SIGTERM)
            try:
                self.guard.wait(20)
            except subprocess.TimeoutExpired:
                end_session(self.guard)
            self.guard = None

    def said(self):
        return pathlib.Path(self.share.at("run.log")).read_text(encoding="utf-8") \
            + json.dumps(self.status().get("files"), indent=1)

    def is_ready(self):
        assert self.guard.poll() is None, self.said()
        told = self.status()
        if told.get("supervisor", {}).get("pid") != self.guard.pid or not told.get("files"):
            return False
        share, listener = told["files"]["shares"][0], told["files"]["listener"]["pid"]
        return listener and os.path.exists(f"/proc/{listener}") \
            and share["guarded"] and share["vault"].get("pass_done")

    # ---- Its commands ------------------------------------------------------------------------

    def ecluse(self, *words, timeout=120):
        verbs = 2 if words[0] == "files" else 1
        return subprocess.run([self.program, *words[:verbs], "-c", self.contract, *words[verbs:]],
                              capture_output=True, text=True, check=False, timeout=timeout,
                              stdin=subprocess.DEVNULL)

    def status(self):
        done = self.ecluse("status", "--json")
        return json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def holds(self):
        done = self.ecluse("holds", "--json")
        return json.loads(done.stdout)["holds"] if done.stdout.startswith("{") else []

    def new_holds(self):
        """Those that began since this was asked last."""
        found = [hold for hold in self.holds() if hold["hold"] not in self.seen]
        self.seen |= {hold["hold"] for hold in found}
        return found

    def holds_of(self, user):
        """Those of what a user did: only the evidence says who it was."""
        found = []
        for hold in self.holds():
            try:
                path = self.share.at("state", "evidence", f"{hold['hold']}.jsonl")
                with open(path, encoding="utf-8", errors="replace") as evidence:
                    told = json.loads(evidence.readline() or "{}")
            except FileNotFoundError:
                continue  # not written down yet
            if told.get("user") == user:
                found.append({**hold, "reason": told.get("reason")})
        return found

    def restore(self, *words, timeout=300):
        done = self.ecluse("files", "restore", *map(str, words), "--yes", timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def close(self):
        self.unguarded()
        self.share.close()


class People:
    """Whoever works on a share: programs begun as a user of no account, all ended in the end."""

    def __init__(self):
        self.started = []

    def start(self, user, *command, **options):
        """Begins a program as a user, in a session of its own."""
        rights = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        options.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([*rights, *map(str, command)], start_new_session=True, **options)
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            end_session(process)
            if process.stdout:
                process.stdout.close()


# ---- Who destroys -----------------------------------------------------------------------------

class Department:
    """One user's files in a directory that the simulator may destroy."""

    def __init__(self, build, share, stock, name, user, count):
        self.program = str(pathlib.Path(build) / "lab" / "encrypt")
        self.comparer, path = share.at("comparer"), share.on(name)
        self.path, self.user = path, user
        made = subprocess.run([self.program, "prepare", path], check=True, capture_output=True,
                              text=True)
        self.mark = made.stdout.strip()
        os.chown(path, user, user)
        self.count = file_tree.plant(stock, path, count, user)
        self.before = self.snapshot()

    def snapshot(self):
        told = subprocess.run([self.comparer, "-B", file_tree.__file__, self.path], check=True,
                              capture_output=True, env={"LC_ALL": "C.UTF-8"})
        return {name: told for name, told in json.loads(told.stdout).items()
                if name.startswith("files/")}

    def again(self):
        """What is there now is what must be there."""
        self.before = self.snapshot()

    def lost(self, ignore=()):
        """Names of files that are not as they were, and in what."""
        missing, other = file_tree.differences(self.before, self.snapshot(), ignore)
        return {**{name: ["gone"] for name in missing}, **other}

    def destroy(self, people, log, way, *options, seconds=30):
        return Destruction(self, people, log, way, options, seconds)


class Destruction:
    """The simulator at work: what it says of each file, as it goes."""

    def __init__(self, department, people, log, way, options, seconds):
        self.log, self.user = log, department.user
        with open(log, "wb") as out:
            self.process = people.start(
                department.user, department.program, "run", "--way", way, "--id", department.mark,
                "--seconds", str(seconds), *options, department.path, stdout=out, stderr=out)

    def key(self):
        with open(self.log, encoding="utf-8") as log:
            return json.loads(log.readline())["key"]

    def lines(self):
        with open(self.log, encoding="utf-8") as log:
            told = [json.loads(line) for line in log if line.startswith('{"') and line[-1] == "\n"]
        return [line for line in told if "file" in line]

    def done(self):
        return [line for line in self.lines() if line["error"] == 0]

    def until_held(self, world, patience=15):
        """Lets it work until it is held, and half a second longer; then ends it. Its holds."""
        deadline = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < deadline \
                and not world.holds_of(self.user):
            time.sleep(0.05)
        time.sleep(0.5)
        end_session(self.process)
        return wait_until(lambda: world.holds_of(self.user), 3) or []

    def crossing(self, limit):
        """(when the limit was passed, when the last file went), on the monotonic clock."""
        moments = sorted(line["at"] for line in self.done())
        return (moments[limit], moments[-1]) if len(moments) > limit else None
