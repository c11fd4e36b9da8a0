import os
import subprocess

import pytest

import world as world_of

LONG = bool(os.environ.get("ECLUSE_LONG"))
long_only = pytest.mark.skipif(not LONG, reason="takes long: ./check --long")


@pytest.fixture(scope="session")
def stock(tmp_path_factory):
    return world_of.file_tree.Stock(str(tmp_path_factory.mktemp("stock")))


@pytest.fixture(scope="module")
def worlds(stock):
    """Makes worlds that always end."""
    if os.geteuid() != 0:
        pytest.skip("mounts need root")
    if not os.path.exists(world_of.ENCRYPT):
        subprocess.run(["ninja", "-C", world_of.BUILD, "lab/encrypt"], check=True)
    made = []

    def make(**options):
        made.append(world_of.World(stock, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()
