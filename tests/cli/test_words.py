"""What the command line takes, and what it says of what it does not take."""

import re
import subprocess

import pytest
from conftest import ECLUSE, SOURCE


def say(*words):
    return subprocess.run([ECLUSE, *words], capture_output=True, text=True, check=False, timeout=20)


def commands():
    """The commands that the help lists."""
    return re.findall(r"^  (\w+) +\S", say("--help").stdout, re.MULTILINE)


def test_help_lists_what_the_design_names():
    assert {"check", "explain", "run", "serve", "ingest", "status", "holds", "why", "release",
            "panic"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_each_command_explains_itself(command):
    done = say(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"ecluse {command}: ")
    assert f"usage: ecluse {command} " in done.stdout
    for other in set(commands()) - {command}:
        assert f"of `{other}" not in done.stdout


def test_each_verb_explains_itself_with_its_own_options_alone():
    told = say("audit", "--help").stdout
    assert re.findall(r"^  ecluse audit (\w+)", told, re.M) == [
        "verify", "tail", "show", "prove", "export", "index", "erase", "key", "witness"]
    assert "show the newest entries\n      with --dir --lines" in told
    assert say("audit").stdout in told
    tail = say("audit", "tail", "--help").stdout
    assert tail.startswith("ecluse audit tail: show the newest") and "usage: ecluse audit tail [OPTION...]\n" in tail
    assert "--kind KIND" in tail and "--cosigned" not in tail


def test_what_a_command_cannot_do_without_is_marked():
    told = say("serve", "--help").stdout
    assert "usage: ecluse serve --origin URL --dir DIR [OPTION...]" in told and told.count("needed: ") == 2
    assert "--to needs a value: DIR" in say("files", "restore", "--to").stderr


def test_version_is_the_build_s():
    version = re.search(r"version: '([^']+)'", (SOURCE / "meson.build").read_text())[1]
    assert say("--version").stdout == f"ecluse {version}\n"


@pytest.mark.parametrize("words, told", [
    ((), "usage: ecluse COMMAND"),
    (("stauts",), "did you mean `ecluse status`?"),
    (("frobnicate",), "`ecluse help` lists them"),
    (("status", "--jsno"), "did you mean --json?"),
    (("status", "--json=yes"), "--json takes no value"),
    (("status", "--json", "--json"), "--json is given twice"),
    (("status", "-c"), "--contract needs a value: FILE"),
    (("status", "-x"), "no option -x"),
    (("status", "now"), "does not take `now`"),
    (("why",), "needs HOLD|CLIENT"),
    (("operator",), "needs list, add NAME, remove NAME"),
    (("key", "list", "--name", "x"), "`ecluse key list` takes no --name"),
    (("serve", "--dir", "/tmp"), "--origin URL"),
])
def test_a_mistake_says_what_is_meant(words, told):
    done = say(*words)
    assert done.returncode == 2
    assert told in done.stderr and done.stdout == ""


@pytest.mark.parametrize("words", [("check", "/nonexistent/a.yaml"), ("run", "-c", "/nonexistent/a.yaml")])
def test_a_named_contract_that_is_not_there_is_said_to_be_that(words):
    done = say(*words)
    assert done.returncode == 2
    assert "cannot read /nonexistent/a.yaml: No such file or directory; name a contract that is there" in done.stderr


def between(text, marker):
    """What stands between two marks in a document."""
    after = text.split(f"{marker} begin", 1)[1].split("\n", 1)[1]
    return after.split(f"{marker} end", 1)[0].rsplit("\n", 1)[0]


def test_the_manual_page_lists_what_the_program_knows():
    page = (SOURCE / "docs/man/ecluse.1").read_text()
    assert between(page, '.\\" lists').strip() == say("help", "--mdoc").stdout.strip()


def test_the_documents_list_what_the_program_knows():
    commands_listed, options, alarms, counters = say("help", "--markdown").stdout.strip().split("\n\n")
    page = (SOURCE / "docs/commands.md").read_text()
    assert commands_listed in page and options in page
    operate = (SOURCE / "docs/operate.md").read_text()
    assert alarms in operate and counters in operate


def test_the_manual_page_is_clean():
    done = subprocess.run(["mandoc", "-Tlint", "ecluse.1"], cwd=SOURCE / "docs/man",
                          capture_output=True, text=True, check=False)
    assert done.stdout == "" and done.returncode == 0
