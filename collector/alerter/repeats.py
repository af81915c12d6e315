"""What a provider delivers twice: the same answer, and nothing done again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

KEPT_MS = 86_400_000
KEPT_MAX = 10_000  # a call of 1,300 people, answered a few times over


class Repeats:
    """The answers to messages by their key, for a day. In memory: after a restart a message counts as new, which
    matters only where the person has said something else since."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._kept: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def answer(self, key: str, now: int) -> str | None:
        """What was answered to it; None for a message that is new."""
        at_ms, text = self._kept.get(key, (0, ""))
        return text if key in self._kept and now - at_ms < KEPT_MS else None

    def keep(self, key: str, text: str, now: int) -> None:
        """It was answered so; the oldest give way."""
        self._kept[key] = now, text
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
