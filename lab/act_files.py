"""The act of files: a share is encrypted without a guard and with one, stopped, restored, compared.

It needs root (a share of its own is mounted) and a loop device; without them it says so, and the
play goes on. What destroys is lab/encrypt, which works in the one directory that it made.
"""

import os
import shutil
import subprocess
import time

import file_tree
from guarded_share import REWRITE, Department, GuardedShare, People
from screen import BOLD, DIM
from stage import Failure

FILES, WAY, WHY_LINES = 2000, "rename-extension", 9
ALICE, BOB = 61010, 61020  # users of no account
NEEDS = ("mkfs.xfs", "mount", "setfacl", "convert", "setpriv")


def cannot(stage):
    """Why this machine cannot play it, or nothing."""
    if os.geteuid() != 0:
        return "it mounts a share of its own, which needs root"
    if not os.path.exists("/dev/loop-control"):
        return "there is no loop device to mount a share from"
    missing = [name for name in NEEDS if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin"
                                                          ":/usr/local/bin")]
    if not os.path.exists(stage.program("lab/encrypt")):
        missing.append("lab/encrypt (liburing-dev was not there when it was built)")
    return f"{', '.join(missing)} is not there" if missing else None


class Act:
    def __init__(self, screen, stage):
        self.screen, self.stage, self.kept = screen, stage, []
        self.world, self.people = None, People()

    def step(self, text):
        self.screen.say(self.screen.paint(BOLD, "  " + text))

    def tell(self, text):
        self.screen.say("    " + text)

    def expect(self, good, sentence):
        self.kept.append((bool(good), sentence))

    def department(self, name, user, count=FILES):
        return Department(self.stage.build, self.world.share, self.stock, name, user, count)

    def set_up(self):
        self.screen.say("\nFourth act: a share is encrypted, stopped and put back.")
        self.step("a share: XFS in a file, mounted for this act only; "
                  f"{FILES:,} files of every kind that offices have")
        self.stock = file_tree.Stock(self.stage.path("stock"))
        self.world = GuardedShare(self.stage.build)
        self.bare = self.department("bob", BOB, FILES // 4)
        self.place = self.department("alice", ALICE)

    # ---- The play ----------------------------------------------------------------------------

    def without_guard(self):
        self.step(f"without Ecluse: a program that bob began encrypts his {self.bare.count:,} files")
        began = time.monotonic()
        destruction = self.bare.destroy(self.people, self.world.share.at("bob.log"), WAY)
        destruction.process.wait(60)
        lost = len(self.bare.lost())
        self.tell(f"{lost} of {self.bare.count} lost in {time.monotonic() - began:.1f} s")
        self.expect(lost == self.bare.count, f"without Ecluse the same program takes all of "
                                             f"bob's {self.bare.count} files")

    def with_guard(self):
        self.step("with Ecluse: every file is in the vault, and alice begins the same program")
        self.world.guarded()
        destruction = self.place.destroy(self.people, self.world.share.at("alice.log"), WAY)
        holds = destruction.until_held(self.world)
        self.lost = len(self.place.lost())
        self.hold = holds[0] if holds else None
        if not self.hold:
            raise Failure("nobody was held:\n" + self.world.said()[-2000:])
        crossing = destruction.crossing(REWRITE)
        late = crossing[1] - crossing[0] if crossing else 0.0
        self.tell(f"{self.lost} of {self.place.count:,} files were encrypted, then it was held")
        why = self.world.ecluse("why", self.hold["hold"])
        for line in [line for line in why.stdout.splitlines() if line][:WHY_LINES] + ["..."]:
            self.tell(self.screen.paint(DIM, line))
        self.expect(self.lost < self.place.count and late <= 1.0,
                    f"it was held {late:.2f} s after it crossed its budget of {REWRITE} files")

    def restore(self):
        self.step(f"ecluse files restore --hold {self.hold['hold']}")
        began = time.monotonic()
        done = self.world.restore("--hold", self.hold["hold"])
        for line in done.stdout.splitlines()[-3:]:
            self.tell(self.screen.paint(DIM, line))
        lost = self.place.lost()
        self.tell(f"{time.monotonic() - began:.1f} s; every file is compared with what it was: its "
                  "bytes, owner, mode, lists of rights, attributes and time")
        self.expect(self.lost and not lost,
                    f"{self.lost} files were encrypted, {self.lost - len(lost)} came back exactly, "
                    f"{len(lost)} are lost")

    def play(self):
        self.set_up()
        self.without_guard()
        self.with_guard()
        self.restore()
        self.screen.say()
        for good, sentence in self.kept:
            self.screen.say(f"  {self.screen.verdict(good)} {sentence}")
        return all(good for good, _ in self.kept)

    def close(self):
        self.people.end()
        if self.world:
            self.world.close()


def play(_options, screen, stage):
    why = cannot(stage)
    if why:
        screen.say(f"\n  The act of files is not played here: {why}.")
        return None
    act = Act(screen, stage)
    try:
        return 0 if act.play() else 1
    except subprocess.CalledProcessError as error:
        raise Failure(f"{error}: {error.stderr}") from error
    finally:
        act.close()
