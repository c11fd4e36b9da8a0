"""replay against the guard itself: what was captured at its interface comes to the same bytes and holds."""

import json
import subprocess
import sys
import time

from world import ECLUSE, MB, OUTSIDE, PARTNER

CAPTURE = """
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 27)  # SO_RCVBUFFORCE
s.bind(("lan0", 0))
out = open(sys.argv[1], "wb")
out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
print("ready", flush=True)
s.settimeout(0.2)
end, quiet = time.time() + 20, 0
while time.time() < end and quiet < 15:
    try:
        data = s.recv(1 << 17)
        quiet = 0
    except TimeoutError:
        quiet += 1
        continue
    now, kept = time.time_ns(), data[:160]
    out.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(kept), len(data)) + kept)
out.close()
print("done", flush=True)
"""


def test_the_past_of_an_interface_is_what_its_guard_counted(world):
    w = world(guard=False, mode="observe")
    w.start_run()
    path = w.directory / "lan0.pcap"
    capture = w.start(w.gateway, sys.executable, "-c", CAPTURE, path)
    arrived = w.receiver()
    w.send(to=PARTNER, bytes=5 * MB, seconds=3)
    w.send(to=OUTSIDE, bytes=30 * MB, seconds=3)  # over the 20 MB of one host, and only noticed
    assert arrived() == 35 * MB
    assert capture.stdout.readline().strip() == "done"
    assert w.wait(w.held)
    live, = w.held()
    done = subprocess.run([ECLUSE, "replay", "-c", w.contract, "--json", path], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    past = json.loads(done.stdout)
    hold, = past["hold"]
    assert (hold["who"], hold["budget"], hold["to"]) == (live["principal"], live["budget"], OUTSIDE)
    # The past knows when the limit was met; the guard, which here only notices, says what had left when it looked.
    assert abs(hold["used"] - hold["limit"]) < MB and hold["limit"] == live["limit"]
    assert hold["used"] - MB < live["used"] <= 31 * MB
    assert abs(time.mktime(time.strptime(hold["since"], "%Y-%m-%dT%H:%M:%SZ")) -
               time.mktime(time.strptime(live["since"], "%Y-%m-%dT%H:%M:%SZ"))) <= 2
    counted = {budget["budget"]: budget["used"] for budget in w.told("why", live["principal"])["budgets"]}
    classes = {(part["to"], part["begun"]): part for part in past["destinations"]}
    for name, to in (("partners", "partners"), ("theft", "unlisted")):
        assert abs(classes[to, "inside"]["left"] / counted[name] - 1) < 0.01, (classes, counted)
    assert 19 * MB < classes["unlisted", "inside"]["would_have_left"] <= 20 * MB
