import contextlib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
sys.dont_write_bytecode = True

from front import Front  # noqa: E402


@pytest.fixture
def front():
    """Starts fronts, and stops all of them at the end."""
    with contextlib.ExitStack() as stack:
        def start(*parcels, run=True, stage=True, **options):
            f = stack.enter_context(Front(**options))
            if stage:
                f.start_stage()
                if parcels:
                    f.feed(*parcels)
            if run:
                f.start_nginx()
            return f
        yield start
