"""Conditions that are beside the live call-out: who is told of what a disablement or a walk test has taken aside.

Of what is disabled an alarm is told to who watches over it, again and again until they acknowledge; if they are
silent for three minutes, to leader and manager as well. Everything else is recorded and shown. Of a walk test the
tester is told of each condition, as information.
"""

from __future__ import annotations

from dataclasses import replace

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident, Source, detector_of, is_new_source
from collector.alarms.measures import Disablement, Proof, Scope, WalkTest, disables, member_of, under_test
from collector.alarms.route import LIVE, Mode, Route
from collector.alarms.rules import Rule
from collector.calls.callout import RECALL_AFTER_MS, CallOut
from collector.calls.dispatch import Notice, Reason, responsible
from collector.state import State
from config.profile import Condition
from config.site import Site

WATCH_SILENT_MS = 180_000  # as long as NFPA 72 gives for an investigation; then others are asked as well
WATCH_AGAIN_MS = 600_000  # what flickers under the eyes of who has acknowledged it is told again after this time
_NEAREST_FIRST = {Scope.DEVICE: 0, Scope.ZONE: 1, Scope.BUILDING: 2}


class Aside:
    """Says which conditions are taken aside, and tells who is to know of them."""

    def __init__(self, site: Site, state: State, call_out: CallOut) -> None:
        self._site = site
        self._state = state
        self._call_out = call_out

    def route_of(self, rule: Rule, now: int, backlog_ms: int | None = None) -> Route:
        """The road that a condition takes which rises now: a walk test's before a disablement's, the nearest first.

        `backlog_ms`: when it happened, if it comes from a backlog. What happened before a measure began is live, and
        so is what happened after its time, though the measure itself may not have been ended yet.
        """
        for test in self._state.kept(WalkTest).values():
            if under_test(self._site, test, rule) and _in_time(test, now, backlog_ms):
                return Route(Mode.WALK_TEST, test.id)
        return self._disabled(rule, now, backlog_ms)

    def route_after(self, alarm: Alarm, now: int) -> Route:
        """The road of an alarm that its own measure takes aside no more: another disablement's, else live.

        A walk test takes nothing that rose before it, nor does a disablement quieten what rose in a walk test.
        """
        in_test = alarm.route.mode is Mode.WALK_TEST
        return self._disabled(_rule_of(alarm), now, alarm.heard_at_ms if in_test else None)

    def holds(self, alarm: Alarm) -> bool:
        """True while what has taken an alarm aside still does; the site may have changed over a restart."""
        rule = _rule_of(alarm)
        test, item = self._state.kept(WalkTest).get(alarm.route.id), self._state.kept(Disablement).get(alarm.route.id)
        if test is not None:
            return under_test(self._site, test, rule)
        return item is not None and disables(self._site, item, rule)

    def raised(self, incident: Incident, alarm: Alarm, now: int, again: bool = False) -> None:
        """A condition that was taken aside has risen, or (`again`) risen again; its incident stands in the state."""
        if alarm.route.mode is Mode.WALK_TEST:
            self._proved(incident, alarm, now)
        elif alarm.route.mode is Mode.DISABLED and alarm.condition is Condition.ALARM:
            self._watched(incident, alarm, now, again)

    def step(self, incident: Incident, now: int) -> None:
        """Time has passed for an incident that is aside: those who watch are silent, or it is time to tell again."""
        at = incident.next_step_at_ms
        if incident.route.mode is not Mode.DISABLED or at is None or now < at:
            return
        incident = replace(incident, next_step_at_ms=None)
        self._state.put_incident(incident)
        active = [a for a in self._state.alarms_of(incident) if a.condition is Condition.ALARM and a.source_active]
        told = self._watch_notices(incident)
        if any(notice.superseded_at_ms is None for notice in told):  # they have not acknowledged it
            asked = {notice.person for notice in told}
            others = [person for person, _ in responsible(self._site, incident.building) if person not in asked]
            self._call_out.tell_people(incident, [(person, Reason.WATCH) for person in others], now, asks=True)
        else:
            news = [alarm for alarm in active if not told or alarm.here_at_ms > told[-1].created_at_ms]
            if news:
                self._tell_watch(incident, news[-1], now)

    def watch_of(self, route: Route, device: str, building: str) -> list[str]:
        """Who watches over it: as the disablement names them, else the device, else leader and manager."""
        item, installed = self._state.kept(Disablement).get(route.id), self._site.devices.get(device)
        named = (item.watch if item is not None else None, installed.watch if installed is not None else None)
        known = [person for person in named if person is not None and person in self._site.people]
        return known[:1] or [person for person, _ in responsible(self._site, building)]

    # --- inside ---------------------------------------------------------------------------------------

    def _disabled(self, rule: Rule, now: int, risen_ms: int | None) -> Route:
        found = [
            item
            for item in self._state.kept(Disablement).values()
            if disables(self._site, item, rule) and _in_time(item, now, risen_ms)
        ]
        nearest = min(found, key=lambda item: (_NEAREST_FIRST[item.scope], item.id), default=None)
        return LIVE if nearest is None else Route(Mode.DISABLED, nearest.id)

    def _proved(self, incident: Incident, alarm: Alarm, now: int) -> None:
        test = self._state.kept(WalkTest).get(alarm.route.id)
        if test is None:
            return
        self._call_out.tell_people(incident, [(test.person, Reason.WALK_TEST)], now, about=alarm)
        member = member_of(alarm.device, alarm.point)
        if alarm.condition is Condition.ALARM and all(proof.member != member for proof in test.proofs):
            self._state.keep(replace(test, proofs=(*test.proofs, Proof(member, now))))

    def _watched(self, incident: Incident, alarm: Alarm, now: int, again: bool) -> None:
        """Tell who watches: at once if it is another device, else not more often than is news to them.

        While they have not acknowledged, the repeats tell them of everything there is.
        """
        others = {
            Source(other.device, detector_of(other.point))
            for other in self._state.alarms_of(incident)
            if other.condition is Condition.ALARM and other.key != alarm.key
        }
        told = self._watch_notices(incident)
        new = not again and is_new_source(Source(alarm.device, detector_of(alarm.point)), others)
        at = told[-1].created_at_ms + (RECALL_AFTER_MS if new else WATCH_AGAIN_MS) if told else now
        waits = any(notice.superseded_at_ms is None for notice in told)
        if now >= at and (new or not waits):
            self._tell_watch(incident, alarm, now)
        elif not waits and (incident.next_step_at_ms is None or at < incident.next_step_at_ms):
            self._state.put_incident(replace(incident, next_step_at_ms=at))

    def _tell_watch(self, incident: Incident, alarm: Alarm, now: int) -> None:
        watch = self.watch_of(incident.route, alarm.device, incident.building)
        incident = replace(incident, next_step_at_ms=None, recall_at_ms=None)
        self._call_out.ask(incident, [(person, Reason.WATCH) for person in watch], now)
        incident = self._state.incidents[incident.id]
        self._state.put_incident(replace(incident, next_step_at_ms=now + WATCH_SILENT_MS))

    def _watch_notices(self, incident: Incident) -> list[Notice]:
        return [n for n in self._state.notices_of(incident.id) if n.reason is Reason.WATCH and n.expects_answer]


def _rule_of(alarm: Alarm) -> Rule:
    detector = detector_of(alarm.point)
    return Rule(alarm.key, alarm.device, alarm.point, alarm.building, alarm.condition, alarm.kind, detector)


def _in_time(measure: Disablement | WalkTest, now: int, risen_ms: int | None) -> bool:
    """True for what rose within a measure's time. `risen_ms` None: it rises now, whatever became of the clock since."""
    if risen_ms is None:
        return now < measure.until_ms
    return measure.from_ms <= risen_ms < measure.until_ms
