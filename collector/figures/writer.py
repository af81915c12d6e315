"""Writes the collector's own figures to the history: by the minute, and as things change. It delays nothing.

What is of the moment (a community, a building, a gateway) is a gap while the history is away. What is of one thing
(an incident, a call, a rescue, a measure) is told again from the store when it is back: the history itself says up to
when it knows what has ended, so that an empty one learns all that the store still has.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial

from collector.alarms.incident import Incident, detector_of
from collector.calls.dispatch import Notice
from collector.desk import Desk
from collector.equipment.liftlog import LiftLog
from collector.equipment.rescue import Rescue
from collector.figures.community import (
    CALM,
    Held,
    building_rows,
    community_row,
    held_by_building,
    states_of_devices,
)
from collector.figures.equipment import device_row, equipment_rows
from collector.figures.gateways import JournalCounts, bus_rows, gateway_row
from collector.figures.happenings import (
    MEASURE_KINDS,
    Measure,
    call_rows,
    ended_at,
    ended_row,
    incident_row,
    is_told,
    measure_rows,
    rescue_rows,
)
from collector.session.tellings import Tellings
from collector.storage.history import BACK_OFF_S, Figures, FiguresWait, HistoryDown, HistoryRefused
from collector.storage.past import INCIDENTS_MAX, closed_since, committed, newest_lanes, past_incidents
from collector.storage.series import Row
from config import logs
from config.profile import Condition
from config.words import Lane

MINUTE_MS, TEN_MINUTES_MS, HOUR_MS = 60_000, 600_000, 3_600_000
LOOK_EVERY_S = 2.0  # at changes: what rises together is one look
WAIT_S = 60.0  # for somebody to run `history init`
TURN_ROWS = 20
BATCH_ROWS = 100  # written together; no batch holds the loop for longer than an alarm may wait
AGAIN_MS = 10 * MINUTE_MS  # told twice around the bookmark: a clock may have been set meanwhile
log = logs.of(__name__)


class FiguresWriter:
    """Looks at the desk's engine and store, and writes what it sees. `clock` gives UTC ms.

    `tellings`: what gateways tell of their buses.
    """

    def __init__(self, desk: Desk, figures: Figures, tellings: Tellings, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._tellings = tellings
        self._figures = figures
        self._clock = clock
        self._stirred = asyncio.Event()
        desk.after_commit.append(lambda _stored: self._stirred.set())
        self.written = 0
        self.refused = 0
        self._said = ""
        self._pre_alarms: Counter[str] = Counter()  # that have risen of each chamber, as far as the history knows
        self._pre_alarm_keys = self._pre_alarms_now()
        self._forget()

    async def run(self) -> None:
        """Until cancelled. Raises StoreFailed."""
        failures = 0
        while True:
            try:
                await self._catch_up()
                failures = 0
                while True:
                    await self._look()
                    await self._rest()
            except FiguresWait as error:
                self._say(error)
                await asyncio.sleep(WAIT_S)
            except HistoryDown as error:
                self._say(error)
                await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1

    def _say(self, error: HistoryDown) -> None:
        """Once, until it is another."""
        if str(error) != self._said:
            self._said = str(error)
            if isinstance(error, FiguresWait):
                log.warning("figures-wait", str(error))
            else:
                log.info("figures-down", f"figures cannot be written: {logs.without_addresses(str(error))}")

    # --- when -----------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Nothing is known to be in the history."""
        self._incidents: dict[str, Incident] = {}
        self._closed = set(self._desk.engine.closed_lately)
        self._ending: set[str] = set()  # open no more, and not seen closed in the store yet
        self._measures: dict[str, Measure] = {}
        self._rescues: dict[str, Rescue | tuple[object, ...]] = {}
        self._held: dict[str, Held] = {}
        self._devices: dict[str, tuple[bool | None, int]] = {}  # online, and the worst that holds
        self._told_at: dict[int, int] = {}  # by period: which one was told

    def _is_due(self, period_ms: int, now: int) -> bool:
        """True once in each period, when it has begun."""
        number = now // period_ms
        if self._told_at.get(period_ms) == number:
            return False
        self._told_at[period_ms] = number
        return True

    async def _rest(self) -> None:
        """Until the next minute, or a while after something has changed."""
        now = self._clock()
        try:
            async with asyncio.timeout((MINUTE_MS - now % MINUTE_MS) / 1000 + 0.05):
                await asyncio.sleep(LOOK_EVERY_S)
                await self._stirred.wait()
        except TimeoutError:
            pass

    # --- what -----------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        """Tell what has ended since the history knew last, and what is open."""
        self._forget()
        self._pre_alarms |= Counter(await self._figures.pre_alarms())  # it goes on where it was before a restart
        await self._end_measures()
        await self._sweep(await self._figures.told_until())

    async def _look(self) -> None:
        self._stirred.clear()  # before looking: what changes meanwhile is another look
        now = self._clock()
        await self._write(self._changed_incidents(now))
        await self._write_all([*self._changed_measures(now), *self._changed_rescues(now)])
        await self._write(_spread(self._buildings(now, every=False)))
        await self._write(self._changed_devices(now))
        self._count_pre_alarms()
        minute = now - now % MINUTE_MS
        if self._is_due(MINUTE_MS, now):
            await self._by_the_minute(minute)
        if self._is_due(TEN_MINUTES_MS, now):
            await self._write(_spread(self._buildings(minute, every=True)))
        if self._is_due(HOUR_MS, now):
            await self._write(self._equipment(minute))
            await self._write(self._open_incidents(now))
            await self._sweep(now - HOUR_MS)

    async def _by_the_minute(self, now: int) -> None:
        desk = self._desk
        counts = await self._journal_counts()
        await self._write_all([community_row(desk.site, desk.engine, desk.store.spooled, now)])
        devices: dict[str, list[str]] = {name: [] for name in desk.site.gateways}
        for device, gateway in desk.site.gateway_of.items():
            devices[gateway].append(device)
        for name, theirs in devices.items():
            states = [desk.engine.devices[device] for device in theirs]
            telling = self._tellings.of(name)
            row = gateway_row(desk.site, desk.engine, name, states, counts.get(name, {}), telling, now)
            await self._write_all([row, *bus_rows(desk.site, desk.engine, name, telling, now)])
        rescues = desk.engine.kept(Rescue).values()  # whether they are in time depends on the time
        await self._write_all(list(rescue_rows(desk.site, (), rescues, now)))

    async def _journal_counts(self) -> dict[str, dict[Lane, JournalCounts]]:
        """By gateway. A lane at a time, so that nobody waits for the store."""
        group, found = self._desk.site.community.id, dict[str, dict[Lane, JournalCounts]]()
        for lane in await self._desk.store.read(newest_lanes):
            if lane.edge.group == group and lane.edge.node in self._desk.site.gateways:
                stored = await self._desk.store.read(partial(committed, lane=lane))
                counts = JournalCounts(lane.appended, lane.dropped, lane.in_journal, stored)
                found.setdefault(lane.edge.node, {})[lane.lane] = counts
        return found

    async def _equipment(self, now: int) -> AsyncIterator[Row]:
        states = states_of_devices(self._desk.engine)
        for device in list(self._desk.site.devices.values()):
            self._devices[device.id] = (self._desk.engine.devices[device.id].online, states.get(device.id, CALM))
            yield device_row(self._desk.site, device, *self._devices[device.id], now)
            for row in equipment_rows(self._desk.site, self._desk.engine, device, self._pre_alarms, now):
                yield row
            await asyncio.sleep(0)

    # --- what has changed -----------------------------------------------------------------------------

    async def _changed_incidents(self, now: int) -> AsyncIterator[Row]:
        """Those that are open and have changed, and those that were closed since we looked last."""
        known = self._desk.engine.incidents
        changed = [each for name, each in known.items() if self._incidents.get(name) is not each]
        closed = set(self._desk.engine.closed_lately)
        self._ending |= (self._incidents.keys() - known.keys()) | (closed - self._closed)
        self._incidents, self._closed = dict(known), closed
        async for row in self._rows_of_open(changed, now):
            yield row
        async for row in self._rows_of_past(sorted(self._ending)):
            yield row

    async def _open_incidents(self, now: int) -> AsyncIterator[Row]:
        async for row in self._rows_of_open(list(self._desk.engine.incidents.values()), now):
            yield row

    async def _rows_of_open(self, incidents: Sequence[Incident], now: int) -> AsyncIterator[Row]:
        wanted = [each.id for each in incidents]
        by_incident: dict[str, list[Notice]] = {name: [] for name in wanted}
        for notice in self._desk.engine.notices.values() if wanted else ():
            if notice.incident in by_incident:
                by_incident[notice.incident].append(notice)
        for incident in filter(is_told, incidents):
            theirs = by_incident[incident.id]
            yield incident_row(self._desk.site, incident, theirs, now)
            for row in call_rows(self._desk.site, incident, theirs):
                yield row
            await asyncio.sleep(0)

    async def _rows_of_past(self, names: Sequence[str]) -> AsyncIterator[Row]:
        """Of those that are closed in the store too: the engine is a commit ahead of it."""
        for begin in range(0, len(names), INCIDENTS_MAX):
            some = list(names[begin : begin + INCIDENTS_MAX])
            for past in await self._desk.store.read(partial(past_incidents, names=some)):
                if past.incident.open:
                    continue
                self._ending.discard(past.incident.id)
                if is_told(past.incident):
                    yield incident_row(self._desk.site, past.incident, past.notices, self._clock())
                    for row in call_rows(self._desk.site, past.incident, past.notices):
                        yield row
                await asyncio.sleep(0)

    def _changed_measures(self, now: int) -> list[Row]:
        site, rows = self._desk.site, list[Row]()
        known = self._measures_now()
        for name, measure in known.items():
            if self._measures.get(name) is not measure:
                rows += measure_rows(site, measure, ended_at(measure))
        for name, measure in self._measures.items():
            if name not in known and ended_at(measure) is None:
                rows += measure_rows(site, measure, now)
        self._measures = known
        return rows

    def _measures_now(self) -> dict[str, Measure]:
        known: dict[str, Measure] = {}
        for what in MEASURE_KINDS:
            known.update(self._desk.engine.kept(what))
        return known

    def _changed_rescues(self, now: int) -> list[Row]:
        site, engine = self._desk.site, self._desk.engine
        under_way = dict(engine.kept(Rescue))
        lifts = {name: each for name, each in engine.kept(LiftLog).items() if each.rescues}
        new = [each for name, each in under_way.items() if self._rescues.get(name) is not each]
        ended = [each for name, each in lifts.items() if self._rescues.get(name) is not each.rescues]
        self._rescues = {**under_way, **{name: each.rescues for name, each in lifts.items()}}
        return list(rescue_rows(site, ended, new, now))

    def _buildings(self, now: int, every: bool) -> Iterator[Row]:
        """Every building, or those that are not as they were told last."""
        site, engine = self._desk.site, self._desk.engine
        held, before = held_by_building(engine), self._held
        self._held = held
        wanted = [name for name in site.buildings if every or held.get(name) != before.get(name)]
        return building_rows(site, engine, held, wanted, now)

    async def _changed_devices(self, now: int) -> AsyncIterator[Row]:
        """All of them at the first look."""
        site, engine = self._desk.site, self._desk.engine
        states = states_of_devices(engine)
        found = {name: (engine.devices[name].online, states.get(name, CALM)) for name in site.devices}
        changed = [name for name, each in found.items() if self._devices.get(name) != each]
        self._devices = found
        for number, name in enumerate(changed, 1):
            yield device_row(site, site.devices[name], *found[name], now)
            if number % BATCH_ROWS == 0:
                await asyncio.sleep(0)

    def _count_pre_alarms(self) -> None:
        keys = self._pre_alarms_now()
        for alarm in (self._desk.engine.alarms[key] for key in keys - self._pre_alarm_keys):
            number = detector_of(alarm.point)
            self._pre_alarms[alarm.device if number is None else f"{alarm.device}:{number}"] += 1
        self._pre_alarm_keys = keys

    def _pre_alarms_now(self) -> set[str]:
        return {key for key, each in self._desk.engine.alarms.items() if each.condition is Condition.PRE_ALARM}

    async def _end_measures(self) -> None:
        """What was open when it was told last and is no more ended while nobody looked."""
        now = self._clock()
        known = {name for name, each in self._measures_now().items() if ended_at(each) is None}
        rows = await self._figures.open_measures()
        await self._write_all([ended_row(row, now) for row in rows if row.fields.get("id") not in known])

    async def _sweep(self, since_ms: int | None) -> None:
        """Tell what has ended since then, also what nobody saw open, and note how far the history knows it."""
        now = self._clock()
        names = await self._desk.store.read(partial(closed_since, since_ms=(since_ms or 0) - AGAIN_MS))
        await self._write(self._rows_of_past(names))
        await self._figures.tell_until(now)

    # --- writing --------------------------------------------------------------------------------------

    async def _write(self, rows: AsyncIterator[Row]) -> None:
        batch: list[Row] = []
        async for row in rows:
            batch.append(row)
            if len(batch) == BATCH_ROWS:
                await self._write_batch(batch)
                batch = []
        await self._write_batch(batch)

    async def _write_all(self, rows: Iterable[Row]) -> None:
        batch = list(rows)
        for begin in range(0, len(batch), BATCH_ROWS):
            await self._write_batch(batch[begin : begin + BATCH_ROWS])

    async def _write_batch(self, batch: Sequence[Row]) -> None:
        """What the history refuses of it is counted and let go: it takes the rest."""
        if not batch:
            return
        try:
            await self._figures.write(batch)
            self.written += len(batch)
        except HistoryRefused as error:
            self.refused += 1
            log.warning("figures-refused", f"the history refused figures: {logs.without_addresses(str(error))}")


async def _spread(rows: Iterable[Row]) -> AsyncIterator[Row]:
    """The rows, and now and then a turn for everybody else."""
    for number, row in enumerate(rows, 1):
        yield row
        if number % TURN_ROWS == 0:
            await asyncio.sleep(0)
