"""Flood control: troubles and supervisory news to one person within a short time are one notice with a number.

Nothing is dropped. Each incident keeps a notice of its own for everybody who is told of it; of those that were told
together one is sent and names the others, the rest only say that they were told in it. A call-out never waits here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from collector.agenda import Agenda, ms_of
from collector.alarms.incident import PRIORITY, Incident
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice, Reason
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition
from config.site import Site

WAIT_MAX_MS = 600_000  # in a storm that goes on the wait doubles each time, up to this
PAUSE_MS = 60_000  # a storm goes on while no longer than this, beside the wait, lies between what waits
NEWS = frozenset({Reason.CLOSED, Reason.RESTORED, Reason.STAND_DOWN, Reason.QUORUM_REACHED})
_WAITING = (Condition.TROUBLE, Condition.SUPERVISORY)
_ALONE = frozenset({Reason.LATE_REPORT, Reason.CHANNEL_FAILED, Reason.NEXT_CHANNEL})


@dataclass(frozen=True, slots=True)
class Untold(Kept):
    """News that wait to be told with others; their incident may be closed by then."""

    NUMBERED: ClassVar[bool] = True  # its id is the notice's: after a restart none is given a second time
    notice: Notice


@dataclass(frozen=True, slots=True)
class Pace(Kept):
    """When a person (the id) was last told of troubles, and how long they had waited."""

    at_ms: int
    wait_ms: int


class Digest:
    """What waits for each person. A notice that waits has `due` 0 and `waits_until_ms`."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state
        self._agenda: Agenda[str] = Agenda()
        self._waiting: dict[str, list[str]] = {}  # person -> ids of notices, oldest first
        self._tell_at: dict[str, int] = {}
        self._news_of: dict[str, dict[str, None]] = {}  # incident -> ids of what is `Untold` of it
        for notice in state.notices.values():
            if notice.waits_until_ms is not None and notice.superseded_at_ms is None:
                self._queue(notice)
        for untold in state.kept(Untold).values():
            self._queue(untold.notice)

    def takes(self, incident: Incident, reason: Reason) -> bool:
        """True if a person may be told of this a little later, together with others of its kind."""
        return (
            self._site.plan.group_troubles_s > 0
            and incident.route.mode is Mode.LIVE
            and incident.condition in _WAITING
            and not incident.full_call
            and reason not in _ALONE
        )

    def add(self, notice: Notice, now: int) -> None:
        """Keep a notice back until its person is told of all that waits for them."""
        at_ms = self._tell_at.get(notice.person)
        if at_ms is None or not now <= at_ms <= now + WAIT_MAX_MS:  # the clock may have been set
            at_ms = now + self._wait_ms(notice.person, now)
        notice = replace(notice, due=0, waits_until_ms=at_ms, next_repeat_at_ms=None, next_channel_at_ms=None)
        if notice.reason in NEWS:
            self._state.keep(Untold(notice.id, notice))
        else:
            self._state.put_notice(notice)
        self._queue(notice)

    def outdated(self, incident: Incident) -> None:
        """News of an incident that wait are overtaken by its new call or its end."""
        for name in self._news_of.pop(incident.id, ()):
            self._state.forget(self._state.kept(Untold)[name])

    def wake_at(self) -> int | None:
        """When somebody is to be told."""
        return self._agenda.next_at()

    def wake(self, now: int) -> None:
        """Tell everybody whose time has come: one notice of what has risen, one of each kind of news."""
        for person in self._agenda.due(now):
            ids = self._waiting.pop(person, [])
            self._tell_at.pop(person, None)
            untold = [kept for name in ids if (kept := self._state.kept(Untold).get(name)) is not None]
            held = [notice for name in ids if (notice := self._state.notices.get(name)) is not None]
            held = [notice for notice in held if notice.waits_until_ms is not None and notice.superseded_at_ms is None]
            for kept in untold:
                self._state.forget(kept)
                self._news_of[kept.notice.incident].pop(kept.id)
                if not self._news_of[kept.notice.incident]:
                    del self._news_of[kept.notice.incident]
            news = [kept.notice for kept in untold]
            waited_ms = [(each.waits_until_ms or now) - each.created_at_ms for each in (*held, *news)]
            if waited_ms:
                self._state.keep(Pace(person, now, max(waited_ms)))
            self._tell(held, now)
            for reason in dict.fromkeys(notice.reason for notice in news):  # enough going is not over, nor lifted
                self._tell([notice for notice in news if notice.reason is reason], now)

    def together(self, notice: Notice) -> list[Notice]:
        """The notices of open incidents that were told in this one and still count."""
        found = []
        for name in notice.others:
            other = self._state.incidents.get(name)
            theirs = () if other is None else self._state.notices_to(other, notice.person)
            found += [n for n in theirs if n.told_in == notice.incident and n.superseded_at_ms is None]
        return found

    def hand_on(self, notice: Notice) -> None:
        """The incident of a common notice is over or called anew: another that was told in it repeats the question."""
        heirs = [each for each in self.together(notice) if each.expects_answer]
        if heirs and notice.next_repeat_at_ms is not None:
            heir, *rest = heirs
            others = tuple(each.incident for each in rest)
            self._state.put_notice(
                replace(heir, told_in=None, others=others, next_repeat_at_ms=notice.next_repeat_at_ms)
            )
            for each in rest:
                self._state.put_notice(replace(each, told_in=heir.incident))

    # --- inside ---------------------------------------------------------------------------------------

    def _queue(self, notice: Notice) -> None:
        self._waiting.setdefault(notice.person, []).append(notice.id)
        if notice.reason in NEWS:
            self._news_of.setdefault(notice.incident, {})[notice.id] = None
        self._tell_at[notice.person] = notice.waits_until_ms or 0
        self._agenda.set(notice.person, self._tell_at[notice.person])

    def _wait_ms(self, person: str, now: int) -> int:
        """How long what comes first for a person waits for others to join it."""
        wait_ms, last = ms_of(self._site.plan.group_troubles_s), self._state.kept(Pace).get(person)
        if last is None or not last.at_ms <= now < last.at_ms + last.wait_ms + PAUSE_MS:
            return wait_ms
        return max(wait_ms, min(2 * last.wait_ms, WAIT_MAX_MS))

    def _tell(self, notices: Sequence[Notice], now: int) -> None:
        """Send one of these, and let it name the others."""
        if not notices:
            return
        lead = min(notices, key=self._rank)
        others = tuple(dict.fromkeys(notice.incident for notice in notices if notice.incident != lead.incident))
        for notice in notices:
            told_in = None if notice is lead else lead.incident
            told = replace(notice, waits_until_ms=None, told_in=told_in, created_at_ms=now)
            if notice is lead:
                told = replace(self._begun(told, now), others=others)
            if notice.incident in self._state.incidents:
                self._state.put_notice(told)
            elif notice is lead:
                self._state.send(told)  # of an incident that is over
            facts = [("notice", lead.id), ("reason", notice.reason.value), ("others", str(len(others)))]
            event = "told-together" if others else "told-after-wait"
            self._state.log(now, event, incident=notice.incident, person=notice.person, facts=facts)

    def _begun(self, notice: Notice, now: int) -> Notice:
        """To be sent now, and pursued from now on if it asks for an answer."""
        notice = replace(notice, due=1)
        incident, person = self._state.incidents.get(notice.incident), self._site.people.get(notice.person)
        if not notice.expects_answer or incident is None or person is None:
            return notice
        plan, goes_on = self._site.kind_plan(incident.kind), notice.channel + 1 < len(person.channels)
        return replace(
            notice,
            next_repeat_at_ms=now + ms_of(plan.repeat_s) if plan.repeats_max > 0 else None,
            next_channel_at_ms=now + ms_of(plan.next_channel_after_s) if goes_on else None,
        )

    def _rank(self, notice: Notice) -> tuple[bool, int, str]:
        """What is sent and names the others: what asks, of the highest class, that came first."""
        incident = self._state.incidents.get(notice.incident)
        condition = PRIORITY.index(incident.condition) if incident is not None else len(PRIORITY)
        return not notice.expects_answer, condition, notice.id
