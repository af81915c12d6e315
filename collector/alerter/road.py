"""A channel in use: how much may go over it at once, how long it may take, and whether it fails for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from collector.alerter.allowance import Allowance
from collector.alerter.channels import Channel, ChannelError, Letter
from collector.commands import SystemTrouble
from collector.messages.wording import one_line

SEND_WITHIN_S = 75.0  # then a channel counts as hanging; its own limits are shorter, unless it gets bytes one by one
SLOTS = 12  # sendings of one channel under way at once
CALM_SLOTS = 6  # of these, how many may be other than calls to a fire or an entrapment
FAILURES_BEFORE_TROUBLE = 3


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """What a channel has done since the start. `trouble` says why it fails for everybody, None if it does not."""

    handed_over: int
    failed: int
    under_way: int
    trouble: str | None
    limited: int = 0  # notices that its provider's limit has stopped for a while, or sent on to another channel


class Road:
    """One channel of the site. `users`: how many people have it now; more than two are as good as two."""

    def __init__(
        self, name: str, channel: Channel, users: Callable[[], int], allowance: Allowance | None = None
    ) -> None:
        self.name = name
        self.allowance = allowance or Allowance()
        self.limited = 0
        self._channel = channel
        self._users = users
        self._urgent = 0  # slots taken
        self._calm = 0
        self._handed_over = 0
        self._failed = 0
        self._failures = 0  # since the last success
        self._failed_for: set[str] = set()  # addresses, since the last success
        self.trouble: str | None = None  # as the engine was told
        self._silent_since_ms: int | None = None  # something is under way, and nothing has come back since
        self.hurried_at_ms = 0  # when what waits for it was last sent by the next channels, or nothing waited

    @property
    def status(self) -> ChannelStatus:
        """How it fares."""
        return ChannelStatus(self._handed_over, self._failed, self._urgent + self._calm, self.trouble, self.limited)

    @property
    def silent_since_ms(self) -> int | None:
        """Since when nothing has come back of what is under way, None if nothing is."""
        return self._silent_since_ms

    def take(self, urgent: bool, now: int) -> bool:
        """Take a slot if there is one: the last are kept for urgent ones. To be given back by `release`."""
        if self._urgent + self._calm >= SLOTS or (not urgent and self._calm >= CALM_SLOTS):
            return False
        self._urgent += urgent
        self._calm += not urgent
        if self._silent_since_ms is None:
            self._silent_since_ms = now
        return True

    def release(self, urgent: bool, now: int) -> None:
        """Give a slot back."""
        self._urgent -= urgent
        self._calm -= not urgent
        self._silent_since_ms = now if self._urgent + self._calm else None

    async def send(self, letter: Letter) -> ChannelError | None:
        """None once the channel has taken the letter, else why not; never later than `SEND_WITHIN_S`."""
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                await self._channel.send(letter)
        except ChannelError as error:
            return error
        except TimeoutError:
            return ChannelError(f"the channel did not answer within {SEND_WITHIN_S:g} s")
        except Exception as error:  # noqa: BLE001 - a channel that breaks must not stop the others
            return ChannelError(f"{type(error).__name__}: {error}")
        return None

    def note(self, to: str, error: ChannelError | None) -> SystemTrouble | None:
        """Count a result. Returns what the engine must hear: it fails for everybody now, or works again."""
        if error is None:
            self._handed_over += 1
            self._failures = 0
            self._failed_for.clear()
            return self._turn(None)
        self._failed += 1
        if error.personal:
            return None
        self._failures += 1
        self._failed_for.add(to)
        everybody = len(self._failed_for) >= min(2, self._users())
        if everybody and self._failures >= FAILURES_BEFORE_TROUBLE and self.trouble is None:
            return self._turn(one_line(error.reason, 200))
        return None

    def _turn(self, trouble: str | None) -> SystemTrouble | None:
        if (trouble is None) == (self.trouble is None):
            return None
        self.trouble = trouble
        return SystemTrouble(f"channel:{self.name}", trouble is not None, trouble or "works again")
