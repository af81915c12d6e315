"""Whom `callpoint bench page` calls: mail, web and push servers on loopback, in a process of their own.

They take letters and note for whom and when. Beside the good ones: one that fails every fifth request, one that takes
every connection and never answers; and a port on which nobody listens.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from urllib.parse import unquote

FAILS_EVERY = 5
START_WITHIN_S = 20.0
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TO = re.compile(rb"RCPT TO:<([^@>]+)@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each of them listens."""

    web: int
    fifth: int
    silent: int
    refused: int  # nobody
    mail: int


class Sinks:
    """The process, from here."""

    def __init__(self, ports: Ports, pipe: Connection) -> None:
        self.ports = ports
        self._pipe = pipe

    def taken(self) -> dict[str, float]:
        """When the first letter for each person was taken whole: seconds of the machine's clock."""
        self._pipe.send("taken")
        found: dict[str, float] = self._pipe.recv()
        return found

    def count(self) -> int:
        """How many that are so far."""
        self._pipe.send("count")
        found: int = self._pipe.recv()
        return found

    def forget(self) -> None:
        """Begin anew."""
        self._pipe.send("forget")
        self._pipe.recv()


@contextmanager
def sinks() -> Iterator[Sinks]:
    """All of them, until the end of the block. Raises TimeoutError."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(START_WITHIN_S):
            raise TimeoutError("the bench's servers did not start")
        yield Sinks(Ports(*ours.recv()), ours)
    finally:
        process.kill()
        process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_listen(pipe))


async def _listen(pipe: Connection) -> None:
    taken: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    counted = iter(range(1, 10**9))
    web = await loop.create_server(lambda: _Web(taken, None), "127.0.0.1", 0)
    fifth = await loop.create_server(lambda: _Web(taken, counted), "127.0.0.1", 0)
    silent = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=1024)
    mail = await loop.create_server(lambda: _Mail(taken), "127.0.0.1", 0)
    closed = socket.create_server(("127.0.0.1", 0))
    refused = int(closed.getsockname()[1])
    closed.close()
    pipe.send([*(int(each.sockets[0].getsockname()[1]) for each in (web, fifth, silent)), refused, _port(mail)])
    while True:
        word = await asyncio.to_thread(pipe.recv)
        pipe.send(len(taken) if word == "count" else dict(taken))
        if word == "forget":
            taken.clear()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


class _Web(asyncio.Protocol):
    """One HTTP connection: a webhook's post says for whom in its body, a push message in its path."""

    def __init__(self, taken: dict[str, float], counted: Iterator[int] | None) -> None:
        self._taken = taken
        self._counted = counted
        self._come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        head, found, body = self._come.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or len(body) < int(length[1] if length else 0):
            return
        self._come = b""
        if self._counted is not None and next(self._counted) % FAILS_EVERY == 0:
            self._transport.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            return
        path = unquote(head.split(b" ", 2)[1].decode())
        to = path.rpartition("/")[2] if path.startswith("/push/") else str(json.loads(body)["to"])
        self._taken.setdefault(to, time.time())
        self._transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


class _Mail(asyncio.Protocol):
    """One SMTP connection, which may bring several mails."""

    def __init__(self, taken: dict[str, float]) -> None:
        self._taken = taken
        self._come = b""
        self._to = ""
        self._in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._come += data
        while True:
            end = b"\r\n.\r\n" if self._in_mail else b"\r\n"
            line, found, rest = self._come.partition(end)
            if not found:
                return
            self._come = rest
            self._transport.write(self._answer(line))

    def _answer(self, line: bytes) -> bytes:
        if self._in_mail:
            self._in_mail = False
            self._taken.setdefault(self._to, time.time())
            return b"250 taken\r\n"
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_mail = True
            return b"354 go on\r\n"
        if to := _TO.match(line):
            self._to = to[1].decode()
        return {b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", b"QUIT": b"221 bye\r\n"}.get(
            verb, b"250 yes\r\n"
        )
