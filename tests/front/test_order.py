"""When an origin is short: who is served first. The origin answers one after the other; a flood waits for the same
route, or for another."""
import concurrent.futures
import json
import statistics
import subprocess
import time

import pytest

from front import BUILD, until
from test_pressure import MANY, SERVER, Flood, OneAtATime, ask, challenges, started

HERE = "127.0.0.1"
TWO_ORIGINS = SERVER.replace("location @origin", """location /other/ {{
            ecluse_origin other;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location @origin""")
PAGE = {"Accept": "text/html,*/*;q=0.8"}


def shown(f, visits, age, address=HERE):
    """What the holder of a pass sends: known with 9 visits an hour ago, fresh without a visit, just now."""
    cookie = f.tell(f"pass {address} {visits} {age} proven")["cookie"]
    return {**PAGE, "Cookie": f"ecluse_pass={cookie}"}


def known(f):
    return shown(f, 9, 3600)


def fresh(f):
    return shown(f, 0, 5)


@pytest.mark.parametrize("who", (known, fresh))
def test_who_has_shown_proof_goes_on_while_strangers_are_asked(front, who):
    f = started(front)
    with OneAtATime(f.origin, 0.01), Flood(f, "/recherche"):
        until(lambda: challenges(f, "search"))
        answers = [ask(f, "/recherche?q=mine", headers=who(f)) for _ in range(20)]
    assert [status for status, _ in answers] == [200] * 20
    assert max(seconds for _, seconds in answers) < 2
    assert f.tell("gate")["good_refused"] == 0


def ask_often(f, headers, times, every=0.0):
    delays = []
    for _ in range(times):
        status, seconds = ask(f, "/recherche?q=mine", headers=headers)
        delays.append(seconds if status == 200 else 9)
        time.sleep(every)
    return delays


def test_who_is_known_goes_before_those_who_have_only_just_come(front):
    f = started(front)
    crowd = [fresh(f) for _ in range(60)]
    mine = [known(f) for _ in range(2)]
    with OneAtATime(f.origin, 0.01), concurrent.futures.ThreadPoolExecutor(70) as pool:
        theirs = [pool.submit(ask_often, f, headers, 12) for headers in crowd]
        time.sleep(2)
        ours = [pool.submit(ask_often, f, headers, 10, 0.1) for headers in mine]
        ours = [seconds for each in ours for seconds in each.result()]
        theirs = [seconds for each in theirs for seconds in each.result()]
    assert max(ours) < 1.5
    assert statistics.median(ours) * 2 < statistics.median(theirs)


def test_each_origin_has_places_of_its_own(front):
    f = started(front, server=TWO_ORIGINS)
    f.origin.delay = 1
    with Flood(f, "/recherche"):
        until(lambda: f.tell("gate")["waiting"] > 0)
        status, seconds = ask(f, "/other/x")
    assert status == 200 and seconds < 1.4


def test_a_network_of_many_does_not_keep_one_alone_out(front):
    f = started(front)
    crowd = [shown(f, 9, 3600, "127.0.7.7") for _ in range(MANY)]
    alone = shown(f, 9, 3600, "127.0.9.9")
    with OneAtATime(f.origin, 0.01), concurrent.futures.ThreadPoolExecutor(MANY + 2) as pool:
        def often(headers, source, times):
            delays = []
            for _ in range(times):
                status, seconds = ask(f, "/recherche?q=1", headers=headers, source=source)
                delays.append(seconds if status == 200 else 9)
            return delays
        theirs = [pool.submit(often, headers, "127.0.7.7", 16) for headers in crowd]
        time.sleep(2)
        ours = pool.submit(often, alone, "127.0.9.9", 10).result()
        theirs = [seconds for each in theirs for seconds in each.result()]
    assert statistics.median(ours) * 2 < statistics.median(theirs)


# ---- What is said of it

def ecluse(f, *words):
    done = subprocess.run([BUILD / "ecluse", *words, "-c", f.directory / "ecluse.yaml", "--json"], capture_output=True,
                          text=True, check=False, timeout=20)
    return json.loads(done.stdout)


def test_why_and_status_say_who_is_asked_for_proof_and_on_what_figures(front):
    f = started(front)
    cookie = f.tell(f"pass {HERE} 9 3600 proven")["cookie"]
    key = f.tell("key partner")["id"]
    with OneAtATime(f.origin, 0.02), Flood(f, "/recherche"):
        until(lambda: challenges(f, "search"))
        time.sleep(1.2)
        stranger, pass_, partner = (ecluse(f, "why", who)["gate"] for who in ("127.0.0.1", cookie, key))
        status = ecluse(f, "status")
    assert [w["standing"] for w in (stranger, pass_, partner)] == ["stranger", "known", "known"]
    asked = stranger["challenges"][0]
    assert asked["route"] == "search" and asked["asks_this_one"] and asked["longest_wait_ms"] >= 100
    assert asked["took_a_second"] > 0 and not pass_["challenges"][0]["asks_this_one"]
    assert pass_["strikes"] == 0
    gate = status["gate"]
    assert gate["known_refused"] == 0 and gate["rules"]["program_pressure"]["done"] > 0
    assert [r["route"] for r in gate["routes"] if r["challenges"]] == ["search"]
    assert [a["kind"] for a in status["alarms"]].count("flood") == 1


def answers_in_us(f, origin=None):
    return {o["origin"]: o["answers_in_us"] for o in ecluse(f, "status")["gate"]["origins"]}.get(origin, 0)


def test_an_answer_that_takes_more_than_a_second_is_learned(front):
    f = started(front)
    f.origin.delay = 1.2
    assert ask(f, "/recherche?q=1")[0] == 200
    until(lambda: answers_in_us(f) > 1_100_000)


def test_what_is_usual_of_one_origin_is_not_told_of_another(front):
    f = started(front, server=TWO_ORIGINS)
    for i in range(20): # on no route, as /other/ is
        assert ask(f, f"/page?q={i}")[0] == 200
    until(lambda: answers_in_us(f) > 0)
    time.sleep(0.3) # some ticks, in which it is told
    f.origin.delay = 0.4
    assert ask(f, "/other/x")[0] == 200
    until(lambda: answers_in_us(f, "other") > 0)
    assert answers_in_us(f, "other") > 350_000
