#!/usr/bin/python3
"""Checks an export of Ecluse's audit log without Ecluse.

    check-export.py EXPORT --key NAME+ID+KEY [--witness NAME+ID+KEY ...] [--entries]

EXPORT holds proofs in the form of c2sp.org/tlog-proof, one after the other; each carries its entry as its `extra`. For each proof this says
whether the log's key signed the checkpoint, whether each witness named cosigned it, and whether the entry is in that checkpoint's tree
(RFC 6962). Everything is computed here, with nothing but Python's standard library: SHA-256 from hashlib, and Ed25519 written out below
from RFC 8032 section 5.1 (slow, and that does not matter: one signature is checked once, however many proofs share it).

Exit status: 0 all proofs hold, 1 one does not, 2 the file or a key cannot be read.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys

# ---- Ed25519, verification only (RFC 8032, sections 5.1.2, 5.1.3 and 5.1.7) -------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
BASE_Y = 4 * pow(5, P - 2, P) % P


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def point_of(data):
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def ed25519_verifies(key, message, signature):
    public, r = point_of(key), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= ORDER or len(signature) != 64:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    base = point_of(BASE_Y.to_bytes(32, "little"))
    left, right = times(s, base), add(r, times(k, public))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- RFC 6962 and the C2SP forms ---------------------------------------------------------------------------


class Wrong(Exception):
    """What does not hold, in a sentence."""


def decode(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Wrong("is not canonical base64")
    return data


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(index, size, leaf, proof, root):
    if index >= size:
        raise Wrong(f"index {index} is beyond the tree of {size}")
    last, result = size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Wrong("the proof is too long")
        if index & 1 or index == last:
            result = node(sibling, result)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            result = node(result, sibling)
        index, last = index >> 1, last >> 1
    if last or result != root:
        raise Wrong("the entry is not in the tree of the checkpoint")


class Key:
    def __init__(self, text):
        self.name, key_id, rest = text.strip().split("+", 2)
        data = decode(rest)
        self.type, self.public = data[0], data[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        if self.id.hex() != key_id or self.type not in (1, 4) or len(self.public) != 32:
            raise Wrong("is not a verifier key")
        self.seen = {}

    def check(self, body, lines):
        """Whether a line of this key verifies; a line of it that does not makes the note worthless."""
        found = False
        for line in lines:
            if not line.startswith("— "):
                raise Wrong("has a line that is no signature")
            name, _, text = line[2:].rpartition(" ")
            data = decode(text)
            if name != self.name or data[:4] != self.id:
                continue
            message, signature = body, data[4:]
            if self.type == 4:
                time = int.from_bytes(signature[:8], "big")
                message, signature = f"cosignature/v1\ntime {time}\n".encode() + body, signature[8:]
            if (message, signature) not in self.seen:
                self.seen[message, signature] = ed25519_verifies(self.public, message, signature)
            if not self.seen[message, signature]:
                raise Wrong(f"the signature of {self.name} does not verify")
            found = True
        if not found:
            raise Wrong(f"{self.name} did not sign the checkpoint")


def check_proof(text, keys):
    head, body, signatures = text.split("\n\n", 2)
    lines = head.split("\n")
    if len(lines) < 3 or not lines[1].startswith("extra ") or not re.fullmatch("index [0-9]+", lines[2]):
        raise Wrong("has no entry or no index")
    entry, index = decode(lines[1][6:]), int(lines[2][6:])
    origin, size, root = (body + "\n").split("\n")[:3]
    for key in keys:
        key.check((body + "\n").encode(), signatures.rstrip("\n").split("\n"))
    if origin != keys[0].name:
        raise Wrong(f"is from the log {origin}")
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    check_inclusion(index, int(size), leaf, [decode(line) for line in lines[3:]], decode(root))
    return index, entry


def main():
    parser = argparse.ArgumentParser(description="Checks an export of an audit log.")
    parser.add_argument("export")
    parser.add_argument("--key", required=True, help="the log's verifier key")
    parser.add_argument("--witness", action="append", default=[], help="a witness's verifier key; may be repeated")
    parser.add_argument("--entries", action="store_true", help="print the entries that hold")
    options = parser.parse_args()
    try:
        keys = [Key(text) for text in [options.key] + options.witness]
        with open(options.export, encoding="utf-8") as file:
            begin, *proofs = ("\n" + file.read()).split("\nc2sp.org/tlog-proof@v1\n")
    except (OSError, UnicodeDecodeError, ValueError, Wrong) as error:
        print(f"check-export: {error}", file=sys.stderr)
        return 2
    if begin.strip() or not proofs:
        print("check-export: the file does not begin with a proof", file=sys.stderr)
        return 2
    wrong = 0
    for number, text in enumerate(proofs, 1):
        try:
            index, entry = check_proof("c2sp.org/tlog-proof@v1\n" + text, keys)
            if options.entries:
                print(index, json.dumps(json.loads(entry), ensure_ascii=False))
        except (Wrong, ValueError) as error:
            wrong += 1
            print(f"proof {number}: {error}", file=sys.stderr)
    print(f"{len(proofs) - wrong} of {len(proofs)} proofs hold, signed by {', '.join(key.name for key in keys)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
