"""A mistake of ours, and a store that kills who reads it: with the module that has faults to ask for by number."""
import os
import random
import signal

import pytest
from front import BUILD, CONTRACT, SERVER, some_numbers, until

FAULTS = BUILD / "src" / "front" / "ngx_http_ecluse_module_faults.so"
GOOD, = some_numbers(1)
MISTAKE, = some_numbers(1, service="MA")
KILLER, KILLER_TOO = some_numbers(2, service="KA")


def test_a_mistake_of_ours_switches_the_module_off_in_that_worker(front):
    f = front(GOOD, MISTAKE, module=FAULTS)
    worker, = f.worker_pids()
    assert GOOD in f.get("/suivi/" + GOOD).text and f.origin.paths() == []
    assert f.get("/suivi/" + MISTAKE).text == f"origin says /suivi/{MISTAKE}"
    assert f.get("/suivi/" + GOOD).text == f"origin says /suivi/{GOOD}"
    assert f.get("/x").status == 200
    assert f.worker_pids() == [worker]
    assert f.log().count("a mistake of ours at") == 1 and "[alert]" in f.log()
    assert f.counters()["self_off"] == 1
    f.signal(signal.SIGHUP)
    until(lambda: f.worker_pids() not in ([], [worker]))
    until(lambda: "origin says" not in f.get("/suivi/" + GOOD).text)


def test_two_deaths_in_the_store_switch_it_off_until_it_is_replaced(front):
    f = front(GOOD, KILLER, module=FAULTS)
    for _ in range(2):
        worker, = until(lambda: (pids := f.worker_pids()) and len(pids) == 1 and pids)
        with pytest.raises(Exception):
            f.get("/suivi/" + KILLER)
        until(lambda: f.worker_pids() not in ([], [worker]))
        until(lambda: f.get("/x").status == 200)
    until(lambda: f.get("/suivi/" + GOOD).text == f"origin says /suivi/{GOOD}")
    assert f.get("/suivi/" + KILLER).text == f"origin says /suivi/{KILLER}"
    assert "two workers died inside the store" in f.log()
    assert f.counters()["store_off"] > 0
    f.stop_stage()
    for file in (f.directory / "state" / "tracking").iterdir():
        file.unlink()
    f.start_stage()
    f.feed(GOOD)
    until(lambda: "origin says" not in f.get("/suivi/" + GOOD).text)


DAMAGED_STORES = 200 if os.environ.get("ECLUSE_LONG") else 40


def test_damaged_stores_never_give_a_wrong_answer(front):
    numbers = some_numbers(400, seed=3)
    f = front(*numbers, run=False)
    store = f.directory / "state" / "tracking" / "parcels.mdb"
    sound = store.read_bytes()
    f.start_nginx()
    right = {n: f.get("/suivi/v2/idships/" + n).text for n in numbers}
    chance = random.Random(20261122)
    for _ in range(DAMAGED_STORES):
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 8, 64))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        fresh = store.with_suffix(".new")
        fresh.write_bytes(damaged)
        fresh.chmod(0o664)
        f._group(fresh)
        fresh.rename(store)
        f.signal(signal.SIGHUP)
        for number in chance.sample(numbers, 25):
            try:
                answer = f.get("/suivi/v2/idships/" + number)
            except Exception:  # its worker died in the store; the next request finds another one
                continue
            assert answer.text.startswith("origin says") or answer.status in (404, 503) or answer.text == right[number]
    assert until(lambda: f.get("/x").status == 200)
