"""What a service says to systemd: that it is ready, that its loop still turns, that it stops (sd_notify(3)).

A loop that hangs is killed and started again; a disk that is slow holds up no loop, only a thread.
"""

from __future__ import annotations

import asyncio
import os
import socket

from config import logs

log = logs.of(__name__)


async def attend() -> None:
    """Say READY, and WATCHDOG as often as it is wanted, until cancelled. Nothing without a supervisor that listens."""
    tell("READY=1")
    wanted_within_us = os.environ.get("WATCHDOG_USEC", "")
    if not wanted_within_us.isdecimal() or int(wanted_within_us) == 0:
        return
    while True:
        tell("WATCHDOG=1")
        await asyncio.sleep(int(wanted_within_us) / 3_000_000)


def tell(state: str) -> None:
    """One message to the supervisor, if there is one. A deaf one is logged, and stops nobody."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)  # a supervisor that does not read must not stop us
            line.connect("\0" + address[1:] if address.startswith("@") else address)
            line.sendall(state.encode("ascii"))
    except OSError as error:
        text = f"the supervisor does not listen on {address}: {error}"
        log.warning("supervisor-deaf", text, address=address, error=error)
