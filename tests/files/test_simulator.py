"""The simulator itself: it destroys where it may, nowhere else, and what it did can be undone."""

import os
import shutil
import subprocess

import pytest
from world import ENCRYPT

WAYS = subprocess.run([ENCRYPT, "ways"], capture_output=True, text=True, check=False).stdout.split() \
    if os.path.exists(ENCRYPT) else []
# What they leave, no key undoes.
GONE = {"unlink", "punch-hole", "truncate-only", "spawn-unlink", "spawn-truncate"}
NEW_FILES = {"new-and-unlink", "rename-over", "exchange", "spawn-rename-over"}  # whose rights are a new file's


@pytest.fixture(scope="module")
def world(worlds):
    return worlds()


def simulator(*words):
    return subprocess.run([ENCRYPT, *words], capture_output=True, text=True, check=False,
                          timeout=60)


@pytest.mark.parametrize("way", WAYS)
def test_without_a_guard_every_file_is_lost_until_the_key_undoes_it(world, way):
    place = world.department(f"bare-{way}", 60)
    destruction = world.destroy(place, way)
    destruction.process.wait(30)
    assert len(destruction.done()) == place.count
    assert len(place.lost()) == place.count
    if way in GONE:
        return
    status, said = world.do(place.user, ENCRYPT, "undo", "--way", way, "--key", destruction.key(),
                            "--id", place.mark, place.path)
    assert status == 0, said
    rights = ("mode", "attributes") if way in NEW_FILES else ()
    assert place.lost(ignore=("changed", *rights)) == {}


def test_only_a_directory_that_it_made_is_its_place(world):
    place = world.department("own", 5)
    other = world.share.on("other")
    os.mkdir(other)
    shutil.copy(os.path.join(place.path, ".simulator-may-destroy-this"), other)
    open(os.path.join(other, "file"), "w", encoding="utf-8").close()
    os.symlink(place.path, world.share.on("link"))
    for path in (other, world.share.path, world.share.on("link"), "/", "/root", "/tmp"):
        done = simulator("run", "--way", "unlink", "--id", place.mark, path)
        assert done.returncode == 2, path
    assert simulator("run", "--way", "unlink", "--id", "0" * 32, place.path).returncode == 2
    assert os.path.exists(os.path.join(other, "file"))
    assert place.lost() == {}


def test_what_was_there_before_or_is_on_the_root_file_system_is_never_marked(world, tmp_path):
    there = world.share.on("there")
    os.mkdir(there)
    assert simulator("prepare", there).returncode == 2
    new = tmp_path / "new"
    assert simulator("prepare", str(new)).returncode == 2
    assert not new.exists()


def test_links_that_lead_out_of_its_directory_are_left_alone(world):
    place = world.department("links", 5)
    outside = world.share.on("outside")
    for name in ("symbolic", "hard"):
        path = f"{outside}-{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write("somebody else's")
        os.chown(path, place.user, place.user)
    os.symlink(f"{outside}-symbolic", os.path.join(place.path, "files", "symbolic"))
    os.link(f"{outside}-hard", os.path.join(place.path, "files", "hard"))
    world.destroy(place, "o-trunc").process.wait(30)
    for name in ("symbolic", "hard"):
        with open(f"{outside}-{name}", encoding="utf-8") as file:
            assert file.read() == "somebody else's"
    assert sum("gone" in keys or "bytes" in keys for keys in place.lost().values()) == 5
