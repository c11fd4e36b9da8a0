"""The demo's act of theft: it keeps what it says, leaves nothing behind, and says what it needs."""

import os
import re
import subprocess

import pytest
from test_demo import DEMO, left_behind

ACT = [*DEMO, "--once", "--act", "theft"]


def namespaces():
    return {line.split()[0] for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True,
                                                       check=True).stdout.splitlines()}


def play(command, place):
    return subprocess.run(command, env={**os.environ, "TMPDIR": str(place)}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=170, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_the_theft_stops_at_the_budget_and_everything_else_goes_on(place):
    before = namespaces()
    done = play(ACT, place)
    print(done.stdout + done.stderr)
    assert done.returncode == 0 and "BROKEN" not in done.stdout
    stopped = re.search(r"It stopped at byte ([\d,]+) of 30,000,000,000", done.stdout)
    assert 400000000 < int(stopped.group(1).replace(",", "")) <= 501000000
    assert done.stdout.count("  kept") == 6
    assert left_behind(place) == [] and not {name for name in namespaces() - before if name.startswith("demo")}


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be given up by root")
def test_without_root_it_says_so_and_fails_where_nothing_else_is_played(place):
    place.chmod(0o777)
    done = play(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *ACT], place)
    assert done.returncode == 2
    assert "is not played here: it makes network namespaces, which needs root" in done.stdout
