"""Elevators whose box has fallen silent: what was seen last goes on ripening, for a box may share its car's power.

Pure. What was suspected when the box fell silent (a car stopped outside a floor or shut in with somebody inside, a held
key) is called at its usual time, whatever took the box away. What every ride looks like (a car that moves, a door just
closed) is suspected only where the box was lost alone: another device of its bus has spoken since. A gateway or a bus
that goes takes all its boxes along, and says nothing of their cars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from collector.alarms.heard import DeviceState, GatewayState
from collector.equipment.elevator import (
    AT_LEVEL_MS,
    BETWEEN_MS,
    DOOR_MS,
    KEY_HELD_MS,
    SIGHTINGS,
    STANDS_M_S,
    Course,
    Word,
)
from collector.equipment.signals import signal, signal_number
from collector.state import State
from config.profile import Profile, SignalName
from config.site import Site
from config.words import Report

SUSPICIONS = ("outside", "shut", "standing", "key", "works")  # what a silence does not end
UNSURE_MS = 120_000  # two heartbeats of a default point: by then a bus that lives has said something
WITNESS_MS = 3_000  # what a neighbour says sooner after the loss may have been read before it
BORN_MS = 10_000  # after a start of the collector a box that is there has been born again by then
_TELLING = (
    *(SignalName.MOVING, SignalName.LEVEL, SignalName.DOOR_ZONE, SignalName.DOOR_OPEN, SignalName.DOOR_CLOSED),
    *(SignalName.PERSON, SignalName.ALARM_KEY),
)
_TELLING_ALONE = (*_TELLING, SignalName.SPEED_M_S)


@dataclass(frozen=True, slots=True)
class Ripe:
    """Entrapments to be called now, with since when, UTC ms; `look_at`: when to look again, None for not at all."""

    course: Course
    since: Mapping[Word, int]
    look_at: int | None


def says_nothing(profile: Profile, device: DeviceState) -> bool:
    """True if no signal of the car and of who is in it has a good value, whether it was bad, absent or never heard.

    A speed is telemetry and is told late: it outlives the others by a moment. It counts where it alone tells a motion.
    """
    return all(signal(profile, device.values, name) is None for name in _telling(profile))


def is_blind(profile: Profile, device: DeviceState) -> bool:
    """True if such signals were heard, and none has a good value any more: the box is as good as lost."""
    if not says_nothing(profile, device):
        return False
    points = (profile.signals[name].point for name in _telling(profile) if name in profile.signals)
    return any(point in device.values for point in points)


def lose(course: Course, at: int, alone: bool | None) -> Course:
    """The course of a car whose box was lost at this time. `alone`: False if more went with it, None if not known."""
    if course.lost_at is not None:
        return course if course.alone is not None or alone is None else replace(course, alone=alone)
    lasting = {what: since for what, since in course.since.items() if what in SUSPICIONS or what == "running"}
    return replace(course, since=lasting, lost_at=at, alone=alone)


def found(course: Course) -> Course:
    """The course of a car whose box is back. How long it has been moving is not known any more."""
    if course.lost_at is None:
        return course
    lasting = {what: since for what, since in course.since.items() if what in SUSPICIONS}
    return replace(course, since=lasting, lost_at=None, alone=None)


def ripening(course: Course, sees_people: bool) -> dict[Word, tuple[int, int]]:
    """What is suspected of a lost car: since when, and when people are called for it, UTC ms.

    `sees_people` False: the box cannot tell whether somebody is inside, and a moving car may carry somebody.
    """
    lost_at, since = course.lost_at, course.since
    if lost_at is None:
        return {}
    suspected: dict[Word, tuple[int, int]] = {}
    outside, shut, runs = since.get("outside"), since.get("shut"), "running" in since
    seen = course.person or sum(lost_at - at <= AT_LEVEL_MS for at in course.seen) >= SIGHTINGS
    if "works" not in since:
        if outside is not None and course.inside:
            suspected[Word.BETWEEN] = (outside, outside + BETWEEN_MS)
        if shut is not None and seen and (course.alone or lost_at - shut >= DOOR_MS):
            suspected[Word.AT_LEVEL] = (shut, shut + AT_LEVEL_MS)
        if runs and outside is None and course.alone and (course.inside or not sees_people):
            suspected[Word.LOST_RUNNING] = (lost_at, lost_at + BETWEEN_MS)
    calls = since.get("key") if course.calling_since is None else course.calling_since
    if calls is not None:  # a door that was about to open may have answered it (EN 81-28)
        stopped = lost_at if runs else since.get("standing", lost_at) if shut is not None else calls
        waits = stopped + DOOR_MS if runs or shut is not None else calls
        suspected[Word.KEY] = (calls, max(calls + KEY_HELD_MS, waits))
    return suspected


class LostCars:
    """Keeps the courses of cars whose boxes are lost, and finds out which of them were lost alone."""

    def __init__(
        self,
        site: Site,
        state: State,
        gateways: Mapping[str, GatewayState],
        profiles: Mapping[str, Profile],
    ) -> None:
        """`gateways` are the watch's; `profiles` those of the judged elevators, by device."""
        self._state = state
        self._gateways = gateways
        self._profiles = profiles
        buses = {device.id: f"{gateway.id}:Bus/{bus.id}/Online" for gateway, bus, device in site.installed()}
        watched = {buses[name] for name in profiles}
        self._bus_of = {name: bus for name, bus in buses.items() if bus in watched}  # the key of its trouble
        self._went_at: dict[str, int] = {}  # when a device on such a bus was lost by itself; none from before a start
        self._unsure = {name for name in profiles if _is_unsure(state.kept(Course).get(name))}

    def lost(self, device: DeviceState, at: int, now: int) -> bool:
        """A device is gone, or tells no signal any more. True if it is a car, and to be looked at."""
        gateway = self._gateways[device.gateway]
        along = gateway.online is False
        if device.device in self._bus_of and not along:
            self._went_at[device.device] = now
        course = self._state.kept(Course).get(device.device)
        if course is None or device.device not in self._profiles:
            return False
        if along and gateway.heard_at_ms is not None:
            at = min(at, gateway.heard_at_ms)  # that was the last word of what it had to say
        self._keep(course, lose(course, at, alone=False if along else None))
        return True

    def back(self, name: str) -> None:
        """A box has told a signal again."""
        self._unsure.discard(name)

    def hears(self, device: str) -> bool:
        """True for what shares a bus with a judged elevator."""
        return device in self._bus_of

    @property
    def wants_witnesses(self) -> bool:
        """True while it is not known of some car whether it was lost alone."""
        return bool(self._unsure)

    def heard(self, device: DeviceState, report: Report, now: int) -> list[str]:
        """Something was heard of a device that `hears`: the cars that are known by it to have been lost alone."""
        bus = self._bus_of[device.device]
        birth = report.position is None and report.epoch is not None  # that only says what was read last
        if birth or report.historical or all(reading.value is None for reading in report.readings):
            return []
        alone: list[str] = []
        for name in sorted(self._unsure):
            course = self._state.kept(Course)[name]
            if name != device.device and self._bus_of[name] == bus and self._vouches(device.device, course, now):
                self._keep(course, replace(course, alone=True))
                alone.append(name)
        return alone

    def look(self, device: DeviceState, course: Course, now: int) -> Ripe:
        """What is to be called for a car whose box is not there."""
        if course.id not in self._state.kept(Course):
            return Ripe(course, {}, None)  # it was never seen
        wait_until = self._wait_until(device, now)
        if wait_until > now:
            return Ripe(course, {}, wait_until)
        after = _not_after(lose(course, now, alone=False) if course.lost_at is None else course, now)
        unsure_until = (now if after.lost_at is None else after.lost_at) + UNSURE_MS
        if after.alone is None and (now >= unsure_until or self._is_down(device.device)):
            after = replace(after, alone=False)
        self._keep(course, after)
        suspected = self._suspected(device, after)
        times = [at for _, at in suspected.values()] + ([unsure_until] if after.alone is None else [])
        ripe = {word: since for word, (since, at) in suspected.items() if at <= now}
        return Ripe(after, ripe, min((at for at in times if at > now), default=None))

    # --- inside ---------------------------------------------------------------------------------------

    def _suspected(self, device: DeviceState, course: Course) -> dict[Word, tuple[int, int]]:
        """What is suspected, unless a box that is there still tells its car's speed: such a car was not lost moving."""
        profile = self._profiles[device.device]
        speed = signal_number(profile, device.values, SignalName.SPEED_M_S) if device.online else None
        if speed is not None and abs(speed) >= STANDS_M_S:
            return {}
        suspected = ripening(course, SignalName.PERSON in profile.signals)
        if speed is not None:
            suspected.pop(Word.LOST_RUNNING, None)
        return suspected

    def _keep(self, before: Course, after: Course) -> None:
        if after != before:
            self._state.keep(after)
        if _is_unsure(after):
            self._unsure.add(after.id)
        else:
            self._unsure.discard(after.id)

    def _vouches(self, neighbour: str, course: Course, now: int) -> bool:
        """True if what this neighbour says shows that the bus has lived on: it was not itself lost with the car."""
        assert course.lost_at is not None
        went_at = self._went_at.get(neighbour)
        stayed = went_at is None or went_at < course.lost_at - UNSURE_MS
        return stayed and WITNESS_MS <= now - course.lost_at < UNSURE_MS

    def _is_down(self, name: str) -> bool:
        alarm = self._state.alarms.get(self._bus_of[name])
        return alarm is not None and alarm.source_active

    def _wait_until(self, device: DeviceState, now: int) -> int:
        """After a start of the collector: until when a box that is there may still be born again."""
        if device.online is not None:
            return now
        gateway = self._gateways[device.gateway]
        return gateway.patient_from_ms + BORN_MS if gateway.online else now + BORN_MS


def _telling(profile: Profile) -> tuple[SignalName, ...]:
    return _TELLING if SignalName.MOVING in profile.signals else _TELLING_ALONE


def _is_unsure(course: Course | None) -> bool:
    return course is not None and course.lost_at is not None and course.alone is None


def _not_after(course: Course, now: int) -> Course:
    """The clock may have been set back since: nothing began later than now."""
    stamps = [*course.since.values(), course.lost_at or 0, course.calling_since or 0]
    if max(stamps) <= now:
        return course
    calling = None if course.calling_since is None else min(course.calling_since, now)
    lost_at = None if course.lost_at is None else min(course.lost_at, now)
    since = {what: min(start, now) for what, start in course.since.items()}
    return replace(course, since=since, lost_at=lost_at, calling_since=calling)
