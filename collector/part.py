"""A part of the engine's judgement with matters, commands and deadlines of its own.

The engine gives each part the reports of known devices, the commands it handles, and time. What a part decides it
puts into the state, raises through the conditions, or tells through the call-out; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from collector.alarms.alarm import Alarm
from collector.alarms.heard import DeviceState, GatewayState
from collector.alarms.incident import Incident
from collector.alarms.rules import Rule
from config.words import Report

Handler = Callable[[Any, int], None]  # a command of its class, and now; raises Refused before it changes anything


class Part:
    """Does nothing; a part overrides what concerns it. No clock, no I/O."""

    def hears(self, device: str) -> bool:
        """Whether the reports of this device of the site mean anything to this part. Asked once: the answer stays."""
        return True

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
        """When `wake` has something to do, UTC ms.

        Of a part that takes no reports it may move only when a decision changes something, by a command, or by a wake.
        """
        return None


class Waking:
    """When some parts are to be woken next: asked for with every report, most of which change nothing."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = [part for part in parts if overrides(part, "wake", "wake_at")]
        self._hearing = [part for part in self._parts if overrides(part, "heard", "pulsed", "lost")]
        self._still = [part for part in self._parts if part not in self._hearing]
        self._still_at: int | None = None
        self._is_asked = False

    def changed(self) -> None:
        """Something has changed: what the parts said before may be out of date."""
        self._is_asked = False

    def wake(self, now: int) -> None:
        """Wake them all: early calls do no harm, and a clock that was set back is seen by every wake."""
        for part in self._parts:
            part.wake(now)
        self._is_asked = False

    def next_at(self) -> int | None:
        """The earliest time of all, UTC ms."""
        if not self._is_asked:
            self._still_at, self._is_asked = earliest([part.wake_at() for part in self._still]), True
        return earliest([self._still_at, *[part.wake_at() for part in self._hearing]])


def overrides(part: Part, *names: str) -> bool:
    """True if this part does something of its own in any of these methods."""
    return any(getattr(type(part), name) is not getattr(Part, name) for name in names)


def earliest(times: Iterable[int | None]) -> int | None:
    """The first of these times; None if there is none."""
    first = None
    for at in times:
        if at is not None and (first is None or at < first):
            first = at
    return first
