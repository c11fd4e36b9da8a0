#!/usr/bin/env python3
"""answer_style.py OUT SHEET...: style sheets as C strings, each with the hash that lets a browser apply it.

The Content-Security-Policy names each sheet by its SHA-256, so that no other style, even one that slipped
into a page, is applied. Comments and white space go; the sheets hold no strings with either in them.
"""
import base64
import hashlib
import re
import sys
from pathlib import Path


def compact(sheet):
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    sheet = re.sub(r"\s+", " ", sheet)
    sheet = re.sub(r" ?([{};,>]) ?", r"\1", sheet)
    sheet = re.sub(r": (?=[^{}]*[;}])", ":", sheet)
    return sheet.replace(";}", "}").strip()


def main():
    out, *sheets = sys.argv[1:]
    lines = ["/* Made by answer_style.py: edit the .css files. */"]
    for name in map(Path, sheets):
        style = compact(name.read_text(encoding="ascii"))
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        quoted = style.replace("\\", "\\\\").replace('"', '\\"')
        macro = name.stem.upper() + "_STYLE"
        lines += [f'#define {macro} "{quoted}"', f'#define {macro}_HASH "\'sha256-{digest}\'"']
    Path(out).write_text("\n".join(lines) + "\n", encoding="ascii")


main()
