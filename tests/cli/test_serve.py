"""serve: nginx with the module and `ecluse run` as one thing, and who is held by it."""

import http.client
import http.server
import itertools
import os
import pathlib
import shutil
import signal
import threading
import time

import pytest
from conftest import BUILD, KNOWN, alive, children, free_port, wait_until

pytestmark = pytest.mark.skipif(not (BUILD / "ngx_http_ecluse_module.so").exists(),
                                reason="built without the nginx module")


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: in two, each waits 40 ms for a delayed ACK

    def do_GET(self):
        body = f"origin {self.command} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Served:
    """A place that is served."""

    def __init__(self, place, origin, *more):
        self.place = place
        self.port = free_port()
        self.folder = place.root / "serve"
        self.words = ["--listen", f"127.0.0.1:{self.port}",
                      "--origin", f"http://127.0.0.1:{origin.server_port}",
                      "--dir", str(self.folder), "--workers", "2", *more]

    def start(self):
        process = self.place.start("serve", *self.words)
        line = process.stdout.readline()
        assert line == f"ready 127.0.0.1:{self.port}\n", self.place.log("serve")
        return process

    def get(self, path, method="GET", source="127.0.0.1"):
        """(status, body) as a client at that address sees it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10,
                                                source_address=(source, 0))
        try:
            headers = {"Content-Length": "0"} if method == "POST" else {}
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def served(place, origin):
    return Served(place, origin)


def family(pid):
    """A process and all below it."""
    found = [pid]
    for child in children(pid):
        found += family(child)
    return found


def workers_of(process):
    """Those of nginx: what is below `ecluse run` stays as it is when nginx is loaded anew."""
    return [pid for child in children(process.pid) if run_of(process) != child for pid in children(child)]


def run_of(process):
    """`ecluse run`, which serve started."""
    return next(pid for pid in children(process.pid)
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"run"])


def test_it_answers_from_the_store_and_passes_the_rest(served):
    served.place.feed(KNOWN)
    served.start()
    assert served.get(f"/suivi/{KNOWN}")[0] == 200 and KNOWN in served.get(f"/suivi/{KNOWN}")[1]
    assert served.get(f"/suivi/v2/idships/{KNOWN}")[0] == 200
    assert served.get("/")[0] == 200 and "<form" in served.get("/")[1]
    assert served.get("/tarifs?x=1") == (200, "origin GET /tarifs?x=1")
    assert served.get(f"/suivi?id={KNOWN}")[0] == 303
    promise, = served.place.json("status")["promises"]
    assert promise["answers"] >= 3 and promise["kept"] == promise["answers"]
    assert not promise["broken"]


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_whole_on_a_signal(served, word):
    process = served.start()
    everyone = family(process.pid)
    assert len(everyone) >= 6  # itself, run, the keeper, nginx, two workers
    process.send_signal(word)
    assert process.wait(20) == 0
    assert [pid for pid in everyone if alive(pid)] == []


def test_killed_itself_it_leaves_nobody(served):
    process = served.start()
    everyone = family(process.pid)
    process.kill()
    process.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in everyone), 15)


def test_a_killed_nginx_and_a_killed_run_come_back(served):
    served.place.feed(KNOWN)
    process = served.start()
    before = family(process.pid)
    for pid in children(process.pid):
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not any(alive(pid) for pid in before[1:]))

    def answers():
        try:
            return served.get(f"/suivi/{KNOWN}")[0] == 200
        except OSError:
            return False
    assert wait_until(answers, 15)
    assert wait_until(lambda: served.place.json("status")["supervisor"]["running"], 15)


def test_without_an_alarm_the_alarms_alone_are_exit_status_0(served):
    served.start()
    assert wait_until(lambda: served.place.ecluse("status", "--alarms").returncode == 0, 10)
    assert served.place.ecluse("status", "--alarms").stdout == "No alarm.\n"


def test_an_edited_configuration_is_kept_and_one_of_ours_is_written_anew(served):
    process = served.start()
    conf = served.folder / "nginx.conf"
    written = conf.read_text()
    process.terminate()
    process.wait(20)
    served.words[served.words.index("--workers") + 1] = "1"
    process = served.start()
    expected = written.replace("worker_processes 2;", "worker_processes 1;")
    assert conf.read_text().splitlines()[1:] == expected.splitlines()[1:]
    process.terminate()
    process.wait(20)
    edited = conf.read_text().replace("server_tokens off;", "server_tokens off; # mine")
    conf.write_text(edited)
    process = served.start()
    assert conf.read_text() == edited
    assert "was edited and is kept" in served.place.log("serve")
    process.terminate()
    process.wait(20)
    served.words[1] = f"127.0.0.1:{free_port()}"
    done = served.place.ecluse("serve", *served.words)
    assert done.returncode == 2
    assert "nginx.conf was edited and is kept, so that --listen changes nothing" in done.stderr


def test_the_folder_is_made_with_what_it_lies_in(served):
    served.words[served.words.index("--dir") + 1] = str(served.place.root / "for" / "a" / "trial")
    served.start()
    assert (served.place.root / "for" / "a" / "trial" / "nginx.conf").exists()


def test_no_request_is_written_down(served):
    served.place.feed(KNOWN)
    process = served.start()
    served.get(f"/suivi/{KNOWN}", source="127.5.6.7")
    served.get("/tarifs", source="127.5.6.7")
    process.terminate()
    process.wait(20)
    for file in served.folder.rglob("*.log"):
        assert "127.5.6.7" not in file.read_text() and KNOWN not in file.read_text()
    assert "127.5.6.7" not in served.place.log("serve")


def test_a_port_in_use_is_told(served, origin):
    served.words[1] = f"127.0.0.1:{origin.server_port}"
    done = served.place.ecluse("serve", *served.words)
    assert done.returncode == 2 and "something answers on" in done.stderr


@pytest.mark.parametrize("at, value, told", [
    ("--listen", "8080", "is not ADDR:PORT"),
    ("--listen", "127.0.0.1:0", "is not ADDR:PORT"),
    ("--listen", "127.0.0.1:80;x", "is not ADDR:PORT"),
    ("--origin", "ftp://127.0.0.1", "neither http:// nor https://"),
    ("--origin", "http://a b", "is neither http://HOST[:PORT] nor https://HOST[:PORT]"),
    ("--origin", "http://127.0.0.1/path", "has a path"),
    ("--workers", "many", "is not a number from 1 to 256"),
    ("--dir", "/proc/nowhere", "/proc/nowhere"),
])
def test_what_cannot_be_served_is_said(served, at, value, told):
    served.words[served.words.index(at) + 1] = value
    done = served.place.ecluse("serve", *served.words)
    assert done.returncode == 2 and told in done.stderr


def test_without_a_module_it_says_where_it_looked(served):
    done = served.place.ecluse("serve", *served.words, "--module", "/nonexistent.so")
    assert done.returncode == 2 and "--module /nonexistent.so" in done.stderr


def test_a_broken_edit_is_nginx_s_own_words_and_no_process_is_left(served):
    served.folder.mkdir()
    (served.folder / "nginx.conf").write_text("events { frobnicate on; }\n")
    done = served.place.ecluse("serve", *served.words)
    assert done.returncode == 2
    assert "frobnicate" in done.stderr and "does not accept" in done.stderr


# ---- Who is held -----------------------------------------------------------------------------


def over_the_limit(served, source):
    for _ in range(6):
        last = served.get("/connexion", "POST", source)[0]
    return last


def test_a_hold_is_listed_explained_and_released(served):
    served.start()
    assert over_the_limit(served, "127.9.9.9") == 429
    held, = served.place.json("holds")["holds"]
    assert held["principal"] == "127.9.9.9" and held["budget"] == "logins" and held["limit"] == 5
    name = held["hold"]
    why = served.place.ecluse("why", name).stdout
    assert "at most 5 are allowed" in why and f"ecluse release {name}" in why
    client = served.place.json("why", "127.9.9.9")
    logins = next(budget for budget in client["budgets"] if budget["budget"] == "logins")
    assert logins["verdict"] == "held" and logins["hold"] == name
    assert served.place.json("release", name) == {"released": [name], "waiting": []}
    assert served.place.json("holds")["holds"] == []
    assert served.place.json("why", name)["in_force"] is False  # its history, from the audit log
    assert served.place.json("why", "hold-fff-front", status=2)["error"]


def test_a_limit_holds_after_runtime_was_removed_and_nginx_reloaded(served, place):
    process = served.start()
    before = place.json("status")["contract"]["generation"]
    shutil.rmtree(place.root / "run")
    assert wait_until(lambda: place.json("status")["contract"]["generation"] > before, seconds=20)
    workers = workers_of(process)
    process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: not any(alive(pid) for pid in workers))
    assert wait_until(lambda: all_run(served, place.json("status")["contract"]["generation"]))
    paths = ["/connexion", "/connexion/", "/connexion;a", "/connexion%20", "/;a/connexion"] * 2
    told = [served.get(path, "POST")[0] for path in paths]
    assert told == [200] * 5 + [429] * 5


def test_all_are_released_at_once(served):
    served.start()
    for last in range(1, 4):
        assert over_the_limit(served, f"127.9.9.{last}") == 429
    assert len(served.place.json("holds")["holds"]) == 3
    names = [hold["hold"] for hold in served.place.json("holds")["holds"]]
    refused = served.place.ecluse("release", names[0], "hold-fff-front", names[1])
    assert refused.returncode == 2 and "no hold hold-fff-front is in force" in refused.stderr
    assert "nothing was released" in refused.stderr and refused.stdout == ""
    assert len(served.place.json("holds")["holds"]) == 3
    assert '"release"' not in served.place.ecluse("audit", "tail", "--json").stdout
    assert served.place.json("release", names[0], names[0])["released"] == names[:1]
    assert sorted(served.place.json("release", "all")["released"]) == sorted(names[1:])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_what_somebody_may_not_see_is_not_told_to_be_nothing(served):
    served.start()
    assert over_the_limit(served, "127.9.9.9") == 429
    for words in (("release", "all"), ("holds",), ("why", "127.9.9.9")):
        refused = served.place.ecluse(*words, user=12345, group=12345, extra_groups=[])
        assert refused.returncode == 2 and "not yours to see; say it as root" in refused.stderr, words
    refused = served.place.ecluse("audit", "tail", user=12345, group=12345, extra_groups=[])
    assert refused.returncode == 2 and "say it as root" in refused.stderr


def test_panic_lets_everybody_through_within_a_second(served):
    served.start()
    assert over_the_limit(served, "127.9.9.9") == 429
    served.place.ecluse("panic")
    assert wait_until(lambda: served.get("/connexion", "POST", "127.9.9.9")[0] == 200, 1.2)
    assert over_the_limit(served, "127.9.9.8") == 200
    told = served.place.ecluse("status").stdout
    assert "1 held now, 1 would be; `ecluse holds`" in told and " would be  -" in told
    told = served.place.json("status")
    assert (told["holds"], told["noticed"]) == (1, 1)
    served.place.ecluse("panic", "--off")
    assert wait_until(lambda: served.get("/connexion", "POST", "127.9.9.9")[0] == 429, 1.2)


def all_run(served, generation):
    """Whether both workers do what that contract says."""
    front = served.place.json("status")["guards"][0]
    return [process["generation"] for process in front["processes"] if process["alive"]] == [generation] * 2


def test_a_new_contract_reaches_the_workers_and_counts_are_kept(served):
    served.start()
    for _ in range(4):
        served.get("/connexion", "POST", "127.9.9.9")
    before = served.place.json("status")["contract"]["generation"]
    served.place.write_contract(logins=4, change=lambda text: text.replace("10s: 4", "1m: 4"))
    assert wait_until(lambda: served.place.json("status")["contract"]["generation"] == before + 1)

    assert wait_until(lambda: all_run(served, before + 1))


def test_a_worker_that_hangs_has_no_veto_and_catches_up(served):
    process = served.start()
    front = served.place.json("status")["guards"][0]
    workers = [entry["pid"] for entry in front["processes"] if entry["alive"]]
    before = served.place.json("status")["contract"]["generation"]
    os.kill(workers[0], signal.SIGSTOP)
    try:
        served.place.write_contract(logins=9)
        process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: served.place.json("status")["contract"]["generation"] == before + 1, 10)
    finally:
        os.kill(workers[0], signal.SIGCONT)
    told = served.place.json("status")
    assert not told["contract"]["refused"]
    assert told["budgets"][0]["windows"] == [{"span_s": 10, "limit": 9}]

    def running():
        return {entry["generation"] for entry in served.place.json("status")["guards"][0]["processes"] if entry["alive"]}

    assert wait_until(lambda: running() == {before + 1}, 10)


def test_a_broken_promise_is_exit_status_1(served, origin):
    served.place.write_contract(
        change=lambda text: text.replace("route: tracking, success", "route: login, success"))
    served.start()
    origin.shutdown()
    origin.server_close()
    addresses = itertools.count(251)

    def broken():  # a worker that has not taken up the contract yet counts nothing
        address = "127.8.{}.{}".format(*divmod(next(addresses), 250))
        for _ in range(4):
            served.get("/connexion", "POST", address)
        return served.place.ecluse("status").returncode == 1

    assert wait_until(broken, 10)
    told = served.place.json("status", status=1)
    promise, = told["promises"]
    assert promise["broken"] and promise["answers"] >= 20 and promise["kept"] == 0
    assert "BROKEN" in served.place.ecluse("status").stdout


def test_a_change_of_the_contract_is_no_alarm_that_a_guard_is_behind(place, origin):
    run = run_of(Served(place, origin).start())
    kinds = set()
    for logins in (6, 7, 8):
        before = place.json("status")["contract"]["generation"]
        place.write_contract(logins=logins)
        os.kill(run, signal.SIGHUP)  # at once, and nginx is left alone
        deadline = time.monotonic() + 10
        taken = None
        while time.monotonic() < (taken + 1.5 if taken else deadline):
            told = place.json("status")
            kinds |= {alarm["kind"] for alarm in told["alarms"]}
            if taken is None and told["contract"]["generation"] > before:
                taken = time.monotonic()
        assert taken
    assert "guard_behind" not in kinds
