"""Witnesses: what makes a log that was rolled back show, run by somebody else."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import KNOWN, cli, free_port, wait_until


class Witness:
    def __init__(self, folder, port, log_key):
        self.folder, self.port, self.log_key = folder, port, log_key
        self.process = None
        self.key = None

    def start(self):
        self.process = subprocess.Popen(
            [cli.ECLUSE, "audit", "witness", "w.example/1", "--listen", f"127.0.0.1:{self.port}", "--dir", str(self.folder),
             "--log", str(self.log_key)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.key = self.process.stdout.readline().split()[1]
        assert self.process.stdout.readline() == f"ready port {self.port}\n"

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(10)
        self.process.stdout.close()
        self.process = None
        return status

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def latest(self, origin):
        path = "/" + hashlib.sha256(origin.encode()).hexdigest() + "/checkpoint"
        with urllib.request.urlopen(self.url(path), timeout=5) as answer:
            return answer.read()


@pytest.fixture
def witness(place, log):
    """A witness that knows the log of a place, which knows it."""
    place.run().terminate()
    assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
    place.started[0].wait(20)
    made = Witness(place.root / "witness", free_port(), log.key)
    made.start()
    place.write_contract(change=lambda text: text + f"audit:\n  witnesses: [{{name: supervisor, url: '{made.url()}', key: {made.key}}}]\n")
    yield made
    if made.process:
        made.stop(signal.SIGKILL)


def witnessed(place):
    state = place.json("status")["audit"]
    return state["entries"] > 0 and state["entries"] == state["witnessed"]


def test_each_checkpoint_is_cosigned_and_the_log_carries_it(place, log, witness):
    place.run()
    assert wait_until(lambda: witnessed(place), 15), place.log("run")
    vkey = place.root / "witness.pub"
    vkey.write_text(witness.key + "\n")
    report = log.verify("--key", log.key, "--cosigned", log.folder / "checkpoint", "--witness", vkey)
    assert report["rollback_excluded"]
    place.feed(KNOWN)
    assert wait_until(lambda: log.of("ingest") and witnessed(place), 15)
    origin = witness.latest("poste-d-exemple/ecluse")
    assert origin.split(b"\n")[1] == str(place.json("status")["audit"]["entries"]).encode()


def test_a_log_that_was_rolled_back_is_found_by_the_cosigned_checkpoint(place, log, witness):
    process = place.run()
    assert wait_until(lambda: witnessed(place), 15), place.log("run")
    process.terminate()
    process.wait(20)
    older = place.root / "older"
    shutil.copytree(log.folder, older, copy_function=shutil.copy)
    process = place.run()
    place.feed(KNOWN)
    assert wait_until(lambda: log.of("ingest") and witnessed(place), 15)
    kept = place.root / "kept"
    kept.write_bytes(witness.latest("poste-d-exemple/ecluse"))
    process.terminate()
    process.wait(20)
    vkey = place.root / "witness.pub"
    vkey.write_text(witness.key + "\n")
    asked = ["--key", log.key, "--cosigned", kept, "--witness", vkey]
    assert log.verify(*asked)["rollback_excluded"]
    assert log.verify("--key", log.key, folder=older)["sound"]  # alone, it cannot be told
    found = log.verify(*asked, folder=older, status=1)
    assert "cut off" in found["finding"] and found["place"].startswith("checkpoint, entry")
    # The witness itself notices when the log goes on from there.
    owner = log.folder.stat()
    shutil.rmtree(log.folder)
    shutil.move(older, log.folder)
    for path in [log.folder, *log.folder.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)
    place.run()
    entry = log.wait_for("alarm", 20, object="supervisor")
    assert "rolled back" in entry["reason"] or "continue" in entry["reason"]


def test_a_witness_that_is_away_holds_nothing_up_and_is_asked_again(place, log, witness):
    place.run()
    assert wait_until(lambda: witnessed(place), 15), place.log("run")
    witness.stop(signal.SIGKILL)
    place.feed(KNOWN)
    log.wait_for("ingest")
    assert place.ecluse("panic").returncode == 0
    assert wait_until(lambda: not witnessed(place))
    assert wait_until(lambda: "does not cosign" in place.log("run"))
    witness.start()
    assert wait_until(lambda: witnessed(place), 30), place.log("run")


def test_a_witness_takes_nothing_but_its_protocol(place, log, witness):
    for path, method in (("/", "GET"), ("/x/checkpoint", "GET"), ("/../witness.key", "GET"), ("/add-checkpoint", "GET")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(witness.url(path), method=method), timeout=5)
        assert refused.value.code == 404
    for body, status in ((b"", 400), (b"old 0\n\nnonsense\n", 400), (b"x" * 70000, 413)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(witness.url("/add-checkpoint"), data=body, timeout=5)
        assert refused.value.code == status
    many = [socket.create_connection(("127.0.0.1", witness.port), 5) for _ in range(40)]
    for connection in many:
        connection.close()
    assert witness.stop() == 0
