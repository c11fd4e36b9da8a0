import pytest
from stage import BUILD, Stage

collect_ignore = [] if (BUILD / "ngx_http_ecluse_module.so").exists() else ["test_act.py"]


@pytest.fixture(scope="module")
def stage():
    made = Stage()
    yield made
    made.end()


@pytest.fixture
def own_stage():
    made = Stage()
    yield made
    made.end()
