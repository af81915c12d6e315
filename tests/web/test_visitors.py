"""Slow and many visitors: they lose their own connection, and cost nobody else theirs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from collector.alerter.app import Server
from collector.alerter.visitors import Visitor
from tests.web.scene import BEARER, WITHIN_S, Scene, scene

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:"
HALF_A_BODY = (
    b"POST /api/v1/incidents/i/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Authorization: " + BEARER["Authorization"].encode() + b"\r\nContent-Length: 20\r\n\r\n{"
)


class Crowded(Visitor):
    connections_max = 20


class Hasty(Visitor):
    request_within_s = 0.2
    read_within_s = 0.2


@asynccontextmanager
async def served(folder: Path, visitor: type[Visitor]) -> AsyncIterator[tuple[int, Scene]]:
    """The port of a web side with such connections, and what is behind it."""
    async with scene(folder) as stage:
        server = Server(stage.app, visitor)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            try:
                yield listener.getsockname()[1], stage
            finally:
                server.should_exit = True
                await serving


async def begun(port: int, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What still came until the other side closed."""
    async with asyncio.timeout(WITHIN_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


def test_a_hundred_requests_that_never_end_do_not_shut_anybody_out(tmp_path: Path) -> None:
    async def run() -> int:
        async with served(tmp_path, Crowded) as (port, _):
            slow = [await begun(port, HALF) for _ in range(100)]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                status = (await client.get("/api/v1/ledger")).status_code
            for _, writer in slow:
                writer.close()
            return status

    assert asyncio.run(run()) == 200


def test_connections_are_bounded_and_the_one_that_waited_longest_gives_way(tmp_path: Path) -> None:
    async def run() -> tuple[bytes, bool]:
        async with served(tmp_path, Crowded) as (port, _):
            slow = [await begun(port, HALF) for _ in range(Crowded.connections_max + 1)]
            first = await ended(slow[0][0])
            last_is_open = not slow[-1][0].at_eof()
            for _, writer in slow:
                writer.close()
            return first, last_is_open

    assert asyncio.run(run()) == (b"", True)


def test_a_request_that_does_not_come_whole_loses_its_connection(tmp_path: Path) -> None:
    async def run() -> list[bytes]:
        async with served(tmp_path, Hasty) as (port, _):
            lines = [await begun(port, said) for said in (b"", HALF, HALF_A_BODY)]
            answers = [await ended(reader) for reader, _ in lines]
            for _, writer in lines:
                writer.close()
            return answers

    assert asyncio.run(run()) == [b"", b"", b""]


def test_an_open_event_stream_is_no_slow_visitor(tmp_path: Path) -> None:
    async def run() -> bytes:
        async with served(tmp_path, Hasty) as (port, stage):
            reader, writer = await begun(port, b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            async with asyncio.timeout(WITHIN_S):
                await reader.readuntil(b"event: change")
                await asyncio.sleep(3 * Hasty.request_within_s)
                await stage.fire()
                said = await reader.readuntil(b"event: change")
            writer.close()
            return said

    assert b"event: change" in asyncio.run(run())


def test_who_never_reads_an_answer_loses_the_connection(tmp_path: Path) -> None:
    async def run() -> int:
        async with served(tmp_path, Hasty) as (port, _):
            _, writer = await begun(port, b"")
            asked = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1000
            async with asyncio.timeout(WITHIN_S):
                try:
                    while True:
                        writer.write(asked)
                        await writer.drain()
                except ConnectionError:
                    return 1
            return 0

    assert asyncio.run(run()) == 1
