"""Passes: given in calm times, renewed by visits, redeemed for work or waiting, refused when they are not as written."""
import base64
import hashlib
import os
import random
import time

import pytest
from front import until

SPENT = 8
CONTRACT = f"""
trusted_proxies: [127.0.0.1/32]
routes: [{{name: gated, match: "/gated*"}}]
budgets:
  - {{name: gate, meter: requests, per: client, where: {{route: gated}}, at_most: {{1h: {SPENT}}}, over: challenge}}
"""
SERVER = """
        ecluse on;
        location / { proxy_pass http://127.0.0.1:{origin}; }
        location /nginx-says/ { expires 1h; proxy_pass http://127.0.0.1:{origin}; }
        location /header-says/ { add_header Cache-Control public; proxy_pass http://127.0.0.1:{origin}; }
        location /watched/ { ecluse observe; proxy_pass http://127.0.0.1:{origin}; }
""".replace("{ ", "{{ ").replace(" }", " }}")
HERE, NEAR, FAR = "198.51.100.7", "198.51.3.9", "203.0.113.5"
PAGE = {"Accept": "text/html,*/*;q=0.8"}


def of(address=HERE, **cookies):
    shown = "; ".join(f"ecluse_{name}={value}" for name, value in cookies.items())
    return {**PAGE, "X-Forwarded-For": address, **({"Cookie": shown} if shown else {})}


def given(response):
    """The pass that an answer gives, or None."""
    cookie = response.headers.get("set-cookie", "")
    return cookie.split(";")[0].removeprefix("ecluse_pass=") if cookie.startswith("ecluse_pass=") else None


def solve(token, bits):
    begin = random.randrange(10**12)  # as the page's script does
    for n in range(begin, begin + (1 << (bits + 8))):
        answer = f"{token}:{n}"
        if int.from_bytes(hashlib.sha256(answer.encode()).digest()[:4]) >> (32 - bits) == 0:
            return answer
    raise AssertionError("no solution")


def make(f, what):
    return f.tell(what)["cookie"]


def redeem(f, **cookies):
    connection = f.connect()
    connection.request("GET", "/gated/", headers=of(**cookies))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get_all("Set-Cookie")


def spend(f, address=HERE):
    statuses = [f.get("/gated/", headers=of(address)).status for _ in range(SPENT + 1)]
    assert statuses[0] == 200 and statuses[-1] == 503
    return f


@pytest.fixture
def passing(front):
    return front(contract=CONTRACT, server=SERVER)


@pytest.fixture
def spent(passing):
    """The address has nothing left; a pass has a budget of its own."""
    return spend(passing)


# ---- In calm times

def test_a_reader_of_pages_is_given_a_pass(passing):
    answer = passing.get("/", headers=of())
    cookie = answer.headers["set-cookie"]
    assert len(given(answer)) == 54
    assert cookie.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")
    assert answer.headers["cache-control"] == "private"
    assert given(passing.get("/", headers=of(**{"pass": given(answer)}))) is None  # has one


def test_over_tls_it_is_for_tls_alone(passing):
    answer = passing.get("/", headers={**of(), "X-Forwarded-Proto": "https"})
    assert answer.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("path,headers,method,status", [
    ("/", [("Cache-Control", "public, max-age=60")], "GET", 200),
    ("/", [("Cache-Control", "no-cache")], "GET", 200),
    ("/", [("Last-Modified", "Sun, 22 Nov 2026 05:00:00 GMT")], "GET", 200),
    ("/", [("ETag", '"x"')], "GET", 200),
    ("/nginx-says/", [], "GET", 200),
    ("/header-says/", [], "GET", 200),
    ("/watched/", [], "GET", 200),
    ("/", [], "GET", 404),
    ("/", [], "GET", 500),
    ("/", [], "HEAD", 200),
])
def test_none_goes_with_what_others_may_be_given_or_what_is_no_answer(passing, path, headers, method, status):
    passing.origin.headers, passing.origin.status = headers, status
    assert "set-cookie" not in passing.get(path, method=method, headers=of()).headers


@pytest.mark.parametrize("said", ["private, max-age=60", "no-store"])
def test_one_goes_with_what_is_private_anyway(passing, said):
    passing.origin.headers = [("Cache-Control", said), ("ETag", '"x"')]
    answer = passing.get("/", headers=of())
    assert given(answer) and answer.headers["cache-control"] == said


def test_programs_are_given_none(passing):
    for accept in ("application/json", "*/*"):
        headers = {**of(), "Accept": accept}
        assert "set-cookie" not in passing.get("/", headers=headers).headers


def test_a_network_is_given_half_its_budget_in_calm_times(passing):
    connection = passing.connect()
    count = sum(given(passing.get("/", headers=of(), connection=connection)) is not None for _ in range(200))
    assert 128 <= count <= 131  # one more each 14 s
    assert given(passing.get("/", headers=of(NEAR)))  # another network


def test_in_observe_and_in_panic_none_is_given(front):
    f = front(contract="mode: observe\n" + CONTRACT, server=SERVER)
    assert "set-cookie" not in f.get("/", headers=of()).headers


# ---- Visits

def test_a_visit_is_counted_once_in_two_minutes(passing):
    early, due = make(passing, f"pass {HERE} 1 100 given"), make(passing, f"pass {HERE} 1 130 given")
    assert given(passing.get("/", headers=of(**{"pass": early}))) is None
    renewed = given(passing.get("/", headers=of(**{"pass": due})))
    assert renewed and renewed != due
    assert given(passing.get("/", headers=of(**{"pass": renewed}))) is None
    passing.origin.status = 404
    assert given(passing.get("/", headers=of(**{"pass": due}))) is None


def test_visits_make_history(spent):
    third = make(spent, f"pass {HERE} 2 700 given")
    assert spent.get("/gated/", headers=of(**{"pass": third})).status == 503
    known = given(spent.get("/", headers=of(**{"pass": third})))
    assert spent.get("/gated/", headers=of(**{"pass": known})).status == 200


# ---- What a pass is worth

def test_only_a_pass_that_was_worked_for_has_a_budget_of_its_own(spent):
    for what, status in (("0 0 proven", 200), ("0 0 given", 503), ("3 700 given", 200), ("3 500 given", 503)):
        shown = make(spent, f"pass {HERE} {what}")
        assert spent.get("/gated/", headers=of(**{"pass": shown})).status == status, what


def test_three_strikes_and_a_pass_counts_for_nothing(spent):
    shown = of(**{"pass": make(spent, f"pass {HERE} 3 700 given")})
    assert [spent.get("/gated/", headers=shown).status for _ in range(SPENT)] == [200] * SPENT
    assert [spent.get("/gated/", headers=shown).status for _ in range(3)] == [429] * 3
    assert spent.get("/gated/", headers=shown).status == 503  # challenged, like anyone
    assert spent.tell("faults")["done"]["struck"] == 1
    other = of(**{"pass": make(spent, f"pass {HERE} 3 700 given")})
    assert spent.get("/gated/", headers=other).status == 200  # its network is none the worse


# ---- Refused

def test_what_is_not_as_written_is_refused_and_counted(spent):
    good = make(spent, f"pass {HERE} 0 0 proven")
    other = "B" if good[30] == "A" else "A"
    refused = {
        "tampered": (HERE, {"pass": good[:30] + other + good[31:]}),
        "moved": (FAR, {"pass": good}),
        "version": (HERE, {"pass": make(spent, f"ticket {HERE} 0")}),
        "expired": (HERE, {"pass": make(spent, f"pass {HERE} 0 {31 * 86400} proven")}),
        "future": (HERE, {"pass": make(spent, f"pass {HERE} 0 -300 proven")}),
        "unsolved": (HERE, {"proof": make(spent, f"puzzle {HERE} 30") + ":1"}),
    }
    spend(spent, FAR)
    for fault, (address, cookies) in refused.items():
        before = spent.tell("faults")["done"][fault]
        assert spent.get("/gated/", headers=of(address, **cookies)).status == 503, fault
        assert spent.tell("faults")["done"][fault] == before + 1, fault
    assert spent.get("/gated/", headers=of(NEAR, **{"pass": good})).status == 200  # phones move


def test_junk_in_cookies_does_no_harm(spent):
    for junk in ("\xff" * 50, "=" * 54, "A" * 54, "EQ" * 2000, ";;;ecluse_pass=;", "%00" * 18):
        for name in ("pass", "proof", "ticket"):
            assert spent.get("/gated/", headers=of(**{name: junk})).status == 503


# ---- Redeemed

def test_a_solved_puzzle_is_a_pass(spent):
    proof = solve(make(spent, f"puzzle {HERE} 12"), 12)
    status, cookies = redeem(spent, proof=proof)
    assert status == 200
    assert cookies[0].startswith("ecluse_pass=") and cookies[1].startswith("ecluse_proof=; Path=/; Max-Age=0")
    shown = cookies[0].split(";")[0].removeprefix("ecluse_pass=")
    assert spent.get("/gated/", headers=of(**{"pass": shown})).status == 200


def test_a_solution_is_one_pass_whoever_shows_it_and_soon_none(spent):
    proof = of(proof=solve(make(spent, f"puzzle {HERE} 12"), 12))
    assert [spent.get("/gated/", headers=proof).status for _ in range(SPENT)] == [200] * SPENT
    assert spent.get("/gated/", headers=proof).status == 429  # what is one pass has one budget
    fresh = of(proof=solve(make(spent, f"puzzle {HERE} 12"), 12))
    assert spent.get("/gated/", headers=fresh).status == 200
    time.sleep(10.5)
    assert spent.get("/gated/", headers=fresh).status == 503
    assert spent.tell("faults")["done"]["replayed"] == 1


def test_the_answer_that_gives_a_redeemed_pass_becomes_private(spent):
    spent.origin.headers = [("Cache-Control", "public, max-age=60"), ("Expires", "Thu, 01 Dec 2050 16:00:00 GMT")]
    answer = spent.get("/gated/", headers=of(proof=solve(make(spent, f"puzzle {HERE} 12"), 12)))
    assert answer.headers["cache-control"] == "private" and "expires" not in answer.headers


def test_a_ripe_ticket_is_a_pass_and_an_unripe_one_is_not(spent):
    assert spent.get("/gated/", headers=of(ticket=make(spent, f"ticket {HERE} 60"))).status == 503
    status, cookies = redeem(spent, ticket=make(spent, f"ticket {HERE} 0"))
    assert status == 200
    assert cookies[0].startswith("ecluse_pass=") and cookies[1].startswith("ecluse_ticket=; Path=/; Max-Age=0")


def test_what_is_redeemed_has_no_history_of_another_pass(spent):
    """Else one pass that has grown nearly old would make any number of old ones, and a struck one a clean one."""
    nearly = make(spent, f"pass {HERE} 100 590 given")
    struck = make(spent, f"pass {HERE} 100 9000 given")
    for _ in range(SPENT + 3):
        spent.get("/gated/", headers=of(**{"pass": struck}))
    assert spent.get("/gated/", headers=of(**{"pass": struck})).status == 503
    for shown in ({"pass": nearly, "proof": solve(make(spent, f"puzzle {HERE} 12"), 12)},
                  {"pass": struck, "proof": "junk", "ticket": make(spent, f"ticket {HERE} 0")}):
        status, cookies = redeem(spent, **shown)
        assert status == 200
        visits = base64.urlsafe_b64decode(cookies[0].split(";")[0].removeprefix("ecluse_pass=") + "==")[23]
        assert visits == 0x80  # worked or waited for, and no visit yet


# ---- Keys

def test_a_pass_survives_rotation_reload_and_restart(spent):
    shown = of(**{"pass": make(spent, f"pass {HERE} 0 0 proven")})
    assert spent.tell(f"rotate {7 * 86400}")["result"] == 1
    time.sleep(1.5)
    assert spent.get("/gated/", headers=shown).status == 200
    spent.signal(1)  # SIGHUP
    time.sleep(0.5)
    assert spent.get("/gated/", headers=shown).status == 200
    spent.stop_nginx()
    spent.start_nginx()
    assert spent.get("/gated/", headers=shown).status == 200


def test_new_keys_are_in_force_within_a_second(spent):
    shown = of(**{"pass": make(spent, f"pass {HERE} 0 0 proven")})
    assert spent.get("/gated/", headers=shown).status == 200
    (spent.directory / "state/front/pass.keys").unlink()
    spent.tell("rotate 0")
    until(lambda: spent.get("/", headers=shown) and spent.tell("faults")["done"]["unknown_key"], seconds=1.5)
    assert spent.get("/gated/", headers=shown).status == 503


def test_two_fronts_with_one_key_file_accept_each_others_passes(front, spent):
    keys = spent.directory / "state/front/pass.keys"
    other = spend(front(contract=CONTRACT + f"passes: {{keys: {keys}}}\n", server=SERVER))
    shown = make(other, f"pass {HERE} 0 0 proven")
    assert spent.get("/gated/", headers=of(**{"pass": shown})).status == 200
    assert other.get("/gated/", headers=of(**{"pass": make(spent, f"pass {HERE} 0 0 proven")})).status == 200


def test_a_key_file_that_others_may_read_is_refused_and_said(spent):
    shown = of(**{"pass": make(spent, f"pass {HERE} 0 0 proven")})
    os.chmod(spent.directory / "state/front/pass.keys", 0o644)
    until(lambda: "may be read or changed by others" in spent.log())
    assert spent.get("/gated/", headers=shown).status == 200  # what was read goes on
    spent.stop_nginx()
    spent.start_nginx()
    assert spent.get("/", headers=of()).headers.get("set-cookie") is None  # nothing is signed
    assert "there are no passes" in spent.log()
    os.chmod(spent.directory / "state/front/pass.keys", 0o640)
    until(lambda: spent.get("/gated/", headers=shown).status == 200)
