"""Lanes: who comes in, what it is spared, and that nothing said elsewhere makes one."""
import http.client
import ssl
import subprocess
import time

import pytest
from front import free_port, until
from test_keys import header, issue

SPENT = 8
CONTRACT = f"""
routes: [{{name: gated, match: "/gated*"}}]
budgets:
  - {{name: gate, meter: requests, per: client, where: {{route: gated}}, at_most: {{1h: {SPENT}}}, over: challenge}}
  - {{name: all, meter: requests, per: everyone, where: {{route: gated}}, at_most: {{1h: 200}}, over: slow}}
"""
SERVER = """
        ecluse on;
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
    }}
    server {{
        listen 127.0.0.1:%d ssl http2;
        ssl_certificate {directory}/lane.pem;
        ssl_certificate_key {directory}/lane.key;
        ssl_client_certificate {directory}/ca.pem;
        ssl_verify_client optional;
        ecluse on;
        ecluse_lane staff;
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
        location /seen/ {{ ecluse observe; proxy_pass http://127.0.0.1:{origin}; }}
"""


def openssl(directory, *words):
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=30)


def certificates(directory):
    """An authority with one device, and a device of another authority."""
    for authority in ("ca", "other"):
        openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
    for name, authority in (("lane", "ca"), ("scanner", "ca"), ("stranger", "other")):
        openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(directory, "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", f"{authority}.pem",
                "-CAkey", f"{authority}.key", "-CAcreateserial", "-out", f"{name}.pem")
    for key in directory.glob("*.key"):
        key.chmod(0o644)


@pytest.fixture
def lanes(front):
    port = free_port()
    f = front(contract=CONTRACT, server=SERVER % port, run=False)
    certificates(f.directory)
    f.lane = port
    f.start_nginx()
    assert [f.get("/gated/").status for _ in range(SPENT + 1)][-1] == 503
    return f


def ask(f, path, device=None, headers=None, method="GET"):
    """On the lane, with a device's certificate or without."""
    context = ssl.create_default_context(cafile=f.directory / "ca.pem")
    context.check_hostname = False
    if device:
        context.load_cert_chain(f.directory / f"{device}.pem", f.directory / f"{device}.key")
    connection = http.client.HTTPSConnection("127.0.0.1", f.lane, timeout=10, context=context)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_device_with_its_certificate_is_never_challenged(lanes):
    assert [ask(lanes, "/gated/", "scanner")[0] for _ in range(3 * SPENT)] == [200] * 3 * SPENT
    spent = lanes.tell("budgets")
    assert spent["all"]["charged"] == spent["all"]["allowed"] == SPENT  # the public's alone


def test_who_shows_nothing_is_turned_away_in_words(lanes):
    status, text = ask(lanes, "/gated/", headers={"Accept": "text/html", "Accept-Language": "nl"})
    assert status == 403 and "bestemd voor medewerkers" in text
    status, text = ask(lanes, "/gated/", headers={"Accept": "application/json"})
    assert status == 403 and text.startswith('{"status":403')
    assert lanes.tell("gate")["done"]["lane_closed"] == 2
    assert ask(lanes, "/gated/", method="POST")[0] == 403


def test_a_certificate_of_another_authority_is_none(lanes):
    status, _ = ask(lanes, "/gated/", "stranger")
    assert status in (400, 403) and lanes.origin.paths().count("/gated/") == SPENT


def test_a_key_opens_the_lane_that_it_was_issued_for(lanes):
    staff, others = issue(lanes, "scanners staff"), issue(lanes, "others drivers")
    for _ in range(2 * SPENT):
        assert ask(lanes, "/gated/", headers=header(staff, "GET", "/gated/"))[0] == 200
    assert ask(lanes, "/gated/", headers=header(others, "GET", "/gated/"))[0] == 403
    lanes.tell(f"revoke {staff['id']}")
    time.sleep(1.2)
    assert ask(lanes, "/gated/", headers=header(staff, "GET", "/gated/"))[0] == 403


def test_nothing_makes_a_lane_of_the_public_listener(lanes):
    key = issue(lanes, "scanners staff")
    claims = {"Ecluse-Lane": "staff", "Lane": "staff", "X-Lane": "staff", "X-SSL-Client-Verify": "SUCCESS",
              "SSL-Client-Verify": "SUCCESS", "Ssl_Client_Verify": "SUCCESS", "Cookie": "ecluse_lane=staff"}
    assert lanes.get("/gated/", headers=claims).status == 503
    # The key is known there, and is a client with a budget like any other: after its eight it waits, and is refused.
    told = [lanes.get("/gated/", headers=header(key, "GET", "/gated/")).status for _ in range(SPENT + 2)]
    assert told[0] == 200 and told[-1] in (429, 503)


def test_in_observe_the_door_only_counts(lanes):
    assert ask(lanes, "/seen/x")[0] == 200
    assert lanes.tell("gate")["would"]["lane_closed"] == 1
    lanes.tell("panic on")
    until(lambda: ask(lanes, "/gated/")[0] == 200)


def test_a_route_that_challenges_the_public_lets_the_lane_through(lanes):
    lanes.tell("challenge gated")
    assert lanes.get("/gated/", headers={"Accept": "text/html"}).status == 503
    assert ask(lanes, "/gated/", "scanner", headers={"Accept": "text/html"})[0] == 200


@pytest.mark.parametrize("name", ["a b", "", "é", "x" * 32, "-"])
def test_a_lanes_name_is_a_word(front, name):
    f = front(run=False, server=f'        ecluse on; ecluse_lane "{name}";\n')
    checked = f.check()
    assert checked.returncode != 0 and "takes the name of a lane" in checked.stderr
