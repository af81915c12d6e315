"""The rescue of people from an elevator: it begins at the source, and ends when somebody on site says they are free.

A source that is normal again ends nothing. Who is able to free people has the site's time to arrive (TSG T5002-2017
cl. 5(4): 30 minutes in cities, generally an hour elsewhere); everybody called is warned before it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from collector.agenda import ms_of
from collector.alarms.alarm import Alarm
from collector.alarms.heard import DeviceState
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.calls import belated
from collector.calls.callout import CallOut
from collector.calls.dispatch import Reason, leaders
from collector.commands import Freed, Refused
from collector.equipment.elevator import Signs, signs_of
from collector.equipment.keepers import contractor_of
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.people import Skill
from config.profile import Condition, Kind
from config.site import Site

SHORTLY_MS = 300_000  # the last warning before the time is over


@dataclass(frozen=True, slots=True)
class Rescue(Kept):
    """One elevator with people in it; `id` is "<incident>:<device>". Stamps are UTC ms."""

    incident: str
    device: str
    raised_at_ms: int  # at the source
    floor: float | None = None  # where the car was, in its own count, if it was known
    arrived_at_ms: int | None = None  # somebody who can free people is there
    arrived_by: str | None = None
    freed_at_ms: int | None = None
    freed_by: str | None = None
    warned_ms: int = 0  # up to how long after the beginning warnings were told
    after_ms: int = 0  # people were freed then, and trapped again: who had arrived before may have left


Freeing = Callable[[Rescue, int], None]


def limit_ms(site: Site, device: str) -> int:
    """How long rescuers may take to arrive: the lift's own time, else the plan's."""
    installed = site.devices.get(device)
    own = installed.lift.rescue_s if installed is not None and installed.lift is not None else None
    return ms_of(site.plan.rescue_s if own is None else own)


def warnings(limit: int) -> list[tuple[int, Reason]]:
    """When people are warned, ms after the beginning: half the time, five minutes left, missed."""
    early = {limit // 2, limit - SHORTLY_MS}
    return [(at, Reason.RESCUE_DUE) for at in sorted(early) if at > 0] + [(limit, Reason.RESCUE_MISSED)]


def able(site: Site, device: str) -> frozenset[str]:
    """Who can free people from this elevator: its contractor, and who has learnt it; empty: the site names nobody."""
    skilled = (person.id for person in site.people.values() if Skill.LIFT_RELEASE in person.skills)
    contractor = contractor_of(site, device)
    return frozenset(skilled) | ({contractor} if contractor is not None else frozenset())


class Rescues(Part):
    """The rescues under way. Each of `on_freed` hears of each that has ended."""

    def __init__(
        self,
        site: Site,
        state: State,
        call_out: CallOut,
        devices: Mapping[str, DeviceState],
        on_freed: Iterable[Freeing],
        now: int,
    ) -> None:
        self._site = site
        self._state = state
        self._call_out = call_out
        self._devices = devices
        self._on_freed = tuple(on_freed)
        for rescue in list(state.kept(Rescue).values()):
            if rescue.incident not in state.incidents:
                state.forget(rescue)
        for incident in list(state.incidents.values()):
            self._attend(incident, now)

    def of(self, incident: Incident) -> list[Rescue]:
        """The rescues of an open incident."""
        return [rescue for rescue in self._state.kept(Rescue).values() if rescue.incident == incident.id]

    def check_reset(self, incident: Incident) -> None:
        """Raises Refused while nobody on site has said that the people are free."""
        if any(rescue.freed_at_ms is None for rescue in self.of(incident)):
            raise Refused("not-freed", "Nobody on site has said yet that the people in the elevator are free.")

    def decided(self, now: int) -> None:
        """An entrapment may have begun, or begun anew; somebody may have arrived, an incident may be over.

        Every rescue under way is looked at: a word that comes late, or a skill newly learnt, changes it too.
        """
        trapped = {each.id: each for each in self._state.changed_incidents if each.kind is Kind.ENTRAPMENT}
        concerned = [each.incident for each in self._state.changed_alarms if each.kind is Kind.ENTRAPMENT]
        concerned += [rescue.incident for rescue in self._state.kept(Rescue).values()]
        for name in dict.fromkeys(concerned):
            incident = self._state.incidents.get(name or "")
            if incident is not None:
                trapped[incident.id] = incident
        for incident in trapped.values():
            self._attend(incident, now)

    def handlers(self) -> Mapping[type, Handler]:
        """The word of those on site."""
        return {Freed: self._freed}

    def wake(self, now: int) -> None:
        """Warn of what has become due."""
        for rescue in list(self._state.kept(Rescue).values()):
            incident = self._state.incidents.get(rescue.incident)
            due = [(at, reason) for at, reason in self._ahead(rescue) if rescue.raised_at_ms + at <= now]
            if incident is None:
                self._state.forget(rescue)
                continue
            if not due:
                continue
            at, reason = due[-1]  # of those that have passed together, the last says it all
            self._state.keep(replace(rescue, warned_ms=at))
            minutes = str((limit_ms(self._site, rescue.device) - (now - rescue.raised_at_ms)) // 60_000)
            facts = [("minutes", minutes)]
            self._state.log(now, reason.value, incident=incident.id, device=rescue.device, facts=facts)
            people = [(person, reason) for person in self._concerned(incident, rescue)]
            self._call_out.tell_people(incident, people, now)

    def wake_at(self) -> int | None:
        """The next warning."""
        times = (r.raised_at_ms + at for r in self._state.kept(Rescue).values() for at, _ in self._ahead(r)[:1])
        return min(times, default=None)

    # --- inside ---------------------------------------------------------------------------------------

    def _attend(self, incident: Incident, now: int) -> None:
        """Begin what has begun, note who has arrived, call the contractor; let go of what is over."""
        if incident.kind is not Kind.ENTRAPMENT or incident.route.mode is not Mode.LIVE:
            return
        if not incident.open:
            for rescue in self.of(incident):
                self._state.forget(rescue)
            return
        trapped = [alarm for alarm in self._state.alarms_of(incident) if alarm.condition is Condition.ALARM]
        for alarm in trapped + trapped:  # what one of them has begun counts from the first of them, in any order
            self._begin(incident, alarm, now)
        for rescue in self.of(incident):
            self._note_arrival(incident, rescue)
            self._call_contractor(incident, rescue, now)

    def _begin(self, incident: Incident, alarm: Alarm, now: int) -> None:
        known = self._state.kept(Rescue).get(f"{incident.id}:{alarm.device}")
        if known is not None and known.freed_at_ms is None:
            if alarm.raised_at_ms < known.raised_at_ms:  # known later, but so since before
                self._state.keep(replace(known, raised_at_ms=alarm.raised_at_ms))
            return
        if known is not None and not (alarm.source_active and alarm.heard_at_ms > (known.freed_at_ms or 0)):
            return
        state = self._devices.get(alarm.device)
        profile = self._site.profiles[self._site.devices[alarm.device].profile] if state and state.known else None
        signs = signs_of(profile, state.values) if state is not None and profile is not None else Signs()
        name = f"{incident.id}:{alarm.device}"
        after = known.freed_at_ms if known is not None and known.freed_at_ms is not None else 0
        rescue = Rescue(name, incident.id, alarm.device, alarm.raised_at_ms, signs.floor, after_ms=after)
        self._state.keep(rescue)
        self._state.log(now, "rescue-begun", incident=incident.id, device=alarm.device)

    def _note_arrival(self, incident: Incident, rescue: Rescue) -> None:
        if rescue.arrived_at_ms is not None or rescue.freed_at_ms is not None:
            return
        can = able(self._site, rescue.device)
        there = [said for said in incident.responses if said.answer is Answer.ARRIVED]
        for said in sorted(there, key=lambda each: each.at_ms):
            if said.at_ms >= rescue.after_ms and (not can or said.person in can):
                self._state.keep(replace(rescue, arrived_at_ms=said.at_ms, arrived_by=said.person))
                return

    def _call_contractor(self, incident: Incident, rescue: Rescue, now: int) -> None:
        """With the first ring, and again with every call; not where nobody is called any more."""
        person = contractor_of(self._site, rescue.device)
        ended = incident.quorum_at_ms is not None or incident.stood_down_by is not None
        if person is None or not incident.full_call or ended or rescue.freed_at_ms is not None:
            return
        asked = {notice.person for notice in self._state.notices_of_call(incident)}
        said = {each.person for each in incident.responses if each.call == incident.call}
        if person not in asked | said:
            self._call_out.tell_people(incident, [(person, Reason.CONTRACTOR)], now, asks=True)

    def _freed(self, command: Freed, now: int) -> None:
        incident = self._state.incidents.get(command.incident)
        if incident is None:
            if command.incident in self._state.closed:
                raise Refused("closed", "This incident is closed.")
            raise Refused("unknown-incident", "There is no open incident with this id.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        rescues = [each for each in self.of(incident) if command.device in (None, each.device)]
        if not rescues:
            raise Refused("no-rescue", "Nobody is known to be trapped there.")
        if not any(r.person == command.person and r.answer is Answer.ARRIVED for r in incident.responses):
            raise Refused("not-arrived", "Only somebody on site can say so: say first that you have arrived.")
        waiting = [each for each in rescues if each.freed_at_ms is None]
        if len(waiting) > 1:
            raise Refused("which-elevator", "People are trapped in more than one elevator: say which one.")
        said_at_ms = belated.check(incident, command.said_at_ms, now)
        if command.said_at_ms is not None and any(rescue.raised_at_ms > said_at_ms for rescue in waiting):
            raise Refused("changed-since", "People are trapped there since this was said: look again.")
        for rescue in waiting:
            self._end(incident, rescue, command.person, said_at_ms, now)

    def _end(self, incident: Incident, rescue: Rescue, person: str, freed_at_ms: int, now: int) -> None:
        arrived_at, arrived_by = rescue.arrived_at_ms, rescue.arrived_by
        if arrived_at is None:  # who frees people was able to
            arrived_at, arrived_by = freed_at_ms, person
        ended = replace(
            rescue, arrived_at_ms=arrived_at, arrived_by=arrived_by, freed_at_ms=freed_at_ms, freed_by=person
        )
        self._state.keep(ended)
        minutes = str(max(0, freed_at_ms - rescue.raised_at_ms) // 60_000)
        facts = [("minutes", minutes)]
        self._state.log(now, "freed", incident=incident.id, device=rescue.device, person=person, facts=facts)
        for freed in self._on_freed:
            freed(ended, now)
        if any(each.freed_at_ms is None for each in self.of(incident)):
            return
        told: set[str] = set()
        if incident.full_call and incident.quorum_at_ms is None and incident.stood_down_by is None:
            told = {notice.person for notice in self._state.notices_of(incident.id)}
            told |= {said.person for said in incident.responses}
            self._call_out.stand_down(incident, person, now, Reason.FREED)
        others = [each for each in self._concerned(incident, rescue) if each not in told]
        self._call_out.tell_people(self._state.incidents[incident.id], [(each, Reason.FREED) for each in others], now)

    def _ahead(self, rescue: Rescue) -> list[tuple[int, Reason]]:
        """The warnings that are still to come; none once somebody able is there, or people are free."""
        if rescue.arrived_at_ms is not None or rescue.freed_at_ms is not None:
            return []
        return [each for each in warnings(limit_ms(self._site, rescue.device)) if each[0] > rescue.warned_ms]

    def _concerned(self, incident: Incident, rescue: Rescue) -> Iterable[str]:
        """Everybody called, the leaders, the manager and the contractor."""
        called = [notice.person for notice in self._state.notices_of(incident.id)]
        called += [said.person for said in incident.responses]
        place = self._site.buildings.get(incident.building)
        own, others = leaders(self._site, incident.building) if place is not None else ([], [])
        more = (place.manager if place is not None else None, contractor_of(self._site, rescue.device))
        return dict.fromkeys([*called, *(own or others), *(person for person in more if person is not None)])
