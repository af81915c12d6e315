"""The gateway's own register that changes every few minutes, on a loopback port, to be read like any device's.

It goes the whole way of an alarm, so that a poll, a journal or a link that is stuck does not pass for quiet. It
answers reads of its input registers and nothing else.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import ceil

from config.profile import Table
from config.pulse import REGISTERS, words_of
from gateway.clock import Clock

LOOPBACK = "127.0.0.1"
CONNECTIONS_MAX = 4  # one is the gateway's; the others are for whoever looks at it by hand
HEADER_BYTES, REQUEST_BYTES = 7, 5  # MBAP header; function, address, count
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2


class PulseRegister:
    """Beats every `every_s`, on full seconds of UTC."""

    def __init__(self, every_s: float, clock: Clock) -> None:
        self._every_ms = ceil(every_s) * 1000
        self._clock = clock
        self._beat = -1
        self._words: tuple[int, ...] = ()
        self._connections: set[asyncio.StreamWriter] = set()
        self.change()

    def change(self) -> None:
        """The next beat, now."""
        self._beat += 1
        self._words = words_of(self._beat, (self._clock.utc_ms() + 500) // 1000)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Answer, at the port that it gives, and beat for as long as the context is open. Raises OSError."""
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        beating = asyncio.create_task(self._run())
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            beating.cancel()
            server.close()
            for writer in self._connections:
                writer.transport.abort()

    async def _run(self) -> None:
        while True:
            # By the clock that never steps; the remainder puts the next change on a full second.
            await asyncio.sleep((self._every_ms - self._clock.utc_ms() % 1000) / 1000)
            self.change()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    header = await reader.readexactly(HEADER_BYTES)
                    if header[2:4] != b"\0\0" or int.from_bytes(header[4:6], "big") != REQUEST_BYTES + 1:
                        break  # nothing that reads registers looks so
                    answer = self._answer(await reader.readexactly(REQUEST_BYTES))
                    writer.write(header[:4] + (len(answer) + 1).to_bytes(2, "big") + header[6:] + answer)
                    await writer.drain()
        finally:
            self._connections.discard(writer)
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        """The answer to one PDU (Modbus application protocol §6.4)."""
        function, first, count = struct.unpack(">BHH", request)
        if function != Table.INPUT.function_code:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        if not 1 <= count <= REGISTERS - first:
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *self._words[first : first + count])
