"""Checks of what is written, not run: manners of the sources, scripts, manuals, documents."""

import os
import re
import subprocess

from programs import run
from result import Result
from suites import ROOT

ROOMS = ("base", "contract", "budget", "egress", "files", "tracking", "gate", "audit", "access", "outputs", "status", "desk", "front",
         "cli")
FILE_LINES, FUNCTION_LINES, COLUMNS = 600, 60, 100


def tracked(*endings):
    """Paths in the tree that git knows or would know, relative to its root."""
    command = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in output.splitlines()
                  if (not endings or path.endswith(endings))
                  and os.path.isfile(os.path.join(ROOT, path)))


def lines_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read().splitlines()


# ---- Manners ----------------------------------------------------------------------------------

def long_functions(path):
    """C functions whose body is over the limit. Both of its braces stand in column 1."""
    begin = None
    for number, line in enumerate(lines_of(path), 1):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            if number - begin - 1 > FUNCTION_LINES:
                yield f"{path}:{begin}: a function of {number - begin - 1} lines"
            begin = None


def wide_lines(path):
    return [f"{path}:{number}: {len(line)} columns"
            for number, line in enumerate(lines_of(path), 1) if len(line) > COLUMNS]


def layer_breaks(path):
    """A room includes its own headers and those of rooms below it; only the front knows nginx."""
    room = path.split("/")[1]
    for number, line in enumerate(lines_of(path), 1):
        header = re.match(r'\s*#\s*include\s+["<](\w+)(/|\w*\.h)', line)
        if not header:
            continue
        other = header.group(1)
        if other.startswith("ngx_") and room != "front":
            yield f"{path}:{number}: only the front includes nginx"
        if room in ROOMS and other in ROOMS and header.group(2) == "/" and \
                other != room and ROOMS.index(other) >= ROOMS.index(room):
            yield f"{path}:{number}: {room} may not use {other}"


def foreign_names(path):
    """Names that only one workplace knows: they help nobody else."""
    words = re.compile("|".join(("/wor" "k/", "/tmp/br" "ief", r"registry\.npm" "js",
                                 r"deb\.debian\." "org")))
    for number, line in enumerate(lines_of(path), 1):
        if words.search(line):
            yield f"{path}:{number}: names a place that only one workplace has"


def manners(_suite, _long):
    sources = [path for path in tracked(".c", ".h") if path.startswith(("src/", "lab/", "bench/"))]
    scripts = tracked(".py")
    texts = tracked(".c", ".h", ".py", ".md", ".json", ".yaml", ".build", ".sh", ".js", ".mjs")
    rules = {
        f"files of at most {FILE_LINES} lines":
            [f"{path}: {len(lines_of(path))} lines" for path in sources + scripts
             if len(lines_of(path)) > FILE_LINES],
        f"functions of at most {FUNCTION_LINES} lines":
            [found for path in sources if path.endswith(".c") for found in long_functions(path)],
        "rooms look down only": [found for path in sources if path.startswith("src/")
                                 for found in layer_breaks(path)],
        "no place of one workplace": [found for path in texts for found in foreign_names(path)],
        f"at most {COLUMNS} columns in C": [found for path in sources for found in wide_lines(path)],
        "no tabs in C": [f"{path}:{number}" for path in sources
                         for number, line in enumerate(lines_of(path), 1) if "\t" in line],
    }
    result = Result()
    for rule, found in rules.items():
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        result.expect(not found, f"{rule}: {'; '.join(found[:5])}{more}")
    return result


# ---- Scripts, manual pages, documents ---------------------------------------------------------

def interpreter(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        first = file.readline(80)
    return first.decode(errors="replace").strip() if first.startswith(b"#!") else ""


def scripts(suite, _long):
    result = Result()
    for path in tracked():
        program = interpreter(path)
        if re.search(r"/(ba|da)?sh\b", program):
            status, _ = run(["shellcheck", "--severity=warning", path], suite.log, 60, directory=ROOT)
            result.expect(status == 0, f"shellcheck {path}")
        elif "python" in program or path.endswith(".py"):
            try:
                compile("\n".join(lines_of(path)), path, "exec")
                result.passed += 1
            except SyntaxError as error:
                result.failed.append(f"{path}: {error}")
    return result


def manuals(suite, _long):
    result = Result()
    for path in [path for path in tracked() if re.fullmatch(r"docs/man/[^/]+\.[1-8]", path)]:
        command = ["mandoc", "-T", "lint", "-W", "warning", path]
        status, _ = run(command, suite.log, 60, directory=ROOT)
        result.expect(status == 0, f"mandoc {path}")
    return result


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def dead_links(path):
    for number, line in enumerate(lines_of(path), 1):
        for match in LINK.finditer(line):
            target = (match.group(1) or match.group(2)).split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)):
                yield f"{path}:{number}: there is no {target}"


def documents(_suite, _long):
    """Links lead somewhere. (That generated pages are fresh is a unit test of their room.)"""
    result = Result()
    for path in tracked(".md"):
        found = list(dead_links(path))
        result.expect(not found, "; ".join(found[:5]))
    return result
