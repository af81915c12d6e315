"""What is known of devices and gateways: what they said last, and whether they are there. Live views of the watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.alarms.rules import Rules
from config.words import Edge, Reading


class Heard(NamedTuple):
    """The newest reading of a point: its source time, and its record's place in the journal if it has one."""

    reading: Reading
    at_ms: int
    epoch: str | None = None
    position: int | None = None


@dataclass(slots=True)
class DeviceState:
    """What is known of a device. A live view: the engine changes it, others only read. `online` None: not heard yet."""

    device: str
    gateway: str
    online: bool | None = None
    cause: str = "not heard yet"
    heard_at_ms: int | None = None  # newest live report with a value, at receipt
    spoke_at_ms: int = 0  # its source time
    values: dict[str, Heard] = field(default_factory=dict)
    known: bool = True  # False: the site does not know it
    rules: Rules = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)  # points without a usable value, with the cause
    certified_dead: bool = False  # by a death certificate: only a birth brings it back
    lost_at_ms: int | None = None  # since when it is lost by itself, by this collector's clock
    silent_after_ms: int = 0
    patient_from_ms: int = 0  # its deadline runs from here, or from when it was last heard
    told_at_ms: dict[str, int] = field(default_factory=dict)  # by point, at receipt; of points with a deadline
    stale: set[str] = field(default_factory=set)  # points that are no longer told, though the device speaks
    allowed_ms: Mapping[str, int] = field(default_factory=dict)  # by point: how long it may go untold


@dataclass(slots=True)
class GatewayState:
    """What is known of an edge node. A live view. `owes` None: not known since this collector started."""

    edge: Edge
    online: bool | None = None
    cause: str = "not heard yet"
    heard_at_ms: int | None = None
    owes: bool | None = None  # records of the alarm lane
    values: dict[str, Heard] = field(default_factory=dict)
    known: bool = True
    certified_dead: bool = False
    patient_from_ms: int = 0
