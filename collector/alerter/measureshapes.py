"""The shapes of disablements and walk tests, with an example of each for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from collector.alarms.disablement import WHY_CHARACTERS_MAX
from collector.alarms.measures import DISABLED_MINUTES_MAX, TEST_MINUTES_MAX, Scope
from collector.alarms.walktest import MEMBERS_MAX
from collector.alerter.models import LONGEST_ID, ByPerson, Shape, Where, Who

_MINUTES = "so many from now; it ends by itself"


class DisablementWanted(ByPerson):
    """Who disables what, why, for how long, and who watches over it meanwhile."""

    scope: Scope = Field(examples=["device"])
    target: str = Field(
        min_length=1,
        max_length=LONGEST_ID + 4,
        description="id of the device, zone or building, or panel:detector for one detector of a panel",
        examples=["smoke-3-5"],
    )
    why: str = Field(min_length=1, max_length=WHY_CHARACTERS_MAX, examples=["更换探头"])
    minutes: int = Field(ge=1, le=DISABLED_MINUTES_MAX, description=_MINUTES, examples=[60])
    watch: str | None = Field(
        default=None,
        max_length=LONGEST_ID,
        description="who alone is told of an alarm; null: the device's own watch, else leader and manager",
        examples=["p-wang"],
    )


class Renewal(ByPerson):
    """Who renews a disablement, and for how long."""

    minutes: int = Field(ge=1, le=DISABLED_MINUTES_MAX, description=_MINUTES, examples=[60])


class DisablementShown(Shape):
    """Something taken out of the call-out. `ended_at` is null while it is so; an ended one is not listed."""

    id: str
    scope: Scope
    target: str
    name: str = Field(description="of the zone or building; of a device its id")
    where: Where
    person: Who = Field(description="who disabled it, or renewed it last")
    why: str
    begun_at: datetime
    ends_at: datetime = Field(description="by itself, unless it is renewed")
    ended_at: datetime | None
    watch: Who | None = Field(description="who is told of an alarm there; null: leader and manager")


class DisablementList(Shape):
    """Those that end first come first."""

    disablements: list[DisablementShown]


class WalkTestWanted(ByPerson):
    """Who tests which devices, or which zone, and for how long."""

    devices: list[str] = Field(
        default=[],
        max_length=MEMBERS_MAX,
        description="ids of devices, or panel:detector for one detector of a panel",
        examples=[["smoke-3-5", "panel-3:12"]],
    )
    zone: str | None = Field(default=None, max_length=LONGEST_ID, examples=["stairs-3"])
    minutes: int = Field(ge=1, le=TEST_MINUTES_MAX, description=_MINUTES, examples=[60])


class MemberShown(Shape):
    """A device, or panel:detector, of a walk test. `alarm_at`: when its first alarm came; null: there was none."""

    member: str
    where: Where
    alarm_at: datetime | None


class WalkTestShown(Shape):
    """A walk test. `ended_at` null: it is under way, and its alarms go to the tester alone."""

    id: str
    person: Who
    begun_at: datetime
    ends_at: datetime = Field(description="by itself, at the latest")
    ended_at: datetime | None
    tested: list[MemberShown] = Field(description="have given an alarm")
    not_tested: list[MemberShown] = Field(description="have given none")


class WalkTestList(Shape):
    """Newest first: those under way, and the last fifty that have ended."""

    walk_tests: list[WalkTestShown]


_WHERE: dict[str, Any] = {
    "building": "b-3",
    "building_name": "3号楼",
    "address": "新民里 3 号",
    "floor": 5,
    "flat": "502",
    "note": "厨房",
}
_LI: dict[str, Any] = {"id": "p-li", "name": "李梅"}
DISABLEMENT: dict[str, Any] = {
    "id": "019742a17480001c",
    "scope": "device",
    "target": "smoke-3-5",
    "name": "smoke-3-5",
    "where": _WHERE,
    "person": _LI,
    "why": "更换探头",
    "begun_at": "2026-03-02T14:00:00+08:00",
    "ends_at": "2026-03-02T15:00:00+08:00",
    "ended_at": None,
    "watch": {"id": "p-wang", "name": "王强"},
}
DISABLEMENTS: dict[str, Any] = {"disablements": [DISABLEMENT]}
WALK_TEST: dict[str, Any] = {
    "id": "019742a17480002e",
    "person": _LI,
    "begun_at": "2026-03-02T14:00:00+08:00",
    "ends_at": "2026-03-02T15:00:00+08:00",
    "ended_at": None,
    "tested": [{"member": "smoke-3-5", "where": _WHERE, "alarm_at": "2026-03-02T14:06:10+08:00"}],
    "not_tested": [{"member": "panel-3:12", "where": _WHERE | {"floor": 2, "flat": "", "note": ""}, "alarm_at": None}],
}
WALK_TESTS: dict[str, Any] = {"walk_tests": [WALK_TEST]}
