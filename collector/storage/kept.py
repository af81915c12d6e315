"""What is kept beside alarms, incidents and notices: disablements, drills, absences, baselines and the like.

A kept thing is a frozen dataclass that inherits `Kept`; `collector.storage.tables` lists them all by the name under
which the store keeps them. A part of the engine keeps and forgets its own by `State.keep` and `State.forget`, and
finds them again after a restart by `State.kept`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Kept:
    """`id` is unique among the kept things of one class. Fields of later versions need defaults."""

    NUMBERED: ClassVar[bool] = False  # its ids are `State.next_id`'s, and are never given twice
    id: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A kept thing that is no more."""

    what: type[Kept]
    id: str
