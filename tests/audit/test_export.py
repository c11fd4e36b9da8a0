"""Exports, checked by a script that knows nothing of Ecluse, and what it says of those that were tampered with."""

import base64
import random
import subprocess
import sys

import pytest
from conftest import KNOWN, SOURCE

SCRIPT = SOURCE / "tools/check-export.py"


def check(path, key, *more):
    return subprocess.run([sys.executable, str(SCRIPT), str(path), "--key", key, *more], capture_output=True, text=True,
                          check=False, timeout=120)


@pytest.fixture
def export(place, log):
    place.run()
    for _ in range(3):
        place.feed(KNOWN)
    log.wait_for("ingest")
    log.settle()
    path = place.root / "export"
    told = place.json("audit", "export", "-o", str(path))
    assert told["entries"] >= 5
    return path


def test_an_export_holds_and_is_itself_an_entry(place, log, export):
    key = log.key.read_text().strip()
    done = check(export, key, "--entries")
    assert done.returncode == 0, done.stderr
    count = int(done.stdout.splitlines()[-1].split()[0])
    assert "proofs hold" in done.stdout and '"kind": "ingest"' in done.stdout
    assert log.wait_for("export")["numbers"]["count"] == count


def test_an_export_may_be_narrowed(place, log, export):
    key = log.key.read_text().strip()
    path = place.root / "feeds"
    place.json("audit", "export", "--kind", "ingest", "--from", "2020-01-01", "-o", str(path))
    done = check(path, key, "--entries")
    assert done.returncode == 0 and done.stdout.startswith("3 of 3 proofs") or done.stdout.splitlines()[-1].startswith("3 of 3")
    assert place.ecluse("audit", "export", "--to", "2020-01-01", "-o", str(path)).returncode == 2


def test_one_proof_is_an_export_too(place, log, export):
    path = place.root / "proof"
    path.write_text(place.ecluse("audit", "prove", "2").stdout)
    assert check(path, log.key.read_text().strip()).returncode == 0


def test_every_tampering_with_an_export_is_found(place, log, export):
    key = log.key.read_text().strip()
    text = export.read_bytes()
    proofs = text.split(b"c2sp.org/tlog-proof@v1\n")
    chance = random.Random(7)

    def refused(changed, why):
        path = place.root / "tampered"
        path.write_bytes(changed)
        done = check(path, key)
        assert done.returncode in (1, 2), why

    for _ in range(40):  # a byte of an entry, of a proof's hash, of an index, of the checkpoint, of its signature
        at = chance.randrange(len(text))
        changed = bytearray(text)
        changed[at] = changed[at] ^ (1 << chance.randrange(7))
        refused(bytes(changed), f"byte {at}")
    dash = text.index("—".encode())  # before a signature: other dashes are valid UTF-8 too
    refused(text[:dash + 2] + b"\x95" + text[dash + 3:], "another dash")
    entry = base64.b64encode(b'{"v":1,"kind":"release"}')
    lines = proofs[1].split(b"\n")
    refused(b"c2sp.org/tlog-proof@v1\n" + b"\n".join([b"extra " + entry, *lines[1:]]), "another entry")
    swapped = proofs[1].replace(lines[1], proofs[2].split(b"\n")[1], 1)
    refused(b"c2sp.org/tlog-proof@v1\n" + swapped, "another index")
    refused(text[:len(text) // 2], "cut")
    refused(b"", "empty")


def test_another_key_is_not_taken_for_the_log(place, log, export):
    other = place.root / "other"
    other.mkdir()
    key = log.key.read_text().strip()
    name, _, rest = key.split("+", 2)
    assert check(export, f"{name}+00000000+{rest}").returncode == 2
