"""run, status and panic: the supervisor, what it survives, and a contract that changes under it."""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import time

import pytest
from conftest import KNOWN, alive, children, event, wait_until


def has_user(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


def keeper_of(place):
    return place.json("status")["supervisor"]["keeper"]["pid"]


def generation(place):
    return place.json("status")["contract"]["generation"]


def alarms(place):
    return {alarm["kind"] for alarm in place.json("status")["alarms"]}


def test_status_before_anything_runs_says_so(place):
    told = place.json("status")
    assert told["supervisor"]["running"] is False
    assert {"supervisor_down", "guard_down"} <= {alarm["kind"] for alarm in told["alarms"]}
    text = place.ecluse("status").stdout
    assert text.splitlines()[1].startswith("ALARM ")
    alone = place.ecluse("status", "--alarms")
    assert alone.returncode == 1 and alone.stdout.startswith("ALARM ") and "Promises" not in alone.stdout
    assert place.json("status", "--alarms", status=1)["alarms"]


@pytest.mark.parametrize("words", [("holds",), ("why", "192.0.2.1"), ("why", "hold-1-front"), ("release", "all"),
                                   ("release", "hold-1-front"), ("audit", "tail"), ("audit", "verify"),
                                   ("audit", "key", "show")])
def test_what_needs_a_run_says_that_there_was_none(place, words):
    done = place.ecluse(*words)
    assert done.returncode == 2 and done.stdout == "" and "`ecluse run`" in done.stderr
    assert "has not been started here" in done.stderr or "there is no audit log in" in done.stderr


def test_of_a_statement_no_share_is_promised(place):
    statement = "promises:\n  - {name: first word, statement: first, within: 30m}\n"
    place.write_contract(change=lambda text: text.replace("promises:\n", statement))
    told, other = place.json("status")["promises"]
    assert (told["promised"], told["within_ms"], told["measured"]) == (None, 1800000, False)
    assert other["promised"] == 0.99


def test_status_tells_what_is_fed_and_limited(place):
    place.feed(KNOWN)
    place.run()
    told = place.json("status")
    assert told["store"]["parcels"] == 1 and told["store"]["readable"]
    assert [promise["name"] for promise in told["promises"]] == ["tracking answers"]
    assert [budget["name"] for budget in told["budgets"]] == ["logins", "share sweep"]
    assert all(budget["guarded"] for budget in told["budgets"])
    assert told["budgets"][0]["windows"] == [{"span_s": 10, "limit": 5}]


def test_a_budget_without_its_guard_says_so(place):
    guesses = ("  - {name: guesses, meter: login_failures, per: account, at_most: {1h: 10},"
               " over: hold, hold_for: 1h}\n")
    place.write_contract(change=lambda text: text + guesses)
    place.run()
    budgets = {budget["name"]: budget for budget in place.json("status")["budgets"]}
    assert budgets["guesses"]["note"] == "no guard for this budget yet"
    assert "no guard for this budget yet" in place.ecluse("status").stdout


def test_an_interface_that_is_not_there_is_an_alarm_and_is_waited_for(place):
    example = pathlib.Path(__file__).parents[1] / "contracts/design-example.yaml"
    text = example.read_text().replace("/var/lib/ecluse", f"{place.root}/state")
    text = text.replace("/run/ecluse", f"{place.root}/run").replace("lan0", "none0")
    place.contract.write_text(text)
    place.run()

    def down(*begins):
        return [alarm["to_do"] for alarm in place.json("status")["alarms"]
                if alarm["kind"] == "guard_down" and alarm["text"].startswith(begins)]
    assert wait_until(lambda: down("the guard egress waits: there is no interface \"none0\""))
    assert "`network.interface`" in down("the guard egress ")[0] and "nginx" not in down("the guard egress ")[0]
    row = next(row for row in place.ecluse("status").stdout.splitlines() if " bytes_out " in row)
    assert row.split("  ")[-1].strip() == "the guard egress has not started"
    assert "But the guard egress waits: there is no interface" in place.ecluse("why", "02:00:5e:10:00:01").stdout
    for words, said in ((("check",), 'WARNING, network: there is no interface "none0" here'),
                        (("check", "--lang", "fr"), "ATTENTION, réseau")):
        assert said in place.ecluse(*words).stdout
    # While the nginx of a test beside this one runs with the module, the alarm speaks of that one.
    assert wait_until(lambda: down("the guard front ", "nginx runs with the module"))
    assert all(to_do.startswith("`nginx -t`") for to_do in down("the guard front "))
    assert wait_until(lambda: "no interface \"none0\"" in place.log("run"))


def test_a_desk_that_does_not_come_up_is_an_alarm(place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        desk = f"desk: {{listen: \"127.0.0.1:{taken.getsockname()[1]}\"}}\n"
        place.write_contract(change=lambda text: text + desk)
        place.run()
        assert wait_until(lambda: "desk_down" in alarms(place)), place.log("run")
        assert re.search(r"^desk +down ", place.ecluse("status").stdout, re.M)
    assert wait_until(lambda: place.json("status")["supervisor"]["desk"]["running"], 20)
    assert wait_until(lambda: "desk_down" not in alarms(place))


def test_the_folders_have_the_modes_that_keep_guards_apart(place):
    place.run()
    modes = {name: (place.root / name).stat().st_mode & 0o7777
             for name in ("run", "run/releases", "state", "state/budget", "state/tracking")}
    shared = 0o750 if os.geteuid() == 0 else 0o700
    assert modes == {"run": 0o755, "run/releases": shared, "state": 0o755, "state/budget": shared,
                     "state/tracking": 0o2750 if os.geteuid() == 0 else 0o700}


def test_a_folder_that_strangers_may_write_is_refused(place):
    (place.root / "run").mkdir()
    (place.root / "run").chmod(0o777)
    done = place.ecluse("run")
    assert done.returncode == 2 and "may be written by everybody" in done.stderr


def test_a_second_run_in_the_same_place_is_refused(place):
    place.run()
    done = place.ecluse("run")
    assert done.returncode == 2 and "another `ecluse run`" in done.stderr


def test_sigterm_ends_it_and_its_keeper_in_order(place):
    process = place.run()
    keeper = keeper_of(place)
    process.terminate()
    assert process.wait(10) == 0
    assert not alive(keeper)
    assert place.json("status")["supervisor"]["running"] is False


def test_a_killed_run_takes_its_keeper_with_it_and_is_taken_over(place):
    first = place.run()
    keeper, before = keeper_of(place), generation(place)
    first.kill()
    first.wait()
    assert wait_until(lambda: not alive(keeper))
    assert wait_until(lambda: "supervisor_down" in alarms(place))
    second = place.run()
    assert second.pid != first.pid and generation(place) == before


def test_a_killed_keeper_is_started_again(place):
    process = place.run()
    keeper = keeper_of(place)
    assert keeper in children(process.pid)
    os.kill(keeper, signal.SIGKILL)
    assert wait_until(lambda: keeper_of(place) not in (0, keeper))
    told = place.json("status")["supervisor"]["keeper"]
    assert told["deaths"] == 1 and alive(told["pid"]) and "died of signal 9" in place.log("run")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change the user")
def test_the_keeper_has_the_fewest_rights(place):
    place.run()
    status = pathlib.Path(f"/proc/{keeper_of(place)}/status")
    assert wait_until(lambda: "Seccomp:\t2" in status.read_text())  # the last that it gives up
    fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split() and fields["Groups"].strip() == ""
    assert fields["CapEff"].strip("0") == ""
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"


@pytest.mark.skipif(os.geteuid() != 0 or has_user("ecluse"), reason="needs root, and a machine without the user")
def test_that_there_is_no_user_of_ours_is_said_once(place):
    place.run().terminate()
    assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
    said = f"useradd --system --home-dir {place.root}/state --shell /usr/sbin/nologin ecluse"
    assert place.log("run").count(said) == 1
    place.run()
    assert place.log("run").count(said) == 1


def test_nothing_learned_is_all_forgotten(place):
    place.run()
    assert place.json("waves", "forget", "all") == {"forgotten": 0}
    assert place.ecluse("waves", "forget", "0123456789abcdef").returncode == 2


def test_the_keeper_removes_what_the_contract_no_longer_keeps(place):
    place.write_contract(change=lambda text: text + "keep: {tracking: 3650d}\n")
    assert place.ecluse("ingest", input=event(KNOWN, days_ago=60)).returncode == 0
    place.write_contract(change=lambda text: text + "keep: {tracking: 30d}\n")
    place.run()
    assert wait_until(lambda: place.json("status")["store"]["parcels"] == 0, 15), place.log("run")
    assert "1 parcels removed" in place.log("run")


# ---- A contract that changes -----------------------------------------------------------------


def test_a_changed_contract_is_taken_up_without_a_signal(place):
    place.run()
    before = generation(place)
    place.write_contract(logins=7)
    assert wait_until(lambda: generation(place) == before + 1), place.log("run")
    assert place.json("status")["budgets"][0]["windows"] == [{"span_s": 10, "limit": 7}]


def test_sighup_takes_it_up_at_once(place):
    process = place.run()
    before = generation(place)
    place.write_contract(logins=8)
    process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: generation(place) == before + 1, 1)


def test_a_change_with_a_mistake_is_refused_whole_and_shown_until_it_is_mended(place):
    process = place.run()
    before = generation(place)
    place.write_contract(logins=7, change=lambda text: text.replace("over: slow", "over: explode"))
    process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "contract_refused" in alarms(place))
    told = place.json("status")
    assert told["contract"]["generation"] == before
    assert told["budgets"][0]["windows"] == [{"span_s": 10, "limit": 5}]
    assert f"{place.contract}:" in place.log("run") and "explode" in place.log("run")
    place.write_contract(logins=7)
    assert wait_until(lambda: generation(place) == before + 1)
    assert wait_until(lambda: "contract_refused" not in alarms(place))


def test_state_and_runtime_stay_where_they_are(place):
    process = place.run()
    place.write_contract(
        change=lambda text: text.replace(f"{place.root}/state", f"{place.root}/elsewhere"))
    process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "contract_refused" in alarms(place))
    assert "restart `ecluse run`" in place.log("run")


def test_an_edit_while_nothing_ran_is_taken_up_at_the_start(place):
    place.run().terminate()
    assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
    place.write_contract(logins=9)
    place.run()
    assert wait_until(lambda: place.json("status")["budgets"][0]["windows"][0]["limit"] == 9)


def test_a_mistake_in_the_file_stops_no_start_once_a_contract_was_in_force(place):
    place.write_contract(logins=9)
    place.run().terminate()
    assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
    last = place.root / "state/contract.last"
    assert last.stat().st_mode & 0o777 == 0o600 and last.read_bytes() == place.contract.read_bytes()
    shutil.rmtree(place.root / "run")  # a reboot
    place.write_contract(logins=3, change=lambda text: text.replace("over: slow", "over: explode"))
    place.start("run")
    assert wait_until(lambda: place.ecluse("status").returncode != 2
                      and "contract_refused" in alarms(place)), place.log("run")
    assert place.json("status")["budgets"][0]["windows"] == [{"span_s": 10, "limit": 9}]
    assert "contract.last, is taken" in place.log("run") and "explode" in place.log("run")
    place.write_contract(logins=3)
    assert wait_until(lambda: "contract_refused" not in alarms(place))
    assert wait_until(lambda: "contract_refused" in place.ecluse("audit", "tail").stdout)
    assert wait_until(lambda: last.read_bytes() == place.contract.read_bytes())


def test_a_last_contract_that_others_may_write_is_nobodys(place):
    place.run().terminate()
    assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
    (place.root / "state/contract.last").chmod(0o666)
    place.write_contract(change=lambda text: text.replace("over: slow", "over: explode"))
    assert place.ecluse("run").returncode == 2


# ---- Panic -----------------------------------------------------------------------------------


def test_panic_is_in_force_within_a_second_and_ends(place):
    place.run()
    began = time.monotonic()
    assert place.json("panic") == {"panic": True, "supervised": True}
    assert time.monotonic() - began < 1
    told = place.json("status")
    assert told["panic"] is True and "panic" in {alarm["kind"] for alarm in told["alarms"]}
    assert all(budget["mode"] == "observe" for budget in told["budgets"])
    assert place.json("panic", "--off")["panic"] is False
    assert place.json("status")["panic"] is False


def test_panic_survives_a_restart_of_run(place):
    process = place.run()
    place.ecluse("panic")
    process.kill()
    process.wait()
    place.run()
    assert place.json("status")["panic"] is True


def test_panic_needs_no_supervisor(place):
    process = place.run()
    brood = children(process.pid)
    process.kill()
    process.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in brood))  # the recorder too
    refused = place.ecluse("panic")
    assert refused.returncode == 2 and "ecluse panic" in refused.stderr and "--without-record" in refused.stderr
    assert place.json("status")["panic"] is False
    assert place.json("panic", "--without-record") == {"panic": True, "supervised": False}
    assert place.json("status")["panic"] is True
    place.run()
    assert place.json("status")["panic"] is True


def test_panic_does_not_wait_for_a_supervisor_that_hangs(place):
    process = place.run()
    process.send_signal(signal.SIGSTOP)
    try:
        assert wait_until(lambda: not place.json("status")["supervisor"]["running"])
        began = time.monotonic()
        assert place.json("panic") == {"panic": True, "supervised": False}
        assert time.monotonic() - began < 1
        assert place.json("status")["panic"] is True
        assert place.json("panic", "--off") == {"panic": False, "supervised": False}
        assert place.json("panic")["panic"] is True
    finally:
        process.send_signal(signal.SIGCONT)
    assert not wait_until(lambda: place.json("status")["panic"] is False, seconds=1.5)
    assert place.json("panic", "--off") == {"panic": False, "supervised": True}


def test_panic_needs_no_sound_contract(place):
    place.run()
    place.contract.write_text(f"runtime: {place.root}/run  # being edited\nbudgets: [[[\n")
    assert place.json("panic")["panic"] is True
    told = place.ecluse("status", "--runtime", str(place.root / "run"), "--json", contract=False)
    assert json.loads(told.stdout)["panic"] is True


# ---- A lost runtime ----------------------------------------------------------------------------


def test_a_removed_runtime_is_made_anew(place):
    process = place.run()
    number = generation(place)
    shutil.rmtree(place.root / "run")
    assert wait_until(lambda: place.supervised(process.pid), seconds=20), place.log("run")
    assert generation(place) > number  # guards must see that it is another
    assert "made anew" in place.log("run")
    assert place.json("panic") == {"panic": True, "supervised": True}
    told = place.ecluse("audit", "tail", "--json")
    assert "removed or replaced" in told.stdout, told.stderr


def test_a_panic_survives_the_loss_of_runtime(place):
    process = place.run()
    assert place.json("panic")["panic"] is True
    shutil.rmtree(place.root / "run")
    assert wait_until(lambda: place.supervised(process.pid), seconds=20), place.log("run")
    assert place.json("status")["panic"] is True


# ---- Damage ----------------------------------------------------------------------------------


def test_a_damaged_store_is_an_alarm_and_kills_nobody(place):
    place.feed(KNOWN)
    place.run()
    store = place.root / "state/tracking/parcels.mdb"
    store.write_bytes(os.urandom(store.stat().st_size))
    assert "store_unreadable" in alarms(place)


def test_a_damaged_control_page_is_told(place):
    (place.root / "run").mkdir()
    (place.root / "run/control").write_bytes(b"x" * 4096)
    done = place.ecluse("status")
    assert done.returncode == 2 and "damaged" in done.stderr


def test_a_full_disk_for_state_is_told(place):
    place.write_contract(change=lambda text: text.replace(f"{place.root}/state", "/dev/full/state"))
    done = place.ecluse("run")
    assert done.returncode == 2 and "/dev/full/state" in done.stderr
