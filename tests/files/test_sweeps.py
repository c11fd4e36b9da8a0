"""Who reads a whole share is held at his budget, whatever he reads it with."""

import os
import subprocess
import sys

import pytest
from file_tree import files
from guarded_share import SWEEP, end_session, wait_until

FILES = SWEEP + 150
LEAST = SWEEP - SWEEP // 60 - 1  # a window may refuse up to a sixtieth of itself early

SCRIPT = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as file, \\
                    open(os.path.join(sys.argv[2], name), "wb") as out:
                out.write(file.read())
        except OSError:
            os.path.exists(os.path.join(sys.argv[2], name)) and os.remove(os.path.join(sys.argv[2], name))
"""
SPREAD = """
import os, subprocess, sys
paths = sorted(os.path.join(f, n) for f, _, names in os.walk(sys.argv[1]) for n in names)
for path in paths:  # each by a process and a session of its own
    out = os.path.join(sys.argv[2], os.path.basename(path))
    subprocess.run(["setsid", "-f", "-w", "cp", path, out], stderr=subprocess.DEVNULL)
"""

SWEEPS = {
    "cp": "cp -r '{share}' '{out}'",
    "tar": "tar cf - '{share}' | tar xf - -C '{out}'",
    "rsync": "rsync -a '{share}' '{out}'",
    "script": f"{sys.executable} '{{home}}/script.py' '{{share}}' '{{out}}'",
    "namespace": "unshare -Urm cp -r '{share}' '{out}'",
    "overlay": "mkdir '{out}'/.o '{out}'/.e && unshare -Urm sh -c \"mount -t overlay overlay -o "
               "lowerdir='{share}':'{out}/.e' '{out}/.o' && cp -r '{out}/.o' '{out}/copy'\"",
    "process-each": f"{sys.executable} '{{home}}/spread.py' '{{share}}' '{{out}}'",
}


@pytest.fixture(scope="module")
def world(worlds):
    made = worlds()
    for name, text in (("script.py", SCRIPT), ("spread.py", SPREAD)):
        with open(made.share.at(name), "w", encoding="utf-8") as file:
            file.write(text)
    made.departments = {how: made.department(f"sweep-{how}", FILES) for how in (*SWEEPS, "again")}
    return made.guarded()


def taken(out):
    """How many files came out with something in them."""
    found = subprocess.run(["find", out, "-type", "f", "-size", "+0", "-not", "-name", ".*", "-printf",
                            "x"], capture_output=True, text=True, check=False)  # as they come and go
    return len(found.stdout)


def sweep(world, department, how, user):
    out = world.share.at(f"out-{os.path.basename(department.path)}")
    os.mkdir(out)
    os.chown(out, user, user)
    command = SWEEPS[how].format(share=os.path.join(department.path, "files"), out=out,
                                 home=world.share.home)
    process = world.start(user, "sh", "-c", command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    last = [-1, 0]

    def is_over():
        if process.poll() is not None:
            return True
        now = taken(out)  # frozen: it comes no further
        last[1] = last[1] + 1 if now == last[0] else 0
        last[0] = now
        return last[1] > 25
    assert wait_until(is_over, 40)
    end_session(process)
    return taken(out)


@pytest.mark.parametrize("how", SWEEPS)
def test_no_file_beyond_the_budget_is_opened_by(world, how):
    department = world.departments[how]
    got = sweep(world, department, how, department.user)
    assert LEAST <= got <= SWEEP
    held = wait_until(lambda: world.holds_of(department.user), 3)
    assert [hold["budget"] for hold in held] == ["share sweep"]


def test_a_second_attempt_gets_nothing_and_another_user_is_not_held(world):
    department = world.departments["again"]
    first = sweep(world, department, "cp", department.user)
    assert LEAST <= first <= SWEEP
    os.chmod(department.path, 0o755)
    again = world.share.at("again")
    status, _ = world.do(department.user, "cp", "-r", os.path.join(department.path, "files"), again,
                         timeout=20)
    assert status != 0 and not os.path.exists(again)
    other = world.new_user()
    readable = [path for path, _ in files(os.path.join(department.path, "files")) if os.stat(path).st_mode & 0o004][:20]
    status, said = world.do(other, "cat", *readable, timeout=20)
    assert status == 0, said[-300:]
