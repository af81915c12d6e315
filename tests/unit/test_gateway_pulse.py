"""The gateway's own register: read like any device's, changed every few minutes, and never written."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from config.document import Mistakes
from config.loader import load_site
from config.profile import Table, points_of
from config.pulse import BEAT, CHANGED_AT_S, PROFILE, REGISTERS, UNIT, device_in, words_of
from config.site import TcpBus
from config.words import Lane
from gateway.blocks import blocks_of
from gateway.clock import Clock
from gateway.decode import decode_point
from gateway.link import DeviceRefused
from gateway.modbus import ModbusLink
from gateway.plan import GatewayOptions, plan_of
from gateway.poller import polled
from gateway.pulse import CONNECTIONS_MAX, PulseRegister

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"


class SetClock(Clock):
    """A clock whose UTC is set by hand."""

    utc = 1_750_000_000_400

    def utc_ms(self) -> int:
        return self.utc


def with_link(play: Callable[[PulseRegister, ModbusLink, SetClock, int], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = SetClock()
        register = PulseRegister(3600, clock)
        async with register.serving() as port, asyncio.timeout(10):
            link = ModbusLink(TcpBus(id="pulse", type="tcp", host="127.0.0.1", port=port, devices=(device_in("b"),)))
            await link.open()
            await play(register, link, clock, port)
            link.close()

    asyncio.run(main())


def test_the_register_says_its_beat_and_when_it_changed() -> None:
    async def play(register: PulseRegister, link: ModbusLink, clock: SetClock, _port: int) -> None:
        first = await link.read(UNIT, Table.INPUT, 0, REGISTERS, 1.0)
        clock.utc += 180_000
        register.change()

        assert first == words_of(0, 1_750_000_000)
        assert await link.read(UNIT, Table.INPUT, 0, REGISTERS, 1.0) == words_of(1, 1_750_000_180)
        assert await link.read(UNIT, Table.INPUT, 1, 2, 1.0) == (1, 1_750_000_180 >> 16)

    with_link(play)


def test_it_refuses_other_tables_and_addresses() -> None:
    async def play(_register: PulseRegister, link: ModbusLink, _clock: SetClock, _port: int) -> None:
        for table, first, count in (
            (Table.HOLDING, 0, 1),
            (Table.COIL, 0, 1),
            (Table.INPUT, 4, 1),
            (Table.INPUT, 0, 5),
            (Table.INPUT, 65535, 1),
        ):
            with pytest.raises(DeviceRefused):
                await link.read(UNIT, table, first, count, 1.0)

    with_link(play)


def test_it_answers_no_write_and_no_garbage_and_goes_on() -> None:
    async def play(_register: PulseRegister, link: ModbusLink, _clock: SetClock, port: int) -> None:
        writes = bytes.fromhex("000100000006 01 06 0000 0001")
        for sent, answer in ((writes, bytes.fromhex("000100000003 01 86 01")), (b"GET / HTTP/1.1\r\n\r\n", b"")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await reader.read(len(answer) or 1) == answer
            writer.close()
        assert len(await link.read(UNIT, Table.INPUT, 0, REGISTERS, 1.0)) == REGISTERS

    with_link(play)


def test_its_connections_are_bounded() -> None:
    async def play(_register: PulseRegister, link: ModbusLink, _clock: SetClock, port: int) -> None:
        await link.read(UNIT, Table.INPUT, 0, REGISTERS, 1.0)
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]

        assert await others[-1][0].read(1) == b""
        assert len(await link.read(UNIT, Table.INPUT, 0, REGISTERS, 1.0)) == REGISTERS
        for _, writer in others:
            writer.close()

    with_link(play)


def test_it_is_one_read_in_the_alarm_lane_and_every_change_is_told_once() -> None:
    (block,) = blocks_of(points_of(PROFILE), PROFILE, 0.25, 10.0)
    assert (block.table, block.address, block.count, block.lane) == (Table.INPUT, 0, REGISTERS, Lane.ALARM)
    found = polled(
        device_in("b"), PROFILE, points_of(PROFILE), TcpBus(id="x", type="tcp", host="h", devices=(device_in("b"),))
    )

    def told(beat: int, mono_s: int) -> list[str]:
        words = {(Table.INPUT, address): word for address, word in enumerate(words_of(beat, 1_750_000_000 + beat))}
        readings = [decode_point(point, words, PROFILE.points) for point in found.points]
        reports = found.reporter.take(readings, mono_s * 1000)
        return [reading.name for said in reports.values() for reading in said]

    assert told(1, 0) == [BEAT, CHANGED_AT_S]
    assert told(1, 60) == told(1, 3600) == []
    assert told(2, 3601) == [BEAT, CHANGED_AT_S]


def test_a_gateways_plan_has_the_pulse_if_the_sites_has_and_a_buses_file_may_move_it(tmp_path: Path) -> None:
    plan = plan_of(GatewayOptions(DEMO, "gw-east", "mqtt://x"))
    assert plan.pulse_every_s == 180 and "pulse" not in plan.devices
    (tcp, devices) = plan.with_pulse(1234).buses[-1]
    assert isinstance(tcp, TcpBus) and (tcp.host, tcp.port, list(devices)) == ("127.0.0.1", 1234, ["pulse"])

    buses = tmp_path / "buses.json"
    buses.write_text('{"pulse": {"type": "tcp", "host": "192.0.2.9", "port": 99}}')
    moved = plan_of(GatewayOptions(DEMO, "gw-east", "mqtt://x", buses=buses))
    assert moved.pulse_every_s is None and moved.buses[-1][0].port == 99  # its register is somebody else's


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: smoke-b3-502", "id: Pulse", "another id"),
        ("id: smoke-b3-502", "id: drill", "another id"),
        ("id: smoke-b3-502", "id: system", "another id"),
        ("plan:", "plan:\n  pulse: {every_s: 30, within_s: 30}", "less than every_s"),
        ("plan:", "plan:\n  pulse: {every_s: 30, within_s: 2}", "more than 2 s"),
    ],
)
def test_check_names_what_would_be_taken_for_the_collectors_own_and_a_pulse_that_cannot_be(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    site = Path(shutil.copytree(DEMO, tmp_path / "site"))
    (path,) = [each for each in site.glob("*.yaml") if old in each.read_text(encoding="utf-8")]
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(Mistakes, match=said):
        load_site(site)
