"""What an elevator is owed: its maintenance by dates, the proof of its alarm link, and its place among the others.

TSG T5002-2017 cl. 6: half-month, quarter, half-year and year, nested; a year's service covers the smaller ones. The
half-month is at most 15 days (Special Equipment Regulations art. 31). EN 81-28: an alarm link is proved every 3 days.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from collector.alarms.alarm import Alarm
from collector.alarms.conditions import Conditions, ours
from collector.alarms.heard import DeviceState
from collector.alarms.rules import Rule
from collector.calls.authority import may_decide
from collector.commands import Refused, Serviced
from collector.equipment.duedates import MORNING
from collector.equipment.keepers import contractor_of, keepers
from collector.equipment.liftlog import LiftLog
from collector.equipment.signals import signal_number
from collector.part import Handler, Part
from collector.state import State
from collector.storage.kept import Kept
from config.profile import Condition, Kind, Profile, SignalName
from config.site import Device, Site
from config.upkeep import Service
from config.words import Report

DAY_MS = 86_400_000
HALF_MONTH_DAYS = 15
MONTHS: Mapping[Service, int] = {Service.QUARTER: 3, Service.HALF_YEAR: 6, Service.YEAR: 12}
LEVELS = (Service.HALF_MONTH, Service.QUARTER, Service.HALF_YEAR, Service.YEAR)  # each covers those before it
WARN_DAYS: Mapping[Service, int] = {Service.HALF_MONTH: 3, **dict.fromkeys(MONTHS, 14)}
RECORDS_YEARS = 4  # TSG T5002-2017 cl. 5(6)
OLD_YEARS = 15  # an elevator older than this is looked after first
ALARM_LINK_MS = 72 * 3_600_000
LINK_STEP_MS = 5_400_000  # its age is told in whole hours: a proof is newer only by more than that
PATIENCE_MS = 600_000  # after the collector's start values come in first
ALARM_LINK = "lift-alarm-link"
DUE, OVERDUE = "lift-service-due-", "lift-service-overdue-"  # before the level


@dataclass(frozen=True, slots=True)
class ServiceDone(Kept):
    """One service, `id` "<device>:<level>:<day>". `on` is a day of the site."""

    device: str
    level: Service
    on: date
    person: str
    said_at_ms: int


@dataclass(frozen=True, slots=True)
class AlarmLink(Kept):
    """When an elevator's alarm link was last known to be proved; `id` is the device. At first: watched since."""

    proved_at_ms: int


def last_done(device: Device, done: Iterable[ServiceDone], level: Service) -> date | None:
    """The newest day on which this level, or one that covers it, was served. None: not known."""
    covering = LEVELS[LEVELS.index(level) :]
    days = [each.on for each in done if each.device == device.id and each.level in covering]
    if device.lift is not None:
        days += [day for each, day in device.lift.served.items() if each in covering]
    return max(days, default=None)


def due_on(last: date, level: Service) -> date:
    """The last day on which the next service of a level is in time."""
    if level is Service.HALF_MONTH:
        return last + timedelta(days=HALF_MONTH_DAYS)
    months = last.year * 12 + last.month - 1 + MONTHS[level]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(last.day, monthrange(year, month + 1)[1]))


def age_years(commissioned: date, today: date) -> int:
    """Whole years since then."""
    before = (today.month, today.day) < (commissioned.month, commissioned.day)
    return today.year - commissioned.year - before


def rank(site: Site, device: Device, done: Iterable[ServiceDone], log: LiftLog | None, now: int) -> int:
    """How urgently an elevator wants care: one each for its age, an overdue service, and an entrapment in a year."""
    lift, done, today = device.lift, list(done), site.local(now).date()
    old = lift is not None and lift.commissioned is not None and age_years(lift.commissioned, today) >= OLD_YEARS
    lasts = {level: last_done(device, done, level) for level in LEVELS}
    overdue = any(last is not None and due_on(last, level) < today for level, last in lasts.items())
    lately = log is not None and any(now - each.freed_at_ms < 365 * DAY_MS for each in log.rescues)
    return old + overdue + lately


class LiftService(Part):
    """Warns of dates before they pass, and says when they have passed. Days are the site's."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, devices: Mapping[str, DeviceState], now: int
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._devices = devices
        self._lifts = {
            device.id: device for device in site.devices.values() if site.profiles[device.profile].category == "lift"
        }
        self._links = [name for name in self._lifts if SignalName.ALARM_LINK_TEST_AGE_H in self._profile(name).signals]
        self._began_ms = now
        self._patient_until_ms = now + PATIENCE_MS
        self._wake_at: int | None = now if self._lifts else None

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return device in self._links

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """Its alarm link may have been proved."""
        link = self._state.kept(AlarmLink).get(device.device)
        if link is None:
            link = AlarmLink(device.device, now)
            self._state.keep(link)
        profile = self._profile(device.device)
        age_h = signal_number(profile, device.values, SignalName.ALARM_LINK_TEST_AGE_H)
        if age_h is not None and age_h >= 0:
            told_at = device.values[profile.signals[SignalName.ALARM_LINK_TEST_AGE_H].point].at_ms
            dated = f"{device.gateway}:clock" not in self._state.alarms
            proved_at = (min(told_at, now) if dated else now) - round(age_h * 3_600_000)
            if proved_at > link.proved_at_ms + LINK_STEP_MS:
                self._state.keep(AlarmLink(device.device, proved_at))
        self._look_at_link(device.device, now)

    def handlers(self) -> Mapping[type, Handler]:
        """The word of who has served an elevator."""
        return {Serviced: self._serviced}

    def has_source(self, alarm: Alarm) -> bool:
        """True for the dates and the alarm link of an elevator of the site."""
        device = self._lifts.get(alarm.device)
        if device is None or device.place.building != alarm.building:
            return False
        return alarm.point in {rule.point for level in LEVELS for rule in self._rules(device, level)} or (
            alarm.point == ALARM_LINK and alarm.device in self._links
        )

    def wake(self, now: int) -> None:
        """A day has begun, or an alarm link was not proved for too long."""
        if self._wake_at is None or now < self._wake_at:
            return
        for device in self._lifts.values():
            self._look(device, now)
        for name in self._links:
            self._look_at_link(name, now)
        self._wake_at = min([self._morning(now), *self._link_times(now)])

    def wake_at(self) -> int | None:
        """The next morning, or when an alarm link's proof is too old."""
        return self._wake_at

    # --- inside ---------------------------------------------------------------------------------------

    def _profile(self, device: str) -> Profile:
        return self._site.profiles[self._site.devices[device].profile]

    def _day(self, now: int) -> date:
        """The day whose dates are told: a day begins in the morning, so that nobody is woken by one."""
        local = self._site.local(now)
        return local.date() if local.time() >= MORNING else local.date() - timedelta(days=1)

    def _morning(self, now: int) -> int:
        next_day = self._day(now) + timedelta(days=1)
        return round(datetime.combine(next_day, MORNING, self._site.zone).timestamp() * 1000)

    def _look(self, device: Device, now: int) -> None:
        """Each level is in time, due, or overdue; one whose last service is not known is not judged."""
        today, done = self._day(now), self._state.kept(ServiceDone).values()
        for level in LEVELS:
            last = last_done(device, done, level)
            end = None if last is None else due_on(last, level)
            due, overdue = self._rules(device, level)
            passed = end is not None and today > end
            near = end is not None and not passed and today >= end - timedelta(days=WARN_DAYS[level])
            self._say(due, near, str(end), now)
            self._say(overdue, passed, str(end), now)

    def _rules(self, device: Device, level: Service) -> tuple[Rule, Rule]:
        place, tell = device.place.building, keepers(self._site, device)
        due, overdue = f"{DUE}{level}", f"{OVERDUE}{level}"
        return (
            Rule(f"{device.id}:{due}", device.id, due, place, Condition.SUPERVISORY, Kind.EQUIPMENT, tell=tell),
            Rule(f"{device.id}:{overdue}", device.id, overdue, place, Condition.TROUBLE, Kind.FAULT, tell=tell),
        )

    def _say(self, rule: Rule, so: bool, value: str, now: int) -> None:
        alarm = self._state.alarms.get(rule.key)
        active = alarm is not None and alarm.source_active
        if so and not active:
            self._conditions.raised(rule, value, ours(now), now)
        elif not so and active:
            self._conditions.cleared(rule.key, ours(now), now)

    def _look_at_link(self, name: str, now: int) -> None:
        """Not proved for three days. While the device itself says how long, its own limit tells it."""
        profile, state = self._profile(name), self._devices[name]
        source = profile.signals[SignalName.ALARM_LINK_TEST_AGE_H]
        age_h = signal_number(profile, state.values, SignalName.ALARM_LINK_TEST_AGE_H)
        known = age_h is not None and state.online is True
        register = profile.points.get(source.point)
        own = known and register is not None and bool(register.limits)
        old = now > self._proved_at_ms(name) + ALARM_LINK_MS
        device = self._lifts[name]
        rule = Rule(
            f"{name}:{ALARM_LINK}",
            name,
            ALARM_LINK,
            device.place.building,
            Condition.TROUBLE,
            Kind.FAULT,
            tell=keepers(self._site, device),
        )
        if own or not old or now >= self._patient_until_ms:
            self._say(rule, old and not own, "", now)

    def _proved_at_ms(self, name: str) -> int:
        link = self._state.kept(AlarmLink).get(name)
        return self._began_ms if link is None else link.proved_at_ms

    def _link_times(self, now: int) -> list[int]:
        times = [self._proved_at_ms(name) + ALARM_LINK_MS + 1 for name in self._links]
        return [at for at in (*times, self._patient_until_ms) if at > now]

    def _serviced(self, command: Serviced, now: int) -> None:
        device = self._lifts.get(command.device)
        if command.device not in self._site.devices:
            raise Refused("unknown-device", "The site has no such device.")
        if device is None:
            raise Refused("no-elevator", "This device is no elevator.")
        if command.person not in self._site.people:
            raise Refused("unknown-person", "The site does not know this person.")
        is_contractor = contractor_of(self._site, device.id) == command.person
        if not (is_contractor or may_decide(self._site, device.place.building, command.person)):
            raise Refused("not-authorised", "A service is told by the elevator's contractor, a leader or the manager.")
        today = self._site.local(now).date()
        if command.on > today:
            raise Refused("not-yet", "That day has not come yet.")
        name = f"{device.id}:{command.level}:{command.on}"
        if name not in self._state.kept(ServiceDone):
            self._state.keep(ServiceDone(name, device.id, command.level, command.on, command.person, now))
            facts = [("level", command.level.value), ("day", str(command.on))]
            self._state.log(now, "lift-serviced", device=device.id, person=command.person, facts=facts)
        self._forget_old(device, today)
        self._look(device, now)

    def _forget_old(self, device: Device, today: date) -> None:
        """Records are kept for as long as they must be, and the newest of each level for ever."""
        theirs = [each for each in self._state.kept(ServiceDone).values() if each.device == device.id]
        newest = {level: max((each.on for each in theirs if each.level is level), default=None) for level in LEVELS}
        for each in theirs:
            if age_years(each.on, today) > RECORDS_YEARS and each.on != newest[each.level]:
                self._state.forget(each)
