"""Every command on the page for engineers on site runs, against the simulator's devices, and says what it promises."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks_of
from tests.e2e.test_simulator_command import DEMO, simulate
from tests.shared_line import callpoint

FILE = ROOT / "docs" / "on-site.md"
PAGE = FILE.read_text(encoding="utf-8")
COMMANDS = [block.text.removeprefix("callpoint ") for block in blocks_of(FILE) if block.reason is not None]
NARROWER = {"1-32": "1,2", "10": "0.1"}  # as many units and seconds as a test has time for
# What each of them must say, in the page's order, and its exit code: unit 12 of the demo is no smoke detector.
SAYS = [
    (0, "2 units answer: 1-2"),
    (0, "115200 8N1: unit 1 answers|9600 8N1: unit 1 answers"),
    (0, "nothing is said on this line"),
    (0, r"30003  44[89a]\w"),
    (1, "it looks more like ep-1"),
    (0, "no doubts"),
    (0, "profile: pressure-transmitter-a, unit: 21"),
    (0, "as the site says"),
]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the page's port and site are on this machine."""
    folder = tmp_path_factory.mktemp("on-site")
    with simulate(folder) as running:
        port = running.addresses()["rs485-east"]["port"]
        yield {"/dev/ttyUSB0": port, "../my-site": str(DEMO), "buses": str(running.file), "state": str(folder)}


@pytest.mark.parametrize(("command", "promise"), list(zip(COMMANDS, SAYS, strict=True)), ids=COMMANDS)
def test_a_command_of_the_page_runs(there: dict[str, str], command: str, promise: tuple[int, str]) -> None:
    words = [there.get(word, NARROWER.get(word, word)) for word in shlex.split(command)]
    words += ["--buses", there["buses"]] if str(DEMO) in words else []
    words += ["--listen", "0.1"] + ([] if words[0] == "check" else ["--pause", "0"])

    done = callpoint(*words, state=Path(there["state"]))

    code, says = promise
    assert done.returncode == code, done.stdout + done.stderr
    assert re.search(says, done.stdout), done.stdout
