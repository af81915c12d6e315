"""Promises of the simulated buses to a master that misbehaves: noise, broken frames, requests in pieces or in a row."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Awaitable, Callable

from config.profile import Table
from simulator.serve import CONNECTIONS_MAX, LOOPBACK, SILENCE_S, RtuLine, TcpServer, Unit, Units, crc16

REGISTERS = {Table.INPUT: {0: 7}, Table.HOLDING: {0x10: 9}}
WITHIN_S = 5.0


def units() -> Units:
    return Units(
        {1: Unit("strict", False), 247: Unit("lax", True)}, lambda _: REGISTERS, lambda *_: None, chance=lambda: 0.0
    )


def rtu(body_hex: str) -> bytes:
    body = bytes.fromhex(body_hex)
    return body + crc16(body)


READ_1, ANSWER_1 = rtu("01 04 0000 0001"), rtu("01 04 02 0007")
READ_247, ANSWER_247 = rtu("F7 03 0010 0001"), rtu("F7 03 02 0009")


class Terminal:
    """A master's end of the line, byte by byte."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd)
        os.set_blocking(self._fd, False)

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    async def receive(self, count: int) -> bytes:
        """Exactly `count` bytes, or as many as have come when the time is over."""
        got = b""
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while len(got) < count and asyncio.get_running_loop().time() < deadline:
            try:
                got += os.read(self._fd, count - len(got))
            except BlockingIOError:
                await asyncio.sleep(0.005)
        return got

    def close(self) -> None:
        os.close(self._fd)


def on_a_line(test: Callable[[Terminal], Awaitable[None]]) -> None:
    async def run() -> None:
        line = RtuLine(units())
        await line.open()
        terminal = Terminal(line.path)
        try:
            await test(terminal)
        finally:
            terminal.close()
            await line.close()
            line.remove()

    asyncio.run(run())


def test_a_broken_frame_is_forgotten_after_a_silence() -> None:
    async def test(terminal: Terminal) -> None:
        for noise in (READ_1[:5], b"\x00\xff\x55" * 9, READ_1[:-1] + b"\x00", bytes(300)):
            terminal.send(noise)
            await asyncio.sleep(5 * SILENCE_S)
            terminal.send(READ_1)
            assert await terminal.receive(len(ANSWER_1)) == ANSWER_1

    on_a_line(test)


def test_a_request_in_pieces_and_two_in_a_row_are_answered() -> None:
    async def test(terminal: Terminal) -> None:
        terminal.send(READ_1[:3])
        terminal.send(READ_1[3:])
        assert await terminal.receive(len(ANSWER_1)) == ANSWER_1
        terminal.send(READ_1 + READ_247)
        assert await terminal.receive(len(ANSWER_1 + ANSWER_247)) == ANSWER_1 + ANSWER_247

    on_a_line(test)


def test_only_the_lax_unit_answers_a_request_with_a_wrong_crc() -> None:
    async def test(terminal: Terminal) -> None:
        terminal.send(READ_1[:-2] + b"\x00\x00")
        await asyncio.sleep(5 * SILENCE_S)
        terminal.send(READ_247[:-2] + b"\x00\x00")
        assert await terminal.receive(len(ANSWER_247)) == ANSWER_247

    on_a_line(test)


def test_a_function_of_unknown_length_is_refused_after_a_silence() -> None:
    async def test(terminal: Terminal) -> None:
        terminal.send(rtu("01 2B 0E 01 00"))
        assert await terminal.receive(5) == rtu("01 AB 01")

    on_a_line(test)


def on_tcp(test: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        server = TcpServer(units())
        await server.open()
        try:
            await asyncio.wait_for(test(server.port), WITHIN_S)
        finally:
            await server.close()

    asyncio.run(run())


def mbap(transaction: int, body_hex: str) -> bytes:
    body = bytes.fromhex(body_hex)
    return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def test_tcp_requests_in_pieces_and_in_a_row_are_answered_under_their_own_transaction() -> None:
    async def test(port: int) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        first = mbap(1, "01 04 0000 0001")
        writer.write(first[:9])
        await asyncio.sleep(0.02)
        writer.write(first[9:] + mbap(2, "01 04 0000 0001"))
        expected = mbap(1, "01 04 02 0007") + mbap(2, "01 04 02 0007")
        assert await reader.readexactly(len(expected)) == expected
        writer.close()

    on_tcp(test)


def test_what_is_not_modbus_ends_its_own_connection_only() -> None:
    async def test(port: int) -> None:
        good_reader, good_writer = await asyncio.open_connection(LOOPBACK, port)
        for noise in (b"GET / HTTP/1.1\r\n\r\n", mbap(1, "01")[:6] + b"\x01", b"\0\1\0\0\xff\xff\x01"):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(noise)
            assert await reader.read() == b""
            writer.close()
        good_writer.write(mbap(1, "01 04 0000 0001"))
        assert (await good_reader.readexactly(11))[-1] == 7
        good_writer.close()

    on_tcp(test)


def test_connections_are_bounded() -> None:
    async def test(port: int) -> None:
        held = [await asyncio.open_connection(LOOPBACK, port) for _ in range(CONNECTIONS_MAX)]
        held[-1][1].write(mbap(1, "01 04 0000 0001"))
        await held[-1][0].readexactly(11)
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        assert await reader.read() == b"", "one too many"
        for _, each in [*held, (reader, writer)]:
            each.close()

    on_tcp(test)
