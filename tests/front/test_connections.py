"""TLS and IPv6, as clients come."""
import http.client
import json
import ssl
import subprocess

import pytest
from front import SERVER, free_port, some_numbers

KNOWN, = some_numbers(1)
HOLD = "budgets:\n  - {name: test, meter: requests, per: client, at_most: {1h: 3}, over: hold, hold_for: 1h}\n"


@pytest.fixture
def f(front):
    """The same server block three times over: plain, with TLS and HTTP/2, and on IPv6."""
    f = front(KNOWN, run=False, contract=HOLD)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "2", "-subj", "/CN=suivi.example", "-keyout", f.directory / "key.pem", "-out", f.directory / "cert.pem"],
                   check=True, capture_output=True, timeout=20)
    f.tls, f.six = free_port(), free_port()
    f.server = (f"listen 127.0.0.1:{f.tls} ssl http2; listen [::1]:{f.six}; ssl_certificate {f.directory}/cert.pem; "
                f"ssl_certificate_key {f.directory}/key.pem;" + SERVER)
    f.start_nginx()
    return f


def test_over_tls_json_says_https(f):
    context = ssl.create_default_context(cafile=str(f.directory / "cert.pem"))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", f.tls, context=context, timeout=10)
    told = f.get("/suivi/v2/idships/" + KNOWN, connection=connection, headers={"Host": "suivi.example"})
    assert told.status == 200 and json.loads(told.text)["shipment"]["idShip"] == KNOWN
    assert "https://suivi.example/" in told.text
    plain = f.get("/suivi/v2/idships/" + KNOWN, headers={"Host": "suivi.example"})
    assert plain.text == told.text.replace("https://suivi.example/", "http://suivi.example/")


def test_http_2_over_tls_is_answered_and_refused(f):
    def curl(path):
        return subprocess.run(["curl", "-sSk", "--http2", "-w", "%{http_code} %{http_version}", "-o", "/dev/null",
                               f"https://127.0.0.1:{f.tls}{path}"], capture_output=True, text=True, timeout=20).stdout
    assert [curl("/suivi/" + KNOWN) for _ in range(4)] == ["200 2"] * 3 + ["429 2"]


def test_a_client_on_ipv6_is_somebody_else(f):
    six = lambda: f.get("/suivi/" + KNOWN, connection=http.client.HTTPConnection("::1", f.six, timeout=10)).status  # noqa: E731
    assert [f.get("/suivi/" + KNOWN).status for _ in range(4)] == [200] * 3 + [429]
    assert [six() for _ in range(4)] == [200] * 3 + [429]
