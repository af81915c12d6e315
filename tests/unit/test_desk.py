"""The desk promises an order: decide, commit, and only then acknowledge, notify and show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collector.alarms.incident import Answer, Incident
from collector.alerter.channels import Letter
from collector.alerter.notifier import Notifier
from collector.book.entries import BookEntry, put
from collector.commands import Answered, ChangeBook, Refused, SystemTrouble
from collector.desk import Desk, Patience
from collector.pending import PORTION_RECORDS, WAITING_RECORDS_MAX
from collector.session.effects import Counts, Floor, Presence
from collector.storage.histories import open_history
from collector.storage.records import INT64_MAX, Batch, Record
from collector.storage.store import Limits, Store, StoreFailed
from config.loader import load_site
from config.people import Person
from config.sparkplug import DataType
from config.words import Edge, Lane, Reading, Report

SITE = Path(__file__).parents[2] / "config" / "sites" / "demo"
DEVICE, BUILDING = "smoke-b3-502", "b-3"
START_MS = 1_760_000_000_000
PATIENCE = Patience(commit_within_s=0.3, start_anew_after_s=0.01)


class Clock:
    """UTC ms, set by hand."""

    def __init__(self) -> None:
        self.now = START_MS

    def __call__(self) -> int:
        return self.now


class Moody(Store):
    """A store whose disk can be made to fail, to hang or to be short, and that remembers what it was asked to write."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Limits(reserve_bytes=4096), read_only=False)
        self.failing = False
        self.short = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0
        self.batches: list[Batch] = []

    async def commit(self, batch: Batch) -> tuple[Record, ...]:
        self.asked += 1
        await self.gate.wait()
        if self.failing:
            raise StoreFailed("the disk is gone")
        if self.short:
            batch = replace(batch, records=tuple(r for r in batch.records if r.report.lane is Lane.ALARM))
        self.batches.append(batch)
        return await super().commit(batch)


class Post:
    """A channel that keeps what it was given."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)


class Scene:
    """A desk that runs over a real store and engine."""

    def __init__(self, desk: Desk, store: Moody, clock: Clock) -> None:
        self.desk = desk
        self.store = store
        self.clock = clock
        self.stored: list[Record] = []
        desk.after_commit.append(self.stored.extend)

    def smoke(self, position: int = 1, on: bool = True, keep: bool = True, **changes: Any) -> None:
        self.desk.hear(replace(report(position, "fire", on, DataType.BOOLEAN), **changes), keep=keep)

    def telemetry(self, position: int) -> None:
        temperature = report(position, "temperature", 20.0 + position, DataType.DOUBLE)
        self.desk.hear(replace(temperature, lane=Lane.TELEMETRY), keep=True)


def report(position: int | None, point: str, value: bool | float, datatype: DataType) -> Report:
    readings = (Reading(point, value, datatype),)
    return Report(Edge("wutong-lane", "gw-east"), DEVICE, Lane.ALARM, "e1", position, 7, START_MS, False, readings)


@asynccontextmanager
async def scene(folder: Path, patience: Patience = PATIENCE) -> AsyncIterator[Scene]:
    store, clock = Moody(folder / "state"), Clock()
    await store.open()
    history = await open_history(f"sqlite:{folder}/history")
    desk = Desk(load_site(SITE), store, history, await store.restore(), clock, patience)
    running = asyncio.create_task(desk.run())
    try:
        yield Scene(desk, store, clock)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        store.gate.set()
        await history.close()
        await store.close()


def played(folder: Path, play: Callable[[Scene], Coroutine[Any, Any, None]], patience: Patience = PATIENCE) -> None:
    async def main() -> None:
        async with scene(folder, patience) as set_up, asyncio.timeout(20):
            await play(set_up)

    asyncio.run(main())


async def until(true: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> None:
    while not true():
        meanwhile()
        await asyncio.sleep(0.005)


def test_an_alarm_is_committed_before_anybody_hears_of_it(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        on.store.gate.clear()
        woken: list[bool] = []

        def after(_stored: Sequence[Record]) -> None:
            woken.append(bool(on.store.batches))

        on.desk.after_commit.append(after)
        async with on.desk.subscribe() as changes:
            before = await anext(changes)
            on.smoke()
            change = asyncio.ensure_future(anext(changes))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not woken and not change.done() and not on.stored
            on.store.gate.set()
            assert await change > before
        assert woken == [True]
        assert [record.report.position for record in on.stored] == [1]
        (incident,) = await on.store.incidents(10)
        assert incident.building == BUILDING
        assert await on.store.notices_due() == sorted(on.desk.engine.notices.values(), key=lambda notice: notice.id)
        assert len(on.store.batches) == 1

    played(tmp_path, play)


def test_telemetry_waits_for_company_and_an_alarm_takes_it_along(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        for position in range(1, 101):
            on.telemetry(position)
        await until(lambda: len(on.stored) == 100)
        assert len(on.store.batches) == 1
        on.telemetry(101)
        on.smoke()
        await until(lambda: len(on.stored) == 102)
        assert len(on.store.batches) == 2

    played(tmp_path, play)


def test_a_command_returns_once_it_is_on_disk(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        on.smoke()
        await until(lambda: on.stored)
        (incident,) = on.desk.engine.incidents
        on.store.gate.clear()
        act = asyncio.create_task(on.desk.act(Answered(incident, "li-guoqiang", Answer.GOING)))
        done, _ = await asyncio.wait([act], timeout=0.05)
        assert not done
        on.store.gate.set()
        await act
        kept = await on.store.incident(incident)
        assert kept is not None and [r.person for r in kept.responses] == ["li-guoqiang"]
        with pytest.raises(Refused) as refused:
            await on.desk.act(Answered("nonsense", "li-guoqiang", Answer.GOING))
        assert refused.value.reason == "unknown-incident"

    played(tmp_path, play)


def test_nothing_is_acknowledged_when_the_commit_fails_and_all_of_it_can_come_again(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        restarts: list[bool] = []
        on.desk.after_restart.append(lambda: restarts.append(True))
        on.store.failing = True
        on.smoke()
        command = asyncio.create_task(on.desk.act(SystemTrouble("channel:mail", True, "no route")))
        await until(lambda: restarts)
        with pytest.raises(StoreFailed):
            await command
        assert on.stored == [] == await on.store.incidents(10)
        assert not any(alarm.device == DEVICE for alarm in on.desk.engine.alarms.values())

        on.store.failing = False
        await until(lambda: on.stored, meanwhile=on.smoke)  # not acknowledged, its gateway says it again
        assert BUILDING in [incident.building for incident in await on.store.incidents(10)]
        # The trouble of the store was told, and taken back by the commit that succeeded.
        await until(lambda: "system:store" not in on.desk.engine.alarms)

    played(tmp_path, play)


def test_people_are_as_they_were_committed_last_and_no_change_is_half_made(tmp_path: Path) -> None:
    renamed = Person.model_validate({"id": "wang-fang", "name": "Wang", "channels": [{"channel": "console"}]})
    change = ChangeBook((put("wang-fang", renamed),), "zheng-bin")

    async def play(on: Scene) -> None:
        on.store.failing = True
        with pytest.raises(StoreFailed):
            await on.desk.act(change)
        await until(lambda: on.desk.engine.roll.people["wang-fang"].name == "王芳")
        assert on.desk.site.people["wang-fang"].name == "王芳"

        on.store.failing = False
        await until(lambda: not on.desk.failing)
        on.store.gate.clear()
        acting = asyncio.create_task(on.desk.act(change))
        await until(lambda: on.desk.engine.roll.people["wang-fang"].name == "Wang")
        assert on.desk.site.people["wang-fang"].name == "王芳", "the pages show what is on disk"
        on.store.gate.set()
        await acting
        assert on.desk.site.people["wang-fang"].name == "Wang"

    async def look(on: Scene) -> None:
        assert on.desk.site.people["wang-fang"].name == "Wang"

    played(tmp_path, play)
    played(tmp_path, look)


def test_while_the_store_hangs_a_fire_behind_much_telemetry_is_judged_and_committed_in_its_turn(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        on.store.gate.clear()
        for position in range(1, 1_001):
            await on.desk.room()
            on.telemetry(position)
            if position % 100 == 0:
                await asyncio.sleep(0)
        await on.desk.room()
        on.smoke()
        assert any(alarm.device == DEVICE for alarm in on.desk.engine.alarms.values())

        on.store.gate.set()
        await until(lambda: len(on.stored) == 1_001)
        sizes = [len(batch.records) for batch in on.store.batches if batch.records]
        assert sizes == [PORTION_RECORDS, 1_001 - PORTION_RECORDS], "what took long is made up for in one"
        assert [record.report.position for record in on.stored[:-1]] == list(range(1, 1_001))
        assert on.stored[-1].report.lane is Lane.ALARM

    played(tmp_path, play, Patience(commit_within_s=15))


def test_a_store_that_is_quick_is_given_small_portions_in_turn(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        for position in range(1, 1_001):
            await on.desk.room()
            on.telemetry(position)
        await until(lambda: len(on.stored) == 1_000)

        first = next(len(batch.records) for batch in on.store.batches if batch.records)
        assert first <= PORTION_RECORDS
        assert [record.report.position for record in on.stored] == list(range(1, 1_001))

    played(tmp_path, play, Patience(commit_within_s=15))


def test_no_more_is_taken_while_too_much_waits_for_the_store(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        on.store.gate.clear()
        on.smoke()
        await until(lambda: on.store.asked)  # that hangs, and what follows waits behind it
        for position in range(1, WAITING_RECORDS_MAX + 1):
            on.telemetry(position)

        waiting = asyncio.create_task(on.desk.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        on.store.gate.set()
        await waiting

    played(tmp_path, play)


def test_a_change_of_people_behind_a_full_portion_shows_only_once_it_is_committed_itself(tmp_path: Path) -> None:
    renamed = Person.model_validate({"id": "wang-fang", "name": "Wang", "channels": [{"channel": "console"}]})

    async def play(on: Scene) -> None:
        on.store.gate.clear()
        on.smoke()
        await until(lambda: on.store.asked)
        for position in range(1, PORTION_RECORDS + 1):
            on.telemetry(position)
        acting = asyncio.create_task(on.desk.act(ChangeBook((put("wang-fang", renamed),), "zheng-bin")))
        seen: list[tuple[bool, bool]] = []

        def look(_stored: object) -> None:
            written = [kept for batch in on.store.batches for each in batch.decisions for kept in each.kept]
            is_written = any(isinstance(kept, BookEntry) for kept in written)
            seen.append((on.desk.site.people["wang-fang"].name == "Wang", is_written))

        on.desk.after_commit.append(look)
        await asyncio.sleep(0)
        on.store.gate.set()
        await acting

        assert len(seen) > 1 and all(shown is written for shown, written in seen)

    played(tmp_path, play)


def test_a_fire_that_cannot_be_recorded_is_told_to_the_contacts_once_a_minute_per_building(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        post, desk = Post(), on.desk
        notifier = Notifier(
            desk.site, on.store, {"console": post}, desk, lambda *_: "http://answer", on.clock, desk.act
        )
        desk.unrecorded.send = notifier.send_unrecorded
        restarts: list[bool] = []
        desk.after_restart.append(lambda: restarts.append(True))
        on.store.failing = True
        for failures in (1, 2, 3):
            on.smoke()
            await until(lambda: len(restarts) >= failures)  # noqa: B023 - awaited within the turn
        assert [letter.name for letter in post.letters] == ["郑斌"]  # the one contact of the site
        on.smoke(device="smoke-b2-402")
        await until(lambda: len(restarts) >= 4)
        on.clock.now += 61_000
        on.smoke()
        await until(lambda: len(post.letters) == 3)
        assert [letter.facts["building"] for letter in post.letters] == [BUILDING, "b-2", BUILDING]
        assert not any(letter.facts["recorded"] for letter in post.letters)
        assert on.stored == []

    played(tmp_path, play)


def test_a_ring_that_cannot_be_called_is_told_to_the_contacts(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        called: list[str] = []

        async def call(incident: Incident, _alarms: object) -> None:
            called.append(incident.building)

        on.desk.unrecorded.send = call
        on.smoke()
        await until(lambda: on.stored)
        on.store.failing = True
        on.clock.now += 45_000  # nobody answers: the next ring is due, but cannot be recorded
        await until(lambda: called)
        assert called[0] == BUILDING

    played(tmp_path, play)


def test_telemetry_that_cannot_be_recorded_calls_nobody(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        called: list[object] = []

        async def call(*said: object) -> None:
            called.append(said)

        on.desk.unrecorded.send = call
        restarts: list[bool] = []
        on.desk.after_restart.append(lambda: restarts.append(True))
        on.store.failing = True
        on.telemetry(1)
        await until(lambda: restarts)
        assert called == []

    played(tmp_path, play)


@pytest.mark.parametrize("hangs_before", [False, True])
def test_a_disk_that_hangs_ends_the_desk_after_the_fire_was_told(tmp_path: Path, hangs_before: bool) -> None:
    """Also a fire that comes while the transaction of something else hangs."""

    async def main() -> None:
        store, clock = Moody(tmp_path / "state"), Clock()
        await store.open()
        history = await open_history(f"sqlite:{tmp_path}/history")
        desk = Desk(load_site(SITE), store, history, await store.restore(), clock, PATIENCE)
        told: list[str] = []

        async def call(incident: Incident, _alarms: object) -> None:
            told.append(incident.building)

        desk.unrecorded.send = call
        store.gate.clear()
        running, on = asyncio.create_task(desk.run()), Scene(desk, store, clock)
        if hangs_before:
            on.telemetry(1)
            await until(lambda: store.asked)
        on.smoke(position=2)
        with pytest.raises(StoreFailed, match="no answer"):
            await running
        assert told == [BUILDING]
        with pytest.raises(StoreFailed):
            await desk.act(SystemTrouble("broker", True, "away"))
        await history.close()
        await store.close()

    asyncio.run(main())


def test_time_goes_on_while_no_gateway_says_anything(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        on.smoke()
        await until(lambda: on.stored)
        first = {notice.person for notice in on.desk.engine.notices.values()}
        # Nobody answers; the grid cell's person is called after 40 s.
        while not {notice.person for notice in await on.store.notices_due()} > first:
            on.clock.now += 1_000
            await asyncio.sleep(0.01)

    played(tmp_path, play)


def test_a_new_desk_goes_on_where_the_store_was_left(tmp_path: Path) -> None:
    async def first(on: Scene) -> None:
        on.smoke()
        await until(lambda: on.stored)

    async def second(on: Scene) -> None:
        (incident,) = on.desk.engine.incidents.values()
        assert incident.building == BUILDING
        on.smoke(1)  # a repeat opens nothing
        on.telemetry(1)
        await until(lambda: on.stored)
        assert list(on.desk.engine.incidents) == [incident.id]

    played(tmp_path, first)
    played(tmp_path, second)


def test_numbers_that_no_store_can_hold_do_not_lose_the_fire(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        edge = Edge("wutong-lane", "gw-east")
        on.desk.book(Floor(edge, "e1", Lane.ALARM, INT64_MAX + 1))
        on.desk.book(Counts(edge, "e1", Lane.ALARM, INT64_MAX + 1, 0, 0, heard_ms=0))
        on.smoke(INT64_MAX + 1)
        on.smoke(5, at_ms=2**64 - 1)
        await until(lambda: on.stored)
        (kept,) = on.stored
        assert (kept.report.position, kept.report.at_ms) == (5, on.clock.now)
        assert [incident.building for incident in await on.store.incidents(5)] == [BUILDING]
        names = ("floor", "count", "position", "stamp")
        assert [on.desk.counters[f"{name}-out-of-range"] for name in names] == [1, 1, 1, 1]

    played(tmp_path, play)


def test_a_slow_subscriber_sees_the_newest_number_and_never_a_queue(tmp_path: Path) -> None:
    async def play(on: Scene) -> None:
        async with on.desk.subscribe() as changes:
            seen = await anext(changes)
            for position in range(1, 6):
                on.smoke(position, on=position % 2 == 1)
                await until(lambda: len(on.stored) == position)  # noqa: B023 - awaited within the turn
            assert await anext(changes) == seen + 5
            gone = Presence(Edge("wutong-lane", "gw-east"), None, False, "death certificate")
            on.desk.hear(gone)
            assert await anext(changes) >= seen + 6

    played(tmp_path, play)
