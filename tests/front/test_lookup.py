"""What is typed: form, check digit, filter, store, in that order; what is told, in which form and language."""
import json
import subprocess

import pytest
from front import s10, some_numbers

KNOWN, UNKNOWN, OTHER = some_numbers(3)


@pytest.fixture
def f(front):
    return front(KNOWN)


def test_a_parcel_is_answered_from_the_store(f):
    answer = f.get("/suivi/" + KNOWN)
    assert answer.status == 200 and KNOWN in answer.text and "Roissy" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert f.origin.paths() == []
    assert f.counters()["store_answers"] == 1


def test_a_suivi_v2_client_gets_its_json(f):
    answer = f.get("/suivi/v2/idships/" + KNOWN)
    assert answer.headers["content-type"].startswith("application/json")
    document = json.loads(answer.text)
    assert document["returnCode"] == 200 and document["shipment"]["idShip"] == KNOWN


def test_the_form_follows_accept_where_the_location_says_nothing(f):
    assert json.loads(f.get("/suivi/" + KNOWN, headers={"Accept": "application/json"}).text)["returnCode"] == 200
    browser = {"Accept": "text/html,application/json;q=0.9"}
    assert f.get("/suivi/" + KNOWN, headers=browser).text.startswith("<!doctype html>")


@pytest.mark.parametrize("typed", ["{0}%20{1}", "{0}-{1}", "{0}.{1}", "{0}+{1}", "%52{0}{1}"])
def test_a_number_is_taken_as_people_type_it(f, typed):
    first, rest = (KNOWN[1:6], KNOWN[6:]) if typed.startswith("%52") else (KNOWN[:5].lower(), KNOWN[5:].lower())
    assert KNOWN in f.get("/suivi/" + typed.format(first, rest)).text


def test_the_search_form_is_sent_to_the_number(f):
    answer = f.get(f"/suivi?id=+{KNOWN[:4].lower()}%20{KNOWN[4:]}&lang=nl")
    assert (answer.status, answer.headers["location"]) == (303, f"/suivi/{KNOWN}?lang=nl")
    assert f.get(f"/suivi?id={KNOWN}").headers["location"] == f"/suivi/{KNOWN}"
    assert f.get("/suivi?id=").status == 200
    assert f.get("/suivi?id=junk").status == 404


def test_what_cannot_exist_is_a_polite_404_and_never_reaches_the_origin(f):
    wrong_check = KNOWN[:10] + str((int(KNOWN[10]) + 1) % 10) + KNOWN[11:]
    for path in ("/suivi/junk", "/suivi/" + wrong_check, "/suivi/" + "9" * 3000, "/suivi/%01%ff"):
        answer = f.get(path)
        assert answer.status == 404 and "<!doctype html>" in answer.text
    counters = f.counters()
    assert (counters["shape_refused"], counters["check_digit_refused"]) == (3, 1)
    assert f.origin.paths() == []
    assert f.get("/suivi/v2/idships/junk").status == 400


def test_a_reader_is_answered_in_their_language(f):
    first = {f.get("/suivi/junk", headers={"Accept-Language": tag}).headers["content-language"]
             for tag in ("fr", "nl-BE,nl;q=0.9", "de", "en-GB")}
    assert first == {"fr", "nl", "de", "en"}
    assert f.get("/suivi/junk?lang=de", headers={"Accept-Language": "fr"}).headers["content-language"] == "de"
    assert f.get("/suivi/" + KNOWN, headers={"Accept-Language": "en"}).headers["content-language"] == "en"


def test_a_list_of_numbers_is_told_that_one_is_answered_at_a_time(f):
    answer = f.get(f"/suivi/v2/idships/{KNOWN},{UNKNOWN}?lang=en")
    told = json.loads(answer.text)
    assert answer.status == 400 and told["returnCode"] == 400
    assert "one by one" in told["returnMessage"] and "shipment" not in told
    assert f.get(f"/suivi/v2/idships/{KNOWN}x?lang=en").status == 400
    assert f.get(f"/suivi/{KNOWN},{UNKNOWN}").status == 404


def test_an_unknown_number_reads_not_known_yet(f):
    answer = f.get("/suivi/" + UNKNOWN)
    assert answer.status == 404
    told = json.loads(f.get("/suivi/v2/idships/" + UNKNOWN.lower()).text)
    assert told["returnCode"] == 104 and told["idShip"] == UNKNOWN
    assert f.counters()["unknown_refused"] == 2 and f.origin.paths() == []


def test_a_parcel_fed_meanwhile_is_found(f):
    assert f.get("/suivi/" + OTHER).status == 404
    f.feed(OTHER)
    from front import until
    until(lambda: f.get("/suivi/" + OTHER).status == 200)


def test_other_methods_are_refused(f):
    for method in ("POST", "PUT", "DELETE"):
        answer = f.get("/suivi/" + KNOWN, method=method, body="x=1")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_is_get_without_a_body(f):
    for path in ("/suivi/" + KNOWN, "/suivi/" + UNKNOWN, "/"):
        get, head = f.get(path), f.get(path, method="HEAD")
        assert (head.status, head.body) == (get.status, b"")
        assert head.headers["content-length"] == str(len(get.body))
        assert head.headers.get("etag") == get.headers.get("etag")


def test_what_has_not_changed_is_304(f):
    first = f.get("/suivi/" + KNOWN)
    again = f.get("/suivi/" + KNOWN, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    since = f.get("/suivi/" + KNOWN, headers={"If-Modified-Since": first.headers["last-modified"]})
    assert since.status == 304
    assert f.get("/suivi/" + KNOWN, headers={"If-None-Match": '"other"'}).status == 200
    f.feed(KNOWN, code="DI1")
    assert f.get("/suivi/" + KNOWN, headers={"If-None-Match": first.headers["etag"]}).status == 200


def test_the_home_page_and_the_notice(front):
    f = front(server="ecluse on; location = / {{ ecluse_page home; }} location = /away {{ ecluse_page notice; }}")
    assert f.get("/").status == 200 and "<form" in f.get("/").text
    notice = f.get("/away")
    assert notice.status == 503 and int(notice.headers["retry-after"]) > 0
    assert f.get("/", method="POST", body="x").status == 405


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--max-time", "10", "-i", *arguments], capture_output=True,
                          timeout=20, check=True).stdout.decode()  # as bytes: line ends matter here


def test_http_1_0_1_1_and_2_say_the_same(front):
    f = front(KNOWN, http_block="server {{ listen 127.0.0.1:{h2} http2; ecluse on; location ~ ^/suivi/(?<parcel>[^/]*)$ {{ "
              "ecluse_lookup $parcel html; }} }}".replace("{{", "{").replace("}}", "}").replace("{h2}", "0"), run=False)
    from front import free_port
    h2 = free_port()
    f.http_block = f.http_block.replace("127.0.0.1:0", f"127.0.0.1:{h2}")
    f.start_nginx()
    for number, status in ((KNOWN, "200"), (UNKNOWN, "404")):
        told = {}
        for version, option, port in (("1.0", "--http1.0", f.port), ("1.1", "--http1.1", f.port),
                                      ("2", "--http2-prior-knowledge", h2)):
            head, _, body = curl(option, "-H", "Accept: text/html", f"http://127.0.0.1:{port}/suivi/{number}").partition("\r\n\r\n")
            line, *lines = head.split("\r\n")
            assert line.split()[1] == status and line.startswith("HTTP/2" if version == "2" else "HTTP/1.1")
            headers = {l.split(":", 1)[0].lower(): l.split(":", 1)[1].strip() for l in lines}
            told[version] = (body, {name: value for name, value in headers.items()
                                    if name not in ("date", "connection", "server")})
        assert told["1.0"] == told["1.1"] == told["2"]
        assert "cache-control" in told["2"][1] and "\n" not in told["2"][1]["content-language"]


def test_a_number_can_stand_in_text_with_variables(front):
    body = s10(12345678)[2:]
    f = front(s10(12345678), server="ecluse on; location ~ ^/ra/(?<rest>.*)$ {{ ecluse_lookup RA$rest html; }}")
    assert f.get("/ra/" + body).status == 200


def test_pipelined_requests_each_get_their_answer(f):
    import socket
    with socket.create_connection(("127.0.0.1", f.port)) as s:
        one = "GET /suivi/{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        s.sendall((one.format(KNOWN, "") + one.format(UNKNOWN, "") + one.format("junk", "Connection: close\r\n")).encode())
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"404"]


EARLY = """ecluse on; ecluse_route tracking;
    location /open/ {{ ecluse_lookup $ecluse_rest html early; proxy_pass http://127.0.0.1:{origin}; }}
    location /shut/ {{ ecluse_lookup $ecluse_rest html early; proxy_pass http://127.0.0.1:{origin}; deny all; }}
    location /after/ {{ ecluse_lookup $ecluse_rest html early; ecluse_answer fallback; proxy_pass http://127.0.0.1:{origin}; }}
    location / {{ ecluse_answer fallback; proxy_pass http://127.0.0.1:{origin}; }}
"""
ASK = """
budgets:
  - {name: asking, meter: origin_requests, per: everyone, where: {route: tracking}, at_most: {1h: 8}, over: slow}
"""


def test_early_says_the_same_and_is_before_access_rules(front):
    f = front(KNOWN, server="ecluse on; location /a/ {{ ecluse_lookup $ecluse_last html early; deny all; }} "
              "location /b/ {{ ecluse_lookup $ecluse_last html; }} location /c/ {{ ecluse_lookup $ecluse_last html; deny all; }}")
    for number in (KNOWN, UNKNOWN, "junk"):
        early, late = f.get("/a/" + number), f.get("/b/" + number)
        assert (early.status, early.body) == (late.status, late.body)
        assert f.get("/c/" + number).status == 403
    assert f.get("/a/" + KNOWN, method="POST", body="x").status == 405


def test_early_with_an_origin_answers_first_and_asks_behind_the_access_rules(front):
    f = front(KNOWN, contract=ASK, server=EARLY)
    for number, status in ((KNOWN, 200), ("junk", 404), (UNKNOWN, 403)):
        assert f.get("/shut/" + number).status == status
    assert f.origin.paths() == []
    told = [f.get("/open/" + number) for number in some_numbers(6, seed=9)]
    assert [answer.status for answer in told] == [200] * 3 + [404] * 3  # half of 8 less the one that was denied
    assert told[0].text.startswith("origin says") and len(f.origin.paths()) == 3
    assert f.tell("budgets")["asking"]["charged"] == 4
    assert f.counters()["lookups"] == 9


def test_early_without_a_budget_never_asks(front):
    f = front(KNOWN, server=EARLY)
    assert f.get("/open/" + UNKNOWN).status == 404 and f.origin.paths() == []


def test_early_fallback_asks_the_origin_and_stands_in_for_it(front):
    f = front(KNOWN, server=EARLY)
    assert f.get("/after/" + KNOWN).text == f"origin says /after/{KNOWN}"
    assert f.get("/after/junk").status == 404 and len(f.origin.paths()) == 1
    f.origin.stop()
    assert KNOWN in f.get("/after/" + KNOWN).text


def test_early_in_observe_changes_nothing(front):
    for contract, server in (("mode: observe\n", EARLY), ("", EARLY.replace("ecluse on", "ecluse observe"))):
        f = front(KNOWN, contract=contract, server=server)
        assert f.get("/open/junk").text == "origin says /open/junk"
        assert f.counters()["lookups"] == 1
        assert f.get("/shut/junk").status == 403


def test_deeper_paths_are_the_origins_under_its_budgets(front):
    f = front(KNOWN, contract=ASK.replace("over: slow", "over: hold, hold_for: 1h").replace("{1h: 8}", "{1h: 4}"), server=EARLY)
    assert f.get("/open/style/page.css").text == "origin says /open/style/page.css"
    assert f.get("/open/style/page.css", method="POST", body="x").status == 200
    assert f.get("/shut/a/b").status == 403
    assert f.counters()["lookups"] == 0
    f.origin.stop()
    notice = f.get("/open/a/b")
    assert notice.status == 503 and "retry-after" in notice.headers
    assert f.get("/open/a/b").status == 429
    assert f.get("/open/" + KNOWN).status == 200
