"""`ecluse operator`: who may use the desk, and what of it is on the record."""

import json

import pytest
from conftest import wait_until

PASSWORD = "correct horse battery"


@pytest.fixture
def password(place):
    file = place.root / "password"
    file.write_text(PASSWORD + "\n")
    return str(file)


def add(place, password, name, role="see"):
    return place.ecluse("operator", "add", name, "--role", role, "--password-file", password)


def entries(place, kind):
    """What the log has of it, once all is written that was handed over."""
    assert wait_until(lambda: not place.json("status")["audit"]["waiting"])
    return [entry for entry in place.json("audit", "tail", "-n", "1000")["entries"] if entry["kind"] == kind]


def test_only_what_could_be_done_is_on_the_record(place, password):
    place.run()
    assert add(place, password, "ana").returncode == 0
    assert [entry["reason"] for entry in entries(place, "operator")] == ["an operator is added by command"]
    short = place.root / "short"
    short.write_text("short\n")
    for done in (add(place, password, "ana"), add(place, str(short), "eve"), add(place, "/nonexistent/file", "eve"),
                 place.ecluse("operator", "remove", "bob"), place.ecluse("operator", "totp", "bob"),
                 place.ecluse("operator", "role", "bob", "--role", "see"),
                 place.ecluse("operator", "password", "bob", "--password-file", password)):
        assert done.returncode == 2 and done.stderr
    assert len(entries(place, "operator")) == 1
    assert place.ecluse("operator", "remove", "ana").stdout == "ana: an operator was removed\n"
    assert [entry["reason"] for entry in entries(place, "operator")][1:] == ["an operator is removed by command"]


def test_a_list_of_nobody_is_a_list(place, password):
    done = place.ecluse("operator", "list")
    assert done.returncode == 0 and "ecluse operator add" in done.stdout and "name  role" not in done.stdout
    assert place.json("operator", "list") == {"operators": []}
    assert place.json("key", "list") == {"keys": []} and "No key" in place.ecluse("key", "list").stdout
    assert add(place, password, "ana").returncode == 0
    (place.root / "state/access/operators").write_text("no such line\n")
    assert place.ecluse("operator", "list").returncode == 2


def test_what_could_not_be_saved_is_taken_back_on_the_record(place, password):
    place.run()
    assert add(place, password, "ana").returncode == 0
    (place.root / "state/access/operators.new").mkdir()
    done = place.ecluse("operator", "remove", "ana")
    assert done.returncode == 2 and "operators.new cannot be made" in done.stderr
    taken_back = [(entry["object"], entry["reason"]) for entry in entries(place, "alarm")]
    assert ("operator", "not done: it could not be saved") in taken_back
    assert [row["name"] for row in place.json("operator", "list")["operators"]] == ["ana"]
