"""One incident's call-out: rings outward in time until enough people are going, each notice with a named reason.

Everything it needs to go on is in the incident and its notices, so that a restart changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from collector.agenda import ms_of
from collector.alarms.alarm import Alarm
from collector.alarms.incident import Answer, Incident
from collector.calls import responsetimes
from collector.calls.digest import Digest
from collector.calls.dispatch import Notice, Reason, people_of, present, responsible
from collector.calls.notices import Notices
from collector.calls.pursuit import Pursuit
from collector.calls.quiet import quiet_until
from collector.calls.quorum import Quorum, is_quiet
from collector.calls.rings import Rings
from collector.calls.roster import Roster
from collector.calls.turnover import Turnover
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind
from config.site import KindPlan, Site

LATE_MS = 30 * 60 * 1000  # an alarm older than this when it arrives, and over, is no call-out any more
RECALL_AFTER_MS = 10_000  # devices that join within this time of a call are told of in one new call
PEOPLE_THERE_MS = 600_000  # so long after their last word people are there or near, and see a head flicker themselves
SETTLE_MS = 10_000  # a late alarm that is still active so long after it came is called out in full
RETELL_MS = 600_000  # a building whose troubles come and go is told of them once in this time


@dataclass(frozen=True, slots=True)
class Told(Kept):
    """When people were last told of what is no call-out, of a kind in a building (the id): its flicker is no news."""

    at_ms: int


class CallOut:
    """The call-outs of all open incidents. Each method leaves the changed incident and its notices in `state`."""

    def __init__(self, site: Site, state: State) -> None:
        self._site = site
        self._state = state
        self.digest = Digest(site, state)
        self._notices = Notices(site, state, self.digest)
        self._roster = Roster(site, state)
        self._rings = Rings(site, state, self._notices, self._roster)
        self._quorum = Quorum(site, state, self._notices, self._rings, self._roster)
        self._turnover = Turnover(site, state, self._notices, self._rings, self._quorum)
        self._pursuit = Pursuit(site, state, self._notices, self._rings, self._quorum, self._roster)

    # --- beginning ------------------------------------------------------------------------------------

    def begin(self, incident: Incident, now: int, anew: Reason | None = None) -> None:
        """The full call-out, from the first ring. `anew`: everybody told before is called at once, for this reason."""
        told = [] if anew is None else self._notices.told(incident)
        before = [person for person in told if not self._roster.away(person, now)]
        incident = self._rings.start(incident, now, full=True)
        if left := tuple(person for person in told if person not in before):
            incident = replace(incident, left=left)
            self._state.put_incident(incident)
        self._state.log(now, "call-started", incident=incident.id, facts=[("call", str(incident.call))])
        if anew is not None:
            for person in before:
                self._notices.tell(incident, person, anew, 0, now)
        self._rings.call_next(incident, now, waiting=bool(before))

    def tell(self, incident: Incident, now: int, late: bool = False) -> None:
        """No call-out: the leader and the manager. `late`: an alarm that was long ago when it arrived.

        News that wait for the end of the quiet hours are told then, if they are still so.
        """
        quiet_at = quiet_until(self._site, incident.condition, now)
        if quiet_at is not None:
            self._state.put_incident(replace(incident, next_step_at_ms=quiet_at))
            self._state.log(now, "waits-for-morning", incident=incident.id)
            return
        incident = self._rings.start(incident, now, full=False)
        if late:
            # Its return may be on the way. If it is not, people are called after all: see `step`.
            incident = replace(incident, next_step_at_ms=now + SETTLE_MS)
        self._state.put_incident(incident)
        self._state.keep(Told(f"{incident.kind}:{incident.building}", now))
        asks = not is_quiet(incident)
        for person, reason in self._concerned(incident, now):
            why = Reason.LATE_REPORT if late else reason
            self._notices.tell(incident, person, why, 0, now, expects_answer=asks)

    def ask(self, incident: Incident, people: Iterable[tuple[str, Reason]], now: int) -> None:
        """A first hit in a verified zone: these people are asked, nobody else is called yet."""
        late_at = incident.next_step_at_ms or incident.recall_at_ms
        incident = self._rings.start(incident, now, full=False)
        if late_at is not None and self._late_and_still_so(incident):
            self._plan_recall(incident, late_at, Reason.NEW_DEVICE, still_so=True)
            incident = self._state.incidents[incident.id]
        for person, reason in people:
            self._notices.tell(incident, person, reason, 0, now)

    def tell_in_time(self, incident: Incident, now: int) -> None:
        """The same of what is no news, or may be a flicker: soon after they were last told, only if it stays so."""
        if incident.full_call:
            self._joined(incident, now)
        if incident.full_call or incident.verifying or incident.next_step_at_ms is not None:
            return
        if incident.kind is Kind.DISABLEMENT:  # no flicker: people do it, and each further one is told of by itself
            if not incident.call_started_at_ms:
                self.tell(incident, now)
            return
        told = self._state.kept(Told).get(f"{incident.kind}:{incident.building}")
        told_at = incident.call_started_at_ms if told is None else told.at_ms
        if told_at and now < told_at + RETELL_MS:
            self._state.put_incident(replace(incident, next_step_at_ms=told_at + RETELL_MS))
        else:
            self.tell(incident, now)

    def recall(self, incident: Incident, now: int, late: bool = False, reason: Reason = Reason.NEW_DEVICE) -> None:
        """Something else is in alarm: everybody is called anew, but not more often than people can follow.

        `late`: it was long ago when it arrived; they are called if it is still so a little later.
        """
        if late:
            if incident.recall_at_ms is None:
                self._plan_recall(incident, now + SETTLE_MS, reason, still_so=True)
            return
        at = incident.call_started_at_ms + RECALL_AFTER_MS
        if now >= at or self._ended(incident):
            self.begin(incident, now, reason)
        else:
            self._plan_recall(incident, at, reason, still_so=False)

    def raised_again(self, incident: Incident, now: int, late: bool = False) -> None:
        """What people were called to is in alarm once more: a new call, unless one is under way or they are there."""
        if incident.full_call:
            if self._is_spent(incident, now):
                self.recall(incident, now, late, Reason.RAISED_AGAIN)
        elif late:
            self.recall(incident, now, late)
        else:
            self.begin(incident, now)

    def tell_people(
        self,
        incident: Incident,
        people: Iterable[tuple[str, Reason]],
        now: int,
        *,
        asks: bool = False,
        about: Alarm | None = None,
    ) -> None:
        """News of an open incident to these people, each with a reason, as often as it is said. `asks`: and a call.

        `about`: of this condition alone.
        """
        for person, reason in people:
            self._notices.tell(incident, person, reason, 0, now, expects_answer=asks, again=True, about=about)

    def hand_over(self, before: Incident, after: Incident, now: int) -> None:
        """What was told to few is called out now: these few are told so, unless they are called themselves."""
        called = self._notices.told(after, after.call)
        few = [person for person in self._notices.told(before) if person not in called]
        self.tell_people(after, [(person, Reason.HANDED_OVER) for person in few], now)

    # --- time -----------------------------------------------------------------------------------------

    def due_at(self, incident: Incident, now: int) -> int | None:
        """When `step` has something to do, as the roster stands now."""
        times = [incident.next_step_at_ms, incident.recall_at_ms]
        times += [self._notices.due_at(incident), self._quorum.due_at(incident), self._pursuit.due_at(incident, now)]
        return min((at for at in times if at is not None), default=None)

    def step(self, incident: Incident, now: int) -> None:
        """Time has passed: call anew, call the next ring, judge a late alarm again, repeat what nobody answered."""
        if incident.recall_at_ms is not None and now >= incident.recall_at_ms:
            if incident.recall_if_still_so and not self._late_and_still_so(incident):
                self._tell_late(replace(incident, recall_at_ms=None), now)
            else:
                self.begin(incident, now, incident.recall_reason)
        elif incident.next_step_at_ms is not None and now >= incident.next_step_at_ms:
            if incident.full_call:
                self._rings.call_next(incident, now)
            elif incident.first_hit is None and self._still_in_alarm(incident):  # late, and not one set aside
                self.begin(incident, now)
            elif self._is_news(incident):
                self.tell(incident, now)
            else:
                self._state.put_incident(replace(incident, next_step_at_ms=None))
        self._quorum.step(self._state.incidents[incident.id], now)
        self._pursuit.step(self._state.incidents[incident.id], now)
        quiet_at = quiet_until(self._site, incident.condition, now)
        if quiet_at is None:
            self._notices.pursue(incident, now)
        else:
            self._notices.wait(incident, quiet_at)

    # --- people ---------------------------------------------------------------------------------------

    def acknowledge(self, incident: Incident, person: str, now: int) -> None:
        """Repeats to this person stop, to nobody else."""
        if person not in incident.acknowledged_by:
            incident = replace(incident, acknowledged_by=(*incident.acknowledged_by, person))
            self._state.put_incident(incident)
            self._state.log(now, "acknowledged", incident=incident.id, person=person)
        self._notices.supersede(incident, now, person)

    def told_with(self, incident: Incident, person: str) -> list[Incident]:
        """The other open incidents that a person was told of in the same notice: their answer is for these too."""
        notices = self._state.notices_to(incident, person)
        names = dict.fromkeys(each.incident for notice in notices for each in self._notices.told_with(notice))
        return [self._state.incidents[name] for name in names]

    def answer(self, incident: Incident, person: str, answer: Answer, said_at_ms: int, now: int) -> None:
        """Going, arrived or cannot. Enough going ends the call; nobody left to wait for calls the next ring."""
        self._quorum.answer(incident, person, answer, said_at_ms, now)
        self._pursuit.look(self._state.incidents[incident.id], now)

    def more(self, incident: Incident, now: int) -> None:
        """Somebody who is going or there needs more people: the next are called at once, enough or not."""
        if incident.full_call:
            self._quorum.more(incident, now)
        else:
            self.begin(incident, now, Reason.MORE_NEEDED)

    def failed(self, notice: Notice, error: str, now: int) -> None:
        """A channel could not deliver: the person's next one, or, without one, the ring goes on without them."""
        incidents = [notice.incident, *(each.incident for each in self._notices.told_with(notice))]
        if not self._notices.failed(self._state.incidents[notice.incident], notice, error, now):
            for incident in incidents:
                self._quorum.go_on_if_exhausted(self._state.incidents[incident], now)
                self._pursuit.look(self._state.incidents[incident], now)

    def roster_changed(self, person: str, gone: bool, now: int) -> None:
        """Somebody has said of a person that they are away or back: the calls under way follow it at once."""
        for incident in list(self._state.incidents.values()):
            self._pursuit.roster_changed(incident, person, gone, now)

    def people_changed(self, touched: Collection[str], moved: Collection[str], now: int) -> None:
        """People, teams or posts are others now: see `Turnover.follow`."""
        for incident in list(self._state.incidents.values()):
            self._turnover.follow(incident, touched, moved, now)
            self._pursuit.look(self._state.incidents[incident.id], now)

    def stand_down(self, incident: Incident, person: str, now: int, reason: Reason = Reason.STAND_DOWN) -> None:
        """The leader ends the call, or (`reason`) its cause is over. What has joined since then is still told."""
        if incident.stood_down_by is not None:
            return
        incident = replace(incident, stood_down_by=person, next_step_at_ms=None, short_at_ms=None)
        self._state.put_incident(incident)
        self._state.log(now, "stood-down", incident=incident.id, person=person)
        self._rings.end(incident, reason, now)

    def lessen(self, incident: Incident, condition: Condition, person: str, now: int) -> None:
        """Every alarm has been reset and `condition` is the highest that is left: the call has no cause any more."""
        incident = replace(incident, condition=condition, recall_at_ms=None)
        self._state.put_incident(incident)
        if incident.full_call:
            self.stand_down(incident, person, now)
            self._state.put_incident(replace(self._state.incidents[incident.id], full_call=False))

    def close(self, incident: Incident, now: int, reason: Reason | None = Reason.CLOSED) -> None:
        """Everything is reset or normal again, or (`reason`) a drill is over. None: nobody needs to be told."""
        responsetimes.note(self._site, self._state, incident)
        incident = replace(incident, next_step_at_ms=None, recall_at_ms=None, short_at_ms=None)
        self._state.log(now, "incident-closed", incident=incident.id)
        if quiet_until(self._site, incident.condition, now) is not None:
            reason = None  # that it is over wakes nobody either
        self._rings.end(incident, reason, now)
        self._state.put_incident(replace(incident, closed_at_ms=now))

    # --- inside ---------------------------------------------------------------------------------------

    def _concerned(self, incident: Incident, now: int) -> list[tuple[str, Reason]]:
        """Who is told of what is no call-out: who is responsible for the building, or whom its conditions name.

        With them the rings of the plan that name its class. Who is away is told only if nobody else is there.
        """
        alarms = self._state.alarms_of(incident)
        named = {person: Reason.NAMED for alarm in alarms for person in self._known(alarm.tell)}
        every = bool(alarms) and all(self._known(alarm.tell) for alarm in alarms)
        others = [] if every else responsible(self._site, incident.building)
        wanted = list((named | dict(others)).items())
        told = present(self._roster, wanted, now)
        told = told or present(self._roster, people_of(self._site, "", "contacts"), now) or wanted
        return list((dict(self._rings.of_class(incident, now)) | dict(told)).items())

    def _known(self, people: Iterable[str]) -> list[str]:
        """Those who are still of the site."""
        return [person for person in people if person in self._site.people]

    def _joined(self, incident: Incident, now: int) -> None:
        """A lesser condition while a call-out is under way: shown, and told once to leader and manager, as news.

        Not what the devices that are in alarm say beside it: a head's pre-alarm is no news in its own fire.
        """
        alarms = self._state.alarms_of(incident)
        burning = {alarm.device for alarm in alarms if alarm.condition is Condition.ALARM}
        if all(alarm.device in burning for alarm in alarms):
            return
        for person, _ in present(self._roster, responsible(self._site, incident.building), now):
            self._notices.tell(incident, person, Reason.JOINED, 0, now, expects_answer=False)

    def _tell_late(self, incident: Incident, now: int) -> None:
        """Something else was in alarm long ago and is over: leader and manager are told, as of what came first."""
        self._state.put_incident(incident)
        if incident.recall_reason is not Reason.NEW_DEVICE:
            return  # the same device, which people were called to
        asks = not incident.full_call and not incident.verifying
        people = [(person, Reason.LATE_REPORT) for person, _ in self._concerned(incident, now)]
        self.tell_people(incident, people, now, asks=asks)

    def _still_in_alarm(self, incident: Incident) -> bool:
        alarms = self._state.alarms_of(incident)
        return any(alarm.condition is Condition.ALARM and alarm.source_active for alarm in alarms)

    def _is_news(self, incident: Incident) -> bool:
        """True if something that people have not been told of is still so."""
        alarms = self._state.alarms_of(incident)
        return any(alarm.source_active and alarm.here_at_ms > incident.call_started_at_ms for alarm in alarms)

    def _late_and_still_so(self, incident: Incident) -> bool:
        alarms = [alarm for alarm in self._state.alarms_of(incident) if alarm.condition is Condition.ALARM]
        return any(alarm.source_active and alarm.heard_at_ms - alarm.raised_at_ms > LATE_MS for alarm in alarms)

    def _plan_recall(self, incident: Incident, at_ms: int, reason: Reason, still_so: bool) -> None:
        incident = replace(incident, recall_at_ms=at_ms, recall_reason=reason, recall_if_still_so=still_so)
        self._state.put_incident(incident)

    def _is_spent(self, incident: Incident, now: int) -> bool:
        """True if the present call does nothing for a new alarm: stood down, run out, or its people long silent."""
        if incident.stood_down_by is not None:
            return True
        if incident.next_step_at_ms is not None:
            return False
        words = [said.at_ms for said in incident.responses if said.call == incident.call]
        if now >= max(incident.call_started_at_ms, *words, incident.quorum_at_ms or 0) + PEOPLE_THERE_MS:
            return True
        repeat_ms = ms_of(self._plan(incident).repeat_s)
        asked = [notice for notice in self._notices.open_of(incident) if notice.expects_answer]
        waits = any(now < notice.created_at_ms + notice.due * repeat_ms for notice in asked)
        return incident.quorum_at_ms is None and not waits

    def _ended(self, incident: Incident) -> bool:
        return incident.quorum_at_ms is not None or incident.stood_down_by is not None

    def _plan(self, incident: Incident) -> KindPlan:
        return self._site.kind_plan(incident.kind)
