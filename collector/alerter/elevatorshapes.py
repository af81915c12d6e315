"""The shapes of elevators: their log, their rescues, their maintenance; with an example of each for the description."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from collector.alerter.models import LONGEST_ID, ByPerson, RescueShown, Shape, Where, Who
from config.upkeep import Service


class FreedSaid(ByPerson):
    """Who says that the people are free: somebody who has arrived."""

    device: str | None = Field(
        default=None, max_length=LONGEST_ID, description="which elevator; null: there is only one", examples=["lift-3"]
    )


class ServiceSaid(ByPerson):
    """A service that was done."""

    level: Service = Field(description="it covers the smaller levels", examples=["half-month"])
    on: date = Field(description="a day of the site", examples=["2026-03-02"])


class ServiceDue(Shape):
    """One level of maintenance. Null where no service is known that covers it; then it is not watched."""

    level: Service
    last_on: date | None
    due_on: date | None = Field(description="the last day in time")
    days_left: int | None = Field(description="negative: so many days overdue")


class ServiceShown(Shape):
    """One service that was told."""

    level: Service
    on: date
    by: Who
    said_at: datetime


class RescuedShown(Shape):
    """A rescue that has ended; seconds from the beginning at the source."""

    raised_at: datetime
    arrived_s: float
    freed_s: float
    freed_by: Who


class LogShown(Shape):
    """What was counted since the log began; at most ten minutes old. Null: nothing to divide by yet."""

    since: datetime
    trips: int
    door_cycles: int
    run_h: float
    jumps: int = Field(description="counts that could not be true: a box was changed or began again")
    faults: int
    down_h: float
    entrapments: int = Field(description="that have ended")
    faults_per_thousand_trips: float | None
    mean_time_between_failures_h: float | None
    availability: float | None = Field(description="share of the time without a fault and in service")
    rescues: list[RescuedShown] = Field(description="oldest first, at most 20")


class ElevatorShown(Shape):
    """An elevator with what is known of its life. `rank`: how urgently it wants care, 0 to 3."""

    device: str
    registration: str | None
    where: Where
    contractor: Who | None
    commissioned: date | None
    age_years: int | None
    rank: int = Field(description="one each: 15 years old, a service overdue, an entrapment within a year")
    rescue_s: float = Field(description="how long rescuers may take to arrive")
    rescues: list[RescueShown] = Field(description="under way")
    services: list[ServiceDue]
    served: list[ServiceShown] = Field(description="newest first")
    log: LogShown | None


class ElevatorList(Shape):
    """The most urgent first."""

    elevators: list[ElevatorShown]


_QIAN: dict[str, Any] = {"id": "p-qian", "name": "钱伟"}
_RESCUE: dict[str, Any] = {
    "device": "lift-3",
    "registration": "31103301052019070012",
    "floor": 3.0,
    "raised_at": "2026-03-02T14:00:00+08:00",
    "due_at": "2026-03-02T14:30:00+08:00",
    "left_s": 1140.0,
    "arrived_at": None,
    "arrived_by": None,
    "freed_at": None,
    "freed_by": None,
    "missed": False,
}
ELEVATOR: dict[str, Any] = {
    "device": "lift-3",
    "registration": "31103301052019070012",
    "where": {
        "building": "b-3",
        "building_name": "3号楼",
        "address": "新民里 3 号",
        "floor": 1,
        "flat": "",
        "note": "加装电梯",
    },
    "contractor": _QIAN,
    "commissioned": "2019-07-12",
    "age_years": 6,
    "rank": 0,
    "rescue_s": 1800.0,
    "rescues": [_RESCUE],
    "services": [{"level": "half-month", "last_on": "2026-02-20", "due_on": "2026-03-07", "days_left": 5}],
    "served": [{"level": "half-month", "on": "2026-02-20", "by": _QIAN, "said_at": "2026-02-20T16:10:00+08:00"}],
    "log": {
        "since": "2025-10-01T08:00:00+08:00",
        "trips": 12040,
        "door_cycles": 25110,
        "run_h": 61.5,
        "jumps": 0,
        "faults": 2,
        "down_h": 5.2,
        "entrapments": 1,
        "faults_per_thousand_trips": 0.17,
        "mean_time_between_failures_h": 1830.4,
        "availability": 0.9986,
        "rescues": [
            {"raised_at": "2025-11-11T09:00:00+08:00", "arrived_s": 840.0, "freed_s": 1130.0, "freed_by": _QIAN}
        ],
    },
}
ELEVATORS: dict[str, Any] = {"elevators": [ELEVATOR]}
