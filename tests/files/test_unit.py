"""The rights that packaging/ gives `ecluse run` under systemd are enough for the guard."""

import re

import pytest
from world import SOURCE

PACKAGING = SOURCE / "packaging"


def rights(*files):
    """What CapabilityBoundingSet= of these adds up to."""
    lines = [line for file in files
             for line in re.findall(r"^CapabilityBoundingSet=(.*)$", (PACKAGING / file).read_text(), re.M)]
    return {name.removeprefix("CAP_").lower() for line in lines for name in line.split()}


def others(kept):
    """What this machine's root has, and not those."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    with open("/usr/include/linux/capability.h", encoding="ascii") as file:
        numbers = {int(number): name.lower()
                   for name, number in re.findall(r"^#define CAP_(\w+)\s+(\d+)$", file.read(), re.M)}
    with open("/proc/self/status", encoding="ascii") as file:
        has = int(re.search(r"CapBnd:\s*(\w+)", file.read())[1], 16)
    return [f"-{numbers[number]}" for number in range(last + 1)
            if has >> number & 1 and numbers[number] not in kept]


def test_the_guard_holds_and_puts_back_with_the_rights_of_the_unit(worlds):
    world = worlds(size=600 << 20)
    place = world.department("unit", 130)
    dropped = ",".join(others(rights("ecluse.service", "files.conf")))
    world.guarded(begun_by=("setpriv", "--pdeathsig", "TERM", f"--bounding-set={dropped}"))
    holds = world.destroy(place, "in-place").until_held(world)
    assert holds and place.lost()
    for hold in holds:
        world.restore("--hold", hold["hold"])
    assert place.lost() == {}
    with open(world.share.at("run.log"), encoding="utf-8") as log:
        said = log.read()
    assert "cannot" not in said and "ended" not in said, said


def test_without_the_drop_in_it_says_what_is_missing(worlds):
    world = worlds(size=300 << 20)
    dropped = ",".join(others(rights("ecluse.service")))
    with pytest.raises(AssertionError, match=r"lacks CAP_SYS_ADMIN .*packaging/files.conf"):
        world.guarded(patience=3, begun_by=("setpriv", "--pdeathsig", "TERM", f"--bounding-set={dropped}"))
    with open(world.share.at("run.log"), encoding="utf-8") as log:
        assert log.read().count("lacks") == 1
    assert "lacks" in world.status()["files"]["shares"][0]["reason"]
