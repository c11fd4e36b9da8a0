"""What a challenged caller gets: a browser that solves, one without JavaScript or cookies, a form, a program."""
import http.client
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from front import free_port

SOURCE = pathlib.Path(os.environ["ECLUSE_SOURCE"])
MODULES = SOURCE / "tests/pages/node_modules/playwright-core"
browser = pytest.mark.skipif(not (MODULES.exists() and shutil.which("node") and shutil.which("chromium")),
                             reason="needs ./setup --for check")

# A budget that one address has soon spent for an hour; a pass has one of its own.
SPENT = 30
CONTRACT = f"""
routes: [{{name: gated, match: "/gated/*"}}, {{name: short, match: "/short/*"}}]
budgets:
  - {{name: gate, meter: requests, per: client, where: {{route: gated}}, at_most: {{1h: {SPENT}}}, over: challenge}}
"""

# Fields as awkward as HTML and browsers allow: no names, the names of a form's own members, quotes, line ends, other
# alphabets, one name twice.
FORM = """<!doctype html><title>form</title>
<form action="http://127.0.0.1:{port}/gated/post?x=1" method="post" id="one">
<input name="submit" value="a&quot;b&lt;c&gt;&amp;amp;'"><input name="action" value=""><input name="é" value="ž€ 你好 &#128230;">
<input name="twice" value="2"><input name="twice" value="1"><textarea name="lines">
first
second&#9;+%41</textarea><input name="a[]" value=" "><input name="=&amp;" value="&#127;&#1;">
<button id="send">send</button></form>
<form action="/gated/latin" method="post" accept-charset="windows-1252"><input name="é" value="ÿ€&#129;"><button id="latin">l</button></form>
<form action="/gated/upload" method="post" enctype="multipart/form-data"><input name="x" value="y"><button id="upload">u</button></form>
<form action="http://127.0.0.1:{port}/gated/abroad" method="post"><input name="x" value="y"><button id="abroad">a</button></form>
"""
SERVER = """
        ecluse on;
        location = /form {{ ecluse off; default_type "text/html; charset=utf-8"; alias {directory}/form.html; }}
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
    }}
    server {{
        listen 127.0.0.1:%d http2;
        ecluse on;
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
"""
PAGE = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"}
POSTED = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def gated(front):
    h2 = free_port()
    f = front(contract=CONTRACT, server=SERVER % h2, run=False)
    f.h2 = h2
    (f.directory / "form.html").write_text(FORM.format(port=f.port))
    f.start_nginx()
    connection = f.connect()
    statuses = [f.get("/gated/", connection=connection).status for _ in range(SPENT + 3)]
    assert statuses[0] == 200 and statuses[-1] == 503
    return f


def play(f, scene):
    done = subprocess.run(["node", str(SOURCE / "tests/front/challenge.mjs"), f"http://127.0.0.1:{f.port}", scene,
                           *os.environ.get("CHALLENGE_PICTURES", "").split()],
                          capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    print(result)
    assert result["found"] == []
    return result


@browser
def test_a_browser_solves_in_each_language_and_arrives(gated):
    play(gated, "solves")
    assert gated.origin.paths().count("/gated/page?q=caf%C3%A9&q=2") >= 4


@browser
def test_neighbours_in_the_same_second_have_a_pass_each(gated):
    play(gated, "neighbours")


@browser
@pytest.mark.parametrize("button", ["send", "latin"])
def test_a_form_is_sent_again_as_it_was(gated, button):
    play(gated, f"form:{button}")
    posts = [body for method, _, body, _ in gated.origin.seen if method == "POST"]
    assert len(posts) == 1 and posts[0]
    if button == "latin":
        assert posts == [b"%E9=%FF%80%81"]


@browser
def test_without_javascript_a_waiting_room_leads_on(gated):
    assert 5000 < play(gated, "plain")["waited"] < 20000


@browser
def test_without_javascript_a_form_waits_for_its_button(gated):
    play(gated, "plainForm")


@browser
def test_refused_cookies_are_said_and_nothing_goes_round(gated):
    play(gated, "cookies")


@browser
def test_six_times_slower_and_without_workers_it_takes_less_than_two_seconds(gated):
    assert play(gated, "slow")["median"] < 2000


@browser
def test_what_cannot_be_given_back_is_sent_again_by_its_reader(gated):
    play(gated, "resend")


@browser
def test_a_form_of_another_site_is_not_given_back(gated):
    play(gated, "foreign")


def test_programs_are_told_when_to_come_back(gated):
    feed = gated.get("/gated/feed.xml", headers={"Accept": "application/rss+xml, application/xml;q=0.9"})
    assert feed.status == 503 and 20 <= int(feed.headers["retry-after"]) <= 60
    assert feed.headers["content-type"].startswith("text/plain") and "set-cookie" not in feed.headers
    api = gated.get("/gated/api", headers={"Accept": "application/json", "Accept-Language": "de"})
    assert api.status == 503 and json.loads(api.body)["status"] == 503 and api.headers["content-language"] == "de"
    fetched = gated.get("/gated/part", headers={**PAGE, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})
    assert fetched.headers["content-type"].startswith("text/plain")


def test_a_page_is_for_no_cache_and_no_index(gated):
    for method in ("GET", "HEAD"):
        page = gated.get("/gated/page", method=method, headers=PAGE)
        assert page.status == 503 and int(page.headers["retry-after"]) >= 1
        assert page.headers["cache-control"] == "no-store" and page.headers["x-robots-tag"] == "noindex"
        assert (method == "HEAD") == (page.body == b"")


@pytest.mark.parametrize("headers, given_back", [
    ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False), ({"Origin": "http://127.0.0.1:PORT"}, True),
    ({"Origin": "http://127.0.0.1:PORT.example"}, False), ({"Origin": "null"}, False),
    ({"Origin": "http://other.example"}, False), ({"Referer": "http://127.0.0.1:PORT/form"}, True),
    ({"Referer": "http://127.0.0.1:PORT@other.example/"}, False), ({}, False),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://other.example"}, False)])
def test_only_a_form_of_this_site_is_given_back(gated, headers, given_back):
    headers = {name: value.replace("PORT", str(gated.port)) for name, value in headers.items()}
    page = gated.get("/gated/post", "POST", headers={**POSTED, **headers}, body="a=%3Cb%3E&a=")
    assert page.status == 503
    assert ('<input type="hidden" name="a" value="&lt;b&gt;">\n<input type="hidden" name="a" value="">' in page.text) == given_back


def test_a_body_that_comes_slowly_or_in_parts_is_given_back_whole(gated):
    connection = gated.connect()
    connection.putrequest("POST", "/gated/post")
    for name, value in {**POSTED, "Sec-Fetch-Site": "same-origin", "Content-Length": "5000"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"a=")
    for _ in range(2):
        connection.send(b"x" * 2499)
    page = connection.getresponse()
    assert page.status == 503 and b'value="' + b"x" * 4998 + b'"' in page.read()


def test_a_body_that_is_too_long_is_lost_and_said_so(gated):
    headers = {**POSTED, "Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    page = gated.get("/gated/post", "POST", headers=headers, body="a=" + "x" * 8191)
    assert page.status == 503 and "Please send it again" in page.text and "<form" not in page.text
    page = gated.get("/gated/post", "POST", headers={**headers, "Content-Type": "text/plain"}, body="a=b")
    assert "Please send it again" in page.text


def test_a_reader_who_hangs_up_while_sending_is_forgotten(gated):
    for _ in range(20):
        connection = http.client.HTTPConnection("127.0.0.1", gated.port)
        connection.putrequest("POST", "/gated/post")
        for name, value in {**POSTED, "Sec-Fetch-Site": "same-origin", "Content-Length": "4000"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"a=")
        connection.close()
    assert gated.get("/gated/page", headers=PAGE).status == 503
    assert "alert" not in gated.log()


def curl(f, *words):
    """Over HTTP/2 without TLS: head and body."""
    done = subprocess.run(["curl", "-sS", "-i", "--http2-prior-knowledge", "-m", "10", "-H", "Accept: text/html", "-H",
                           "Accept-Language: en", *words[:-1], f"http://127.0.0.1:{f.h2}{words[-1]}"],
                          capture_output=True, text=True, check=True, timeout=20)
    head, _, body = done.stdout.partition("\n\n")
    return head, body


def test_over_http2_it_is_the_same(gated):
    head, body = curl(gated, "/gated/page")
    assert head.startswith("HTTP/2 503") and "set-cookie: ecluse_ticket=" in head and body.endswith("</html>\n")
    head, body = curl(gated, "-H", "Sec-Fetch-Site: same-origin", "-d", "a=%22&b=" + "x" * 3000, "/gated/post")
    assert head.startswith("HTTP/2 503") and 'name="a" value="&quot;"' in body and "x" * 3000 in body
    head, body = curl(gated, "-I", "/gated/page")
    assert head.startswith("HTTP/2 503") and body == ""


def test_a_route_that_is_short_of_room_asks_too(gated):
    assert gated.get("/short/page", headers=PAGE).status == 200
    assert gated.tell("challenge short")["begun"]
    page = gated.get("/short/page", headers=PAGE)
    assert page.status == 503 and "ecluse_ticket" in page.headers["set-cookie"]
    assert gated.get("/short/page").headers["content-type"].startswith("text/plain")
    done = gated.tell("gate")["done"]
    assert (done["challenged_pressure"], done["program_pressure"]) == (1, 1)
