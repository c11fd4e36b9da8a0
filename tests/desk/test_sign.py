"""Signing in and out, sessions, and what every request is checked for."""

import os
import re
import time

import pytest
from stage import PASSWORD, Client, totp, wait_until


def test_both_factors_are_needed_and_a_code_works_once(stage):
    secret = stage.secrets["rui"]
    client = Client(stage.port)
    assert client.sign_in("rui", secret, password="wrong horse battery")[0] == 403
    assert client.sign_in("rui", secret, code="000000")[0] == 403
    assert client.sign_in("nobody", secret)[0] == 403
    code = totp(secret)
    assert client.sign_in("rui", secret, code=code)[0] == 200
    status, error = Client(stage.port).sign_in("rui", secret, code=code)
    assert (status, error["error"]["code"]) == (403, "sign_in")
    stage.forget_step("rui")


def test_a_session_is_bound_to_its_browser(stage):
    client = stage.client("sam")
    thief = Client(stage.port, agent="another browser")
    thief.cookies = dict(client.cookies)
    assert thief.json("GET", "/api/me")[0] == 401
    assert client.json("GET", "/api/me")[0] == 401  # stolen: it ends for both


def test_signing_out_ends_the_session(stage):
    client = stage.client("sam")
    kept = dict(client.cookies)
    assert client.json("DELETE", "/api/session") == (200, {"signed_out": True})
    client.cookies = kept
    assert client.json("GET", "/api/me")[0] == 401


def test_whoever_is_changed_by_command_is_signed_out(own_stage):
    client = own_stage.client("sam")
    assert own_stage.ecluse("operator", "role", "sam", "--role", "release").returncode == 0
    assert wait_until(lambda: client.json("GET", "/api/me")[0] == 401, 5)


def test_a_change_without_the_token_is_refused(stage):
    client = stage.client("rui")
    right, client.csrf = client.csrf, ""
    for given in (None, "", right[:-1] + ("A" if right[-1] != "A" else "B")):
        status, error = client.json("PUT", "/api/panic", {"reason": "a test"}, {"X-CSRF-Token": given})
        assert (status, error["error"]["code"]) == (403, "csrf")
    status, _, _ = client.ask("POST", "/sign-out", "csrf=" + "x" * 43)
    assert status == 403
    assert client.json("GET", "/api/me")[0] == 200


def test_what_another_site_sends_is_refused(stage):
    client = stage.client("rui")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        status, error = client.json("PUT", "/api/panic", {"reason": "a test"}, headers)
        assert (status, error["error"]["code"]) == (403, "other_site")
    assert client.json("GET", "/api/status", headers={"Host": "evil.example"})[0] == 421


def test_the_cookie_over_tls_is_marked_so(stage):
    client = Client(stage.port)
    body = f"name=sam&password={PASSWORD.replace(' ', '+')}&code={totp(stage.secrets['sam'])}"
    proto = {"X-Forwarded-Proto": "https", "Origin": f"https://127.0.0.1:{stage.port}",
             "Host": f"127.0.0.1:{stage.port}"}
    status, headers, _ = client.ask("POST", "/sign-in", body, proto)
    assert status == 303 and headers["Location"] == "/"
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("__Host-ecluse=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    stage.forget_step("sam")


def test_the_form_works_without_scripts(stage):
    client = Client(stage.port)
    assert client.ask("GET", "/")[1]["Location"] == "/sign-in"
    status, _, body = client.ask("POST", "/sign-in", "name=sam&password=no&code=123456", {"Accept-Language": "fr"})
    assert status == 403 and "Cela ne correspond pas" in body.decode()
    body = f"name=sam&password={PASSWORD.replace(' ', '+')}&code={totp(stage.secrets['sam'])}"
    assert client.ask("POST", "/sign-in", body)[0] == 303
    page = client.ask("GET", "/")[2].decode()
    assert "tracking answers" in page and "Nobody is held" in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    assert client.ask("POST", "/sign-out", f"csrf={csrf}")[1]["Location"] == "/sign-in?said=out"
    stage.forget_step("sam")


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name": 1}', '{"name": "a"}', '{"other": "a"}', "\xff", "name=a&password=b",
                                  '{"name": "' + "a" * 9000 + '"}'])
def test_a_body_that_is_wrong_is_told_so(stage, body):
    status, _, text = Client(stage.port).ask("POST", "/api/session", body.encode("latin-1"))
    assert status in (400, 413), text
    assert b'"error"' in text


def test_guessing_is_slowed_and_counted_across_restarts(own_stage):
    client = Client(own_stage.port)
    statuses = [client.sign_in("ana", own_stage.secrets["ana"], code="000000")[0] for _ in range(12)]
    assert statuses[:10] == [403] * 10 and statuses[10:] == [429] * 2
    status, headers, _ = client.ask("POST", "/api/session", '{"name":"ana","password":"x","code":"1"}')
    assert status == 429 and 1 <= int(headers["Retry-After"]) <= 310
    os.kill(own_stage.desk_pid(), 9)
    assert wait_until(lambda: not own_stage.answers(), 2)
    assert wait_until(own_stage.answers, 10)
    assert client.sign_in("ana", own_stage.secrets["ana"])[0] == 429
    other = Client(own_stage.port)
    status, _ = other.json("POST", "/api/session", {"name": "sam", "password": PASSWORD, "code": totp(own_stage.secrets["sam"])},
                           {"X-Forwarded-For": "192.0.2.77"})
    assert status == 200  # another client, another account


def test_a_flood_of_sign_ins_costs_one_core_and_nobody_elses_place(own_stage):
    import threading
    viewer = own_stage.client("sam")
    end, answers = time.monotonic() + 4, []

    def flood(number):
        client = Client(own_stage.port)
        while time.monotonic() < end:
            status, _ = client.json("POST", "/api/session", {"name": f"x{number}", "password": "y" * 12, "code": "000000"},
                                    {"X-Forwarded-For": f"198.51.{number}.{int(time.monotonic() * 100) % 250}"})
            answers.append(status)

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    slowest = 0
    while time.monotonic() < end:
        begun = time.monotonic()
        assert viewer.json("GET", "/api/status")[0] == 200
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert slowest < 1
    assert answers.count(403) > 5 and answers.count(503) > 5  # some were tried, the others told to wait


def test_it_answers_while_the_public_side_is_loaded(stage):
    import threading
    viewer = stage.client("sam")
    end, visits = time.monotonic() + 3, []

    def load(number):
        while time.monotonic() < end:
            visits.append(stage.visit("/tarifs", source=f"127.0.3.{number + 1}"))

    threads = [threading.Thread(target=load, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    slowest = 0
    while time.monotonic() < end:
        begun = time.monotonic()
        assert viewer.ask("GET", "/")[0] == 200
        slowest = max(slowest, time.monotonic() - begun)
    for thread in threads:
        thread.join()
    assert len(visits) > 300
    assert slowest < 1
