"""The page that draws a condition's states says what the table says that the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector.alarms.alarm import LATCHED_TABLE, PLAIN_TABLE
from collector.alarms.chart import chart
from collector.alarms.verification import STAGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alarm-states.md"
AGAIN = """.venv/bin/python -c 'from collector.alarms.chart import chart; print(chart(), end="")' \
    > docs/alarm-states.md"""


def test_the_page_of_states_is_drawn_from_the_table_that_runs() -> None:
    assert PAGE.read_text(encoding="utf-8") == chart(), f"the table has changed; draw it again: {AGAIN}"


def test_every_step_of_the_tables_is_drawn() -> None:
    latched, _, rest = chart().partition("## Not latched")
    plain, _, first_hit = rest.partition("## First hits")
    tables: list[tuple[Mapping[Any, Mapping[Any, Any]], str]] = [
        (LATCHED_TABLE, latched),
        (PLAIN_TABLE, plain),
        (STAGES, first_hit),
    ]
    for table, text in tables:
        drawn = [line.strip() for line in text.splitlines() if ": " in line and " --> " in line and "[*]" not in line]
        steps = {(phase, event, row[event]) for phase, row in table.items() for event in row if row[event] != phase}

        assert sum(len(line.partition(": ")[2].split(", ")) for line in drawn) == len(steps)
        for phase, event, target in steps:
            arrow = f"{phase.replace('-', '_')} --> {target.replace('-', '_')}: "
            assert any(line.startswith(arrow) and event in line.removeprefix(arrow).split(", ") for line in drawn)
