"""replay: captures and flow logs of the past against a contract, as a person runs it."""

import gzip
import json
import os
import pathlib
import struct
import subprocess

import pytest
from conftest import BUILD, ECLUSE

BEGAN = 1793577600  # Monday, 2 November 2026
MAKE = str(BUILD / "bench/make-records")
CONTRACT = """\
ecluse: 1
mode: observe
state: {root}/state
runtime: {root}/run
network:
  inside: [10.1.0.0/16]
  interface: lan0
  destinations: {{partners: [203.0.113.0/24]}}
budgets:
  - {{name: theft, meter: bytes_out, per: host, where: {{to: unlisted}},
     at_most: {{1h: {host}, 1d: {host}}}, over: hold, hold_for: 1h}}
  - {{name: partners, meter: bytes_out, per: host, where: {{to: partners}},
     at_most: {{1h: 1GB}}, over: hold, hold_for: 1h}}
"""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")


def conn(host, out, begin=0, span=10):
    """A line of Zeek's conn.log in JSON."""
    return json.dumps({"ts": BEGAN + begin, "id.orig_h": host, "id.resp_h": "198.51.100.9", "proto": "tcp",
                       "duration": span, "conn_state": "SF", "orig_pkts": 10, "orig_ip_bytes": out - 140,
                       "resp_pkts": 8, "resp_ip_bytes": 500}) + "\n"


def frames(count, size=1000):
    """A capture of packets that leave, a millisecond apart, without a handshake."""
    header = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
    packet = bytes.fromhex("020000000101" "020000000007" "0800" "4500") + struct.pack(">H", size - 14) + \
        bytes(4) + b"\x40\x11" + bytes(2) + bytes([10, 1, 0, 7, 198, 51, 100, 9]) + \
        struct.pack(">HHHH", 40000, 443, size - 34, 0)
    packet += bytes(size - len(packet))
    return header + b"".join(struct.pack("<IIII", BEGAN, i * 1000, size, size) + packet
                             for i in range(count))


@pytest.fixture
def past(place):
    place.contract.write_text(CONTRACT.format(root=place.root, host="1MB"))
    return place


def test_a_theft_is_told_with_its_time_its_numbers_and_what_would_have_left(past):
    log = past.root / "conn.log"
    log.write_text(conn("10.1.0.8", 1000) + conn("10.1.0.7", 5000000, begin=3600, span=100))
    told = past.json("replay", str(log))
    hold, = told["hold"]
    assert (hold["who"], hold["budget"], hold["limit"], hold["to"]) == \
        ("10.1.0.7", "theft", 1000000, "198.51.100.9")
    assert hold["since"] == "2026-11-02T01:00:20Z"  # a fifth of a hundred seconds
    assert (told["left"], told["flows"], told["rejected"]) == (5001000, 2, 0)
    assert 990000 < told["would_have_left"] <= 1001000
    rows = {row["host"]: row for row in told["host_weeks"]}
    assert rows["10.1.0.7"]["left"] == 5000000 and rows["10.1.0.7"]["holds"] == 1
    assert rows["10.1.0.8"] == {"week": "2026-11-02", "host": "10.1.0.8", "left": 1000,
                                "would_have_left": 1000, "holds": 0}
    done = past.ecluse("replay", str(log))
    assert done.returncode == 0 and "Holds there would have been: 1\n" in done.stdout
    assert "2026-11-02 01:00 UTC" in done.stdout and "theft" in done.stdout


def test_each_form_is_known_by_its_first_bytes_and_a_pipe_is_read_like_a_file(past):
    for form in ("pcap", "pcapng", "zeek", "zeek-json", "eve"):
        made = subprocess.run([MAKE, form, "2000", "--size", "900"], capture_output=True, check=True).stdout
        (past.root / form).write_bytes(made)
        told = past.json("replay", str(past.root / form))
        assert told["packets"] + told["flows"] == 2000 and told["rejected"] == 0 and told["left"] > 0
        piped = subprocess.run([ECLUSE, "replay", "-c", past.contract, "--json", "-"], input=made,
                               capture_output=True, check=True)
        assert json.loads(piped.stdout)["left"] == told["left"]


def test_several_inputs_are_one_past(past):
    for name, begin in (("a", 0), ("b", 30)):
        (past.root / name).write_text(conn("10.1.0.7", 600000, begin=begin))
    told = past.json("replay", str(past.root / "a"), str(past.root / "b"))
    assert told["inputs"] == 2 and told["holds"] == 1


def test_what_cannot_be_read_is_counted_by_kind_and_place_and_the_rest_is_used(past):
    capture = frames(20)
    damaged, cut = past.root / "damaged.pcap", past.root / "cut.pcap"
    damaged.write_bytes(capture[:24 + 5 * 1016 + 8] + b"\xff" * 4 + capture[24 + 5 * 1016 + 12:])
    cut.write_bytes(capture[:-100])
    told = past.json("replay", str(damaged), str(cut), status=1)
    assert told["packets"] == 38 and told["rejected"] == 2
    assert told["faults"] == [
        {"kind": "cut_off", "count": 1, "first": [{"input": str(cut), "byte": 24 + 19 * 1016}]},
        {"kind": "bad_packet", "count": 1, "first": [{"input": str(damaged), "byte": 24 + 5 * 1016}]}]
    done = past.ecluse("replay", str(damaged))
    assert done.returncode == 1 and f"{damaged}, byte 5,104" in done.stdout
    assert "1 times: has a packet header that makes no sense" in done.stdout


def test_what_is_in_no_form_or_compressed_is_said_with_a_way_out(past):
    for name, data, words in (("noise", b"GIF89a", "Read are pcap, pcapng"),
                              ("small.gz", gzip.compress(frames(3)), "zcat FILE | ecluse replay -"),
                              ("short", frames(3)[:10], "ends in the middle")):
        (past.root / name).write_bytes(data)
        done = past.ecluse("replay", str(past.root / name))
        assert done.returncode == 2 and words in done.stderr, done.stderr


def test_nothing_to_read_and_nothing_to_replay_against_are_told_apart(past):
    (past.root / "empty").write_bytes(b"")
    assert past.json("replay", str(past.root / "empty"))["holds"] == 0
    done = past.ecluse("replay", str(past.root / "absent"))
    assert done.returncode == 2 and "cannot be read" in done.stderr
    past.contract.write_text("ecluse: 1\nbudgets:\n  - {name: a, meter: requests, per: client, at_most: {1h: 5}, over: slow}\n")
    done = past.ecluse("replay", str(past.root / "empty"))
    assert done.returncode == 2 and "no budget of bytes_out" in done.stderr


def test_nothing_is_left_behind_and_nothing_of_the_contract_is_touched(past):
    (past.root / "conn").write_text(conn("10.1.0.7", 5000000))
    temporary = past.root / "tmp"
    temporary.mkdir()
    before = sorted(os.listdir(past.root))
    done = past.ecluse("replay", str(past.root / "conn"), env={**os.environ, "TMPDIR": str(temporary)})
    assert done.returncode == 0
    assert sorted(os.listdir(past.root)) == before and os.listdir(temporary) == []


@ROOT_ONLY
def test_bytes_from_outside_are_not_read_with_the_rights_of_root(past):
    process = subprocess.Popen([ECLUSE, "replay", "-c", past.contract, "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    try:
        process.stdin.write(frames(500))
        process.stdin.flush()
        status = {}
        for _ in range(100):
            with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            if status["Seccomp"] == "2":
                break
            subprocess.run(["sleep", "0.05"], check=True)
        assert status["Uid"].split()[0] != "0" and status["CapEff"].strip("0") == ""
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    finally:
        process.stdin.close()
        assert process.wait(20) == 0


def peak_of(past, form, count, *more):
    """Peak resident memory in bytes of a replay of `count` records through a pipe."""
    with subprocess.Popen([MAKE, form, str(count), *more], stdout=subprocess.PIPE) as made:
        done = subprocess.run(["/usr/bin/python3", "-c", PEAK, ECLUSE, "replay", "-c", past.contract, "--json", "-"],
                              stdin=made.stdout, capture_output=True, check=True, timeout=300)
    told = json.loads(done.stdout)
    assert told["packets"] + told["flows"] == count
    return int(done.stderr) * 1024


PEAK = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("form", ["pcap", "zeek"])
def test_memory_does_not_grow_with_the_input(past, form):
    """With more hosts and connections than any table has room for, three times the input costs the same."""
    many = 3000000 if os.environ.get("ECLUSE_LONG") else 400000
    more = ("--hosts", "60000", "--flows", "900000", "--size", "80" if form == "pcap" else "500",
            "--seconds", "400000")
    small, large = peak_of(past, form, many, *more), peak_of(past, form, 3 * many, *more)
    assert large < 600e6, (small, large)
    assert large < 1.2 * small, (small, large)
