"""Every gateway's session: what is heard goes through here to the desk, and what is committed back to the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from collector.agenda import Agenda
from collector.commands import SystemTrouble
from collector.desk import Desk
from collector.session.account import Positions
from collector.session.diagnoses import Diagnoses
from collector.session.edge import EdgeSession
from collector.session.effects import (
    Acknowledge,
    AskRebirth,
    Count,
    Counts,
    Effect,
    Floor,
    Judge,
    Owing,
    Presence,
    Repeat,
    Told,
    Trouble,
)
from collector.session.tellings import Tellings
from collector.storage.records import Recalled, Record, StoredLane
from config import logs
from config.diagnosis import ANSWER
from config.wire import encode_commit, encode_rebirth, topic_of
from config.words import Birth, Data, Death, Edge, Lane, Report

ASKED_TOGETHER = 20  # gateways asked for their births at once; the others follow in turn
ASKED_EVERY_S = 0.5

log = logs.of(__name__)


class Listener:
    """Holds the sessions of the site's gateways. `publish` sends a topic and its bytes, best effort."""

    def __init__(
        self,
        desk: Desk,
        lanes: Iterable[StoredLane],
        publish: Callable[[str, bytes], None],
        clock: Callable[[], int],
    ) -> None:
        self._desk = desk
        self._publish = publish
        self._clock = clock
        self._counters = desk.counters
        self.tellings = Tellings(desk.site)
        self.diagnoses = Diagnoses(desk.site, self.tellings, publish, clock, desk.counters)
        self._sessions: dict[Edge, EdgeSession] = {}
        self._agenda: Agenda[Edge] = Agenda()
        self._stale = False
        self._open(lanes)
        desk.after_commit.append(self._stored)
        desk.after_restart.append(self._forget)

    def knows(self, edge: Edge) -> bool:
        """True if the edge node is a gateway of the site."""
        return edge in self._sessions

    async def hear(self, message: Birth | Data | Death) -> None:
        """A message of a gateway of the site."""
        if self._stale:
            await self._start_anew()
        await self._desk.room()
        session = self._sessions[message.edge]
        for report in self._carry(session, session.hear(message, self._clock())):
            await self._recall(session, report)

    async def wake(self) -> None:
        """A time of `wake_at` has come."""
        if self._stale:
            await self._start_anew()
        now = self._clock()
        for edge in list(self._agenda.due(now)):
            session = self._sessions[edge]
            self._carry(session, session.wake(now))

    def wake_at(self) -> int | None:
        """When `wake` has something to do."""
        if self._stale:
            return self._clock()
        return self._agenda.next_at()

    async def ask_all(self, why: str) -> None:
        """Ask every gateway for its births, a few at a time."""
        for index, session in enumerate(list(self._sessions.values())):
            if index and index % ASKED_TOGETHER == 0:
                await asyncio.sleep(ASKED_EVERY_S)
            self._carry(session, session.ask(self._clock(), why))

    # --- inside ---------------------------------------------------------------------------------------

    def _open(self, lanes: Iterable[StoredLane]) -> None:
        known: dict[Edge, dict[tuple[str, Lane], Positions]] = {}
        for lane in lanes:
            known.setdefault(lane.edge, {})[lane.epoch, lane.lane] = lane.settled
        group = self._desk.site.community.id
        for gateway in self._desk.site.gateways:
            edge = Edge(group, gateway)
            self._sessions[edge] = EdgeSession(edge, known.get(edge, {}), self._desk.may_return)

    def _forget(self) -> None:
        self._stale = True

    async def _start_anew(self) -> None:
        """The desk has started anew from the store, so the sessions must: what was not stored is wanted again."""
        lanes = await self._desk.store.lanes()
        self._stale = False
        self._open(lanes)
        await self.ask_all("the collector has started anew from its store")

    def _carry(self, session: EdgeSession, effects: Sequence[Effect]) -> list[Report]:
        """Carry out a session's effects in order; returns the repeats that the store must be asked about."""
        self._agenda.set(session.edge, session.wake_at())
        repeats = []
        for effect in effects:
            if isinstance(effect, Judge):
                self._desk.hear(effect.report, effect.complete, effect.keep)
            elif isinstance(effect, Presence | Owing):
                self._desk.hear(effect)
                if isinstance(effect, Presence) and effect.device is None:
                    self.tellings.came_or_went(effect.edge.node, effect.online, self._clock())
            elif isinstance(effect, Told):
                self._told(effect)
            elif isinstance(effect, Floor | Counts):
                self._desk.book(effect)
            elif isinstance(effect, Acknowledge):
                self._publish(topic_of(effect.edge, "NCMD"), encode_commit(effect.commit, self._clock()))
                self._counters["commits-sent"] += 1
            elif isinstance(effect, AskRebirth):
                text = f"asking {effect.edge.node} for its births: {effect.why}"
                log.info("births-asked", text, gateway=effect.edge.node, reason=effect.why)
                self._publish(topic_of(effect.edge, "NCMD"), encode_rebirth(self._clock()))
                self._counters["rebirths-asked"] += 1
                self.tellings.count(effect.edge.node, "rebirths-asked")
            elif isinstance(effect, Trouble):
                self._desk.tell(SystemTrouble(effect.part, effect.active, effect.text))
            elif isinstance(effect, Repeat):
                repeats.append(effect.report)
            elif isinstance(effect, Count):
                self._counters[effect.name] += 1
                self.tellings.count(session.edge.node, effect.name)
        return repeats

    def _told(self, told: Told) -> None:
        self.tellings.take(told)
        for reading in told.readings:
            if reading.name == ANSWER and isinstance(reading.value, str):
                self.diagnoses.take(told.edge.node, reading.value)

    async def _recall(self, session: EdgeSession, report: Report) -> None:
        recalled = await self._desk.store.recall(report)
        if recalled is Recalled.SAME:
            self._carry(session, session.stored((report,), self._clock()))
        elif recalled is Recalled.OTHER:
            self._carry(session, session.mismatch(report))
        else:
            self._desk.hear(report, complete=True, keep=True)

    def _stored(self, records: Sequence[Record]) -> None:
        """These records are committed: their gateways may forget them."""
        by_edge: dict[Edge, list[Report]] = {}
        for record in records:
            by_edge.setdefault(record.report.edge, []).append(record.report)
        for edge, reports in by_edge.items():
            if (session := self._sessions.get(edge)) is not None:
                self._carry(session, session.stored(reports, self._clock()))
