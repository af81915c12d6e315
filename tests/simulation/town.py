"""A seeded community whose people answer, answer late, decline, sleep or never arrive, and whose collector crashes.

Here nothing travels on a wire (that is `run.py`): the engine is given what devices say, and what people do with the
notices that reach them. A channel may fail; the collector may end between a decision and its commit, and loses what
was not committed; gateways and people then say it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from collector.alarms.incident import Answer
from collector.alarms.measures import Scope
from collector.calls.dispatch import Notice
from collector.calls.notices import ANEW
from collector.commands import (
    Acknowledge,
    Answered,
    Command,
    DeliveryFailed,
    Disable,
    FalseAlarm,
    NeedMore,
    Refused,
    Reset,
    SayAway,
    StandDown,
    StartDrill,
    StartWalkTest,
)
from collector.engine import Engine
from collector.session.effects import Owing, Presence
from collector.state import Decision
from config.profile import Kind
from config.site import Site
from config.words import Edge, Lane, Report
from tests.scenarios.play import reading
from tests.simulation.host import Store
from tests.sites import GROUP, site_data, small_site

START_MS = 1_750_000_000_000
STORM_MS = 45 * 60_000  # fires, troubles, crashes
CALM_MS = 45 * 60_000  # only people and time; then everything must have come to its end
PULSE_MS = 20_000
HAND_OVER_MAX_MS = 4_000


class Temper(StrEnum):
    """How somebody takes being called."""

    QUICK = "quick"
    LATE = "late"
    DECLINES = "declines"
    SLEEPS = "sleeps"
    GIVES_UP = "gives-up"  # says going, then cannot
    NEVER_ARRIVES = "never-arrives"


@dataclass(slots=True)
class Trip:
    """A device was truly in this state."""

    device: str
    point: str
    begin_ms: int
    end_ms: int | None = None


@dataclass(slots=True)
class Sent:
    """One sending that a channel took."""

    notice: Notice
    sending: int
    at_ms: int


@dataclass(slots=True)
class Diary:
    """What truly happened, for the checkers."""

    trips: list[Trip] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    crashes: list[int] = field(default_factory=list)
    resets: set[tuple[str, int]] = field(default_factory=set)
    inputs: list[tuple[str, Any, int]] = field(default_factory=list)  # what the present engine was given, in order
    away: set[str] = field(default_factory=set)  # who was ever said to be away
    refused: Counter[str] = field(default_factory=Counter)


class Town:
    """`engine` makes the judgement, `crashes` False: the collector never ends."""

    def __init__(
        self, seed: int, engine: Callable[..., Engine] = Engine, crashes: bool = True, site: Site | None = None
    ) -> None:
        self.rng = Random(seed)
        self.site = site or town_site(self.rng)
        self.now = START_MS
        self.diary, self.store = Diary(), Store()
        self.make_engine = engine
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._positions: Counter[str] = Counter()
        self._truth: dict[tuple[str, str], Trip] = {}
        self._unsaid: list[Report] = []  # given to the engine and not yet committed
        self._undone: list[Command] = []
        self._pending: list[tuple[Decision, int]] = []
        self._commit_at: int | None = None
        self._handed: dict[str, int] = {}  # notice -> sendings under way or done, as this collector remembers
        self._generation = 0  # of collectors; what one had in flight ends with it
        self._asked: set[tuple[str, str, int, str]] = set()
        self.temper = {person: self.rng.choice(list(Temper)) for person in self.site.people}
        if seed % 5 == 4:  # an evening on which nobody can come
            self.temper = dict.fromkeys(self.site.people, Temper.DECLINES)
        self.start()
        for _ in range(self.rng.randint(3, 14)):
            self._later(self.rng.randrange(STORM_MS), self._trip)
        if crashes:
            for _ in range(self.rng.randint(0, 6)):
                self._later(self.rng.randrange(STORM_MS), self._crash)
        for _ in range(self.rng.randint(0, 8)):
            self._later(self.rng.randrange(STORM_MS), self._decides_something)
        self._later(PULSE_MS, self._pulse)

    def play(self) -> Town:
        """The storm and the calm."""
        end = START_MS + STORM_MS + CALM_MS
        while True:
            times = [self._queue[0][0], self.engine.wake_at(), self._commit_at]
            at = min(time for time in times if time is not None)
            if at > end:
                break
            self.now = max(self.now, at)
            if self._commit_at is not None and self._commit_at <= self.now:
                self._commit()
            if self._queue and self._queue[0][0] <= self.now:
                heappop(self._queue)[2]()
            if (wake_at := self.engine.wake_at()) is not None and wake_at <= self.now:
                self.diary.inputs.append(("wake", None, self.now))
                self._decide(self.engine.wake(self.now))
        self._commit()
        return self

    @property
    def ended(self) -> bool:
        """True in the calm."""
        return self.now > START_MS + STORM_MS

    # --- the collector --------------------------------------------------------------------------------

    def start(self) -> None:
        """A collector from the store; gateways are born and say again what was not committed."""
        self.diary.inputs.clear()
        self.engine = self.make_engine(self.site, self.store.restored(), self.now)
        self.started_ms, self.started_from = self.now, self.store.restored()
        self._handed = {sent.notice.id: sent.sending for sent in self.diary.sent}
        for gateway in self.site.gateways.values():
            edge = Edge(GROUP, gateway.id)
            self._feed(Presence(edge, None, True, "birth"))
            for bus in gateway.buses:
                for device in bus.devices:
                    self._feed(Presence(edge, device.id, True, "birth"))
            self._feed(Owing(edge, False))
        unsaid, undone, self._unsaid, self._undone = self._unsaid, self._undone, [], []
        for report in unsaid:
            self._tell(report)
        for command in undone:
            self.act(command)
        self._send()

    def act(self, command: Command) -> None:
        """Somebody's word; a refusal is counted."""
        self._undone.append(command)
        if isinstance(command, SayAway):
            self.diary.away.add(command.person)
        if isinstance(command, Reset):
            self.diary.resets.add((command.incident, self.now))
        self.diary.inputs.append(("act", command, self.now))
        try:
            self._decide(self.engine.act(command, self.now))
        except Refused as refused:
            self.diary.refused[refused.reason] += 1
            self._undone.remove(command)

    def _feed(self, heard: Report | Presence | Owing) -> None:
        self.diary.inputs.append(("feed", heard, self.now))
        self._decide(self.engine.feed(heard, self.now))

    def _tell(self, report: Report) -> None:
        self._unsaid.append(report)
        self._feed(report)
        if self._commit_at is None:
            self._commit_at = self.now + self.rng.randint(1, 300)

    def _decide(self, decision: Decision) -> None:
        if not decision.empty:
            self._pending.append((decision, self.now))
            if self._commit_at is None:
                self._commit_at = self.now + self.rng.randint(1, 300)

    def _commit(self) -> None:
        for decision, decided_at in self._pending:
            self.store.write(decision, decided_at)
        self._pending.clear()
        self._unsaid.clear()
        self._undone.clear()
        self._commit_at = None
        self._send()

    def _crash(self) -> None:
        self.diary.crashes.append(self.now)
        self._generation += 1
        self._pending.clear()
        self._commit_at = None
        self.now += self.rng.randint(500, 30_000)
        self.start()

    @staticmethod
    def replay_one(engine: Engine, what: str, given: Any, at: int) -> None:
        """Give an engine what the town's own was given."""
        if what == "wake":
            engine.wake(at)
        elif what == "feed":
            engine.feed(given, at)
        else:
            with suppress(Refused):
                engine.act(given, at)

    # --- the channels ---------------------------------------------------------------------------------

    def _send(self) -> None:
        for notice in list(self.store.notices.values()):
            if notice.superseded_at_ms is None and notice.due > self._handed.get(notice.id, 0):
                self._handed[notice.id] = notice.due
                sending = notice.due
                self._hand_over_later(notice, sending)

    def _hand_over_later(self, notice: Notice, sending: int) -> None:
        generation = self._generation

        def hand_over() -> None:
            if generation == self._generation:
                self._hand_over(notice, sending)

        self._later(self.rng.randint(50, HAND_OVER_MAX_MS), hand_over)

    def _hand_over(self, notice: Notice, sending: int) -> None:
        known = self.store.notices.get(notice.id)
        if known is None or known.superseded_at_ms is not None:
            return
        if self.rng.random() < 0.08 and not self.ended:
            self.act(DeliveryFailed(notice.id, "no answer"))
            return
        self.diary.sent.append(Sent(known, sending, self.now))
        self._reaches(known)

    # --- people ---------------------------------------------------------------------------------------

    def _reaches(self, notice: Notice) -> None:
        anew = notice.id if notice.reason in ANEW else ""
        key = (notice.incident, notice.person, notice.call, anew)
        if not notice.expects_answer or key in self._asked:
            return
        self._asked.add(key)
        rng, temper = self.rng, self.temper[notice.person]
        if temper is Temper.SLEEPS:
            return
        wait = rng.randint(60_000, 400_000) if temper is Temper.LATE else rng.randint(3_000, 40_000)
        if temper is Temper.DECLINES:
            self._later(wait, lambda: self._says(notice, Answer.CANNOT))
            return
        self._later(wait, lambda: self._says(notice, Answer.GOING))
        if temper is Temper.GIVES_UP:
            self._later(wait + rng.randint(5_000, 90_000), lambda: self._says(notice, Answer.CANNOT))
        elif temper is not Temper.NEVER_ARRIVES:
            self._later(wait + rng.randint(60_000, 300_000), lambda: self._arrives(notice))
        elif rng.random() < 0.5:
            self._later(wait // 2, lambda: self.act(Acknowledge(notice.incident, notice.person)))

    def _says(self, notice: Notice, answer: Answer) -> None:
        if notice.incident in self.engine.incidents:
            self.act(Answered(notice.incident, notice.person, answer))

    def _arrives(self, notice: Notice) -> None:
        self._says(notice, Answer.ARRIVED)
        self._later(self.rng.randint(30_000, 600_000), lambda: self._tries_reset(notice.incident, notice.person, 20))

    def _tries_reset(self, incident: str, person: str, times: int) -> None:
        if incident not in self.engine.incidents or times == 0:
            return
        if self.rng.random() < 0.1:
            self.act(StandDown(incident, person))
        self.act(Reset(incident, person))
        self._later(120_000, lambda: self._tries_reset(incident, person, times - 1))

    def _decides_something(self) -> None:
        """A leader or manager disables, tests, drills; somebody goes away, needs more people, or says false alarm."""
        rng, minutes = self.rng, self.rng.randint(1, 30)
        person = rng.choice(("nora", "sam", "mona", "carl"))
        smokes = [name for name in self.site.devices if name.startswith("smoke")]
        incident = rng.choice(sorted(self.engine.incidents) or [""])
        zone = rng.choice(sorted(self.site.zones) or [""])
        away = SayAway(person, person, self.now, self.now + minutes * 60_000)
        commands: list[Command] = [
            Disable(Scope.DEVICE, rng.choice(smokes), person, "dust", minutes),
            Disable(Scope.BUILDING, rng.choice(sorted(self.site.buildings)), person, "paint", minutes),
            Disable(Scope.ZONE, zone, person, "work", minutes),
            StartWalkTest(person, tuple(rng.sample(smokes, 2)), minutes),
            StartDrill(person, (rng.choice(sorted(self.site.buildings)),), Kind.FIRE, minutes),
            away,
            NeedMore(incident, rng.choice(sorted(self.site.people))),
            FalseAlarm(incident, rng.choice(sorted(self.site.people))),
        ]
        self.act(rng.choice(commands))

    # --- devices --------------------------------------------------------------------------------------

    def _trip(self) -> None:
        device = self.rng.choice([name for name in self.site.devices if name.startswith("smoke")])
        point = self.rng.choice(("fire", "fire", "fault", "pre_alarm", "supervisory"))
        if (device, point) in self._truth:
            return
        trip = Trip(device, point, self.now)
        self.diary.trips.append(trip)
        self._truth[device, point] = trip
        self._report(device, point, True)
        lasts = self.rng.choice((200, 3_000, 30_000, 300_000, 1_200_000, STORM_MS + 2 * CALM_MS))
        self._later(self.rng.randint(lasts // 2, lasts), lambda: self._returns(trip))

    def _returns(self, trip: Trip) -> None:
        trip.end_ms = self.now
        del self._truth[trip.device, trip.point]
        self._report(trip.device, trip.point, False)

    def _report(self, device: str, point: str, value: bool) -> None:
        gateway = self.site.gateway_of[device]
        self._positions[gateway] += 1
        edge, position = Edge(GROUP, gateway), self._positions[gateway]
        readings = (reading(point, value),)
        self._tell(Report(edge, device, Lane.ALARM, "epoch", position, position, self.now, False, readings))

    def _pulse(self) -> None:
        for device, gateway in self.site.gateway_of.items():
            flags = {point: (device, point) in self._truth for point in ("fire", "fault", "pre_alarm", "supervisory")}
            said = (reading("temperature_c", 21.0), *(reading(*each) for each in flags.items()))
            readings = said if device.startswith("smoke") else (reading("temperature_c", 21.0),)
            self._feed(Report(Edge(GROUP, gateway), device, None, None, None, None, self.now, False, readings))
        self._later(PULSE_MS, self._pulse)

    def _later(self, delay_ms: int, what: Callable[[], None]) -> None:
        heappush(self._queue, (self.now + delay_ms, next(self._order), what))


def town_site(rng: Random) -> Site:
    """The small community, with a plan, quorum and channels drawn by lot."""
    data = site_data()
    fire = data["plan"]["kinds"]["fire"]
    fire["quorum"] = rng.randint(1, 4)
    fire["repeat_s"] = rng.choice((20, 45, 90))
    fire["repeats_max"] = rng.randint(0, 8)
    step = rng.choice((0, 15, 30, 60))
    for number, ring in enumerate(fire["rings"]):
        ring["after_s"] = number * step
    for person in data["people"]:
        channels = rng.sample(("console", "phone", "mail"), rng.randint(1, 3))
        person["channels"] = [{"channel": channel} for channel in channels]
    data["plan"]["pulse"] = None
    data["zones"] = [_zone(rng, "flats", "b-1", ["smoke-1", "smoke-2"])] if rng.random() < 0.5 else []
    return small_site(data)


def _zone(rng: Random, name: str, building: str, members: list[str]) -> dict[str, Any]:
    methods: list[dict[str, Any]] = [
        {"method": "retard", "retard_s": 20},
        {"method": "count", "count": 2},
        {"method": "cross-zone"},
        {"method": "positive-alarm-sequence", "staffed": [{"from": "00:00", "until": "00:00"}]},
    ]
    return {"id": name, "name": name, "building": building, "members": members, "verification": rng.choice(methods)}
