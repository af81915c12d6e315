"""The one door: reports, people and time come in here, decisions go out. No clock inside, no I/O.

A `Decision` is data. The shell commits it, and only then acknowledges and sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy

from collector.agenda import Agenda
from collector.alarms.alarm import Alarm
from collector.alarms.aside import Aside
from collector.alarms.conditions import Conditions, ours
from collector.alarms.disablement import Disablements
from collector.alarms.firsthit import FirstHits
from collector.alarms.incident import Incident
from collector.alarms.reports import Reports
from collector.alarms.walktest import WalkTests
from collector.alarms.watch import DeviceState, GatewayState, Watch
from collector.book.book import Book
from collector.book.erasure import Erasures
from collector.book.keeper import Bookkeeper
from collector.calls.absences import Absences
from collector.calls.callout import CallOut
from collector.calls.clockback import follow_clock_back
from collector.calls.dispatch import Notice
from collector.calls.drill import Drills
from collector.calls.preflight import Preflight
from collector.calls.pulse import Pulses
from collector.calls.reach import Reach
from collector.calls.remarks import Remarks
from collector.calls.responses import Responses
from collector.calls.roster import Roster
from collector.calls.sightings import Sightings
from collector.commands import Command, DeliveryFailed, SystemTrouble
from collector.equipment.chambers import Chambers
from collector.equipment.cylinders import Cylinders
from collector.equipment.duedates import DueDates
from collector.equipment.liftlog import LiftLogs
from collector.equipment.lifts import Lifts
from collector.equipment.rescue import Rescues
from collector.equipment.service import LiftService
from collector.part import Handler, Part, Waking, earliest, overrides
from collector.session.effects import Owing, Presence
from collector.state import NOTHING, Decision, K, Restored, State
from config.site import Roll, Site
from config.words import Report

SYSTEM_TROUBLES_MAX = 1_000
BOOK_TEXT_MAX = 400  # characters


class Engine:
    """All decisions of one community. Reports, presence and debts come in order from each edge's session.

    Every method returns what changed; the caller commits it before anything else. The read side below is
    live: look, never change.
    """

    def __init__(self, site: Site, restored: Restored | None, now: int) -> None:
        """`restored` is what the store kept of all that is open, None for a new store. Deadlines start at `now`.

        `site` itself is never changed: the engine has people, teams and posts of its own, see `roll`.
        """
        self._site = site = copy(site)
        self._state = State(restored or Restored())
        follow_clock_back(self._state, now)
        self._book = Bookkeeper(site, self._state, self._people_changed)
        self.roster = Roster(site, self._state)  # who is away and who is on duty: look, never change
        self._call_out = CallOut(site, self._state)
        self._aside = Aside(site, self._state, self._call_out)
        self._first_hits = FirstHits(site, self._state, self._call_out)
        self._conditions = Conditions(self._state, self._call_out, self._aside, self._first_hits)
        self._watch = Watch(site, self._state, self._conditions, now, self._lost)
        self._parts = self._make_parts(now)
        self._waking = Waking(self._parts)
        self._deciding = [part for part in self._parts if overrides(part, "decided")]
        self._handlers: dict[type, Handler] = {}
        for part in self._parts:
            self._handlers.update(part.handlers())
        self._end_sourceless(now)
        self._reports = Reports(site, self._state, self._conditions, self._watch, self._parts)
        self._tell_left_out(now)
        self._agenda: Agenda[str] = Agenda()
        self._touched: dict[str, int] = {}  # incidents that the agenda has to learn of, and when they changed
        for incident in self._state.incidents.values():
            self._agenda.set(incident.id, self._due_at(incident, now))
        if self._state.has_changed:
            self._agenda.set("restored", now)  # to be told with the first decision, at the latest at the first wake

    def _make_parts(self, now: int) -> tuple[Part, ...]:
        """The parts, in the order in which they hear a report."""
        self._drills = Drills(self._site, self._state, self._call_out)
        pulses = Pulses(self._site, self._state, self._conditions, self._watch, now)
        absences = Absences(self._site, self._state, self._conditions, self._call_out, self.roster, now)
        disablements = Disablements(self._site, self._state, self._conditions, self._call_out, self._aside, now)
        tests = WalkTests(self._site, self._state, self._conditions, now)
        service = LiftService(self._site, self._state, self._conditions, self._watch.devices, now)
        lifts = Lifts(self._site, self._state, self._conditions, self._watch.devices, self._watch.gateways, now)
        logs = LiftLogs(self._site, self._state, now)
        on_freed = (logs.rescued, lifts.freed)
        rescues = Rescues(self._site, self._state, self._call_out, self._watch.devices, on_freed, now)
        remarks = Remarks(self._site, self._state, self._conditions, self._call_out, self._first_hits)
        reach = Reach(self._site, self._state)
        preflight = Preflight(self._site, self._state, self._conditions, self._call_out, self.roster, reach)
        self.erasures = Erasures(self._site, self._state, self._book)
        people = (reach, preflight, remarks, Sightings(self._site, self._state), self.erasures)
        # What these know of each device is looked at from outside, and never changed there.
        self.cylinders = Cylinders(self._site, self._state, self._conditions)
        self.chambers = Chambers(self._site, self._state, self._conditions, self._watch.devices)
        self.due_dates = DueDates(self._site, self._state, self._conditions, now)
        upkeep = (self.cylinders, self.chambers, self.due_dates)
        parts = (self._book, pulses, absences, disablements, tests, *people, lifts, rescues, logs, service, *upkeep)
        alarms = (self._conditions, self._call_out, self._first_hits)
        responses = Responses(self._site, self._state, *alarms, self._watch, self._drills, parts)
        return (*parts, responses, self._drills)  # the last to look, so that no alarm escapes a drill

    def _end_sourceless(self, now: int) -> None:
        """What nothing of the site says any more counts as over."""
        for alarm in list(self._state.alarms.values()):
            if not (self._watch.has_source(alarm) or any(part.has_source(alarm) for part in self._parts)):
                self._conditions.source_gone(alarm, now)

    def _people_changed(self, touched: set[str], moved: set[str], now: int) -> None:
        """The site's roll is another one: see `Bookkeeper`."""
        self._watch.people_changed()
        for part in self._parts:
            part.people_changed(now)
        self._end_sourceless(now)
        self._call_out.people_changed(touched, moved, now)
        for incident in list(self._state.incidents.values()):
            self._first_hits.unreachable(incident, now)
            self._agenda.set(incident.id, self._due_at(self._state.incidents[incident.id], now))
        self._tell_left_out(now)

    def _tell_left_out(self, now: int) -> None:
        """What of the book does not fit the site folder, which has changed since, is a trouble."""
        left_out = self._book.left_out
        self._system_trouble(SystemTrouble("book", bool(left_out), "; ".join(left_out)[:BOOK_TEXT_MAX]), now)

    # --- read side ------------------------------------------------------------------------------------

    @property
    def roll(self) -> Roll:
        """People, teams and posts as they are now."""
        return self._site.roll

    @property
    def book(self) -> Book:
        """The same with what the folder says of them."""
        return self._book.book

    @property
    def incidents(self) -> Mapping[str, Incident]:
        """The open incidents, by id."""
        return self._state.incidents

    @property
    def closed_lately(self) -> Iterable[str]:
        """The ids of the incidents that were closed last, a few hundred at most."""
        return self._state.closed

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        """Every condition that is not normal, by key."""
        return self._state.alarms

    @property
    def notices(self) -> Mapping[str, Notice]:
        """The notices of the open incidents, by id."""
        return self._state.notices

    @property
    def devices(self) -> Mapping[str, DeviceState]:
        """Every device of the site, and others that were heard, by id."""
        return self._watch.devices

    @property
    def gateways(self) -> Mapping[str, GatewayState]:
        """Every gateway of the site, and other edge nodes that were heard, by id."""
        return self._watch.gateways

    def told_with(self, incident: str, person: str) -> list[Incident]:
        """The other open incidents that a person was told of in the same notice: their answer is for these too."""
        known = self._state.incidents.get(incident)
        return [] if known is None else self._call_out.told_with(known, person)

    def kept(self, what: type[K]) -> Mapping[str, K]:
        """Everything kept of a class, by id: disablements, drills, absences …"""
        return self._state.kept(what)

    @property
    def counts(self) -> Mapping[str, int]:
        """What was odd, counted: unknown-gateway, unknown-device, unknown-point, too-many-system-troubles."""
        return self._reports.counts

    def may_return(self, report: Report) -> bool:
        """True if the report holds something that could end a condition: it must not overtake an earlier record."""
        device = self._watch.devices.get(report.device or "")
        if device is None:
            return False
        return any(
            rule.judge(reading, active=True) is False
            for reading in report.readings
            for rule in device.rules.get(reading.name, ())
        )

    # --- the door -------------------------------------------------------------------------------------

    def feed(self, heard: Report | Presence | Owing, now: int, complete: bool = True) -> Decision:
        """A report, or a sign of presence. `complete` False: earlier records are missing, only what rises counts."""
        if isinstance(heard, Report):
            self._reports.take(heard, now, complete)
        elif isinstance(heard, Presence):
            self._watch.presence(heard, now)
        else:
            gateway = self._watch.gateway_of(heard.edge)
            if gateway is not None:
                gateway.owes = heard.owes
        return self._decide(now)

    def act(self, command: Command, now: int) -> Decision:
        """A person's or the system's word. Raises Refused, and then nothing has changed."""
        self._waking.changed()
        if isinstance(command, SystemTrouble):
            self._system_trouble(command, now)
        elif isinstance(command, DeliveryFailed):
            notice = self._state.notices.get(command.notice)
            if notice is not None:
                self._call_out.failed(notice, command.error, now)
                self._first_hits.unreachable(self._state.incidents[notice.incident], now)
        else:
            self._handlers[type(command)](command, now)
        return self._decide(now)

    def wake(self, now: int) -> Decision:
        """A time of `wake_at` has come; early or late calls do no harm."""
        self._look_ahead()
        self._watch.wake(now)
        self._waking.wake(now)
        for incident_id in self._agenda.due(now):
            incident = self._state.incidents.get(incident_id)
            if incident is not None:
                self._aside.step(incident, now)
                self._first_hits.step(self._state.incidents[incident_id], now)
                self._call_out.step(self._state.incidents[incident_id], now)
                self._agenda.set(incident_id, self._due_at(self._state.incidents[incident_id], now))
        self._call_out.digest.wake(now)
        return self._decide(now)

    def wake_at(self) -> int | None:
        """When to call `wake`, UTC ms; None if nothing is waiting."""
        self._look_ahead()
        own = (self._watch.wake_at(), self._agenda.next_at(), self._call_out.digest.wake_at())
        return earliest([*own, self._waking.next_at()])

    def _lost(self, device: DeviceState, now: int) -> None:
        for part in self._parts:
            part.lost(device, now)

    def _system_trouble(self, trouble: SystemTrouble, now: int) -> None:
        """A trouble of the system is told where its gateway stands, else to the community's contacts."""
        key = f"system:{trouble.part}"
        if not trouble.active:
            self._conditions.cleared(key, ours(now), now)
        elif key not in self._state.alarms:
            if sum(each.device == "system" for each in self._state.alarms.values()) >= SYSTEM_TROUBLES_MAX:
                self._reports.counts["too-many-system-troubles"] += 1
                return
            self._conditions.raised(self._watch.system_rule(trouble.part), trouble.text, ours(now), now)
        if trouble.part == "broker":
            self._watch.broker(trouble.active, now)

    def _decide(self, now: int) -> Decision:
        """What has changed; when its incidents are to be looked at again is worked out once somebody asks."""
        if not self._state.has_changed:
            return NOTHING
        self._waking.changed()
        for part in self._deciding:
            part.decided(now)
        decision = self._state.take()
        for incident in decision.incidents:
            self._touched[incident.id] = now
        for notice in decision.notices:
            self._touched[notice.incident] = now
        for alarm in decision.alarms:
            if alarm.incident is not None:  # is it still so?
                self._touched[alarm.incident] = now
        return decision

    def _look_ahead(self) -> None:
        """A thousand words about one incident change it a thousand times; it is looked at once."""
        if not self._touched:
            return
        touched, self._touched = self._touched, {}
        for incident_id in sorted(touched):
            incident = self._state.incidents.get(incident_id)
            self._agenda.set(incident_id, None if incident is None else self._due_at(incident, touched[incident_id]))

    def _due_at(self, incident: Incident, now: int) -> int | None:
        times = [self._call_out.due_at(incident, now), self._first_hits.due_at(incident)]
        return min((at for at in times if at is not None), default=None)
