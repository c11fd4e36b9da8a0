"""What is done at the desk: on the record first, then in force; and who may."""

import json
import os
import pathlib
import time

import jsonschema
import pytest
import yaml
from stage import SOURCE, Client, wait_until

DOCUMENT = yaml.safe_load((SOURCE / "docs/desk-openapi.yaml").read_text())


def resolved(node):
    """The document without references: jsonschema follows none of OpenAPI's."""
    if isinstance(node, dict) and "$ref" in node:
        found = DOCUMENT
        for word in node["$ref"].lstrip("#/").split("/"):
            found = found[word]
        return resolved(found)
    if isinstance(node, dict):
        return {key: resolved(value) for key, value in node.items()}
    return [resolved(value) for value in node] if isinstance(node, list) else node


def fits(path, method, status, answer):
    """The answer is as the document says."""
    reply = resolved(DOCUMENT["paths"][path][method]["responses"][str(status)])
    jsonschema.validate(answer, reply["content"]["application/json"].get("schema", {}))


def test_what_is_read_is_as_the_document_says(stage):
    stage.hold("127.0.0.11")
    client = stage.client("ana")
    for path, operations in DOCUMENT["paths"].items():
        if "get" not in operations or "{" in path or path in ("/api/openapi.yaml", "/api/events"):
            continue
        status, answer = client.json("GET", path)
        assert status == 200, (path, answer)
        fits(path, "get", status, answer)
    for path, real in (("/api/holds/{hold}", "/api/holds/hold-ffff-front"), ("/api/entries/{index}", "/api/entries/99999999")):
        status, answer = client.json("GET", real)
        assert status == 404
        fits(path, "get", 404, answer)
    assert yaml.safe_load(client.ask("GET", "/api/openapi.yaml")[2]) == DOCUMENT


def test_a_release_is_in_force_within_a_second_and_on_the_record_first(stage):
    name = stage.hold("127.0.0.12")
    assert stage.visit("/connexion", "POST", "127.0.0.12") == 429
    client = stage.client("rui")
    begun = time.monotonic()
    status, answer = client.json("POST", f"/api/holds/{name}/release", {"reason": "a customer called"})
    took = time.monotonic() - begun
    assert (status, answer) == (200, {"hold": name, "released": True, "recorded": True})
    fits("/api/holds/{hold}/release", "post", status, answer)
    assert took < 1.5
    assert stage.visit("/connexion", "POST", "127.0.0.12") == 200
    found = []

    def recorded():
        found[:] = client.json("GET", f"/api/timeline?hold={name}&kind=release")[1]["entries"]
        return len(found) == 2

    assert wait_until(recorded, 5)
    assert [entry["from"] for entry in found] == ["front", "desk"]  # asked for, on the record, and only then done
    entry = found[1]
    assert entry["reason"] == "a customer called" and entry["object"] == "logins" and entry["numbers"]["limit"] == 5
    assert "rui" not in json.dumps(entry) and "127.0.0.12" not in json.dumps(entry)
    assert client.json("GET", f"/api/entries/{entry['index']}")[1] == entry


def test_a_release_is_refused_while_the_log_cannot_take_it(own_stage):
    name = own_stage.hold("127.0.0.13")
    client = own_stage.client("rui")
    recorder = next(int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/comm")
                    if path.read_text().strip() == "ecluse-recorder"[:15]
                    and str(own_stage.root / "run").encode() in (path.parent / "cmdline").read_bytes())
    os.kill(recorder, 19)  # it hangs
    try:
        begun = time.monotonic()
        status, answer = client.json("POST", f"/api/holds/{name}/release", {"reason": "a test"})
        assert (status, answer["error"]["code"]) == (503, "not_recorded")
        assert time.monotonic() - begun < 4
        fits("/api/holds/{hold}/release", "post", status, answer)
        assert own_stage.visit("/connexion", "POST", "127.0.0.13") == 429
    finally:
        os.kill(recorder, 18)
    status, answer = client.json("POST", f"/api/holds/{name}/release", {"reason": "again"})
    assert (status, answer["released"]) == (200, True)


def test_a_panic_is_in_force_within_a_second_and_ends(own_stage):
    own_stage.hold("127.0.0.14")
    client = own_stage.client("rui")
    status, answer = client.json("PUT", "/api/panic", {"reason": "everybody is refused"})
    assert (status, answer) == (200, {"panic": True, "in_force": True, "recorded": True})
    fits("/api/panic", "put", status, answer)
    assert wait_until(lambda: own_stage.visit("/connexion", "POST", "127.0.0.14") == 200, 2)
    assert wait_until(lambda: client.json("GET", "/api/status")[1]["panic"], 3)
    status, answer = client.json("DELETE", "/api/panic", {"reason": "it was the origin"})
    assert (status, answer["in_force"]) == (200, True)
    assert wait_until(lambda: client.json("GET", "/api/timeline?kind=panic_off")[1]["entries"], 3)
    kinds = [entry["kind"] for entry in client.json("GET", "/api/timeline")[1]["entries"]]
    assert kinds.index("panic_off") < kinds.index("panic")


@pytest.mark.parametrize("name,allowed", [("sam", 0), ("rui", 1), ("ana", 2)])
def test_each_role_may_what_the_table_says(stage, name, allowed):
    client = stage.client(name)
    expected = {
        ("GET", "/api/status"): 0, ("GET", "/api/timeline"): 0,
        ("POST", "/api/holds/hold-ffff-front/release"): 1, ("POST", "/holds/hold-ffff-front"): 1,
        ("GET", "/api/operators"): 2, ("POST", "/api/operators"): 2, ("DELETE", "/api/operators/zoe"): 2,
        ("PUT", "/api/operators/zoe/role"): 2, ("PUT", "/api/operators/zoe/password"): 2,
        ("POST", "/api/operators/zoe/totp"): 2,
    }
    for (method, path), needs in expected.items():
        body = f"csrf={client.csrf}&reason=x" if not path.startswith("/api") else "{}" if method != "GET" else None
        status, _, text = client.ask(method, path, body)
        assert (status == 403) == (needs > allowed), (method, path, status, text)
    anybody = Client(stage.port)
    for method, path in expected:
        assert anybody.ask(method, path, "{}" if method != "GET" else None)[0] in (401, 303)


def test_an_administrator_adds_an_operator_who_must_choose_a_password(own_stage):
    ana = own_stage.client("ana")
    new = {"name": "zoe", "role": "see", "password": "first password 1"}
    status, answer = ana.json("POST", "/api/operators", new)
    assert status == 200, answer
    fits("/api/operators", "post", status, answer)
    own_stage.secrets["zoe"] = answer["totp_secret"]
    assert ana.json("POST", "/api/operators", new)[0] == 409
    zoe = Client(own_stage.port)
    assert zoe.sign_in("zoe", answer["totp_secret"], password="first password 1")[0] == 200
    status, error = zoe.json("GET", "/api/status")
    assert (status, error["error"]["code"]) == (403, "password_must_change")
    assert zoe.json("PUT", "/api/me/password", {"password": "wrong", "new": "second password 2"})[0] == 400
    assert zoe.json("PUT", "/api/me/password", {"password": "first password 1", "new": "second password 2"})[0] == 200
    own_stage.forget_step("zoe")
    assert zoe.sign_in("zoe", answer["totp_secret"], password="second password 2")[0] == 200
    assert zoe.json("GET", "/api/status")[0] == 200
    assert ana.json("DELETE", "/api/operators/zoe") == (200, {"name": "zoe"})
    assert zoe.json("GET", "/api/status")[0] == 401

    def recorded():
        entries = json.loads(own_stage.ecluse("audit", "tail", "-n", "1000", "--json").stdout)["entries"]
        return [entry["reason"] for entry in entries if entry["kind"] == "operator"]
    done = recorded()
    assert ana.json("PUT", "/api/operators/ana/role", {"role": "see"})[0] == 409  # nobody would be left
    assert ana.json("DELETE", "/api/operators/zoe")[0] == 404
    assert recorded() == done and {"adds an operator", "removes an operator"} <= set(done)


def test_a_killed_desk_is_back_and_the_service_did_not_notice(own_stage):
    client = own_stage.client("sam")
    pid = own_stage.desk_pid()
    os.kill(pid, 9)
    for _ in range(20):
        assert own_stage.visit("/tarifs") == 200
    assert wait_until(lambda: own_stage.desk_pid() not in (0, pid) and own_stage.answers(), 10)
    assert client.json("GET", "/api/me")[0] == 401  # sessions were in its memory only
    client = own_stage.client("sam")
    assert wait_until(lambda: client.json("GET", "/api/timeline?kind=guard_down")[1]["entries"], 3)
    assert client.json("GET", "/api/timeline?kind=guard_down")[1]["entries"][0]["object"] == "desk"


def test_an_open_page_hears_of_differences_only(stage):
    import http.client
    client = stage.client("sam")
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=10)
    connection.request("GET", "/api/events", headers={"User-Agent": client.agent,
                                                      "Cookie": f"ecluse={client.cookies['ecluse']}"})
    reply = connection.getresponse()
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("text/event-stream")
    names, end = [], time.monotonic() + 10

    def hear_until(name, count):
        while time.monotonic() < end and names.count(name) < count:
            line = reply.readline().decode()
            if line.startswith("event: "):
                names.append(line[7:].strip())

    hear_until("holds", 1)
    assert set(names) == {"panic", "alarms", "contract", "promises", "budgets", "guards", "holds"}
    stage.hold("127.0.0.15")
    hear_until("holds", 2)
    connection.close()
    assert names.count("holds") >= 2 and names.count("contract") == 1
