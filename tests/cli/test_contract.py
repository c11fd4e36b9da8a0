"""check and explain: a contract before anything runs."""

import json
import re

MISTAKES = """\
ecluse: 1
mood: enforce
mode: enfroce
state: /var/lib/ecluse
runtime: /run/ecluse
tracking:
  formats: [s10, s11]
  stale_after: 24 parsecs
promises:
  - {name: tracking answers, route: trakcing, success: 99%, within: 300ms, over: 5m}
budgets:
  - name: logins
    meter: request
    per: clients
    at_most: {1h: 60, 10s: five}
    over: slow
  - name: logins
    meter: requests
    per: client
    at_most: {10s: 5}
    over: explode
"""


def test_a_sound_contract_says_what_may_be_lost(place):
    done = place.ecluse("check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("This contract is sound.\n") and len(done.stdout.splitlines()) > 1


def test_every_mistake_has_its_place_in_one_run(place):
    place.contract.write_text(MISTAKES)
    done = place.ecluse("check")
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    form = re.escape(str(place.contract)) + r":\d+:\d+: \S"
    assert all(re.match(form, line) for line in lines), lines
    at = {int(line.split(":")[1]) for line in lines}
    assert {2, 3, 7, 8, 10, 13, 14, 15, 17, 21} <= at, done.stderr


def test_mistakes_reach_programs_too(place):
    place.contract.write_text(MISTAKES)
    told = place.json("check", status=2)
    assert told["sound"] is False and len(told["problems"]) >= 10
    assert all({"line", "column", "text"} == set(problem) for problem in told["problems"])


def test_the_environment_names_a_contract(place):
    done = place.ecluse("check", contract=False, env={"ECLUSE_CONTRACT": str(place.contract)})
    assert done.returncode == 0, done.stderr


def test_a_contract_is_explained_in_english_and_in_french(place):
    english, french = place.ecluse("explain").stdout, place.ecluse("explain", "--lang", "fr").stdout
    assert english and french and english != french
    assert "tracking answers" in english and "tracking answers" in french
    assert place.ecluse("explain", "--lang", "nl").returncode == 2


def test_an_explanation_reaches_programs(place):
    told = place.json("explain", "--lang", "fr")
    assert told["lang"] == "fr" and told["sentences"]
    assert json.dumps(told["sentences"], ensure_ascii=False) != json.dumps(
        place.json("explain")["sentences"], ensure_ascii=False)
