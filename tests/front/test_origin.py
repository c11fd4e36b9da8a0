"""The origin refuses, is slow, or fails: readers get the store's answer, or the notice."""
import pytest
from front import SERVER, some_numbers, until

KNOWN, UNKNOWN, *MORE = some_numbers(8)
ASK = """
budgets:
  - {name: asking, meter: origin_requests, per: everyone, where: {route: tracking}, at_most: {1m: 8}, over: slow}
"""


@pytest.fixture
def f(front):
    return front(KNOWN)


def test_fallback_asks_the_origin_while_it_answers(f):
    assert f.get("/behind/" + KNOWN).text == f"origin says /behind/{KNOWN}"
    assert f.get("/behind/" + UNKNOWN).text == f"origin says /behind/{UNKNOWN}"
    f.origin.status = 404
    assert f.get("/behind/" + KNOWN).status == 404


def dead(origin):
    origin.stop()


def slow(origin):
    origin.delay = 3


def failing(origin):
    origin.status, origin.headers = 500, [("Set-Cookie", "secret=1"), ("Cache-Control", "max-age=99"), ("ETag", '"x"')]


@pytest.mark.parametrize("trouble", [dead, slow, failing])
def test_fallback_answers_from_the_store(f, trouble):
    trouble(f.origin)
    answer = f.get("/behind/" + KNOWN)
    assert answer.status == 200 and KNOWN in answer.text
    assert "set-cookie" not in answer.headers and "max-age=99" not in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) == len(answer.body)
    head = f.get("/behind/" + KNOWN, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert f.counters()["fallback_answers"] == 2


def test_what_the_store_does_not_know_either_is_the_notice(f):
    f.origin.stop()
    answer = f.get("/behind/" + UNKNOWN, headers={"Accept-Language": "de"})
    assert answer.status == 503 and answer.headers["content-language"] == "de"
    assert int(answer.headers["retry-after"]) > 0


def test_other_routes_get_the_notice_when_the_origin_is_away(f):
    assert f.get("/login", method="POST", body="a=b").text == "origin says /login"
    f.origin.status = 500
    assert f.get("/login").text == "origin says /login"  # the application's own error is its own to explain
    f.origin.status = 503
    assert "<!doctype html>" in f.get("/login").text
    f.origin.stop()
    for method in ("GET", "POST"):
        answer = f.get("/login", method=method, body="a=b" if method == "POST" else None)
        assert answer.status == 503 and "retry-after" in answer.headers and "<!doctype html>" in answer.text


def test_a_servers_error_page_takes_no_failure_away(front):
    f = front(KNOWN, server="error_page 500 502 503 504 /50x.html; error_page 404 /404.html;" + SERVER)
    f.origin.stop()
    assert KNOWN in f.get("/behind/" + KNOWN).text


def test_a_large_failing_body_is_replaced_whole(f):
    f.origin.status, f.origin.body = 502, b"x" * 3_000_000
    with_connection = f.connect()
    for _ in range(3):
        answer = f.get("/behind/" + KNOWN, connection=with_connection)
        assert answer.status == 200 and b"xxxx" not in answer.body
        assert int(answer.headers["content-length"]) == len(answer.body)


def test_readers_are_told_that_the_origin_is_down_until_it_is_back(f):
    calm = f.get("/suivi/" + KNOWN).text
    f.origin.stop()
    for _ in range(3):
        f.get("/anything")
    down = f.get("/suivi/" + KNOWN).text
    assert down != calm
    f.origin.start()
    for _ in range(2):
        f.get("/anything")
    assert len(f.get("/suivi/" + KNOWN).text) == len(calm)


def test_what_one_worker_sees_of_the_origin_all_workers_tell(front):
    f = front(KNOWN, workers=4)
    def told():  # fresh connections fall to whichever worker is quickest
        return {len(f.get("/suivi/" + KNOWN).text) for _ in range(24)}
    calm = told()
    f.origin.stop()
    until(lambda: f.get("/anything") and f.tell("origin")["down"])
    down = told()
    assert len(calm) == len(down) == 1 and down != calm
    f.origin.start()
    until(lambda: f.get("/anything") and not f.tell("origin")["down"])
    assert told() == calm


def test_unknown_numbers_ask_the_origin_within_half_the_budget(front):
    f = front(KNOWN, contract=ASK, server=SERVER.replace("ecluse_lookup $parcel;", "ecluse_route tracking; ecluse_lookup $parcel;"))
    told = [f.get("/suivi/" + number) for number in MORE]
    assert [answer.status for answer in told] == [200] * 4 + [404] * (len(MORE) - 4)
    assert len(f.origin.paths()) == 4
    assert f.counters()["unknown_asked"] == 4
    f.get("/suivi/" + KNOWN)
    assert len(f.origin.paths()) == 4


def test_an_unknown_number_whose_origin_fails_reads_not_known_yet(front):
    f = front(KNOWN, contract=ASK, server=SERVER.replace("ecluse_lookup $parcel;", "ecluse_route tracking; ecluse_lookup $parcel;"))
    f.origin.status = 500
    assert f.get("/suivi/" + UNKNOWN).status == 404
    f.origin.stop()
    assert f.get("/suivi/" + MORE[0]).status == 404


def test_fallback_over_its_budget_answers_from_the_store(front):
    f = front(KNOWN, contract=ASK)
    texts = [f.get("/behind/" + KNOWN).text for _ in range(12)]
    assert sum(text.startswith("origin says") for text in texts) == len(f.origin.paths()) <= 8
    assert "<!doctype html>" in texts[-1]


def test_gzip_and_added_headers_apply_to_what_stands_in(front):
    f = front(KNOWN, http_block="gzip on; gzip_proxied any; add_header X-Mine yes always;")
    f.origin.stop()
    answer = f.get("/behind/" + KNOWN, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip" and answer.headers["x-mine"] == "yes"
    import gzip
    assert KNOWN.encode() in gzip.decompress(answer.body)
