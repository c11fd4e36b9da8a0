"""The guard of bytes out as `ecluse run` starts it, and as its commands show it."""
import os
import re
import signal
import time

from world import MB, OUTSIDE, PARTNER


def is_bounded(arrived, budget=20, least=0.85):
    assert least * budget * MB < arrived <= (budget + 1) * MB


def unsent(taken, arrived):
    """What of a thief's connection the kernel still sends again by itself, after minutes even, once it may."""
    return max(0, taken - arrived)


def audit(w, **wanted):
    lines = w.ecluse("audit", "tail", "-n", "1000").splitlines()
    return [line for line in lines if all(value in line for value in wanted.values())]


def test_theft_ends_at_the_budget_and_is_shown_with_its_evidence(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    w.send(connections=3)
    is_bounded(arrived())
    assert w.wait(lambda: w.held())
    hold, = w.held()
    name = hold["hold"]
    assert name.endswith("-egress") and hold["budget"] == "theft"
    assert re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", hold["principal"])
    assert w.wait(lambda: w.told("why", name)["evidence"])
    evidence = w.told("why", name)["evidence"]
    assert evidence["largest_destinations"][0]["to"] == OUTSIDE
    assert evidence["connections"] == 3 and evidence["destinations"] == 1
    is_bounded(evidence["bytes"])
    is_bounded(sum(evidence["by_second"]))
    assert {c["begun"] for c in evidence["largest_connections"]} == {"inside"}
    text = w.ecluse("why", name)
    assert f"{OUTSIDE}:5001" in text and "by the second" in text
    assert w.told("why", hold["principal"])["budgets"][0]["hold"] == name
    # Addresses stand in the evidence, and nowhere else.
    assert audit(w, kind="hold", guard="guard egress", name=name)
    for leaf in (*audit(w), w.log()):
        assert OUTSIDE not in leaf and "10.77." not in leaf
        assert hold["principal"] not in leaf


def test_a_release_is_in_force_within_a_second_and_the_evidence_stays(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    w.send(seconds=1)
    assert w.wait(lambda: w.held() and w.told("why", w.held()[0]["hold"])["evidence"])
    name = w.held()[0]["hold"]
    began = time.monotonic()
    assert w.told("release", name)["released"] == [name]
    assert time.monotonic() - began < 2  # of which one is for the record
    w.send(seconds=2, udp=True)
    is_bounded(arrived(), 22)
    assert w.told("why", name)["in_force"] is False
    assert w.told("why", name)["evidence"]["destinations"] == 1
    assert audit(w, kind="release", name=name, who="root")


def test_killed_it_is_started_again_and_goes_on_where_it_stood(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    w.send(bytes=8 * MB, seconds=2)
    pid = w.guard_pid()
    os.kill(pid, signal.SIGKILL)
    w.send(bytes=8 * MB, seconds=2)
    assert w.wait(lambda: w.guard_pid() not in (0, pid))
    w.send(seconds=1.5)
    is_bounded(arrived())
    assert w.wait(lambda: w.held())
    assert audit(w, kind="guard_down", guard="egress", how="signal 9")


def test_when_all_of_ecluse_run_is_killed_the_next_one_goes_on_where_it_stood(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    w.send(bytes=8 * MB, seconds=2)
    pid = w.guard_pid()
    w.supervisor.kill()
    w.supervisor.wait()
    assert w.wait(lambda: not os.path.exists(f"/proc/{pid}"))
    w.send(bytes=8 * MB, seconds=2)
    w.start_run()
    w.send(seconds=1.5)
    is_bounded(arrived())
    assert w.wait(lambda: w.held())


def test_stopped_it_is_an_alarm_and_the_kernel_keeps_to_what_was_left(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    pid = w.guard_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        w.send(seconds=2, connections=4)
        is_bounded(arrived())
        assert w.wait(lambda: any(alarm["kind"] == "guard_down" and "egress" in alarm["text"]
                                  for alarm in w.told("status")["alarms"]))
        assert w.guard_told()["state"] == "down"
        assert w.wait(lambda: audit(w, kind="guard_down", guard="egress", how="hangs"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert w.wait(lambda: w.guard_told()["state"] == "up" and w.held())
    assert w.wait(lambda: audit(w, kind="guard_up", guard="egress", how="beats again"))


def test_panic_lets_everything_out_within_a_second_and_its_end_stops_it_again(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    taken = w.send(seconds=1)
    assert w.wait(lambda: w.held())
    w.ecluse("panic")
    time.sleep(1)
    before = arrived()
    assert w.send(bytes=30 * MB, seconds=5) == 30 * MB
    assert 30 * MB <= arrived() - before <= 30 * MB + unsent(taken, before)
    w.ecluse("panic", "--off")
    time.sleep(1)
    before = arrived()
    w.send(seconds=1, udp=True)
    assert arrived() - before < MB


def change(w, old, new):
    text = w.contract.read_text()
    assert old in text
    w.contract.write_text(text.replace(old, new))


def generation(w):
    return w.told("status")["contract"]["generation"]


def test_another_limit_is_in_force_at_once_and_counts_go_on(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    w.send(bytes=8 * MB, seconds=2)
    before, pid = generation(w), w.guard_pid()
    change(w, "at_most: {1h: 20MB, 1d: 20MB}", "at_most: {1h: 12MB, 1d: 20MB}")
    assert w.wait(lambda: generation(w) > before and w.guard_pid() not in (0, pid))
    w.send(seconds=1.5)
    is_bounded(arrived(), 12)
    assert w.held()[0]["limit"] == 12 * MB
    # What needs no other programs is taken up by the process that is there.
    before, pid = generation(w), w.guard_pid()
    change(w, "hold_for: 1h", "hold_for: 2h")
    assert w.wait(lambda: generation(w) > before and w.guard_told()["processes"][0]["generation"]
                  == generation(w))
    assert w.guard_pid() == pid
    assert not audit(w, kind="guard_down", guard="egress")


def test_a_contract_that_the_guard_cannot_take_changes_nothing(world):
    w = world(guard=False)
    w.start_run()
    before = generation(w)
    change(w, "interface: lan0", "interface: none0")
    assert w.wait(lambda: w.told("status")["contract"]["refused"])
    assert "egress" in w.told("status")["contract"]["refused"]["reason"]
    assert generation(w) == before and w.is_attached()
    arrived = w.receiver()
    w.send(seconds=1)
    is_bounded(arrived())


def test_without_network_in_the_contract_nothing_is_limited_and_that_is_on_the_record(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    text = w.contract.read_text()
    w.contract.write_text(text[:text.index("network:")])
    assert w.wait(lambda: not w.is_attached())
    assert w.send(bytes=60 * MB, seconds=10) == 60 * MB
    assert arrived() == 60 * MB
    assert audit(w, kind="contract", what="offered")
    w.contract.write_text(text)
    assert w.wait(w.is_up) and w.is_attached()


def test_stopping_in_order_lifts_nothing_and_detach_does(world):
    w = world(guard=False)
    w.start_run()
    arrived = w.receiver()
    taken = w.send(seconds=1)
    assert w.wait(lambda: w.held())
    assert "put them back" in w.ecluse("detach", status=2)
    w.stop_run()
    assert w.is_attached()
    before = arrived()
    left = unsent(taken, before)
    w.send(seconds=2, udp=True)
    assert arrived() - before < MB  # held, and the rest at without_guard
    assert "on the record" in w.ecluse("detach", status=2)
    assert w.is_attached()
    w.ecluse("detach", "--without-record")
    assert not w.is_attached()
    before = arrived()
    assert w.send(to=PARTNER, bytes=30 * MB, seconds=5) == 30 * MB
    assert 30 * MB <= arrived() - before <= 30 * MB + left


def test_an_interface_that_goes_and_comes_back_is_guarded_again(world):
    w = world(guard=False)
    w.start_run()
    down = ["link", "set", "port0", "nomaster"]
    pid = w.guard_pid()
    for words in (down, ["link", "del", "lan0"],
                  ["link", "add", "lan0", "type", "bridge", "stp_state", "0", "forward_delay", "0"],
                  ["link", "set", "port0", "master", "lan0"], ["link", "set", "lan0", "up"],
                  ["addr", "add", "10.77.0.1/16", "dev", "lan0"]):
        w.run(w.gateway, "ip", *words)
    assert w.wait(lambda: w.guard_pid() not in (0, pid) and w.is_attached())
    arrived = w.receiver()
    w.send(seconds=1)
    is_bounded(arrived())
