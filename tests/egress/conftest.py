import os

import pytest

from world import STAGE, World


@pytest.fixture
def world():
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    assert STAGE.exists(), "build first: ninja -C build"
    made = []

    def make(guard=True, **options):
        w = World(**options)
        made.append(w)
        if guard:
            w.start_guard()
        return w
    yield make
    for w in made:
        w.close()
