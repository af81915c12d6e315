"""People come, go and change their numbers in the book while they are being called: no call ends or waits for it.

Who was called and is not of the site any more is not waited for, as if they could not come, and somebody else is
called in their place. Whose addresses have changed is called on the new ones from the first on, at once. Who belongs
to a ring now that has been called already is called with it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from collector.alarms.incident import Answer, Incident, Response
from collector.calls.dispatch import Reason
from collector.calls.notices import Notices
from collector.calls.quorum import Quorum, counting
from collector.calls.rings import Rings
from collector.state import State
from config.site import Site


class Turnover:
    """Lets the calls under way follow a change of the book, once, when it is made: what follows is in `state`."""

    def __init__(self, site: Site, state: State, notices: Notices, rings: Rings, quorum: Quorum) -> None:
        self._site = site
        self._state = state
        self._notices = notices
        self._rings = rings
        self._quorum = quorum

    def follow(self, incident: Incident, touched: Collection[str], moved: Collection[str], now: int) -> None:
        """`touched`: who may belong to a ring now and did not before; `moved`: who has other addresses now."""
        before = self._rings.called(incident)
        if _lasts(incident):
            self._rings.call_newcomers(incident, now, among=touched)
        new = self._rings.called(self._state.incidents[incident.id]) - before
        asked = self._let_go(self._state.incidents[incident.id], now)
        for person in sorted(moved):
            self._call_on_new_addresses(self._state.incidents[incident.id], person, now)
        incident = self._state.incidents[incident.id]
        if asked and not self._quorum.go_on_if_exhausted(incident, now) and _lasts(incident):
            for _ in range(asked - len(new)):
                self._rings.call_one(self._state.incidents[incident.id], now)

    def _let_go(self, incident: Incident, now: int) -> int:
        """Send no more to those who are not of the site; returns how many of them were still waited for."""
        asking = 0
        told = dict.fromkeys(notice.person for notice in self._notices.open_of(incident))
        for person in [person for person in told if person not in self._site.people]:
            theirs = [each for each in self._notices.open_of(incident) if each.person == person]
            self._notices.supersede(incident, now, person)
            for notice in theirs:
                self._state.put_notice(replace(self._state.notices[notice.id], failed_at_ms=now))
            self._state.log(now, "left-the-book", incident=incident.id, person=person)
            asking += any(each.expects_answer for each in theirs)
        for said in counting(incident):
            if said.answer is Answer.GOING and said.person not in self._site.people:
                self._count_without(self._state.incidents[incident.id], said, now)
        return asking

    def _count_without(self, incident: Incident, said: Response, now: int) -> None:
        """Who was going can neither be heard nor told any more: they count as overdue, and one is called for them."""
        gone = replace(said, overdue_at_ms=now)
        responses = tuple(gone if each.person == said.person else each for each in incident.responses)
        incident = replace(incident, responses=responses)
        self._state.put_incident(incident)
        self._state.log(now, "left-the-book", incident=incident.id, person=said.person)
        self._quorum.count(incident, now, gone)

    def _call_on_new_addresses(self, incident: Incident, person: str, now: int) -> None:
        """Who was asked and has not answered: what they were told went elsewhere, or nowhere."""
        words = {each.person for each in incident.responses if each.call == incident.call}
        theirs = [each for each in self._state.notices_to(incident, person) if each.call == incident.call]
        asked = [each for each in theirs if each.expects_answer]
        silent = person not in words and person not in incident.acknowledged_by
        if not asked or not silent or not (_lasts(incident) or incident.verifying):
            return
        self._notices.supersede(incident, now, person)
        self._notices.tell(incident, person, Reason.NEW_ADDRESS, asked[-1].ring, now, again=True)


def _lasts(incident: Incident) -> bool:
    """True for a call-out that has neither ended nor found enough people."""
    ended = incident.quorum_at_ms is not None or incident.stood_down_by is not None
    return incident.open and incident.full_call and not ended
