"""What every channel is: it hands one letter over within a bounded time, or says why not and whether to try again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from collector.messages.message import Words
from config.people import Language

T = TypeVar("T")
THREADS_MAX = 16  # blocking calls of one channel under way, the hanging ones included


@dataclass(frozen=True, slots=True)
class Letter:
    """One sending of a notice to one person. A repeat keeps the notice's id and counts `sending` up."""

    notice: str
    sending: int  # 1-based
    community: str  # its id
    community_name: str
    to: str  # the person's address on this channel, as the site file says
    name: str
    words: Words
    url: str | None = None  # where to answer
    urgent: bool = False
    person: str = ""  # their id; "" where the letter is for no person
    language: Language = "zh"  # of its words
    asks: bool = False  # for an answer: going, arrived, cannot
    facts: Mapping[str, str | int] = field(default_factory=dict)  # for machines: incident, kind, reason …

    @property
    def key(self) -> str:
        """The same for an attempt repeated after a crash, so that its twin can be dropped; another for each repeat.

        A repeat is meant to ring again: under the first one's key a mail server would drop it.
        """
        return self.notice if self.sending == 1 else f"{self.notice}-{self.sending}"


class ChannelError(Exception):
    """The channel did not take the letter. `permanent`: the same letter will not be taken later either.

    `personal`: it is the person's own phone that is gone, and says nothing of the channel.
    """

    def __init__(
        self, reason: str, permanent: bool = False, retry_after_s: float | None = None, personal: bool = False
    ) -> None:
        self.reason = reason  # never a secret: it is shown and stored
        self.permanent = permanent
        self.retry_after_s = retry_after_s  # what the other side asked for, already bounded
        self.personal = personal
        super().__init__(reason)


class Channel(Protocol):
    """A road to people."""

    async def send(self, letter: Letter) -> None:
        """Return once the other side has taken the letter. Raises ChannelError."""


class Threads:
    """A channel's blocking calls, each in a daemon thread: one that hangs delays neither others nor the end."""

    def __init__(self, threads_max: int = THREADS_MAX) -> None:
        self._free = threads_max

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`. If the wait is cancelled its thread counts on until it ends. Raises ChannelError."""
        if self._free == 0:
            raise ChannelError("too many earlier sendings still hang")
        self._free -= 1
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            self._free += 1
            if future.done():
                return
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        def call() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - the waiter shall have it, not the thread
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=call, name="channel", daemon=True).start()
        return await future
