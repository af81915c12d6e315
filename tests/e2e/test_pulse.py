"""The supervised way of an alarm, with a real gateway, Mosquitto and the collector's parts: each hop is broken once."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.alerter.channels import ChannelError, Letter
from collector.alerter.channels.sink import SINK, SinkChannel
from collector.alerter.notifier import Notifier
from collector.calls.pulse import BROKER, HOPS, POLL, STORE, Pulsed
from collector.calls.pulse import SINK as SINK_HOP
from collector.clock import SteadyClock
from collector.desk import Desk, Patience
from collector.session.inbox import Inbox
from collector.session.listener import Listener
from collector.storage.histories import open_history
from collector.storage.records import Batch, Record
from collector.storage.store import Limits, Store
from config.endpoint import parse_mqtt
from config.loader import load_site
from config.pulse import words_of
from config.words import Lane
from tests.e2e.test_collector_host import Collector
from tests.gateway_house import EDGE, Gateway, Heads, heads_on_tcp, write_site
from tests.servers import Server, mosquitto, wait_until
from tests.slaves import Slave, tcp_slave

EVERY_S, WITHIN_S = 5.0, 3.0
TOLD_WITHIN_S = EVERY_S + 1 + WITHIN_S + 3.0

pytestmark = pytest.mark.servers


class Register:
    """A pulse register as the gateway reads it, in a thread of its own; `silent`: it does not answer."""

    def __init__(self) -> None:
        self.silent = False
        self._began = time.time()

    def answer(self, request: bytes) -> list[tuple[float, bytes]]:
        """The script of a Modbus TCP slave."""
        if self.silent:
            return []
        beat = int((time.time() - self._began) / EVERY_S)
        words = words_of(beat, round(self._began + beat * EVERY_S))
        payload = b"".join(word.to_bytes(2, "big") for word in words)
        frame = bytes([request[6], 4, len(payload)]) + payload
        return [(0, request[:4] + len(frame).to_bytes(2, "big") + frame)]


@contextmanager
def register_on_tcp() -> Iterator[tuple[Register, int]]:
    register, ready, ends = Register(), threading.Event(), threading.Event()
    found: list[Slave] = []

    async def serve() -> None:
        async with tcp_slave(register.answer) as slave:
            found.append(slave)
            ready.set()
            await asyncio.to_thread(ends.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield register, found[0].port
    finally:
        ends.set()
        thread.join(10)


class Stuck(Store):
    """A store whose disk can be made to hang."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Limits(reserve_bytes=4096, pulses_keep=1), read_only=False)
        self.free = asyncio.Event()
        self.free.set()

    async def commit(self, batch: Batch) -> tuple[Record, ...]:
        await self.free.wait()
        return await super().commit(batch)


class FailingSink(SinkChannel):
    """The test sink, which can be made to fail."""

    failing = False

    async def send(self, letter: Letter) -> None:
        if self.failing:
            raise ChannelError("made to fail")
        await super().send(letter)


class Console:
    """The only channel to people: keeps the subjects of what it was given."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def send(self, letter: Letter) -> None:
        self.subjects.append(letter.words.subject)


class Scene:
    """The collector's parts as its process puts them together."""

    def __init__(self, desk: Desk, store: Stuck, sink: FailingSink, console: Console, gateway: Gateway) -> None:
        self.desk, self.store, self.sink, self.console, self.gateway = desk, store, sink, console, gateway

    @property
    def beat(self) -> int | None:
        """The newest beat that went the whole way."""
        kept = self.desk.engine.kept(Pulsed).get(EDGE.node)
        return kept.beat if kept is not None and kept.handed_over_at_ms is not None else None

    @property
    def broken(self) -> list[str]:
        """The hops that are broken now."""
        return [alarm.point for alarm in self.desk.engine.alarms.values() if alarm.point in HOPS]

    async def until(self, true: Callable[[], bool], what: str, within_s: float) -> None:
        """Wait for something; fails the test, saying what did not happen."""
        deadline = time.monotonic() + within_s
        while not true() and time.monotonic() < deadline:  # noqa: ASYNC110 - there is no event for what the engine decides
            await asyncio.sleep(0.02)
        if not true():
            pytest.fail(
                f"not within {within_s:g} s: {what}; broken {self.broken}\n{self.gateway.log.read_text()[-2000:]}"
            )

    async def proven(self, within_s: float = 30.0) -> None:
        """Wait for the next pulse that goes the whole way, with nothing broken after it."""
        before = self.beat
        await self.until(lambda: self.beat not in (before, None) and not self.broken, "a good pulse", within_s)

    async def breaks(self, hop: str) -> None:
        """Wait until this hop, and no other, is told as broken."""
        await self.until(lambda: self.broken == [hop], f"{hop} is named", TOLD_WITHIN_S)


@asynccontextmanager
async def scene(folder: Path, gateway: Gateway, port: int) -> AsyncIterator[Scene]:
    store, clock = Stuck(folder / "state"), SteadyClock()
    await store.open()
    history = await open_history(f"sqlite:{folder}/history")
    desk = Desk(load_site(gateway.site), store, history, await store.restore(), clock, Patience(60.0))
    sink, console = FailingSink(desk.tell), Console()
    channels = {"c": console, SINK: sink}
    notifier = Notifier(desk.site, store, channels, desk, lambda *_: "https://x/a/y", clock, desk.act)
    desk.after_commit += [sink.stored, lambda _records: notifier.wake()]
    lanes = await store.lanes()
    inbox = Inbox(
        parse_mqtt(f"mqtt://127.0.0.1:{port}"), "host", desk, lambda send: Listener(desk, lanes, send, clock), clock
    )
    running = [asyncio.create_task(each.run()) for each in (desk, inbox, notifier)]
    try:
        await asyncio.to_thread(gateway.start)
        yield Scene(desk, store, sink, console, gateway)
    finally:
        store.free.set()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await history.close()
        await store.close()


@pytest.fixture
def broker() -> Iterator[Server]:
    with mosquitto() as server:
        yield server


@pytest.fixture
def heads() -> Iterator[tuple[Heads, int]]:
    with heads_on_tcp() as (found, slave):
        yield found, slave.port


@pytest.fixture
def register() -> Iterator[tuple[Register, int]]:
    with register_on_tcp() as found:
        yield found


Promise = Callable[[Scene], Coroutine[Any, Any, None]]


def kept(folder: Path, broker: Server, modbus_port: int, promise: Promise, register_port: int | None = None) -> None:
    """Run a gateway with a pulse against the collector's parts. `register_port`: a register of the test's own."""
    site = write_site(folder / "site", modbus_port, {"every_s": EVERY_S, "within_s": WITHIN_S})
    buses = None
    if register_port is not None:
        buses = folder / "buses.json"
        buses.write_text(f'{{"pulse": {{"type": "tcp", "port": {register_port}}}}}')
    gateway = Gateway(site, broker.port, folder / "gateway", buses)

    async def main() -> None:
        async with scene(folder, gateway, broker.port) as played, asyncio.timeout(120):
            await promise(played)

    try:
        asyncio.run(main())
    finally:
        gateway.kill()


def test_a_pulse_goes_the_whole_way_in_time_and_calls_nobody(
    broker: Server, heads: tuple[Heads, int], tmp_path: Path
) -> None:
    async def promise(played: Scene) -> None:
        for _ in range(3):
            await played.proven()
        took_ms = played.desk.engine.kept(Pulsed)[EDGE.node].took_ms
        assert took_ms is not None and 0 <= took_ms <= WITHIN_S * 1000
        assert not played.console.subjects and not played.desk.engine.alarms and not played.desk.engine.incidents
        rows = {row.lane: row for row in await played.store.ledger_rows()}
        assert rows[Lane.ALARM].missing == 0 and rows[Lane.ALARM].committed >= 3
        assert len(await played.store.notices(f"pulse:{EDGE.node}")) >= 3
        await played.store.prune()
        (newest,) = await played.store.notices(f"pulse:{EDGE.node}")
        assert len(await played.store.attempts(newest.id)) <= 1

    kept(tmp_path, broker, heads[1], promise)


def test_a_gateway_that_does_not_read_its_register_is_told_and_returns_by_itself(
    broker: Server, heads: tuple[Heads, int], register: tuple[Register, int], tmp_path: Path
) -> None:
    async def promise(played: Scene) -> None:
        await played.proven()
        register[0].silent = True
        await played.breaks(POLL)
        group_s = played.desk.site.plan.group_troubles_s
        await played.until(lambda: bool(played.console.subjects), "somebody is told", group_s + 5)
        register[0].silent = False
        await played.proven()
        assert not played.desk.engine.incidents

    kept(tmp_path, broker, heads[1], promise, register[1])


def test_a_broker_that_is_gone_is_told_as_that_and_pulses_return_by_themselves(
    broker: Server, heads: tuple[Heads, int], tmp_path: Path
) -> None:
    async def promise(played: Scene) -> None:
        await played.proven()
        await asyncio.to_thread(broker.kill)

        def told() -> bool:
            alarms = played.desk.engine.alarms
            return played.broken == [BROKER] or "system:broker" in alarms or f"{EDGE.node}:silent" in alarms

        await played.until(told, "the broker is named", 30)
        await played.until(lambda: "system:broker" in played.desk.engine.alarms, "the broker's own trouble", 30)
        assert not played.broken, "one trouble, not two"
        await asyncio.to_thread(broker.start)
        await played.proven(60)

    kept(tmp_path, broker, heads[1], promise)


def test_a_store_that_hung_is_told_as_that_hop(broker: Server, heads: tuple[Heads, int], tmp_path: Path) -> None:
    async def promise(played: Scene) -> None:
        await played.proven()
        played.store.free.clear()
        await asyncio.sleep(EVERY_S + 2 + WITHIN_S + 1)
        played.store.free.set()
        await played.breaks(STORE)
        await played.proven()

    kept(tmp_path, broker, heads[1], promise)


def test_a_sink_that_fails_is_told_as_that_hop_and_no_channel_of_people_is_blamed(
    broker: Server, heads: tuple[Heads, int], tmp_path: Path
) -> None:
    async def promise(played: Scene) -> None:
        await played.proven()
        played.sink.failing = True
        await played.breaks(SINK_HOP)
        assert not [key for key in played.desk.engine.alarms if key.startswith("system:channel")]
        played.sink.failing = False
        await played.proven()

    kept(tmp_path, broker, heads[1], promise)


def test_the_processes_themselves_show_their_pulse_with_its_time(
    broker: Server, heads: tuple[Heads, int], tmp_path: Path
) -> None:
    site = write_site(tmp_path / "site", heads[1], {"every_s": EVERY_S, "within_s": WITHIN_S})
    gateway, collector = Gateway(site, broker.port, tmp_path / "gateway"), Collector(tmp_path, broker.port, site=site)

    def text() -> str:
        parts = {part["name"]: part for part in collector.ask("/api/v1/health")["parts"]}
        return str(parts[f"pulse:{EDGE.node}"]["text"])

    try:
        collector.start()
        assert text().startswith("not supervised")
        gateway.start()
        wait_until(lambda: re.fullmatch(r"beat \d+ took [0-2]\.\d s", text()) is not None, "a pulse in time", 30)
        assert f'callpoint_pulse_well{{gateway="{EDGE.node}"}} 1' in collector.ask("/metrics")
        assert collector.ask("/api/v1/incidents?state=all")["incidents"] == []
    finally:
        collector.close()
        gateway.kill()


def test_a_gateway_that_is_gone_is_one_trouble(broker: Server, heads: tuple[Heads, int], tmp_path: Path) -> None:
    async def promise(played: Scene) -> None:
        await played.proven()
        await asyncio.to_thread(played.gateway.kill)
        await played.until(lambda: f"{EDGE.node}:silent" in played.desk.engine.alarms, "it is silent", 30)
        await asyncio.sleep(EVERY_S + WITHIN_S + 2)
        assert list(played.desk.engine.alarms) == [f"{EDGE.node}:silent"]
        await asyncio.to_thread(played.gateway.start)
        await played.proven(60)

    kept(tmp_path, broker, heads[1], promise)
