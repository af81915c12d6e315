"""Modbus slaves made of bytes, for tests: they know nothing of our code and answer exactly what a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import wait_until

Answer = list[tuple[float, bytes]]  # pieces to send, each after a pause in s
Script = Callable[[bytes], Answer]  # request -> answer


def crc(frame: bytes) -> bytes:
    """CRC-16/MODBUS bit by bit, low byte first (Modbus over serial line, §6.2.2)."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return bytes([value & 0xFF, value >> 8])


def rtu(text: str) -> bytes:
    """A frame in hex, with its CRC."""
    frame = bytes.fromhex(text)
    return frame + crc(frame)


@dataclass(frozen=True, slots=True)
class Line:
    """A serial line: the paths of its two ends, and scissors."""

    master: str
    slave: str
    cut: Callable[[], None]


@contextmanager
def serial_line() -> Iterator[Line]:
    """Two ends of a serial line, by socat."""
    if shutil.which("socat") is None:
        pytest.skip("socat is not installed (apt-get install socat)")
    with tempfile.TemporaryDirectory(prefix="callpoint-line-") as name:
        ends = [str(Path(name) / end) for end in ("master", "slave")]
        process = subprocess.Popen(["socat", *(f"pty,raw,echo=0,link={end}" for end in ends)])
        try:
            wait_until(lambda: all(Path(end).exists() for end in ends), "socat made its ptys")

            def cut() -> None:
                process.terminate()
                process.wait()

            yield Line(ends[0], ends[1], cut)
        finally:
            process.terminate()
            process.wait()


@dataclass
class Slave:
    """What was asked of it so far, and what it answers now."""

    script: Script
    requests: list[bytes] = field(default_factory=list)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def serve(self, request: bytes, send: Callable[[bytes], object]) -> None:
        """Answer one request in its own time."""
        self.requests.append(request)
        task = asyncio.get_running_loop().create_task(self._answer(self.script(request), send))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, answer: Answer, send: Callable[[bytes], object]) -> None:
        for pause_s, piece in answer:
            await asyncio.sleep(pause_s)
            send(piece)


@asynccontextmanager
async def rtu_slave(path: str, script: Script) -> AsyncIterator[Slave]:
    """A slave on one end of a serial line; every read request has 8 bytes."""
    slave, heard = Slave(script), bytearray()
    end = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(end)

    def on_bytes() -> None:
        heard.extend(os.read(end, 4096))
        while len(heard) >= 8:
            request = bytes(heard[:8])
            del heard[:8]
            slave.serve(request, lambda piece: os.write(end, piece))

    loop = asyncio.get_running_loop()
    loop.add_reader(end, on_bytes)
    try:
        yield slave
    finally:
        loop.remove_reader(end)
        for task in slave.tasks:
            task.cancel()
        os.close(end)


@asynccontextmanager
async def tcp_slave(script: Script) -> AsyncIterator[Slave]:
    """A slave on 127.0.0.1; every read request has 12 bytes. An empty piece closes the connection."""
    slave = Slave(script)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readexactly(12)
                slave.serve(request, lambda piece: writer.write(piece) if piece else writer.close())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    slave.port = server.sockets[0].getsockname()[1]
    try:
        yield slave
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for task in slave.tasks:
            task.cancel()
