"""Who follows what changes: numbers that rise, of which a slow reader sees fewer, and nothing that piles up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FOLLOWERS_MAX = 500  # each holds a connection of the web server open


class TooManyFollowers(Exception):
    """Nobody else can follow the changes now; when somebody leaves there is room again."""


class Changes:
    """A count of changes and those who follow it."""

    def __init__(self) -> None:
        self._count = 0
        self._followers: set[asyncio.Event] = set()

    @property
    def count(self) -> int:
        """How many there have been."""
        return self._count

    def tell(self) -> None:
        """Something has changed."""
        self._count += 1
        for changed in self._followers:
            changed.set()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[int]]:
        """The present number at once, then the newest after every change. Raises TooManyFollowers."""
        if len(self._followers) >= FOLLOWERS_MAX:
            raise TooManyFollowers(f"{FOLLOWERS_MAX} already follow the changes")
        changed = asyncio.Event()
        self._followers.add(changed)
        try:
            yield self._numbers(changed)
        finally:
            self._followers.discard(changed)

    async def _numbers(self, changed: asyncio.Event) -> AsyncIterator[int]:
        while True:
            changed.clear()
            yield self._count
            await changed.wait()
