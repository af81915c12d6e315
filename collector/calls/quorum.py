"""Who is going, whether that is enough, and who is called when it is not, or not any more.

Enough: as many as the plan's quorum, and among them the skills that it needs. Counted are answers to the present call
of people who are going or have arrived; who is going and has not arrived in time counts again once they have.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from collector.agenda import ms_of
from collector.alarms.incident import Answer, Incident, Response
from collector.calls.dispatch import Reason, leaders
from collector.calls.notices import Notices
from collector.calls.rings import Rings
from collector.calls.roster import Roster
from collector.state import State
from config.people import Skill
from config.profile import Condition, Kind
from config.site import Site

LOST_AGAIN_MS = 60_000  # whose word has cost the quorum once calls everybody anew only so long after


def counting(incident: Incident) -> list[Response]:
    """The answers to the present call that count: who is going and not overdue, and who has arrived."""
    return [said for said in incident.responses if said.call == incident.call and said.counts]


def wanted(site: Site, incident: Incident) -> int:
    """How many people going are enough: the plan's quorum, or as many as somebody on the spot has asked for."""
    return max(site.kind_plan(incident.kind).quorum, incident.wanted)


def skills_of_those_going(site: Site, incident: Incident) -> list[tuple[str, tuple[Skill, ...]]]:
    """Who is going or there, and what each of them can do: for the leader."""
    known = site.people
    return [(said.person, known[said.person].skills if said.person in known else ()) for said in counting(incident)]


def missing_skills(site: Site, incident: Incident) -> tuple[Skill, ...]:
    """The skills that the plan needs and too few of those going have."""
    can = Counter(skill for _, skills in skills_of_those_going(site, incident) for skill in skills)
    needs = site.kind_plan(incident.kind).needs
    return tuple(skill for skill, count in needs.items() if can[skill] < count)


class Quorum:
    """Hears what people answer, and whether they come."""

    def __init__(self, site: Site, state: State, notices: Notices, rings: Rings, roster: Roster) -> None:
        self._site = site
        self._state = state
        self._notices = notices
        self._rings = rings
        self._roster = roster

    def answer(self, incident: Incident, person: str, answer: Answer, said_at_ms: int, now: int) -> None:
        """Going, arrived or cannot. Enough going ends the call; each who cannot is replaced by one more at once."""
        known = next((response for response in incident.responses if response.person == person), None)
        same = known is not None and (known.answer, known.call) == (answer, incident.call)
        if known is not None and same and known.overdue_at_ms is None and not self._asked_since(incident, known):
            return
        was_called = person in self._rings.called(incident)
        others = tuple(response for response in incident.responses if response.person != person)
        new = Response(person, answer, said_at_ms, first_at_ms=said_at_ms)
        said = _said(known or new, answer, incident.call, said_at_ms)
        incident = replace(incident, responses=(*others, said))
        self._state.put_incident(incident)
        facts = [("answer", answer.value)]
        facts += [("said-before-s", str((now - said_at_ms) // 1000))] if said_at_ms < now else []
        self._state.log(now, "answered", incident=incident.id, person=person, facts=facts)
        self.count(incident, now, said if was_called and answer is Answer.CANNOT else None)

    def count(self, incident: Incident, now: int, gone: Response | None = None) -> None:
        """Are enough people going? `gone`: whose word or lateness makes them fewer, and who is to be replaced."""
        if incident.stood_down_by is not None or incident.verifying:
            return
        many = len(counting(incident)) >= wanted(self._site, incident)
        missing = missing_skills(self._site, incident) if many and incident.full_call else ()
        if many and not missing:
            if incident.quorum_at_ms is None:
                self._reached(incident, now)
        elif incident.quorum_at_ms is not None or (incident.seeks and not many):
            self._lost(incident, gone, now)
        else:
            if missing != incident.seeks:
                incident = self._seek(incident, missing, now)
            if not self.go_on_if_exhausted(incident, now) and gone is not None and incident.full_call:
                self._replace(incident, gone, now)

    def more(self, incident: Incident, now: int) -> None:
        """Somebody on the spot needs more people: one more than are going, and the next ring at once."""
        ended = incident.quorum_at_ms is not None or incident.stood_down_by is not None
        many = max(wanted(self._site, incident), len(counting(incident)) + 1)
        incident = replace(incident, wanted=many, quorum_at_ms=None, seeks=(), short_at_ms=None)
        self._state.put_incident(incident)
        if ended:
            self._call_the_others(incident, now, Reason.MORE_NEEDED)
        else:
            self._rings.call_next(incident, now, why=Reason.MORE_NEEDED)

    def due_at(self, incident: Incident) -> int | None:
        """When somebody going is overdue, or everybody is called anew because it is still not enough."""
        times = [] if incident.short_at_ms is None else [incident.short_at_ms]
        within_ms = ms_of(self._site.kind_plan(incident.kind).arrive_within_s)
        times += [said.at_ms + within_ms for said in self._awaited_there(incident)]
        return min(times, default=None)

    def step(self, incident: Incident, now: int) -> None:
        """Time has passed: who is going has not arrived, or after a replacement there are still not enough."""
        within_ms = ms_of(self._site.kind_plan(incident.kind).arrive_within_s)
        late = [said for said in self._awaited_there(incident) if now >= said.at_ms + within_ms]
        if late:
            self._overdue(incident, late, now)
        incident = self._state.incidents[incident.id]
        if incident.short_at_ms is not None and now >= incident.short_at_ms:
            incident = replace(incident, short_at_ms=None)
            self._state.put_incident(incident)
            if incident.stood_down_by is None:
                self._call_the_others(incident, now)

    def go_on_if_exhausted(self, incident: Incident, now: int) -> bool:
        """If everybody told has answered or cannot be reached, and it is not enough: the next ring, at once.

        Of what is no call-out the contacts are told, unless somebody is going. False: others are still waited for.
        """
        said = [each.answer for each in incident.responses if each.call == incident.call]
        ended = incident.quorum_at_ms is not None or incident.stood_down_by is not None
        if ended or incident.verifying or self.waits(incident):
            return False
        if incident.full_call:
            self._rings.call_next(incident, now)
        elif all(answer is Answer.CANNOT for answer in said):
            self._rings.call_contacts(incident, now, asks=not is_quiet(incident))
        return True

    def waits(self, incident: Incident) -> bool:
        """True while somebody who was asked, can be reached and is of use has not answered."""
        said = {each.person for each in incident.responses if each.call == incident.call}
        return not self._awaited(incident) <= said

    def is_of_use(self, incident: Incident, person: str) -> bool:
        """True unless only a skill is missing that this person does not have."""
        return not incident.seeks or self._can(person, incident.seeks)

    def leaders(self, incident: Incident, now: int) -> list[str]:
        """The own team's leader, else those of the neighbouring teams who were called, or their substitutes."""
        if incident.building not in self._site.buildings:
            return []
        own, others = leaders(self._site, incident.building)
        told = self._notices.told(incident)
        wanted = own or [leader for leader in others if leader in told]
        there = [self._roster.in_place_of(leader, now) for leader in wanted]
        return [person for person in dict.fromkeys(there) if person is not None]

    # --- inside ---------------------------------------------------------------------------------------

    def _reached(self, incident: Incident, now: int) -> None:
        incident = replace(_sought(incident), quorum_at_ms=now, next_step_at_ms=None, short_at_ms=None)
        self._state.put_incident(incident)
        facts = [("going", str(len(counting(incident))))]
        self._state.log(now, "quorum-reached", incident=incident.id, facts=facts)
        self._rings.end(incident, Reason.QUORUM_REACHED, now)

    def _seek(self, incident: Incident, missing: tuple[Skill, ...], now: int) -> Incident:
        """Enough are going, but none who can do what is needed: whoever cannot do it either need not come."""
        if not incident.seeks:
            incident = replace(incident, sought_from=incident.rings_called)
        elif not set(missing) <= set(incident.seeks):
            incident = _sought(incident)
        incident = replace(incident, seeks=missing)
        self._state.put_incident(incident)
        if not missing:
            return incident
        facts = [("skills", ", ".join(missing))]
        self._state.log(now, "skill-needed", incident=incident.id, facts=facts)
        said = {each.person for each in incident.responses if each.call == incident.call}
        for person in self._rings.called(incident) - said:
            if not self._can(person, missing):
                self._notices.supersede(incident, now, person)
                ring = max(incident.rings_called - 1, 0)
                self._notices.tell(incident, person, Reason.QUORUM_REACHED, ring, now, expects_answer=False)
        return incident

    def _lost(self, incident: Incident, gone: Response | None, now: int) -> None:
        """Enough were going, and now they are not.

        Everybody is called anew: at once if somebody says that they cannot; but where they have said so a moment ago,
        or are only late, one is called in their place, and the others if that does not help within a minute.
        """
        self._state.log(now, "quorum-lost", incident=incident.id)
        incident = replace(_sought(incident), quorum_at_ms=None)
        if gone is None or (gone.overdue_at_ms is None and not _lately(gone.lost_at_ms, now)):
            if gone is not None:
                incident = _with(incident, replace(gone, lost_at_ms=now, replaced=True))
            self._state.put_incident(incident)
            self._call_the_others(incident, now)
            return
        at = now if gone.overdue_at_ms is not None else min(gone.lost_at_ms or now, now)
        incident = replace(incident, short_at_ms=incident.short_at_ms or at + LOST_AGAIN_MS)
        self._state.put_incident(incident)
        if incident.full_call:
            self._replace(incident, gone, now)

    def _replace(self, incident: Incident, gone: Response, now: int) -> None:
        """One more person, once in a call for each who does not come, however often they say so."""
        if not gone.replaced and self._rings.call_one(incident, now):
            incident = self._state.incidents[incident.id]
            self._state.put_incident(_with(incident, replace(gone, replaced=True)))

    def _overdue(self, incident: Incident, late: list[Response], now: int) -> None:
        """Some of those going have not arrived in time: they and the leader are told, and others are called."""
        people, ring = [said.person for said in late], max(incident.rings_called - 1, 0)
        for said in late:
            incident = _with(incident, replace(said, overdue_at_ms=now))
            self._state.log(now, "overdue", incident=incident.id, person=said.person)
        self._state.put_incident(incident)
        told = [(person, Reason.NOT_ARRIVED) for person in people]
        told += [(leader, Reason.RESPONDER_LATE) for leader in self.leaders(incident, now) if leader not in people]
        for person, reason in told:
            self._notices.tell(incident, person, reason, ring, now, expects_answer=False, again=True)
        for said in late:
            self.count(self._state.incidents[incident.id], now, replace(said, overdue_at_ms=now))

    def _call_the_others(self, incident: Incident, now: int, why: Reason = Reason.QUORUM_LOST) -> None:
        """A new call, in which what people have said still counts; who is away or cannot come is not told."""
        said = {each.person: each.answer for each in incident.responses if each.call == incident.call}
        before, lost = self._notices.told(incident), incident
        incident = self._rings.start(incident, now, incident.full_call)
        responses = [replace(r, call=incident.call) if r.person in said else r for r in incident.responses]
        there = [person for person in before if person in said or not self._roster.away(person, now)]
        incident = replace(
            incident,
            rings_called=lost.rings_called,
            answers_from_ms=lost.answers_from_ms,
            recall_at_ms=lost.recall_at_ms,
            responses=tuple(responses),
            left=tuple(person for person in before if person not in there),
        )
        self._state.put_incident(incident)
        asked = [person for person in there if person not in said]
        for person in there:
            if said.get(person) is not Answer.CANNOT:
                ring, asks = max(incident.rings_called - 1, 0), person in asked and not is_quiet(incident)
                self._notices.tell(incident, person, why, ring, now, expects_answer=asks)
        if incident.full_call:
            given = why if why is Reason.MORE_NEEDED else None  # else each by the ring they belong to
            self._rings.call_next(incident, now, waiting=bool(asked), why=given)

    def _asked_since(self, incident: Incident, said: Response) -> bool:
        """True if somebody has been asked once more since they answered: the same answer is a new one."""
        asked = (each for each in self._state.notices_to(incident, said.person) if each.expects_answer)
        return any(each.call == incident.call and each.created_at_ms > said.at_ms for each in asked)

    def _awaited(self, incident: Incident) -> set[str]:
        """Whose answer is waited for, answered or not: who was asked and can be reached, and can do what is missing."""
        people = self._notices.reachable(incident)
        if not incident.full_call:
            return people
        people &= self._rings.called(incident)
        people -= set(incident.left) - self._notices.asking(incident).keys()
        return {person for person in people if self.is_of_use(incident, person)}

    def _awaited_there(self, incident: Incident) -> list[Response]:
        """Who is going to a full call-out and has neither arrived nor been found late."""
        if not incident.full_call or incident.stood_down_by is not None:
            return []
        return [said for said in counting(incident) if said.answer is Answer.GOING]

    def _can(self, person: str, skills: tuple[Skill, ...]) -> bool:
        known = self._site.people.get(person)
        return known is not None and any(skill in known.skills for skill in skills)


def is_quiet(incident: Incident) -> bool:
    """True for a trouble or a disablement: people are told and not asked to come."""
    return incident.condition is Condition.TROUBLE or incident.kind is Kind.DISABLEMENT


def _with(incident: Incident, said: Response) -> Incident:
    """The incident with this as a person's answer, in its place."""
    return replace(incident, responses=tuple(said if r.person == said.person else r for r in incident.responses))


def _sought(incident: Incident) -> Incident:
    """No skill is looked for: rings of which only those with the skill were called have not been called in full."""
    if not incident.seeks:
        return incident
    return replace(incident, seeks=(), rings_called=min(incident.rings_called, incident.sought_from))


def _lately(at_ms: int | None, now: int) -> bool:
    return at_ms is not None and abs(now - at_ms) < LOST_AGAIN_MS


def _said(known: Response, answer: Answer, call: int, now: int) -> Response:
    """A person's newest answer; when they first answered, set out and arrived stays known."""
    replaced, lost_at = known.replaced and known.call == call, known.lost_at_ms
    said = replace(known, answer=answer, at_ms=now, call=call, first_at_ms=known.first_at_ms or known.at_ms)
    said = replace(said, overdue_at_ms=None, replaced=replaced, lost_at_ms=lost_at)
    if answer is Answer.GOING:
        return replace(said, going_at_ms=said.going_at_ms or now)
    return replace(said, arrived_at_ms=said.arrived_at_ms or now) if answer is Answer.ARRIVED else said
