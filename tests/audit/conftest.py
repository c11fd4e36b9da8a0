"""What the tests of the audit log share: the place of tests/cli, its origin, and a few looks at a log."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest


def _load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


SOURCE = pathlib.Path(__file__).resolve().parents[2]
cli = _load("cli_conftest", SOURCE / "tests/cli/conftest.py")
place = cli.place
wait_until, free_port, children, KNOWN = cli.wait_until, cli.free_port, cli.children, cli.KNOWN


class Log:
    """The audit log of a place."""

    def __init__(self, place):
        self.place = place
        self.folder = place.root / "state/audit"
        self.key = place.root / "state/keys/audit.pub"

    def entries(self, most=100000):
        done = self.place.ecluse("audit", "tail", "-n", str(most), "--json")
        if "no checkpoint yet" in done.stderr or "there is no audit log" in done.stderr:
            return []
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["entries"]

    def kinds(self):
        return [entry["kind"] for entry in self.entries()]

    def of(self, kind, **wanted):
        return [entry for entry in self.entries() if entry["kind"] == kind
                and all(entry.get(key) == value for key, value in wanted.items())]

    def wait_for(self, kind, seconds=10, **wanted):
        assert wait_until(lambda: self.of(kind, **wanted), seconds), self.entries()[-8:]
        return self.of(kind, **wanted)[-1]

    def verify(self, *more, status=0, folder=None):
        done = subprocess.run([cli.ECLUSE, "audit", "verify", str(folder or self.folder), "--json", *map(str, more)],
                              capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def recorder(self):
        return self.place.json("status")["audit"]["pid"]

    def settle(self):
        """All that was handed over is written."""
        assert wait_until(lambda: not self.place.json("status")["audit"]["waiting"])


@pytest.fixture
def log(place):
    return Log(place)
