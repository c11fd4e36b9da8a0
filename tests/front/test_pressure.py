"""An origin that is asked for more than it takes: who gets a place, who waits, when strangers are asked for proof, and
when no longer. The origin here answers one after the other, or not at all, as each test says."""
import concurrent.futures
import http.client
import socket
import threading
import time

import pytest

from front import s10

CONTRACT = """
routes:
  - {name: login, match: "POST /connexion"}
  - {name: search, match: "GET /recherche"}
"""
SERVER = """
        ecluse {switch};
        proxy_read_timeout 10s;
        location /suivi/ {{
            ecluse_route tracking;
            ecluse_lookup $ecluse_rest html;
            ecluse_answer first;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
        location /inside/ {{ try_files $uri @origin; }}
        location @origin {{ proxy_pass http://127.0.0.1:{origin}; }}
"""
MANY = 48 # more than a new worker lets through at once


class OneAtATime:
    """Makes the origin take so long for each answer, one after the other, whoever asks."""

    def __init__(self, origin, seconds):
        self.origin, self.seconds, self.lock = origin, seconds, threading.Lock()

    def __rmul__(self, _):
        return self

    def __enter__(self):
        real, lock, seconds = time.sleep, self.lock, self.seconds

        class Delay(float):
            pass
        self.origin.delay = Delay(0)
        import origin as module

        def sleep(how_long):
            if isinstance(how_long, Delay):
                with lock:
                    real(seconds)
            else:
                real(how_long)
        self.module, self.kept = module, module.time
        module.time = type("clock", (), {"sleep": staticmethod(sleep)})
        return self

    def __exit__(self, *_):
        self.module.time = self.kept
        self.origin.delay = 0


def ask(f, path, method="GET", body=None, source=None, headers=None, timeout=8):
    """Status and how long it took; None when there was no answer."""
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", f.port, timeout=timeout,
                                            source_address=(source, 0) if source else None)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        response.read()
        return response.status, time.monotonic() - begin
    except OSError:
        return None, time.monotonic() - begin
    finally:
        connection.close()


class Flood:
    """So many at once, each from an address of its own, again and again until it is over."""

    def __init__(self, f, path, at_once=MANY, method="GET", body=None):
        self.f, self.path, self.at_once, self.method, self.body = f, path, at_once, method, body
        self.over, self.statuses = threading.Event(), []

    def one(self, number):
        while not self.over.is_set():
            source = f"127.70.{number % 250}.{number % 200 + 1}"
            status, _ = ask(self.f, f"{self.path}?q={number}", self.method, self.body, source)
            self.statuses.append(status)
            if status == 503:
                time.sleep(0.02)

    def __enter__(self):
        self.threads = [threading.Thread(target=self.one, args=(i,), daemon=True) for i in range(self.at_once)]
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(12)


def started(front, *parcels, switch="on", contract_more="", server=SERVER, **options):
    return front(*parcels, contract=CONTRACT + contract_more, server=server.replace("{switch}", switch), **options)


def challenges(f, route):
    return f.tell("gate")["routes"].get(route, {}).get("challenges", False)


def wait_until(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to it"
        time.sleep(0.05)


def test_a_route_over_its_origins_capacity_asks_strangers_for_proof_and_others_do_not(front):
    f = started(front)
    with OneAtATime(f.origin, 0.02), Flood(f, "/recherche") as flood:
        wait_until(lambda: challenges(f, "search"))
        assert ask(f, "/recherche?q=x")[0] == 503
        status, seconds = ask(f, "/connexion", "POST", b"a=b")
        assert not challenges(f, "login")
    assert status == 200 and seconds < 1.5
    assert 503 in flood.statuses and f.tell("gate")["done"]["program_pressure"] > 0
    assert "is asked for more than its origin takes" in f.log()


def test_a_burst_within_capacity_waits_and_is_answered(front):
    f = started(front)
    with OneAtATime(f.origin, 0.002), concurrent.futures.ThreadPoolExecutor(MANY * 2 // 3) as pool:
        answers = list(pool.map(lambda i: ask(f, f"/recherche?q={i}"), range(MANY)))
    assert {status for status, _ in answers} == {200}
    assert f.tell("gate")["done"]["queued"] > 0
    assert not challenges(f, "search")


def test_who_waits_when_a_challenge_begins_is_asked_for_proof_at_once(front):
    f = started(front)
    assert {ask(f, f"/recherche?q={i}")[0] for i in range(16)} == {200}
    with OneAtATime(f.origin, 0.05), concurrent.futures.ThreadPoolExecutor(2 * MANY) as pool:
        answers = list(pool.map(lambda i: ask(f, f"/recherche?q={i}"), range(2 * MANY)))
        assert challenges(f, "search")
    done = f.tell("gate")["done"]
    assert done["program_pressure"] > MANY / 2 and done["waited_out"] == 0
    assert all(seconds < 1.3 for status, seconds in answers if status == 503)


def test_who_waits_in_vain_is_told_after_a_second_and_a_half(front):
    f = started(front)
    f.origin.delay = 4
    shown = {"Cookie": "ecluse_pass=" + f.tell("pass 127.0.0.1 9 3600 proven")["cookie"]}
    with concurrent.futures.ThreadPoolExecutor(4 * MANY) as pool:
        answers = list(pool.map(lambda i: ask(f, f"/recherche?q={i}", headers=shown, timeout=15), range(4 * MANY)))
    told = [seconds for status, seconds in answers if status == 503]
    assert told and all(1.3 < seconds < 3 for seconds in told)
    assert sum(status == 200 for status, _ in answers) == len(answers) - len(told) > 0
    assert f.tell("gate")["done"]["waited_out"] == len(told)


def test_lookups_from_the_store_neither_wait_nor_make_pressure(front):
    parcel = s10(1)
    f = started(front, parcel)
    begin = f.tell("gate")
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda i: ask(f, f"/suivi/{parcel if i % 2 else s10(i + 2)}")[0], range(3000)))
    assert set(statuses) == {200, 404}
    after = f.tell("gate")
    assert after["routes"] == {} and after["done"] == begin["done"]


def test_an_unknown_number_is_answered_at_once_when_the_origin_is_short(front):
    f = started(front, s10(1), contract_more="""
budgets:
  - {name: unknown, meter: origin_requests, per: everyone, where: {route: tracking}, at_most: {10s: 1000}, over: slow}
""")
    assert ask(f, f"/suivi/{s10(2)}")[0] == 200  # the origin was asked
    with OneAtATime(f.origin, 0.05), Flood(f, "/recherche"):
        wait_until(lambda: f.tell("gate")["waiting"] > 0)
        answers = [ask(f, f"/suivi/{s10(i)}") for i in range(3, 13)]
    assert all(seconds < 0.5 for _, seconds in answers)
    assert f.tell("gate")["done"]["lookup_kept"] > 0


def test_in_observe_everything_goes_on_and_is_counted(front):
    f = started(front, switch="observe")
    with OneAtATime(f.origin, 0.02), Flood(f, "/recherche", 2 * MANY) as flood:
        wait_until(lambda: challenges(f, "search"))
        time.sleep(1)
    gate = f.tell("gate")
    assert set(flood.statuses) <= {200}
    assert gate["would"]["queued"] > 0 and gate["would"]["program_pressure"] > 0
    assert not any(gate["done"].values())


def test_without_the_ledger_there_is_no_gate(front):
    f = started(front, run=False)
    (f.directory / "run" / "front.gate").unlink()
    f.start_nginx()
    f.origin.delay = 2
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        statuses = list(pool.map(lambda i: ask(f, f"/recherche?q={i}")[0], range(MANY)))
    assert set(statuses) == {200}
    assert "there is no gate before the origin" in f.log()


def test_an_origin_that_hangs_ties_up_its_own_requests_only(front):
    f = started(front, s10(1))
    f.origin.delay = 3
    with Flood(f, "/recherche", 40):
        wait_until(lambda: f.tell("gate")["waiting"] > 0)
        answers = [ask(f, f"/suivi/{s10(1)}") for _ in range(20)]
    assert all(status == 200 and seconds < 0.5 for status, seconds in answers)


def test_long_polls_do_not_use_up_the_places(front):
    f = started(front)
    f.origin.delay = 4
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        polls = [pool.submit(ask, f, f"/poll?q={i}") for i in range(20)]
        time.sleep(0.5)
        wait_until(lambda: f.tell("gate")["in_flight"] == 0, 2.5)
        more = [pool.submit(ask, f, f"/poll?q={i}") for i in range(20)]
        assert {poll.result()[0] for poll in polls + more} == {200}
    assert f.tell("gate")["done"]["queued"] == 0


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/grpc"])
def test_dribbled_bodies_hold_no_place_at_the_origin(front, kind):
    f = started(front)
    held = []
    for i in range(MANY):
        s = socket.create_connection(("127.0.0.1", f.port))
        s.sendall(f"POST /connexion HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\na=".encode())
        held.append(s)
    time.sleep(0.5)
    gate = f.tell("gate")
    answer = ask(f, "/recherche?q=1")
    for s in held:
        s.close()
    assert gate["in_flight"] == 0 and gate["waiting"] == 0
    assert answer[0] == 200 and answer[1] < 0.5


def test_a_form_waits_with_its_body(front):
    f = started(front)
    f.origin.delay = 0.5
    body = b"name=" + b"a" * 50000
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda i: ask(f, "/connexion", "POST", body), range(MANY)))
    assert {status for status, _ in answers} == {200}
    assert f.tell("gate")["done"]["queued"] > 0
    assert all(seen[2] == body for seen in f.origin.seen)


def test_a_place_is_sought_where_a_request_is_sent_to_its_origin(front):
    f = started(front)
    f.origin.delay = 1
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        futures = [pool.submit(ask, f, f"/inside/{i}") for i in range(MANY)]
        wait_until(lambda: f.tell("gate")["waiting"] > 0)
        assert {future.result()[0] for future in futures} <= {200, 503}
    wait_until(lambda: f.tell("gate")["in_flight"] == 0 and f.tell("gate")["waiting"] == 0)


@pytest.mark.parametrize("how", ("reload", "abort", "both"))
def test_nothing_is_left_of_who_goes_away_while_waiting(front, how):
    f = started(front, workers=2)
    f.origin.delay = 0.3
    end = time.monotonic() + 4
    held, masters = [], f.master()
    while time.monotonic() < end:
        for i in range(60):
            s = socket.create_connection(("127.0.0.1", f.port))
            s.sendall(f"GET /recherche?q={i} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            held.append(s)
        time.sleep(0.3)
        if how != "reload":
            for s in held:
                s.close()
            held = []
        if how != "abort":
            f.signal(1)
    for s in held:
        s.close()
    assert f.master() == masters
    wait_until(lambda: f.tell("gate")["in_flight"] == 0 and f.tell("gate")["waiting"] == 0, 15)
    assert ask(f, "/recherche?q=1")[0] in (200, 503)  # it may still ask for proof
    for bad in ("alert", "emerg", "exited on signal", "open socket"):
        assert bad not in f.log(), f.log()[-2000:]
