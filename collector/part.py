"""A part of the engine's judgement with matters, commands and deadlines of its own.

The engine gives each part the reports of known devices, the commands it handles, and time. What a part decides it
puts into the state, raises through the conditions, or tells through the call-out; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from collector.alarms.alarm import Alarm
from collector.alarms.heard import DeviceState, GatewayState
from collector.alarms.incident import Incident
from collector.alarms.rules import Rule
from config.words import Report

Handler = Callable[[Any, int], None]  # a command of its class, and now; raises Refused before it changes anything


class Part:
    """Does nothing; a part overrides what concerns it. No clock, no I/O."""

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """A report of a device of the site was judged; `device.values` hold the newest of its points."""

    def lost(self, device: DeviceState, now: int) -> None:
        """A device of the site is gone, by itself or with its gateway."""

    def weighs(self, device: DeviceState, rule: Rule, report: Report, now: int) -> Rule:
        """How a condition that a report raises is to be taken, by what else the device says: as it is, or lowered."""
        return rule

    def check_reset(self, incident: Incident) -> None:
        """Raises Refused while an incident may not be reset for a reason of this part's."""

    def pulsed(self, gateway: GatewayState, report: Report, now: int) -> None:
        """A gateway of the site has sent a record of its own pulse register (`config.pulse`)."""

    def decided(self, now: int) -> None:
        """Something has changed by this decision; `State.changed_incidents` and others tell what. Called once."""

    def people_changed(self, now: int) -> None:
        """People, teams or posts of the site are others now: whatever was taken from them before is out of date."""

    def handlers(self) -> Mapping[type, Handler]:
        """The commands that this part carries out, by class."""
        return {}

    def has_source(self, alarm: Alarm) -> bool:
        """True if this part can still say whether a condition, found open after a restart, holds."""
        return False

    def wake(self, now: int) -> None:
        """Time has passed; early calls do no harm."""

    def wake_at(self) -> int | None:
        """When `wake` has something to do, UTC ms."""
        return None
