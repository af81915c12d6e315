"""The elevators of a site: their raw signals judged beside what their controllers say, and conditions made of it.

The controller's own entrapment flag is evidence. It calls people at once as long as nothing speaks against it. Where
the door stands open at a floor, or somebody works on the lift, it is told as a pre-alarm; an open door that does not
end within a minute makes it an alarm after all. A missed entrapment is worse than a needless walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from collector.agenda import Agenda
from collector.alarms.alarm import Alarm, Phase
from collector.alarms.conditions import Conditions, When, ours
from collector.alarms.heard import DeviceState, GatewayState
from collector.alarms.rules import Rule
from collector.equipment.elevator import (
    ENTRAPMENTS,
    FLAG_BELIEVED_MS,
    FLAG_ECHO_MS,
    Course,
    Signs,
    Word,
    contradiction,
    follow,
    judge,
    signs_of,
)
from collector.equipment.hindsight import Hindsight
from collector.equipment.keepers import keepers
from collector.equipment.lostcars import LostCars, found, is_blind, says_nothing
from collector.equipment.rescue import Rescue
from collector.part import Part
from collector.state import State
from config.profile import Condition, Kind, Profile, SignalName, points_of
from config.site import Device, Site
from config.upkeep import judges_entrapment
from config.words import Report

_CLASS: Mapping[Word, tuple[Condition, Kind]] = {
    **dict.fromkeys(ENTRAPMENTS, (Condition.ALARM, Kind.ENTRAPMENT)),
    Word.PRESSED: (Condition.PRE_ALARM, Kind.ENTRAPMENT),
    Word.STIRS: (Condition.PRE_ALARM, Kind.ENTRAPMENT),
    Word.POWER_LOSS: (Condition.TROUBLE, Kind.FAULT),
    Word.INSPECTION: (Condition.TEST, Kind.FAULT),
}
_FIRST_SIGNS = (Word.PRESSED, Word.STIRS)  # no news once people are called
_SUPERVISORY = (Condition.SUPERVISORY, Kind.EQUIPMENT)
# What a profile may have as a flag of its own; then the device tells it, and not we.
_OWN_FLAGS: Mapping[Word, tuple[str, ...]] = {
    Word.OVERSPEED: ("overspeed",),
    Word.OVER_TRAVEL: ("over_travel", "over_travel_top", "over_travel_bottom"),
    Word.RUNS_OPEN: ("runs_door_open",),
    Word.CYCLING: ("door_cycling",),
    Word.STOP_OUTSIDE: ("stop_outside_zone",),
    Word.HELD_OPEN: ("door_held_open",),
    Word.RUN_TIMEOUT: ("run_timeout",),
    Word.POWER_LOSS: ("power_loss", "power_lost"),
    Word.OUT_OF_SERVICE: ("out_of_service",),
    Word.FIREMAN: ("fireman",),
    Word.INSPECTION: ("inspection",),
    Word.PRESSED: ("car_call", "alarm_key"),
}
AGAIN_MS = 30_000  # what was not acknowledged is sent again, as historical: so late it still is about the present
LAST_SEEN = ("last-seen", "last-seen-somewhere")  # the last piece of the value of what was seen before a silence
_AGAINST = (SignalName.LEVEL, SignalName.DOOR_OPEN, SignalName.DOOR_CLOSED, SignalName.MOVING, SignalName.INSPECTION)


@dataclass(frozen=True, slots=True)
class _Lift:
    """An elevator of the site, and what is judged of it."""

    device: Device
    profile: Profile
    rules: Mapping[Word, Rule]
    flags: Mapping[str, Rule]  # the controller's own entrapment conditions, by key
    rated_m_s: float | None
    entrapments: frozenset[str]  # the keys of all conditions of somebody trapped, told or judged


class Lifts(Part):
    """Judges every elevator whose profile has signals."""

    def __init__(
        self,
        site: Site,
        state: State,
        conditions: Conditions,
        devices: Mapping[str, DeviceState],
        gateways: Mapping[str, GatewayState],
        now: int,
    ) -> None:
        self._state = state
        self._conditions = conditions
        self._devices = devices
        self._site = site
        self._lifts = {lift.device.id: lift for lift in _lifts_of(site, devices)}
        profiles = {name: lift.profile for name, lift in self._lifts.items()}
        self._lost_cars = LostCars(site, state, gateways, profiles)
        self._agenda: Agenda[str] = Agenda()
        self._looked_at: dict[str, int] = {}  # when a car was looked at last
        self._hindsight: dict[str, Hindsight] = {}
        for course in list(state.kept(Course).values()):
            if course.id not in self._lifts:
                state.forget(course)
            else:
                self._agenda.set(course.id, now)

    def weighs(self, device: DeviceState, rule: Rule, report: Report, now: int) -> Rule:
        """The controller's entrapment flag against the other signals, as they are with this report."""
        lift = self._lifts.get(device.device)
        if lift is None or rule.key not in lift.flags or report.historical or rule.key in self._state.alarms:
            return rule
        signs = signs_of(lift.profile, device.values)
        if contradiction(follow(self._course(lift), signs, now), signs, now) is None:
            return rule
        return replace(rule, condition=Condition.PRE_ALARM)

    def hears(self, device: str) -> bool:
        """See `Part`."""
        return self._lost_cars.hears(device)  # every car is on a bus with itself

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        """Follow the car. What comes from a backlog is judged by its own time, if its gateway knows the time.

        Older than what has been followed already, it is the past, unless it was only sent again a moment later.
        """
        if self._lost_cars.wants_witnesses:
            for name in self._lost_cars.heard(device, report, now):
                self._ripen(self._lifts[name], now)
        lift = self._lifts.get(device.device)
        if lift is None or (device.online is not True and report.position is None):
            return  # what is not journalled and comes after a death is not the present
        if not report.historical or f"{device.gateway}:clock" in self._state.alarms:
            self._look(lift, now, now)
        elif min(report.at_ms, now) >= self._looked_at.get(device.device, 0):
            self._look(lift, min(report.at_ms, now), now, historical=True)
        elif now - report.at_ms <= AGAIN_MS:
            self._look(lift, now, now)
        else:
            self._look_back(lift, report, now)

    def people_changed(self, now: int) -> None:
        """Who is told of what is wrong with an elevator may be others now."""
        for name, lift in self._lifts.items():
            told = keepers(self._site, lift.device)
            rules = {word: _rule(lift.device, word, told) for word in lift.rules}
            if rules != lift.rules:
                self._lifts[name] = replace(lift, rules=rules)

    def has_source(self, alarm: Alarm) -> bool:
        """True for what is judged here, and for a flag of the controller that was taken as a pre-alarm."""
        lift = self._lifts.get(alarm.device)
        if lift is None:
            return False
        rules = {rule.key: rule for rule in lift.rules.values()} | dict(lift.flags)
        rule = rules.get(alarm.key)
        if rule is None or (rule.kind, rule.building) != (alarm.kind, alarm.building):
            return False
        lowered = alarm.key in lift.flags or alarm.point == Word.LOST_RUNNING
        return alarm.condition is rule.condition or (lowered and alarm.condition is Condition.PRE_ALARM)

    def wake(self, now: int) -> None:
        """What was so for long enough. Of a device that is gone only what was suspected last is known."""
        for name in self._agenda.due(now):
            lift = self._lifts[name]
            if self._devices[name].online is True:
                self._look(lift, now, now)
            else:
                self._ripen(lift, now)

    def wake_at(self) -> int | None:
        """When a car is looked at again."""
        return self._agenda.next_at()

    def lost(self, device: DeviceState, now: int) -> None:
        """A box is gone: what was suspected of its car is looked at in its time."""
        if self._lost_cars.lost(device, now, now):
            self._agenda.set(device.device, now)

    def freed(self, rescue: Rescue, now: int) -> None:
        """Somebody on site has said that the people are free: of a car without signals nobody knows better."""
        course = self._state.kept(Course).get(rescue.device)
        if rescue.device not in self._lifts or course is None or course.lost_at is None:
            return
        self._state.keep(Course(course.id, lost_at=course.lost_at, alone=False))
        self._lost_cars.back(course.id)
        for word in ENTRAPMENTS:
            self._conditions.cleared(f"{course.id}:{word}", ours(now), now)

    # --- inside ---------------------------------------------------------------------------------------

    def _course(self, lift: _Lift) -> Course:
        return self._state.kept(Course).get(lift.device.id) or Course(lift.device.id)

    def _look_back(self, lift: _Lift, report: Report, now: int) -> None:
        """Somebody was trapped while nothing was heard: told unless people are called already. Now decides if it is."""
        name = lift.device.id
        past = self._hindsight.setdefault(name, Hindsight(name, lift.profile))
        for word, since in past.take(report).items():
            if word in lift.rules and not self._entrapments(name):
                when = When(since, historical=True, ours=True)
                self._conditions.raised(lift.rules[word], "", when, now, late=True)

    def _look(self, lift: _Lift, at: int, now: int, historical: bool = False) -> None:
        name = lift.device.id
        self._looked_at[name] = at
        device, before = self._devices[name], self._course(lift)
        if before.lost_at is None and is_blind(lift.profile, device):
            if self._lost_cars.lost(device, at, now):
                # A backlog may say in its next record that the box was back soon.
                self._agenda.set(name, now + AGAIN_MS if historical else now)
            return
        if before.lost_at is not None and says_nothing(lift.profile, device):
            self._ripen(lift, now)
            return
        signs = signs_of(lift.profile, device.values)
        bypass, told = self._is_attended(name), self._flag_is_alarm(lift)
        course = follow(found(before), signs, at, bypass)
        if before.lost_at is not None:
            self._back(lift, signs)
        if told is not before.flagged:
            course = replace(course, flagged=told, flag_ended_at=course.flag_ended_at if told else at)
        if course != before:
            self._state.keep(course)
        verdict = judge(course, signs, at, lift.rated_m_s, bypass)
        flag, flag_at = self._flag(lift, course, signs, now)
        echo_until = None if course.flag_ended_at is None else min(course.flag_ended_at, at) + FLAG_ECHO_MS
        told = told or (echo_until is not None and at < echo_until)
        for word, so in (dict(verdict.holds) | {Word.FLAG: flag}).items():
            rule = lift.rules.get(word)
            alarm = None if rule is None else self._state.alarms.get(rule.key)
            active = alarm is not None and alarm.source_active
            if rule is None or so is None or so is active:
                continue
            if not so:
                self._conditions.cleared(rule.key, ours(now), now)
            elif not (told and word in ENTRAPMENTS) and not (word in _FIRST_SIGNS and self._is_called(name)):
                when = When(min(verdict.since.get(word, at), now), historical=historical, ours=True)
                self._conditions.raised(rule, _value(word, signs), when, now)
        times = [time for time in (verdict.look_at, flag_at, echo_until) if time is not None and time > at]
        self._agenda.set(name, max(min(times), now + 1) if times else None)

    def _ripen(self, lift: _Lift, now: int) -> None:
        """Call people for what was suspected when the box fell silent, once that has lasted for its usual time."""
        name = lift.device.id
        ripe = self._lost_cars.look(self._devices[name], self._course(lift), now)
        self._agenda.set(name, ripe.look_at)
        for word, since in ripe.since.items():
            rule = lift.rules.get(word)
            alarm = None if rule is None else self._state.alarms.get(rule.key)
            if rule is None or (alarm is not None and alarm.source_active) or self._is_called(name):
                continue
            if word is Word.LOST_RUNNING and not ripe.course.inside:  # nobody can tell whether it was empty
                rule = replace(rule, condition=Condition.PRE_ALARM)
            floor = ripe.course.floor
            value = f"?; {LAST_SEEN[1]}" if floor is None else f"{floor:g}F; {LAST_SEEN[0]}"
            self._conditions.raised(rule, value, When(since, ours=True), now)

    def _back(self, lift: _Lift, signs: Signs) -> None:
        """The box tells again: what is still so was not only seen last."""
        self._lost_cars.back(lift.device.id)
        for word in ENTRAPMENTS:
            alarm = self._state.alarms.get(f"{lift.device.id}:{word}")
            if alarm is not None and alarm.source_active and (alarm.value or "").endswith(LAST_SEEN):
                self._state.put_alarm(replace(alarm, value=_value(word, signs)))

    def _flag(self, lift: _Lift, course: Course, signs: Signs, now: int) -> tuple[bool | None, int | None]:
        """Whether the controller's flag, taken as a pre-alarm, is to be believed after all; and when to ask again."""
        lowered = [alarm for alarm in self._flags_up(lift) if alarm.condition is Condition.PRE_ALARM]
        if not lowered:
            return False, None
        believed_at = min(alarm.heard_at_ms for alarm in lowered) + FLAG_BELIEVED_MS
        against = contradiction(course, signs, now)
        values = self._devices[lift.device.id].values
        points = [lift.profile.signals[name].point for name in _AGAINST if name in lift.profile.signals]
        unheard = any(point not in values for point in points)  # since the collector started
        if against == "inspection":
            return None, None
        if (against == "open" or unheard) and now < believed_at:
            return None, believed_at
        return True, None

    def _flags_up(self, lift: _Lift) -> list[Alarm]:
        alarms = self._state.alarms
        return [alarms[key] for key in lift.flags if key in alarms and alarms[key].source_active]

    def _flag_is_alarm(self, lift: _Lift) -> bool:
        """True while the controller itself has called people: what we judge says the same."""
        return any(alarm.condition is Condition.ALARM for alarm in self._flags_up(lift))

    def _is_called(self, device: str) -> bool:
        """True while somebody is known to be trapped: a pressed key is no news then."""
        return any(alarm.condition is Condition.ALARM and alarm.source_active for alarm in self._entrapments(device))

    def _is_attended(self, device: str) -> bool:
        """True between the acknowledgement of an entrapment and its end: then no key is filtered (EN 81-28)."""
        return any(alarm.phase in (Phase.ACKNOWLEDGED, Phase.AWAITING_RESET) for alarm in self._entrapments(device))

    def _entrapments(self, device: str) -> list[Alarm]:
        """What is open of somebody trapped in this elevator."""
        alarms = self._state.alarms
        return [alarms[key] for key in self._lifts[device].entrapments & alarms.keys()]


def _lifts_of(site: Site, devices: Mapping[str, DeviceState]) -> Iterable[_Lift]:
    for device in site.devices.values():
        profile = site.profiles[device.profile]
        if profile.category != "lift" or not profile.signals:
            continue
        flags = {
            rule.key: rule
            for rules in devices[device.id].rules.values()
            for rule in rules
            if (rule.condition, rule.kind) == (Condition.ALARM, Kind.ENTRAPMENT)
        }
        rated = device.lift.rated_speed_m_s if device.lift is not None else None
        told = keepers(site, device)
        rules = {word: _rule(device, word, told) for word in _judged(profile, bool(flags), rated)}
        entrapments = {rule.key for word, rule in rules.items() if word in ENTRAPMENTS} | flags.keys()
        yield _Lift(device, profile, rules, flags, rated, frozenset(entrapments))


def _rule(device: Device, word: Word, told: tuple[str, ...]) -> Rule:
    condition, kind = _CLASS.get(word, _SUPERVISORY)
    tell = told if kind is not Kind.ENTRAPMENT else ()
    return Rule(f"{device.id}:{word}", device.id, word.value, device.place.building, condition, kind, tell=tell)


def _judged(profile: Profile, has_flag: bool, rated_m_s: float | None) -> Iterable[Word]:
    """What can be judged by the profile's signals and is not told by the device itself.

    A speed above the rated one is: a box knows no rated speed.
    """
    flags = {point.name for point in points_of(profile) if point.condition.is_flag}
    judges = judges_entrapment(profile)
    for word in Word:
        own = any(name in flags for name in _OWN_FLAGS.get(word, ()))
        if word in (Word.BETWEEN, Word.AT_LEVEL, Word.STIRS):
            wanted = judges
        elif word is Word.LOST_RUNNING:
            wanted = SignalName.MOVING in profile.signals or SignalName.SPEED_M_S in profile.signals
        elif word is Word.FLAG:
            wanted = has_flag
        elif word is Word.KEY:
            wanted = SignalName.ALARM_KEY in profile.signals
        else:
            wanted = not own or (word is Word.OVERSPEED and rated_m_s is not None)
        if wanted:
            yield word


def _value(word: Word, signs: Signs) -> str:
    """What the signals said, for people; in no language."""
    if word is Word.OVERSPEED and signs.speed_m_s is not None:
        return f"{abs(signs.speed_m_s):.2f} m/s"
    return f"{signs.floor:g}F" if signs.floor is not None else ""
