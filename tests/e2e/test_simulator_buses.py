"""Promises of the simulated buses, asked by an independent master (mbpoll): every register map, TCP and serial line.

All expected numbers are written by hand from the register maps.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import termios
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from config.loader import load_site
from simulator.actions import Action, Discharge, Entrap, Force, Puff, Weather
from simulator.faults import LATE_S, Fault
from simulator.models import KEEPS_SILENT
from simulator.serve import RtuLine, TcpServer, Unit, Units
from simulator.world import World

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
ACTIONS: tuple[Action, ...] = (
    Weather(temperature_c=20),
    Puff(device="smoke-b3-502", obscuration_db_m=0.3, for_s=60),
    Puff(device="panel-b5", detector=4, obscuration_db_m=0.3, for_s=60),
    Force(device="panel-b5", detector=2, bit=2),
    Force(device="panel-b5", detector=6, bit=3),
    Discharge(device="extinguisher-b3-4", to_kpa=600, over_s=0),
    Entrap(device="lift-b6", between=True, alarm_button=True),
    Entrap(device="lift-b4", between=False),
)
DEVICES = ("smoke-b3-502", "panel-b5", "extinguisher-b3-4", "hydrant-b2", "riser-b3", "lift-b6", "lift-b4")
SMOKE, PANEL, EXTINGUISHER, HYDRANT, RISER, LIFT, LIFT_BOX = 1, 2, 13, 21, 22, 3, 247
BIT, INPUT, HOLDING = "1", "3:hex", "4:hex"

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed (apt-get install mbpoll)"),
]
Bus = TcpServer | RtuLine


class Bench:
    """One world at its first moment on one bus, and how mbpoll asks it. `writes` lists refused writes."""

    def __init__(self, kind: str) -> None:
        site = load_site(DEMO)
        self.world = World(site, 1)
        for action in ACTIONS:
            self.world.act(action)
        self.writes: list[tuple[str, int]] = []
        numbers = (SMOKE, PANEL, EXTINGUISHER, HYDRANT, RISER, LIFT, LIFT_BOX)
        units = {
            number: Unit(device, site.devices[device].profile in KEEPS_SILENT)
            for number, device in zip(numbers, DEVICES, strict=True)
        }
        slaves = Units(units, self.world.registers, lambda device, code: self.writes.append((device, code)), lambda: 0)
        self.bus: Bus = TcpServer(slaves) if kind == "tcp" else RtuLine(slaves)

    async def ask(self, unit: int, table: str, address: int, count: int = 1, *values: str) -> list[int] | str:
        """What mbpoll reads: the values, or its error in words."""
        if isinstance(self.bus, TcpServer):
            where, ends = ["-m", "tcp", "-p", str(self.bus.port)], "127.0.0.1"
        else:
            where, ends = ["-m", "rtu", "-b", "115200", "-P", "none"], self.bus.path
        what = ["-a", str(unit), "-0", "-r", str(address), "-t", table, "-o", "0.4"]
        what += [] if values else ["-c", str(count), "-1"]
        process = await asyncio.create_subprocess_exec("mbpoll", *where, *what, ends, *values, stdout=-1, stderr=-2)
        output = (await process.communicate())[0].decode()
        if process.returncode:
            return re.sub(r"(?s).*failed: (.*?)\n.*", r"\1", output)
        return [int(value, 0) for value in re.findall(r"^\[\d+\]:\s+(\S+)", output, re.MULTILINE)]


def served(kind: str, test: Callable[[Bench], Awaitable[None]]) -> Bench:
    """Run a test against an open bus."""

    async def run() -> Bench:
        bench = Bench(kind)
        await bench.bus.open()
        try:
            await test(bench)
        finally:
            await bench.bus.close()
            if isinstance(bench.bus, RtuLine):
                bench.bus.remove()
        return bench

    return asyncio.run(run())


def forget_what_nobody_read(bus: Bus) -> None:
    """A pty keeps for the next master what a real line would have lost."""
    if isinstance(bus, RtuLine):
        with Path(bus.path).open("rb", buffering=0) as terminal:
            termios.tcflush(terminal, termios.TCIFLUSH)


both = pytest.mark.parametrize("kind", ["tcp", "rtu"])


@both
def test_every_register_map_is_served_as_written(kind: str) -> None:
    async def test(bench: Bench) -> None:
        smoke = await bench.ask(SMOKE, INPUT, 0, 10)
        assert isinstance(smoke, list)
        # obscuration 0.300 dB/m and up to 0.002 of noise; a clean head's drift is between 5 and 39 %
        assert (300 <= smoke[1] <= 302, 5 <= smoke[3] < 40) == (True, True)
        assert [*smoke[:1], *smoke[2:3], *smoke[4:]] == [0x0003, 200, 2400, 1, 0, 0, 0, 0]

        # magic, version, word (normal, fire, fault, disabled), counts, changes, uptime, 220.0 V, 27.30 V, loops …
        panel = [0x4650, 1, 0x000F, 1, 1, 1, 0, 3, 0, 0, 2200, 2730, 1, 6, 0]
        assert await bench.ask(PANEL, INPUT, 0, 15) == panel
        assert await bench.ask(PANEL, INPUT, 0x0100, 8) == [0x8000, 1, 0x0005, 1, 0x0003, 1, 0x0009, 0x8000]
        assert await bench.ask(PANEL, INPUT, 0x0300, 8) == [0, 42, 42, 42, 42, 42, 42, 0]
        assert await bench.ask(PANEL, INPUT, 0x0504) == [200]
        assert await bench.ask(PANEL, BIT, 0, 8) == [0, 0, 0, 0, 1, 0, 0, 0]
        assert await bench.ask(PANEL, BIT, 256, 8) == [0, 0, 1, 0, 0, 0, 0, 0]
        assert await bench.ask(PANEL, BIT, 512, 8) == [0, 0, 0, 0, 0, 0, 1, 0]

        # low, 600 kPa, 600.0 as float32, 20.0 °C, 600 kPa at 20 °C, 2500 kPa full scale, 3600 mV, fresh, kPa
        extinguisher = [0x0002, 600, 0x4416, 0x0000, 200, 600, 2500, 3600, 0, 1]
        assert await bench.ask(EXTINGUISHER, INPUT, 0, 10) == extinguisher
        # address, 9600 baud, MPa, three decimals, 0.320, zero, full scale 1.600
        assert await bench.ask(HYDRANT, HOLDING, 0, 7) == [21, 3, 0, 3, 320, 0, 1600]
        assert await bench.ask(RISER, HOLDING, 3, 2) == [1, 3]
        assert await bench.ask(RISER, HOLDING, 0x16, 2) == [0x3EA3, 0xD70A], "0.32 MPa as float32"
        assert await bench.ask(RISER, HOLDING, 0x26, 2) == [0x41A0, 0x0000], "20.0 °C as float32"

        # trapped between floors, alarm button; floor 1; somebody inside, locked, safety chain closed, mains ok
        lift = [0x2002, 0, 0, 0, 1, 0x003C, 0, 12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
        assert await bench.ask(LIFT, INPUT, 0, 18) == lift
        # trapped at a level; level and person in the high byte; floor 1 in the high byte, 0.0 m/s in the low one
        box = [0x0001, 0x1400, 0x0100, *[0] * 10, 0x0700, 28, 0, 0, 0, 0]
        assert await bench.ask(LIFT_BOX, HOLDING, 0x10, 19) == box

    served(kind, test)


@both
def test_what_is_not_in_the_map_is_an_exception(kind: str) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.ask(SMOKE, INPUT, 10) == "Illegal data address"
        assert await bench.ask(SMOKE, INPUT, 5, 6) == "Illegal data address"
        assert await bench.ask(SMOKE, HOLDING, 0) == "Illegal function"
        assert await bench.ask(PANEL, BIT, 200) == "Illegal data address"

    served(kind, test)


@both
def test_an_unknown_unit_is_silent_on_the_line_and_named_by_the_converter(kind: str) -> None:
    async def test(bench: Bench) -> None:
        words = {"tcp": "Target device failed to respond", "rtu": "Connection timed out"}
        assert await bench.ask(99, INPUT, 0) == words[kind]

    served(kind, test)


@both
@pytest.mark.parametrize(("table", "values", "code"), [("0", ["1"], 5), ("4", ["7"], 6), ("4", ["7", "8"], 16)])
def test_a_write_is_refused_and_reported(kind: str, table: str, values: list[str], code: int) -> None:
    async def test(bench: Bench) -> None:
        before = bench.world.registers("hydrant-b2")
        assert await bench.ask(HYDRANT, table, 2, 1, *values) == "Illegal function"
        assert bench.world.registers("hydrant-b2") == before

    assert served(kind, test).writes == [("hydrant-b2", code)]


@both
def test_the_lift_box_keeps_silent_and_cuts_long_reads_short(kind: str) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.ask(LIFT_BOX, HOLDING, 0x0F) == "Connection timed out"
        assert await bench.ask(LIFT_BOX, INPUT, 0x10) == "Connection timed out"
        assert await bench.ask(LIFT_BOX, "4", 0x10, 1, "5") == "Connection timed out"
        assert await bench.ask(LIFT_BOX, HOLDING, 0x22, 2) == "Invalid data", "fewer registers than asked for"
        assert await bench.ask(LIFT_BOX, HOLDING, 0x22, 1) == [0]

    served(kind, test)


@both
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.LATE, Fault.GARBLED])
def test_a_faulty_unit_spoils_its_own_answers_only(kind: str, fault: Fault) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.units.faults["smoke-b3-502"] = fault
        assert isinstance(await bench.ask(SMOKE, INPUT, 0), str), "no value comes through"
        if fault is Fault.LATE:
            await asyncio.sleep(LATE_S)
            forget_what_nobody_read(bench.bus)
        assert await bench.ask(EXTINGUISHER, INPUT, 0) == [0x0002]
        del bench.bus.units.faults["smoke-b3-502"]
        assert await bench.ask(SMOKE, INPUT, 0) == [0x0003]

    served(kind, test)


@both
def test_a_bus_can_lose_its_connection_and_get_it_back_where_it_was(kind: str) -> None:
    async def test(bench: Bench) -> None:
        address = bench.bus.address()
        await bench.bus.close()
        assert isinstance(await bench.ask(SMOKE, INPUT, 0), str)
        await bench.bus.open()
        assert bench.bus.address() == address
        assert await bench.ask(SMOKE, INPUT, 0) == [0x0003]

    served(kind, test)
