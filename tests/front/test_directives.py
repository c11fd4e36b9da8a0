"""nginx -t says what is wrong, and what is allowed."""
import pytest
from front import until

GOOD = "ecluse on; location /a/ {{ ecluse_lookup $ecluse_last html redirect=/s/; ecluse_answer first; ecluse_route x; }}"

WRONG = [
    ("ecluse maybe;", '"ecluse" takes "on", "observe" or "off", not "maybe"'),
    ("ecluse on; ecluse off;", '"ecluse" directive is duplicate'),
    ("ecluse on; location / {{ ecluse_lookup number; }}",
     '"ecluse_lookup" takes a variable that holds the parcel number first ("$id"), not "number"'),
    ("ecluse on; location / {{ ecluse_lookup $arg_id xml; }}",
     '"ecluse_lookup" takes "html", "json", "early" or "redirect=/path/" after the variable, not "xml"'),
    ("ecluse on; location / {{ ecluse_lookup $arg_id redirect=suivi; }}",
     'takes "redirect=" with a path that begins with "/"'),
    ("ecluse on; location / {{ ecluse_lookup $nowhere; }}", 'unknown "nowhere" variable'),
    ("ecluse on; location / {{ ecluse_answer last; }}", '"ecluse_answer" takes "first"'),
    ("ecluse on; location / {{ ecluse_page about; }}", '"ecluse_page" takes "home"'),
    ("location / {{ ecluse_lookup $arg_id; }}", '"ecluse_lookup" in location "/" needs "ecluse on"'),
    ("location / {{ ecluse_page home; }}", '"ecluse_page" in location "/" needs "ecluse on"'),
    ("ecluse on; location / {{ ecluse_page home; ecluse_lookup $arg_id; }}",
     'location "/" has both "ecluse_lookup" and "ecluse_page"'),
    ("ecluse on; location / {{ ecluse_lookup $arg_id; ecluse_answer fallback; }}",
     '"ecluse_answer fallback" in location "/" needs an origin'),
    ("ecluse on; location ~ ^/s/ {{ ecluse_lookup $ecluse_rest; }}", "a regular expression has captures of its own"),
    ("ecluse on; ecluse_route " + "r" * 64 + ";", "takes the name of a route in the contract, of 1 to 63 bytes"),
    ("ecluse_runtime /run/x;", '"ecluse_runtime" directive is not allowed here'),
]


def test_a_good_configuration_passes(front):
    checked = front(server=GOOD, stage=False, run=False).check()
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("server,message", WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_one_is_told_what_is_allowed(front, server, message):
    checked = front(server=server, stage=False, run=False).check()
    assert checked.returncode != 0
    assert message in checked.stderr


def test_a_relative_runtime_is_refused(front):
    f = front(server="ecluse on;", stage=False, run=False)
    f.http_block = ""
    text = f.configuration().replace(f"ecluse_runtime {f.directory}/run", "ecluse_runtime run/ecluse")
    f.configuration = lambda: text
    assert 'takes an absolute path (the contract\'s "runtime"), not "run/ecluse"' in f.check().stderr


def test_a_route_that_the_contract_does_not_know_is_a_warning(front):
    f = front(server="ecluse on; location / {{ ecluse_route nowhere; return 200; }}")
    until(lambda: 'the contract has no route "nowhere"' in f.log())


def test_loaded_and_not_used_it_does_nothing(front):
    f = front(server="location / {{ proxy_pass http://127.0.0.1:{origin}; }}", stage=False)
    assert f.get("/x").status == 200
    assert "ecluse" not in f.log().replace("ecluse-front", "")


def test_off_takes_a_location_out(front):
    server = "ecluse on; location ~ ^/s/(?<p>.*)$ {{ ecluse off; ecluse_lookup $p; proxy_pass http://127.0.0.1:{origin}; }}"
    f = front(server=server)
    assert f.get("/s/junk").text == "origin says /s/junk"


def test_the_order_of_directives_does_not_matter(front):
    from front import some_numbers
    number, = some_numbers(1)
    server = "ecluse on; location ~ ^/s/(?<p>.*)$ {{ proxy_pass http://127.0.0.1:{origin}; ecluse_lookup $p html; }}"
    assert number in front(number, server=server).get("/s/" + number).text


def test_an_if_block_is_its_location_in_another_guise(front):
    from front import some_numbers
    number, = some_numbers(1)
    server = ('ecluse on; location ~ ^/s/(?<p>.*)$ {{ ecluse_lookup $p html; proxy_pass http://127.0.0.1:{origin}; '
              'if ($arg_x) {{ set $y 1; }} }}')
    assert number in front(number, server=server).get(f"/s/{number}?x=1").text
