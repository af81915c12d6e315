"""When to look at what again: one heap of times, so that ten thousand deadlines cost nothing while none is due."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Agenda(Generic[Key]):
    """At most one time per key. A time that was changed or dropped stays in the heap until it would be due."""

    def __init__(self) -> None:
        self._at: dict[Key, int] = {}
        self._heap: list[tuple[int, int, Key]] = []
        self._order = 0  # ties are broken by the order of setting, never by comparing keys

    def set(self, key: Key, at_ms: int | None) -> None:
        """Look at `key` at this time; None: not at all."""
        if at_ms is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at_ms:
            self._at[key] = at_ms
            self._order += 1
            heappush(self._heap, (at_ms, self._order, key))

    def next_at(self) -> int | None:
        """The earliest time, None if there is none."""
        heap = self._heap
        while heap:
            at_ms, _, key = heap[0]
            if self._at.get(key) == at_ms:
                return at_ms
            heappop(heap)
        return None

    def due(self, now: int) -> Iterator[Key]:
        """Take out every key whose time has come, earliest first. Keys may be set again meanwhile."""
        while (at := self.next_at()) is not None and at <= now:
            key = heappop(self._heap)[2]
            self._at.pop(key, None)
            yield key


def ms_of(seconds: float) -> int:
    """A plan's seconds as the milliseconds in which stamps count."""
    return round(seconds * 1000)
