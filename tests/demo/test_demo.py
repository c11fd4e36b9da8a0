"""The demo, smaller: it keeps what it says, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
import types

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("ECLUSE_BUILD", os.path.join(HERE, "..", "..", "build"))
DEMO = ["/usr/bin/python3", "-B", os.path.join(HERE, "..", "..", "lab", "demo.py"),
        "--build", os.path.abspath(BUILD), "--parcels", "2000", "--calm", "3"]


def processes_with(text):
    """Command lines of running processes that contain the text."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


def test_a_code_is_told_again_when_it_is_another():
    sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))
    import demo
    lines, codes = [], iter(["111111", "111111", "222222"])
    play = types.SimpleNamespace(
        told_of_desk=None, desk=types.SimpleNamespace(line=lambda: next(codes)),
        screen=types.SimpleNamespace(paint=lambda _, text: text, say=lines.append))
    for _ in range(3):
        demo.Demo.tell_desk(play)
    assert lines == ["111111", "222222"]


def left_behind(place):
    deadline = time.monotonic() + 5
    while processes_with(str(place)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes_with(str(place)) + os.listdir(place)


def test_once_everything_is_kept_and_nothing_is_left_behind(place):
    done = subprocess.run([*DEMO, "--once", "--act", "origin"], env={**os.environ, "TMPDIR": str(place)},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
                          check=False)
    sys.stdout.write(done.stdout + done.stderr)
    assert done.returncode == 0
    assert done.stdout.startswith("First act: ")
    assert "2,000 of 2,000 parcels fed were answered while the origin was dead" in done.stdout
    assert "BROKEN" not in done.stdout
    assert left_behind(place) == []


def test_an_origin_that_the_person_kills_is_said_to_be(place):
    process = subprocess.Popen([*DEMO], env={**os.environ, "TMPDIR": str(place)},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    try:
        for line in process.stdout:
            assert time.monotonic() < deadline
            if "It stays up" in line:
                os.kill(int(line.split("(kill ")[1].split(")")[0]), signal.SIGKILL)
            if "killed by you" in line:
                break
        else:
            raise AssertionError("it never said so")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert left_behind(place) == []


@pytest.mark.parametrize("words, status, said", [
    (["--help"], 0, "a share is encrypted, stopped, put back"), (["--act", "nosuch"], 2, "invalid choice: 'nosuch'"),
    (["--once", "--parcels", "5"], 2, "--parcels is 1,000 to")])
def test_words_are_looked_at_before_anything_is_built(words, status, said):
    done = subprocess.run([os.path.join(HERE, "..", "..", "demo"), *words], capture_output=True, text=True,
                          check=False, timeout=10)
    assert done.returncode == status and said in done.stdout + done.stderr
    assert "building" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody who may not play")
def test_a_play_of_which_nothing_was_played_fails(place):
    place.chmod(0o777)
    done = subprocess.run([*DEMO, "--once", "--act", "theft", "--act", "files"], user=65534, group=65534,
                          extra_groups=[], env={**os.environ, "TMPDIR": str(place)}, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 2
    assert "nothing was played" in done.stderr.splitlines()[-1]


def test_interrupted_it_stops_everything_that_it_started(place):
    process = subprocess.Popen([*DEMO], env={**os.environ, "TMPDIR": str(place)},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "calm" in line or "killed" in line:
            break
    assert processes_with(str(place))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert left_behind(place) == []
