"""First hits of open incidents: who is asked, what confirms them, and when they become the full call.

What is decided stands in `verification.py`; everything it needs is in the incident, so that a restart changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Answer, Incident, detector_of
from collector.alarms.route import Mode
from collector.alarms.verification import (
    ALONE_MS,
    Cause,
    FirstHit,
    Hit,
    Stage,
    Step,
    came_back,
    coincidence,
    due_at,
    independent,
    lasted,
    member_of,
    overdue,
    verifying_zone,
    with_hit,
)
from collector.calls.callout import CallOut
from collector.calls.dispatch import Reason, nearest
from collector.calls.roster import Roster
from collector.state import State
from config.profile import Condition, Initiating, Kind
from config.site import Site
from config.zone import PositiveAlarmSequence, Zone

_NEVER_VERIFIED = {
    Initiating.AUTOMATIC: Cause.UNVERIFIED,
    Initiating.MANUAL: Cause.MANUAL,
    Initiating.CONFIRMED: Cause.PANEL_CONFIRMED,
}
# What a cause means for the first hit's life; any other cause confirms it.
_STEPS = {
    Cause.UNANSWERED: Step.TIME_UP,
    Cause.NOT_CLEARED_UP: Step.TIME_UP,
    Cause.CANNOT: Step.DECLINED,
    Cause.UNREACHABLE: Step.DECLINED,
    Cause.NOBODY_NEAR: Step.DECLINED,
}


class FirstHits:
    """Verifies the alarms of automatic detectors before everybody is called. Changes incidents in `state` only."""

    def __init__(self, site: Site, state: State, call_out: CallOut) -> None:
        self._site = site
        self._state = state
        self._call_out = call_out
        self._roster = Roster(site, state)

    def take(self, incident: Incident, alarm: Alarm, now: int) -> None:
        """An alarm, new or back, of an incident that is no full call: it becomes one, unless a zone has it verified."""
        is_fire = alarm.kind is Kind.FIRE and alarm.route.mode is Mode.LIVE
        # What a disablement had taken aside has stood all the while and calls at once.
        verified = is_fire and alarm.initiating is Initiating.AUTOMATIC and alarm.rerouted_at_ms != now
        zone = verifying_zone(self._site, alarm.device, detector_of(alarm.point), now) if verified else None
        if zone is not None:
            self._hit(incident, alarm, zone, now)
        elif incident.first_hit is not None and incident.verifying:
            cause = _NEVER_VERIFIED[alarm.initiating]
            self._loud(incident, incident.first_hit, cause, now, alarm.device)
        else:
            self._call_out.begin(incident, now)

    def returned(self, alarm: Alarm, now: int) -> None:
        """An alarm is back to normal; the state has it so. A first hit stays: it waits for people or confirmation."""
        incident = self._state.incidents.get(alarm.incident or "")
        first = incident.first_hit if incident is not None else None
        if incident is None or first is None:
            return
        member = member_of(alarm.device, detector_of(alarm.point))
        hit = first.of(member)
        if hit is None or hit.returned_at_ms is not None or self._stands(incident, member):
            return
        gone = replace(hit, returned_at_ms=alarm.returned_at_ms or now)
        first = replace(first, hits=tuple(gone if each.member == member else each for each in first.hits))
        incident = self._put(incident, first)
        if incident.verifying and gone in first.round() and lasted(self._site, gone, now):
            self._loud(incident, first, Cause.STILL_THERE, now, alarm.device)

    def answered(self, incident: Incident, person: str, answer: Answer, now: int) -> None:
        """Somebody said going, arrived or cannot. Who looks gets the zone's time, once; nobody to look is loud."""
        first = incident.first_hit
        if first is None or not incident.verifying:
            return
        if answer is not Answer.CANNOT:
            self._investigates(incident, first, person, now)
            return
        went = any(said.person == person and said.going_at_ms is not None for said in incident.responses)
        if (went or self._is_asked(incident, person)) and not _somebody_goes(incident):
            self._loud(incident, first, Cause.CANNOT, now)

    def acknowledged(self, incident: Incident, person: str, now: int) -> None:
        """Somebody has seen it: in a positive alarm sequence that is the answer that who was asked owes."""
        first = incident.first_hit
        if first is None or not incident.verifying or not self._is_asked(incident, person):
            return
        zone = self._site.zones.get(first.zone)
        if zone is not None and isinstance(zone.verification, PositiveAlarmSequence):
            self._investigates(incident, first, person, now)

    def unreachable(self, incident: Incident, now: int) -> None:
        """A channel has given up. Nobody left who was asked and could be reached: loud, unless somebody is going."""
        first = incident.first_hit
        if first is None or not incident.verifying:
            return
        notices = self._state.notices_of_call(incident)
        reachable = any(notice.failed_at_ms is None for notice in notices)
        if not reachable and not _somebody_goes(incident):
            self._loud(incident, first, Cause.UNREACHABLE, now)

    def dismissed(self, incident: Incident, now: int) -> None:
        """The call was stood down by somebody who may: nothing becomes loud by itself any more. The latch stays."""
        first = incident.first_hit
        if first is not None and incident.verifying:
            self._put(incident, first.stepped(Step.DISMISSED))
            self._state.log(now, "first-hit-set-aside", incident=incident.id)

    def forget(self, incident: Incident, person: str, now: int) -> Incident:
        """Every alarm of the incident was reset; gives the incident without its first hit."""
        if incident.first_hit is None:
            return incident
        if incident.verifying:
            self._call_out.stand_down(incident, person, now)
        return self._put(self._state.incidents[incident.id], None)

    def more(self, incident: Incident, now: int) -> None:
        """Who looks needs more people: loud."""
        if incident.first_hit is not None and incident.verifying:
            self._loud(incident, incident.first_hit, Cause.MORE_NEEDED, now)

    # --- time -----------------------------------------------------------------------------------------

    def due_at(self, incident: Incident) -> int | None:
        """When `step` has something to do."""
        first = incident.first_hit
        return due_at(self._site, first) if first is not None and incident.verifying else None

    def step(self, incident: Incident, now: int) -> None:
        """Time has passed: loud, if nobody has answered or cleared it up, or if it has stood for its delay."""
        first = incident.first_hit
        if first is None or not incident.verifying:
            return
        hits = tuple(replace(hit, alone=hit.alone and not self._explained(hit.member, now)) for hit in first.hits)
        if hits != first.hits:
            first = replace(first, hits=hits)
            incident = self._put(incident, first)
        cause = overdue(self._site, first, now)
        if cause is not None:
            self._loud(incident, first, cause, now)

    # --- inside ---------------------------------------------------------------------------------------

    def _loud(self, incident: Incident, first: FirstHit, cause: Cause, now: int, device: str | None = None) -> None:
        """The full call-out, for a reason with a name. What people have said of the first hit still counts."""
        facts = [("why", cause.value), ("hits", ", ".join(first.members))]
        self._state.log(now, "first-hit-loud", incident=incident.id, device=device, facts=facts)
        asked = dict.fromkeys(notice.person for notice in self._state.notices_of_call(incident))
        said = {each.person: each.answer for each in incident.responses if each.call == incident.call}
        responses = [replace(each, call=each.call + 1) if each.person in said else each for each in incident.responses]
        first = replace(first.stepped(_STEPS.get(cause, Step.CONFIRMED)), cause=cause)
        self._call_out.begin(replace(incident, first_hit=first, responses=tuple(responses)), now)
        incident = replace(self._state.incidents[incident.id], answers_from_ms=incident.answers_from_ms)
        self._state.put_incident(incident)
        called = {notice.person for notice in self._state.notices_of_call(incident)}
        news = [person for person in asked if person in said and said[person] is not Answer.CANNOT]
        call = [person for person in asked if person not in said and person not in called]
        self._call_out.tell_people(incident, [(person, Reason.FIRST_HIT_LOUD) for person in news], now)
        self._call_out.tell_people(incident, [(person, Reason.FIRST_HIT_LOUD) for person in call], now, asks=True)

    def _hit(self, incident: Incident, alarm: Alarm, zone: Zone, now: int) -> None:
        """A member of a verified zone is in alarm: confirmed, or told to the nearest person."""
        first, new = incident.first_hit, self._hit_of(alarm, zone, now)
        if first is None:
            self._ask(incident, (new,), zone, now)
            return
        known = first.of(new.member)
        if first.pending and known is not None and known.returned_at_ms is None:
            return  # another point of a member that people look at already; what was set aside is asked about anew
        if self._is_flag(alarm, zone) and not new.alone and new.member not in independent([*first.members, new.member]):
            return  # the panel's general flag beside its detector
        changed = replace(first, hits=with_hit(first.hits, new, now), zone=zone.id)
        cause = coincidence(self._site, changed, new)
        if first.pending and known is not None and came_back(self._site, known, new):
            cause = Cause.BACK_AGAIN
        if cause is not None:
            self._loud(incident, changed, cause, now, alarm.device)
        elif not first.pending:
            self._ask(incident, changed.hits, zone, now)
        else:
            incident = self._put(incident, changed.stepped(Step.HIT))
            self._log_hit(incident, new, now)
            if known is None and alarm.device not in first.members:  # else it says which detector the panel meant
                self._call_out.tell_people(incident, self._nearest(incident, now), now, asks=True)

    def _hit_of(self, alarm: Alarm, zone: Zone, now: int) -> Hit:
        member = member_of(alarm.device, detector_of(alarm.point))
        alone = self._is_flag(alarm, zone) and not self._explained(alarm.device, now)
        return Hit(member, zone.id, alarm.raised_at_ms, now, alarm.returned_at_ms, alone)

    def _is_flag(self, alarm: Alarm, zone: Zone) -> bool:
        """True for a panel's own alarm where only its detectors belong to the zone."""
        return detector_of(alarm.point) is None and alarm.device not in zone.members

    def _explained(self, panel: str, now: int) -> bool:
        """True if one of a panel's detectors is in alarm too, or was a moment ago."""
        theirs = (each for each in self._state.alarms.values() if each.device == panel)
        return any(
            each.condition is Condition.ALARM
            and detector_of(each.point) is not None
            and (each.source_active or now - each.heard_at_ms <= ALONE_MS)
            for each in theirs
        )

    def _stands(self, incident: Incident, member: str) -> bool:
        """True while any point of a member is in alarm."""
        return any(
            alarm.source_active and member_of(alarm.device, detector_of(alarm.point)) == member
            for alarm in self._state.alarms_of(incident)
            if alarm.condition is Condition.ALARM
        )

    def _ask(self, incident: Incident, hits: tuple[Hit, ...], zone: Zone, now: int) -> None:
        """A round begins: the nearest person is asked."""
        incident = self._put(incident, FirstHit(Stage.WAITING, zone.id, now, hits))
        self._log_hit(incident, hits[-1], now)
        self._call_out.ask(incident, self._nearest(incident, now), now)
        incident = self._state.incidents[incident.id]
        if incident.first_hit is not None and not self._state.notices_of_call(incident):
            self._loud(incident, incident.first_hit, Cause.NOBODY_NEAR, now)

    def _nearest(self, incident: Incident, now: int) -> list[tuple[str, Reason]]:
        found = nearest(self._site, self._roster, incident.building, now)
        return [(person, Reason.FIRST_HIT) for person, _ in found]

    def _is_asked(self, incident: Incident, person: str) -> bool:
        return any(notice.person == person for notice in self._state.notices_of_call(incident))

    def _investigates(self, incident: Incident, first: FirstHit, person: str, now: int) -> None:
        if first.answered_at_ms is not None:
            return  # the time to look is given once
        changed = replace(first.stepped(Step.ANSWERED), answered_at_ms=now)
        self._put(incident, changed)
        self._state.log(now, "first-hit-answered", incident=incident.id, person=person)

    def _put(self, incident: Incident, first: FirstHit | None) -> Incident:
        incident = replace(incident, first_hit=first)
        self._state.put_incident(incident)
        return incident

    def _log_hit(self, incident: Incident, hit: Hit, now: int) -> None:
        device = hit.member.partition(":")[0]
        facts = [("zone", hit.zone), ("hit", hit.member)]
        self._state.log(now, "first-hit", incident=incident.id, device=device, facts=facts)


def _somebody_goes(incident: Incident) -> bool:
    return any(said.answer is not Answer.CANNOT and said.call == incident.call for said in incident.responses)
