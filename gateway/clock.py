"""Where the gateway's times come from: UTC, a monotonic count since boot, and whether UTC can be trusted yet."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

_STA_UNSYNC = 0x0040  # adjtimex(2)
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux
_STATUS_AT = 5 * ctypes.sizeof(ctypes.c_long)  # modes (padded), offset, freq, maxerror, esterror, then status


class Clock:
    """Time for the shells; pure code gets it as an argument."""

    def __init__(self) -> None:
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    def mono_ms(self) -> int:
        """Milliseconds since boot, also counting sleep; never steps, and goes on over a restart of the process."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def utc_ms(self) -> int:
        """UTC now, as well as this machine knows it."""
        return time.time_ns() // 1_000_000

    def offset_ms(self) -> int:
        """What turns a monotonic time into UTC at present."""
        return self.utc_ms() - self.mono_ms()

    def is_synchronized(self) -> bool:
        """False only on a board without a clock that outlives power-off (a Pi), until the network has set it."""
        board = Path("/proc/device-tree/model").exists()
        keeps_time = any(Path("/sys/class/rtc").glob("rtc*"))
        if not board or keeps_time or Path("/run/systemd/timesync/synchronized").exists():
            return True
        return _kernel_is_synchronized()


def _kernel_is_synchronized() -> bool:
    """Ask adjtimex(2), changing nothing."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.CDLL(None).adjtimex(timex) < 0:
        return False
    return not ctypes.c_int.from_buffer(timex, _STATUS_AT).value & _STA_UNSYNC
