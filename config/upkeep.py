"""What a device is besides its registers: an elevator's age and service, an extinguisher's dates, who keeps it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from config.people import Id
from config.profile import Profile, SignalName, Strict


class Service(StrEnum):
    """The four nested levels of elevator maintenance (TSG T5002-2017 cl. 6)."""

    HALF_MONTH = "half-month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


class Lift(Strict):
    """An elevator, to the site's knowledge. `served`: the newest service of each level before this file was written."""

    commissioned: date | None = None
    contractor: Id | None = None  # the person of the maintenance company who is told of equipment matters
    rated_speed_m_s: Annotated[float, Field(gt=0, le=20)] | None = None
    rescue_s: Annotated[float, Field(ge=300, le=14_400)] | None = None  # None: the plan's
    served: dict[Service, date] = {}


class Upkeep(Strict):
    """Dates of an extinguisher, a hydrant or a detector. What is done later is told to the collector, not here."""

    contents: Literal["powder", "water", "foam", "clean-agent", "co2", "hydrant"] | None = None
    charged: date | None = None
    inspected: date | None = None
    inspect_every_days: Annotated[int, Field(ge=1, le=3660)] = 365
    replace_by: date | None = None
    leak_kpa_per_month: Annotated[float, Field(gt=0, le=1000)] = 10.0  # faster than this is a leak
    accuracy_kpa: Annotated[float, Field(gt=0, le=1000)] = 12.5  # the sensor's: 0.5 % of a full scale of 2.5 MPa

    @property
    def is_gas(self) -> bool:
        """True where a charge of gas makes the pressure, so that it follows the temperature and tells of a leak.

        Not for CO2, which stands over its own liquid: its pressure does not show how much is left. Weigh it.
        """
        return self.contents in ("powder", "water", "foam", "clean-agent")


_MOVES = (SignalName.MOVING, SignalName.SPEED_M_S)
_LEVELS = (SignalName.LEVEL, SignalName.DOOR_ZONE)
_DOORS = (SignalName.DOOR_CLOSED, SignalName.DOOR_OPEN)
_INSIDE = (SignalName.PERSON,)


def judges_entrapment(profile: Profile) -> bool:
    """True if the profile says enough for an entrapment to be judged without the controller's own flag."""
    return all(any(name in profile.signals for name in names) for names in (_MOVES, _LEVELS, _DOORS, _INSIDE))
