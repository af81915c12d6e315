"""What a channel's provider allows: so many sendings a minute, and so many to one person in an hour.

Half of each is kept for calls to a fire or an entrapment: whatever else is to be told can wait.
"""

from __future__ import annotations

from collections import deque

MINUTE_MS = 60_000
HOUR_MS = 3_600_000


class Window:
    """At most so many in any span of time."""

    def __init__(self, at_most: int, span_ms: int) -> None:
        self._at_most = at_most
        self._calm_most = max(1, at_most // 2)  # of one, nothing can be kept
        self._span_ms = span_ms
        self._spent_ms: deque[int] = deque()  # ascending

    def wait_ms(self, urgent: bool, now: int) -> int:
        """How long until there is one more, 0 if there is one now."""
        if self._spent_ms and self._spent_ms[-1] > now:  # the clock was set back: what was sent then was sent by now
            self._spent_ms = deque(min(spent_ms, now) for spent_ms in self._spent_ms)
        while self._spent_ms and self._spent_ms[0] + self._span_ms <= now:
            self._spent_ms.popleft()
        surplus = len(self._spent_ms) - (self._at_most if urgent else self._calm_most)
        if surplus < 0:
            return 0
        return self._spent_ms[surplus] + self._span_ms - now

    def spend(self, at_ms: int) -> None:
        """One was sent."""
        newest = self._spent_ms[-1] if self._spent_ms else at_ms
        self._spent_ms.append(max(at_ms, newest))


class Allowance:
    """The limits of one channel; None: there is none."""

    def __init__(self, per_minute: int | None = None, per_person_per_hour: int | None = None) -> None:
        self._all = None if per_minute is None else Window(per_minute, MINUTE_MS)
        self._per_person = per_person_per_hour
        self._theirs: dict[str, Window] = {}

    @property
    def limited(self) -> bool:
        """True if there is a limit at all."""
        return self._all is not None or self._per_person is not None

    def wait_ms(self, person: str, urgent: bool, first: bool, now: int) -> int:
        """How long a sending has to wait. `first`: the first of an urgent call, which no limit of a person stops."""
        waits_ms = 0 if self._all is None else self._all.wait_ms(urgent, now)
        theirs = self._theirs.get(person)
        if theirs is not None and not (urgent and first):
            waits_ms = max(waits_ms, theirs.wait_ms(urgent, now))
        return waits_ms

    def spend(self, person: str, at_ms: int) -> None:
        """One was sent to this person, or tried."""
        if self._all is not None:
            self._all.spend(at_ms)
        if self._per_person is not None:
            if person not in self._theirs:
                self._theirs[person] = Window(self._per_person, HOUR_MS)
            self._theirs[person].spend(at_ms)
