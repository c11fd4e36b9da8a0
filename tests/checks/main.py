"""Runs suites side by side where the cores allow, one line each, and counts everything."""

import argparse
import glob
import os
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suites
import written
from result import Result
from suites import BUILDS, OUT, ROOT, THREADED, Suite, build, build_directory, unit, whole

TERMINAL = sys.stdout.isatty()


# Suites of whole programs that mostly wait: two of them share the machine. The longest first.
WAITING = ("front", "cli", "outputs", "desk", "audit", "checks")


def in_turn(directory):
    """Those that wait together, before those that want the machine for themselves."""
    name = os.path.basename(os.path.dirname(directory))
    return (WAITING.index(name) if name in WAITING else len(WAITING), name)


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if TERMINAL else text


def all_suites():
    """In the order in which they begin: builds first, what wants the machine for itself last."""
    yield Suite("manners", "sizes, columns, layers of the sources", written.manners)
    yield Suite("scripts", "shell and Python are well-formed", written.scripts)
    for name in BUILDS:
        about = ", warnings being errors" if name == "plain" else ""
        yield Suite(f"build-{name}", f"the {name} build{about}", build(name),
                    alone=True)
    yield Suite("manuals", "manual pages", written.manuals)
    yield Suite("documents", "links lead somewhere", written.documents)
    yield Suite("unit", "unit tests", unit("plain"), ("plain",), alone=True)
    yield Suite("unit-address", "the same under AddressSanitizer and UBSan", unit("address"),
                ("address",), alone=True)
    yield Suite("unit-thread", "what threads share, under ThreadSanitizer",
                unit("thread", THREADED), ("thread",), alone=True)
    yield Suite("fuzz", "each parser of outside bytes, fuzzed for a moment", suites.fuzz,
                ("fuzz",), alone=True)
    single = sorted(glob.glob(os.path.join(ROOT, "tests", "test_*.py")))
    if single:
        yield Suite("agreement", "files of the tree that must agree", whole(*single), ("plain",),
                    alone=True)
    for directory in sorted(glob.glob(os.path.join(ROOT, "tests", "*", "")), key=in_turn):
        if glob.glob(os.path.join(directory, "test_*.py")):
            name = os.path.basename(os.path.dirname(directory))
            yield Suite(name, f"whole programs: tests/{name}", whole(directory), ("plain",),
                        alone=name not in WAITING)
    if os.path.exists(os.path.join(ROOT, "tests", "pages", "check.mjs")):
        yield Suite("pages", "the public pages in Chromium", suites.pages, ("plain",), alone=True)
    yield Suite("boot61", "Debian 12's own kernel, in qemu", suites.boot61, ("plain",),
                alone=True, long=True)


class Runner:
    """Suites that may share the machine run two at a time; the others have it for themselves."""

    def __init__(self, chosen, long):
        self.chosen, self.long = chosen, long
        self.total = Result()
        self.built = set()
        self.print_lock = threading.Lock()
        self.places = threading.Semaphore(suites.CORES)

    def beside_others(self, suite):
        with self.places:
            self.one(suite)

    def one(self, suite):
        begun = time.monotonic()
        open(suite.log, "wb").close()
        missing = [name for name in suite.builds if name not in self.built]
        try:
            if missing:
                result = Result(failed=[f"needs the {missing[0]} build"])
            else:
                result = suite.work(suite, self.long)
        except Exception:  # a suite that breaks has failed, and the others still run
            with open(suite.log, "a", encoding="utf-8") as file:
                traceback.print_exc(file=file)
            result = Result(failed=["the suite itself broke"])
        if not result.passed and not result.failed and not result.skipped:
            result.failed.append("ran no test")
        if suite.name.startswith("build-") and not result.failed:
            self.built.add(suite.name[len("build-"):])
        with self.print_lock:
            self.show(suite, result, time.monotonic() - begun)
            self.total.add(result)

    def show(self, suite, result, seconds):
        good = not result.failed
        counts = f"{result.passed} passed"
        if result.failed:
            counts += f", {len(result.failed)} failed"
        if result.skipped:
            counts += f", {len(result.skipped)} skipped"
        state = paint(32, "ok  ") if good else paint(31, "FAIL")
        print(f"{state}  {suite.name:<14} {counts:<34} {seconds:7.1f} s", flush=True)
        for line in result.failed[:12]:
            print(f"        {line}")
        if len(result.failed) > 12:
            print(f"        and {len(result.failed) - 12} more")
        if result.failed:
            print(f"        log: {os.path.relpath(suite.log, ROOT)}", flush=True)
        for line in result.unsteady:
            print(f"        passed when run again, alone: {line}", flush=True)
        for line in result.skipped:
            print(f"        skipped: {line}", flush=True)

    def run(self):
        beside = []
        for suite in self.chosen:
            if suite.alone:
                for thread in beside:
                    thread.join()
                beside = []
                self.one(suite)
            else:
                thread = threading.Thread(target=self.beside_others, args=(suite,))
                thread.start()
                beside.append(thread)
        for thread in beside:
            thread.join()


def choose(every, names, long):
    """The suites asked for, and the builds that they need."""
    if not names:
        return [suite for suite in every if long or not suite.long]
    known = {suite.name: suite for suite in every}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"check: there is no suite {unknown[0]}; there are: {' '.join(known)}")
    builds = {f"build-{name}" for chosen in names for name in known[chosen].builds}
    return [suite for suite in every if suite.name in builds or suite.name in names]


def main():
    parser = argparse.ArgumentParser(prog="./check",
                                     description="Every check of this tree, counted.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these suites only")
    parser.add_argument("--long", action="store_true", help="with what takes long")
    parser.add_argument("--list", action="store_true", help="the suites, and what each shows")
    options = parser.parse_args()
    every = list(all_suites())
    if options.list:
        for suite in every:
            print(f"{suite.name:<14} {suite.about}{' (--long)' if suite.long else ''}")
        return 0
    os.makedirs(OUT, exist_ok=True)
    runner = Runner(choose(every, options.names, options.long), options.long)
    begun = time.monotonic()
    runner.run()
    total = runner.total
    print(f"\n{(time.monotonic() - begun) / 60:.1f} minutes")
    if total.unsteady:
        print(f"{len(total.unsteady)} failed beside others and passed alone: named above")
    skipped = f", {len(total.skipped)} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {len(total.failed)} failed{skipped}", flush=True)
    return 0 if not total.failed and total.passed else 1


if __name__ == "__main__":
    sys.exit(main())
