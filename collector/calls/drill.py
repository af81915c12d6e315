"""Drills: exercises with real phones, called out by the same call-out as any alarm, and marked everywhere.

A drill is injected here, behind the devices: every report stays real. In each of its buildings it is an incident on
a road of its own with one condition whose source is the drill itself. It ends by its time, by a person's word, or in
a building at once when something is truly in alarm there; it needs no reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Incident
from collector.alarms.route import Mode, Route
from collector.calls.authority import may_decide
from collector.calls.callout import CallOut
from collector.calls.dispatch import Reason
from collector.commands import EndDrill, Refused, StartDrill
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind
from config.site import Site
from config.words import DRILL

KINDS = (Kind.FIRE, Kind.ENTRAPMENT)
MINUTES_MAX = 120
NOTE_CHARACTERS_MAX = 200
ECHO_MS = 30 * 60 * 1000  # so long after a drill people may still take an alarm for it


@dataclass(frozen=True, slots=True)
class Drill(Kept):
    """An exercise. `buildings`: where it was started; where it still runs, its incident is open."""

    NUMBERED: ClassVar[bool] = True
    person: str
    buildings: tuple[str, ...]
    kind: Kind
    started_at_ms: int
    ends_at_ms: int
    note: str = ""
    ended_at_ms: int | None = None  # everywhere; kept for a while, see `ECHO_MS`


class Drills(Part):
    """Starts, ends and gives way."""

    def __init__(self, site: Site, state: State, call_out: CallOut) -> None:
        self._site = site
        self._state = state
        self._call_out = call_out
        self._stray = any(self._is_stray(incident) for incident in self._running())

    def handlers(self) -> Mapping[type, Handler]:
        """The commands of drills."""
        return {StartDrill: self._start, EndDrill: self._end}

    def has_source(self, alarm: Alarm) -> bool:
        """A drill's own condition holds until the drill is over."""
        return alarm.device == DRILL

    def decided(self, now: int) -> None:
        """What is truly in alarm ends the drill in its building, and says of itself that it is not the drill."""
        if not self._state.kept(Drill):
            return
        for incident in self._state.changed_incidents:
            if not incident.open or incident.route.mode is not Mode.LIVE or incident.condition is not Condition.ALARM:
                continue
            if not incident.not_the_drill:
                self._state.put_incident(replace(incident, not_the_drill=True))
            for drilled in [each for each in self._running() if each.building == incident.building]:
                self._end_in(drilled, Reason.DRILL_OVERTAKEN, None, now)

    def stood_down(self, incident: Incident, person: str, now: int) -> None:
        """A leader, whose right to do so has been checked, ends the drill in one building."""
        self._end_in(incident, Reason.DRILL_OVER, person, now)

    def wake(self, now: int) -> None:
        """End what is over by its time, and what has lost its building; forget what nobody remembers any more."""
        for drill in list(self._state.kept(Drill).values()):
            if drill.ended_at_ms is not None and now >= drill.ended_at_ms + ECHO_MS:
                self._state.forget(drill)
            elif drill.ended_at_ms is None and now >= drill.ends_at_ms:
                self._end_all(drill, None, now)
        if self._stray:
            self._stray = False
            for incident in [each for each in self._running() if self._is_stray(each)]:
                self._end_in(incident, Reason.DRILL_OVER, None, now)

    def wake_at(self) -> int | None:
        """The end of a drill, or the time to forget one."""
        if self._stray:
            return 0
        drills = self._state.kept(Drill).values()
        times = (each.ends_at_ms if each.ended_at_ms is None else each.ended_at_ms + ECHO_MS for each in drills)
        return min(times, default=None)

    # --- commands -------------------------------------------------------------------------------------

    def _start(self, command: StartDrill, now: int) -> None:
        self._check(command)
        drill = Drill(
            id=self._state.next_id(now),
            person=command.person,
            buildings=command.buildings,
            kind=command.kind,
            started_at_ms=now,
            ends_at_ms=now + command.minutes * 60_000,
            note=command.note,
        )
        self._state.keep(drill)
        for building in drill.buildings:
            self._begin(drill, building, now)

    def _check(self, command: StartDrill) -> None:
        """Raises Refused for what must not begin."""
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        if not command.buildings or len(set(command.buildings)) < len(command.buildings):
            raise Refused("bad-drill", "A drill names its buildings, each once.")
        if any(building not in self._site.buildings for building in command.buildings):
            raise Refused("unknown-building", "The site does not know one of these buildings.")
        if command.kind not in KINDS or not 1 <= command.minutes <= MINUTES_MAX:
            raise Refused("bad-drill", f"A drill is of a fire or an entrapment and lasts 1 to {MINUTES_MAX} minutes.")
        if len(command.note) > NOTE_CHARACTERS_MAX:
            raise Refused("bad-drill", f"The note of a drill has at most {NOTE_CHARACTERS_MAX} characters.")
        if not all(may_decide(self._site, building, command.person) for building in command.buildings):
            raise Refused("not-authorised", "A drill is for the leader, the manager or a contact of every building.")
        drilled = {incident.building for incident in self._running()}
        if any(building in drilled for building in command.buildings):
            raise Refused("drill-running", "A drill is already running in one of these buildings.")
        loud = (Condition.ALARM, Condition.PRE_ALARM)
        for incident in self._state.incidents.values():
            live = incident.route.mode is not Mode.DRILL and incident.condition in loud
            if live and incident.building in command.buildings:
                raise Refused("alarm-open", "An actual alarm is open in one of these buildings.")

    def _end(self, command: EndDrill, now: int) -> None:
        drill = self._state.kept(Drill).get(command.drill)
        if drill is None or drill.ended_at_ms is not None:
            raise Refused("unknown-drill", "No drill with this id is running.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        allowed = (may_decide(self._site, building, command.person) for building in drill.buildings)
        if command.person != drill.person and not all(allowed):
            raise Refused("not-authorised", "Whoever started a drill ends it, or who may decide in all its buildings.")
        self._end_all(drill, command.person, now)

    # --- inside ---------------------------------------------------------------------------------------

    def _running(self) -> list[Incident]:
        """The open incidents of all drills."""
        return [each for each in self._state.incidents.values() if each.route.mode is Mode.DRILL]

    def _is_stray(self, incident: Incident) -> bool:
        """True for a drill in a building that has left the site, or of which nothing is known any more."""
        drill = self._state.kept(Drill).get(incident.route.id)
        return incident.building not in self._site.buildings or drill is None or drill.ended_at_ms is not None

    def _begin(self, drill: Drill, building: str, now: int) -> None:
        route = Route(Mode.DRILL, drill.id)
        incident = Incident(
            id=self._state.next_id(now),
            building=building,
            kind=drill.kind,
            opened_at_ms=now,
            cause_at_ms=now,
            full_call=False,
            alarms=(f"{DRILL}:{drill.id}:{building}",),
            route=route,
        )
        alarm = Alarm(
            key=incident.alarms[0],
            device=DRILL,
            point=drill.kind.value,
            building=building,
            condition=Condition.ALARM,
            kind=drill.kind,
            phase=Phase.ACTIVE,
            value=drill.note or None,
            raised_at_ms=now,
            heard_at_ms=now,
            incident=incident.id,
            route=route,
        )
        self._state.put_alarm(alarm)
        self._state.put_incident(incident)
        facts = [
            ("drill", drill.id),
            ("kind", drill.kind.value),
            ("building", building),
            ("until", str(drill.ends_at_ms)),
        ]
        self._state.log(now, "drill-started", incident=incident.id, person=drill.person, facts=facts)
        self._call_out.begin(incident, now)

    def _end_all(self, drill: Drill, person: str | None, now: int) -> None:
        for incident in [each for each in self._running() if each.route.id == drill.id]:
            self._end_in(incident, Reason.DRILL_OVER, person, now)
        self._settle(drill.id, now)

    def _end_in(self, incident: Incident, reason: Reason, person: str | None, now: int) -> None:
        """No reset is needed: the drill's condition is over, everybody is told, the incident is closed."""
        for alarm in self._state.alarms_of(incident):
            self._state.put_alarm(replace(alarm, phase=Phase.NORMAL, returned_at_ms=now))
        event = "drill-overtaken" if reason is Reason.DRILL_OVERTAKEN else "drill-ended"
        facts = [("drill", incident.route.id), ("by", person or "itself")]
        self._state.log(now, event, incident=incident.id, person=person, facts=facts)
        self._call_out.close(incident, now, reason)
        self._settle(incident.route.id, now)

    def _settle(self, drill_id: str, now: int) -> None:
        """Note the end of a drill that runs in no building any more."""
        drill = self._state.kept(Drill).get(drill_id)
        if drill is None or drill.ended_at_ms is not None:
            return
        if not any(each.route.id == drill_id for each in self._running()):
            self._state.keep(replace(drill, ended_at_ms=now))
