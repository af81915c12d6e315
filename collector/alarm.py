"""THE state machine of a condition. Whatever changes an alarm's phase stands in this file, in the table first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from config.profile import Condition, Kind


class Phase(StrEnum):
    """Where a condition is in its life (the ISA-18.2 words, with latching)."""

    NORMAL = "normal"
    ACTIVE = "active"  # the source says so, nobody acknowledged
    ACKNOWLEDGED = "acknowledged"  # the source says so, somebody acknowledged
    RETURNED = "returned"  # the source is normal again, nobody acknowledged: latched
    AWAITING_RESET = "awaiting-reset"  # the source is normal, acknowledged: latched until reset


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition of one point that is not normal, or has just become so.

    `key` is "<device>:<point>" or, for a limit, "<device>:<point>:<limit>"; for silence "<device>:silent".
    Stamps are UTC ms: at the source, and when this collector heard it.
    """

    key: str
    device: str
    point: str
    building: str
    condition: Condition
    kind: Kind
    phase: Phase
    value: str | None  # what the source said, quoted for people
    raised_at_ms: int  # at the source
    heard_at_ms: int
    returned_at_ms: int | None = None
    epoch: str | None = None  # the journal and position of the newest report that decided this
    position: int | None = None
    incident: str | None = None
