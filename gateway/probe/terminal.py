"""What a terminal shows of work that takes long: one line that goes on, and colours that may be switched off."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TextIO

BAR_CELLS = 20
REDRAW_S = 0.1
RED, YELLOW, GREEN, FAINT, BOLD = "31;1", "33", "32", "2", "1"


def coloured(text: str, colour: str, stream: TextIO = sys.stdout) -> str:
    """Text in a colour, where the reader is a terminal and NO_COLOR is not set."""
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def duration(seconds: float) -> str:
    """A time to wait, as people say it."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"


class Progress:
    """A bar on a terminal's stderr; silent where that is none. `clear` before anything else is printed."""

    def __init__(self, total: int, done: int = 0, stream: TextIO = sys.stderr) -> None:
        self._stream, self._total = stream, max(1, total)
        self._shown = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began_s, self._began_at = time.monotonic(), done
        self._drawn_s = 0.0

    def show(self, done: int, said: str) -> None:
        """So far, and what is being done now."""
        now_s = time.monotonic()
        if not self._shown or (now_s - self._drawn_s < REDRAW_S and done < self._total):
            return
        self._drawn_s = now_s
        full = BAR_CELLS * done // self._total
        left = ""
        if done > self._began_at:
            each_s = (now_s - self._began_s) / (done - self._began_at)
            left = f", {duration(each_s * (self._total - done))} left"
        line = f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {100 * done // self._total:3d} %  {said}{left}"
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r\x1b[K{line[: max(10, columns - 1)]}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown and self._drawn_s:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn_s = 0.0
