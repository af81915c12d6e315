"""The shapes of trends and due dates, with an example of each for the API's description."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from collector.alerter.models import ByPerson, Shape, Where, Who
from collector.equipment.duedates import Standing, Task
from collector.equipment.pressure import Cause, Verdict
from config.people import Text


class PressureTrendShown(Shape):
    """An extinguisher's pressure. Slopes are of 30 days; `uncertainty`: half of the 95 % interval; null: not known."""

    pressure_kpa: float | None = Field(description="as measured")
    temperature_c: float | None = Field(description="of the air")
    pressure_at_20c_kpa: float | None
    at_20c_from_kpa: float | None = Field(description="what it is at least at 20 °C, with what is known")
    at_20c_to_kpa: float | None = Field(description="and at most")
    cause: Cause = Field(description="what the pressure at 20 °C rests on")
    verdict: Verdict
    slope_kpa_per_month: float | None
    uncertainty_kpa_per_month: float | None
    days_of_data: int
    days_needed: int | None = Field(description="more days until a leak can be told; null: never with this sensor")
    below_limit_kpa: float | None = Field(description="the next limit that it will be below at this rate")
    below_limit_on: date | None


class SmokeTrendShown(Shape):
    """A smoke chamber. `contamination_percent` is of the way from clean air to the detector's own alarm."""

    obscuration_db_m: float | None
    clean_air_db_m: float | None = Field(description="lowest mean of four hours in the last day")
    learnt: bool = Field(description="true once that rests on a whole day")
    rising_since: datetime | None
    contamination_percent: float | None
    own_drift_percent: float | None = Field(description="what the detector itself says")
    level: str | None = Field(description="ok, dirty1, dirty2 or low-chamber; null until a day is known")
    percent_per_month: float | None
    uncertainty_per_month: float | None = Field(description="half of the 95 % interval")
    days_of_data: int
    days_needed: int | None
    clean_by: date | None = Field(description="by its drift; null: it does not surely drift")


class TrendShown(Shape):
    """What changes slowly at a device, or at one detector of a panel; one of `pressure` and `smoke` is null."""

    device: str
    detector: int | None
    text: Text = Field(description="the same in words")
    pressure: PressureTrendShown | None
    smoke: SmokeTrendShown | None


class DueShown(Shape):
    """A date of a device: `far`, `due` from 14 days before, `overdue` from the day after."""

    device: str
    where: Where
    task: Task
    on: date
    standing: Standing


class DueList(Shape):
    """The earliest first."""

    due: list[DueShown]


class InspectionDone(ByPerson):
    """Who has inspected it, and when."""

    on: date = Field(description="a day of the site, not in the future", examples=["2026-03-02"])


class InspectionShown(Shape):
    """The newest inspection that is known, and what is due of the device. `inspected_by` null: by the site's file."""

    device: str
    inspected_on: date | None
    inspected_by: Who | None
    due: list[DueShown]


_WHERE: dict[str, Any] = {
    "building": "b-3",
    "building_name": "3号楼",
    "address": "新民里 3 号",
    "floor": 4,
    "flat": "",
    "note": "楼道",
}
_DUE: dict[str, Any] = {
    "device": "extinguisher-b3-4",
    "where": _WHERE,
    "task": "inspection",
    "on": "2027-03-02",
    "standing": "far",
}
DUE_LIST: dict[str, Any] = {"due": [_DUE]}
INSPECTION: dict[str, Any] = {
    "device": "extinguisher-b3-4",
    "inspected_on": "2026-03-02",
    "inspected_by": {"id": "p-li", "name": "李梅"},
    "due": [_DUE],
}
TREND: dict[str, Any] = {
    "device": "extinguisher-b3-4",
    "detector": None,
    "text": {
        "en": "It leaks: -45 ± 12 kPa in 30 days, by 25 days. Below 1000 kPa about 2026-06-20.",
        "zh": "正在漏气：每30天变化 -45 ± 12 kPa（依据25天数据）。预计 2026-06-20 低于 1000 kPa。",
    },
    "pressure": {
        "pressure_kpa": 1131.5,
        "temperature_c": 11.5,
        "pressure_at_20c_kpa": 1167.2,
        "at_20c_from_kpa": 1165.0,
        "at_20c_to_kpa": 1167.2,
        "cause": "at-20c",
        "verdict": "leak",
        "slope_kpa_per_month": -45.1,
        "uncertainty_kpa_per_month": 12.3,
        "days_of_data": 25,
        "days_needed": 3,
        "below_limit_kpa": 1000.0,
        "below_limit_on": "2026-06-20",
    },
    "smoke": None,
}
