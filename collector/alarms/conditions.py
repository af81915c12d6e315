"""Raise, clear, acknowledge and reset conditions; each opens, joins or closes its building's incident of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from collector.alarms.alarm import LATCHING, Alarm, Event, Phase, next_phase, outlived_key
from collector.alarms.aside import Aside
from collector.alarms.firsthit import FirstHits
from collector.alarms.incident import PRIORITY, Incident, Source, detector_of, is_new_source, outranks
from collector.alarms.route import Mode, Route
from collector.alarms.rules import Rule
from collector.calls.callout import LATE_MS, CallOut
from collector.calls.dispatch import Reason
from collector.state import State
from config.profile import Condition, Kind


@dataclass(frozen=True, slots=True)
class When:
    """The stamp of what decides: source time, and place in the journal if it is a record."""

    at_ms: int
    epoch: str | None = None
    position: int | None = None
    historical: bool = False
    ours: bool = False  # decided by this collector itself, in order: it follows all that was so before

    def precedes(self, alarm: Alarm) -> bool:
        """True if the alarm was decided by something newer. In one journal the position tells, never the stamp."""
        if self.ours:
            return False
        if self.position is None:
            return self.at_ms < alarm.raised_at_ms
        return alarm.position is not None and alarm.epoch == self.epoch and self.position < alarm.position

    def is_late(self, now: int) -> bool:
        """True for what comes from a backlog and was long ago: if it is over, it is no call-out any more."""
        return self.historical and now - self.at_ms > LATE_MS

    @property
    def backlog_ms(self) -> int | None:
        """When it happened, if it comes from a backlog: what a disablement takes aside now it may not have then."""
        return self.at_ms if self.historical else None

    def decides(self, alarm: Alarm, **changes: Any) -> Alarm:
        """The alarm so changed, by this as its newest record; what is no record leaves the last one standing."""
        if self.position is not None:
            changes |= {"epoch": self.epoch, "position": self.position}
        return replace(alarm, **changes)


def ours(now: int) -> When:
    """The stamp of what this collector notices itself; the clock may have been set meanwhile."""
    return When(now, ours=True)


class Conditions:
    """The alarms of the state, and what their changes mean for incidents."""

    def __init__(self, state: State, call_out: CallOut, aside: Aside, first_hits: FirstHits) -> None:
        self._state = state
        self._call_out = call_out
        self._aside = aside
        self._first_hits = first_hits

    def raised(self, rule: Rule, value: str, when: When, now: int, late: bool = False) -> None:
        """The source says that the condition holds; `late`: something newer has already said that it does not."""
        alarm = self._state.alarms.get(rule.key)
        late = late or (alarm is not None and when.precedes(alarm))
        event = Event.RAISED_LATE if late else Event.RAISED
        if alarm is None:
            route = self._aside.route_of(rule, now, when.backlog_ms)
            phase = next_phase(rule.condition, Phase.NORMAL, event, route.mode)
            if phase is not Phase.NORMAL:
                self._new(rule, value, when, now, phase, route)
            elif route.mode is Mode.WALK_TEST and rule.condition in LATCHING:  # so short that it is over: the tester
                self._new(rule, value, when, now, Phase.ACTIVE, route)  # hears of it all the same
                self.cleared(rule.key, when, now)
            return
        phase = next_phase(alarm.condition, alarm.phase, event, alarm.route.mode)
        route = alarm.route
        if route.mode is not Mode.LIVE:  # a live alarm stays live, whatever is disabled meanwhile
            route = self._aside.route_of(rule, now, when.backlog_ms)
        if phase is not alarm.phase and route != alarm.route:
            self._new(rule, value, when, now, phase, route)
            self._close_if_over(alarm.incident, now)
        elif phase is not alarm.phase:
            self._again(replace(alarm, initiating=rule.initiating), value, when, now, phase)
        elif late:
            self._log("alarm-raised-late", alarm, now)
        elif alarm.source_active and when.position is not None:
            # Remember the newest record that says so, lest an older return ends it; and the first time it was so.
            raised_at = min(alarm.raised_at_ms, when.at_ms) if alarm.position is None else alarm.raised_at_ms
            newer = when.decides(alarm, raised_at_ms=raised_at)
            if newer != alarm:
                self._state.put_alarm(newer)

    def cleared(self, key: str, when: When, now: int) -> None:
        """The source says that the condition is over. An alarm stays latched."""
        alarm = self._state.alarms.get(key)
        if alarm is not None and not when.precedes(alarm):
            self._over(alarm, "alarm-returned", when, now)

    def source_gone(self, alarm: Alarm, now: int) -> None:
        """The site has nothing any more that could say so, or means this: it counts as over. An alarm stays latched.

        Such an alarm makes room for what its source means now, see `outlived_key`.
        """
        if alarm.outlived:
            return
        if alarm.source_active:
            self._over(alarm, "alarm-source-gone", ours(now), now)
        else:
            self._log("alarm-source-gone", alarm, now)
        latched, incident = self._state.alarms.get(alarm.key), self._state.incidents.get(alarm.incident or "")
        if latched is None or incident is None:
            return
        key = outlived_key(alarm.key, incident.id)
        keys = dict.fromkeys(key if each == alarm.key else each for each in incident.alarms)
        self._state.put_alarm(replace(latched, phase=Phase.NORMAL))
        self._state.put_alarm(replace(latched, key=key))
        self._state.put_incident(replace(incident, alarms=tuple(keys)))

    def reroute(self, alarm: Alarm, now: int, to: Route | None = None) -> None:
        """What took it aside is over: if its source still says so it goes its way now, and calls at once.

        A latched one whose source is normal stays with its incident until its reset. Who was told of it aside hears
        that everybody is called now; that they have acknowledged it counts for them alone. `to`: a person wants it on
        this road, whatever is still disabled and whatever its source says now.
        """
        route = self._aside.route_after(alarm, now) if to is None else to
        if route == alarm.route or not (alarm.source_active or to is not None):
            return
        event = Event.RAISED if alarm.source_active else Event.RAISED_LATE
        phase = next_phase(alarm.condition, Phase.NORMAL, event, route.mode)
        moved = replace(alarm, phase=phase, route=route, incident=None, rerouted_at_ms=now)
        self._log("alarm-rerouted", alarm, now, [("route", route.mode.value)])
        self._enter(moved, Source(alarm.device, detector_of(alarm.point)), now, late=False)
        before = self._state.incidents.get(alarm.incident or "")
        if before is None:
            return
        after = self._state.open_incident(alarm.building, alarm.kind, route)
        if after is not None and after.full_call and route.mode is Mode.LIVE:
            self._call_out.hand_over(before, after, now)
        if not self._state.alarms_of(before):
            self._call_out.close(before, now, None)

    def acknowledge(self, incident: Incident, now: int) -> None:
        """A person has seen the incident: all its conditions count as acknowledged."""
        for alarm in self._state.alarms_of(incident):
            phase = next_phase(alarm.condition, alarm.phase, Event.ACKNOWLEDGED, alarm.route.mode)
            if phase is not alarm.phase:
                self._state.put_alarm(replace(alarm, phase=phase))
                self._log("alarm-acknowledged", alarm, now)

    def reset(self, incident: Incident, person: str, now: int) -> None:
        """Unlatch what awaits it; the caller has checked that this is allowed to this person."""
        for alarm in self._state.alarms_of(incident):
            if alarm.condition in LATCHING:
                phase = next_phase(alarm.condition, alarm.phase, Event.RESET, alarm.route.mode)
                self._state.put_alarm(replace(alarm, phase=phase))
                self._log("alarm-reset", alarm, now)
        incident = self._first_hits.forget(incident, person, now)
        left = [alarm.condition for alarm in self._state.alarms_of(incident)]
        if left:
            self._call_out.lessen(incident, min(left, key=PRIORITY.index), person, now)
        else:
            self._call_out.close(incident, now)

    # --- inside ---------------------------------------------------------------------------------------

    def _new(self, rule: Rule, value: str, when: When, now: int, phase: Phase, route: Route) -> None:
        returned_at = None if phase is Phase.ACTIVE else when.at_ms
        alarm = Alarm(
            key=rule.key,
            device=rule.device,
            point=rule.point,
            building=rule.building,
            condition=rule.condition,
            kind=rule.kind,
            phase=phase,
            value=value,
            raised_at_ms=when.at_ms,
            heard_at_ms=now,
            returned_at_ms=returned_at,
            epoch=None if when.position is None else when.epoch,
            position=when.position,
            tell=rule.tell,
            initiating=rule.initiating,
            route=route,
        )
        # Over and long ago: no call-out. Whether it is over may become known only a little later.
        late = rule.condition is Condition.ALARM and when.is_late(now)
        self._enter(alarm, Source(rule.device, rule.detector), now, late)

    def _enter(self, alarm: Alarm, source: Source, now: int, late: bool) -> None:
        """A condition that is in no incident yet opens or joins that of its building, kind and route."""
        if alarm.condition not in PRIORITY:
            self._state.put_alarm(alarm)
            self._log("alarm-raised", alarm, now)
            return
        incident = self._state.open_incident(alarm.building, alarm.kind, alarm.route)
        if incident is None:
            self._open(alarm, now, late)
        else:
            self._join(alarm, incident, source, now, late)

    def _open(self, alarm: Alarm, now: int, late: bool) -> None:
        incident = Incident(
            id=self._state.next_id(now),
            building=alarm.building,
            kind=alarm.kind,
            opened_at_ms=now,
            cause_at_ms=alarm.raised_at_ms,
            full_call=False,
            alarms=(alarm.key,),
            condition=alarm.condition,
            route=alarm.route,
        )
        alarm = replace(alarm, incident=incident.id)
        self._state.put_alarm(alarm)
        self._state.put_incident(incident)
        facts = [("kind", alarm.kind.value), ("building", alarm.building), ("class", alarm.condition.value)]
        self._state.log(now, "incident-opened", incident=incident.id, device=alarm.device, facts=facts)
        self._log("alarm-raised", alarm, now)
        if alarm.route.mode is not Mode.LIVE:
            self._aside.raised(incident, alarm, now)
        elif alarm.condition in (Condition.TROUBLE, Condition.SUPERVISORY):
            self._call_out.tell_in_time(incident, now)
        elif alarm.condition is Condition.ALARM and not late:
            self._first_hits.take(incident, alarm, now)
        else:
            self._call_out.tell(incident, now, late)

    def _join(self, alarm: Alarm, incident: Incident, source: Source, now: int, late: bool) -> None:
        others = {
            Source(other.device, detector_of(other.point))
            for other in self._state.alarms_of(incident)
            if other.condition is Condition.ALARM
        }
        higher = outranks(alarm.condition, incident.condition)
        incident = replace(
            incident,
            alarms=incident.alarms if alarm.key in incident.alarms else (*incident.alarms, alarm.key),
            condition=alarm.condition if higher else incident.condition,
        )
        alarm = replace(alarm, incident=incident.id)
        self._state.put_alarm(alarm)
        self._state.put_incident(incident)
        self._log("alarm-raised", alarm, now)
        if alarm.route.mode is not Mode.LIVE:
            self._aside.raised(incident, alarm, now)
        elif alarm.condition is Condition.ALARM and not late and not incident.full_call:
            self._first_hits.take(incident, alarm, now)
        elif higher and not incident.full_call:  # people asked for more may have made a pre-alarm a call already
            self._call_out.tell(incident, now, late)
        elif alarm.condition is Condition.ALARM and (not incident.full_call or is_new_source(source, others)):
            self._call_out.recall(incident, now, late)
        elif alarm.condition is Condition.ALARM:
            self._call_out.raised_again(incident, now, late)
        else:
            self._call_out.tell_in_time(incident, now)

    def _again(self, alarm: Alarm, value: str, when: When, now: int, phase: Phase) -> None:
        """A latched alarm whose source had returned is active once more."""
        changed = when.decides(
            alarm, phase=phase, value=value, raised_at_ms=when.at_ms, heard_at_ms=now, returned_at_ms=None
        )
        self._state.put_alarm(changed)
        self._log("alarm-raised-again", changed, now)
        incident = self._state.incidents.get(alarm.incident or "")
        if incident is not None and alarm.route.mode is not Mode.LIVE:
            self._aside.raised(incident, changed, now, again=True)
        elif incident is not None and (incident.full_call or when.is_late(now)):
            self._call_out.raised_again(incident, now, late=when.is_late(now))
        elif incident is not None:
            self._first_hits.take(incident, changed, now)

    def _over(self, alarm: Alarm, event: str, when: When, now: int) -> None:
        if not alarm.source_active:
            return
        phase = next_phase(alarm.condition, alarm.phase, Event.CLEARED, alarm.route.mode)
        changed = when.decides(alarm, phase=phase, returned_at_ms=when.at_ms)
        self._state.put_alarm(changed)
        self._log(event, changed, now)
        self._first_hits.returned(changed, now)
        self._close_if_over(alarm.incident, now)

    def _close_if_over(self, incident_id: str | None, now: int) -> None:
        incident = self._state.incidents.get(incident_id or "")
        if incident is not None and not self._state.alarms_of(incident):
            news: Reason | None = Reason.RESTORED if incident.kind is Kind.DISABLEMENT else Reason.CLOSED
            if incident.route.mode is Mode.WALK_TEST:  # the tester needs no word of the end of each alarm
                news = None
            self._call_out.close(incident, now, news)

    def _log(self, event: str, alarm: Alarm, now: int, more: Sequence[tuple[str, str]] = ()) -> None:
        facts = [("alarm", alarm.key), ("class", alarm.condition.value), ("value", alarm.value or ""), *more]
        self._state.log(now, event, incident=alarm.incident, device=alarm.device, facts=facts)
