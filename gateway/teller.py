"""What the gateway tells of itself: how its buses do, once a minute; and of one device, when a collector asks.

Nothing of it is journalled, and nothing of it costs a question on a bus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from config.busfigures import readings_of_bus
from config.diagnosis import ANSWER, ANSWERED, REFUSED, VERSION, Diagnosis, write_diagnosis
from config.sparkplug import DataType
from config.words import PULSE, Quality, Reading
from gateway.clock import Clock
from gateway.poller import Poller

TELL_EVERY_S = 60.0
ANSWERS_MAX, ANSWERS_WITHIN_MS = 30, 60_000  # the line to the broker may be thin: alarms go over it


class Teller:
    """`tell` publishes readings of the node."""

    def __init__(self, pollers: Sequence[Poller], clock: Clock, tell: Callable[[Sequence[Reading]], None]) -> None:
        self._pollers = [poller for poller in pollers if poller.bus != PULSE]
        self._all, self._clock, self._tell = pollers, clock, tell
        self._version = _version()
        self._answered: list[int] = []  # when, of the last minute
        self._answers, self._refused = 0, 0

    async def run(self) -> None:
        """Tell the figures until cancelled."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._tell(self._figures())

    @property
    def present(self) -> tuple[Reading, ...]:
        """All of it as it stands, for a birth."""
        nothing = Reading(ANSWER, None, DataType.STRING, Quality.STALE, "nothing was asked")
        return (*self._figures(), self._version, nothing)

    def answer(self, device: str) -> None:
        """A collector asks what is known of a device; too many questions are counted and not answered."""
        now_ms = self._clock.mono_ms()
        self._answered = [at_ms for at_ms in self._answered if at_ms > now_ms - ANSWERS_WITHIN_MS]
        if len(self._answered) >= ANSWERS_MAX:
            self._refused += 1
            return
        self._answered.append(now_ms)
        self._answers += 1
        found = next((told for poller in self._all if (told := poller.diagnosis(device)) is not None), None)
        found = found or Diagnosis(device=device, told_ms=self._clock.utc_ms(), known=False)
        self._tell([Reading(ANSWER, write_diagnosis(found), DataType.STRING)])

    def _figures(self) -> tuple[Reading, ...]:
        buses = [reading for poller in self._pollers for reading in readings_of_bus(poller.bus, poller.figures())]
        answers = Reading(ANSWERED, self._answers, DataType.UINT64)
        return (*buses, answers, Reading(REFUSED, self._refused, DataType.UINT64))


def _version() -> Reading:
    try:
        return Reading(VERSION, version("callpoint"), DataType.STRING)
    except PackageNotFoundError:
        return Reading(VERSION, None, DataType.STRING, Quality.STALE, "not installed as a package")
