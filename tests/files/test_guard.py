"""Who is told apart, what is refused, and what is said of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

from guarded_share import wait_until

READ = """
import os, sys
read = refused = 0
for folder, _, names in sorted(os.walk(sys.argv[1])):
    for name in sorted(names):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                file.read(1)
            read += 1
        except PermissionError:
            refused += 1
        print(read, refused, flush=True)
"""
# So many new files, a part of a second, so that who makes them is known from the first.
MAKE = """
import os, sys
made = refused = 0
for number in range(int(sys.argv[2])):
    try:
        with open(os.path.join(sys.argv[1], f"{sys.argv[3]} {number}.txt"), "w") as file:
            file.write("a new letter\\n" * 20)
        made += 1
    except PermissionError:
        refused += 1
print(made, refused)
"""
# One process that serves two users, as a file server does: their uid is its file-system uid.
SERVE = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
for user in map(int, sys.argv[2:]):
    os.setresgid(user, user, 0)
    libc.setfsuid(user)
    read = refused = 0
    for name in sorted(os.listdir(sys.argv[1])):
        try:
            with open(os.path.join(sys.argv[1], name), "rb") as file:
                file.read(1)
            read += 1
        except PermissionError:
            refused += 1
    print(user, read, refused, flush=True)
    libc.setfsuid(0)
    os.setresgid(0, 0, 0)
"""


def plant(world, name, count, user):
    folder = world.share.on(name)
    os.mkdir(folder)
    for number in range(count):
        path = os.path.join(folder, f"letter {number:03}.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a letter\n" * 50)
        os.chown(path, user, user)
    os.chown(folder, user, user)
    return folder


def state_of(process):
    """The letter of its state; "Z" when it has ended."""
    try:
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def last_line(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return lines[-2] if len(lines) > 1 else ""


def reader(world, user, folder):
    out = world.share.at(f"read-{user}")
    with open(out, "wb") as file:
        return world.start(user, sys.executable, "-c", READ, folder, stdout=file), out


def is_stopped(process):
    return state_of(process) in "Tt"


def test_a_share_on_the_machines_own_file_system_is_refused(worlds):
    world = worlds(within=None)
    elsewhere = world.share.at("not a mount")
    os.mkdir(elsewhere)
    with open(world.contract, encoding="utf-8") as file:
        text = file.read().replace(f"path: {world.share.path}", f'path: "{elsewhere}"')
    with open(world.contract, "w", encoding="utf-8") as file:
        file.write(text)
    with open(world.share.at("run.log"), "ab") as log:
        world.guard = subprocess.Popen([world.program, "run", "-c", world.contract], stdout=log,
                                       stderr=log, start_new_session=True)
    assert wait_until(lambda: (world.status().get("files") or {}).get("shares"), 10)
    share = world.status()["files"]["shares"][0]
    assert not share["guarded"] and "file system of `/`" in share["reason"]
    assert "share_unguarded" in [alarm["kind"] for alarm in world.status()["alarms"]]
    assert world.status()["files"]["listener"]["pid"] is None
    world.close()


def test_a_reader_is_stopped_and_goes_on_after_the_release(worlds):
    world = worlds(sweep=20)
    user = world.new_user()
    folder = plant(world, "letters", 60, user)
    world.guarded()
    process, out = reader(world, user, folder)
    assert wait_until(lambda: is_stopped(process), 5), world.said()
    read, refused = map(int, last_line(out).split())
    assert read <= 20 and read + refused < 60, "it came to its end"
    hold = world.new_holds()[0]["hold"]
    why = json.loads(world.ecluse("why", hold, "--json").stdout)
    paths = {file["path"] for file in why["evidence"]["list"]}
    assert len(paths) == read and "letters/letter 000.txt" in paths
    assert "letter" not in world.ecluse("audit", "tail").stdout
    with open(world.share.at("run.log"), encoding="utf-8") as log:
        assert "letter 0" not in log.read()
    assert os.stat(world.share.at("state", "evidence")).st_mode & 0o77 == 0
    world.ecluse("release", hold)
    assert wait_until(lambda: last_line(out) != f"{read} {refused}", 8)  # a tenth is given first
    world.close()


def test_who_stood_still_when_the_guard_was_killed_goes_on_in_panic(worlds):
    world = worlds(sweep=20)
    user = world.new_user()
    folder = plant(world, "letters", 60, user)
    world.guarded()
    process, _ = reader(world, user, folder)
    assert wait_until(lambda: is_stopped(process), 5)
    manager = world.status()["files"]["manager"]
    os.kill(manager, signal.SIGKILL)
    assert wait_until(lambda: (world.status().get("files") or {}).get("manager", manager)
                      != manager, 10), world.said()
    assert is_stopped(process)
    world.ecluse("panic")
    assert wait_until(lambda: process.poll() is not None, 5), state_of(process)
    world.close()


def test_users_of_one_server_are_told_apart_and_it_is_never_stopped(worlds):
    world = worlds(sweep=20)
    first, second = world.new_user(), world.new_user()
    folder = plant(world, "common", 30, first)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    os.chmod(folder, 0o755)
    world.guarded()
    server = world.start(None, sys.executable, "-c", SERVE, folder, first, second, first,
                         stdout=subprocess.PIPE, text=True)
    said, _ = server.communicate(timeout=20)
    lines = [tuple(map(int, line.split())) for line in said.split("\n") if line]
    assert [line[0] for line in lines] == [first, second, first]
    assert all(read <= 20 and refused >= 10 for _, read, refused in lines[:2])
    assert lines[2][1:] == (0, 30)
    assert {hold["principal"]["name"] if isinstance(hold["principal"], dict) else hold["principal"]
            for hold in world.new_holds()} == {f"user {first}", f"user {second}"}
    world.close()


TRUSTED = """\
    - {{name: backup, executable: {program}, user: "{user}"}}
"""
TRUSTED_BUDGETS = """\
  - {name: backup reads, meter: files_read, per: user, where: {trusted: backup},
     at_most: {1h: 2000}, over: hold, hold_for: 1h}
  - {name: backup writes, meter: files_rewritten, per: user, where: {trusted: backup},
     at_most: {1h: 5}, over: hold, hold_for: 1h}
"""


def test_a_trusted_program_has_its_own_limit_and_its_user_elsewhere_has_not(worlds):
    world = worlds(sweep=20, trusted=TRUSTED.format(program="@@", user=60900),
                   budgets=TRUSTED_BUDGETS)
    program = world.share.at("tmp", "backup")
    shutil.copy(shutil.which("cat"), program)
    os.chmod(program, 0o755)
    with open(world.contract, encoding="utf-8") as file:
        text = file.read().replace("@@", program)
    with open(world.contract, "w", encoding="utf-8") as file:
        file.write(text)
    folder = plant(world, "letters", 60, 60900)
    world.guarded()
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    status, said = world.do(60900, program, *paths)
    assert status == 0 and said.count("a letter") == 60 * 50
    assert not world.new_holds()
    process = world.start(60900, "cat", *paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert wait_until(world.new_holds, 5)
    process.kill()
    world.close()


def canaries(world, *words):
    return subprocess.run([world.program, "files", "canaries", *words, "-c", world.contract],
                          capture_output=True, text=True, check=True).stdout


def held(world, user):
    return [hold for hold in world.holds() if str(user) in json.dumps(hold["principal"])]


def test_one_canary_leaves_little_and_a_second_elsewhere_nothing(worlds):
    world = worlds(sweep=100)
    user = world.new_user()
    os.chmod(world.share.path, 0o755)
    for name in ("archives", "dossiers", "factures"):
        plant(world, name, 30, user)
    world.guarded()
    placed = json.loads(canaries(world, "place", "--json"))
    assert placed["placed"] == [{"share": "exchange", "files": 8}]
    assert wait_until(lambda: world.status()["files"]["shares"][0]["canaries"] == 8, 5)
    listed = json.loads(canaries(world, "--json"))["canaries"]
    folders = {}
    for canary in listed:
        folders.setdefault(os.path.dirname(canary["path"]), []).append(canary["path"])
    assert len(folders) == 4
    names = sorted(os.listdir(world.share.on("archives")))
    assert names[0].startswith(".") and names[-1].startswith("~")
    here, there = [sorted(paths) for folder, paths in sorted(folders.items())
                   if folder != world.share.path][:2]
    world.do(user, "cat", here[0])
    status, said = world.do(user, sys.executable, "-c", READ, os.path.dirname(here[0]), timeout=5)
    read, refused = map(int, said.split("\n")[-2].split()) if status == 0 else (0, 0)
    assert world.new_holds(), (read, refused)
    other = world.new_user()
    os.chown(here[0], other, other)
    os.chown(there[0], other, other)
    world.do(other, "cat", here[0])
    assert not held(world, other)
    status, said = world.do(other, "cat", there[0], timeout=5)
    assert held(world, other), said
    assert world.status()["files"]["counts"]["canaries"] >= 3
    canaries(world, "remove")
    assert not [name for folder in folders for name in os.listdir(folder) if name[0] in ".~" and
                name != ".ecluse-vault"]
    world.close()


READ_ON = """
import os, sys
refused, paths = 0, [os.path.join(sys.argv[1], name) for name in os.listdir(sys.argv[1])]
for turn in range(40):
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError:
            refused += 1
print(refused)
"""


def test_readers_are_not_taken_for_writers_however_many_there_are(worlds):
    """The guard may be quicker than who opens falls asleep, and then cannot see yet what for."""
    world = worlds()
    user = world.new_user()
    folder = plant(world, "letters", 100, user)
    world.guarded()
    readers = [world.start(user, sys.executable, "-c", READ_ON, folder, stdout=subprocess.PIPE,
                           text=True) for _ in range(4)]
    assert [reader.communicate(timeout=60)[0] for reader in readers] == ["0\n"] * 4
    assert wait_until(lambda: world.status()["files"]["counts"]["opens"] >= 16000, 5)
    assert world.status()["files"]["counts"]["refused"] == 0
    world.close()


def test_what_the_vault_opens_for_itself_is_asked_of_nobody(worlds):
    """A clone is a file on the share, too: one for each that somebody writes."""
    world = worlds()
    user = world.new_user()
    folder = plant(world, "letters", 0, user)
    world.guarded()
    status = world.status()["files"]
    assert world.do(user, sys.executable, "-c", MAKE, folder, "300", "letter") == (0, "300 0\n")
    assert wait_until(lambda: world.status()["files"]["shares"][0]["vault"]["versions"] >= 300, 10)
    opens = world.status()["files"]["counts"]["opens"] - status["counts"]["opens"]
    assert 300 <= opens < 400
    world.close()


def test_who_is_held_makes_no_new_file_either(worlds):
    """New files are answered before it is looked who opens them, but not while anybody is held."""
    world = worlds(sweep=20)
    user, other = world.new_user(), world.new_user()
    folder, others = plant(world, "letters", 60, user), plant(world, "others", 1, other)
    world.guarded()
    assert world.do(user, sys.executable, "-c", MAKE, folder, "50", "before") == (0, "50 0\n")
    process, _ = reader(world, user, folder)
    assert wait_until(lambda: is_stopped(process), 5), world.said()
    assert world.do(user, sys.executable, "-c", MAKE, folder, "50", "after") == (0, "0 50\n")
    assert world.do(other, sys.executable, "-c", MAKE, others, "50", "after") == (0, "50 0\n")
    world.close()


def test_a_contract_is_taken_up_without_an_open_that_is_not_asked(worlds):
    world = worlds(sweep=20)
    user = world.new_user()
    folder = plant(world, "letters", 60, user)
    world.guarded()
    before = world.status()["files"]["listener"]["pid"]
    with open(world.contract, encoding="utf-8") as file:
        text = file.read().replace("{1h: 20}", "{1h: 30}")
    with open(world.contract, "w", encoding="utf-8") as file:
        file.write(text)
    assert wait_until(lambda: world.status()["files"]["listener"]["pid"] not in (before, None), 10)
    process, out = reader(world, user, folder)
    assert wait_until(lambda: is_stopped(process), 5)
    assert int(last_line(out).split()[0]) <= 30
    time.sleep(0.2)
    world.close()


def test_other_limits_of_the_vault_are_taken_up_without_a_restart(worlds):
    world = worlds()
    plant(world, "letters", 3, world.new_user())
    world.guarded()
    before = world.status()["files"]
    with open(world.contract, encoding="utf-8") as file:
        text = file.read().replace("files:\n", "files:\n  vault: {at_most: 64MB, per_user: 16MB}\n", 1)
    with open(world.contract, "w", encoding="utf-8") as file:
        file.write(text)
    assert before["shares"][0]["vault"]["per_user"] != 16_000_000
    assert wait_until(lambda: world.status()["files"]["shares"][0]["vault"]["per_user"] == 16_000_000, 10)
    after = world.status()["files"]
    assert after["shares"][0]["vault"]["at_most"] == 64_000_000
    assert after["shares"][0]["vault"]["pid"] == before["shares"][0]["vault"]["pid"]
    world.close()


PROBE = """
import os, sys, time
worst, opened, begun = 0.0, 0, time.monotonic()
while time.monotonic() - begun < float(sys.argv[2]):
    for name in sorted(os.listdir(sys.argv[1]))[:8]:
        before = time.monotonic()
        try:
            os.close(os.open(os.path.join(sys.argv[1], name), os.O_RDONLY))
            opened += 1
        except OSError:
            pass
        worst = max(worst, time.monotonic() - before)
    time.sleep(0.005)
print(worst, opened)
"""


def test_a_disk_under_state_that_hangs_keeps_no_open_waiting(worlds):
    """Counts lie in a file that is mapped: a store to it may wait where no kill reaches."""
    world = worlds()
    image, state = world.share.at("state-image"), world.share.at("state")
    os.mkdir(state)
    subprocess.run(["truncate", "-s", "256M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, state], check=True)
    try:
        user = world.new_user()
        folder = plant(world, "letters", 20, user)
        world.guarded()
        subprocess.run(["fsfreeze", "--freeze", state], check=True)
        try:
            probe = world.start(user, sys.executable, "-c", PROBE, folder, 5,
                                stdout=subprocess.PIPE, text=True)
            worst, opened = probe.communicate(timeout=30)[0].split()
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", state], check=True)
        assert float(worst) < 1.0 and int(opened) > 100
        assert wait_until(lambda: (world.status().get("files") or {}).get("counts"), 20)
        assert world.status()["files"]["counts"]["rescued"] > 0
    finally:
        world.unguarded()
        world.people.end()
        subprocess.run(["umount", state], check=False)
    world.close()
