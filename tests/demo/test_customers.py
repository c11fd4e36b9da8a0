"""The customers and the origin of the lab count and answer honestly: the demo and the benchmarks rest on them."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

BUILD = os.environ.get("ECLUSE_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
CUSTOMERS, ORIGIN = (os.path.join(BUILD, "lab", name) for name in ("customers", "origin"))


def answer(status, body="", headers=""):
    return (f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}").encode()


class Front:
    """A front that says what it is told to, for as many questions on a connection as it is told to."""

    def __init__(self, reply, questions=1):
        self.reply, self.questions, self.asked = reply, questions, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            for _ in range(self.questions):
                head = b""
                while b"\r\n\r\n" not in head:
                    more = connection.recv(4096)
                    if not more:
                        return
                    head += more
                number = head.split()[1].rpartition(b"/")[2].decode()
                self.asked.append(number)
                said = self.reply(number)
                if said is None:
                    return
                connection.sendall(said)


@pytest.fixture
def numbers(tmp_path):
    path = tmp_path / "numbers"
    path.write_text("".join(f"RA{i:09d}FR\n" for i in range(300)))
    return str(path)


def ask(front, numbers, *options):
    done = subprocess.run([CUSTOMERS, "--to", front.address, "--numbers", numbers, *options],
                          capture_output=True, text=True, timeout=60, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["second"] == "all"
    return lines


OPEN = ("--rate", "100", "--seconds", "1")
SAYINGS = {
    "answered": lambda number: answer(200, f"<p>{number}</p>"),
    "wrong": lambda number: answer(200, "<p>RA999999999FR</p>"),
    "not_known": lambda number: answer(404, number),
    "refused": lambda number: answer(429, "", "Retry-After: 9\r\n"),
    "notice": lambda number: answer(503, "", "Retry-After: 9\r\n"),
    "failed": lambda number: answer(503, number),
}


@pytest.mark.parametrize("outcome", SAYINGS)
def test_each_kind_of_answer_is_counted_as_what_it_is(outcome, numbers):
    total = ask(Front(SAYINGS[outcome]), numbers, *OPEN)[-1]
    assert total["asked"] > 50
    assert total[outcome] == total["asked"]


def test_a_connection_that_breaks_or_is_refused_is_a_failure(numbers):
    front = Front(lambda number: None)
    assert (lambda total: total["failed"] == total["asked"] > 50)(ask(front, numbers, *OPEN)[-1])
    front.listener.shutdown(socket.SHUT_RDWR)
    front.listener.close()
    assert (lambda total: total["failed"] == total["asked"] > 50)(ask(front, numbers, *OPEN)[-1])


def test_half_an_answer_is_no_answer(numbers):
    front = Front(lambda number: answer(200, f"<p>{number}</p>")[:-2])
    total = ask(front, numbers, *OPEN)[-1]
    assert total["failed"] == total["asked"] > 50


def test_an_answer_that_comes_too_late_is_late_and_no_one_waits_longer(numbers):
    def slowly(number):
        time.sleep(1.5)
        return answer(200, number)
    begun = time.monotonic()
    total = ask(Front(slowly), numbers, *OPEN, "--within", "300")[-1]
    assert total["late"] == total["asked"] > 50
    assert time.monotonic() - begun < 3


def test_the_wait_runs_from_when_the_customer_was_due(numbers):
    def slowly(number):
        time.sleep(0.2)
        return answer(200, number)
    total = ask(Front(slowly), numbers, *OPEN)[-1]
    assert 200000 <= total["p50_us"] < 400000


def test_a_sweep_asks_each_number_exactly_once_even_when_connections_are_closed(numbers):
    front = Front(SAYINGS["answered"], questions=7)
    total = ask(front, numbers, "--sweep", "--connections", "4", "--mark", "<p>")[-1]
    assert total["asked"] == total["answered"] == total["marked"] == 300
    assert len(set(front.asked)) == 300


def test_phases_sum_up_to_all(numbers):
    front = Front(SAYINGS["answered"])
    process = subprocess.Popen([CUSTOMERS, "--to", front.address, "--numbers", numbers,
                                "--rate", "200"], stdout=subprocess.PIPE, text=True)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        time.sleep(0.7)
        process.send_signal(number)
    lines = [json.loads(line) for line in process.communicate(timeout=30)[0].splitlines()]
    phases = [line["asked"] for line in lines if line["second"] == "end of phase"]
    assert len(phases) == 2 and all(phases)
    assert sum(phases) == lines[-1]["asked"] == lines[-1]["answered"]


@pytest.mark.parametrize("target", ["192.0.2.1:80", "localhost:80", "127.0.0.1", "127.0.0.1:0"])
def test_only_loopback_is_ever_asked(target, numbers):
    done = subprocess.run([CUSTOMERS, "--to", target, "--numbers", numbers], capture_output=True,
                          timeout=10, check=False)
    assert done.returncode == 2


EVENTS = """{"parcel":"RA000000001FR","at":"2026-11-02T08:00:00Z","code":"ET1","place":"Lyon"}
{"parcel":"RA000000001FR","at":"2026-11-01T08:00:00Z","code":"DR1","place":"Roissy"}
{"parcel":"RA000000002FR","at":"2026-11-01T08:00:00Z","code":"DR1","place":"Roissy"}
"""


@pytest.fixture
def origin(tmp_path):
    database = str(tmp_path / "origin.db")
    subprocess.run([ORIGIN, "--fill", database], input=EVENTS, text=True, check=True, timeout=30)
    process = subprocess.Popen([ORIGIN, "--serve", database], stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().split()[1]
    process.kill()
    process.wait()


def get(address, path, method="GET"):
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           "Content-Length: 0\r\n\r\n".encode())
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(said.split()[1]), said.partition(b"\r\n\r\n")[2].decode()


def test_the_origin_answers_from_its_database_in_order_of_time(origin):
    status, page = get(origin, "/suivi/RA000000001FR")
    assert status == 200 and page.index("DR1 Roissy") < page.index("ET1 Lyon")
    status, document = get(origin, "/suivi/v2/idships/RA000000001FR?lang=fr_FR")
    assert status == 200
    assert [event["code"] for event in json.loads(document)["shipment"]["event"]] == ["DR1", "ET1"]


@pytest.mark.parametrize("path, method, status", [
    ("/suivi/RA000000003FR", "GET", 404), ("/suivi/", "GET", 404), ("/suivi/<b>", "GET", 404),
    ("/tarifs", "GET", 200), ("/connexion", "POST", 200), ("/connexion", "GET", 404)])
def test_the_origin_knows_only_what_it_has(origin, path, method, status):
    assert get(origin, path, method)[0] == status


def test_the_origin_refuses_a_feed_that_is_none(tmp_path):
    done = subprocess.run([ORIGIN, "--fill", str(tmp_path / "x.db")], input="{}x\n", text=True,
                          capture_output=True, check=False, timeout=30)
    assert done.returncode == 2 and "line 1" in done.stderr
