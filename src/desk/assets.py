#!/usr/bin/env python3
"""assets.py OUT.h STYLE SCRIPT ICON DOCUMENT: what browsers fetch, as C, with the hashes that the page names.

The page says the SHA-384 of its style and script (Subresource Integrity), so that nothing between the desk and a browser
can put others in their place. Comments and needless white space go.
"""
import base64
import hashlib
import re
import sys
from pathlib import Path


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def compact_style(text):
    text = re.sub(r"\s+", " ", without_comments(text))
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    return re.sub(r": (?=[^{}]*[;}])", ":", text).replace(";}", "}").strip()


def compact_lines(text):
    """Lines stay lines: the script says where a statement ends by them nowhere, but an error says where it is by them."""
    lines = (line.strip() for line in without_comments(text).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def literal(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{quoted}"'


def integrity(text):
    return "sha384-" + base64.b64encode(hashlib.sha384(text.encode()).digest()).decode()


def main():
    out, style, script, icon, document = map(Path, sys.argv[1:])
    style = compact_style(style.read_text(encoding="ascii"))
    script = compact_lines(script.read_text(encoding="ascii"))
    icon = " ".join(icon.read_text(encoding="ascii").split())
    lines = ["/* Made by assets.py: edit the files that it reads. */"]
    for name, text in (("DESK_CSS", style), ("DESK_JS", script), ("ICON_SVG", icon)):
        lines += [f"#define {name} {literal(text)}", f'#define {name}_INTEGRITY "{integrity(text)}"']
    lines += ["extern const char desk_openapi[];", "extern const size_t desk_openapi_length;"]
    out.write_text("\n".join(lines) + "\n", encoding="ascii")
    body = document.read_text(encoding="ascii")
    lines = ["/* Made by assets.py. */", "#include <stddef.h>",
             "extern const char desk_openapi[];", "extern const size_t desk_openapi_length;", "const char desk_openapi[] ="]
    lines += [f"    {literal(line)}" for line in body.splitlines(keepends=True)]
    lines += ["    ;", "const size_t desk_openapi_length = sizeof desk_openapi - 1;"]
    out.with_suffix(".c").write_text("\n".join(lines) + "\n", encoding="ascii")


main()
