"""Third act: an account walks off with a file server, and the terminal shows the byte at which it stopped.

Somebody is signed in at a workstation of the office and sends 30 GB of the file server's to a server that nobody knows,
over four connections, as fast as they go; first without Ecluse, then with `ecluse run` on the gateway and a budget of 500 MB.
All the while the file server's own backup runs to where backups go, and a colleague sends an ordinary file. What arrives
is counted by the receiver. All of it happens in network namespaces, which need root.
"""

import json
import os
import subprocess
import sys
import threading
import time

import gateway
from screen import BARS, BOLD, DIM, GREEN, RED
from stage import Failure, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
GB, MB = 10**9, 10**6
OFFERED, BUDGET, BEYOND = 30 * GB, 500 * MB, MB  # BEYOND: what the design allows on top
BARE_SECONDS, STALLED, PATIENCE = 3, 3, 40
BACKUP, LETTER = 2 * GB, 5 * MB
THEFT_PORT, BACKUP_PORT, LETTER_PORT = 5001, 5002, 5003
TICK, STRIP = 0.1, 60

CONTRACT = """\
ecluse: 1
organisation: {{name: "Poste d'exemple", languages: [fr, nl, de, en]}}
state: {place}/state
runtime: {place}/run
network:
  inside: [{inside}, "2001:db8:77::/48"]
  interface: lan0
  destinations: {{backup: [{backup}]}}
budgets:
  - {{name: bulk theft, meter: bytes_out, per: host, where: {{to: unlisted}},
     at_most: {{1h: 500MB, 1d: 500MB}}, over: hold, hold_for: 4h}}
  - {{name: nightly backup, meter: bytes_out, per: host, where: {{to: backup}},
     at_most: {{1d: 4TB}}, over: hold, hold_for: 1h}}
"""


def amount(count):
    return f"{count / GB:.2f} GB" if count >= GB else f"{count / MB:.1f} MB"


class Receiver:
    """What has arrived outside, by port, ten times a second."""

    def __init__(self, stage, office):
        self.counts = None
        command = office.within(office.outside, sys.executable, "-B", os.path.join(HERE, "haul.py"), "receive",
                                THEFT_PORT, BACKUP_PORT, LETTER_PORT)
        self.process = stage.start("receiver", command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()
        wait_for("the receiver listens", lambda: self.counts)

    def listen(self):
        for line in self.process.stdout:
            self.counts = {int(port): count for port, count in json.loads(line).items()}

    def arrived(self, port=THEFT_PORT):
        return self.counts[port]

    def settled(self, port=THEFT_PORT):
        """When nothing more comes: what was last told may be a tenth of a second old."""
        before, quiet = -1, 0
        while quiet < 3:
            time.sleep(0.15)
            quiet = quiet + 1 if self.counts[port] == before else 0
            before = self.counts[port]
        return before


class Theft:
    def __init__(self, screen, stage):
        self.screen, self.stage, self.kept = screen, stage, []
        self.place, self.note, self.rates, self.most = stage.path("theft"), "", [], 1
        self.office = gateway.Office(("workstation", "file server", "colleague"))
        self.receiver = Receiver(stage, self.office)

    def expect(self, good, sentence):
        self.kept.append((bool(good), sentence))

    def step(self, text):
        self.screen.keep()
        self.screen.say(self.screen.paint(BOLD, "  " + text))

    def send(self, machine, to, port, **options):
        words = [word for name, value in options.items()
                 for word in ([f"--{name}"] if value is True else [f"--{name}", value])]
        command = self.office.within(self.office.machine[machine], sys.executable, "-B",
                                     os.path.join(HERE, "haul.py"), "send", to, port, *words)
        return self.stage.start("haul", command, stdout=subprocess.PIPE, text=True)

    def end(self, process):
        """What a sender says it gave to its kernel."""
        said = process.communicate(timeout=PATIENCE + 20)[0]
        self.stage.running.remove(process)
        return int(said or 0)

    # ---- Ecluse at the gateway ----------------------------------------------------------------

    def start_guard(self):
        os.mkdir(self.place)
        os.chmod(self.place, 0o755)  # the guard gives up its rights, and must still come through
        self.contract = os.path.join(self.place, "ecluse.yaml")
        with open(self.contract, "w", encoding="utf-8") as file:
            file.write(CONTRACT.format(place=self.place, inside=gateway.INSIDE, backup=gateway.BACKUP))
        self.run = self.stage.start("theft-run", self.office.within(
            self.office.gateway, self.stage.program("ecluse"), "run", "-c", self.contract))
        wait_for("the guard of bytes out stands at the gateway", self.is_up)

    def told(self, *words):
        done = subprocess.run([self.stage.program("ecluse"), words[0], "-c", self.contract, *words[1:], "--json"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return json.loads(done.stdout or "{}")

    def is_up(self):
        if self.run.poll() is not None:
            with open(self.stage.path("theft-run.log"), encoding="utf-8", errors="replace") as log:
                raise Failure(f"ecluse run does not start:\n{log.read()[-2000:]}")
        return any(guard["name"] == "egress" and guard["state"] == "up"
                   for guard in self.told("status").get("guards", []))

    # ---- The play -----------------------------------------------------------------------------

    def watch(self, begun, before, over):
        """Draws until over() holds or patience ends; returns when the last byte arrived."""
        last, moved, spoken = before, begun, 0
        while time.monotonic() < begun + PATIENCE:
            time.sleep(TICK)
            now, arrived = time.monotonic(), self.receiver.arrived()
            if arrived != last:
                moved = now
            self.rates = [*self.rates, (arrived - last) / TICK][-STRIP:]
            self.most, last = max(self.most, self.rates[-1]), arrived
            if self.screen.terminal:
                self.screen.draw(self.lines(now - begun, arrived - before))
            elif int(now - begun) > spoken:
                spoken = int(now - begun)
                self.screen.say(f"  {spoken:4} s  {arrived - before:>16,} bytes have arrived")
            if over(now, moved):
                break
        return moved

    def lines(self, seconds, arrived):
        paint, stands = self.screen.paint, self.rates[-1] == 0 and arrived
        share = min(1.0, arrived / OFFERED)
        bar = "█" * max(round(share * 50), 1 if arrived else 0)
        return ["", f"  {paint(BOLD, self.note)}", "",
                f"  {seconds:5.1f} s   {paint(RED, bar)}{paint(DIM, '·' * (50 - len(bar)))}  of {amount(OFFERED)}", "",
                f"  arrived outside   {paint(BOLD, f'{arrived:>16,}')} bytes   "
                f"{paint(GREEN, 'it stands still') if stands else amount(self.rates[-1]) + '/s'}",
                f"  a mark each tenth of a second   {self.marks()}", "",
                f"  the backup, meanwhile   {self.receiver.arrived(BACKUP_PORT):>16,} bytes"]

    def marks(self):
        """What arrived lately, against the most that ever did."""
        return "".join(self.screen.paint(RED, BARS[max(1, round(rate / self.most * 8))]) if rate
                       else self.screen.paint(DIM, "·") for rate in self.rates)

    def without_ecluse(self):
        self.note, begun, before = "without Ecluse", time.monotonic(), self.receiver.arrived()
        self.step(f"without Ecluse: the account at the workstation sends {amount(OFFERED)} to {gateway.SINK}, "
                  f"for {BARE_SECONDS} s")
        haul = self.send("workstation", gateway.SINK, THEFT_PORT, connections=4, seconds=BARE_SECONDS, bytes=OFFERED)
        self.watch(begun, before, lambda now, moved: haul.poll() is not None)
        self.end(haul)
        gone = self.receiver.settled() - before
        self.screen.keep()
        self.screen.say(f"\n  {amount(gone)} were gone in {BARE_SECONDS} s; all of it, "
                        f"in {OFFERED / max(gone, 1) * BARE_SECONDS:.0f} s.\n")
        self.expect(gone > BUDGET, f"without Ecluse {amount(gone)} were gone within {BARE_SECONDS} s")

    def with_ecluse(self):
        self.step(f"with Ecluse: at most {amount(BUDGET)} an hour for each host to where nobody listed")
        self.start_guard()
        self.note, self.rates = "with Ecluse at the gateway", []
        backup_before, before, begun = self.receiver.arrived(BACKUP_PORT), self.receiver.arrived(), time.monotonic()
        backup = self.send("file server", gateway.BACKUP, BACKUP_PORT, bytes=BACKUP, seconds=PATIENCE)
        haul = self.send("workstation", gateway.SINK, THEFT_PORT, connections=4, seconds=PATIENCE, bytes=OFFERED)
        stopped = self.watch(begun, before, lambda now, moved: now - moved > STALLED and backup.poll() is not None)
        self.stage.stop(haul)
        self.end(backup)
        self.stolen = self.receiver.settled() - before
        backed = self.receiver.settled(BACKUP_PORT) - backup_before
        self.screen.keep()
        self.screen.say()
        self.screen.say("  " + self.screen.paint(
            BOLD, f"It stopped at byte {self.stolen:,} of {OFFERED:,}, after {stopped - begun:.1f} s.") + "\n")
        self.expect(0.8 * BUDGET < self.stolen <= BUDGET + BEYOND,
                    f"{self.stolen:,} of {OFFERED:,} bytes arrived: the budget is {BUDGET:,} on the line, headers included")
        self.expect(backed == BACKUP, f"the nightly backup went on: {backed:,} of {BACKUP:,} bytes arrived meanwhile")

    def other_ways(self):
        """Another connection, protocol, destination and address: it is the machine that is held."""
        self.step("the account tries again: another destination, UDP, IPv6, another address of its own")
        before = self.receiver.arrived()
        for to, options in (("198.51.100.10", {}), (gateway.SINK, {"udp": True}), (gateway.SINK6, {})):
            self.end(self.send("workstation", to, THEFT_PORT, seconds=1, bytes=GB, **options))
        self.office.move("workstation", "10.77.0.99")
        self.end(self.send("workstation", gateway.SINK, THEFT_PORT, seconds=1, bytes=GB))
        more = self.receiver.settled() - before
        self.screen.say(f"    {more:,} bytes more arrived")
        self.expect(self.stolen + more <= BUDGET + BEYOND,
                    f"four other ways out let {more:,} bytes more out: with these it is {self.stolen + more:,}")
        before = self.receiver.arrived(LETTER_PORT)
        self.end(self.send("colleague", gateway.SINK, LETTER_PORT, bytes=LETTER, seconds=10))
        letter = self.receiver.settled(LETTER_PORT) - before
        self.expect(letter == LETTER, f"a colleague's file to the same server arrived whole: {letter:,} bytes")

    def explained(self):
        wait_for("the hold is told", lambda: self.told("holds").get("holds"))
        holds = self.told("holds")["holds"]
        name = holds[0]["hold"]
        self.step(f"ecluse why {name}")
        wait_for("the hold has its evidence", lambda: self.told("why", name).get("evidence"))
        done = subprocess.run([self.stage.program("ecluse"), "why", "-c", self.contract, name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            self.screen.say("    " + self.screen.paint(DIM, line))
        self.expect(len(holds) == 1, f"one machine is held, {holds[0]['principal']}, by \"{holds[0]['budget']}\"")

    def play(self):
        self.screen.say("\nThird act: an account walks off with a file server.")
        self.without_ecluse()
        self.with_ecluse()
        self.explained()
        self.other_ways()
        self.screen.say()
        for good, sentence in self.kept:
            self.screen.say(f"  {self.screen.verdict(good)} {sentence}")
        return all(good for good, _ in self.kept)

    def close(self):
        self.stage.stop_all()
        self.office.close()


def play(_options, screen, stage):
    why = gateway.cannot()
    if why:
        screen.say(f"\n  The act of theft is not played here: {why}.")
        return None
    act = Theft(screen, stage)
    try:
        return 0 if act.play() else 1
    except subprocess.SubprocessError as error:
        raise Failure(f"{error}: {getattr(error, 'stderr', '')}") from error
    finally:
        act.close()
