"""Connections: so many and no more, and none that only waits. Who is slow on purpose shuts nobody else out.

A connection that does not bring its request whole, or does not read its answer, is closed in time. Where all places
are taken, the one that has waited longest without a whole request gives way to the newest. What is left of the
process's file descriptors belongs to the broker, the store and the channels.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from collector.alerter.middleware import is_photo


class Visitor(H11Protocol):
    """One HTTP connection."""

    connections_max: ClassVar[int] = 500  # a process may hold 1024 files, where nobody has said otherwise
    request_within_s: ClassVar[float] = 20.0  # header and body, from their first byte or the connection's beginning
    photo_within_s: ClassVar[float] = 240.0  # 10 MB at 350 kbit/s
    read_within_s: ClassVar[float] = 60.0  # from when nothing more fits into the connection until something does

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._request: asyncio.TimerHandle | None = None  # runs while a request is awaited
        self._photo = False  # a photo is awaited
        self._reading: asyncio.TimerHandle | None = None  # runs while the other side does not read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A place is taken, or found."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            (self._longest_waiting() or self).transport.abort()
        self._request = self.loop.call_later(self.request_within_s, transport.abort)

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY and not self._photo and is_photo(self.scope["path"]):
            _stop(self._request)
            self._photo = True
            self._request = self.loop.call_later(self.photo_within_s, self.transport.abort)
        elif self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._request = self._request or self.loop.call_later(self.request_within_s, self.transport.abort)
        else:
            _stop(self._request)
            self._request = None
            self._photo = False

    def pause_writing(self) -> None:
        """The other side does not read as fast as we write."""
        super().pause_writing()
        self._reading = self.loop.call_later(self.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        _stop(self._reading)
        self._reading = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The place is free again."""
        super().connection_lost(exc)
        _stop(self._request)
        _stop(self._reading)

    def _longest_waiting(self) -> Visitor | None:
        waiting = [each for each in self.connections if isinstance(each, Visitor) and each._request is not None]
        return min(waiting, key=lambda each: each._request.when() if each._request else 0.0, default=None)


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
