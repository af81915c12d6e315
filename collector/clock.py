"""The collector's clock: UTC that never stands still and never goes back.

Rings, repeats and deadlines of silence are times of it. If the system's clock is set back by an hour, nobody may
be called an hour late: the clock then goes on at nine tenths of its pace until UTC has caught up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PACE_BEHIND = 0.9  # a stamp is wrong for ten times the step; a deadline at most a ninth late


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class SteadyClock:
    """Call it for UTC ms. `utc_ms` and `mono_ms` are the system's clocks."""

    def __init__(self, utc_ms: Callable[[], int] = _utc_ms, mono_ms: Callable[[], int] = _mono_ms) -> None:
        self._utc_ms, self._mono_ms = utc_ms, mono_ms
        self._at, self._mono = float(utc_ms()), mono_ms()

    def __call__(self) -> int:
        """Now, in UTC ms; never less than before."""
        mono = self._mono_ms()
        self._at = max(float(self._utc_ms()), self._at + (mono - self._mono) * PACE_BEHIND)
        self._mono = mono
        return int(self._at)
