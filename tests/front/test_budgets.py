"""Over a budget: slow, hold, observe, panic; and whose budget it is."""
import threading
import time

import pytest
from front import SERVER, some_numbers, until

NUMBERS = some_numbers(8)


def budget(more, meter="requests", over="hold", per="client", at_most="{10s: 3}"):
    hold = ", hold_for: 2s" if over == "hold" else ""
    return (f"budgets:\n  - {{name: test, meter: {meter}, per: {per}, at_most: {at_most}, over: {over}{hold}{more}}}\n")


def test_a_hold_is_429_with_when_to_come_back(front):
    f = front(contract=budget(""))
    told = [f.get("/x", headers={"Accept-Language": "nl"}) for _ in range(5)]
    assert [answer.status for answer in told[:3]] == [200] * 3
    assert told[4].status == 429 and told[4].headers["content-language"] == "nl"
    assert 1 <= int(told[4].headers["retry-after"]) <= 10
    assert len(f.origin.paths()) == 3
    assert f.counters()["refused"] == 2


def test_a_released_hold_admits_at_once(front):
    f = front(contract=budget("", at_most="{1h: 30}").replace("hold_for: 2s", "hold_for: 1h"))
    for _ in range(40):
        last = f.get("/x").status
    assert last == 429
    hold, = until(lambda: f.tell("holds"))
    assert f.tell(f"release {hold['id']}")["result"] == 0
    until(lambda: f.get("/x").status == 200)


def test_a_hold_ends_at_its_time(front):
    f = front(contract=budget("", at_most="{1s: 3}"))
    assert until(lambda: f.get("/x").status == 429, every=0)
    until(lambda: f.get("/x").status == 200, seconds=10, every=0.5)


PROMISED = """routes: [{name: all, match: "/x"}]
promises: [{name: answered, route: all, success: 99%, within: 10s, over: 5m}]
"""


def test_a_flood_of_refusals_is_closed_without_an_answer(front):
    f = front(contract=budget("", at_most="{10s: 5}").replace("hold_for: 2s", "hold_for: 1m") + PROMISED)
    seen, answered = set(), 0
    connection = f.connect()
    for _ in range(3000):
        try:
            seen.add(status := f.get("/x", connection=connection).status)
            answered += status == 200
        except OSError:
            seen.add("closed")
        except Exception as error:  # http.client says it in several ways
            seen.add(type(error).__name__)
        if len(seen) > 2:
            break
    assert 429 in seen and (seen - {200, 429})
    told = f.tell("promises")["answered"]  # neither refusal is an answer, kept or not
    assert told == {"answers": answered, "kept": answered} and answered > 0


def test_slow_delays_and_holds_no_worker(front):
    f = front(contract=budget(", where: {route: slowly}", over="slow", at_most="{1s: 2}")
              + "routes: [{name: slowly, match: /slow}]\n")
    done = []

    def ask():
        begun = time.monotonic()
        done.append((f.get("/slow").status, time.monotonic() - begun))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    quick = []
    while any(thread.is_alive() for thread in threads) and time.monotonic() - begun < 1:
        at = time.monotonic()
        assert f.get("/quick").status == 200
        quick.append(time.monotonic() - at)
    for thread in threads:
        thread.join()
    assert [status for status, _ in done] == [200] * 6
    assert max(delay for _, delay in done) > 0.9
    assert sorted(quick)[len(quick) // 2] < 0.1
    assert f.counters()["slowed"] >= 2


def test_a_long_hold_says_how_many_minutes(front):
    f = front(contract=budget("").replace("hold_for: 2s", "hold_for: 15m"))
    told = [f.get("/x", headers={"Accept-Language": "en"}) for _ in range(5)][-1]
    assert told.status == 429
    assert int(told.headers["retry-after"]) > 840
    assert "15\u00a0minutes" in told.text


def test_a_wait_that_would_end_in_a_refusal_is_refused_at_once(front):
    f = front(contract=budget(", where: {route: slowly}", over="slow", at_most="{1m: 2}")
              + "routes: [{name: slowly, match: /slow}]\n")
    statuses, begun = [], time.monotonic()
    for _ in range(6):
        answer = f.get("/slow")
        statuses.append(answer.status)
    assert time.monotonic() - begun < 5
    assert statuses[:2] == [200, 200] and statuses[-1] == 429
    assert int(answer.headers["retry-after"]) > 11


def test_observe_in_nginx_changes_nothing(front):
    f = front(NUMBERS[0], contract=budget(""), server=SERVER.replace("ecluse on;", "ecluse observe;"))
    for path in ["/x"] * 6 + ["/suivi/" + NUMBERS[0], "/suivi/" + NUMBERS[1], "/suivi/junk", "/behind/junk"]:
        answer = f.get(path)
        assert (answer.status, answer.text) == (200, f"origin says {path}")
    assert f.get("/suivi/" + NUMBERS[0], method="POST", body="x").status == 200
    f.origin.stop()
    assert f.get("/behind/" + NUMBERS[0]).status == 502
    assert f.tell("budgets")["test"]["would_hold"] >= 1
    assert f.counters()["refused"] == 0


def test_observe_in_the_contract_refuses_nothing_and_still_answers(front):
    f = front(NUMBERS[0], contract="mode: observe\n" + budget(""))
    assert [f.get("/x").status for _ in range(6)] == [200] * 6
    assert NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text
    assert f.get("/suivi/junk").text == "origin says /suivi/junk"


def test_panic_observes_within_two_seconds(front):
    f = front(contract=budget("").replace("hold_for: 2s", "hold_for: 1h"))
    assert until(lambda: f.get("/x").status == 429, every=0)
    f.tell("panic on")
    until(lambda: f.get("/x").status == 200, seconds=3)
    f.tell("panic off")
    until(lambda: f.get("/x").status == 429, seconds=3)


def test_distinct_parcels_are_counted_not_readings(front):
    f = front(*NUMBERS, contract=budget("", meter="parcels_read", at_most="{1h: 4}").replace("2s", "1h"))
    for _ in range(10):
        assert f.get("/suivi/" + NUMBERS[0]).status == 200
    told = [f.get("/suivi/" + number).status for number in NUMBERS[1:]]
    assert told == [200] * 3 + [429] * 4


def test_the_client_behind_a_trusted_proxy_is_charged(front):
    f = front(contract="trusted_proxies: [127.0.0.0/8]\n" + budget(""))
    for _ in range(5):
        last = f.get("/x", headers={"X-Forwarded-For": "203.0.113.77, 198.51.100.1"}).status
    assert last == 429
    assert f.get("/x", headers={"X-Forwarded-For": "198.51.100.1, 198.51.100.2"}).status == 200
    assert f.get("/x", headers={"X-Forwarded-For": "203.0.113.78, 198.51.100.1"}).status == 429


def test_without_trusted_proxies_the_header_is_noise(front):
    f = front(contract=budget(""))
    told = [f.get("/x", headers={"X-Forwarded-For": f"198.51.100.{i}"}).status for i in range(5)]
    assert told[-1] == 429


def test_an_internal_redirect_is_charged_once(front):
    server = "ecluse on; location / {{ try_files /none @app; }} location @app {{ proxy_pass http://127.0.0.1:{origin}; }}"
    f = front(contract=budget("", at_most="{10s: 4}"), server=server)
    assert [f.get("/x").status for _ in range(4)] == [200] * 4


def test_promises_are_measured(front):
    f = front(NUMBERS[0], contract="promises:\n  - {name: p, route: tracking, success: 99%, within: 300ms, over: 5m}\n",
              server=SERVER.replace("ecluse_lookup $parcel;", "ecluse_route tracking; ecluse_lookup $parcel;"))
    for number in NUMBERS[:4]:
        f.get("/suivi/" + number)
    f.origin.delay = 0.5
    f.get("/behind/" + NUMBERS[0])
    promise = until(lambda: (p := f.tell("promises")["p"])["answers"] == 5 and p)
    assert promise["kept"] == 4
