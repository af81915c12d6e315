"""The shapes of drills and response times, with an example of each for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from collector.alarms.route import Mode
from collector.alerter.models import ByPerson, Shape, Who
from collector.calls.drill import MINUTES_MAX, NOTE_CHARACTERS_MAX
from config.profile import Kind

BUILDINGS_MAX = 200  # of one drill


class DrillWanted(ByPerson):
    """Who starts an exercise, where, of what, and for how long at most."""

    buildings: list[str] = Field(min_length=1, max_length=BUILDINGS_MAX, examples=[["b-3"]])
    kind: Kind = Field(default=Kind.FIRE, description="fire or entrapment", examples=["fire"])
    minutes: int = Field(ge=1, le=MINUTES_MAX, description="it ends by itself", examples=[30])
    note: str = Field(default="", max_length=NOTE_CHARACTERS_MAX, examples=["yearly exercise"])


class DrilledBuilding(Shape):
    """A building of a drill. `incident`: where people's answers stand; null once the drill is over there."""

    building: str
    building_name: str
    incident: str | None


class DrillShown(Shape):
    """An exercise. `ended_at` null: it is under way somewhere."""

    id: str
    kind: Kind
    person: Who
    note: str
    started_at: datetime
    ends_at: datetime = Field(description="by itself, at the latest")
    ended_at: datetime | None
    buildings: list[DrilledBuilding]


class DrillList(Shape):
    """Newest first: those under way, and those that ended within the last half hour."""

    drills: list[DrillShown]


class CallTimed(Shape):
    """One call-out of one subject; seconds from when the first of them was told, null where it never came to that."""

    incident: str
    told_at: datetime
    called: int
    answered: int
    cannot: int
    answer_s: float | None
    going_s: float | None
    arrived_s: float | None
    quorum_s: float | None = Field(description="from the beginning of the call until enough were going")


class SubjectTimed(Shape):
    """How a person, team or building answers. Counts are of all calls, in people; medians of the latest calls."""

    what: str = Field(description="person, team or building")
    id: str
    name: str
    mode: Mode = Field(description="live: real calls; drill: exercises")
    calls: int
    called: int
    answered: int
    cannot: int
    silent: int
    answer_s: float | None
    going_s: float | None
    arrived_s: float | None
    quorum_s: float | None
    latest: list[CallTimed] = Field(description="oldest first, at most 20")


class ResponseTimesList(Shape):
    """Persons, then teams, then buildings; drills and real calls apart."""

    subjects: list[SubjectTimed]


DRILL: dict[str, Any] = {
    "id": "019742a17480001c",
    "kind": "fire",
    "person": {"id": "p-li", "name": "李梅"},
    "note": "yearly exercise",
    "started_at": "2026-03-02T14:00:00+08:00",
    "ends_at": "2026-03-02T14:30:00+08:00",
    "ended_at": None,
    "buildings": [{"building": "b-3", "building_name": "3号楼", "incident": "019742a17480001d"}],
}
DRILLS: dict[str, Any] = {"drills": [DRILL]}
RESPONSE_TIMES: dict[str, Any] = {
    "subjects": [
        {
            "what": "team",
            "id": "t-3",
            "name": "3号楼微型消防站",
            "mode": "drill",
            "calls": 1,
            "called": 3,
            "answered": 2,
            "cannot": 1,
            "silent": 1,
            "answer_s": 5.0,
            "going_s": 12.0,
            "arrived_s": 100.0,
            "quorum_s": 40.0,
            "latest": [
                {
                    "incident": "019742a17480001d",
                    "told_at": "2026-03-02T14:00:00+08:00",
                    "called": 3,
                    "answered": 2,
                    "cannot": 1,
                    "answer_s": 5.0,
                    "going_s": 12.0,
                    "arrived_s": 100.0,
                    "quorum_s": 40.0,
                }
            ],
        }
    ]
}
