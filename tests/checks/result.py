"""What a suite found: counts, and the names of what failed or was skipped."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Result:
    passed: int = 0
    failed: list = field(default_factory=list)   # a line for each
    skipped: list = field(default_factory=list)  # the same
    unsteady: list = field(default_factory=list)  # the same: failed beside others, and not alone

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.unsteady += other.unsteady

    def run_again(self, alone):
        """What failed was run again, alone. Only if all of it passed then, it was unsteady."""
        if not alone.failed and alone.passed >= len(self.failed):
            self.passed += len(self.failed)
            self.unsteady += self.failed
            self.failed = []

    def expect(self, good, line):
        """Counts one check; `line` says what is wrong when it is not good."""
        if good:
            self.passed += 1
        else:
            self.failed.append(line)


CMOCKA_LINE = re.compile(r"^\[ *(OK|FAILED|SKIPPED) *\] (?!tests: |\d+ test)(.+?)\s*$",
                         re.MULTILINE)
CMOCKA_WHY = re.compile(r"^(?:ERROR: |\[ *ERROR *\] --- )(?!\[ *LINE)(.+?)\s*$", re.MULTILINE)
CMOCKA_PLAN = re.compile(r"Running (\d+) test\(s\)")


def because(why):
    """What a failure said of itself, as the end of a line; the log has the rest."""
    first = next((line.strip() for line in (why or "").splitlines() if line.strip()), "")
    return f": {first[:160]}" if first else ""


def why_of_cmocka(output, test):
    """The first thing that a test said was wrong, between its beginning and its end."""
    _, _, told = output.partition(f"] {test}\n")
    found = CMOCKA_WHY.search(told[:told.find("FAILED")])
    return because(found.group(1) if found else "")


def of_cmocka(name, output, status):
    """Counts a cmocka program's tests. What it planned and never reported crashed: it failed."""
    states = {}
    for state, test in CMOCKA_LINE.findall(output):
        states[test] = state if states.get(test) != "FAILED" else "FAILED"
    planned = sum(int(count) for count in set(CMOCKA_PLAN.findall(output)))
    result = Result(passed=sum(state == "OK" for state in states.values()))
    result.failed = [f"{name}: {test}{why_of_cmocka(output, test)}"
                     for test, state in states.items() if state == "FAILED"]
    result.skipped = [f"{name}: {test}" for test, state in states.items() if state == "SKIPPED"]
    if not states:
        result.failed.append(f"{name}: ran no test (exit status {status})")
    elif len(states) < planned:
        result.failed.append(f"{name}: {planned - len(states)} of {planned} tests never ended "
                             f"(exit status {status})")
    elif status != 0 and not result.failed:
        result.failed.append(f"{name}: every test passed, yet the exit status is {status}")
    return result


def failed_cases(path):
    """Of a JUnit file: the module and the name of each test that failed."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return []
    return [(case.get("classname", "").rpartition(".")[2], case.get("name")) for case in cases
            if case.find("failure") is not None or case.find("error") is not None]


def of_junit(name, path, status):
    """Counts a JUnit file. None, a broken one or an empty one is a failure."""
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return Result(failed=[f"{name}: wrote no results (exit status {status})"])
    result = Result()
    for case in cases:
        title = f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}"
        skip = case.find("skipped")
        wrong = next((found for kind in ("failure", "error")
                      if (found := case.find(kind)) is not None), None)
        if wrong is not None:
            result.failed.append(title + because(wrong.get("message")))
        elif skip is not None:
            result.skipped.append(f"{title} ({skip.get('message', '')[:100]})")
        else:
            result.passed += 1
    if not cases:
        result.failed.append(f"{name}: ran no test")
    elif status != 0 and not result.failed:
        result.failed.append(f"{name}: every test passed, yet the exit status is {status}")
    return result
