"""Whether anything has changed that people must look at, worked out once for all who ask."""

from __future__ import annotations

from typing import Any

from collector.alarms.measures import Disablement, WalkTest
from collector.calls.drill import Drill
from collector.calls.roster import Away, Unmanned
from collector.desk import Desk

_KEPT = (Disablement, WalkTest, Drill, Away, Unmanned)


class News:
    """Numbers a board by what is on it: incidents, conditions, what is taken aside, who is there.

    What devices measure, and how people were reached, are no news by themselves.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looked_at = -1
        self._shown: tuple[Any, ...] = ()
        self._number = 0

    def number(self) -> int:
        """Rises with the news, and starts at 1 with the process. What has not changed is the same object as before."""
        changes = self._desk.changes
        if changes != self._looked_at:
            self._looked_at = changes
            engine = self._desk.engine
            kept = (tuple(engine.kept(what).values()) for what in _KEPT)
            shown = (tuple(engine.incidents.values()), tuple(engine.alarms.values()), self._desk.site.roll, *kept)
            if shown != self._shown:
                self._shown = shown
                self._number += 1
        return self._number
