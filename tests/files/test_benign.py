"""Ordinary work on a guarded share: it is done as ever, and nobody is held."""

import os

import pytest
import workloads
from conftest import long_only


TRUSTED = """\
    - {{name: database, executable: {program}, user: postgres}}
"""
BUDGETS = """\
  - name: the database reads
    meter: files_read
    per: user
    where: {share: exchange, trusted: database}
    at_most: {1h: 20000}
    over: hold
    hold_for: 1h
  - name: the database writes
    meter: files_rewritten
    per: user
    where: {share: exchange, trusted: database}
    at_most: {1h: 20000}
    over: hold
    hold_for: 1h
"""


@pytest.fixture(scope="module")
def world(worlds):
    database = f"{workloads.postgres_programs()}/postgres"
    return worlds(trusted=TRUSTED.format(program=database), budgets=BUDGETS).guarded()


@pytest.mark.parametrize("work", [
    *workloads.EVERY_TIME, *(pytest.param(work, marks=long_only) for work in workloads.LONG_ONLY)])
def test_nobody_is_held_for(world, work):
    user, directory = world.new_user(), world.share.on(work.__name__)
    os.mkdir(directory)
    os.chown(directory, user, user)
    work(world, user, directory)
    assert world.new_holds() == []
