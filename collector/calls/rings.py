"""One call of an incident: its start, its rings outward, single people in between, and its end.

Who is away is not called; who is on duty comes before who is not; who can do what is needed comes first in a ring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from collector.agenda import ms_of
from collector.alarms.incident import Incident
from collector.calls.dispatch import Reason, called_now, near_teams, people_of, present
from collector.calls.notices import Notices
from collector.calls.roster import Roster, Unmanned
from collector.state import State
from config.site import KindPlan, Ring, Site

Told = list[tuple[str, Reason]]
FAR = ("contacts", "fire-station")  # who is called last, and whom nobody calls: a plan has somebody before them


class Rings:
    """Calls the rings of incidents, each person of a call once."""

    def __init__(self, site: Site, state: State, notices: Notices, roster: Roster) -> None:
        self._site = site
        self._state = state
        self._notices = notices
        self._roster = roster

    # --- a call's beginning and end -------------------------------------------------------------------

    def start(self, incident: Incident, now: int, full: bool) -> Incident:
        """A new call: what people were told and have said before no longer counts."""
        self._notices.supersede(incident, now)
        incident = replace(
            incident,
            full_call=full,
            call=incident.call + 1 if incident.call_started_at_ms else 1,
            call_started_at_ms=now,
            answers_from_ms=now,
            rings_called=0,
            acknowledged_by=(),
            quorum_at_ms=None,
            stood_down_by=None,
            next_step_at_ms=None,
            recall_at_ms=None,
            short_at_ms=None,
            seeks=(),
            left=(),
        )
        self._state.put_incident(incident)
        return incident

    def end(self, incident: Incident, reason: Reason | None, now: int) -> None:
        """Nobody is called any more; all who were called are told, if there is a reason."""
        told = [] if reason is None else self._notices.told(incident)
        self._notices.supersede(incident, now)
        for person in told:
            assert reason is not None
            self._notices.tell(incident, person, reason, max(incident.rings_called - 1, 0), now, expects_answer=False)

    # --- outward --------------------------------------------------------------------------------------

    def call_next(self, incident: Incident, now: int, waiting: bool = False, why: Reason | None = None) -> None:
        """Call the next ring; one that nobody new belongs to, or that has no wait behind it, takes the next along.

        A ring that does not apply to this class or at its time is passed over. `waiting`: others have just been
        asked, so that the plan's time runs whoever belongs to the ring. `why`: told to them instead of their ring.
        """
        rings = self._plan(incident).rings
        index, asked, next_at = self._following(incident, incident.rings_called, now), False, None
        while index < len(rings):
            asked = self._call(incident, index, now, why) or asked
            waits = asked or waiting or (rings[index].call == "fire-station" and bool(self.called(incident)))
            following = self._following(incident, index + 1, now, rings[index])
            if waits and following < len(rings) and rings[following].after_s > rings[index].after_s:
                next_at = now + ms_of(rings[following].after_s - rings[index].after_s)
                index = following
                break
            index = following
        if next_at is None:
            self._state.log(now, "last-ring-called", incident=incident.id)
        incident = replace(incident, rings_called=index, next_step_at_ms=next_at)
        self._state.put_incident(incident)
        if not asked and not waiting and next_at is None:
            self._call_somebody(incident, now)

    def call_one(self, incident: Incident, now: int) -> bool:
        """One more person, of the rings that have not been called yet, then of the contacts. False: nobody is left."""
        rings, called = self._plan(incident).rings, self.called(incident)
        index = self._following(incident, incident.rings_called, now)
        while index <= len(rings):
            people = self._people(incident, rings[index], now) if index < len(rings) else self._contacts(now)
            new = [person for person, _ in self._able(incident, people) if person not in called]
            if new and (index == len(rings) or rings[index].call != "fire-station"):
                self._tell(incident, [(new[0], Reason.REPLACEMENT)], min(index, len(rings) - 1), now)
                return True
            index = self._following(incident, index + 1, now) if index < len(rings) else index + 1
        return False

    def call_in_place_of(self, incident: Incident, gone: str, now: int) -> None:
        """One more person for one who has gone away: their substitute, or the next of the plan."""
        there = self._roster.in_place_of(gone, now)
        able = [] if there is None else self._able(incident, [(there, Reason.REPLACEMENT)])
        if able and there not in self.called(incident):
            self._tell(incident, [(able[0][0], Reason.REPLACEMENT)], max(incident.rings_called - 1, 0), now)
        else:
            self.call_one(incident, now)

    def call_newcomers(self, incident: Incident, now: int, among: Collection[str] | None = None) -> None:
        """Who belongs to the plan now and did not when their ring was called: on duty since, or not away any more.

        `among`: of these alone, who may also be new in a team that was near enough to be called.
        """
        index, rings = self._following(incident, 0, now), self._plan(incident).rings
        while index < min(incident.rings_called, len(rings)):
            nearest = rings[index].nearest is not None and among is None  # who have been called
            if rings[index].call != "fire-station" and not nearest:
                called, people = self.called(incident), self._people(incident, rings[index], now)
                new = [each for each in self._able(incident, people) if each[0] not in called]
                new = [each for each in new if among is None or each[0] in among]
                self._tell(incident, new, index, now)
            index = self._following(incident, index + 1, now)

    def call_contacts(self, incident: Incident, now: int, asks: bool = True) -> None:
        """The emergency contacts, of no ring of the plan; those who are away only if no other is."""
        told = self.called(incident) if asks else self._notices.told(incident, incident.call)
        people = self._contacts(now) or people_of(self._site, "", "contacts")
        new = [each for each in people if each[0] not in told]
        self._log(incident, incident.rings_called, "contacts", new, now)
        self._tell(incident, new, incident.rings_called, now, asks)

    def of_class(self, incident: Incident, now: int) -> Told:
        """Who belongs to a ring that names the incident's lesser class, at this time of day: told at once, once."""
        rings, found = self._plan(incident).rings, dict[str, Reason]()
        for index, ring in enumerate(rings):
            if incident.condition in ring.classes and self._following(incident, index, now) == index:
                for person, reason in self._people(incident, ring, now):
                    found.setdefault(person, reason)
        return list(found.items())

    def called(self, incident: Incident) -> set[str]:
        """Who has been asked to come in the present call, or has answered it."""
        asked = {notice.person for notice in self._state.notices_of_call(incident) if notice.expects_answer}
        return asked | {said.person for said in incident.responses if said.call == incident.call}

    # --- inside ---------------------------------------------------------------------------------------

    def _call(self, incident: Incident, index: int, now: int, why: Reason | None = None) -> bool:
        """Tell who belongs to a ring and has not been called in this call; False if nobody is asked."""
        ring = self._plan(incident).rings[index]
        people = self._able(incident, self._people(incident, ring, now))
        if ring.call == "fire-station":
            self._log(incident, index, ring.call, people, now)
            self._tell(incident, people, index, now, asks=False)
            return False
        if not people and not incident.seeks:
            self._note_unmanned(incident, ring, now)
        called = self.called(incident)
        if ring.call == "contacts" and not called:
            self._note_uncalled(incident, now)
        new = [(person, why or reason) for person, reason in people if person not in called]
        self._log(incident, index, ring.call, new, now)
        self._tell(incident, new, index, now)
        return bool(new)

    def _people(self, incident: Incident, ring: Ring, now: int) -> Told:
        return called_now(self._site, self._roster, incident.building, ring, self.called(incident), now)

    def _contacts(self, now: int) -> Told:
        return present(self._roster, people_of(self._site, "", "contacts"), now)

    def _able(self, incident: Incident, people: Told) -> Told:
        """Those with a needed skill first; while only a skill is missing, nobody else."""
        needs = incident.seeks or tuple(self._plan(incident).needs)
        if not needs:
            return people
        able = [each for each in people if any(skill in self._site.people[each[0]].skills for skill in needs)]
        if incident.seeks:
            return [(person, Reason.SKILL_NEEDED) for person, _ in able]
        return [*able, *(each for each in people if each not in able)]

    def _call_somebody(self, incident: Incident, now: int) -> None:
        """Whatever the plan says, somebody is called: the contacts, and if everybody is away, everybody."""
        if not self.called(incident):
            self._note_uncalled(incident, now)
        if not self._contacts(now) and not self.called(incident):
            rings = [ring for ring in self._plan(incident).rings if ring.call != "fire-station"]
            people = [each for ring in rings for each in people_of(self._site, incident.building, ring.call)]
            everybody = list({person: (person, reason) for person, reason in reversed(people)}.values())
            self._log(incident, incident.rings_called, "everybody", everybody, now)
            self._tell(incident, everybody, incident.rings_called, now)
        self.call_contacts(incident, now)

    def _following(self, incident: Incident, index: int, now: int, after: Ring | None = None) -> int:
        """The first ring from `index` on that applies to the incident's class at its time; past the last if none.

        Its time is now, or as long after `after`, which is called now, as the plan says.
        """
        rings, calendar = self._plan(incident).rings, self._site.community.calendar
        while index < len(rings):
            ring = rings[index]
            wait_s = 0.0 if after is None else ring.after_s - after.after_s
            of_class = not ring.classes or incident.condition in ring.classes
            if of_class and (ring.hours is None or ring.hours.hold(self._site.local(now + ms_of(wait_s)), calendar)):
                break
            index += 1
        return index

    def _note_uncalled(self, incident: Incident, now: int) -> None:
        """Nobody belongs to the rings before the contacts: a trouble of the building."""
        name = f"{incident.building}/{incident.kind.value}"
        near = any(ring.call not in FAR for ring in self._plan(incident).rings)
        if near and incident.building in self._site.buildings and name not in self._state.kept(Unmanned):
            self._state.keep(Unmanned(name, now))

    def _note_unmanned(self, incident: Incident, ring: Ring, now: int) -> None:
        """A ring of teams of which nobody is on duty is a trouble of these teams, told by their part of the engine."""
        place = self._site.buildings.get(incident.building)
        if place is None:
            return
        teams = [place.team] if ring.call == "team" and place.team is not None else []
        for team in near_teams(self._site, incident.building) if ring.call == "neighbours" else teams:
            if team not in self._state.kept(Unmanned):
                self._state.keep(Unmanned(team, now))
                self._state.log(now, "nobody-on-duty", incident=incident.id, facts=[("team", team)])

    def _tell(
        self, incident: Incident, people: Iterable[tuple[str, Reason]], ring: int, now: int, asks: bool = True
    ) -> None:
        for person, reason in people:
            self._notices.tell(incident, person, reason, ring, now, expects_answer=asks)

    def _log(self, incident: Incident, ring: int, name: str, people: Told, now: int) -> None:
        facts = [("ring", str(ring)), ("who", name), ("people", str(len(people)))]
        self._state.log(now, "ring-called", incident=incident.id, facts=facts)

    def _plan(self, incident: Incident) -> KindPlan:
        return self._site.kind_plan(incident.kind)
