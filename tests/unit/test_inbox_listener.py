"""Between the sessions of gateways and the desk: repeats are compared with the store, and a new start asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from collector.session.listener import Listener
from config.busfigures import BusFigures, metrics_of_bus, readings_of_bus
from config.diagnosis import ANSWER, Diagnosis, write_diagnosis
from config.sparkplug import DataType
from config.wire import check_value, decode, encode_birth, encode_report, topic_of
from config.words import Birth, Command, Committed, Data, Declared, Edge, Lane, Reading, Report
from tests.unit.test_desk import BUILDING, DEVICE, Scene, scene, until

EDGE = Edge("wutong-lane", "gw-east")
ALIASES = {
    1: Declared("fire", DataType.BOOLEAN),
    2: Declared(Lane.ALARM.metric, DataType.UINT64),
    3: Declared(Lane.TELEMETRY.metric, DataType.UINT64),
}


class Wire:
    """A listener with what it sent, and a gateway that speaks to it in bytes."""

    def __init__(self, on: Scene, listener_of: Callable[[Callable[[str, bytes], None]], Listener]) -> None:
        self.on = on
        self.sent: list[Command] = []
        self.listener = listener_of(self._sent)

    def _sent(self, topic: str, payload: bytes) -> None:
        said = decode(topic, payload)
        assert isinstance(said, Command)
        self.sent.append(said)

    def commits(self) -> list[Committed]:
        return [said.commit.lanes[Lane.ALARM] for said in self.sent if said.commit is not None]

    def rebirths(self) -> list[str]:
        return [said.edge.node for said in self.sent if said.rebirth]

    async def born(self, floor: int = 1) -> None:
        births = (
            Birth(EDGE, None, self.on.clock(), 0, (), {}, 1, "e1", dict.fromkeys(Lane, floor), True),
            Birth(EDGE, DEVICE, self.on.clock(), 1, (Reading("fire", False, DataType.BOOLEAN),), ALIASES),
        )
        for birth in births:
            topic = topic_of(EDGE, "NBIRTH") if birth.device is None else topic_of(EDGE, "DBIRTH", birth.device)
            heard = decode(topic, encode_birth(birth))
            assert isinstance(heard, Birth)
            await self.listener.hear(heard)

    async def say(self, position: int, fire: bool = True, seq: int = 2) -> None:
        readings = (Reading("fire", fire, DataType.BOOLEAN),)
        check = check_value(DEVICE, Lane.ALARM, position, readings)
        report = Report(EDGE, DEVICE, Lane.ALARM, "e1", position, check, self.on.clock(), False, readings)
        aliases = {declared.name: alias for alias, declared in ALIASES.items()}
        heard = decode(topic_of(EDGE, "DDATA", DEVICE), encode_report(report, aliases, seq, self.on.clock()))
        assert isinstance(heard, Data)
        await self.listener.hear(heard)


def played(folder: Path, play: Callable[[Wire], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with scene(folder) as on, asyncio.timeout(20):
            lanes = await on.store.lanes()
            await play(Wire(on, lambda publish: Listener(on.desk, lanes, publish, on.clock)))

    asyncio.run(main())


async def stored_before(wire: Wire) -> None:
    await wire.born()
    for position in (1, 2, 3):
        await wire.say(position)
    await until(lambda: wire.commits() and wire.commits()[-1].upto == 3)


def test_a_repeat_of_what_an_earlier_process_stored_is_acknowledged_again(tmp_path: Path) -> None:
    async def again(wire: Wire) -> None:
        await wire.born()
        await wire.say(2)
        assert wire.commits() == [Committed(3)]
        assert wire.on.store.batches == [] or all(not batch.records for batch in wire.on.store.batches)

    played(tmp_path, stored_before)
    played(tmp_path, again)


def test_a_repeat_that_says_something_else_is_trouble_and_not_acknowledged(tmp_path: Path) -> None:
    async def again(wire: Wire) -> None:
        await wire.born()
        await wire.say(2, fire=False)
        await until(lambda: "system:gateway:gw-east:check" in wire.on.desk.engine.alarms)
        assert wire.commits() == []
        # The fire that was stored under this position stays what it was.
        assert [incident.kind for incident in wire.on.desk.incidents.values() if incident.building == BUILDING]

    played(tmp_path, stored_before)
    played(tmp_path, again)


def test_a_record_that_was_given_up_and_comes_after_all_is_kept(tmp_path: Path) -> None:
    async def early(wire: Wire) -> None:
        await wire.born(floor=5)
        await wire.say(5)
        await until(lambda: wire.commits() == [Committed(5)])

    async def late(wire: Wire) -> None:
        await wire.born(floor=5)
        await wire.say(3)
        await until(lambda: wire.on.stored)
        (row,) = [row for row in await wire.on.store.ledger_rows() if row.lane is Lane.ALARM]
        assert (row.committed, row.missing) == (2, 3)

    played(tmp_path, early)
    played(tmp_path, late)


def test_after_a_failed_commit_what_was_heard_is_asked_for_and_taken_again(tmp_path: Path) -> None:
    async def play(wire: Wire) -> None:
        await wire.born()
        await wire.say(1)
        await until(lambda: wire.commits() == [Committed(1)])
        restarts: list[bool] = []
        wire.on.desk.after_restart.append(lambda: restarts.append(True))
        wire.on.store.failing = True
        await wire.say(2, seq=3)
        await until(lambda: restarts)
        wire.on.store.failing = False
        assert wire.commits() == [Committed(1)]
        await until(lambda: not wire.on.desk.failing)
        wake_at = wire.listener.wake_at()
        assert wake_at is not None and wake_at <= wire.on.clock()
        await wire.listener.wake()
        assert sorted(wire.rebirths()[-2:]) == ["gw-east", "gw-west"]
        await wire.born()
        await wire.say(2, seq=2)
        await until(lambda: wire.commits()[-1] == Committed(2))
        assert [record.report.position for record in wire.on.stored] == [1, 2]

    played(tmp_path, play)


def test_telemetry_that_the_full_disk_did_not_take_is_not_acknowledged(tmp_path: Path) -> None:
    async def play(wire: Wire) -> None:
        wire.on.store.short = True
        await wire.born()
        readings = (Reading("fire", False, DataType.BOOLEAN),)
        report = Report(EDGE, DEVICE, Lane.TELEMETRY, "e1", 1, 1, wire.on.clock(), False, readings)
        aliases = {declared.name: alias for alias, declared in ALIASES.items()}
        heard = decode(topic_of(EDGE, "DDATA", DEVICE), encode_report(report, aliases, 2, wire.on.clock()))
        assert isinstance(heard, Data)
        await wire.listener.hear(heard)
        await wire.say(1, seq=3)
        await until(lambda: wire.commits())
        (commit_said,) = [said.commit for said in wire.sent if said.commit is not None]
        assert commit_said.lanes == {Lane.ALARM: Committed(1), Lane.TELEMETRY: Committed(0)}

    played(tmp_path, play)


def test_what_a_gateway_tells_of_itself_is_kept_beside_the_engine_and_it_can_be_asked(tmp_path: Path) -> None:
    async def play(wire: Wire) -> None:
        bus = wire.on.desk.site.gateways[EDGE.node].buses[0].id
        figures = BusFigures(10, 9, 1, 0, 0, 20.0, 30.0, None, 0.5, 4, 0)
        names = {**metrics_of_bus(bus), ANSWER: DataType.STRING}
        aliases = {number: Declared(name, datatype) for number, (name, datatype) in enumerate(names.items(), 1)}
        birth = Birth(EDGE, None, wire.on.clock(), 0, readings_of_bus(bus, figures), aliases, 1, "e1", None, True)
        heard = decode(topic_of(EDGE, "NBIRTH"), encode_birth(birth))
        assert isinstance(heard, Birth)
        await wire.listener.hear(heard)

        asking = asyncio.create_task(wire.listener.diagnoses.ask(EDGE.node, DEVICE))
        await until(lambda: [said.question for said in wire.sent] == [DEVICE])
        said = Reading(ANSWER, write_diagnosis(Diagnosis(device=DEVICE, told_ms=1, unit=7)), DataType.STRING)
        report = Report(EDGE, None, None, None, None, None, wire.on.clock(), False, (said,))
        payload = encode_report(report, {declared.name: alias for alias, declared in aliases.items()}, 1, 1)
        data = decode(topic_of(EDGE, "NDATA"), payload)
        assert isinstance(data, Data)
        await wire.listener.hear(data)

        answer = await asking
        assert answer.diagnosis is not None and answer.diagnosis.unit == 7
        assert wire.listener.tellings.of(EDGE.node).buses[bus].figures == figures
        engine_knows = wire.on.desk.engine.gateways[EDGE.node].values
        assert ANSWER not in engine_knows and not set(metrics_of_bus(bus)) & set(engine_knows)

    played(tmp_path, play)
