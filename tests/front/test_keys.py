"""Clients' keys: a signed request is known; the examples of docs/keys.md are run as they stand there."""
import hashlib
import hmac
import os
import pathlib
import re
import subprocess
import time

import pytest
from front import until

SOURCE = pathlib.Path(os.environ["ECLUSE_SOURCE"])
SPENT = 8
CONTRACT = f"""
routes: [{{name: gated, match: "/gated*"}}, {{name: scans, match: "/scans*"}}]
budgets:
  - {{name: gate, meter: requests, per: client, where: {{route: gated}}, at_most: {{1h: {SPENT}}}, over: challenge}}
  - {{name: scan, meter: requests, per: client, where: {{route: scans}}, at_most: {{1h: {SPENT}}}, over: challenge}}
"""
SERVER = """
        ecluse on;
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
"""


@pytest.fixture
def spent(front):
    """What the address may spend is spent, so that only a key is let through."""
    f = front(contract=CONTRACT, server=SERVER)
    for path in ("/gated/", "/scans"):
        assert [f.get(path).status for _ in range(SPENT + 1)][-1] == 503
    return f


def issue(f, words="partner"):
    """A key that the worker has read."""
    key = f.tell(f"key {words}")
    time.sleep(1.2)
    return key


def header(key, method, target, at=None, secret=None):
    at = int(time.time() if at is None else at)
    text = f"{method}\n{target}\n{at}".encode()
    signature = hmac.new((secret or key["secret"]).encode(), text, hashlib.sha256).hexdigest()
    return {"Ecluse-Key": f"{key['id']}:{at}:{signature}"}


def signed(f, key, method, target, **more):
    return f.get(target, method=method, headers=header(key, method, target, **more))


@pytest.mark.parametrize("method,target", [
    ("GET", "/gated/"), ("POST", "/gated/x"), ("GET", "/gated/?q=a&b=%C3%A9+%20"), ("GET", "/gated//../gated/./x;y?"),
])
def test_a_signed_request_is_known(spent, method, target):
    key = issue(spent)
    assert spent.get(target, method=method).status == 503
    assert signed(spent, key, method, target).status == 200


def test_what_is_not_signed_by_a_good_key_is_a_stranger(spent):
    key = issue(spent)
    now = time.time()
    good = header(key, "GET", "/gated/")["Ecluse-Key"]
    wrong = {
        "tampered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "unknown_key": "a" * 12 + good[12:],
        "future": header(key, "GET", "/gated/", at=now + 90)["Ecluse-Key"],
        "expired": header(key, "GET", "/gated/", at=now - 90)["Ecluse-Key"],
    }
    for fault, value in wrong.items():
        before = spent.tell("faults")["done"][fault]
        assert spent.get("/gated/", headers={"Ecluse-Key": value}).status == 503, fault
        assert spent.tell("faults")["done"][fault] == before + 1, fault
    for junk in ("", ":", "::", ":" * 300, "\xff" * 100, key["id"] + ":1:" + "g" * 64):
        assert spent.get("/gated/", headers={"Ecluse-Key": junk}).status == 503
    assert spent.get("/gated/?x", headers={"Ecluse-Key": good}).status == 503  # another target
    assert spent.get("/gated/", headers={"Ecluse-Key": good}).status == 200


def test_a_key_has_a_budget_of_its_own(spent):
    one, other = issue(spent, "one"), issue(spent, "other")
    assert [signed(spent, one, "GET", "/gated/").status for _ in range(SPENT + 1)] == [200] * SPENT + [429]
    assert signed(spent, other, "GET", "/gated/").status == 200


def test_a_revoked_key_is_refused_within_a_second(spent):
    key = issue(spent)
    assert signed(spent, key, "GET", "/gated/").status == 200
    assert spent.tell(f"revoke {key['id']}")["result"] == 0
    time.sleep(1.3)
    assert signed(spent, key, "GET", "/gated/").status == 503
    assert spent.tell("faults")["done"]["revoked"] == 1


def test_a_master_that_others_may_read_is_said_and_changes_nothing(spent):
    key = issue(spent)
    os.chmod(spent.directory / "state/front/client.master", 0o644)
    until(lambda: "client.master may be read or changed by others" in spent.log())
    assert signed(spent, key, "GET", "/gated/").status == 200


def examples(language):
    text = (SOURCE / "docs" / "keys.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def run_example(f, command, source):
    key = issue(f)
    environment = {**os.environ, "ECLUSE_ID": key["id"], "ECLUSE_SECRET": key["secret"],
                   "ECLUSE_SITE": f"http://127.0.0.1:{f.port}", "no_proxy": "*"}
    return subprocess.run([*command, source], env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("language,command", [("sh", ["sh", "-ec"]), ("python", ["python3", "-c"])])
def test_the_examples_of_the_manual_work(spent, language, command):
    sources = examples(language)
    assert len(sources) == 1
    assert spent.get("/scans?depot=12").status == 503
    done = run_example(spent, command, sources[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "origin says /scans?depot=12"
