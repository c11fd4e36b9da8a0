"""What the tests of the demo share: where it plays, and in which order tests are dealt to workers."""

import importlib.util
import pathlib
import shutil
import tempfile

import pytest


@pytest.fixture
def place():
    """A directory that processes with fewer rights can pass through. Not below pytest's own, which each session that
    begins closes to everybody else."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="ecluse-demo-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def pytest_collection_modifyitems(items):
    path = pathlib.Path(__file__).resolve().parents[1] / "cli/conftest.py"
    spec = importlib.util.spec_from_file_location("cli_conftest", path)
    cli = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cli)
    cli.longest_first(items, ("test_an_origin_that", "test_once_everything", "test_the_theft_stops", "test_interrupted",
                              "test_a_share_is"))
