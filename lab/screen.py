"""What the person at the terminal sees: drawn anew each second, or plain lines elsewhere."""

import shutil
import sys

GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"
BARS = " ▁▂▃▄▅▆▇█"


def wait(microseconds):
    """A wait as people read it."""
    if not microseconds:
        return "-"
    if microseconds < 1000:
        return f"{microseconds / 1000:.2f} ms"
    if microseconds < 1000000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds / 1e6:.1f} s"


def share(part, whole):
    """A share that says 100 % only when it is: 99.996 % is rounded down."""
    if not whole:
        return "-"
    return "100 %" if part == whole else f"{int(part * 10000 / whole) / 100:.2f} %"


class Screen:
    def __init__(self, terminal=None):
        self.terminal = sys.stdout.isatty() if terminal is None else terminal
        self.drawn = 0

    def paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.terminal else text

    def say(self, text=""):
        print(text, flush=True)

    def draw(self, lines):
        """Puts these lines where the last drawing stood."""
        height = shutil.get_terminal_size().lines - 1
        lines = lines[:height]
        back = f"\x1b[{self.drawn}F" if self.drawn else ""
        sys.stdout.write(back + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        sys.stdout.flush()
        self.drawn = len(lines)

    def keep(self):
        """What is drawn stays; the next drawing begins below it."""
        self.drawn = 0

    def strip(self, shares):
        """One mark a second: its height is the share that was answered."""
        marks = []
        for value in shares:
            if value is None:
                marks.append(self.paint(DIM, "·"))
            else:
                code = GREEN if value >= 0.999 else YELLOW if value >= 0.5 else RED
                marks.append(self.paint(code, BARS[max(1, round(value * 8))]))
        return "".join(marks)

    def state(self, good, text):
        return self.paint(GREEN if good else RED, "●" if self.terminal else "-") + " " + text

    def verdict(self, good):
        return self.paint(GREEN, "kept  ") if good else self.paint(RED, "BROKEN")

    def table(self, title, rows, more=()):
        """Rows of (name, figures, cells of the columns `more`); those without figures not yet."""
        head = f"  {title:<18}{'asked':>10}{'answered':>11}{'p50':>10}{'p99':>10}"
        lines = [self.paint(DIM, head + "".join(f"{name:>13}" for name in more))]
        for name, figures, cells in rows:
            if figures is None:
                continue
            answered = share(figures["answered"], figures["ended"])
            good = figures["ended"] == 0 or figures["answered"] == figures["ended"]
            cell = self.paint(GREEN if good else RED, f"{answered:>11}")
            lines.append(f"  {name:<18}{figures['ended']:>10,}{cell}"
                         f"{wait(figures['p50_us']):>10}{wait(figures['p99_us']):>10}"
                         + "".join(f"{count:>13,}" for count in cells))
        return lines
