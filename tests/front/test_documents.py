"""Every example in docs/nginx.md is a configuration that nginx takes, and the complete one works."""
import pathlib
import re

import pytest
from front import MODULE, free_port, some_numbers, until

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "nginx.md").read_text()
EXAMPLES = re.findall(r"```nginx\n(.*?)```", TEXT, re.S)
KNOWN, UNKNOWN = some_numbers(2)


def test_there_is_an_example():
    assert any("load_module" in example for example in EXAMPLES)


def at_home(f, example):
    """The example as it stands, but for the paths, ports and the account of this place."""
    for old, new in (("/usr/lib/nginx/modules/ngx_http_ecluse_module.so", str(MODULE)), ("user www-data;", f.user()),
                     ("/run/ecluse", f"{f.directory}/run"), ("127.0.0.1:8080", f"127.0.0.1:{f.origin.port}"),
                     ("listen 80;", f"listen 127.0.0.1:{f.port};"), ("listen [::]:80;", f"listen [::1]:{free_port()};"),
                     ("worker_processes auto;", f"worker_processes 1; pid {f.directory}/nginx.pid; "
                      f"error_log {f.directory}/logs/error.log notice;")):
        assert old in example, old
        example = example.replace(old, new)
    temp = "".join(f"{kind}_temp_path {f.directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return example.replace("http {", "http { access_log off; " + temp, 1)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if "load_module" in e], ids=lambda e: "complete")
def test_a_complete_example_works_as_it_stands(front, example):
    f = front(KNOWN, run=False)
    f.configuration = lambda: at_home(f, example)
    f.start_nginx()
    assert f.get("/").status == 200
    assert f.get("/suivi?id=" + KNOWN).headers["location"] == "/suivi/" + KNOWN
    assert KNOWN in f.get("/suivi/" + KNOWN).text
    assert f.get("/suivi/" + UNKNOWN).status == 404
    assert f.get("/suivi/v2/idships/" + KNOWN).headers["content-type"].startswith("application/json")
    assert f.get("/suivi/a/b").text == "origin says /suivi/a/b"
    assert f.get("/x").text == "origin says /x"
    f.origin.status = 503  # its kept connections outlive the test origin's stop
    assert "<!doctype html>" in f.get("/x").text


def test_each_part_of_a_configuration_is_taken(front):
    for example in EXAMPLES:
        if "load_module" in example:
            continue
        server = "ecluse on; " + example.replace("{", "{{").replace("}", "}}")
        checked = front(server=server, stage=False, run=False).check()
        assert checked.returncode == 0, checked.stderr
