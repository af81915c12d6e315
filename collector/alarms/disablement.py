"""Disablements: who takes a device, zone or building out of the call-out, why, until when; never longer than a day.

A disablement is a supervisory condition itself, told to those who answer for the building. It takes aside what rises
while it lasts (`aside.py`) and never an alarm that is open. When it ends, what is still in alarm calls at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from collector.alarms.alarm import Alarm
from collector.alarms.aside import Aside
from collector.alarms.conditions import Conditions, ours
from collector.alarms.incident import PRIORITY, Incident
from collector.alarms.measures import (
    DISABLED_MINUTES_MAX,
    MINUTE_MS,
    Disablement,
    Scope,
    building_of,
    buildings_covered,
    exists,
)
from collector.alarms.route import Mode
from collector.alarms.rules import Rule
from collector.calls.authority import may_decide
from collector.calls.callout import CallOut
from collector.calls.dispatch import Reason, leaders, responsible
from collector.commands import Disable, Enable, Refused, RenewDisablement
from collector.part import Handler, Part
from collector.state import State
from config.profile import Condition, Kind
from config.site import Site

DISABLEMENTS_MAX = 200
WHY_CHARACTERS_MAX = 200
_ASIDE = (Mode.DISABLED, Mode.WALK_TEST)


class Disablements(Part):
    """Begins, renews, announces and ends them."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, call_out: CallOut, aside: Aside, now: int
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._call_out = call_out
        self._aside = aside
        self._begun_ms = now
        self._settled = not any(alarm.route.mode in _ASIDE for alarm in state.alarms.values())  # after a restart

    def handlers(self) -> Mapping[type, Handler]:
        """The commands of disablements."""
        return {Disable: self._disable, RenewDisablement: self._renew, Enable: self._enable}

    def has_source(self, alarm: Alarm) -> bool:
        """The condition of a disablement holds until it ends."""
        return alarm.kind is Kind.DISABLEMENT and any(item.key == alarm.key for item in self._items())

    def wake(self, now: int) -> None:
        """End what is over or has lost its target; announce what ends soon; let no clock make one longer."""
        if not self._settled:
            self._settled = True
            for alarm in in_turn(self._strays()):
                self._conditions.reroute(alarm, now)
        for item in self._items():
            if now >= item.until_ms:
                self._end(item, "time", None, now)
            elif self._is_gone(item):
                self._end(item, "gone", None, now)
            elif item.until_ms - now > item.length_ms:  # the clock was put back
                self._state.keep(replace(item, until_ms=now + item.length_ms))
            elif now >= item.warn_at_ms and not item.warned:
                self._warn(item, now)

    def wake_at(self) -> int | None:
        """The next announcement or end."""
        if not self._settled and self._strays():
            return self._begun_ms
        items = self._items()
        return min((self._begun_ms if self._is_gone(each) else each.next_at_ms for each in items), default=None)

    # --- commands -------------------------------------------------------------------------------------

    def _disable(self, command: Disable, now: int) -> None:
        if not exists(self._site, command.scope, command.target):
            raise Refused("unknown-target", "The site has no such device, zone or building.")
        building = building_of(self._site, command.scope, command.target)
        self._check(command.person, command.minutes, building, command.scope, command.target)
        why = " ".join(command.why.split())
        if not why or len(why) > WHY_CHARACTERS_MAX:
            raise Refused("no-reason", f"A disablement needs a reason, of at most {WHY_CHARACTERS_MAX} characters.")
        if command.watch is not None and command.watch not in self._site.people:
            raise Refused("unknown-person", "The site does not know the person who is to watch.")
        if any((item.scope, item.target) == (command.scope, command.target) for item in self._items()):
            raise Refused("already-disabled", "This is disabled already; renew that instead.")
        if len(self._items()) >= DISABLEMENTS_MAX:
            raise Refused("too-many", f"There are {DISABLEMENTS_MAX} disablements already.")
        length_ms = command.minutes * MINUTE_MS
        item = Disablement(
            id=self._state.next_id(now),
            scope=command.scope,
            target=command.target,
            building=building,
            person=command.person,
            why=why,
            from_ms=now,
            until_ms=now + length_ms,
            length_ms=length_ms,
            watch=command.watch,
        )
        self._state.keep(item)
        joins = self._incident(item) is not None
        self._conditions.raised(self._rule(item), self._words(item), ours(now), now)
        if joins:
            self._tell(item, responsible(self._site, building), now)
        self._log("disablement-started", item, command.person, now, [("why", why), ("watch", command.watch or "")])
        if item.watch is not None:
            self._tell(item, [(item.watch, Reason.WATCH)], now)

    def _renew(self, command: RenewDisablement, now: int) -> None:
        item = self._item(command.disablement)
        self._check(command.person, command.minutes, item.building, item.scope, item.target)
        length_ms = command.minutes * MINUTE_MS
        item = replace(item, person=command.person, until_ms=now + length_ms, length_ms=length_ms, warned=False)
        self._state.keep(item)
        alarm = self._state.alarms.get(item.key)
        if alarm is not None:
            self._state.put_alarm(replace(alarm, value=self._words(item)))
        self._log("disablement-renewed", item, command.person, now)
        self._tell(item, responsible(self._site, item.building), now)

    def _enable(self, command: Enable, now: int) -> None:
        item = self._item(command.disablement)
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        if not may_decide(self._site, item.building, command.person):
            raise Refused("not-authorised", "Ending a disablement is for the leader, the manager or a contact.")
        self._end(item, "person", command.person, now)

    def _check(self, person: str, minutes: int, building: str, scope: Scope, target: str) -> None:
        """May this person take this out, in every building that something of it stands in, and for so long?"""
        if person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        buildings = {building, *buildings_covered(self._site, scope, target)}
        if not all(may_decide(self._site, each, person) for each in buildings):
            raise Refused("not-authorised", "Disabling is for the leader, the manager or a contact of each building.")
        if not 1 <= minutes <= DISABLED_MINUTES_MAX:
            raise Refused("wrong-duration", "A disablement lasts 1 minute to 24 hours; it can be renewed.")

    def _item(self, name: str) -> Disablement:
        item = self._state.kept(Disablement).get(name)
        if item is None:
            raise Refused("unknown-disablement", "There is no such disablement; it may have ended.")
        return item

    # --- inside ---------------------------------------------------------------------------------------

    def _items(self) -> list[Disablement]:
        return list(self._state.kept(Disablement).values())

    def _strays(self) -> list[Alarm]:
        """What was taken aside by something that does so no more."""
        alarms = [alarm for alarm in self._state.alarms.values() if alarm.route.mode in _ASIDE]
        return [alarm for alarm in alarms if alarm.source_active and not self._aside.holds(alarm)]

    def _is_gone(self, item: Disablement) -> bool:
        """True if the site has its target no more, or has it in another building, for which others answer."""
        if not exists(self._site, item.scope, item.target):
            return True
        return building_of(self._site, item.scope, item.target) != item.building

    def _end(self, item: Disablement, how: str, person: str | None, now: int) -> None:
        self._log("disablement-ended", item, person, now, [("how", how)])
        self._state.forget(item)
        release(self._state, self._conditions, item.id, now)
        self._conditions.cleared(item.key, ours(now), now)

    def _warn(self, item: Disablement, now: int) -> None:
        """Who disabled it and the leader are told that it ends."""
        self._state.keep(replace(item, warned=True))
        self._log("disablement-ends-soon", item, None, now)
        own, others = leaders(self._site, item.building) if item.building in self._site.buildings else ([], [])
        people = dict.fromkeys((item.person, *(own or others)))
        self._tell(item, [(person, Reason.ENDS_SOON) for person in people], now)

    def _tell(self, item: Disablement, people: list[tuple[str, Reason]], now: int) -> None:
        incident, alarm = self._incident(item), self._state.alarms.get(item.key)
        if incident is not None:
            self._call_out.tell_people(incident, people, now, about=alarm)

    def _incident(self, item: Disablement) -> Incident | None:
        return self._state.open_incident(item.building, Kind.DISABLEMENT)

    def _log(
        self, event: str, item: Disablement, person: str | None, now: int, more: list[tuple[str, str]] | None = None
    ) -> None:
        incident = self._incident(item)
        facts = [("scope", item.scope.value), ("target", item.target), ("until", self._until(item)), *(more or [])]
        name = incident.id if incident is not None else None
        self._state.log(now, event, incident=name, device=item.source, person=person, facts=facts)

    def _rule(self, item: Disablement) -> Rule:
        return Rule(item.key, item.source, item.word, item.building, Condition.SUPERVISORY, Kind.DISABLEMENT)

    def _words(self, item: Disablement) -> str:
        """Until when, who and why, in words of no language but their own."""
        person = self._site.people.get(item.person)
        return f"→ {self._until(item)} · {person.name if person else item.person} · {item.why}"

    def _until(self, item: Disablement) -> str:
        return f"{self._site.local(item.until_ms):%Y-%m-%d %H:%M}"


def release(state: State, conditions: Conditions, route: str, now: int) -> None:
    """What a disablement or a walk test had taken aside and is still so goes its way now, a fire before a trouble."""
    for alarm in in_turn(alarm for alarm in state.alarms.values() if alarm.route.id == route):
        conditions.reroute(alarm, now)


def in_turn(alarms: Iterable[Alarm]) -> list[Alarm]:
    """A fire before a trouble, and what was heard first; the same after a restart."""
    rank = {condition: number for number, condition in enumerate(PRIORITY)}
    return sorted(alarms, key=lambda alarm: (rank.get(alarm.condition, len(rank)), alarm.heard_at_ms, alarm.key))
