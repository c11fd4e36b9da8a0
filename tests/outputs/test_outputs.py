"""The outputs end to end: what others are told, once, whatever happens to them or to us."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from conftest import Datagrams, children, wait_until

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def child_named(outputs, process, word):
    """The pid of a child of `ecluse run`, by the word that it was started with."""
    for pid in children(process.pid):
        if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1] == word.encode():
            return pid
    return 0


def metrics(outputs, accept="", path="/metrics"):
    request = urllib.request.Request(f"http://127.0.0.1:{outputs.port}{path}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def figures_are_there(outputs):
    try:
        return metrics(outputs)
    except OSError:
        return None


# ---- Metrics ------------------------------------------------------------------------------------


def test_prometheus_takes_the_figures(outputs):
    outputs.write(metrics=f"127.0.0.1:{outputs.port}")
    outputs.run()
    assert wait_until(lambda: figures_are_there(outputs)), outputs.place.log("run")
    kind, text = metrics(outputs, OPEN_METRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0") and text.endswith("# EOF\n")
    kind, text = metrics(outputs)
    assert kind.startswith("text/plain; version=0.0.4") and "# EOF" not in text
    assert "\necluse_supervisor_up 1\n" in text
    assert '\necluse_output_up{output="metrics"} 1\n' in text
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr


def test_open_metrics_are_well_formed(outputs):
    """The grammar of OpenMetrics 1.0, as far as this page uses it: families whole, once, and samples of their family."""
    outputs.write(metrics=f"127.0.0.1:{outputs.port}")
    outputs.run()
    assert wait_until(lambda: figures_are_there(outputs))
    _, text = metrics(outputs, OPEN_METRICS)
    seen, family, kind = set(), None, None
    sample = re.compile(r'^([a-z_]+)(\{[a-z]+="([^"\\\n]|\\["\\n])*"(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? (-?[0-9.e+]+|NaN|[+-]Inf)$')
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in seen
            seen.add(family)
        elif line.startswith("#"):
            assert line.split(" ")[1] in ("HELP", "UNIT") and line.split(" ")[2] == family
        else:
            found = sample.match(line)
            assert found, line
            assert found.group(1) == family + {"counter": "_total", "info": "_info", "gauge": ""}[kind]


def test_nothing_else_is_served(outputs):
    outputs.write(metrics=f"127.0.0.1:{outputs.port}")
    outputs.run()
    assert wait_until(lambda: figures_are_there(outputs))
    for path in ("/", "/metrics/x", "/../state"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            metrics(outputs, path=path)
        assert refused.value.code == 404
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{outputs.port}/metrics", data=b"x" * 100000, timeout=10)
    assert refused.value.code == 405


# ---- Events -------------------------------------------------------------------------------------


def test_each_act_is_one_line(outputs):
    outputs.write(events=outputs.events)
    outputs.run()
    assert wait_until(lambda: any(line["event"]["action"] == "contract" for line in outputs.lines()))
    assert outputs.place.ecluse("panic").returncode == 0
    assert wait_until(lambda: any(line["event"]["action"] == "panic" for line in outputs.lines()))
    lines = outputs.lines()
    assert [line["event"]["sequence"] for line in lines] == list(range(len(lines)))
    assert lines[0]["event"]["action"] == "started" and lines[0]["event_type"] == "ecluse"
    assert outputs.events.stat().st_mode & 0o007 == 0


def test_a_restart_neither_repeats_nor_loses(outputs):
    outputs.write(events=outputs.events)
    first = outputs.run()
    assert wait_until(lambda: len(outputs.lines()) >= 4)
    first.terminate()
    first.wait(20)
    outputs.run()
    assert wait_until(lambda: [line["event"]["action"] for line in outputs.lines()].count("started") == 2)
    ids = [line["event"]["id"] for line in outputs.lines()]
    assert len(ids) == len(set(ids))
    assert [line["event"]["sequence"] for line in outputs.lines()] == list(range(len(ids)))
    assert "stopped" in [line["event"]["action"] for line in outputs.lines()]


def test_killed_it_tells_again_rather_than_never(outputs):
    outputs.write(events=outputs.events)
    process = outputs.run()
    assert wait_until(lambda: len(outputs.lines()) >= 4)
    os.kill(child_named(outputs, process, "herald"), signal.SIGKILL)
    assert wait_until(lambda: any(line["event"]["action"] == "guard_down" for line in outputs.lines()))
    sequences = {line["event"]["sequence"] for line in outputs.lines()}
    assert sequences == set(range(len(sequences)))


@pytest.mark.parametrize("told", [False, True])
def test_a_rotated_file_is_begun_anew(outputs, told):
    outputs.write(events=outputs.events)
    process = outputs.run()
    assert wait_until(lambda: len(outputs.lines()) >= 4)
    before = len(outputs.lines())
    rotated = outputs.folder / "eve.json.1"
    outputs.events.rename(rotated)
    if told:
        process.send_signal(signal.SIGHUP)
    outputs.place.ecluse("panic")
    assert wait_until(lambda: any(line["event"]["action"] == "panic" for line in outputs.lines()))
    sequences = [line["event"]["sequence"] for line in outputs.lines(rotated) + outputs.lines()]
    assert len(outputs.lines(rotated)) >= before and sequences == list(range(len(sequences)))


# ---- Syslog -------------------------------------------------------------------------------------

RFC5424 = re.compile(r"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ ecluse - (\w+) "
                     r'\[origin software="ecluse" swVersion="[^"]+"\]\[meta sequenceId="(\d+)"\] .+')


def assert_messages(messages):
    found = [RFC5424.fullmatch(message) for message in messages]
    assert all(found), messages
    assert [int(one.group(3)) for one in found] == list(range(1, len(found) + 1))
    assert found[0].group(2) == "started"


@pytest.mark.parametrize("over", ["udp", "unix"])
def test_syslog_is_told_by_datagrams(outputs, over):
    path = str(outputs.place.root / "log")
    receiver = (Datagrams(socket.AF_INET, ("127.0.0.1", 0)) if over == "udp"
                else Datagrams(socket.AF_UNIX, path))
    to = f"udp:127.0.0.1:{receiver.socket.getsockname()[1]}" if over == "udp" else f"unix:{path}"
    outputs.write(syslog=to)
    outputs.run()
    assert wait_until(lambda: len(receiver.messages) >= 4), outputs.place.log("run")
    assert_messages(receiver.messages)
    receiver.end()


def test_syslog_over_tcp_counts_octets(outputs):
    listener = socket.create_server(("127.0.0.1", 0))
    outputs.write(syslog=f"tcp:127.0.0.1:{listener.getsockname()[1]}")
    outputs.run()
    listener.settimeout(10)
    connection, _ = listener.accept()
    connection.settimeout(3)
    stream, messages = b"", []
    while len(messages) < 4:
        stream += connection.recv(65536)
        while (frame := re.match(rb"(\d+) ", stream)) and len(stream) >= frame.end() + int(frame.group(1)):
            end = frame.end() + int(frame.group(1))
            messages.append(stream[frame.end():end].decode())
            stream = stream[end:]
    assert_messages(messages)
    listener.close()


def test_a_receiver_that_comes_back_is_told_what_it_missed(outputs):
    path = str(outputs.place.root / "log")
    outputs.write(syslog=f"unix:{path}", events=outputs.events)
    outputs.run()
    assert wait_until(lambda: outputs.told().get("syslog", {}).get("failing"))
    assert wait_until(lambda: len(outputs.lines()) >= 4)  # the file is told meanwhile
    assert wait_until(lambda: outputs.told()["syslog"]["behind"] >= 4)
    receiver = Datagrams(socket.AF_UNIX, path)
    assert wait_until(lambda: len(receiver.messages) >= 4, 40)
    assert_messages(receiver.messages)
    assert wait_until(lambda: not outputs.told()["syslog"]["failing"])
    receiver.end()


# ---- Incidents ----------------------------------------------------------------------------------


def test_an_incident_is_told_once_retried_and_closed(outputs, receiver):
    """Webhook and mail together, since each waits for what takes its time: an alarm that stands, and one that is over.
    That one that comes and goes is one incident is shown with a clock of its own (test_incident.c)."""
    mails = outputs.folder / "mails"
    mail = outputs.command("mail", f'{{ echo ----; cat; }} >> {mails}\n')
    outputs.write(webhook=outputs.address("webhook", receiver.address), mail=mail, events=outputs.events)
    outputs.run()
    receiver.status = 500
    outputs.break_contract()
    assert wait_until(lambda: len(receiver.told()) >= 3, 40), outputs.place.log("run")  # tried again
    assert len(set(receiver.told())) == 1  # the same again
    assert wait_until(lambda: outputs.told()["webhook"]["failures"] >= 3)
    receiver.requests.clear()
    receiver.status = 204
    for _ in range(3 if os.environ.get("ECLUSE_LONG") else 0):  # it comes and goes
        outputs.mend_contract()
        time.sleep(6)
        outputs.break_contract()
        time.sleep(6)
    outputs.mend_contract()
    assert wait_until(lambda: ("contract", "over") in receiver.told(), 60), outputs.place.log("run")
    contract = [state for area, state in receiver.told() if area == "contract"]
    assert contract == ["began", "over"]
    assert wait_until(lambda: mails.read_text().count("Subject: [ecluse] contract_refused over") == 1)
    assert mails.read_text().count("Subject: [ecluse] contract_refused began") == 1

    def recorded():
        reasons = [line["event"]["reason"] for line in outputs.lines() if line["event"]["action"] == "alarm"]
        return [reason.split(":")[0] for reason in reasons if "contract" in reason]
    assert wait_until(lambda: recorded() == ["contract_refused began", "contract_refused is over"]), recorded()
    shown = outputs.place.json("status")["outputs"]
    assert shown["webhook"]["failures"] >= 3 and shown["webhook"]["told"] >= 2 and not shown["mail"]["failing"]
    everything = outputs.place.log("run") + json.dumps(outputs.told()) + outputs.events.read_text()
    assert "very-secret" not in everything


def test_a_receiver_that_hangs_delays_nobody(outputs, receiver):
    receiver.hang = 60
    mails = outputs.folder / "mails"
    hangs = outputs.command("mail", f"cat > {mails}; sleep 60\n")
    outputs.write(webhook=outputs.address("webhook", receiver.address), mail=hangs, events=outputs.events,
                  metrics=f"127.0.0.1:{outputs.port}")
    process = outputs.run()
    outputs.break_contract()
    assert wait_until(lambda: receiver.requests and mails.exists(), 40)
    began = time.monotonic()
    outputs.place.ecluse("panic")
    assert wait_until(lambda: any(line["event"]["action"] == "panic" for line in outputs.lines()), 3)
    metrics(outputs)
    assert time.monotonic() - began < 3
    process.terminate()  # nor does it hold up the end
    process.wait(15)


# ---- The heartbeat ------------------------------------------------------------------------------


def test_the_heart_beats_while_the_recorder_lives(outputs, receiver):
    outputs.write(heartbeat=outputs.address("heartbeat", receiver.address), heartbeat_every="10s")
    process = outputs.run()
    assert wait_until(lambda: receiver.requests, 30), outputs.place.log("run")
    assert receiver.requests[0][:2] == ("GET", "/hook/very-secret")
    os.kill(child_named(outputs, process, "recorder"), signal.SIGSTOP)
    assert wait_until(lambda: outputs.told()["heartbeat"]["failing"], 50), outputs.told()
    assert "durable" in outputs.told()["heartbeat"]["reason"]
    beats, failures = len(receiver.requests), outputs.told()["heartbeat"]["failures"]
    assert wait_until(lambda: outputs.told()["heartbeat"]["failures"] > failures, 20)  # the next is due, and withheld
    assert len(receiver.requests) == beats
    os.kill(child_named(outputs, process, "recorder"), signal.SIGCONT)
    assert wait_until(lambda: len(receiver.requests) > beats, 30)


# ---- Rights and secrets -------------------------------------------------------------------------


def test_an_address_that_others_may_read_is_refused_and_the_rest_goes_on(outputs, receiver):
    path = outputs.address("webhook", receiver.address)
    path.chmod(0o644)
    outputs.write(webhook=path, events=outputs.events)
    outputs.run()
    assert wait_until(lambda: outputs.told().get("webhook", {}).get("failing"))
    assert "chmod 600" in outputs.told()["webhook"]["reason"]
    assert wait_until(lambda: len(outputs.lines()) >= 4)
    path.chmod(0o600)  # what the alarm says to do
    assert wait_until(lambda: not outputs.told()["webhook"]["failing"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_herald_has_the_fewest_rights(outputs, receiver):
    outputs.write(webhook=outputs.address("webhook", receiver.address),
                  mail=outputs.command("mail", "cat > /dev/null\n"), events=outputs.events)
    process = outputs.run()
    herald = child_named(outputs, process, "herald")
    everybody = [herald, *children(herald)]
    assert len(everybody) == 3
    confined = 0
    for pid in everybody:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert "0" not in fields["Uid"].split() and int(fields["CapEff"], 16) == 0
        confined += fields["Seccomp"] == "2" and fields["NoNewPrivs"] == "1"
    assert confined == 2  # the mailer alone may start a program
    assert b"very-secret" not in pathlib.Path(f"/proc/{herald}/cmdline").read_bytes()
    for pid in children(herald):  # forked before there was a secret
        assert b"very-secret" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def test_other_outputs_are_taken_up_with_the_contract(outputs):
    outputs.write(events=outputs.events)
    outputs.run()
    assert wait_until(lambda: len(outputs.lines()) >= 4)
    other = outputs.folder / "other.json"
    outputs.write(events=other)
    assert wait_until(lambda: outputs.lines(other), 20), outputs.place.log("run")
