"""The suites: what each builds or runs, and what it counts."""

import glob
import json
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from programs import run
from result import Result, failed_cases, of_cmocka, of_junit

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "build-check")
CORES = os.cpu_count() or 1


@dataclass
class Suite:
    name: str
    about: str
    work: object          # called with (suite, long) and returns a Result
    builds: tuple = ()    # the builds that must be there
    alone: bool = False   # measures time, or uses every core: nothing runs beside it
    long: bool = False    # only with --long, or when named

    @property
    def log(self):
        return os.path.join(OUT, self.name.replace("/", "-") + ".log")


# ---- Builds -----------------------------------------------------------------------------------

SANITIZE = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1",
            "TSAN_OPTIONS": "halt_on_error=1"}
# Build options, the environment of its configuration, which of its programs are built: those whose
# names match, or all.
# Warnings are errors in the plain build only: with sanitizers gcc warns of paths that it made
# itself, and clang means more by -Wconversion.
SANITIZED = ["-Db_lundef=false", "-Dmodule=false", "-Dwerror=false"]
BUILDS = {
    "plain": ([], {}, None),
    "address": (["-Db_sanitize=address,undefined", *SANITIZED], {}, "tests"),
    "thread": (["-Db_sanitize=thread", *SANITIZED], {}, "threaded"),
    "fuzz": (["-Dfuzz=true", "-Db_sanitize=address,undefined", *SANITIZED], {"CC": "clang"},
             "fuzz"),
}
# What threads share; the rest has one thread by design, and ThreadSanitizer has nothing to say.
THREADED = ("audit/handover", "audit/log", "audit/recorder", "base/", "budget/", "contract/publish",
            "files/service_hands", "files/service_happened", "files/vault_service", "gate/ledger",
            "outputs/", "tracking/filter", "tracking/store")


def build_directory(name):
    return os.path.join(OUT, name)


def introspect(directory, what, log):
    """What meson knows of a build; None, and why in the log, when it does not say."""
    status, output = run(["meson", "introspect", what, directory], log, 60)
    return json.loads(output[output.index("["):]) if status == 0 else None


def programs_of(directory, which, log):
    """The programs that a build is for, as ninja calls them; none: all."""
    if which in ("tests", "threaded"):
        only = THREADED if which == "threaded" else ("",)
        paths = [part for test in introspect(directory, "--tests", log) or []
                 if test["name"].startswith(only) for part in test["cmd"]]
    elif which == "fuzz":
        paths = [path for target in introspect(directory, "--targets", log) or []
                 if target["name"].startswith("fuzz_") for path in target["filename"]]
    else:
        return []
    paths = (os.path.relpath(os.path.join(directory, path), directory) for path in paths)
    return sorted({path for path in paths if not path.startswith("..")})


def build(name):
    """A suite's work: configures and builds. One check: it builds."""
    def work(suite, _long):
        options, environment, which = BUILDS[name]
        directory = build_directory(name)
        if not os.path.exists(os.path.join(directory, "build.ninja")):
            shutil.rmtree(directory, ignore_errors=True)  # what an interrupted run may have left
            command = ["meson", "setup", directory, ROOT, *options]
            status, _ = run(command, suite.log, 120, environment)
            if status != 0:
                return Result(failed=[f"{name} cannot be configured"])
        # First what the build files say now: what is introspected may be from before they changed.
        run(["ninja", "-C", directory, "build.ninja"], suite.log, 120)
        programs = programs_of(directory, which, suite.log)
        if which and not programs:
            return Result(failed=[f"{name} has no program to build"])
        status, output = run(["ninja", "-C", directory, *programs], suite.log, 600)
        if status == 0:
            return Result(passed=1)
        first = re.search(r"^.*(error: |undefined reference).*$", output, re.MULTILINE)
        return Result(failed=[first.group(0) if first else f"{name} does not build"])
    return work


# ---- Unit tests -------------------------------------------------------------------------------

LONGEST = ("files/service_happened", "files/service_hands", "files/vault_service",
           "tracking/ingest", "egress/refill", "audit/crash")  # begin first
# So many that fail are run once more, alone: what waits for something on a busy machine may fail
# for no other reason. Those that pass then are named.
AGAIN_MOST = 3


def unit(name, only=None):
    """A suite's work: runs each unit test program of a build, two a core: the longest wait."""
    def work(suite, long):
        directory = build_directory(name)
        listed = introspect(directory, "--tests", suite.log)
        if listed is None:
            return Result(failed=["the tests cannot be listed"])
        tests = [test for test in listed if only is None or test["name"].startswith(only)]
        tests.sort(key=lambda test: test["name"] not in LONGEST)

        def one(test):
            log = os.path.join(OUT, f"{suite.name}-{test['name'].replace('/', '-')}.log")
            environment = {**SANITIZE, **test["env"], "CMOCKA_MESSAGE_OUTPUT": "STDOUT"}
            if long:
                environment["ECLUSE_LONG"] = "1"
            # ThreadSanitizer of gcc 12 does not know today's wider randomised layouts.
            command = ["setarch", "-R", *test["cmd"]] if name == "thread" else test["cmd"]
            if os.path.exists(log):
                os.remove(log)
            limit = test["timeout"] * (4 if long else 1)
            status, told = run(command, log, limit, environment, test["workdir"] or directory)
            if command[0].endswith(".sh"):  # one check that is a script
                failed = [] if status == 0 else [f"{test['name']}: exit status {status}"]
                return Result(passed=int(not failed), failed=failed)
            return of_cmocka(test["name"], told, status)

        with ThreadPoolExecutor(2 * CORES) as pool:
            parts = list(pool.map(one, tests))
        bad = [(part, test) for part, test in zip(parts, tests) if part.failed]
        if len(bad) <= AGAIN_MOST:
            for part, test in bad:
                part.run_again(one(test))
        result = Result()
        for part in parts:
            result.add(part)
        if not tests:
            result.failed.append("there is no unit test")
        return result
    return work


# ---- Fuzzing ----------------------------------------------------------------------------------

def fuzz(suite, long):
    """Each target runs for a while, from its corpus if there is one. One check each."""
    pattern = os.path.join(build_directory("fuzz"), "src", "**", "fuzz_*")
    targets = sorted(path for path in glob.glob(pattern, recursive=True)
                     if os.path.isfile(path) and os.access(path, os.X_OK))
    seconds = 300 if long else 3

    def one(target):
        name = os.path.basename(target)
        log = os.path.join(OUT, f"{name}.log")
        if os.path.exists(log):
            os.remove(log)
        noun = name[len("fuzz_"):]
        places = (os.path.join(ROOT, "tests", place) for place in (f"corpus/{noun}", f"{noun}s"))
        seeds = [place for place in places if os.path.isdir(place)]
        with tempfile.TemporaryDirectory() as found:
            command = [target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
                       "-print_final_stats=1", f"-artifact_prefix={OUT}/{name}-", found, *seeds]
            status, output = run(command, log, seconds + 120, SANITIZE)
        ran = re.search(r"stat::number_of_executed_units: (\d+)", output)
        if status == 0 and ran and int(ran.group(1)) > 0:
            return Result(passed=1)
        where = os.path.relpath(log, ROOT)
        return Result(failed=[f"{name}: see {where} (exit status {status})"])

    result = Result()
    with ThreadPoolExecutor(CORES) as pool:
        for part in pool.map(one, targets):
            result.add(part)
    if not targets:
        result.failed.append("there is no fuzz target")
    return result


# ---- Whole programs ---------------------------------------------------------------------------

def whole(*paths):
    """A suite's work: pytest on a folder of tests/, or on files, against the plain build."""
    def work(suite, long):
        junit = os.path.join(OUT, f"{suite.name}.xml")
        if os.path.exists(junit):
            os.remove(junit)
        environment = {"ECLUSE_BUILD": build_directory("plain"), "ECLUSE_SOURCE": ROOT,
                       "ECLUSE_DATA": os.path.join(ROOT, "..", "shared", "data"),
                       "PYTHONDONTWRITEBYTECODE": "1"}
        if long:
            environment["ECLUSE_LONG"] = "1"
        def tests(*which):
            command = ["pytest-3", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}", *which]
            status, _ = run(command, suite.log, 3600 if long else 600, environment, ROOT)
            return of_junit(suite.name, junit, status)

        result, bad = tests(*paths), failed_cases(junit)
        if 0 < len(bad) <= AGAIN_MOST:
            result.run_again(tests(*(f"{file}::{name}" for module, name in bad
                                     for file in files_of(paths, module))))
        return result
    return work


def files_of(paths, module):
    """Where a module of tests lies, among files and folders of them."""
    every = (found for path in paths
             for found in (glob.glob(os.path.join(path, "**", "*.py"), recursive=True)
                           if os.path.isdir(path) else [path]))
    return [path for path in every if os.path.basename(path) == f"{module}.py"][:1]


def pages(suite, long):
    """The public pages in a real browser; a view is one page, on one screen, light or dark."""
    directory, rendered = build_directory("plain"), os.path.join(OUT, "pages")
    os.makedirs(rendered, exist_ok=True)
    status, _ = run(["ninja", "-C", directory, "tests/pages/render-pages"], suite.log, 300)
    if status == 0:
        status, _ = run([os.path.join(directory, "tests", "pages", "render-pages"), rendered],
                        suite.log, 60)
    if status != 0:
        return Result(failed=["the pages cannot be rendered"])
    status, output = run(["node", os.path.join(ROOT, "tests", "pages", "check.mjs"), rendered],
                         suite.log, 600, {"ECLUSE_LONG": "1"} if long else None)
    counted = re.search(r"^(\d+) views of the public pages, (\d+) faults$", output, re.MULTILINE)
    if not counted or (status != 0 and counted.group(2) == "0"):
        return Result(failed=[f"did not come to its end (exit status {status})"])
    views, faults = map(int, counted.groups())
    result = Result(passed=max(0, views - faults))
    if faults:
        said = output[:counted.start()].strip().splitlines()
        result.failed = [said[-faults + i] if i < len(said) else "one more" for i in range(faults)]
    return result


def boot61(suite, _long):
    """Debian 12's own kernel, booted with what was built: its output says what it counted."""
    command = [os.path.join(ROOT, "tests", "boot61", "boot61"), build_directory("plain")]
    status, output = run(command, suite.log, 1500)
    result = Result()
    for state, name in re.findall(r"^boot61: (passed|failed): (.+?)\s*$", output, re.MULTILINE):
        result.expect(state == "passed", f"boot61: {name}")
    if status != 0 and not result.failed:
        result.failed.append(f"boot61: did not come to its end (exit status {status})")
    if result.passed == 0 and not result.failed:
        result.failed.append("boot61: ran no test")
    return result
