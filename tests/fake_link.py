"""A bus made of a table: a Link for tests, with faults by their meaning. Held to the same contract as the real one."""

from __future__ import annotations

import asyncio

from config.profile import Table
from gateway.link import DeviceRefused, LinkDown, LinkTimeout


class FakeLink:
    """Units with registers. `dead` units are silent, `refusing` ones answer with an exception; `down` is the line."""

    def __init__(self, words: dict[int, dict[int, int]]) -> None:
        self.words = words
        self.dead: set[int] = set()
        self.refusing: dict[tuple[int, int], int] = {}  # (unit, first address) -> exception code
        self.absent: set[tuple[int, int]] = set()  # (unit, address): any read that touches it is refused with code 2
        self.down = False
        self.fault: Exception | None = None  # raised once by the next read: a bug, not a bus
        self.asked: list[tuple[int, int]] = []
        self.is_open = False

    async def open(self) -> None:
        if self.down:
            self.is_open = False
            raise LinkDown("the line is missing")
        self.is_open = True

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> tuple[int, ...]:
        if self.down or not self.is_open:
            await self.open()
        await asyncio.sleep(0)
        self.asked.append((unit, address))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        if unit in self.dead or unit not in self.words:
            raise LinkTimeout(f"no answer within {timeout_s * 1000:.0f} ms")
        if (unit, address) in self.refusing:
            raise DeviceRefused(self.refusing[unit, address])
        if any((unit, each) in self.absent for each in range(address, address + count)):
            raise DeviceRefused(2)
        return tuple(self.words[unit].get(each, 0) for each in range(address, address + count))

    def close(self) -> None:
        self.is_open = False
