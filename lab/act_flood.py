"""Second act: a flood from 50,000 addresses, each slower than a customer; and the same flood again.

Customers look up parcels, sign in and search all the while. The flood asks for well-formed numbers that nobody sent and
searches for nonsense, so that no limit per address and no cache helps. Its second wave is recognised by its shape.
"""

import json
import os
import signal
import subprocess
import threading
import time

from screen import BOLD, DIM, share, wait
from stage import LOOPBACK, Failure, fetch, free_port, wait_for

CALM, WAVE, BETWEEN = 6, 12, 70  # seconds; what lies between is what it takes until a wave counts as over
LOOKUPS, SIGN_INS, SEARCHES, FLOOD = 300, 5, 10, 3000  # a second
ADDRESSES = 50000
PARTS = ("calm", "first wave", "between", "second wave", "after")
NUMBERS_ASKED = 200  # a second at most, by the contract's budget "numbers nobody fed"
FIRST = 5  # seconds of a wave that are compared


class Flood:
    def __init__(self, options, screen, stage):
        self.options, self.screen, self.stage = options, screen, stage
        begins = [0, CALM, CALM + WAVE, CALM + WAVE + BETWEEN, CALM + 2 * WAVE + BETWEEN]
        self.begins, self.end = begins, begins[-1] + CALM
        self.seconds, self.asked_of_origin, self.total = [], [], None
        self.begun = time.monotonic()

    # ---- What runs ------------------------------------------------------------------------------

    def prepare(self):
        stage, parcels = self.stage, min(self.options.parcels, 50000)
        self.screen.say(f"\nSecond act: a flood. {parcels:,} parcels; the origin takes 1 ms of CPU a request, 5 ms to "
                        "sign somebody in.")
        with open(stage.path("flood.ndjson"), "wb") as out:
            subprocess.run([stage.program("bench/make-parcels"), "--seed", "2", "--count", str(parcels), "--numbers",
                            stage.path("flood.txt")], stdout=out, check=True)
        with open(stage.path("flood.ndjson"), "rb") as file:
            subprocess.run([stage.program("lab/origin"), "--fill", stage.path("flood.db")], stdin=file, check=True)
        with open(os.path.join(os.path.dirname(__file__), "demo.yaml"), encoding="utf-8") as file:
            text = file.read()
        for name in ("state", "runtime"):
            os.mkdir(stage.path(f"flood-{name}"))
            text = "\n".join(f"{name}: {stage.path(f'flood-{name}')}" if line.startswith(f"{name}:") else line
                             for line in text.splitlines())
        self.contract = stage.path("flood.yaml")
        with open(self.contract, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        subprocess.run([stage.program("ecluse"), "ingest", "-c", self.contract, stage.path("flood.ndjson")],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def start(self):
        stage = self.stage
        self.origin_port, self.port = free_port(), free_port()
        self.counts = []
        self.origin = stage.start("flood-origin", [
            stage.program("lab/origin"), "--serve", stage.path("flood.db"), "--port", str(self.origin_port), "--work",
            "1000", "--connections", "64"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()
        os.mkdir(stage.path("flood-serve"))
        stage.start_until_ready("flood-serve", [
            stage.program("ecluse"), "serve", "-c", self.contract, "--listen", f"{LOOPBACK}:{self.port}", "--origin",
            f"http://{LOOPBACK}:{self.origin_port}", "--dir", stage.path("flood-serve"), "--workers",
            str(min(2, os.cpu_count() or 1))])
        wait_for("the front answers", lambda: fetch(f"http://{LOOPBACK}:{self.port}/recherche?q=a")[0] == 200)
        keys = stage.path("flood-state/front/pass.keys")
        wait_for("there are keys for passes", lambda: os.path.exists(keys))
        with open(stage.path("flood-passes.txt"), "w", encoding="utf-8") as out:  # of customers who come every day
            subprocess.run([stage.program("bench/make-passes"), keys, "127.16.0.1", "1000", "1048"], stdout=out, check=True)

    def listen(self):
        for line in self.origin.stdout:
            if line.startswith("{"):
                self.counts.append(json.loads(line))

    def come(self):
        passes = f"cookies={self.stage.path('flood-passes.txt')},html=1"
        streams = [f"lookups,kind=lookup,rate={LOOKUPS},from=127.16.0.0/12,addresses=2000",
                   f"sign-ins,kind=login,rate={SIGN_INS},{passes}", f"searches,kind=query,rate={SEARCHES},{passes}"]
        for wave, begin in (("1", self.begins[1]), ("2", self.begins[3])):
            for kind in ("s10", "query"):
                streams.append(f"flood-{kind}-{wave},kind={kind},rate={FLOOD // 2},from=127.128.0.0/9,"
                               f"addresses={ADDRESSES},begin={begin},end={begin + WAVE}")
        command = [self.stage.program("lab/traffic"), "--to", f"{LOOPBACK}:{self.port}", "--numbers",
                   self.stage.path("flood.txt"), "--warm", "0", "--seconds", str(self.end), "--live", "1"]
        for stream in streams:
            command += ["--stream", stream]
        self.traffic = self.stage.start("traffic", command, stdout=subprocess.PIPE, text=True)
        self.begun = time.monotonic()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.traffic.stdout:
            told = json.loads(line)
            if "second" in told:
                self.seconds.append(told)
            else:
                self.total = told

    def look(self):
        before = len(self.counts)
        self.origin.send_signal(signal.SIGUSR1)
        wait_for("the origin counts", lambda: len(self.counts) > before)
        counts = self.counts[-1]
        self.asked_of_origin.append((time.monotonic() - self.begun, counts["search"] + counts["login"], counts["unknown"]))

    # ---- What is shown --------------------------------------------------------------------------

    def part_of(self, second):
        return max(i for i, begin in enumerate(self.begins) if begin <= second)

    def figures(self, part, name):
        """What came of a stream's requests in a part of the play; the worst second's 99th percentile."""
        seconds = [s[name] for s in self.seconds if name in s and self.part_of(s["second"] - 1) == part]
        good, ended = (sum(s[key] for s in seconds) for key in ("good", "ended"))
        waits = sorted(s["p99_us"] for s in seconds)
        return good, ended, waits[-1] if waits else 0

    def reached(self, begin, seconds, which):
        """Requests that reached the origin in so many seconds of the play."""
        values = [entry[which] for entry in self.asked_of_origin if begin <= entry[0] <= begin + seconds + 0.5]
        return values[-1] - values[0] if len(values) > 1 else 0

    def lines(self):
        screen = self.screen
        now = time.monotonic() - self.begun
        part = self.part_of(min(now, self.end))
        flood = f"the flood: {FLOOD:,} requests a second from {ADDRESSES:,} addresses" if part in (1, 3) else "no flood"
        lines = ["", f"  {screen.paint(BOLD, PARTS[part])}, second {int(now)} of {self.end}; {flood}", "",
                 screen.paint(DIM, f"  {'':<14}{'parcels found':>16}{'99 % within':>13}{'signed in':>12}{'99 % within':>13}"
                                   f"{'searched':>12}{'99 % within':>13}{'flood answered':>16}")]
        for i in range(part + 1):
            cells = ""
            for name, width in (("lookups", 16), ("sign-ins", 12), ("searches", 12)):
                good, ended, p99 = self.figures(i, name)
                cells += f"{share(good, ended):>{width}}{wait(p99):>13}"
            flood = sum(self.figures(i, f"flood-{kind}-{wave}")[1] for kind in ("s10", "query") for wave in "12")
            lines.append(f"  {PARTS[i]:<14}{cells}{flood:>16,}")
        lines += ["", f"  costly requests at the origin in the first {FIRST} s of the first wave: "
                      f"{self.reached(self.begins[1], FIRST, 1):,}"]
        if part >= 3:
            lines.append(f"  and in the first {FIRST} s of the second: {self.reached(self.begins[3], FIRST, 1):,}")
        return lines

    def play(self):
        self.prepare()
        self.start()
        self.come()
        while self.total is None:
            time.sleep(1)
            if self.traffic.poll() not in (None, 0):
                raise Failure("the traffic ended before its time")
            self.look()
            if self.screen.terminal:
                self.screen.draw(self.lines())
            elif len(self.asked_of_origin) % 10 == 0:
                self.screen.say(self.lines()[1])
        if self.screen.terminal:
            self.screen.keep()
        else:
            for line in self.lines():
                self.screen.say(line)
        return self.judge()

    # ---- What came of it ------------------------------------------------------------------------

    def judge(self):
        kept = []
        for name, what, least in (("lookups", "lookups answered", 0.999), ("sign-ins", "customers signed in", 0.98),
                                  ("searches", "searches answered", 0.98)):
            good, due = self.total[name]["good"], self.total[name]["due"]
            kept.append((due and good >= least * due, f"{good:,} of {due:,} {what}, both waves included"))
        flood = sum(self.total[f"flood-s10-{wave}"]["due"] for wave in "12")
        first, last = self.asked_of_origin[0], self.asked_of_origin[-1]
        kept.append((flood and last[2] - first[2] <= NUMBERS_ASKED * 2 * WAVE,
                     f"of {flood:,} invented numbers {last[2] - first[2]:,} were asked of the origin, at most "
                     f"{NUMBERS_ASKED} a second as the contract says"))
        waves = [self.reached(self.begins[part], FIRST, 1) for part in (1, 3)]
        usual = FIRST * (SIGN_INS + SEARCHES)
        kept.append((max(0, waves[1] - usual) * 3 <= max(0, waves[0] - usual),
                     f"costly requests at the origin in the first {FIRST} s: {waves[0]:,}, and {waves[1]:,} when the flood "
                     f"came again (customers: {usual})"))
        told = subprocess.run([self.stage.program("ecluse"), "waves", "-c", self.contract], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False).stdout
        self.screen.say("\n  `ecluse waves`:")
        for line in told.splitlines()[:8]:
            self.screen.say("  " + line)
        self.screen.say()
        for good, sentence in kept:
            self.screen.say(f"  {self.screen.verdict(good)} {sentence}")
        return 0 if all(good for good, _ in kept) else 1


def play(options, screen, stage):
    return Flood(options, screen, stage).play()
