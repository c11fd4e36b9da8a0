"""login_failures: a sign-in that the origin refuses is counted, and who has none left is not let through to it."""
import pytest
from front import until

LIMIT = 4
CONTRACT = """
routes: [{{name: login, match: "POST /connexion"}}, {{name: named}}]
budgets:
  - {{name: guesses, meter: login_failures, per: client, where: {{route: {route}}}, at_most: {{1h: {limit}}}, over: {over}}}
  - {{name: requests, meter: requests, per: client, where: {{route: {route}}}, at_most: {{1h: 100}}, over: slow}}
"""
SERVER = """
        ecluse on;
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
        location /named/ {{
            ecluse_route named;
            proxy_intercept_errors on;
            error_page 401 =200 /again;
            proxy_pass http://127.0.0.1:{origin};
        }}
        location = /again {{ ecluse off; return 200 "once more"; }}
        location = /watched {{ ecluse observe; ecluse_route named; proxy_pass http://127.0.0.1:{origin}; }}
"""


def contract(over, route="login"):
    return CONTRACT.format(over=over, route=route, limit=LIMIT)


def sign_in(f, status, path="/connexion"):
    f.origin.status = status
    return f.get(path, method="POST", body="user=a&password=b").status


def budget(f, name="guesses"):
    return f.tell("budgets")[name]


@pytest.mark.parametrize("refused", [401, 403, 422])
def test_what_the_origin_refuses_is_counted_and_then_held(front, refused):
    f = front(contract=contract("hold, hold_for: 10m"), server=SERVER)
    assert [sign_in(f, refused) for _ in range(LIMIT)] == [refused] * LIMIT
    assert sign_in(f, 200) == 429  # the right password does not help either
    assert len(f.origin.seen) == LIMIT  # it did not get there
    assert len(f.tell("holds")) == 1
    assert f.get("/other").status == 200


def test_sign_ins_that_succeed_or_fail_otherwise_cost_nothing(front):
    f = front(contract=contract("hold, hold_for: 10m"), server=SERVER)
    for status in (200, 302, 400, 404, 500):
        assert [sign_in(f, status) for _ in range(LIMIT)] == [status] * LIMIT
    assert sign_in(f, 401) == 401


def test_a_delay_is_no_second_charge(front):
    """The requests of one who is refused for its failures are charged once each."""
    f = front(contract=contract("slow"), server=SERVER)
    assert [sign_in(f, 401) for _ in range(LIMIT)] == [401] * LIMIT
    assert sign_in(f, 401) == 429
    assert len(f.origin.seen) == LIMIT


def test_over_a_challenge_a_pass_may_try_for_itself(front):
    f = front(contract=contract("challenge"), server=SERVER)
    assert [sign_in(f, 401) for _ in range(LIMIT + 1)] == [401] * LIMIT + [503]
    shown = f.tell("pass 127.0.0.1 0 0 proven")["cookie"]
    f.origin.status = 200
    answer = f.get("/connexion", method="POST", body="x=y", headers={"Cookie": f"ecluse_pass={shown}"})
    assert answer.status == 200


def test_what_nginx_makes_of_the_answer_changes_nothing(front):
    f = front(contract=contract("hold, hold_for: 10m", route="named"), server=SERVER)
    assert [sign_in(f, 401, "/named/") for _ in range(LIMIT)] == [200] * LIMIT
    assert sign_in(f, 401, "/named/") == 429


def test_in_observe_nothing_follows_and_what_would_have_been_refused_is_counted_once(front):
    f = front(contract=contract("hold, hold_for: 10m", route="named"), server=SERVER)
    assert [sign_in(f, 401, "/watched") for _ in range(LIMIT + 3)] == [401] * (LIMIT + 3)
    until(lambda: budget(f)["would_hold"] >= 3)
    assert budget(f)["would_hold"] == 3
