"""`callpoint probe scan` as its user sees it on a terminal: the bar, Ctrl-C, and going on."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.shared_line import shared_line, units

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 30.0


class Terminal:
    """A terminal with a program in it; `seen` is all that it has shown."""

    def __init__(self, state: Path, *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "callpoint.py"), *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"XDG_STATE_HOME": str(state), "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""

    def until(self, pattern: str) -> None:
        """Read until it shows this."""
        deadline = time.monotonic() + WITHIN_S
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, f"{pattern!r} not within {WITHIN_S:g} s of:\n{self.seen}"
            if not self._read():
                assert re.search(pattern, self.seen), f"it ended before {pattern!r}:\n{self.seen}"

    def press(self, keys: bytes) -> None:
        """As typed by hand."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Read to the end; its exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(WITHIN_S)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], WITHIN_S)
        try:
            said = os.read(self._master, 65536) if ready else b""
        except OSError:
            said = b""  # the program has ended
        self.seen += said.decode(errors="replace")
        return bool(said)


def test_a_scan_shows_how_far_it_is_stops_on_ctrl_c_and_goes_on(tmp_path: Path) -> None:
    with shared_line(units(unit_2={0: 1}, unit_12={0: 1})) as line:
        bus = ("probe", "scan", line.ends[0], "--baud", "115200", "--timeout", "0.05", "--listen", "0")
        terminal = Terminal(tmp_path, *bus, "--units", "1-12", "--quick")
        terminal.until(r"\[#+\.+\]\s+\d+ %  unit \d+, 1 found, \d+ s left")
        terminal.press(b"\x03")
        assert terminal.end() == 130
        asked = line.units_asked()
        assert "To go on: callpoint probe scan" in terminal.seen and "--baud 115200 --resume" in terminal.seen
        assert "unit   2  answers" in terminal.seen and "Traceback" not in terminal.seen

        again = Terminal(tmp_path, *bus, "--resume")
        assert again.end() == 0

    new = line.units_asked()[len(asked) :]
    assert 2 <= max(asked) < 12 and new[0] in (max(asked), max(asked) + 1) and new[-1] == 12, "none is asked twice"
    assert re.search(r"2 units answer: 2,12", again.seen) and "unit   2  answers" in again.seen
    last_bar = again.seen.rpartition("\r\x1b[K")[2]
    assert "[#" not in last_bar, "the bar is gone when the result is there"
    assert not list((tmp_path / "callpoint" / "probe").glob("*")), "a finished scan leaves nothing behind"
