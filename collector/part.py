"""A part of the engine's judgement with matters, commands and deadlines of its own.

The engine gives each part the reports of known devices, the commands it handles, and time. What a part decides it
puts into the state, raises through the conditions, or tells through the call-out; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from collector.alarm import Alarm
from collector.watch import DeviceState
from config.words import Report

Handler = Callable[[Any, int], None]  # a command of its class, and now; raises Refused before it changes anything


class Part:
    """Does nothing; a part overrides what concerns it. No clock, no I/O."""

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """A report of a device of the site was judged; `device.values` hold the newest of its points."""

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
