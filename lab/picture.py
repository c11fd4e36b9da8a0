"""Pictures for the documents, of a real run: a drawn screen as SVG, a page as a browser shows it."""

import re
import subprocess
import tempfile
from html import escape

COLOURS = {"32": "#3fb950", "31": "#f85149", "33": "#d29922", "2": "#8b949e"}
WIDTH, HEIGHT, LEFT, TOP = 8.4, 19, 14, 26  # of a character cell, and the margins
PART = re.compile(r"\x1b\[(\d+)m(.*?)\x1b\[0m|([^\x1b]+)")


def spans(line):
    """(text, style) of a line with colours."""
    for code, painted, plain in PART.findall(line):
        if code == "1":
            yield painted, 'font-weight="bold"'
        elif code:
            yield painted, f'fill="{COLOURS.get(code, "#e6edf3")}"'
        else:
            yield plain, ""


def svg_of(lines):
    """A terminal's lines, colours and all, as a picture of text: sharp at any size."""
    columns = max(sum(len(text) for text, _ in spans(line)) for line in lines)
    wide, high = round(columns * WIDTH + 2 * LEFT), len(lines) * HEIGHT + 2 * TOP - HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
           f'width="{wide}" height="{high}" role="img" font-size="14" fill="#e6edf3" '
           'font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace">',
           f'<rect width="{wide}" height="{high}" rx="8" fill="#0d1117"/>']
    for row, line in enumerate(lines):
        column = 0
        for text, style in spans(line):
            if text.strip():
                out.append(f'<text x="{LEFT + column * WIDTH:.1f}" y="{TOP + row * HEIGHT}" '
                           f'textLength="{len(text) * WIDTH:.1f}" xml:space="preserve" '
                           f'{style}>{escape(text)}</text>')
            column += len(text)
    return "\n".join([*out, "</svg>\n"])


def screenshot(url, path, wide=760, high=1000):
    """The page as Chromium draws it."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        "--no-first-run", "--disable-background-networking", "--disable-sync",
                        "--disable-component-update", f"--user-data-dir={profile}",
                        f"--window-size={wide},{high}", f"--screenshot={path}", url],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
