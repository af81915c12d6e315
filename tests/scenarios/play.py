"""Play a scenario in virtual time: at / when / expect. Seconds count from the start of the scenario.

    play = Play()
    play.at(0).says("smoke-1", fire=True)
    play.at(30).expect_told("sam", "sue", reason=Reason.NEIGHBOUR_TEAM)

Between two times the engine is woken whenever it asks to be, and every device that is not muted keeps
sending its pulse. All decisions are kept as a store keeps them, so that `restart` can be said anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Answer, Entry, Incident
from collector.calls.dispatch import Notice, Reason
from collector.commands import Acknowledge, Answered, Command, DeliveryFailed, Refused, Reset, StandDown
from collector.engine import Engine
from collector.messages.reasons import SENTENCES
from collector.session.effects import Owing, Presence
from collector.state import Decision, Restored
from collector.storage.kept import Forgotten, Kept
from config.site import Site
from config.sparkplug import DataType
from config.words import Edge, Lane, Quality, Reading, Report
from tests.sites import GROUP, small_site

START_MS = 1_750_000_000_000
PULSE_MS = 10_000


class Play:
    """One engine, a store's worth of its decisions, and a clock."""

    def __init__(self, site: Site | None = None, *, born: bool = True, pulse_s: float = PULSE_MS / 1000) -> None:
        """`pulse_s`: how often devices send their pulse; seldom, for scenarios of weeks."""
        self._pulse_ms = round(pulse_s * 1000)
        self.site = site or small_site()
        self.now = START_MS
        self.alarms: dict[str, Alarm] = {}
        self.incidents: dict[str, Incident] = {}
        self.notices: dict[str, Notice] = {}
        self.entries: list[Entry] = []
        self.kept: dict[tuple[type[Kept], str], Kept] = {}
        self.decisions: list[Decision] = []
        self.muted: set[str] = set()
        self.untold: set[str] = set()  # points whose heartbeats never come
        self._positions: Counter[tuple[str, Lane]] = Counter()
        self._next_pulse_ms = START_MS + self._pulse_ms
        self._seen: dict[str, int] = {}  # notice -> due when it was last asked about
        self.engine = Engine(self.site, None, self.now)
        if born:
            self.birth(*self.site.gateways)

    # --- at -------------------------------------------------------------------------------------------

    def at(self, seconds: float) -> Play:
        """Let time pass up to this second."""
        end = START_MS + round(seconds * 1000)
        assert end >= self.now, "time does not run backwards"
        while (next_at := self._next_at(end)) <= end:
            self.now = max(self.now, next_at)
            if self.now >= self._next_pulse_ms:
                self._pulse()
                self._next_pulse_ms += self._pulse_ms
            self.keeps(self.engine.wake(self.now))
        self.now = end
        return self

    def _next_at(self, end: int) -> int:
        wake_at = self.engine.wake_at()
        return min(self._next_pulse_ms, end + 1 if wake_at is None else wake_at)

    # --- when -----------------------------------------------------------------------------------------

    def says(
        self,
        device: str,
        *,
        ago_s: float = 0,
        historical: bool = False,
        complete: bool = True,
        position: int | None = None,
        epoch: str = "epoch-1",
        lane: Lane = Lane.ALARM,
        **values: bool | int | float | None,
    ) -> Play:
        """A journal record of this device arrives; `position` None takes the lane's next."""
        gateway = self.site.gateway_of.get(device, "gw-1")
        self._positions[gateway, lane] = position or self._positions[gateway, lane] + 1
        at_ms = self.now - round(ago_s * 1000)
        report = Report(
            Edge(GROUP, gateway),
            device,
            lane,
            epoch,
            self._positions[gateway, lane],
            0,
            at_ms,
            historical,
            tuple(reading(name.replace("__", "/"), value) for name, value in values.items()),
        )
        self.keeps(self.engine.feed(report, self.now, complete))
        return self

    def shows_at_birth(self, device: str, *, ago_s: float = 0, **values: bool | float | None) -> Play:
        """The present values of a birth: best effort, without a position."""
        edge = Edge(GROUP, self.site.gateway_of[device])
        readings = tuple(reading(name.replace("__", "/"), value) for name, value in values.items())
        at_ms = self.now - round(ago_s * 1000)
        self.keeps(
            self.engine.feed(Report(edge, device, None, "epoch-1", None, None, at_ms, False, readings), self.now, False)
        )
        return self

    def birth(self, *gateways: str, without: Iterable[str] = ()) -> Play:
        """Gateways and all their devices are born, and owe nothing. `without`: devices that are not there."""
        for gateway in gateways:
            edge = Edge(GROUP, gateway)
            self.keeps(self.engine.feed(Presence(edge, None, True, "birth"), self.now))
            for bus in self.site.gateways[gateway].buses:
                for device in (each for each in bus.devices if each.id not in without):
                    self.keeps(self.engine.feed(Presence(edge, device.id, True, "birth"), self.now))
            self.owes(gateway, False)
        return self

    def dies(self, gateway: str, device: str | None = None) -> Play:
        """A death certificate."""
        self.keeps(self.engine.feed(Presence(Edge(GROUP, gateway), device, False, "death certificate"), self.now))
        return self

    def owes(self, gateway: str, owes: bool) -> Play:
        """What the gateway's session says of its alarm lane."""
        self.keeps(self.engine.feed(Owing(Edge(GROUP, gateway), owes), self.now))
        return self

    def mute(self, *devices: str) -> Play:
        """These devices send no pulse any more; a gateway's name mutes all of its devices."""
        for name in devices:
            self.muted |= {d for d, g in self.site.gateway_of.items() if name in (d, g)}
        return self

    def answers(self, person: str, answer: Answer) -> Play:
        """A person answers the only open incident."""
        return self.acts(Answered(self.incident.id, person, answer))

    def acknowledges(self, person: str) -> Play:
        """A person has seen the only open incident."""
        return self.acts(Acknowledge(self.incident.id, person))

    def resets(self, person: str) -> Play:
        """A person resets the only open incident."""
        return self.acts(Reset(self.incident.id, person))

    def stands_down(self, person: str) -> Play:
        """A leader ends the call-out of the only open incident."""
        return self.acts(StandDown(self.incident.id, person))

    def fails(self, notice: Notice) -> Play:
        """The channel gave this notice up."""
        return self.acts(DeliveryFailed(notice.id, "refused"))

    def acts(self, command: Command) -> Play:
        """Any command; Refused comes through."""
        self.keeps(self.engine.act(command, self.now))
        return self

    def refused(self, command: Command) -> str:
        """The reason why a command is refused; it must be, and must change nothing."""
        try:
            self.engine.act(command, self.now)
        except Refused as refused:
            assert self.engine.feed(Owing(Edge(GROUP, "gw-9"), False), self.now).empty
            return refused.reason
        raise AssertionError(f"{command} was not refused")

    def restart(self, site: Site | None = None, *, without: Iterable[str] = ()) -> Play:
        """The collector ends and comes back from its store, maybe with another site; gateways are born anew."""
        self.site = site or self.site
        self.engine = Engine(self.site, self.restored(), self.now)
        return self.birth(*self.site.gateways, without=without)

    # --- expect ---------------------------------------------------------------------------------------

    @property
    def incident(self) -> Incident:
        """The only open incident."""
        (only,) = self.engine.incidents.values()
        return only

    def incident_of(self, kind: str, building: str = "b-1") -> Incident:
        """The open incident of this kind."""
        (only,) = (i for i in self.engine.incidents.values() if i.kind == kind and i.building == building)
        return only

    def phase(self, key: str) -> Phase:
        """The phase of an alarm as the store has it."""
        return self.alarms[key].phase if key in self.alarms else Phase.NORMAL

    def told(self) -> list[Notice]:
        """Sendings wanted since the last question: new notices and repeats."""
        fresh = [notice for notice in self.notices.values() if notice.due > self._seen.get(notice.id, 0)]
        self._seen.update({notice.id: notice.due for notice in self.notices.values()})
        return fresh

    def expect_told(self, *people: str, reason: Reason | None = None) -> Play:
        """Exactly these people were told since the last question, each once, all with this reason if it is given."""
        told = self.told()
        assert sorted(notice.person for notice in told) == sorted(people), told
        assert reason is None or {notice.reason for notice in told} <= {reason}, told
        return self

    def events(self, *names: str) -> list[Entry]:
        """The lines of the timeline with these names."""
        return [entry for entry in self.entries if entry.event in names]

    def restored(self) -> Restored:
        """What a store would hand to a new engine."""
        open_ones = {incident.id for incident in self.incidents.values() if incident.open}
        return Restored(
            tuple(alarm for alarm in self.alarms.values() if alarm.phase is not Phase.NORMAL),
            tuple(incident for incident in self.incidents.values() if incident.open),
            tuple(notice for notice in self.notices.values() if notice.incident in open_ones),
            max([*self.incidents, *self.notices], default=""),
            tuple(self.kept.values()),
        )

    # --- inside ---------------------------------------------------------------------------------------

    def keeps(self, decision: Decision) -> None:
        untold = [entry.event for entry in decision.entries if entry.event not in SENTENCES]
        assert not untold, f"`callpoint why` has no sentence for {untold}"
        self.alarms.update({alarm.key: alarm for alarm in decision.alarms})
        self.incidents.update({incident.id: incident for incident in decision.incidents})
        self.notices.update({notice.id: notice for notice in decision.notices})
        self.entries.extend(decision.entries)
        keep(self.kept, decision)
        if not decision.empty:
            self.decisions.append(decision)

    def _pulse(self) -> None:
        for device, gateway in self.site.gateway_of.items():
            if device not in self.muted:
                said = _PULSE + (self._told_again(device) if self.now // PULSE_MS % 6 == 0 else ())
                pulse = Report(Edge(GROUP, gateway), device, None, None, None, None, self.now, False, said)
                self.keeps(self.engine.feed(pulse, self.now))

    def _told_again(self, device: str) -> tuple[Reading, ...]:
        """The telemetry that the device has told, as its gateway repeats it while nothing changes."""
        state = self.engine.devices[device]
        told = (name for name in state.told_at_ms if name != _PULSE[0].name and name not in self.untold)
        return tuple(state.values[name].reading for name in told)


def reading(name: str, value: bool | float | None, quality: Quality = Quality.GOOD) -> Reading:
    """A reading of a plain Python value; None is absent, with a cause."""
    if value is None:
        return Reading(name, None, DataType.DOUBLE, Quality.BAD, "no answer")
    datatype = {bool: DataType.BOOLEAN, int: DataType.INT32}.get(type(value), DataType.DOUBLE)
    return Reading(name, value, datatype, quality)


def keep(kept: dict[tuple[type[Kept], str], Kept], decision: Decision) -> None:
    """What a store does with a decision's kept things."""
    for item in decision.kept:
        if isinstance(item, Forgotten):
            kept.pop((item.what, item.id), None)
        else:
            kept[type(item), item.id] = item


def people(notices: Iterable[Notice]) -> set[str]:
    """Who these notices are for."""
    return {notice.person for notice in notices}


_PULSE = (reading("temperature_c", 21.0),)
