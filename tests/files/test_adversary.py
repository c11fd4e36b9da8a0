"""Who has read the source and tries to slip past, to lose a file for good, or to make others wait."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from guarded_share import REWRITE, end_session, wait_until
from world import file_tree

NAMES = (b"two\nlines", b"not \xff\xfe text", b"with (deleted)", b'"quoted" \\ back',
         b"-rf", b" ", b"\x1b[31mred", b"." * 3, b"x" * 255)


@pytest.fixture(scope="module")
def world(worlds):
    made = worlds()
    made.departments = {name: made.department(name, 70 if name == "patient" else 120)
                        for name in ("moved", "linked", "patient", "names", "saved")}
    made.departments |= {f"crowd{threads}": made.department(f"crowd{threads}", 800)
                         for threads in (64, 700)}
    names = made.departments["names"]
    for name in NAMES:
        path = os.path.join(os.fsencode(names.path), b"files", name)
        with open(path, "wb") as file:
            file.write(b"what stands in it: " + name + b"\n" * 200)
        os.chown(path, names.user, names.user)
    names.again()
    return made.guarded()


def restore(world, holds):
    assert holds
    for hold in holds:
        world.restore("--hold", hold["hold"])


def test_files_of_a_folder_that_was_renamed_first_come_back_where_they_were(world):
    place = world.departments["moved"]
    status, said = world.do(place.user, "mv", os.path.join(place.path, "files"),
                            os.path.join(place.path, "gone"))
    assert status == 0, said
    restore(world, world.destroy(place, "in-place").until_held(world))
    now = {name.replace("gone/", "files/", 1): told
           for name, told in file_tree.snapshot(place.path).items()}
    missing, other = file_tree.differences(place.before, now)
    assert not missing and not other


def test_a_restore_follows_no_link_that_the_attacker_left(world):
    """Root writes what comes back: it must not write where a link leads."""
    place = world.departments["linked"]
    outside = world.share.at("outside")
    holds = world.destroy(place, "unlink").until_held(world)
    lost = place.lost()
    shutil.copytree(os.path.join(place.path, "files"), outside)
    victim = os.path.join(outside, next(iter(lost))[len("files/"):])
    os.makedirs(os.path.dirname(victim), exist_ok=True)
    with open(victim, "w", encoding="utf-8") as file:
        file.write("not to be touched")
    before = file_tree.snapshot(outside)
    os.rename(os.path.join(place.path, "files"), os.path.join(place.path, "away"))
    os.symlink(outside, os.path.join(place.path, "files"))
    assert holds
    for hold in holds:
        world.ecluse("files", "restore", "--hold", hold["hold"], "--yes")
    assert file_tree.differences(before, file_tree.snapshot(outside)) == ([], {})
    assert set(file_tree.snapshot(outside)) == set(before)


PATIENT = """
import mmap, os, sys, time
paths = [os.path.join(f, n) for f, _, names in os.walk(sys.argv[1]) for n in sorted(names)]
maps = []
for path in paths:  # never more at once than a budget allows, and nothing is written
    try:
        with open(path, "r+b") as file:
            maps.append(mmap.mmap(file.fileno(), 0))
    except (OSError, ValueError):
        pass
    if len(maps) % 20 == 0:
        time.sleep(2.2)
print(len(maps), flush=True)
for bytes in maps:
    bytes[:] = os.urandom(len(bytes))
print("written", flush=True)
"""


def test_mappings_made_with_patience_and_written_at_once_are_undone(world):
    place = world.departments["patient"]
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    process = world.start(place.user, sys.executable, "-c", PATIENT,
                          os.path.join(place.path, "files"), stdout=subprocess.PIPE, text=True)
    assert int(process.stdout.readline()) > REWRITE
    assert wait_until(lambda: world.holds_of(place.user), 5)
    process.kill()
    process.wait()
    assert place.lost()
    world.restore("--since", began, "--path", os.path.join(place.path, "files"))
    assert place.lost() == {}


def test_any_name_comes_back(world):
    place = world.departments["names"]
    holds = world.destroy(place, "unlink", "--order", "forward").until_held(world)
    lost = place.lost()
    assert any(os.fsdecode(name) in path for name in NAMES for path in lost)
    restore(world, holds)
    assert place.lost() == {}


SAVE = """
import os, sys, time
os.umask(0)
with open(sys.argv[1], "w") as file:
    file.write("the work of a day\\n" * int(sys.argv[2]))
time.sleep(float(sys.argv[3]))
if sys.argv[4] == "empty":
    os.truncate(sys.argv[1], 0)
"""


@pytest.mark.parametrize("by", ["its own program", "another"])
@pytest.mark.parametrize("lines, after", [(500, 0.1), (50000, 3)], ids=["small", "large"])
def test_what_was_saved_a_moment_ago_and_emptied_by_path_comes_back(world, by, lines, after):
    """A clone comes half a second after the close; a small file is read when it is closed."""
    place = world.departments["saved"]
    path = os.path.join(place.path, "files", f"by {by}, {lines} lines")
    own = by == "its own program"
    saved = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))  # in between
    done = world.do(place.user, sys.executable, "-c", SAVE, path, lines, after if own else 0,
                    "empty" if own else "keep")
    assert done[0] == 0, done[1]
    if not own:
        time.sleep(after - 0.1)
        status, said = world.do(world.new_user(), "truncate", "-s", "0", path)
        assert status == 0, said
    assert os.path.getsize(path) == 0
    time.sleep(1.5)
    when = ("--since", saved) if after > 1 else ()
    world.restore(*when, "--path", path)
    with open(path, encoding="utf-8") as file:
        assert file.read() == "the work of a day\n" * lines


EMPTY = """
import os, sys
open(os.path.join(sys.argv[1], "mine"), "w").close()
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    try:
        os.truncate(path, 0)
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        pass
"""
MAKE = """
import os, sys
os.umask(0)
for number in range(int(sys.argv[2])):
    with open(os.path.join(sys.argv[1], f"letter {number}"), "w") as file:
        file.write(f"letter {number}\\n" * 60)
"""


def shared_folder(world, name):
    folder = world.share.on(name)
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    return folder


def test_what_is_emptied_and_then_opened_as_if_it_were_new_counts(worlds):
    """A file that is empty and a few seconds old is answered at once: unless it held something."""
    world = worlds()
    user, other, folder = world.new_user(), world.new_user(), shared_folder(world, "young")
    world.guarded()
    assert world.do(user, sys.executable, "-c", MAKE, folder, "150") == (0, "")
    time.sleep(1.2)
    world.do(other, sys.executable, "-c", EMPTY, folder)
    assert wait_until(lambda: world.holds_of(other), 5)
    world.close()


# One thread that serves one user and then another, as a file server may.
SERVE_TWO = """
import ctypes, os, sys, time
libc, (first, second) = ctypes.CDLL(None), map(int, sys.argv[2:])
os.umask(0)
for number in range(100):
    libc.setfsuid(0), libc.setfsuid(first)
    os.close(os.open(sys.argv[1] + "/first", os.O_RDONLY))
    libc.setfsuid(0), libc.setfsuid(second)
    with open(f"{sys.argv[1]}/second {number}", "w") as file:
        file.write(f"a letter of the second user, {number}\\n" * 40)
time.sleep(6)
libc.setfsuid(0), libc.setfsuid(first)
for number in range(100):
    try:
        with open(f"{sys.argv[1]}/second {number}", "wb") as file:
            file.write(os.urandom(1500))
    except PermissionError:
        pass
"""


def test_a_server_that_serves_another_user_by_now_gives_nobody_anothers_files(worlds):
    world = worlds()
    first, second, folder = world.new_user(), world.new_user(), shared_folder(world, "served")
    with open(os.path.join(folder, "first"), "w", encoding="utf-8") as file:
        file.write("to be read\n")
    world.guarded()
    world.do(None, sys.executable, "-c", SERVE_TWO, folder, str(first), str(second))
    assert wait_until(lambda: world.holds_of(first), 5), "they were taken for his own"
    assert not world.holds_of(second)
    world.close()


def test_churn_takes_nobody_elses_history(worlds):
    """A vault of 64 MB: who writes ten times as much loses his own versions at most."""
    world = worlds(more="  vault: {at_most: 64MB, per_user: 16MB}\n", rewrite=65536,
                   rewrite_user=60)
    place, churn = world.department("victims", 100), world.department("churn", 5)
    world.guarded()
    holds = world.destroy(place, "in-place").until_held(world)
    assert place.lost()
    script = "import os, sys\nfor turn in range(40):\n" \
             "    for name in range(4):\n        try:\n" \
             "            open(f'{sys.argv[1]}/c{name}', 'wb').write(os.urandom(4 << 20))\n" \
             "        except OSError:\n            pass\n"
    world.do(churn.user, sys.executable, "-c", script, churn.path, timeout=60)
    restore(world, holds)
    assert place.lost() == {}
    world.close()


CROWD = """
import os, sys, threading, time
end = time.monotonic() + float(sys.argv[2])
def work(path):
    while time.monotonic() < end:
        try:
            os.close(os.open(path, os.O_WRONLY))  # nothing is read: no budget is touched
        except OSError:
            time.sleep(0.01)
paths = [os.path.join(f, n) for f, _, names in os.walk(sys.argv[1]) for n in names]
for number in range(int(sys.argv[3])):
    threading.Thread(target=work, args=(paths[number % len(paths)],)).start()
"""
PROBE = """
import os, sys, time
worst, refused, end = 0, 0, time.monotonic() + 3
while time.monotonic() < end:
    before = time.monotonic()
    try:
        os.close(os.open(sys.argv[1], os.O_RDWR))
    except OSError:
        refused += 1
    worst = max(worst, time.monotonic() - before)
    time.sleep(0.01)
print(worst, refused)
"""


@pytest.mark.parametrize("threads", [64, 700])
def test_a_crowd_that_opens_keeps_nobody_else_from_writing(world, threads):
    """It rewrites nothing, so that no hold ends it: it waits, and waits."""
    place = world.departments[f"crowd{threads}"]
    crowd = world.start(place.user, sys.executable, "-c", CROWD, os.path.join(place.path, "files"),
                        5, threads)
    other = world.new_user()
    mine = world.share.on(f"a file of {other}")
    with open(mine, "w", encoding="utf-8") as file:
        file.write("mine")
    os.chown(mine, other, other)
    time.sleep(1)
    status, said = world.do(other, sys.executable, "-c", PROBE, mine)
    end_session(crowd)
    assert status == 0, said
    worst, refused = said.split()
    assert float(worst) < 1.0 and int(refused) == 0, said

