"""What a bus is to the rest of the gateway: open, read, close. There is no word here for writing."""

from __future__ import annotations

from typing import Protocol

from config.profile import Table


class LinkError(Exception):
    """A read brought no values; str() is the cause in words, as the device's readings will carry it."""


class LinkDown(LinkError):
    """The line itself is gone (port missing, connection refused or lost): reopen before asking anyone again."""


class LinkTimeout(LinkError):
    """The unit did not answer, or a converter says so: try again later, others may answer."""


class TargetSilent(LinkTimeout):
    """A converter answers in place of a unit that does not: the converter itself lives."""


class LinkGarbled(LinkError):
    """Something came, but no sound answer to this question: as a time-out, and the line is noisy."""


class DeviceRefused(LinkError):
    """The device answered with a Modbus exception: it lives; codes 1 to 3 say that the profile does not fit."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code} {EXCEPTIONS.get(code, 'unknown')}")


EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}


class Link(Protocol):
    """One line with its devices. One task owns it: one question at a time."""

    async def open(self) -> None:
        """Connect or open the port. Raises LinkDown."""

    async def read(self, unit: int, table: Table, address: int, count: int, timeout_s: float) -> tuple[int, ...]:
        """`count` registers (0..65535) or bits (0, 1) of one unit; opens a closed line. Raises a LinkError."""

    def close(self) -> None:
        """Give the line back."""
