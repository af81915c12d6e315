"""`callpoint probe` as its user sees it on a terminal: the bar, Ctrl-C, going on, and doubts that stand out."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.test_probe_line import HEAD, VESSEL
from tests.shared_line import shared_line, units
from tests.terminal import Terminal, keep_picture, plain, terminal

ROOT = Path(__file__).resolve().parents[2]
QUICK = "--timeout 0.15 --listen 0"


@contextmanager
def typed(command: str, port: str, state: Path) -> Iterator[Terminal]:
    """A command as it is typed, at another port and in more of a hurry."""
    words = command.replace("/dev/ttyUSB0", port).split()[1:]
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    program = [sys.executable, str(ROOT / "callpoint.py"), *words, *QUICK.split()]
    with terminal(program, state, known | {"XDG_STATE_HOME": str(state)}) as screen:
        yield screen


def picture(name: str, command: str, port: str, said: str) -> None:
    keep_picture(name, command, said.replace(f" {QUICK}", "").replace(port, "/dev/ttyUSB0"))


def test_a_scan_shows_how_far_it_is_stops_on_ctrl_c_and_goes_on(tmp_path: Path) -> None:
    with shared_line(units(unit_2=HEAD, unit_3=HEAD, unit_9=VESSEL)) as line:
        command = "callpoint probe scan /dev/ttyUSB0 --baud 115200"
        with typed(f"{command} --units 1-9 --quick", line.ends[0], tmp_path) as screen:
            screen.until(r"\[#+\.+\]\s+\d+ %  unit \d+, 2 found, \d+ s left")
            half_way = screen.said
            screen.type("\x03")
            assert screen.ended() == 130
        picture("probe-scan", f"{command} --units 1-9 --quick", line.ends[0], half_way)
        asked = line.units_asked()
        shown = plain(screen.said)
        assert "To go on: callpoint probe scan" in shown and "--baud 115200 --resume" in shown
        assert "unit   2  answers" in shown and "Traceback" not in shown

        with typed(f"{command} --resume", line.ends[0], tmp_path) as screen:
            assert screen.ended() == 0

    new = line.units_asked()[len(asked) :]
    assert 3 <= max(asked) < 9 and new[0] in (max(asked), max(asked) + 1) and new[-1] == 9, "none is asked twice"
    assert re.search(r"3 units answer: 2-3,9", plain(screen.said)) and "unit   2  answers" in plain(screen.said)
    assert "[#" not in plain(screen.said).splitlines()[-1], "the bar is gone when the result is there"
    assert not list((tmp_path / "callpoint" / "probe").glob("*")), "a finished scan leaves nothing behind"


def test_a_doubt_stands_out_on_a_terminal(tmp_path: Path) -> None:
    swapped = VESSEL | {2: VESSEL[3], 3: VESSEL[2]}
    with shared_line(units(unit_12=swapped)) as line:
        command = "callpoint probe try /dev/ttyUSB0 --baud 115200 --unit 12 --profile ep-1"
        with typed(command, line.ends[0], tmp_path) as screen:
            assert screen.ended() == 1
    picture("probe-try", command, line.ends[0], screen.said)

    (doubted,) = [text for text in screen.said.splitlines() if "pressure_kpa  " in text]
    assert doubted.startswith("\x1b[33m") and "?" in doubted
    (well,) = [text for text in screen.said.splitlines() if "temperature_c" in text]
    assert "\x1b" not in well
