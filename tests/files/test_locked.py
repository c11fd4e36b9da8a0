"""Whoever keeps his files locked for ever harms nobody's but these."""

import os
import signal
import subprocess
import sys
import time

import pytest
from guarded_share import wait_until
from locked import Lock

FILES = 8
APPEND = """
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "a") as file:
        file.write("one more line\\n")
"""


@pytest.fixture
def world(worlds):
    made = worlds(size=400 << 20)
    made.folder = made.share.on("work")
    made.user = made.new_user()
    os.mkdir(made.folder)
    yield made
    made.close()


def write(path, user, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(path, user, user)


def vault(world):
    return world.status()["files"]["shares"][0]["vault"]


def test_others_work_while_files_are_locked(world):
    attacker = world.new_user()
    os.chown(world.folder, world.user, world.user)
    locked = [world.share.on(f"locked {number}") for number in range(FILES)]
    for path in locked:
        write(path, attacker, "a" * 300000)
    for number in range(80):
        write(os.path.join(world.folder, f"letter {number}"), world.user, f"letter {number}\n" * 50)
    world.guarded()
    assert wait_until(lambda: vault(world)["pass_done"])
    locks = []
    try:
        for path in locked:
            locks.append(Lock(path))
        for path in locked:  # who opens them for writing is the one who pays for it
            world.start(attacker, sys.executable, "-c", f"open({path!r}, 'r+b').close()")
        time.sleep(1)
        for _ in range(3):
            begun = time.monotonic()
            assert world.do(world.user, sys.executable, "-c", APPEND, world.folder) == (0, "")
            assert time.monotonic() - begun < 10
        assert world.holds_of(world.user) == []
        assert vault(world)["not_covered"] <= FILES
        assert wait_until(lambda: vault(world)["stuck"], 15), vault(world)
        assert "not_covered" in [alarm["kind"] for alarm in world.status()["alarms"]]
        begun = time.monotonic()
        world.unguarded()  # its thread cannot go, and the guard is gone all the same
        assert time.monotonic() - begun < 20
        world.guarded()
        assert vault(world)["up"]
    finally:
        for lock in locks:
            lock.free()


def test_a_vault_that_is_silent_is_ended_and_begun_again(world):
    path = os.path.join(world.folder, "letter")
    write(path, world.user, "letter\n" * 50)
    world.guarded()
    before = vault(world)["pid"]
    os.kill(before, signal.SIGSTOP)
    assert wait_until(lambda: vault(world)["up"] and vault(world)["pid"] not in (0, before), 40)
    with open(path, "a", encoding="utf-8") as file:
        file.write("one more line\n")
    subprocess.run(["sync", "-f", path], check=True)
    assert wait_until(lambda: vault(world)["versions"] >= 2)
