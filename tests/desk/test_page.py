"""The page in Debian's Chromium: calm, and in an incident (page.mjs)."""

import json
import os
import shutil
import subprocess

import pytest
from stage import PASSWORD, SOURCE, totp, wait_until

MODULES = SOURCE / "tests/pages/node_modules/playwright-core"
pytestmark = pytest.mark.skipif(not (MODULES.exists() and shutil.which("node") and shutil.which("chromium")),
                                reason="needs ./setup --for check")


def page(stage, situation):
    done = subprocess.run(["node", str(SOURCE / "tests/desk/page.mjs"), f"http://127.0.0.1:{stage.port}", "rui", PASSWORD,
                           totp(stage.secrets["rui"]), situation, *os.environ.get("DESK_PICTURES", "").split()],
                          capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    stage.forget_step("rui")
    return json.loads(done.stdout.splitlines()[-1])


def check(result):
    print({key: result[key] for key in ("page_bytes", "paints")})
    assert result["found"] == []
    assert result["page_bytes"] < 100_000
    assert sorted(result["paints"])[len(result["paints"]) // 2] < 300, result["paints"]


def busy(stage, seconds=3):
    """Some customers, so that promises have answers and budgets somebody."""
    for number in range(40 * seconds):
        stage.visit("/tarifs", source=f"127.0.1.{number % 20 + 1}")


def test_a_calm_page(own_stage):
    busy(own_stage)
    check(page(own_stage, "calm"))


def test_an_incident_is_seen_and_undone_from_the_page(own_stage):
    busy(own_stage)
    own_stage.origin.failing = True
    busy(own_stage, 2)
    for number in (31, 32, 33):
        own_stage.hold(f"127.0.0.{number}")
    client = own_stage.client("sam")
    assert wait_until(lambda: client.json("GET", "/api/status")[1]["alarms"], 5)
    result = page(own_stage, "incident")
    check(result)
