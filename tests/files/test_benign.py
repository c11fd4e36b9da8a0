"""Ordinary work on a guarded share: it is done as ever, and nobody is held."""

import os

import pytest
import workloads
from conftest import long_only


@pytest.fixture(scope="module")
def world(worlds):
    return worlds(**workloads.with_a_database()).guarded()


@pytest.mark.parametrize("work", [
    *workloads.EVERY_TIME, *(pytest.param(work, marks=long_only) for work in workloads.LONG_ONLY)])
def test_nobody_is_held_for(world, work):
    user, directory = world.new_user(), world.share.on(work.__name__)
    os.mkdir(directory)
    os.chown(directory, user, user)
    try:
        work(world, user, directory)
    finally:
        held = "\n".join(world.ecluse("why", hold["hold"]).stdout[:1500]
                         for hold in world.new_holds())
        assert not held, held
