"""What a bus's questions came to: counts since the start, and times of the last minute. Pure.

Cheap on purpose, for it is fed with every question of every bus; what is slow is done when it is asked.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from math import ceil

from config.busfigures import BusFigures

MINUTE_MS = 60_000
ASKED_MAX = 4_096  # questions remembered; on a faster bus the last minute is shorter


class Outcome(StrEnum):
    """What a question came to."""

    ANSWER = "answers"
    TIMEOUT = "timeouts"
    GARBLED = "garbled"
    REFUSED = "refused"
    LOST = "lost"  # the line itself was gone


class Tally:
    """One bus. Times are monotonic ms."""

    def __init__(self, now_ms: int) -> None:
        self._since_ms = now_ms
        self._counts: Counter[Outcome] = Counter()
        self._asked: deque[tuple[int, float, bool]] = deque(maxlen=ASKED_MAX)  # when over, how long, was it answered
        self._cycles: deque[tuple[int, int]] = deque(maxlen=ASKED_MAX)  # when, and how long since the one before
        self._pulses: dict[str, int] = {}  # unit -> when its most urgent question was answered last

    def note(self, outcome: Outcome, took_ms: float, now_ms: int) -> None:
        """A question is over; `took_ms` from its turn on, the pause between two frames included."""
        self._counts[outcome] += 1
        self._asked.append((now_ms, took_ms, outcome is Outcome.ANSWER or outcome is Outcome.REFUSED))

    def pulse(self, unit: str, now_ms: int) -> None:
        """The most urgent question of a unit was answered."""
        last_ms = self._pulses.get(unit)
        if last_ms is not None:
            self._cycles.append((now_ms, now_ms - last_ms))
        self._pulses[unit] = now_ms

    def away(self, unit: str) -> None:
        """The unit does not answer: how long it is away is no cycle of the bus."""
        self._pulses.pop(unit, None)

    def figures(self, units: int, units_dead: int, now_ms: int) -> BusFigures:
        """The figures as of now."""
        from_ms = now_ms - MINUTE_MS
        if len(self._asked) == ASKED_MAX:
            from_ms = max(from_ms, self._asked[0][0])
        window_ms = now_ms - max(from_ms, self._since_ms)
        asked = [each for each in self._asked if each[0] > from_ms]
        latencies = sorted(took_ms for _, took_ms, answered in asked if answered)
        cycles = [length_ms for at_ms, length_ms in self._cycles if at_ms > from_ms]
        return BusFigures(
            requests=self._counts.total(),
            answers=self._counts[Outcome.ANSWER],
            timeouts=self._counts[Outcome.TIMEOUT],
            garbled=self._counts[Outcome.GARBLED],
            refused=self._counts[Outcome.REFUSED],
            latency_p50_ms=_quantile(latencies, 0.50),
            latency_p95_ms=_quantile(latencies, 0.95),
            cycle_s=round(sum(cycles) / len(cycles) / 1000, 3) if cycles else None,
            busy=round(min(sum(took_ms for _, took_ms, _ in asked) / window_ms, 1.0), 4) if window_ms > 0 else None,
            units=units,
            units_dead=units_dead,
        )


def _quantile(ordered: list[float], share: float) -> float | None:
    """The nearest rank: a value that was really measured."""
    return round(ordered[ceil(len(ordered) * share) - 1], 2) if ordered else None
