"""The audit log end to end: what is on it, what waits for it, and what it survives."""

import json
import os
import pathlib

import signal
import subprocess
import threading
import time
import http.client
import http.server

import pytest
from conftest import KNOWN, SOURCE, cli, free_port, wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_what_run_does_is_on_the_record_in_order(place, log):
    process = place.run()
    log.wait_for("guard_up", object="keeper")
    process.terminate()
    assert process.wait(20) == 0
    kinds = log.kinds()
    assert kinds[0] == "started" and kinds[-1] == "stopped"
    assert {"keeper", "recorder"} <= {entry["object"] for entry in log.of("guard_up")} and "contract" in kinds
    report = log.verify("--key", log.key)
    assert report["sound"] and report["key_authenticated"] and not report["rollback_excluded"]
    assert report["gaps"] == [] and report["repeated"] == 0


@needs_root
def test_the_recorder_has_the_fewest_rights(place, log):
    place.run()
    assert wait_until(lambda: log.recorder() > 0)
    status = pathlib.Path(f"/proc/{log.recorder()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split() and fields["Groups"].strip() == ""
    assert fields["CapEff"].strip("0") == "" and fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    for task in pathlib.Path(f"/proc/{log.recorder()}/task").iterdir():
        assert "Seccomp:\t2" in (task / "status").read_text()


def test_a_log_says_what_it_cannot_exclude(place, log):
    place.run()
    log.wait_for("started")
    text = place.ecluse("audit", "verify").stdout
    assert "key:      not authenticated" in text and "rollback: not excluded" in text


def test_a_tail_may_be_narrowed(place, log):
    place.run()
    for _ in range(3):
        assert place.ecluse("panic").returncode == place.ecluse("panic", "--off").returncode == 0
    log.settle()
    panics = log.of("panic")

    def tail(*words):
        return place.json("audit", "tail", *words)["entries"]
    assert len(panics) >= 3 and tail("--kind", "panic") == panics
    assert tail("--kind", "panic", "-n", "2") == panics[-2:]
    began = panics[0]["at"][:19] + "Z"
    assert tail("--kind", "panic", "--from", began) == panics
    assert tail("--hold", "hold-1-front") == tail("--kind", "panic", "--to", began) == []
    lines = place.ecluse("audit", "tail", "--kind", "panic").stdout.splitlines()
    assert len(lines) == len(panics) and all("  panic " in line for line in lines)
    refused = place.ecluse("audit", "tail", "--kind", "panics")
    assert refused.returncode == 2 and "no such kind" in refused.stderr


def test_a_feed_is_one_entry_with_its_numbers(place, log):
    place.run()
    assert place.feed(KNOWN).returncode == 0
    entry = log.wait_for("ingest")
    assert entry["numbers"]["events"] == 1 and entry["numbers"]["added"] == 1 and entry["from"] == "ingest"
    assert KNOWN not in json.dumps(entry)


def test_a_panic_waits_for_the_record_and_its_end_does_not(place, log):
    place.run()
    assert place.json("panic")["panic"] is True
    assert [entry["from"] for entry in log.of("panic")][0] == "command"  # before it was done
    log.wait_for("panic", **{"from": "run"})
    place.json("panic", "--off")
    log.wait_for("panic_off", **{"from": "run"})


def test_the_end_of_no_panic_is_no_entry(place, log):
    place.run()
    assert "There was no panic" in place.ecluse("panic", "--off").stdout
    assert place.json("panic", "--off") == {"panic": False, "supervised": True}
    place.json("panic")  # durable, and after whatever the above would have written
    assert log.of("panic_off") == []
    assert "The panic is over" in place.ecluse("panic", "--off").stdout
    log.wait_for("panic_off", **{"from": "command"})


def test_without_a_recorder_what_loosens_is_refused_and_root_may_insist(place, log):
    process = place.run()
    log.settle()
    process.kill()
    process.wait()
    assert wait_until(lambda: not place.json("status")["audit"]["running"])
    refused = place.ecluse("panic")
    assert refused.returncode == 2 and "on the record first" in refused.stderr
    insisted = place.ecluse("panic", "--without-record")
    assert insisted.returncode == 0 and "WARNING" in insisted.stderr
    place.run()
    assert wait_until(lambda: len(log.of("panic", **{"from": "command"})) == 1)
    assert log.wait_for("alarm", object="panic")["reason"].startswith("not done")


def test_a_contract_that_allows_more_is_recorded_before_it_is_in_force(place, log):
    process = place.run()
    place.write_contract(logins=7)
    process.send_signal(signal.SIGHUP)
    before = log.wait_for("contract", object="contract offered")
    after = log.wait_for("contract", object="contract in force", reason=before["reason"])
    assert before["entry"] < after["entry"] and "logins: 5 -> 7 in 10 s" in after["reason"]
    place.write_contract(logins=6)
    process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "tightens 1: logins: 7 -> 6" in log.entries()[-1].get("reason", ""))
    assert len(log.of("contract", object="contract offered")) == 1


def test_a_contract_that_allows_more_waits_for_the_log_and_is_refused_without_it(place, log):
    process = place.run()
    log.settle()
    recorder = log.recorder()
    os.kill(recorder, signal.SIGSTOP)
    try:
        place.write_contract(logins=7)
        process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: place.json("status")["contract"].get("refused") or
                          "contract_refused" in {alarm["kind"] for alarm in place.json("status")["alarms"]}, 8)
        assert place.json("status")["budgets"][0]["windows"][0]["limit"] == 5
        place.write_contract(logins=3)  # what tightens waits for nobody
        process.send_signal(signal.SIGHUP)
        assert wait_until(lambda: place.json("status")["budgets"][0]["windows"][0]["limit"] == 3)
    finally:
        os.kill(recorder, signal.SIGCONT)
    log.wait_for("contract_refused")


def test_kill_9_of_the_recorder_loses_no_durable_entry(place, log):
    place.run()
    log.wait_for("started")
    durable = 0
    for round_ in range(6):
        for _ in range(8):
            place.feed(KNOWN)
        assert place.ecluse("panic").returncode == 0  # durable from here on
        durable += 1
        recorder = log.recorder()
        os.kill(recorder, signal.SIGKILL)
        assert wait_until(lambda: log.recorder() not in (0, recorder), 15), place.log("run")
        place.ecluse("panic", "--off")
        assert len(log.of("panic", **{"from": "command"})) == durable
        if round_ == 2:
            break
    log.settle()
    report = log.verify("--key", log.key)
    assert report["sound"] and report["gaps"] == []
    assert len(log.of("ingest")) >= 24
    assert len(log.of("guard_down", object="recorder")) == durable


@needs_root
def test_a_full_disk_is_an_alarm_and_nothing_written_is_lost(place, log):
    state = place.root / "state"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "none", str(state)], check=True)
    try:
        process = place.run()
        log.settle()
        size = len(log.entries())
        filler = state / "filler"
        file = os.open(filler, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(file, b"x" * 4096)
        except OSError:
            os.close(file)
        assert place.ecluse("panic").returncode == 2
        assert wait_until(lambda: "recorder_down" in {a["kind"] for a in place.json("status")["alarms"]}, 15)
        assert "No space left" in place.log("run")
        filler.unlink()
        log.settle()
        assert log.of("panic", **{"from": "command"}) and log.verify()["entries"] > size
        assert wait_until(lambda: "recorder_down" not in {a["kind"] for a in place.json("status")["alarms"]})
        process.terminate()
        process.wait(20)
    finally:
        subprocess.run(["umount", "-l", str(state)], check=False)


def test_a_damaged_log_is_set_aside_and_the_new_one_says_so(place, log):
    process = place.run()
    log.settle()
    process.terminate()
    process.wait(20)
    checkpoint = log.folder / "checkpoint"
    text = bytearray(checkpoint.read_bytes())
    text[30] ^= 1
    checkpoint.write_bytes(text)
    place.run()
    entry = log.wait_for("alarm", object="audit log")
    aside = list((place.root / "state").glob("audit.damaged-*"))
    assert len(aside) == 1 and aside[0].name in entry["reason"]
    assert log.verify("--key", log.key)["sound"]
    assert not log.verify("--key", log.key, folder=aside[0], status=1)["sound"]


def test_a_lost_index_is_built_anew_by_command(place, log):
    place.run()
    log.settle()
    place.feed(KNOWN)
    log.wait_for("ingest")
    assert place.json("audit", "index")["indexed"] >= 4


# ---- Keys ----------------------------------------------------------------------------------------


def test_a_rotated_key_signs_what_follows_and_both_are_known(place, log):
    place.run()
    log.settle()
    old = log.key.read_text()
    backup = place.root / "backup.key"
    assert place.ecluse("audit", "key", "backup", str(backup)).returncode == 0
    assert oct(backup.stat().st_mode)[-3:] == "600" and len(backup.read_text().splitlines()) == 2
    new = place.json("audit", "key", "rotate")["key"]
    assert new + "\n" == log.key.read_text() and new + "\n" != old
    assert place.json("audit", "key", "show") == {"key": new, "former": [old.strip()]}
    assert wait_until(lambda: any("new key" in e.get("reason", "") and e["n"] == 0 for e in log.of("key")), 15), place.log("run")
    log.settle()
    assert log.verify("--key", log.key)["key_authenticated"]
    former = place.root / "old.pub"
    former.write_text(old)
    assert log.verify("--key", former, status=1)["finding"].startswith("the checkpoint is not signed")
    both = place.root / "both.pub"
    both.write_text("# of two years\n" + old + new + "\n")
    assert log.verify("--key", both)["key_authenticated"]
    assert place.ecluse("panic").returncode == 0  # the log goes on


# ---- Holds, with nginx ------------------------------------------------------------------------------


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: in two, each waits 40 ms for a delayed ACK

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def served(place):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    process = place.start("serve", "--listen", f"127.0.0.1:{port}", "--origin", f"http://127.0.0.1:{server.server_port}",
                          "--dir", str(place.root / "serve"), "--workers", "2")
    assert process.stdout.readline().startswith("ready"), place.log("serve")

    def post(source, times=1):
        for _ in range(times):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
            try:
                connection.request("POST", "/connexion", headers={"Content-Length": "0"})
                connection.getresponse().read()
            except OSError:
                pass  # a held client may just be hung up on
            finally:
                connection.close()

    yield post
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(not (cli.BUILD / "ngx_http_ecluse_module.so").exists(), reason="built without the nginx module")
def test_a_hold_and_its_release_tell_their_history(place, log, served):
    log.wait_for("guard_up", object="front")
    served("127.0.0.9", 8)
    hold = log.wait_for("hold")
    assert hold["object"] == "logins" and hold["numbers"]["limit"] == 5 and "127.0.0.9" not in json.dumps(hold)
    name = hold["hold"]
    assert place.json("audit", "show", str(hold["entry"]))["subject_name"] == "127.0.0.9"
    assert place.json("release", name)["released"] == [name]
    log.wait_for("release", hold=name, **{"from": "front"})
    asked, done = log.of("release", hold=name)
    assert asked["from"] == "command" and asked["entry"] < done["entry"]
    assert wait_until(lambda: len(place.json("why", name).get("entries", [])) == 3)  # the index follows within moments
    history = place.json("why", name)
    assert history["in_force"] is False
    assert [entry["kind"] for entry in history["entries"]] == ["hold", "release", "release"]
    assert history["entries"][0]["name"] == "127.0.0.9"
    # Whom it meant is erased for good, the entry stands.
    assert place.json("audit", "erase", str(hold["entry"]))["erased"] == 1
    assert "subject_name" not in place.json("audit", "show", str(hold["entry"]))
    assert log.verify("--key", log.key)["sound"]


@pytest.mark.skipif(not (cli.BUILD / "ngx_http_ecluse_module.so").exists(), reason="built without the nginx module")
def test_a_hold_that_is_released_at_once_comes_before_its_release(place, log, served):
    log.wait_for("guard_up", object="front")
    for last in range(1, 4):  # wherever in its second each began
        served(f"127.0.8.{last}", 8)
        name, = [hold["hold"] for hold in place.json("holds")["holds"]]
        assert place.json("release", name)["released"] == [name]
        log.wait_for("release", hold=name, **{"from": "front"})
        entries = [entry for entry in log.entries() if entry.get("hold") == name]
        assert [(entry["kind"], entry["from"]) for entry in entries] == [
            ("hold", "front"), ("release", "command"), ("release", "front")]
        assert entries[0]["numbers"]["hold_s"] == 600
        assert entries[0]["reason"] == "5 of 5 requests in 10 s, and the next was over"


@pytest.mark.skipif(not (cli.BUILD / "ngx_http_ecluse_module.so").exists(), reason="built without the nginx module")
def test_a_flood_is_one_entry_with_counts(place, log, served):
    log.wait_for("guard_up", object="front")
    begun = time.monotonic()
    threads = [threading.Thread(target=lambda part=part: [served(f"127.0.{part}.{i}", 7) for i in range(1, 40)])
               for part in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = int(time.monotonic() - begun) + 2  # at most 20 a second are told singly, and one line for the rest
    log.wait_for("holds")
    assert wait_until(lambda: sum(e["numbers"]["count"] for e in log.of("holds")) + len(log.of("hold")) == 156)
    assert len(log.of("holds")) + len(log.of("hold")) <= 21 * seconds
