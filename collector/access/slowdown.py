"""Wrong passwords slow the next try down: for the name that is tried, whether there is such an account or not, and for
the address that tries. A link to one's own address always signs in, so nobody can lock somebody else out. Pure.
"""

from __future__ import annotations

from collections import OrderedDict

FREE = 5  # wrong ones for a name before it slows down
FREE_OF_ADDRESS = 20  # many people may sit behind one
FIRST_WAIT_MS = 10_000  # doubled with each further one
WAIT_MAX_MS = 900_000
FORGOTTEN_MS = 3_600_000
KEYS_MAX = 10_000


class Slowdown:
    """Failures by key, the newest kept; when there are very many keys the longest unused is forgotten."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_ms(self, key: str, now: int) -> int:
        """For how long nothing of this key is looked at."""
        failures, at_ms = self._failures.get(key, (0, 0))
        over, age_ms = failures - self._free, now - at_ms
        if over < 0 or not 0 <= age_ms < FORGOTTEN_MS:
            return 0
        return max(0, min(WAIT_MAX_MS, FIRST_WAIT_MS << min(over, 20)) - age_ms)

    def failed(self, key: str, now: int) -> None:
        """One more failure."""
        failures, at_ms = self._failures.pop(key, (0, now))
        self._failures[key] = (1 if not 0 <= now - at_ms < FORGOTTEN_MS else failures + 1, now)
        if len(self._failures) > KEYS_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Whoever it was has proven it."""
        self._failures.pop(key, None)
