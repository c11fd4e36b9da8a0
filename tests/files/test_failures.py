"""Whatever becomes of the guard, no open on the share waits, and what it could not do is told."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from guarded_share import wait_until

MOST = 1.0  # seconds that an open may wait

PROBE = """
import json, os, sys, time
folder, seconds = sys.argv[1], float(sys.argv[2])
names = sorted(os.listdir(folder))
worst, opened, refused, begun = 0.0, 0, 0, time.monotonic()
while time.monotonic() - begun < seconds:
    for number, name in enumerate(names):
        before = time.monotonic()
        try:
            flags = os.O_RDWR if number % 2 else os.O_RDONLY
            os.close(os.open(os.path.join(folder, name), flags))
            opened += 1
        except OSError:
            refused += 1
        worst = max(worst, time.monotonic() - before)
    time.sleep(0.002)
print(json.dumps({"worst": worst, "opened": opened, "refused": refused}))
"""


@pytest.fixture
def world(worlds):
    made = worlds(size=400 << 20)
    made.folder = made.share.on("work")
    made.user = made.new_user()
    os.mkdir(made.folder)
    for number in range(8):
        with open(os.path.join(made.folder, f"note {number}"), "w", encoding="utf-8") as file:
            file.write("a note\n" * 100)
        os.chown(os.path.join(made.folder, f"note {number}"), made.user, made.user)
    os.chown(made.folder, made.user, made.user)
    yield made.guarded()
    made.close()


def probe(world, seconds):
    script = world.share.at("probe.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(PROBE)
    return world.start(world.user, sys.executable, script, world.folder, seconds,
                       stdout=subprocess.PIPE, text=True)


def told(process):
    said, _ = process.communicate(timeout=60)
    return json.loads(said)


def listener(world):
    return world.status()["files"]["listener"]["pid"]


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_no_open_waits_over_a_second_when_the_listener_is(world, how):
    before = listener(world)
    process = probe(world, 3)
    time.sleep(1)
    os.kill(before, how)
    found = told(process)
    assert found["worst"] < MOST
    assert found["refused"] == 0 and found["opened"] > 100
    assert wait_until(lambda: listener(world) not in (before, None), 10), world.said()
    assert any("guard" in alarm["kind"] for alarm in world.status()["alarms"]) or \
        wait_until(world.is_ready, 10)


def test_stopped_again_and_again_it_is_still_nobody_who_waits(world):
    process = probe(world, 5)
    ended = time.monotonic() + 4
    while time.monotonic() < ended:
        pid = wait_until(lambda: listener(world), 2)
        if pid:
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        time.sleep(0.3)
    assert told(process)["worst"] < MOST


def test_when_all_of_ecluse_is_killed_the_share_is_as_free_as_before(world):
    process = probe(world, 3)
    time.sleep(1)
    os.killpg(world.guard.pid, signal.SIGKILL)
    world.guard.wait()
    world.guard = None
    found = told(process)
    assert found["worst"] < MOST and found["refused"] == 0


def groups_of(world):
    """The processes of this guard that have a fanotify group open: the listener, and who answers when it does not."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getpgid(int(pid)) == os.getpgid(world.guard.pid) and any(
                    "fanotify" in os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")):
                found.append(int(pid))
        except OSError:
            pass
    return found


def test_killed_as_one_while_opens_wait_it_lets_them_go(world):
    """What is open for writing has a mark of its own, and then the order in which groups end matters."""
    writer = world.start(world.user, sys.executable, "-c",
                         "import sys, time\nfile = open(sys.argv[1], 'r+')\nprint(1, flush=True)\ntime.sleep(30)",
                         os.path.join(world.folder, "note 0"), stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline()
    holders = groups_of(world)
    assert listener(world) in holders
    for pid in (world.guard.pid, *holders):
        os.kill(pid, signal.SIGSTOP)
    waiting = [probe(world, 1) for _ in range(4)]
    assert wait_until(lambda: any(b"fanotify" in pathlib.Path(f"/proc/{process.pid}/stack").read_bytes()
                                  for process in waiting), 10)
    for pid in (*holders, world.guard.pid):
        os.kill(pid, signal.SIGKILL)
    world.guard.wait()
    os.killpg(world.guard.pid, signal.SIGKILL)
    world.guard = None
    assert all(told(process)["worst"] < MOST for process in waiting)


OPEN_AGAIN = """
import sys, time
files = []
for turn in range(150):  # a mark lasts until all are taken off, a second at most
    files.append(open(sys.argv[1], "r+"))
    print(turn, flush=True)
    time.sleep(0.1)
"""


def test_no_open_waits_while_one_listener_takes_over_from_another(world):
    """Opens on a file that somebody writes to hold on to marks of the one that goes."""
    writer = world.start(world.user, sys.executable, "-c", OPEN_AGAIN,
                         os.path.join(world.folder, "note 0"), stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline()
    busy = [probe(world, 8) for _ in range(4)]
    for at_most in (501, 502, 503):
        before = listener(world)
        with open(world.contract, encoding="utf-8") as file:
            text = file.read()
        with open(world.contract, "w", encoding="utf-8") as file:
            file.write(text.replace(f"{{1h: {at_most - 1}}}", f"{{1h: {at_most}}}"))
        assert wait_until(lambda: listener(world) not in (before, None), 10), world.said()
    assert all(told(process)["worst"] < MOST for process in busy)


def test_on_a_full_disk_reading_goes_on_and_what_is_lost_is_told(world):
    space = os.statvfs(world.share.path)
    with open(world.share.on("ballast"), "wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_bsize * 9 // 10)
        file.seek(0, os.SEEK_END)
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError as error:
            assert error.errno == errno.ENOSPC
    found = told(probe(world, 2))
    assert found["worst"] < MOST and found["opened"] > 100
    os.remove(world.share.on("ballast"))


def test_descriptors_from_before_the_start_are_found(worlds):
    made = worlds()
    place = made.department("early", 12)
    path = os.path.join(place.path, sorted(place.before)[0])
    holder = made.start(place.user, sys.executable, "-c",
                        f"import sys, time; f = open({path!r}, 'r+b'); time.sleep(60)")
    assert wait_until(lambda: any(os.path.realpath(f"/proc/{holder.pid}/fd/{fd}") == path
                                  for fd in os.listdir(f"/proc/{holder.pid}/fd")))
    made.guarded()
    share = made.status()["files"]["shares"][0]
    assert share["opened_before"] == 1
    assert "opened_before" in [alarm["kind"] for alarm in made.status()["alarms"]]
    done = subprocess.run([made.program, "check", "--json", made.contract], capture_output=True,
                          text=True, check=True)
    assert json.loads(done.stdout)["opened_before"] == [{"process": holder.pid, "path": path}]
    assert path in made.ecluse("files", "opened").stdout
    made.unguarded()
    assert made.status()["files"] is None  # at once, and not when its last word is old
    made.close()


def test_observe_marks_nothing_and_keeps_nothing(worlds):
    made = worlds(mode="observe")
    place = made.department("observed", 120)
    made.guarded()
    destruction = made.destroy(place, "in-place")
    destruction.process.wait(30)
    assert len(destruction.done()) == place.count
    assert not os.path.exists(made.share.on(".ecluse-vault"))
    made.close()
