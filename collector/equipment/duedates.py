"""When an extinguisher, a hydrant or a detector is to be inspected or replaced: warned of before, said when passed.

Days are the site's. A date counts from 9 in the morning, so that nobody is woken by one; on its own day it is still
due, from the next it is overdue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from collector.agenda import Agenda
from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.rules import Rule
from collector.commands import Inspected, Refused
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind
from config.site import Device, Site

WARN_DAYS = 14
MORNING = time(9)


class Task(StrEnum):
    """What is due."""

    INSPECTION = "inspection"
    REPLACEMENT = "replacement"


class Standing(StrEnum):
    """How a date stands."""

    FAR = "far"
    DUE = "due"  # WARN_DAYS before, and on the day itself
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Inspection(Kept):
    """The newest inspection of a device (`id`) that people have told of."""

    on: date
    person: str
    said_at_ms: int


@dataclass(frozen=True, slots=True)
class Due:
    """A date of a device, and how it stands."""

    device: str
    task: Task
    on: date
    standing: Standing


def inspected_on(device: Device, told: Inspection | None) -> date | None:
    """The newest inspection, by the site's file or by what people have told since; None: not known."""
    days = [] if told is None else [told.on]
    if device.upkeep is not None and device.upkeep.inspected is not None:
        days.append(device.upkeep.inspected)
    return max(days, default=None)


def dates(device: Device, told: Inspection | None) -> Iterator[tuple[Task, date]]:
    """What is due of a device, and when: the last day that is in time."""
    if device.upkeep is None:
        return
    last = inspected_on(device, told)
    if last is not None:
        yield Task.INSPECTION, _later(last, device.upkeep.inspect_every_days)
    if device.upkeep.replace_by is not None:
        yield Task.REPLACEMENT, device.upkeep.replace_by


def morning_of(site: Site, day: date) -> int:
    """When a day begins to count, UTC ms."""
    return round(datetime.combine(day, MORNING, site.zone).timestamp() * 1000)


def standing(site: Site, on: date, now: int) -> Standing:
    """How a date stands at this moment."""
    if now >= morning_of(site, _later(on, 1)):
        return Standing.OVERDUE
    return Standing.DUE if now >= morning_of(site, _later(on, -WARN_DAYS)) else Standing.FAR


class DueDates(Part):
    """All the dates of a site's devices."""

    def __init__(self, site: Site, state: State, conditions: Conditions, now: int) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._agenda: Agenda[str] = Agenda()
        for device in site.devices.values():
            if device.upkeep is not None:
                self._agenda.set(device.id, now)
        for gone in [each for each in state.kept(Inspection).values() if each.id not in site.devices]:
            state.forget(gone)

    def due(self, now: int) -> list[Due]:
        """Every known date, the earliest first."""
        found = [
            Due(device.id, task, on, standing(self._site, on, now))
            for device in self._site.devices.values()
            for task, on in self._dates(device)
        ]
        return sorted(found, key=lambda each: (each.on, each.device, each.task))

    def handlers(self) -> Mapping[type, Handler]:
        """See `Part`."""
        return {Inspected: self._inspected}

    def has_source(self, alarm: Alarm) -> bool:
        """See `Part`."""
        device = self._site.devices.get(alarm.device)
        if device is None:
            return False
        what = (alarm.key, alarm.condition, alarm.kind, alarm.building)
        rules = [self._rule(device, task, each) for task, _ in self._dates(device) for each in _TOLD]
        return any((rule.key, rule.condition, rule.kind, rule.building) == what for rule in rules)

    def wake(self, now: int) -> None:
        """See `Part`."""
        for name in self._agenda.due(now):
            self._look(self._site.devices[name], now)

    def wake_at(self) -> int | None:
        """See `Part`."""
        return self._agenda.next_at()

    # --- inside ---------------------------------------------------------------------------------------

    def _inspected(self, command: Inspected, now: int) -> None:
        device = self._site.devices.get(command.device)
        if device is None:
            raise Refused("unknown-device", "The site does not know this device.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        if device.upkeep is None:
            raise Refused("no-upkeep", "The site's file has no upkeep for this device: nothing is inspected here.")
        if command.on > self._site.local(now).date():
            raise Refused("not-yet", "An inspection is told when it has been done, not before.")
        last = inspected_on(device, self._state.kept(Inspection).get(device.id))
        if last is not None and command.on < last:
            raise Refused("already-newer", f"A newer inspection is known, of {last}.")
        if command.on == last:
            return  # said twice
        self._state.keep(Inspection(device.id, command.on, command.person, now))
        facts = [("on", str(command.on))]
        self._state.log(now, "inspected", device=device.id, person=command.person, facts=facts)
        self._look(device, now)

    def _look(self, device: Device, now: int) -> None:
        """Raise and end what the dates say at this moment, and look again when that changes."""
        turns = []
        for task, on in self._dates(device):
            present = standing(self._site, on, now)
            for each in _TOLD:
                rule = self._rule(device, task, each)
                if each is present:
                    if rule.key not in self._state.alarms:
                        self._conditions.raised(rule, str(on), ours(now), now)
                elif rule.key in self._state.alarms:
                    self._conditions.cleared(rule.key, ours(now), now)
            turns += [morning_of(self._site, _later(on, days)) for days in (-WARN_DAYS, 1)]
        self._agenda.set(device.id, min((at for at in turns if at > now), default=None))

    def _dates(self, device: Device) -> Iterator[tuple[Task, date]]:
        return dates(device, self._state.kept(Inspection).get(device.id))

    def _rule(self, device: Device, task: Task, present: Standing) -> Rule:
        """What is due is supervisory; what is overdue is a trouble, so that it is told once more."""
        word = f"{task}_{present}"
        condition, kind = _TOLD[present]
        return Rule(f"{device.id}:{word}", device.id, word, device.place.building, condition, kind)


_TOLD: Mapping[Standing, tuple[Condition, Kind]] = {
    Standing.DUE: (Condition.SUPERVISORY, Kind.EQUIPMENT),
    Standing.OVERDUE: (Condition.TROUBLE, Kind.FAULT),
}


def _later(day: date, days: int) -> date:
    """A day so many later, or the last that a calendar holds."""
    ahead = date.max - timedelta(days=WARN_DAYS)
    behind = date.min + timedelta(days=WARN_DAYS)
    try:
        return min(max(day + timedelta(days=days), behind), ahead)
    except OverflowError:
        return ahead if days > 0 else behind
