"""`ecluse files`: what is shown, what is asked for, and what is on the record."""

import json
import os
import random

import pytest
from guarded_share import wait_until

DAY = "The postman came at nine. "


@pytest.fixture(scope="module")
def world(worlds):
    made = worlds()
    made.place = made.department("desk", 120)
    return made.guarded()


def files(world, *words):
    done = world.ecluse("files", *words, "--json")
    assert done.stdout.startswith("{"), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_was_held_is_listed_and_what_others_changed_since_is_left_to_a_person(world):
    place, colleague = world.place, world.new_user()
    holds = world.destroy(place, "in-place", "--pause", "5").until_held(world)
    hold = holds[0]["hold"]
    lost = sorted(place.lost())
    saved = os.path.join(place.path, lost[0])
    os.chmod(saved, 0o666)
    for folder in (os.path.dirname(saved), os.path.dirname(os.path.dirname(saved)), place.path):
        os.chmod(folder, 0o777)
    status, said = world.do(colleague, "sh", "-c", f'yes "{DAY}" | head -n 900 >"$0"', saved)
    assert status == 0, said

    _, told = files(world, "list")
    assert hold in [one["hold"] for one in told["shares"][0]["holds"]]
    status, plan = files(world, "list", "--hold", hold)
    states = {item["path"]: item["state"] for item in plan["files"]}
    assert status == 0 and plan["dry_run"] and sorted(place.lost()) == lost
    assert {f"desk/{name}" for name in lost} <= set(states)
    assert wait_until(lambda: {item["path"]: item["state"] for item in files(
        world, "list", "--hold", hold)[1]["files"]}[f"desk/{lost[0]}"] == "changed", 5)

    status, done = files(world, "restore", "--hold", hold)
    assert status == 1 and done["skipped"] == 1
    assert list(place.lost()) == [lost[0]]
    with open(saved, encoding="utf-8") as file:
        assert file.readline() == DAY + "\n"
    status, done = files(world, "restore", "--hold", hold, "--yes")
    assert status == 0 and done["restored"] == 1
    assert wait_until(lambda: not place.lost({"mode"}), 3), place.lost()

    again = world.ecluse("files", "restore", "--hold", hold)
    assert again.returncode == 0 and f"nothing to put back: all {len(done['files'])} stand as they were" in again.stdout
    assert world.ecluse("files", "list", "--hold", hold).stdout.splitlines()[1].split()[-1] == "now"

    # What was replaced is in the vault: its path shows it.
    _, told = files(world, "list", "--path", saved)
    sizes = [one["size"] for one in told["shares"][0]["paths"][0]["versions"]]
    assert len(DAY + "\n") * 900 in sizes


def test_restoring_is_on_the_record_without_names(world):
    done = world.ecluse("audit", "tail", "--lines", "200")
    lines = [line for line in done.stdout.splitlines() if " restore " in f" {line} "]
    assert len(lines) >= 2, done.stdout
    assert "files/" not in done.stdout and world.place.path not in done.stdout


def test_with_the_guard_stopped_a_time_and_a_path_are_restored(world):
    place = world.place
    place.again()
    world.unguarded()
    names = random.Random(4).sample(sorted(place.before), 5)
    for name in names:
        os.unlink(os.path.join(place.path, name))
    world.restore("--path", os.path.join(place.path, "files"))
    assert place.lost() == {}
    world.guarded()


@pytest.mark.parametrize("words, told", [
    (("restore",), "--hold HOLD, --since TIME or --path PATH"),
    (("restore", "--since", "tomorrow"), "a time is"),
    (("restore", "--hold", "hold-0-files", "--since", "1h"), "either --hold or --since"),
    (("restore", "--path", "/etc/passwd"), "lies in no share"),
    (("restore", "--hold", "hold-ffff-files"), "knows no hold-ffff-files"),
    (("undo",), "`files list`"),
])
def test_a_mistake_says_what_is_meant(world, words, told):
    done = world.ecluse("files", *words)
    assert done.returncode == 2 and told in done.stderr, done.stderr
