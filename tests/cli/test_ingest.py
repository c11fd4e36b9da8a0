"""ingest: feeds into the store, with what was refused and why."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from conftest import BUILD, ECLUSE, KNOWN, event

BAD = [
    (event("RA123456786FR", 1), "parcel_check_digit"),
    ("this is no JSON\n", "syntax"),
    ('{"at":"2026-01-20T14:03:00Z","code":"ET1"}\n', "no_parcel"),
    (f'{{"parcel":"{KNOWN}","code":"ET1"}}\n', "no_time"),
]


def make_feed(path, count, seed=1):
    with open(path, "wb") as out:
        subprocess.run([BUILD / "bench/make-parcels", "--count", str(count), "--seed", str(seed)],
                       stdout=out, check=True)
    with open(path, "rb") as feed:
        return sum(1 for _ in feed)


def test_a_feed_is_told_of_and_its_repetition_adds_nothing(place):
    done = place.feed(KNOWN)
    assert done.returncode == 0, done.stderr
    assert "1 event read" in done.stdout
    assert ": 1 taken (1 new, 0 already there), 0 rejected\n" in done.stdout
    again = place.feed(KNOWN)
    assert again.returncode == 0 and ": 1 taken (0 new, 1 already there), 0 rejected" in again.stdout


def test_rejects_have_their_place_and_reason_and_never_their_content(place):
    feed, rejects = place.root / "feed.ndjson", place.root / "rejects"
    feed.write_text(event(KNOWN, 2) + "".join(line for line, _ in BAD))
    told = place.json("ingest", str(feed), "--rejects", str(rejects), status=1)
    assert told["added"] == 1 and told["rejected"] == len(BAD)
    assert told["reasons"] == {reason: 1 for _, reason in BAD}
    lines = rejects.read_text().splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "3", "4", "5"]
    assert all(line.startswith(f"{feed}:") for line in lines)
    assert [line.rsplit(" ", 1)[1] for line in lines] == [f"[{reason}]" for _, reason in BAD]
    for content in ("RA123456786FR", "this is no JSON"):
        assert content not in rejects.read_text()


def test_the_summary_counts_rejects_by_reason(place):
    done = place.ecluse("ingest", input="".join(line for line, _ in BAD))
    assert done.returncode == 1
    assert "4 events read" in done.stdout and ": 0 taken (0 new, 0 already there), 4 rejected" in done.stdout
    assert "has a parcel number with a wrong check digit" in done.stdout
    assert "--rejects FILE" in done.stdout


def test_a_pipe_and_files_are_read_alike(place):
    files = [place.root / "one", place.root / "two"]
    for at, file in enumerate(files):
        file.write_text(event(KNOWN, at + 1))
    told = place.json("ingest", *map(str, files))
    assert told["events"] == 2 and told["parcels"] == 1
    with open(files[0], encoding="utf-8") as pipe:
        command = f'cat | "{ECLUSE}" ingest -c "{place.contract}" -'
        done = subprocess.run(["sh", "-c", command], stdin=pipe, capture_output=True, text=True,
                              check=False)
    assert done.returncode == 0 and "already there" in done.stdout, done.stderr


@pytest.mark.parametrize("words, told", [
    (("{absent}/feed",), "{absent}/feed cannot be read"),
    (("/tmp",), "is a folder"),
    (("--format", "xml"), "--format is auto, epcis, ndjson, csv or suivi"),
    (("--rejects", "{absent}/rejects"), "{absent}/rejects cannot be written"),
])
def test_what_cannot_be_done_is_said(place, words, told):
    absent = place.root / "absent"  # the home of Debian's nobody, /nonexistent, some program may have made
    done = place.ecluse("ingest", *(word.format(absent=absent) for word in words), input="")
    assert done.returncode == 2 and told.format(absent=absent) in done.stderr


def test_a_contract_without_tracking_has_no_store(place):
    place.contract.write_text(f"ecluse: 1\nstate: {place.root}/state\nruntime: {place.root}/run\n")
    done = place.feed(KNOWN)
    assert done.returncode == 2 and "no `tracking:` section" in done.stderr


def test_kill_9_in_the_middle_loses_nothing_that_a_second_run_does_not_bring(place):
    feed = place.root / "feed"
    events = make_feed(feed, 60000)
    killed = subprocess.Popen([ECLUSE, "ingest", "-c", str(place.contract), str(feed)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.12)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    told = place.json("ingest", str(feed))
    assert told["added"] + told["repeated"] == events
    assert place.json("ingest", str(feed))["repeated"] == events


def test_a_second_writer_is_told_who_the_first_is(place):
    reader, writer = os.pipe()
    first = subprocess.Popen([ECLUSE, "ingest", "-c", str(place.contract), "-"], stdin=reader,
                             stdout=subprocess.DEVNULL)
    os.close(reader)
    os.write(writer, (event(KNOWN, 1)).encode())
    time.sleep(0.5)
    second = place.feed(KNOWN)
    os.close(writer)
    assert first.wait(20) == 0
    assert second.returncode == 2 and str(first.pid) in second.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change the user")
def test_no_byte_of_a_feed_is_read_by_root(place):
    reader, writer = os.pipe()
    process = subprocess.Popen([ECLUSE, "ingest", "-c", str(place.contract), "-"], stdin=reader,
                               stdout=subprocess.DEVNULL)
    os.close(reader)
    time.sleep(0.5)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    os.close(writer)
    assert process.wait(20) == 0
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split() and fields["CapEff"].strip("0") == ""
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
@pytest.mark.parametrize("full", ["state", "rejects"])
def test_a_full_disk_is_a_clear_error(place, full):
    small = place.root / "small"
    small.mkdir()
    size = "600k" if full == "state" else "4k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(small)],
                   check=True)
    try:
        feed = place.root / "feed"
        if full == "state":
            place.write_contract(
                change=lambda text: text.replace(f"{place.root}/state", f"{small}/state"))
            make_feed(feed, 20000)
            done = place.ecluse("ingest", str(feed))
        else:
            feed.write_text("{}\n" * 5000)
            done = place.ecluse("ingest", str(feed), "--rejects", str(small / "rejects"))
        assert done.returncode == 2, done.stdout
        assert "No space left" in done.stderr and len(done.stderr.splitlines()) == 1
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_lies_beside_the_store_and_was_not_written_is_told(place):
    assert place.feed(KNOWN).returncode == 0
    (place.root / "state/tracking/feeds.new").mkdir()
    done = place.feed("RB123456785GB")
    assert done.returncode == 1 and "The journal of feeds could not be written" in done.stdout
    told = place.ecluse("ingest", "--json", input=event(KNOWN))
    assert told.returncode == 1
    told = json.loads(told.stdout)
    assert told["journal_failed"] is True and told["filter_failed"] is False


def test_a_bar_is_drawn_on_a_terminal_only(place):
    feed = place.root / "feed"
    make_feed(feed, 300000)
    command = f'"{ECLUSE}" ingest -c "{place.contract}" "{feed}"'
    shown = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True,
                           text=True, check=False, timeout=120)
    assert "events/s" not in shown.stdout
    assert " left" in shown.stdout or "new to the store" in shown.stdout
    plain = place.ecluse("ingest", str(feed))
    assert plain.stderr == ""
