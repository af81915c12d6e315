"""While too few are going: nobody's "cannot" is the last word while it burns, and nobody is called who has gone away.

Asked again, each person ten minutes after they were last asked or last spoke: who cannot come, whom no channel has
reached, who has only seen it, who is late. Who is still silent is repeated to by their notice, and not asked twice. Who
is away is asked again only where nobody else is left. Who goes away during the call is told nothing more until they are
back; somebody else is called in their place, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from collector.agenda import ms_of
from collector.alarms.incident import Incident, Response
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice, Reason, people_of, present
from collector.calls.notices import LONG_MS, Notices
from collector.calls.quorum import Quorum, counting
from collector.calls.rings import Rings
from collector.calls.roster import Roster
from collector.state import State
from config.profile import Condition, Kind
from config.site import Site

PURSUED = (Kind.FIRE, Kind.ENTRAPMENT)  # an empty extinguisher wakes nobody again who has said that they cannot come


class Pursuit:
    """Asks again, and follows who goes away and comes back, in calls that have not ended.

    All of it is read from incident, notices and roster, so that a restart changes nothing. A stamp that lies ahead of
    `now`, of a clock that was set back, holds nobody up.
    """

    def __init__(
        self, site: Site, state: State, notices: Notices, rings: Rings, quorum: Quorum, roster: Roster
    ) -> None:
        self._site = site
        self._state = state
        self._notices = notices
        self._rings = rings
        self._quorum = quorum
        self._roster = roster

    def due_at(self, incident: Incident, now: int) -> int | None:
        """When `step` has something to do, as the roster stands now."""
        if not _lasts(incident):
            return None
        times = [at for _, at in self._leaving(incident, now)]
        times += [at for _, at, _ in self._asked_again(incident, now)]
        return min(times, default=None)

    def step(self, incident: Incident, now: int) -> None:
        """Time has passed: an absence has begun or is over, or who could not come is asked again."""
        if not _lasts(incident):
            return
        for person in [person for person, at in self._leaving(incident, now) if at <= now]:
            self._leave(self._state.incidents[incident.id], person, now)
        incident = self._state.incidents[incident.id]
        if not _lasts(incident):
            return
        ring, due = max(incident.rings_called - 1, 0), self._asked_again(incident, now)
        asked = [(person, reason) for person, at, reason in due if at <= now]
        for person, reason in asked:
            self._notices.supersede(incident, now, person)
            self._notices.tell(incident, person, reason, ring, now, again=True)
        if any(reason is Reason.ASKED_AGAIN for _, reason in asked):
            self._rings.call_newcomers(incident, now)
            self._tell_nobody_comes(incident, now)
        self.look(incident, now)

    def look(self, incident: Incident, now: int) -> None:
        """If everybody who could be asked has answered and it is not enough: those responsible are told, at once."""
        if _lasts(incident) and self._is_pursued(incident) and not self._quorum.waits(incident):
            self._tell_nobody_comes(incident, now)

    def roster_changed(self, incident: Incident, person: str, gone: bool, now: int) -> None:
        """Somebody has said of a person that they are away or back. `gone`: away, from now on."""
        if not _lasts(incident) or person not in self._rings.called(incident) | set(incident.left):
            return
        if gone and person in self._notices.asking(incident):
            self._leave(incident, person, now)
        self.step(self._state.incidents[incident.id], now)
        self._state.put_incident(self._state.incidents[incident.id])  # its next time is another one now

    # --- who goes away --------------------------------------------------------------------------------

    def _leaving(self, incident: Incident, now: int) -> Iterator[tuple[str, int]]:
        """Who is asked and has not answered, and when an absence of theirs begins that is later than the question.

        Who was away already has been asked because nobody else was there.
        """
        for person, notices in self._notices.asking(incident).items():
            at = self._roster.leaves_at(person, notices[-1].created_at_ms, now)
            if at is not None:
                yield person, at

    def _leave(self, incident: Incident, person: str, now: int) -> None:
        """Their repeats stop, and one more is called in their place, as for "cannot": their substitute first."""
        self._notices.supersede(incident, now, person)
        self._state.log(now, "gone-away", incident=incident.id, person=person)
        is_new = person not in incident.left
        if is_new:
            incident = replace(incident, left=(*incident.left, person))
            self._state.put_incident(incident)
        if not self._quorum.go_on_if_exhausted(incident, now) and is_new:
            self._rings.call_in_place_of(incident, person, now)

    # --- who is asked again ---------------------------------------------------------------------------

    def _asked_again(self, incident: Incident, now: int) -> list[tuple[str, int, Reason]]:
        """Who is asked again, when, and why; nobody who is going, or whose question still repeats itself."""
        burns, found = self._burns(incident), list[tuple[str, int, Reason]]()
        under_way = burns or incident.next_step_at_ms is not None
        if not under_way:
            return found
        said = {each.person: each for each in incident.responses if each.call == incident.call}
        going = {each.person for each in counting(incident)}
        asking = {person for person, open_ones in self._notices.asking(incident).items() if _repeats(open_ones)}
        people = (self._rings.called(incident) | set(incident.left)) - going - asking
        people = {
            person for person in people if person in self._site.people and self._quorum.is_of_use(incident, person)
        }
        planned = (incident.next_step_at_ms, incident.recall_at_ms)  # a ring, or everybody anew
        pursued = burns and planned == (None, None) and incident.route.mode is Mode.LIVE
        somebody = any(not self._roster.away(person, now) for person in people | asking)
        for person in sorted(people):
            back_at, at = self._roster.back_at(person, now), None
            if pursued and self._may_be_asked(incident, person, said.get(person)):
                at = self._spoke_ms(incident, person, said.get(person), now) + LONG_MS
            if self._has_left(incident, person) and (somebody or at is None or back_at <= at):
                found.append((person, back_at, Reason.BACK))
            elif at is not None:
                found.append((person, max(at, back_at) if somebody else at, Reason.ASKED_AGAIN))
        return found

    def _has_left(self, incident: Incident, person: str) -> bool:
        """True for who went away without an answer and has not been called since."""
        words = {each.person for each in incident.responses if each.call == incident.call}
        if person not in incident.left or person in words or person in incident.acknowledged_by:
            return False
        asked = self._questions(incident, person)
        return not asked or (asked[-1].superseded_at_ms is not None and asked[-1].failed_at_ms is None)

    def _may_be_asked(self, incident: Incident, person: str, said: Response | None) -> bool:
        """True for anybody in a fire; else for whom no channel has reached, and to free people for who cannot come.

        Who has only seen an entrapment is not: it is repeated until it is acknowledged, as EN 81-28 asks.
        """
        if incident.kind is Kind.FIRE:
            return True
        if said is not None:
            return incident.kind in PURSUED
        asked = self._questions(incident, person)
        return bool(asked) and asked[-1].failed_at_ms is not None

    def _spoke_ms(self, incident: Incident, person: str, said: Response | None, now: int) -> int:
        """When somebody was last asked in this call, last spoke, or was found unreached or late."""
        repeat_ms = ms_of(self._site.kind_plan(incident.kind).repeat_s)
        stamps: list[int | None] = [incident.call_started_at_ms]
        for each in self._questions(incident, person):
            sent_ms = each.created_at_ms + (each.due - 1) * repeat_ms
            stamps += [sent_ms if each.superseded_at_ms is None else each.created_at_ms]
            stamps += [each.superseded_at_ms, each.failed_at_ms]
        if said is not None:
            stamps += [said.at_ms, said.overdue_at_ms]
        return max((at for at in stamps if at is not None and at <= now), default=now - LONG_MS)

    def _questions(self, incident: Incident, person: str) -> list[Notice]:
        """The notices of the present call that ask a person to come, oldest first."""
        theirs = self._state.notices_to(incident, person)
        return [each for each in theirs if each.call == incident.call and each.expects_answer]

    # --- nobody comes ---------------------------------------------------------------------------------

    def _is_pursued(self, incident: Incident) -> bool:
        """True if lives are at stake, the plan is over, and people are short, not only a skill."""
        over = incident.next_step_at_ms is None and not incident.seeks
        is_real = incident.kind in PURSUED and incident.route.mode is Mode.LIVE
        return over and is_real and self._burns(incident)

    def _tell_nobody_comes(self, incident: Incident, now: int) -> None:
        """Leaders, the manager, the contacts and who is going alone, once in a call: nobody more comes, call 119."""
        told = (each.reason is Reason.NOBODY_COMES for each in self._state.notices_of_call(incident))
        if not self._is_pursued(incident) or any(told):
            return
        self._state.log(now, "nobody-comes", incident=incident.id)
        manager = people_of(self._site, incident.building, "manager") if incident.building else []
        contacts = people_of(self._site, "", "contacts")
        there = [person for person, _ in present(self._roster, [*manager, *contacts], now)]
        people = [*self._quorum.leaders(incident, now), *there, *(each.person for each in counting(incident))]
        ring = max(incident.rings_called - 1, 0)
        for person in dict.fromkeys(people or [person for person, _ in contacts]):
            self._notices.tell(incident, person, Reason.NOBODY_COMES, ring, now, expects_answer=False)

    def _burns(self, incident: Incident) -> bool:
        """True while a source says that it is in alarm."""
        alarms = self._state.alarms_of(incident)
        return any(alarm.condition is Condition.ALARM and alarm.source_active for alarm in alarms)


def _lasts(incident: Incident) -> bool:
    """True for a call-out that has neither ended nor found enough people."""
    ended = incident.quorum_at_ms is not None or incident.stood_down_by is not None
    return incident.open and incident.full_call and not ended


def _repeats(notices: list[Notice]) -> bool:
    """True if one of these is still to be sent again, or over the next channel."""
    return any(each.next_repeat_at_ms is not None or each.next_channel_at_ms is not None for each in notices)
