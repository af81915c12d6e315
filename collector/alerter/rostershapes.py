"""The shapes of duty rosters and absences, with their examples."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from collector.alerter.models import LONGEST_ID, Shape, Who
from collector.calls.absences import REASON_MAX


class DutyShown(Shape):
    """A shift that begins, as it stands now."""

    shift: str
    begins_at: datetime
    ends_at: datetime
    people: list[Who]


class TeamShown(Shape):
    """A team now. Without shifts everybody who is not away is on duty."""

    id: str
    name: str
    leader: Who
    on_duty: list[Who]
    off_duty: list[Who] = Field(description="neither on duty nor away")
    away: list[Who]
    coming: list[DutyShown]


class RosterShown(Shape):
    """Every team, in the order of the site."""

    at: datetime
    teams: list[TeamShown]


class AbsenceShown(Shape):
    """An absence. `declared`: by the site, and ended there; else it was said, by whom and when."""

    id: str
    person: Who
    from_at: datetime
    until_at: datetime
    holds: bool = Field(description="now")
    substitute: Who | None
    swap: bool = Field(description="they are there, only their duty is taken by the substitute")
    reason: str
    declared: bool
    said_by: Who | None
    said_at: datetime | None


class AbsenceList(Shape):
    """By their beginning; those that are over are left out."""

    absences: list[AbsenceShown]


class AbsenceWanted(Shape):
    """`by` says it: they themselves, a leader of their team, or a contact. Times with their offset."""

    person: str = Field(min_length=1, max_length=LONGEST_ID, examples=["p-li"])
    by: str = Field(min_length=1, max_length=LONGEST_ID, examples=["p-li"])
    from_at: AwareDatetime = Field(examples=["2026-03-02T08:00:00+08:00"])
    until_at: AwareDatetime = Field(examples=["2026-03-04T20:00:00+08:00"])
    substitute: str | None = Field(default=None, min_length=1, max_length=LONGEST_ID, examples=["p-wang"])
    swap: bool = Field(default=False, examples=[False])
    reason: str = Field(default="", max_length=REASON_MAX, examples=["出差"])


_LI, _WANG = {"id": "p-li", "name": "李梅"}, {"id": "p-wang", "name": "王强"}
_SHIFT = {"begins_at": "2026-03-02T19:00:00+08:00", "ends_at": "2026-03-03T07:00:00+08:00"}
ABSENCE: dict[str, Any] = {
    "id": "01977420dc000003",
    "person": _LI,
    "from_at": "2026-03-02T08:00:00+08:00",
    "until_at": "2026-03-04T20:00:00+08:00",
    "holds": True,
    "substitute": _WANG,
    "swap": False,
    "reason": "出差",
    "declared": False,
    "said_by": _LI,
    "said_at": "2026-03-01T21:15:04+08:00",
}
ABSENCES: dict[str, Any] = {"absences": [ABSENCE]}
ROSTER: dict[str, Any] = {
    "at": "2026-03-02T14:03:22+08:00",
    "teams": [
        {
            "id": "team-3",
            "name": "3 号楼微型消防站",
            "leader": _LI,
            "on_duty": [_WANG],
            "off_duty": [],
            "away": [_LI],
            "coming": [{"shift": "night", **_SHIFT, "people": [_WANG]}],
        }
    ],
}
