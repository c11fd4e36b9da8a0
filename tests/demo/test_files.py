"""The demo's act of files: what was encrypted is back, the mount is gone, and it says what it needs."""

import os
import re

import pytest
from test_demo import DEMO, left_behind
from test_theft import play

ACT = [*DEMO, "--once", "--act", "files"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_share_is_encrypted_stopped_restored_and_compared(place):
    done = play(ACT, place)
    print(done.stdout + done.stderr)
    assert done.returncode == 0 and "BROKEN" not in done.stdout
    assert "500 of 500 lost" in done.stdout and "Fourth act: " in done.stdout
    told = re.search(r"(\d+) files were encrypted, (\d+) came back exactly, 0 are lost", done.stdout)
    assert 0 < int(told.group(1)) == int(told.group(2)) < 100
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert str(place) not in mounts.read()
    assert left_behind(place) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be given up by root")
def test_without_root_it_says_so_and_fails_where_nothing_else_is_played(place):
    place.chmod(0o777)
    done = play(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *ACT], place)
    assert done.returncode == 2 and "is not played here" in done.stdout and "othing was played" in done.stdout + done.stderr
