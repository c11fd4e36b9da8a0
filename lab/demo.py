#!/usr/bin/python3
"""The demo. Its first act: a million parcels, an origin that is killed, and what customers see."""

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from picture import screenshot, svg_of
from screen import BOLD, DIM, Screen, share
from stage import LOOPBACK, Customers, Failure, Stage, fetch, free_port, read, wait_for
from trial_desk import TrialDesk

HERE = os.path.dirname(os.path.abspath(__file__))
PHASES = ("calm", "origin killed", "origin back", "killed by you")
CALM, KILLED, BACK, BY_YOU = range(4)
RATE, RATE_ALONE, RATE_NEW = 500, 50, 10
AS_OF = "As of <time"  # what a dated answer has in it
STRIP_SECONDS = 60


class Demo:
    def __init__(self, options, screen, stage):
        self.options, self.screen, self.stage = options, screen, stage
        self.phase, self.phase_since = CALM, 0.0
        self.streams, self.sweep, self.origin = {}, None, None
        self.prices = {}       # phase -> last (status, Retry-After) of a page that only the origin has
        self.shares = {"ecluse": [], "alone": []}
        self.status = {}       # what `ecluse status` said last
        self.counters = []     # for each phase, what was counted when it began
        self.alive, self.alive_since = True, 0.0  # whether the origin itself answers, and since when
        self.note = []         # lines above the figures
        self.addresses = []
        self.kept = []         # (good, sentence)
        self.told_of_desk = None

    # ---- Before the curtain: parcels, a feed, a service ---------------------------------------

    def step(self, text):
        self.screen.say(self.screen.paint(BOLD, "  " + text))

    def make_parcels(self):
        stage, count = self.stage, self.options.parcels
        self.step(f"making {count:,} parcels with their histories")
        for name, number, seed in (("fed", count, 1), ("new", max(200, count // 1000), 2)):
            with open(stage.path(f"{name}.ndjson"), "wb") as out:
                subprocess.run([stage.program("bench/make-parcels"), "--count", str(number),
                                "--seed", str(seed), "--numbers", stage.path(f"{name}.txt")],
                               stdout=out, check=True)
        with open(stage.path("new.txt"), "rb") as file:
            new = set(file)
        self.fed, self.examples = 0, []
        with open(stage.path("fed.txt"), "rb") as file:
            for number in file:
                new.discard(number)
                self.fed += 1
                if number.endswith(b"FR\n") and len(self.examples) < 100:
                    self.examples.append(number.decode().strip())
        with open(stage.path("new.txt"), "wb") as file:
            file.writelines(sorted(new))

    def write_contract(self):
        """The demo's contract, with directories of its own."""
        with open(os.path.join(HERE, "demo.yaml"), encoding="utf-8") as file:
            text = file.read()
        for name in ("state", "runtime"):
            os.mkdir(self.stage.path(name))
            lines = [f"{name}: {self.stage.path(name)}" if line.startswith(f"{name}:") else line
                     for line in text.splitlines()]
            text = "\n".join(lines) + "\n"
        self.contract = self.stage.path("ecluse.yaml")
        with open(self.contract, "w", encoding="utf-8") as file:
            file.write(text)
        self.desk = TrialDesk(self.stage, self.contract)
        self.desk.write_contract()
        self.desk.add_operator()

    def feed(self):
        """The store is fed while the origin fills its own database from the same events."""
        stage = self.stage
        self.step("feeding them to Ecluse, and to the origin's own database")
        command = f"cat '{stage.path('fed.ndjson')}' '{stage.path('new.ndjson')}' | " \
                  f"'{stage.program('lab/origin')}' --fill '{stage.path('origin.db')}'"
        fill = stage.start("fill", ["sh", "-c", command])
        ingest = subprocess.run([stage.program("ecluse"), "ingest", "-c", self.contract,
                                 stage.path("fed.ndjson")], stdin=subprocess.DEVNULL, check=False,
                                stdout=subprocess.PIPE, text=True)
        for line in ingest.stdout.splitlines():
            self.screen.say("  " + line)
        if ingest.returncode != 0:
            raise Failure("the feed was not taken in whole")
        self.step("waiting for the origin to have its database")
        if fill.wait() != 0:
            raise Failure("the origin's database was not filled")
        stage.running.remove(fill)
        os.remove(stage.path("fed.ndjson"))

    def start_origin(self):
        self.origin = self.stage.start_until_ready(
            "origin", [self.stage.program("lab/origin"), "--serve", self.stage.path("origin.db"),
                       "--port", str(self.origin_port)])

    def start_services(self):
        stage = self.stage
        self.origin_port, self.port = free_port(), self.options.port or free_port()
        self.step("starting the origin, nginx and Ecluse on loopback")
        self.start_origin()
        os.mkdir(stage.path("serve"))
        self.serve = stage.start_until_ready(
            "serve", [stage.program("ecluse"), "serve", "-c", self.contract,
                      "--listen", f"{LOOPBACK}:{self.port}",
                      "--origin", f"http://{LOOPBACK}:{self.origin_port}",
                      "--dir", stage.path("serve"), "--workers", str(min(2, os.cpu_count() or 1))])
        base = f"http://{LOOPBACK}:{self.port}"
        example = max(self.examples, key=lambda number: self.length_on_its_way(base, number))
        self.addresses = [(f"{base}/", "the search form"),
                          (f"{base}/suivi/{example}?lang=en", "a parcel"),
                          (f"{base}/suivi/v2/idships/{example}", "the same for programs"),
                          (self.desk.address, "the operators' desk")]
        self.screen.say()
        for url, what in self.addresses:
            self.screen.say(f"  {url:<54} {self.screen.paint(DIM, what)}")
        self.tell_desk()

    def tell_desk(self):
        """How to sign in, as long as that is true: a code lives for half a minute."""
        if self.told_of_desk != (line := self.screen.paint(DIM, self.desk.line())):
            self.screen.say(line)
            self.told_of_desk = line

    @staticmethod
    def length_on_its_way(base, number):
        """How many events a parcel has that has not arrived; 0 for one that has."""
        try:
            shipment = json.loads(read(f"{base}/suivi/v2/idships/{number}"))["shipment"]
            return 0 if shipment["isFinal"] else len(shipment["event"])
        except (ValueError, KeyError, TypeError):
            return 0

    # ---- The play -----------------------------------------------------------------------------

    def send_customers(self):
        through, alone = f"{LOOPBACK}:{self.port}", f"{LOOPBACK}:{self.origin_port}"
        fed, new = self.stage.path("fed.txt"), self.stage.path("new.txt")
        seed = random.randrange(1 << 30)
        people = ["--from", "127.16.0.1", "--addresses", 20000]
        self.streams = {
            name: Customers(self.stage, name, ["--to", to, "--numbers", numbers, "--rate", rate,
                                               "--mark", AS_OF, "--seed", seed, *people])
            for name, to, numbers, rate in (("ecluse", through, fed, RATE),
                                            ("new", through, new, RATE_NEW),
                                            ("alone", alone, fed, RATE_ALONE))
        }

    def begin_phase(self, phase, act=lambda: None):
        """Counts begin anew for everyone as something happens."""
        for stream in self.streams.values():
            stream.end_phase()
        act()
        for stream in self.streams.values():
            wait_for("customers close their count", lambda: len(stream.phases) > self.phase, 10)
        self.phase, self.phase_since = phase, time.monotonic()
        self.status = self.look()
        self.counters.append(self.count())

    def look(self):
        """What `ecluse status` says."""
        command = [self.stage.program("ecluse"), "status", "-c", self.contract, "--json"]
        told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              text=True)
        return json.loads(told.stdout or "{}")

    def count(self):
        """(lookups answered from the store, requests that the origin answered) so far."""
        guards = self.status.get("guards", [])
        counters = guards[0].get("counters", {}) if guards else {}
        return (counters.get("store_answers", 0),
                counters.get("origin_requests", 0) - counters.get("origin_failed", 0))

    def sources(self, phase):
        """Where the answers of a phase came from: store, origin. The sweep's are among them."""
        if phase > self.phase:
            return ()
        begun = self.counters[phase]
        end = self.counters[phase + 1] if phase < self.phase else self.count()
        return tuple(after - before for before, after in zip(begun, end))

    def second(self):
        """One second of the play: looks, counts, draws."""
        time.sleep(max(0.0, self.next_second - time.monotonic()))
        self.next_second = max(self.next_second + 1, time.monotonic())
        self.status = self.look()
        self.prices[self.phase] = fetch(f"http://{LOOPBACK}:{self.port}/tarifs")
        alive = fetch(f"http://{LOOPBACK}:{self.origin_port}/tarifs", timeout=1)[0] == 200
        if alive != self.alive:
            self.alive, self.alive_since = alive, time.monotonic()
        for name, shares in self.shares.items():
            seconds = self.streams[name].seconds
            last = seconds[-1] if seconds else None
            shares.append(last["answered"] / last["ended"] if last and last["ended"] else None)
            del shares[:-STRIP_SECONDS]
        self.show()

    def play(self):
        self.next_second = time.monotonic() + 1
        self.begun = time.monotonic()
        self.send_customers()
        self.phase_since = time.monotonic()
        self.status = self.look()
        self.counters.append(self.count())
        self.seconds(self.options.calm)
        self.begin_phase(KILLED, self.origin.kill)
        self.stage.stop(self.origin)
        self.seconds(2)
        self.sweep = Customers(self.stage, "sweep", [
            "--to", f"{LOOPBACK}:{self.port}", "--numbers", self.stage.path("fed.txt"), "--sweep",
            "--connections", 16, "--from", "127.77.0.1", "--addresses", 200, "--mark", AS_OF])
        begun = time.monotonic()
        while not self.sweep.over or time.monotonic() < begun + self.options.calm:
            self.second()
        self.sweep.finish()
        if self.options.pictures:
            self.take_pictures()
        self.start_origin()
        self.begin_phase(BACK)
        wait_for("new numbers are answered again",
                 lambda: self.second() or self.streams["new"].seconds[-1]["answered"] > 0)
        self.seconds(self.options.calm)

    def stay_up(self):
        text = "  It stays up until Ctrl-C: open the addresses, kill the origin yourself " \
               f"(kill {self.origin.pid})."
        self.note = ["", self.screen.paint(BOLD, text)]
        if not self.screen.terminal:
            self.screen.say(text)
        while True:
            self.second()
            if self.phase == BACK and self.origin.poll() is not None:
                self.begin_phase(BY_YOU)

    def seconds(self, count):
        for _ in range(count):
            self.second()

    # ---- What is shown ------------------------------------------------------------------------

    def lines(self):
        screen, since = self.screen, int(time.monotonic() - self.alive_since)
        state = screen.state(self.alive, "answers" if self.alive else f"dead for {since} s")
        lines = [*self.note, "", f"  {screen.paint(BOLD, 'Ecluse')}: {self.fed:,} parcels fed, {RATE} "
                     f"customers a second" + 12 * " " + f"origin  {state}", ""]
        through, alone = self.streams["ecluse"], self.streams["alone"]
        rows = [(phase, through.figures(i), self.sources(i)) for i, phase in enumerate(PHASES)]
        lines += [*screen.table("through Ecluse", rows, ("from store", "from origin")), ""]
        rows = [(phase, alone.figures(i), ()) for i, phase in enumerate(PHASES)]
        lines += [*screen.table("the origin alone", rows), ""]
        lines += [screen.paint(DIM, "  answered, one mark a second"),
                  f"  through Ecluse    {screen.strip(self.shares['ecluse'])}",
                  f"  the origin alone  {screen.strip(self.shares['alone'])}", ""]
        if self.sweep:
            done = self.sweep.total or self.sweep.phase or {"ended": 0, "answered": 0}
            lines.append(f"  every parcel, once, with the origin dead: {done['ended']:,} of "
                         f"{self.fed:,} asked, {share(done['answered'], done['ended'])} answered")
        for promise in self.status.get("promises", []):
            kept = screen.verdict(not promise["broken"]).replace("  ", "")
            lines.append(f"  the promise \"{promise['name']}\": {kept}, "
                         f"{share(promise['kept'], promise['answers'])} of "
                         f"{promise['answers']:,} answers in time")
        if not self.options.pictures:  # pictures show nobody's password
            lines.append(screen.paint(DIM, self.desk.line()))
        return lines

    def show(self):
        if self.screen.terminal:
            self.screen.draw(self.lines())
            return
        self.tell_desk()
        elapsed = int(time.monotonic() - self.begun)
        if elapsed % 5 == 0:
            through, alone = self.streams["ecluse"].seconds, self.streams["alone"].seconds
            if through and alone:
                swept = self.sweep and (self.sweep.total or self.sweep.phase)
                also = f", {swept['ended']:,} parcels swept" if swept else ""
                self.screen.say(
                    f"  {elapsed:4} s  {PHASES[self.phase]:<14} answered through Ecluse "
                    f"{share(through[-1]['answered'], through[-1]['ended']):>8}, "
                    f"by the origin alone {share(alone[-1]['answered'], alone[-1]['ended']):>8}{also}")

    def take_pictures(self):
        """For the documents: what stands on the screen now, and a page as a browser shows it."""
        usual, screen = self.screen, Screen(terminal=True)
        self.screen = screen
        lines, self.screen = self.lines(), usual
        place = os.path.join(self.options.pictures, "demo.svg")
        with open(place, "w", encoding="utf-8") as file:
            file.write(svg_of([f"  {screen.paint(DIM, '$')} ./demo", *lines]))
        screenshot(self.addresses[1][0], os.path.join(self.options.pictures, "page.png"))

    # ---- What came of it ----------------------------------------------------------------------

    def expect(self, good, sentence):
        self.kept.append((bool(good), sentence))

    def judge_customers(self):
        through, sweep = self.streams["ecluse"], self.sweep.total
        self.expect(sweep["answered"] == sweep["asked"] == self.fed,
                    f"{sweep['answered']:,} of {self.fed:,} parcels fed were answered "
                    "while the origin was dead, each asked once")
        self.expect(sweep["marked"] == sweep["answered"],
                    "each of these answers says of when it is")
        total = through.total
        self.expect(total["answered"] == total["asked"],
                    f"{total['answered']:,} of {total['asked']:,} customers were answered, "
                    "from before the kill until after the return")
        new = self.streams["new"].phases
        self.expect(new[CALM]["answered"] == new[CALM]["ended"] > 0 and new[BACK]["answered"],
                    "numbers that were not fed were asked of the origin while it lived")
        self.expect(new[KILLED]["not_known"] + new[KILLED]["answered"] + new[KILLED]["notice"]
                    == new[KILLED]["ended"] > 0,
                    "while it was dead, they were told politely that they are not known yet")
        alone = self.streams["alone"].phases
        self.expect(alone[KILLED]["answered"] * 100 < alone[KILLED]["ended"],
                    "the origin was really dead: alone, it answered "
                    f"{alone[KILLED]['answered']} of {alone[KILLED]['asked']:,}")
        self.expect(self.prices.get(CALM) == (200, None) and self.prices.get(BACK) == (200, None)
                    and self.prices.get(KILLED, (0, None))[0] == 503 and self.prices[KILLED][1],
                    "pages that only the origin has gave a notice that says when to come back")

    def judge_promises(self):
        promises = self.look().get("promises", [])
        self.expect(promises, "the contract's promises were measured")
        for promise in promises:
            answers, kept = promise.get("answers", 0), promise.get("kept", 0)
            self.expect(answers and not promise.get("broken", True),
                        f"the promise \"{promise['name']}\": {kept:,} of {answers:,} in time")

    def finish(self):
        """Ends the customers, and says what was kept and what was not."""
        self.judge_promises()
        for stream in self.streams.values():
            stream.finish()
        self.judge_customers()
        self.screen.keep()
        self.screen.say()
        for good, sentence in self.kept:
            self.screen.say(f"  {self.screen.verdict(good)} {sentence}")
        return all(good for good, _ in self.kept)


# In the order of the play: its module of this folder (None: it is the one of this file, which stays up until Ctrl-C
# unless --once is given), and what --help says of it. A module has play(options, screen, stage), which ends by itself and
# returns 0 when everything was kept, 1 when not, None when it could not be played here (and has said why).
ACTS = {
    "origin": (None, "the origin is killed, and every parcel that was fed is still answered"),
    "flood": ("act_flood", "a flood from 50,000 addresses, and its second wave"),
    "theft": ("act_theft", "an account walks off with a file server, and is stopped (as root)"),
    "files": ("act_files", "a share is encrypted, stopped, put back and compared (as root)"),
}


def run(options, stage):
    """The acts that were asked for; without a choice all of them with --once, else the first."""
    played = []
    for name in options.act or (list(ACTS) if options.once else list(ACTS)[:1]):
        module = ACTS[name][0]
        act = importlib.import_module(module).play if module else play_origin
        played.append(act(options, Screen(), stage))
        stage.stop_all()
    if all(status is None for status in played):
        raise Failure("nothing was played: each act says above what it needs")
    return max(status or 0 for status in played)


def play_origin(options, screen, stage):
    screen.say("First act: the origin dies, and customers are answered.")
    demo = Demo(options, screen, stage)
    demo.make_parcels()
    demo.write_contract()
    demo.feed()
    demo.start_services()
    demo.play()
    if options.once:
        return 0 if demo.finish() else 1
    return demo.stay_up()  # never comes back: Ctrl-C ends it


def on_signal(_number, _frame):
    raise KeyboardInterrupt


def options_of():
    acts = "\n".join(f"  {name:<8} {what}" for name, (_, what) in ACTS.items())
    parser = argparse.ArgumentParser(
        prog="./demo", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Shows what Ecluse is for, on this machine, on loopback only.",
        epilog=f"acts:\n{acts}\n\nWithout --act it is the first; with --once all of them. "
               "Exit status with --once: 0 everything was\nkept; 1 something was not; "
               "2 it could not, or nothing of it could be played here.")
    parser.add_argument("--once", action="store_true",
                        help="end by itself; exit status 0 only if everything was kept")
    parser.add_argument("--act", action="append", choices=list(ACTS), metavar="NAME",
                        help="only this act; may be given several times")
    parser.add_argument("--parcels", type=int, default=1000000, metavar="N",
                        help="how many, 1,000 to 50,000,000 (1,000,000); the flood takes at most 50,000")
    parser.add_argument("--calm", type=int, default=8, metavar="S",
                        help="seconds of each quiet part of the first act, 3 to 600 (8)")
    parser.add_argument("--port", type=int, default=0, help="of the page; default: a free one")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--pictures", metavar="DIR", help="write those of the documents there")
    parser.add_argument("--look-at-words", action="store_true", help=argparse.SUPPRESS)  # ./demo's, before it builds
    options = parser.parse_args()
    if not 1000 <= options.parcels <= 50000000 or not 3 <= options.calm <= 600:
        parser.error("--parcels is 1,000 to 50,000,000, --calm 3 to 600")
    return options


def main():
    options = options_of()
    if options.look_at_words:
        return 0
    signal.signal(signal.SIGTERM, on_signal)
    directory = tempfile.mkdtemp(prefix="ecluse-demo-")
    os.chmod(directory, 0o711)  # Ecluse gives up its rights, and must still come through
    stage = Stage(os.path.abspath(options.build), directory)
    try:
        return run(options, stage)
    except Failure as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130 if options.once else 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stage.stop_all()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
