"""A guarded share, and people at work on it."""

import itertools
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "lab"))

import file_tree  # noqa: E402  (its folder is only known now)
from disposable_share import in_memory  # noqa: E402
from guarded_share import Department, GuardedShare, People, end_session  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ECLUSE_BUILD", SOURCE / "build"))
ENCRYPT = str(BUILD / "lab" / "encrypt")
# Numbers that no user of the system has, none twice: what a hold stops is stopped everywhere.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])  # tests may run side by side
USERS = itertools.count(61000 + 2000 * WORKER, 10)


class World(GuardedShare):
    def __init__(self, stock, **options):
        super().__init__(BUILD, **{"within": in_memory(), **options})
        self.stock, self.people = stock, People()

    def new_user(self):
        return next(USERS)

    def department(self, name, count=150):
        return Department(BUILD, self.share, self.stock, name, self.new_user(), count)

    def destroy(self, department, way, *options, seconds=30):
        log = self.share.at(f"{os.path.basename(department.path)}-{way}.log")
        return department.destroy(self.people, log, way, *map(str, options), seconds=seconds)

    def start(self, user, *command, **options):
        return self.people.start(user, *command, **options)

    def do(self, user, *command, timeout=120, **options):
        """A program as a user, to its end: (exit status, what it said)."""
        process = self.start(user, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace", **options)
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end_session(process)
            said = process.communicate()[0] + "\n(it did not end)"
        return process.returncode, said

    def close(self):
        self.people.end()
        super().close()
