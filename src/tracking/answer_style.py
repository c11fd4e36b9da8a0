#!/usr/bin/env python3
"""answer_style.py OUT FILE...: style sheets and scripts as C strings, each with the hash that lets a browser apply it.

The Content-Security-Policy names each by its SHA-256, so that no other, even one that slipped into a page, is
applied. Comments and white space go; the files hold no strings with either in them, and each statement of a
script ends with what ends it without a line's end.
"""
import base64
import hashlib
import re
import sys
from pathlib import Path


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def compact(sheet):
    sheet = re.sub(r"\s+", " ", without_comments(sheet))
    sheet = re.sub(r" ?([{};,>]) ?", r"\1", sheet)
    sheet = re.sub(r": (?=[^{}]*[;}])", ":", sheet)
    return sheet.replace(";}", "}").strip()


def compact_script(script):
    lines = (line.strip() for line in without_comments(script).splitlines())
    script = " ".join(line for line in lines if line)
    parts = re.split(r"(\"[^\"]*\")", script)  # strings stay as they are
    parts[::2] = (re.sub(r" ?([-+*/%=<>!&|^~?:;,(){}\[\]]) ?", r"\1", part) for part in parts[::2])
    return "".join(parts)


def main():
    out, *files = sys.argv[1:]
    lines = ["/* Made by answer_style.py: edit the files that it reads. */"]
    for name in map(Path, files):
        is_script = name.suffix == ".js"
        style = (compact_script if is_script else compact)(name.read_text(encoding="ascii"))
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        quoted = style.replace("\\", "\\\\").replace('"', '\\"')
        macro = name.stem.upper() + ("_SCRIPT" if is_script else "_STYLE")
        lines += [f'#define {macro} "{quoted}"', f'#define {macro}_HASH "\'sha256-{digest}\'"']
    Path(out).write_text("\n".join(lines) + "\n", encoding="ascii")


main()
