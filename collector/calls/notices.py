"""The notices of open incidents: who was told what, why, and over which of their channels.

A person gets at most one notice per call and reason, one more for each that a channel could not deliver, and one on
their next channel while they do not answer; and the same once more each time they are asked anew, see `pursuit.py`.
"""

from __future__ import annotations

from dataclasses import replace

from collector.agenda import ms_of
from collector.alarms.alarm import Alarm
from collector.alarms.incident import PRIORITY, Incident
from collector.calls.digest import Digest
from collector.calls.dispatch import Notice, Reason
from collector.state import State
from config.profile import Condition, Kind
from config.site import Site

ENDLESS = frozenset({Reason.WATCH})  # repeated until they acknowledge: nobody else may have been told
ANEW = frozenset({Reason.ASKED_AGAIN, Reason.BACK, Reason.NEW_ADDRESS})  # asked once more, as if for the first time
LONG_MS = 600_000  # beyond the plan: so often what still burns is told again, and who could not be reached called


class Notices:
    """Makes, repeats and ends notices in `state`. People who have left the site are told nothing."""

    def __init__(self, site: Site, state: State, digest: Digest | None = None) -> None:
        """`digest` None: nothing waits to be told together with others."""
        self._site = site
        self._state = state
        self._digest = digest

    def tell(
        self,
        incident: Incident,
        person: str,
        reason: Reason,
        ring: int,
        now: int,
        *,
        expects_answer: bool = True,
        channel: int | None = None,
        again: bool = False,
        about: Alarm | None = None,
        others: tuple[str, ...] = (),
    ) -> None:
        """One notice to one person. `channel` None: a call goes to their first, news to the last that worked.

        `again`: also if they have been told for this reason in this call before. `about`: of this condition alone.
        `others`: incidents that it tells of too.
        """
        if person not in self._site.people:
            return
        if not again and any(each.reason is reason for each in self._theirs(incident, person)):
            return
        if channel is None:
            channel = 0 if expects_answer else self._last_that_worked(incident, person)
        plan, cause = self._site.kind_plan(incident.kind), about or self._cause(incident)
        repeat_ms = self._first_repeat_ms(incident, reason) if expects_answer else None
        goes_on = expects_answer and channel + 1 < len(self._site.people[person].channels)
        notice = Notice(
            id=self._state.next_id(now),
            incident=incident.id,
            person=person,
            channel=channel,
            reason=reason,
            ring=ring,
            call=incident.call,
            cause_at_ms=incident.cause_at_ms if cause is None else cause.raised_at_ms,
            heard_at_ms=incident.opened_at_ms if cause is None else cause.heard_at_ms,
            created_at_ms=now,
            expects_answer=expects_answer,
            next_repeat_at_ms=None if repeat_ms is None else now + repeat_ms,
            next_channel_at_ms=now + ms_of(plan.next_channel_after_s) if goes_on else None,
            about=None if about is None else about.key,
            others=others,
        )
        if self._digest is not None and not again and self._digest.takes(incident, reason):
            self._digest.add(notice, now)
            return
        self._state.put_notice(notice)
        facts = [("notice", notice.id), ("reason", reason.value), ("ring", str(ring)), ("call", str(notice.call))]
        self._state.log(now, "notice-created", incident=incident.id, person=person, facts=facts)

    def due_at(self, incident: Incident) -> int | None:
        """When `pursue` has something to do."""
        notices = self._state.notices_of_call(incident)
        times = (at for notice in notices for at in (notice.next_repeat_at_ms, notice.next_channel_at_ms))
        return min((at for at in times if at is not None), default=None)

    def pursue(self, incident: Incident, now: int) -> None:
        """Send again, under the same id, what nobody answered, and call whoever is silent on their next channel too.

        Silence counts from the making of a notice, and not from its hand-over: a channel that is so long in taking it
        is as silent as its owner.
        """
        for notice in self._state.notices_of_call(incident):
            if notice.next_repeat_at_ms is not None and now >= notice.next_repeat_at_ms:
                notice = self._once_more(incident, notice, now)
                self._state.put_notice(notice)
            if notice.next_channel_at_ms is not None and now >= notice.next_channel_at_ms:
                self._state.put_notice(replace(notice, next_channel_at_ms=None))
                self._call_over_next(incident, notice, Reason.NEXT_CHANNEL, now)

    def wait(self, incident: Incident, until_ms: int) -> None:
        """Nothing more is sent of what stands before then."""
        for notice in self._state.notices_of_call(incident):
            repeat_at, channel_at = notice.next_repeat_at_ms, notice.next_channel_at_ms
            later = replace(
                notice,
                next_repeat_at_ms=None if repeat_at is None else max(repeat_at, until_ms),
                next_channel_at_ms=None if channel_at is None else max(channel_at, until_ms),
            )
            if later != notice:
                self._state.put_notice(later)

    def failed(self, incident: Incident, notice: Notice, error: str, now: int) -> bool:
        """A channel could not deliver: the person's next one. False if they have none and cannot be reached."""
        if notice.failed_at_ms is not None:
            return True
        self._state.put_notice(
            replace(
                notice,
                failed_at_ms=now,
                superseded_at_ms=notice.superseded_at_ms or now,
                next_repeat_at_ms=None,
                next_channel_at_ms=None,
            )
        )
        facts = [("notice", notice.id), ("error", error)]
        self._state.log(now, "notice-failed", incident=incident.id, person=notice.person, facts=facts)
        if notice.superseded_at_ms is not None:
            return True
        # That nobody comes is said whatever the channel, not why this one was taken.
        why = notice.reason if notice.reason is Reason.NOBODY_COMES else Reason.CHANNEL_FAILED
        self._call_over_next(incident, notice, why, now)
        if all(each.failed_at_ms is not None for each in self._since_asked(incident, notice.person)):
            self._state.log(now, "unreachable", incident=incident.id, person=notice.person)
            for each in self.told_with(notice):
                self._state.put_notice(replace(each, failed_at_ms=now, superseded_at_ms=now))
            return False
        return True

    def supersede(self, incident: Incident, now: int, person: str | None = None) -> None:
        """Send no more of what is not sent yet: of one person's, or of all notices."""
        if person is None and self._digest is not None:
            self._digest.outdated(incident)
        for notice in self.open_of(incident):
            if person is None and notice.others and self._digest is not None:
                # It still tells of the others, whose question is repeated by one of them from now on.
                self._digest.hand_on(notice)
                self._state.put_notice(replace(notice, next_repeat_at_ms=None, next_channel_at_ms=None))
            elif person is None or notice.person == person:
                self._state.put_notice(
                    replace(notice, superseded_at_ms=now, next_repeat_at_ms=None, next_channel_at_ms=None)
                )

    def told_with(self, notice: Notice) -> list[Notice]:
        """The notices of other open incidents that this one has told and that still count."""
        return [] if self._digest is None else self._digest.together(notice)

    def open_of(self, incident: Incident) -> list[Notice]:
        """The notices that still count; a new call has superseded those of the calls before it."""
        return [notice for notice in self._state.notices_of_call(incident) if notice.superseded_at_ms is None]

    def told(self, incident: Incident, call: int | None = None) -> list[str]:
        """Everybody of the site who has had a notice or has answered, of one call or of any, in order."""
        notices = self._state.notices_of(incident.id)
        people = [notice.person for notice in notices if call is None or notice.call == call]
        people += [said.person for said in incident.responses if call is None or said.call == call]
        return [person for person in dict.fromkeys(people) if person in self._site.people]

    def asking(self, incident: Incident) -> dict[str, list[Notice]]:
        """Who is asked to come and has neither answered nor seen it, with the notices that still ask them."""
        found: dict[str, list[Notice]] = {}
        for notice in self.open_of(incident):
            if notice.expects_answer and notice.person in self._site.people:
                found.setdefault(notice.person, []).append(notice)
        return found

    def reachable(self, incident: Incident) -> set[str]:
        """Who of the present call has a notice that no channel has given up."""
        notices = self._state.notices_of_call(incident)
        return {n.person for n in notices if n.failed_at_ms is None and n.person in self._site.people}

    # --- inside ---------------------------------------------------------------------------------------

    def _first_repeat_ms(self, incident: Incident, reason: Reason) -> int | None:
        """How long after its making a question is repeated: as the plan says, and without a word of it while it burns.

        None: not at all.
        """
        plan = self._site.kind_plan(incident.kind)
        if plan.repeats_max > 0 or _is_endless(incident, reason):
            return ms_of(plan.repeat_s)
        return max(ms_of(plan.repeat_s), LONG_MS) if incident.kind is Kind.FIRE and incident.full_call else None

    def _once_more(self, incident: Incident, notice: Notice, now: int) -> Notice:
        """A notice whose repeat is due, and when the next is: beyond the plan's more seldom, while a fire burns."""
        plan = self._site.kind_plan(incident.kind)
        endless = _is_endless(incident, notice.reason)
        burns = incident.kind is Kind.FIRE and incident.full_call and self._is_still_so(incident)
        beyond_plan = notice.due > plan.repeats_max
        if beyond_plan and not endless and not burns:  # over or acknowledged meanwhile
            return replace(notice, next_repeat_at_ms=None)
        again_at = None
        if endless or notice.due < plan.repeats_max:
            again_at = now + ms_of(plan.repeat_s)
        elif burns:
            again_at = now + max(ms_of(plan.repeat_s), LONG_MS)
        return replace(notice, due=notice.due + 1, next_repeat_at_ms=again_at)

    def _is_still_so(self, incident: Incident) -> bool:
        alarms = self._state.alarms_of(incident)
        return any(alarm.condition is Condition.ALARM and alarm.source_active for alarm in alarms)

    def _theirs(self, incident: Incident, person: str) -> list[Notice]:
        """A person's notices of the present call, oldest first."""
        return [each for each in self._state.notices_to(incident, person) if each.call == incident.call]

    def _since_asked(self, incident: Incident, person: str) -> list[Notice]:
        """The same, since they were last asked anew within the call: every channel of theirs is tried once more."""
        theirs = self._theirs(incident, person)
        anew = [number for number, each in enumerate(theirs) if each.reason in ANEW]
        return theirs[anew[-1] :] if anew else theirs

    def _call_over_next(self, incident: Incident, notice: Notice, reason: Reason, now: int) -> None:
        """Tell a notice's person over their next channel too, unless they have been called over it in this call."""
        following, asks = self._following(notice), notice.expects_answer
        if following is None:
            return
        called = {each.channel for each in self._since_asked(incident, notice.person) if each.expects_answer}
        if asks and notice.channel < following and following in called:
            return
        self.tell(
            incident,
            notice.person,
            reason,
            notice.ring,
            now,
            expects_answer=asks,
            channel=following,
            again=True,
            others=notice.others,
        )

    def _following(self, notice: Notice) -> int | None:
        """The channel to try next; the first, if the site no longer has the notice's own channel."""
        person = self._site.people.get(notice.person)
        if person is None:
            return None
        if notice.channel >= len(person.channels):
            return 0
        return notice.channel + 1 if notice.channel + 1 < len(person.channels) else None

    def _last_that_worked(self, incident: Incident, person: str) -> int:
        """The channel of the person's newest notice, or the one after it if it failed; else their first."""
        theirs = self._state.notices_to(incident, person)
        if not theirs:
            return 0
        newest = theirs[-1]
        channel = newest.channel if newest.failed_at_ms is None else self._following(newest)
        return channel if channel is not None and channel < len(self._site.people[person].channels) else 0

    def _cause(self, incident: Incident) -> Alarm | None:
        """The newest of the highest conditions: what people are told of."""
        alarms = [alarm for alarm in self._state.alarms_of(incident) if alarm.condition in PRIORITY]
        return min(alarms, key=lambda each: (PRIORITY.index(each.condition), -each.heard_at_ms), default=None)


def _is_endless(incident: Incident, reason: Reason) -> bool:
    """True for what goes on beyond the plan's repeats; of an entrapment until it is acknowledged (EN 81-28)."""
    trapped = incident.kind is Kind.ENTRAPMENT and incident.condition is Condition.ALARM and incident.full_call
    return reason in ENDLESS or (trapped and not incident.acknowledged_by)
