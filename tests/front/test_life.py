"""Reload, upgrade, contract changes, damage, and who dies when."""
import http.client
import os
import signal
import subprocess
import threading
import time

import pytest
from front import SERVER, some_numbers, until

NUMBERS = some_numbers(6)
HOLD = "budgets:\n  - {name: test, meter: requests, per: client, at_most: {1h: 60}, over: hold, hold_for: 1h}\n"


class Load:
    """Readers on kept connections, each request counted: what nginx closes between two requests is no loss."""

    def __init__(self, f, path, threads=4):
        self.f, self.path, self.stopping = f, path, False
        self.answers, self.lost = 0, []
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        connection = None
        while not self.stopping:
            fresh = connection is None
            connection = connection or self.f.connect()
            try:
                answer = self.f.get(self.path, connection=connection)
                self.answers += 1
                if answer.status != 200:
                    self.lost.append(answer.status)
                if answer.headers.get("connection") == "close":
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                connection = None
                if fresh:  # a kept connection may be closed while idle; a new one must be answered
                    self.lost.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join(20)


def test_reload_under_load_loses_no_request_and_forgets_no_count(front):
    f = front(NUMBERS[0], contract=HOLD.replace("60", "1000000"))
    before = f.worker_pids()
    with Load(f, "/suivi/" + NUMBERS[0]) as load:
        for _ in range(3):
            time.sleep(0.4)
            f.signal(signal.SIGHUP)
        time.sleep(0.8)
    assert load.lost == [] and load.answers > 100
    assert not set(before) & set(until(lambda: len(f.worker_pids()) == 1 and f.worker_pids()))
    assert f.tell("budgets")["test"]["charged"] >= load.answers


def test_a_binary_upgrade_under_load_loses_no_request(front):
    f = front(NUMBERS[0], contract=HOLD.replace("60", "1000000"))
    old = f.master()
    with Load(f, "/suivi/" + NUMBERS[0]) as load:
        f.signal(signal.SIGUSR2)
        new = until(lambda: (p := f.pid_file()).exists() and p.read_text().strip() not in ("", str(old))
                    and int(p.read_text()))
        until(lambda: f.worker_pids(new))
        time.sleep(0.3)
        f.signal(signal.SIGQUIT, old)
        assert f.wait_gone(old)
        time.sleep(0.4)
    assert load.lost == [] and load.answers > 50
    assert f.tell("budgets")["test"]["charged"] >= load.answers


def test_a_hold_outlives_a_reload(front):
    f = front(contract=HOLD)
    until(lambda: f.get("/x").status == 429, every=0)
    f.signal(signal.SIGHUP)
    time.sleep(1)
    assert f.get("/x").status == 429


def test_a_new_contract_is_taken_up_without_a_restart(front):
    f = front(contract=HOLD)
    pids = f.worker_pids()
    for _ in range(10):
        assert f.get("/x").status == 200
    tighter = f.write_contract(HOLD.replace("60", "12"), "next.yaml")
    assert f.tell(f"contract {tighter}")["live"]
    time.sleep(1.2)
    told = [f.get("/x").status for _ in range(8)]
    assert told[-1] == 429 and told[0] == 200  # the ten before count
    assert f.worker_pids() == pids


def test_an_offer_that_is_taken_back_changes_nothing(front):
    f = front(contract=HOLD)
    f.tell(f"offer {f.write_contract(HOLD.replace('60', '2'), 'next.yaml')}")
    time.sleep(1.5)
    assert [f.get("/x").status for _ in range(5)] == [200] * 5
    f.tell("live")
    until(lambda: f.get("/x").status == 429, seconds=4)


def test_without_ecluse_run_lookups_go_to_the_origin(front):
    f = front(stage=False)
    assert f.get("/suivi/" + NUMBERS[0]).text == f"origin says /suivi/{NUMBERS[0]}"
    assert f.get("/").status == 503
    assert "no contract is published here" in f.log()
    f.start_stage()
    f.feed(NUMBERS[0])
    until(lambda: NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text and f.get("/").status == 200)


@pytest.mark.parametrize("how", [None, signal.SIGKILL], ids=["stopped", "killed"])
def test_when_ecluse_run_ends_workers_go_on_as_last_decided(front, how):
    f = front(NUMBERS[0], contract=HOLD)
    until(lambda: f.get("/x").status == 429, every=0)
    f.stop_stage(how)
    time.sleep(1.5)
    assert f.get("/x").status == 429
    f.signal(signal.SIGHUP)  # and new workers find what was left
    time.sleep(1)
    assert f.get("/x").status == 429


def test_damaged_shared_memory_turns_admission_off_and_answers_go_on(front):
    f = front(NUMBERS[0], contract=HOLD, run=False)
    segment = f.directory / "run" / "front.segment"
    data = bytearray(segment.read_bytes())
    data[:64] = os.urandom(64)
    segment.write_bytes(data)
    f.start_nginx()
    assert NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text
    assert {f.get("/x").status for _ in range(70)} == {200}
    assert f.log().count("admission is off") == 1


def test_another_version_is_said_once_a_minute_with_what_to_do(front):
    f = front(NUMBERS[0], contract=HOLD, run=False)
    segment = f.directory / "run" / "front.segment"
    data = bytearray(segment.read_bytes())
    data[8:12] = (99).to_bytes(4, "little")  # the layout's version
    segment.write_bytes(data)
    f.start_nginx()
    assert NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text
    time.sleep(2.2)
    assert f.log().count("admission is off") == 1
    assert "install both from one build and restart nginx" in f.log()


def test_panic_is_met_by_the_next_request(front):
    f = front(contract=HOLD.replace("60", "12"))
    until(lambda: f.get("/x").status == 429, every=0)
    time.sleep(1.1)  # just after a worker's look around, so that its next one does not help
    f.tell("panic on")
    assert f.get("/x").status == 200
    time.sleep(1.1)  # nor does one that saw the panic keep it
    f.tell("panic off")
    assert f.get("/x").status == 429


def test_a_single_process_answers_as_workers_do(front):
    f = front(NUMBERS[0], main="master_process off;", run=False)
    assert f.check().returncode == 0
    subprocess.run(f.nginx_command(), check=True, timeout=20)
    until(f._answers)
    assert NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text
    assert f.counters()["store_answers"] == 1 and len(f.tell("processes")) == 1


def test_a_damaged_control_page_does_not_keep_a_worker_from_its_contract(front):
    f = front(NUMBERS[0], run=False)
    control = f.directory / "run" / "control"
    f.stop_stage(signal.SIGKILL)
    control.write_bytes(os.urandom(control.stat().st_size))
    f.start_nginx()
    assert NUMBERS[0] in f.get("/suivi/" + NUMBERS[0]).text


def test_a_killed_worker_is_replaced_and_counts_stay(front):
    f = front(NUMBERS[0], contract=HOLD)
    until(lambda: f.get("/x").status == 429, every=0)
    old, = f.worker_pids()
    os.kill(old, signal.SIGKILL)
    until(lambda: f.worker_pids() not in ([], [old]))
    assert until(lambda: f.get("/x").status) == 429
    until(lambda: [p["pid"] for p in f.tell("processes")] == f.worker_pids())


def test_a_store_that_takes_the_place_of_the_old_one_is_taken_up(front):
    f = front(NUMBERS[0])
    store = f.directory / "state" / "tracking"
    f.stop_stage()
    for file in store.iterdir():
        file.unlink()
    f.start_stage()
    f.feed(NUMBERS[1])
    until(lambda: f.get("/suivi/" + NUMBERS[1]).status == 200)
    assert f.get("/suivi/" + NUMBERS[0]).status == 404
