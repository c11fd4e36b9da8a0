"""Whoever encrypts or wipes a share is held at once, and nothing stays lost."""

import os
import pwd
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import long_only
from guarded_share import REWRITE, REWRITE_USER, wait_until
from samba import USERS, Samba
from world import ENCRYPT

FILES = 130
WAYS = subprocess.run([ENCRYPT, "ways"], capture_output=True, text=True, check=False).stdout.split() \
    if os.path.exists(ENCRYPT) else []
# How each comes by a directory, where that is not the order of names.
ORDER = {"rename-over": "random", "o-trunc": "backward"}
# What these take, no permission is asked for: they are held afterwards, and must take their time
# for it to be seen.
AFTERWARDS = {"new-and-unlink", "rename-over", "exchange", "truncate-path", "truncate-only", "unlink",
              "spawn-unlink", "spawn-rename-over", "spawn-truncate"}
HELD_WITHIN = 1.0  # seconds after the budget was crossed
SPARSE = 100 << 30


@pytest.fixture(scope="module")
def world(worlds):
    made = worlds()
    names = [*WAYS, "slow", "samba", "sparse", "large", "dry"]
    made.departments = {name: made.department(name, FILES) for name in names}
    sparse = made.departments["sparse"]
    path = os.path.join(sparse.path, "files", "0 sparse image")
    with open(path, "wb") as file:
        file.truncate(SPARSE)
        for at in (0, 5 << 30, 70 << 30, SPARSE - 8192):
            file.seek(at)
            file.write(os.urandom(16) + b"a disk of a virtual machine. " * 280)
    os.chown(path, sparse.user, sparse.user)
    sparse.again()
    return made.guarded()


def restore(world, holds):
    assert holds, "nobody was held"
    for hold in holds:
        world.restore("--hold", hold["hold"])
    return [hold["budget"] for hold in holds]


def within_a_second(destruction, limit=REWRITE):
    moments = destruction.crossing(limit)
    assert moments is None or moments[1] - moments[0] <= HELD_WITHIN


@pytest.fixture(scope="module")
def attacks(world):
    """All of them, by as many users, a few at a time: what came of each, and its holds."""
    def attack(way):
        pace = 20 if way in AFTERWARDS else 0
        order = ORDER.get(way, "forward")
        begun = world.destroy(world.departments[way], way, "--order", order, "--pause", pace)
        return begun, begun.until_held(world)
    with ThreadPoolExecutor(5) as pool:
        return dict(zip(WAYS, pool.map(attack, WAYS)))


@pytest.mark.parametrize("way", WAYS)
def test_is_held_and_undone(world, attacks, way):
    place, (destruction, holds) = world.departments[way], attacks[way]
    assert len(destruction.done()) < place.count, "it came to its end"
    within_a_second(destruction)
    assert place.lost(), "it destroyed nothing"
    restore(world, holds)
    assert place.lost() == {}


def test_slow_encryption_is_held_by_the_budget_of_its_user(worlds):
    """One file at a time, under the budget of a minute; the longer one is for that."""
    world = worlds(rewrite_user=40)
    place = world.department("slow", 60)
    world.guarded()
    destruction = world.destroy(place, "in-place", "--pause", "40")
    holds = destruction.until_held(world)
    assert len(destruction.done()) < place.count
    within_a_second(destruction, 40)
    assert restore(world, holds) == ["rewrites by one user"]
    assert place.lost() == {}


def test_a_file_of_100_gb_comes_back_with_its_holes(world):
    place = world.departments["sparse"]
    destruction = world.destroy(place, "in-place")
    holds = destruction.until_held(world)
    assert "files/0 sparse image" in place.lost()
    restore(world, holds)
    assert place.lost() == {}
    assert os.stat(os.path.join(place.path, "files", "0 sparse image")).st_blocks * 512 < 10 << 20


@pytest.fixture(scope="module")
def samba(world):
    made = Samba(world.share.path)
    yield made
    made.end()


def test_through_samba_one_user_is_held_and_the_other_goes_on(world, samba, tmp_path):
    place = world.departments["samba"]
    attacker, other = USERS
    for folder, _, names in os.walk(place.path):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            shutil.chown(path, attacker)
    place.again()
    time.sleep(1.5)  # for the vault: the owner is part of what comes back
    noise = tmp_path / "files"  # what an encrypting client would send
    for name in place.before:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(4000))
    os.chmod(world.share.on(), 0o755)
    mine = world.share.on("mine")
    os.mkdir(mine)
    shutil.chown(mine, other)
    samba.do(attacker, f"cd samba; recurse; prompt; mput {noise.name}", timeout=20,
             directory=str(tmp_path))
    lost = place.lost()
    assert 0 < len(lost) < place.count
    held = wait_until(lambda: world.holds_of(pwd.getpwnam(attacker).pw_uid), 3)
    assert held
    (tmp_path / "letter").write_text("a letter")
    status, said = samba.do(other, "cd mine; put letter; get letter back", directory=str(tmp_path))
    assert status == 0, said
    assert (tmp_path / "back").read_text() == "a letter"
    restore(world, held)
    assert place.lost() == {}


def test_a_dry_run_changes_nothing_and_to_another_place_neither(world):
    place = world.departments["dry"]
    hold = world.destroy(place, "unlink").until_held(world)[0]["hold"]
    lost = place.lost()
    done = world.ecluse("files", "restore", "--hold", hold, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert place.lost() == lost
    elsewhere = world.share.at("elsewhere")
    os.mkdir(elsewhere)
    world.restore("--hold", hold, "--to", elsewhere)
    assert place.lost() == lost
    assert sum(len(names) for _, _, names in os.walk(elsewhere)) == len(lost)


def test_a_whole_share_comes_back_by_time(worlds):
    """The budget of the user is the only one here: many files go before he is held."""
    world = worlds(rewrite=10 * REWRITE_USER)
    place = world.department("whole", 900)
    world.guarded()
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time()))
    destruction = world.destroy(place, "rename-extension")
    destruction.until_held(world)
    assert REWRITE_USER - REWRITE_USER // 60 - 1 <= len(place.lost()) < place.count
    within_a_second(destruction, REWRITE_USER)
    world.restore("--since", since)
    assert place.lost() == {}


@pytest.mark.parametrize("kind", ["btrfs", "ext4"])
def test_on_other_file_systems_what_was_opened_for_writing_comes_back(worlds, kind):
    """btrfs shares blocks as XFS does; on ext4 a copy is made before the first write."""
    world = worlds(kind=kind)
    place = world.department("other", FILES)
    world.guarded()
    destruction = world.destroy(place, "in-place")
    holds = destruction.until_held(world)
    assert 0 < len(place.lost()) < place.count
    within_a_second(destruction)
    restore(world, holds)
    assert place.lost() == {}
    world.close()


@long_only
def test_a_hundred_thousand_files_come_back(worlds):
    """Destroyed while no guard was up: with one, no budget lets so many go."""
    world = worlds(size=12 << 30)
    place = world.department("many", 100000)
    world.guarded(patience=300)
    world.unguarded()
    time.sleep(1.1)  # what was first kept in the second of a time is no state before it
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    world.destroy(place, "rename-extension", seconds=500).process.wait()
    assert len(place.lost()) == place.count
    world.restore("--since", began, timeout=900)
    assert place.lost() == {}
    world.close()
