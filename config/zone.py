"""Detection zones and how an automatic detector's first hit in one is verified before everybody is called.

Without a zone, or outside its staffed hours, one hit is the full call-out. Manual call points and what a panel has
confirmed itself are never verified. The first hit is always recorded and told to the nearest person at once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.calendar import Hours
from config.people import Id
from config.profile import Strict

Member = Annotated[str, Field(min_length=1, max_length=80)]  # a device's id, or "<panel>:<detector number>"


class _Verification(Strict):
    loud_after_s: Annotated[float, Field(gt=0, le=180)] = 60.0  # so long without an answer to the first hit
    investigate_s: Annotated[float, Field(gt=0, le=180)] = 180.0  # so long after an answer, unless it is reset


class Retard(_Verification):
    """Delay with re-check (alarm verification, NFPA 72): a hit counts if it is there at the end of `retard_s`.

    One that has gone by then counts when it comes back within `confirm_s`.
    """

    method: Literal["retard"]
    retard_s: Annotated[float, Field(gt=0, le=60)] = 20.0
    confirm_s: Annotated[float, Field(gt=0, le=300)] = 60.0


class Count(_Verification):
    """`count` of the zone's devices within `within_s`."""

    method: Literal["count"]
    count: Annotated[int, Field(ge=2, le=20)] = 2
    within_s: Annotated[float, Field(gt=0, le=3600)] = 300.0


class CrossZone(_Verification):
    """Two independent devices, of this zone or of this and another (GB 50116-2013 §4.1.6: a confirmed fire)."""

    method: Literal["cross-zone"]
    other: Id | None = None  # the zone whose device confirms; None: another device of this zone
    within_s: Annotated[float, Field(gt=0, le=3600)] = 600.0


class PositiveAlarmSequence(_Verification):
    """Trained staff have 15 s to acknowledge and 180 s to investigate (NFPA 72). Only while the zone is staffed."""

    method: Literal["positive-alarm-sequence"]
    loud_after_s: Annotated[float, Field(gt=0, le=15)] = 15.0
    staffed: tuple[Hours, ...] = ()

    @model_validator(mode="after")
    def _is_staffed(self) -> Self:
        if not self.staffed:
            raise ValueError("a positive alarm sequence has no staffed hours, in which trained people can look")
        return self


Verification = Annotated[Retard | Count | CrossZone | PositiveAlarmSequence, Field(discriminator="method")]


class Zone(Strict):
    """A detection zone: devices of one building that are judged, disabled and tested together."""

    id: Id
    name: str
    building: Id
    members: Annotated[tuple[Member, ...], Field(min_length=1)]
    verification: Verification | None = None
