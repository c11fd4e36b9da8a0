"""`ecluse key`, and what `ecluse run` does about the keys of passes."""
import os
import shutil
import stat

import pytest
from conftest import wait_until

KEYS = "state/front/pass.keys"


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_key_is_issued_listed_and_revoked(place):
    issued = place.json("key", "issue", "--name", "partner", "--lane", "staff")
    assert len(issued["id"]) == 12 and len(issued["secret"]) == 64 and issued["lane"] == "staff"
    listed = place.json("key", "list")["keys"]
    assert [(k["id"], k["name"], k["lane"], k["revoked"]) for k in listed] == [(issued["id"], "partner", "staff", None)]
    assert place.json("key", "revoke", issued["id"])["name"] == "partner"
    assert place.json("key", "list")["keys"][0]["revoked"] is not None


def test_the_secret_is_shown_once_and_stands_in_no_file(place):
    done = place.ecluse("key", "issue", "--name", "partner")
    secret = done.stdout.split()[-1]
    assert done.returncode == 0 and len(secret) == 64
    assert secret not in place.ecluse("key", "list").stdout
    for path in (place.root / "state").rglob("*"):
        assert path.is_dir() or secret not in path.read_text(encoding="utf-8", errors="replace")
    assert mode(place.root / "state/front/client.master") & 0o037 == 0


@pytest.mark.parametrize("words,told", [
    (("key", "show"), "takes issue, list or revoke, not `show`"),
    (("key", "issue"), "needs --name NAME"),
    (("key", "issue", "--name", "two words"), "letters a to z"),
    (("key", "revoke"), "needs the key's ID"),
    (("key", "revoke", "aaaaaaaaaaaa"), "there is no key aaaaaaaaaaaa"),
])
def test_a_mistake_says_what_is_meant(place, words, told):
    done = place.ecluse(*words)
    assert done.returncode == 2 and told in done.stderr and done.stdout == ""


def test_issuing_and_revoking_are_on_the_record_without_the_name(place):
    place.run()
    key = place.json("key", "issue", "--name", "partner-of-ours")["id"]
    place.json("key", "revoke", key)
    entries = place.ecluse("audit", "tail", "--kind", "client_key", "--json")
    assert wait_until(lambda: place.ecluse("audit", "tail", "--kind", "client_key").stdout.count("client_key") == 2)
    assert "partner-of-ours" not in entries.stdout


def test_what_was_set_up_before_the_log_is_told_and_is_how_the_log_begins(place):
    password = place.root / "password"
    password.write_text("correct horse battery\n")
    for words in (("key", "issue", "--name", "partner"), ("key", "issue", "--name", "another"),
                  ("operator", "add", "ana", "--role", "see", "--password-file", str(password))):
        done = place.ecluse(*words)
        assert done.returncode == 0 and "is not on the record: there is no audit log yet" in done.stderr
    process = place.run()
    assert wait_until(lambda: place.ecluse("audit", "tail", "--kind", "client_key").stdout)
    for kind, count in (("client_key", 2), ("operator", 1)):
        entry, = place.json("audit", "tail", "--kind", kind)["entries"]
        assert entry["reason"] == f"{count} of them before this log began"
    process.terminate()
    process.wait(20)
    shutil.rmtree(place.root / "run")  # a reboot: the log is there, and nobody writes it
    done = place.ecluse("key", "issue", "--name", "third")
    assert done.returncode == 2 and "nobody else writes the audit log" in done.stderr and not done.stdout
    place.run()
    assert wait_until(lambda: place.ecluse("audit", "tail", "--kind", "started").stdout.count("\n") == 2)
    assert len(place.json("audit", "tail", "--kind", "client_key")["entries"]) == 1
    assert len(place.json("key", "list")["keys"]) == 2


def test_run_makes_keys_that_only_workers_may_read(place):
    place.run()
    assert wait_until((place.root / KEYS).exists)
    text = (place.root / KEYS).read_text(encoding="utf-8")
    assert text.startswith("ecluse pass keys 1\nsalt ") and text.count("\nkey ") == 2
    assert mode(place.root / KEYS) in (0o640, 0o600)
    assert wait_until(lambda: "pass_keys" in place.ecluse("audit", "tail").stdout)


def test_keys_survive_a_restart_of_run(place):
    process = place.run()
    assert wait_until((place.root / KEYS).exists)
    before = (place.root / KEYS).read_text(encoding="utf-8")
    process.terminate()
    process.wait(20)
    place.run()
    assert (place.root / KEYS).read_text(encoding="utf-8") == before


def test_keys_that_others_may_read_are_refused_said_and_left(place):
    process = place.run()
    assert wait_until((place.root / KEYS).exists)
    process.terminate()
    process.wait(20)
    os.chmod(place.root / KEYS, 0o644)
    before = (place.root / KEYS).read_text(encoding="utf-8")
    place.run()
    assert wait_until(lambda: "may be read or changed by others" in place.log("run"))
    assert wait_until(lambda: "not looked after" in place.ecluse("audit", "tail").stdout)
    assert (place.root / KEYS).read_text(encoding="utf-8") == before


def test_keys_that_others_may_read_are_an_alarm_until_that_is_mended(place):
    place.run()
    assert wait_until((place.root / KEYS).exists)
    told = lambda: [alarm["text"] for alarm in place.json("status")["alarms"] if alarm["kind"] == "pass_keys"]
    assert not told()
    os.chmod(place.root / KEYS, 0o644)
    assert wait_until(told, 4) and "chmod 0640" in told()[0]
    os.chmod(place.root / KEYS, 0o640)
    assert wait_until(lambda: not told(), 4)


def test_removed_keys_are_made_anew_within_a_second(place):
    place.run()
    assert wait_until((place.root / KEYS).exists)
    before = (place.root / KEYS).read_text(encoding="utf-8")
    (place.root / KEYS).unlink()
    assert wait_until((place.root / KEYS).exists, 3)
    assert (place.root / KEYS).read_text(encoding="utf-8") != before


def test_a_changed_contract_moves_the_keys_at_once(place):
    place.run()
    assert wait_until((place.root / KEYS).exists)
    (place.root / "elsewhere").mkdir()
    place.write_contract(change=lambda text: text + f"passes: {{keys: {place.root}/elsewhere/k}}\n")
    assert wait_until((place.root / "elsewhere/k").exists)
