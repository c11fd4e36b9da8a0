"""The JSON Schema that editors use agrees with the checker about the sample contracts.

Names say what a sample is: `bad-form-` is refused by the schema already, `bad-rule-` only by the checker (a rule
that spans fields), everything else is a contract.
"""
import copy
import json
import pathlib

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "tests" / "contracts").glob("*.yaml"))
SCHEMA = json.loads((ROOT / "docs" / "contract.schema.json").read_text())


def mistakes(contract):
    return list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(contract))


def read(name):
    return yaml.safe_load((ROOT / "tests" / "contracts" / name).read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_judged_by_their_names(sample):
    found = mistakes(read(sample.name))
    assert bool(found) == sample.name.startswith("bad-form-"), found


@pytest.mark.parametrize("sample", ["bad-form-many.yaml"])
def test_every_mistake_of_form_is_found(sample):
    assert len(mistakes(read(sample))) >= 10


def change(contract, path, value):
    changed = copy.deepcopy(contract)
    at = changed
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


@pytest.mark.parametrize("path, value", [
    (["ecluse"], 2),
    (["ecluse"], None),
    (["budgets", 1, "hold_for"], None),
    (["budgets", 0, "hold_for"], "1h"),
    (["budgets", 0, "at_most", "1h"], "5MB"),
    (["budgets", 1, "at_most", "1h"], 500),
    (["budgets", 0, "at_most", "1 h"], 500),
    (["budgets", 0, "where", "to"], "un listed"),
    (["promises", 0, "success"], "101%"),
    (["promises", 0, "success"], None),
    (["promises", 0, "statement"], "first"),
    (["network", "destinations", "unlisted"], ["192.0.2.0/24"]),
    (["network", "inside"], "10.1.0.0/16"),
    (["files", "shares", 0, "path"], "srv"),
    (["tracking", "formats"], []),
    (["mode"], "enforced"),
    (["protected", 0, "form"], []),
])
def test_one_mistake_in_the_design_s_example_is_found(path, value):
    good = read("design-example.yaml")
    assert not mistakes(good)
    assert mistakes(change(good, path, value))
