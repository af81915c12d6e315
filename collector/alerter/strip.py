"""The strip on every page: how much is disabled, tested or drilled now, and which of it ends first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.alarms.measures import Disablement, WalkTest
from collector.alerter.view import View
from collector.calls.drill import Drill
from collector.engine import Engine


@dataclass(frozen=True, slots=True)
class Mark:
    """So many of one sort; `word` names its message ("strip-<word>") and its colour."""

    word: str
    count: int
    ends_at: datetime  # of the first that ends


def marks(engine: Engine, view: View) -> list[Mark]:
    """What is not as usual, each sort counted; empty on a usual day."""
    return list(_marks(engine, view))


def _marks(engine: Engine, view: View) -> Iterator[Mark]:
    ends: Sequence[tuple[str, list[int]]] = (
        ("disabled", [each.until_ms for each in engine.kept(Disablement).values()]),
        ("walk-test", [each.until_ms for each in engine.kept(WalkTest).values() if each.running]),
        ("drill", [each.ends_at_ms for each in engine.kept(Drill).values() if each.ended_at_ms is None]),
    )
    for word, times in ends:
        if times:
            yield Mark(word, len(times), view.stamp(min(times)))
