"""./check counts what programs say, and takes silence, a crash and an empty run for a failure."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from programs import lives, run  # noqa: E402
import suites  # noqa: E402
from result import Result, of_cmocka, of_junit  # noqa: E402

GOOD = """[==========] Running 2 test(s).
[ RUN      ] one
[       OK ] one
[ RUN      ] the other
[       OK ] the other
[==========] 2 test(s) run.
[  PASSED  ] 2 test(s).
"""


def test_tests_that_pass_are_counted():
    result = of_cmocka("x", GOOD, 0)
    assert (result.passed, result.failed) == (2, [])


def test_a_failed_test_is_named_once():
    output = GOOD.replace("[       OK ] one", "[  FAILED  ] one") + \
        "[  FAILED  ] tests: 1 test(s), listed below:\n[  FAILED  ] one\n"
    result = of_cmocka("x", output, 1)
    assert (result.passed, result.failed) == (1, ["x: one"])


def test_a_failed_test_is_given_with_what_it_said():
    told = "ERROR: after step 20: no such file\n[  ERROR   ] --- [   LINE   ] --- x.c:3: error: Failure!\n"
    output = GOOD.replace("[       OK ] one", f"{told}[  FAILED  ] one")
    assert of_cmocka("x", output, 1).failed == ["x: one: after step 20: no such file"]
    output = GOOD.replace("[       OK ] one", "[  ERROR   ] --- 1 != 2\n[  FAILED  ] one")
    assert of_cmocka("x", output, 1).failed == ["x: one: 1 != 2"]


@pytest.mark.parametrize("output, status", [
    (GOOD[:GOOD.index("[ RUN      ] the other")], -11),  # died in the second
    ("", 0), ("", 139),                                  # said nothing
    (GOOD, 1),                                           # a leak found at exit, say
])
def test_a_crash_silence_and_a_bad_exit_are_failures(output, status):
    assert len(of_cmocka("x", output, status).failed) == 1


def test_what_forked_children_repeat_is_counted_once():
    assert of_cmocka("x", GOOD + GOOD, 0).passed == 2


def test_a_failed_case_is_given_with_what_it_said(tmp_path):
    path = junit(tmp_path, "<testcase name='a'><failure message='assert 1 == 2&#10;more'/></testcase>")
    assert of_junit("x", path, 1).failed == [": a: assert 1 == 2"]


def junit(tmp_path, cases):
    path = tmp_path / "x.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return str(path)


def test_what_passes_when_it_is_run_again_is_unsteady_and_what_does_not_failed():
    for alone, kept in ((Result(passed=1), ([], ["a"], 3)), (Result(failed=["a"]), (["a"], [], 2)),
                        (Result(), (["a"], [], 2)), (Result(passed=9, failed=["b"]), (["a"], [], 2))):
        result = Result(passed=2, failed=["a"])
        result.run_again(alone)
        assert (result.failed, result.unsteady, result.passed) == kept


TESTS = """
import os
def test_that_is_steady():
    pass
def test_that_fails():
    mark = os.path.join(os.path.dirname(__file__), "seen")
    seen = os.path.exists(mark)
    open(mark, "w").close()
    assert HOW == "never" or HOW == "once" and seen
"""


@pytest.mark.parametrize("how, passed, failed, unsteady",
                         [("never", 2, 0, 0), ("once", 2, 0, 1), ("always", 1, 1, 0)])
def test_a_suite_runs_what_failed_once_more(tmp_path, monkeypatch, how, passed, failed, unsteady):
    monkeypatch.setattr(suites, "OUT", str(tmp_path))
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_one.py").write_text(f"HOW = {how!r}\n{TESTS}")
    result = suites.whole(str(folder))(suites.Suite("one", "", None), False)
    assert (result.passed, len(result.failed), len(result.unsteady)) == (passed, failed, unsteady)


def test_junit_is_counted_by_case(tmp_path):
    cases = ("<testcase name='a'/><testcase name='b'><failure/></testcase>"
             "<testcase name='c'><skipped message='why'/></testcase>")
    result = of_junit("x", junit(tmp_path, cases), 1)
    assert (result.passed, len(result.failed), result.skipped) == (1, 1, [": c (why)"])


@pytest.mark.parametrize("cases, status", [("", 0), ("<testcase name='a'/>", 3), ("<broken", 0)])
def test_an_empty_broken_or_contradicted_junit_is_a_failure(tmp_path, cases, status):
    assert len(of_junit("x", junit(tmp_path, cases), status).failed) == 1


def test_no_junit_at_all_is_a_failure(tmp_path):
    assert len(of_junit("x", str(tmp_path / "none.xml"), 0).failed) == 1


def test_a_program_that_takes_too_long_is_stopped_with_what_it_started(tmp_path):
    log, pid = tmp_path / "log", tmp_path / "pid"
    status, _ = run(["sh", "-c", f"sleep 60 & echo $$ > {pid}; wait"], str(log), 0.5)
    assert status == 124
    assert not lives(int(pid.read_text()))
