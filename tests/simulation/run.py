"""One seeded run: gateways, a bad network, a collector that crashes, people; and what must be true at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.commands import Acknowledge, Answered, Reset
from config.profile import Condition
from config.wire import encode_death, topic_of
from config.words import Commit, Death, Edge, Lane
from tests.simulation.gateways import FLAGS, Gateway
from tests.simulation.host import Host, differences
from tests.sites import GROUP, small_site

START_MS = 1_750_000_000_000
TICK_MS = 100
STORM_MS = 150_000  # everything goes wrong
CALM_MS = 60_000  # nothing trips and nothing is lost any more: all debts are paid
PEOPLE = ("nora", "ned", "nick", "sam", "sue", "mona")


class Run:
    """`host` makes the collector; `restarts` False: it never crashes."""

    def __init__(self, seed: int, host: type[Host] = Host, restarts: bool = True, storm_ms: int = STORM_MS) -> None:
        self.now = START_MS
        self.rng = Random(seed)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._calm = False
        self._restarts, self._storm_ms = restarts, storm_ms
        self._host_back_ms = 0
        edges = (Edge(GROUP, "gw-1"), Edge(GROUP, "gw-2"))
        devices = (("smoke-1", "smoke-2"), ("smoke-3",))
        self.gateways = {
            edge: Gateway(edge, names, self.rng, self._to_host) for edge, names in zip(edges, devices, strict=True)
        }
        self._back_ms = dict.fromkeys(edges, START_MS)
        self.host = host(small_site(), edges, START_MS, self._to_gateway)

    def play(self) -> Run:
        """The storm, then the calm."""
        while self.now < START_MS + self._storm_ms + CALM_MS:
            self.now += TICK_MS
            self._calm = self.now > START_MS + self._storm_ms
            while self._queue and self._queue[0][0] <= self.now:
                heappop(self._queue)[2]()
            for gateway in self.gateways.values():
                self._disturb(gateway)
            self._tick_host()
        self.host.commit(self.now)
        return self

    # --- the world ------------------------------------------------------------------------------------

    def _disturb(self, gateway: Gateway) -> None:
        gateway.calm = self._calm
        if self.now < self._back_ms[gateway.edge]:
            if not gateway.connected and self._back_ms[gateway.edge] - self.now > 60_000:
                return
        elif not gateway.connected:
            gateway.connect(self.now)
        if not self._calm and gateway.connected:
            luck = self.rng.random()
            if luck < 0.003:
                self._die(gateway, gateway.disconnect(), self.rng.randint(200, 8_000))
            elif luck < 0.004:
                self._die(gateway, gateway.reboot(), self.rng.randint(2_000, 10_000))
            elif luck < 0.006:
                gateway.drop_oldest_telemetry(3)
        gateway.tick(self.now)

    def _die(self, gateway: Gateway, bd_seq: int, away_ms: int) -> None:
        self._back_ms[gateway.edge] = self.now + away_ms
        will = encode_death(Death(gateway.edge, None, self.now, bd_seq))
        self._later(self.rng.randint(0, 5_000), lambda: self._deliver(topic_of(gateway.edge, "NDEATH"), will))

    def _tick_host(self) -> None:
        if self.now < self._host_back_ms:
            return
        if self._host_back_ms:
            self._host_back_ms = 0
            self.host.start(self.now)
        self.host.tick(self.now)
        if self.host.pending and (self._calm or self.rng.random() < 0.5):
            self.host.commit(self.now)
        if not self._calm and self._restarts and self.rng.random() < 0.004:
            self._host_back_ms = self.now + self.rng.randint(100, 3_000)
        elif self.rng.random() < 0.1:
            self._somebody_acts()

    def _somebody_acts(self) -> None:
        incidents = sorted(self.host.engine.incidents)
        if not incidents:
            return
        incident, person = self.rng.choice(incidents), self.rng.choice(PEOPLE)
        what = self.rng.choice(("acknowledge", "answer", "reset", "reset"))
        if what == "acknowledge":
            self.host.act(Acknowledge(incident, person), self.now)
        elif what == "answer":
            self.host.act(Answered(incident, person, self.rng.choice(list(Answer))), self.now)
        else:
            self.host.act(Reset(incident, person), self.now)

    # --- the network ----------------------------------------------------------------------------------

    def _to_host(self, topic: str, payload: bytes, in_order: bool) -> None:
        rng = self.rng
        if not self._calm and rng.random() < (0.02 if in_order else 0.08):
            return
        copies = 2 if not in_order and not self._calm and rng.random() < 0.05 else 1
        for _ in range(copies):
            late = not in_order and not self._calm and rng.random() < 0.2
            delay = rng.choice((500, 4_000)) if late else 20
            self._later(rng.randint(0, delay) if late else delay, lambda: self._deliver(topic, payload))

    def _deliver(self, topic: str, payload: bytes) -> None:
        if not self._host_back_ms:
            self.host.deliver(topic, payload, self.now)

    def _to_gateway(self, edge: Edge, commit: Commit | None) -> None:
        gateway = self.gateways[edge]
        if not self._calm and self.rng.random() < 0.1:
            return

        def arrive() -> None:
            if gateway.connected and commit is not None:
                gateway.obey(commit)
            elif gateway.connected:
                gateway.give_birth(self.now)

        self._later(self.rng.randint(5, 60), arrive)

    def _later(self, delay_ms: int, what: Callable[[], None]) -> None:
        heappush(self._queue, (self.now + delay_ms, next(self._order), what))


# --- what must be true ----------------------------------------------------------------------------


def every_record_is_stored_exactly_once(run: Run) -> list[str]:
    """All that a gateway journalled and did not declare dropped is in the store, once, as it was said."""
    wrong = []
    rows = Counter(key for key, _ in run.host.store.rows)
    for edge, gateway in run.gateways.items():
        for lane, book in gateway.books.items():
            if book.kept:
                wrong.append(f"{edge.node} still waits for {sorted(book.kept)[:5]} of {lane}")
            for report in book.appended:
                key = (edge, "epoch", lane, report.position or 0)
                if rows[key] > 1 or (rows[key] == 0 and report.position not in book.dropped):
                    wrong.append(f"{key} is stored {rows[key]} times")
                elif rows[key] and run.host.store.by_key[key].readings != report.readings:
                    wrong.append(f"{key} is stored with other content")
    return wrong


def the_newest_reading_wins(run: Run) -> list[str]:
    """What the engine shows, and which alarms it takes for active, is what the gateway knows now."""
    wrong = []
    for gateway in run.gateways.values():
        for device in gateway.devices:
            values = run.host.engine.devices[device].values
            truth = {**gateway.flags[device], "temperature_c": float(gateway.temperature[device])}
            for name, value in truth.items():
                if name in values and values[name].reading.value not in (value, None):
                    wrong.append(f"{device} {name} is {values[name].reading.value}, in truth {value}")
                alarm = run.host.engine.alarms.get(f"{device}:{name}")
                if name in FLAGS and (alarm is not None and alarm.source_active) != value:
                    wrong.append(f"{device}:{name} is {alarm}, in truth {value}")
    return wrong


def no_alarm_without_a_true_trip(run: Run) -> list[str]:
    """Every alarm has a time at which its point was truly in alarm."""
    wrong = []
    for _, alarm in run.host.store.versions:
        if alarm.condition is not Condition.ALARM:
            continue
        trips = _trips(run, alarm.device, alarm.point)
        if not any(begin <= alarm.raised_at_ms <= end for begin, end in trips):
            wrong.append(f"{alarm.key} at {alarm.raised_at_ms}: no such trip")
    return wrong


def every_true_trip_is_noticed(run: Run) -> list[str]:
    """From every trip on, its alarm is latched at some time, and somebody was sent word of its incident."""
    wrong = []
    told = {notice.incident for notice in run.host.sent}
    for gateway in run.gateways.values():
        for device in gateway.devices:
            versions = [(at, alarm) for at, alarm in run.host.store.versions if alarm.key == f"{device}:fire"]
            for begin, _ in _trips(run, device, "fire"):
                # As it stood when the point tripped, and all that came later.
                since = [alarm for at, alarm in versions if at < begin][-1:]
                since += [alarm for at, alarm in versions if at >= begin]
                if not any(alarm.phase is not Phase.NORMAL and alarm.incident in told for alarm in since):
                    wrong.append(f"nobody learned of {device} at {begin}")
    return wrong


def nobody_is_told_twice(run: Run) -> list[str]:
    """At most one notice per person, call and reason (per channel, after one that failed)."""
    sent = Counter((n.incident, n.person, n.call, n.reason, n.channel) for n in run.host.sent)
    return [f"{key} was sent {times} times" for key, times in sent.items() if times > 1]


def latched_until_reset(run: Run) -> list[str]:
    """An alarm becomes normal only when a person reset its incident, then and there."""
    return [
        f"{alarm.key} became normal at {at} without a reset"
        for at, alarm in run.host.store.versions
        if alarm.condition is Condition.ALARM
        and alarm.phase is Phase.NORMAL
        and (alarm.incident, at) not in run.host.resets
    ]


def stored_is_what_the_engine_holds(run: Run) -> list[str]:
    """The store's rows, replayed, are the engine's state."""
    return differences(run.host.store.restored(), run.host.engine)


CHECKERS = (
    every_record_is_stored_exactly_once,
    the_newest_reading_wins,
    no_alarm_without_a_true_trip,
    every_true_trip_is_noticed,
    nobody_is_told_twice,
    latched_until_reset,
    stored_is_what_the_engine_holds,
)


def _trips(run: Run, device: str, point: str) -> list[tuple[int, int]]:
    """When the point was truly active, from the gateways' own journals."""
    trips: list[tuple[int, int]] = []
    for gateway in run.gateways.values():
        for report in gateway.books[Lane.ALARM].appended:
            for reading in report.readings:
                if report.device == device and reading.name == point and reading.value:
                    trips.append((report.at_ms, run.now))
                elif report.device == device and reading.name == point:
                    trips[-1] = (trips[-1][0], report.at_ms)
    return trips
