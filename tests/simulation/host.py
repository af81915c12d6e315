"""The collector of the simulation: the real sessions and engine, a store that is a few dictionaries, and a sender.

Faults of its own (`mutants` in the tests) are put in by overriding its steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Entry, Incident
from collector.calls.dispatch import Notice
from collector.commands import Command, Refused, Reset
from collector.engine import Engine
from collector.session.account import Positions
from collector.session.edge import EdgeSession
from collector.session.effects import Acknowledge, AskRebirth, Effect, Floor, Judge, Owing, Presence, Repeat
from collector.state import Decision, Restored
from collector.storage.kept import Kept
from config.site import Site
from config.wire import decode
from config.words import Birth, Commit, Data, Death, Edge, Lane, Report
from tests.scenarios.play import keep

Key = tuple[Edge, str, Lane, int]


class Store:
    """What is on disk."""

    def __init__(self) -> None:
        self.rows: list[tuple[Key, Report]] = []
        self.by_key: dict[Key, Report] = {}
        self.floors: dict[tuple[Edge, str, Lane], int] = {}
        self.alarms: dict[str, Alarm] = {}
        self.versions: list[tuple[int, Alarm]] = []  # every alarm row ever written, with its commit's time
        self.incidents: dict[str, Incident] = {}
        self.notices: dict[str, Notice] = {}
        self.entries: list[Entry] = []
        self.kept: dict[tuple[type[Kept], str], Kept] = {}

    def write(self, decision: Decision, now: int) -> None:
        self.alarms.update({alarm.key: alarm for alarm in decision.alarms})
        self.versions.extend((now, alarm) for alarm in decision.alarms)
        self.incidents.update({incident.id: incident for incident in decision.incidents})
        self.notices.update({notice.id: notice for notice in decision.notices})
        self.entries.extend(decision.entries)
        keep(self.kept, decision)

    def keep(self, report: Report) -> None:
        assert report.epoch is not None and report.lane is not None and report.position is not None
        key = (report.edge, report.epoch, report.lane, report.position)
        self.rows.append((key, report))
        self.by_key[key] = report

    def restored(self) -> Restored:
        open_ones = {incident.id for incident in self.incidents.values() if incident.open}
        return Restored(
            tuple(alarm for alarm in self.alarms.values() if alarm.phase is not Phase.NORMAL),
            tuple(incident for incident in self.incidents.values() if incident.open),
            tuple(notice for notice in self.notices.values() if notice.incident in open_ones),
            max([*self.incidents, *self.notices], default=""),
            tuple(self.kept.values()),
        )

    def accounts(self, edge: Edge) -> dict[tuple[str, Lane], Positions]:
        islands: dict[tuple[str, Lane], list[tuple[int, int]]] = {}
        for of, epoch, lane, position in sorted(self.by_key, key=lambda key: key[3]):
            if of != edge:
                continue
            found = islands.setdefault((epoch, lane), [])
            if found and found[-1][1] == position - 1:
                found[-1] = (found[-1][0], position)
            else:
                found.append((position, position))
        keys = set(islands) | {(epoch, lane) for of, epoch, lane in self.floors if of == edge}
        return {key: Positions(islands.get(key, ()), self.floors.get((edge, *key), 1)) for key in keys}


def differences(stored: Restored, held: Engine) -> list[str]:
    """What an engine holds otherwise than a store does."""
    pairs = (
        ("alarms", {alarm.key: alarm for alarm in stored.alarms}, dict(held.alarms)),
        ("incidents", {incident.id: incident for incident in stored.incidents}, dict(held.incidents)),
        ("notices", {notice.id: notice for notice in stored.notices}, dict(held.notices)),
    )
    return [f"{name} differ" for name, kept, held_now in pairs if kept != held_now]


class Host:
    """Hears, decides, commits, then acknowledges and sends."""

    def __init__(
        self,
        site: Site,
        edges: tuple[Edge, ...],
        now: int,
        to_gateway: Callable[[Edge, Commit | None], None],
    ) -> None:
        self.site, self.edges, self.store = site, edges, Store()
        self.resets: set[tuple[str, int]] = set()  # incident and time of every reset that a person asked for
        self.sent: list[Notice] = []  # what the notifier handed over: the first sending of each notice
        self.refused: Counter[str] = Counter()
        self._sent_ids: set[str] = set()
        self._to_gateway = to_gateway
        self._pending: list[tuple[Decision | Report | Floor, int]] = []
        self.start(now)

    def start(self, now: int) -> None:
        """From the store; what was not committed is forgotten."""
        self._pending.clear()
        self.engine = Engine(self.site, self.store.restored(), now)
        self.sessions = {
            edge: EdgeSession(edge, self.store.accounts(edge), self.engine.may_return) for edge in self.edges
        }
        for session in self.sessions.values():
            self._carry(session, session.ask(now, "start"), now)

    @property
    def pending(self) -> bool:
        return bool(self._pending)

    def deliver(self, topic: str, payload: bytes, now: int) -> None:
        message = decode(topic, payload)
        assert isinstance(message, Birth | Data | Death)
        session = self.sessions[message.edge]
        self._carry(session, session.hear(message, now), now)

    def tick(self, now: int) -> None:
        for session in self.sessions.values():
            self._carry(session, session.wake(now), now)
        if (at := self.engine.wake_at()) is not None and now >= at:
            self.decide(self.engine.wake(now), now)

    def act(self, command: Command, now: int) -> None:
        """A person's command, or a refusal."""
        if isinstance(command, Reset):
            self.resets.add((command.incident, now))
        try:
            self.decide(self.engine.act(command, now), now)
        except Refused as refused:
            self.refused[refused.reason] += 1

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> None:
        self.decide(self.engine.feed(heard, now, complete), now)

    def decide(self, decision: Decision, now: int) -> None:
        if not decision.empty:
            self._pending.append((decision, now))

    def commit(self, now: int) -> None:
        """One transaction; then, and only then, acknowledge and send."""
        reports = []
        for what, decided_at in self._pending:
            if isinstance(what, Decision):
                self.write(what, decided_at)
            elif isinstance(what, Report):
                self.store.keep(what)
                reports.append(what)
            else:
                lane = (what.edge, what.epoch, what.lane)
                self.store.floors[lane] = max(what.position, self.store.floors.get(lane, 1))
        self._pending.clear()
        for session in self.sessions.values():
            mine = [report for report in reports if report.edge == session.edge]
            self._carry(session, session.stored(mine, now), now)
        for notice in self.store.notices.values():
            if notice.superseded_at_ms is None:
                self.send(notice)

    def write(self, decision: Decision, now: int) -> None:
        self.store.write(decision, now)

    def send(self, notice: Notice) -> None:
        if notice.id not in self._sent_ids:
            self._sent_ids.add(notice.id)
            self.sent.append(notice)

    def recalled(self, session: EdgeSession, report: Report, now: int) -> None:
        """A repeat that only the store can judge."""
        assert report.epoch is not None and report.lane is not None and report.position is not None
        stored = self.store.by_key.get((report.edge, report.epoch, report.lane, report.position))
        waiting = any(
            isinstance(what, Report)
            and (what.edge, what.epoch, what.lane, what.position)
            == (report.edge, report.epoch, report.lane, report.position)
            for what, _ in self._pending
        )
        if stored is not None and stored.check == report.check:
            self._carry(session, session.stored((report,), now), now)
        elif stored is not None:
            self._carry(session, session.mismatch(report), now)
        elif not waiting:
            self.take(report, now)

    def take(self, report: Report, now: int) -> None:
        """Judge a record and keep it."""
        self.feed(report, now)
        self._pending.append((report, now))

    def _carry(self, session: EdgeSession, effects: list[Effect], now: int) -> None:
        for effect in effects:
            if isinstance(effect, Judge) and effect.keep:
                self.take(effect.report, now)
            elif isinstance(effect, Judge):
                self.feed(effect.report, now, effect.complete)
            elif isinstance(effect, Presence | Owing):
                self.feed(effect, now)
            elif isinstance(effect, Floor):
                self._pending.append((effect, now))
            elif isinstance(effect, Acknowledge):
                self._to_gateway(effect.edge, effect.commit)
            elif isinstance(effect, AskRebirth):
                self._to_gateway(effect.edge, None)
            elif isinstance(effect, Repeat):
                self.recalled(session, effect.report, now)
