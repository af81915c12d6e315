"""Which road a condition takes: the live call-out, or beside it, where a disablement, a walk test or a drill leads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How a condition and its incident are handled. Incidents of different modes are never mixed."""

    LIVE = "live"
    DISABLED = "disabled"  # recorded; a fire is told to the watch person
    WALK_TEST = "walk-test"  # the tester alone is told
    DRILL = "drill"  # called out in full, marked everywhere


@dataclass(frozen=True, slots=True)
class Route:
    """`id` is that of the disablement, walk test or drill; "" for the live road."""

    mode: Mode = Mode.LIVE
    id: str = ""


LIVE = Route()
