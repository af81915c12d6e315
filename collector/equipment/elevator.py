"""What an elevator's raw signals mean: somebody is trapped, somebody calls, the car does what it must not.

Pure. `follow` takes a car's course on by one look at its signals; `judge` says what holds at that moment and when to
look again. A signal that is not known is neither yes nor no: it ends no suspicion of an entrapment and raises none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from collector.alarms.heard import Heard
from collector.equipment.signals import as_number, signals
from collector.storage.kept import Kept
from config.profile import Profile, SignalName

# Defaults of a published sensor board (reference sheet §2.3): 15 s, 90 s with more than three signs of somebody,
# 3 m/s, one minute, one minute, twenty movements.
BETWEEN_MS = 15_000  # standing outside the door zone
AT_LEVEL_MS = 90_000  # standing at a floor with the door closed
SIGHTINGS = 4  # signs of somebody within that time
OVERSPEED_M_S = 3.0  # where the rated speed is not known
RUN_TIMEOUT_MS = 60_000
HELD_OPEN_MS = 60_000
DOOR_MOVEMENTS = 20  # at one stop
# Ours.
RATED_FACTOR = 1.15  # of the rated speed
KEY_HELD_MS = 3_000  # shorter is a slip of the hand
SIGHTING_MS = 15_000  # somebody who is seen without a break counts as seen anew so often
PRESSED_MS = 60_000  # so long after the last short press it is the same one: a playing child is one notice
PRESSES = 3  # so many short ones within that time are a call as well
DOOR_MS = 10_000  # so long after a stop the door may still be about to open
RUNS_OPEN_MS = 3_000  # direction and door are told up to some seconds apart
OPEN_BELIEVED_MS = 5_000  # so long open before it speaks against the controller's flag
FLAG_ECHO_MS = 10_000  # so long after the controller's flag has ended doors and directions may still be told
FLAG_BELIEVED_MS = 60_000  # a flag that stands so long against the other signals is believed after all
EMPTY_MS = 60_000  # nobody was seen for so long after the door of an empty car had closed: it is parked
STIRS_MS = 180_000  # so long signs of somebody in a parked car are a first hit; after that they are believed
STANDS_M_S = 0.05  # slower than this is no movement


class Word(StrEnum):
    """What can be judged; the last part of its condition's key, and by it the words for people."""

    BETWEEN = "lift-entrapment-between"
    AT_LEVEL = "lift-entrapment-level"
    KEY = "lift-alarm-key"
    FLAG = "lift-entrapment-flag"  # the controller says so, and nothing speaks against it any more
    LOST_RUNNING = "lift-lost-running"  # it moved when its box, and nothing else, fell silent
    PRESSED = "lift-key-pressed"
    STIRS = "lift-parked-stirs"  # somebody seems to be in a car that was parked empty
    OVERSPEED = "lift-overspeed"
    OVER_TRAVEL = "lift-over-travel"
    RUNS_OPEN = "lift-runs-door-open"
    CYCLING = "lift-door-cycling"
    STOP_OUTSIDE = "lift-stop-outside-zone"
    HELD_OPEN = "lift-door-held-open"
    RUN_TIMEOUT = "lift-run-timeout"
    POWER_LOSS = "lift-power-loss"
    OUT_OF_SERVICE = "lift-out-of-service"
    FIREMAN = "lift-fireman"
    INSPECTION = "lift-inspection"


ENTRAPMENTS = (Word.BETWEEN, Word.AT_LEVEL, Word.KEY, Word.FLAG, Word.LOST_RUNNING)


class Signs(NamedTuple):
    """One look at a car; None where it is not known, or the profile cannot tell."""

    moving: bool | None = None
    in_zone: bool | None = None  # level with a floor, or where the door may open
    closed: bool | None = None
    open: bool | None = None
    opening: bool | None = None  # or open already
    person: bool | None = None
    alarm_key: bool | None = None
    speed_m_s: float | None = None
    floor: float | None = None
    inspection: bool | None = None
    fireman: bool | None = None
    out_of_service: bool | None = None
    power_lost: bool | None = None
    over_travel: bool | None = None


@dataclass(frozen=True, slots=True)
class Course(Kept):
    """What a car's signals were up to now, as far as a judgement needs it; `id` is the device. Kept over a restart."""

    since: dict[str, int] = field(default_factory=dict)  # what is so, and since when, UTC ms
    inside: bool = False  # somebody was seen since the door was last open at a floor
    person: bool = False
    seen: tuple[int, ...] = ()  # the newest signs of somebody behind a closed door
    parked: bool = False  # nobody was inside, nor seen for a minute behind the closed door: a flicker may be noise
    stirs_since: int | None = None  # signs enough of somebody in a parked car
    closed: bool | None = None
    floor: float | None = None
    movements: int = 0  # of the door, at this stop
    calling_since: int | None = None  # the alarm key was held, and the door has not opened at a floor since
    pressed_at: int | None = None  # it was pressed last, unfiltered
    presses: int = 0  # one soon after the other
    flagged: bool = False  # the controller itself calls
    flag_ended_at: int | None = None
    lost_at: int | None = None  # its box has been silent since; what was so then stands
    alone: bool | None = None  # nothing else was lost with it; None: not known yet


@dataclass(frozen=True, slots=True)
class Verdict:
    """`holds`: what can be said, and whether it is so; `since`: since when. `look_at`: when to judge again, UTC ms."""

    holds: Mapping[Word, bool]
    since: Mapping[Word, int]
    look_at: int | None


def signs_of(profile: Profile, values: Mapping[str, Heard]) -> Signs:
    """The signals of a profile as a look at the car. A direction without a speed, or the other way round, will do."""

    known = signals(profile, values)
    flags = {name: bool(said) for name, said in known.items()}
    flag = flags.get
    speed = as_number(known.get(SignalName.SPEED_M_S))
    runs = None if speed is None else abs(speed) >= STANDS_M_S
    floor = known.get(SignalName.FLOOR)
    opened, closed = flag(SignalName.DOOR_OPEN), flag(SignalName.DOOR_CLOSED)
    if opened is None and closed is not None and SignalName.DOOR_OPEN not in profile.signals:
        opened = not closed
    if closed is None and opened is not None and SignalName.DOOR_CLOSED not in profile.signals:
        closed = not opened
    return Signs(
        moving=_either(flag(SignalName.MOVING), runs),
        in_zone=_either(flag(SignalName.LEVEL), flag(SignalName.DOOR_ZONE)),
        closed=closed,
        open=opened,
        opening=_either(flag(SignalName.DOOR_OPENING), opened),
        person=flag(SignalName.PERSON),
        alarm_key=flag(SignalName.ALARM_KEY),
        speed_m_s=speed,
        floor=None if floor is None else float(floor),
        inspection=flag(SignalName.INSPECTION),
        fireman=flag(SignalName.FIREMAN),
        out_of_service=flag(SignalName.OUT_OF_SERVICE),
        power_lost=flag(SignalName.POWER_LOST),
        over_travel=flag(SignalName.OVER_TRAVEL),
    )


def contradiction(course: Course, signs: Signs, at: int) -> str | None:
    """What speaks against the controller's flag: "inspection", or "open", a door that stands open at a floor."""
    if signs.inspection:
        return "inspection"
    since = course.since.get("open")
    stands_open = signs.open and signs.in_zone and signs.moving is False
    return "open" if stands_open and since is not None and at - since >= OPEN_BELIEVED_MS else None


def follow(course: Course, signs: Signs, at: int, bypass: bool = False) -> Course:
    """The course after this look. `bypass`: an entrapment is acknowledged and not ended, so that no key is filtered."""
    since = {what: min(start, at) for what, start in course.since.items()}  # the clock may have been set back
    moved = signs.floor is not None and signs.floor != course.floor
    _keep(since, "running", signs.moving, at, anew=moved and bool(signs.moving))
    _keep(since, "away", _not(signs.in_zone), at, anew=moved)
    moving = _moving(signs, since, at)
    standing = None if moving is None else not moving
    opened = _all(signs.in_zone, signs.opening)
    _keep(since, "standing", standing, at, holds_on=True)
    _keep(since, "outside", _all(_not(signs.in_zone), standing), at, holds_on=True)
    _keep(since, "shut", _all(signs.closed, standing), at, holds_on=True)
    _keep(since, "unseen", _all(signs.in_zone, signs.closed, standing, _not(signs.person)), at)
    _keep(since, "ajar", _all(_not(signs.closed), standing), at)
    _keep(since, "runs-open", _all(signs.open, signs.moving), at)
    _keep(since, "open", _all(signs.open, signs.in_zone, standing), at)
    _keep(since, "works", signs.inspection, at, holds_on=True)
    held_from = since.get("key")
    _keep(since, "key", _all(signs.alarm_key, bypass or opened is not True), at, holds_on=True)
    pressed_at, presses = _pressed(course, signs, since, at, bypass)
    if opened and not bypass:
        pressed_at, presses = None, 0
    calling = _calling(course, signs, held_from, presses, at, opened, bypass)
    left = signs.open is True and signs.in_zone is True and not signs.person
    seen = _seen(course, signs, since, at)
    parked = _parked(course, since, at)
    stirs = parked and "shut" in since and at - since["shut"] >= AT_LEVEL_MS and len(_sighted(seen, at)) >= SIGHTINGS
    changed = signs.closed is not None and course.closed is not None and signs.closed != course.closed
    return replace(
        course,
        since=since,
        inside=(course.inside or bool(signs.person)) and not left,
        person=course.person if signs.person is None else signs.person,
        seen=seen,
        parked=parked,
        stirs_since=(at if course.stirs_since is None else min(course.stirs_since, at)) if stirs else None,
        closed=course.closed if signs.closed is None else signs.closed,
        floor=course.floor if signs.floor is None else signs.floor,
        movements=0 if signs.moving or moved else course.movements + changed,
        calling_since=calling,
        pressed_at=pressed_at,
        presses=presses,
    )


def judge(course: Course, signs: Signs, at: int, rated_m_s: float | None = None, bypass: bool = False) -> Verdict:
    """What holds after a look that `course` has followed. `rated_m_s`: the rated speed, None if it is not known."""
    times: list[int] = []
    works = signs.inspection is True
    at_work = _all(not works)
    moving = _moving(signs, course.since, at)
    between = _lasts(course, "outside", _all(_not(signs.in_zone), _not(moving)), BETWEEN_MS, at, times)
    shut = _lasts(course, "shut", _all(signs.closed, _not(moving)), AT_LEVEL_MS, at, times)
    sighted = _sighted(course.seen, at)
    at_level = _all(shut, at_work) if len(sighted) >= SIGHTINGS or "shut" not in course.since else None
    if at_level and not signs.in_zone:
        at_level = None  # between two floors, which is told as that; or a level that flickers
    if "unseen" in course.since and not course.parked:
        times.append(course.since["unseen"] + EMPTY_MS)
    if course.stirs_since is not None:
        times.append(course.stirs_since + STIRS_MS)
    if "shut" in course.since and course.person and len(sighted) < SIGHTINGS:
        times.append((course.seen[-1] if course.seen else at) + SIGHTING_MS)
    if course.pressed_at is not None:
        times.append(course.pressed_at + PRESSED_MS)
    if signs.moving and "running" in course.since:
        times += [course.since[what] + RUN_TIMEOUT_MS for what in ("running", "away") if what in course.since]
    limit = OVERSPEED_M_S if rated_m_s is None else rated_m_s * RATED_FACTOR
    found: dict[Word, bool | None] = {
        Word.BETWEEN: _all(between, course.inside, at_work),
        Word.AT_LEVEL: None if at_level and _may_be_noise(course, at) else at_level,
        Word.STIRS: at_level if course.parked or not at_level else False,
        Word.KEY: _called(course, signs, at, bypass, times),
        Word.LOST_RUNNING: False if signs.moving or _all(signs.in_zone, signs.open) else None,
        Word.PRESSED: None
        if course.pressed_at not in (None, at) and at_work
        else _all(course.pressed_at == at, at_work),
        Word.OVERSPEED: None if signs.speed_m_s is None else abs(signs.speed_m_s) > limit,
        Word.OVER_TRAVEL: signs.over_travel,
        Word.RUNS_OPEN: _all(_lasts(course, "runs-open", signs.open, RUNS_OPEN_MS, at, times), at_work),
        Word.CYCLING: None if signs.closed is None else course.movements >= DOOR_MOVEMENTS and not works,
        Word.STOP_OUTSIDE: _all(between, not course.inside, at_work),
        Word.HELD_OPEN: _all(_lasts(course, "ajar", _not(signs.closed), HELD_OPEN_MS, at, times), at_work),
        Word.RUN_TIMEOUT: _all(_lasts(course, "running", signs.moving, RUN_TIMEOUT_MS, at, times), at_work),
        Word.POWER_LOSS: signs.power_lost,
        Word.OUT_OF_SERVICE: signs.out_of_service,
        Word.FIREMAN: signs.fireman,
        Word.INSPECTION: signs.inspection,
    }
    began = {Word.BETWEEN: "outside", Word.STOP_OUTSIDE: "outside", Word.AT_LEVEL: "shut", Word.HELD_OPEN: "ajar"}
    since = {word: course.since[what] for word, what in began.items() if what in course.since}
    if course.calling_since is not None:
        since[Word.KEY] = course.calling_since
    holds = {word: so for word, so in found.items() if so is not None}
    return Verdict(holds, since, min((time for time in times if time > at), default=None))


# --- inside ---------------------------------------------------------------------------------------


def _moving(signs: Signs, since: Mapping[str, int], at: int) -> bool | None:
    """Whether the car moves. One that is said to move for a minute and comes to no other floor is stuck.

    So is one that says so now and then, if it has been away from any floor all that while.
    """
    tries_ms = at - min(since.get("running", at), since.get("away", at))
    return False if signs.moving and tries_ms >= RUN_TIMEOUT_MS and signs.floor is not None else signs.moving


def _pressed(course: Course, signs: Signs, since: Mapping[str, int], at: int, bypass: bool) -> tuple[int | None, int]:
    """When the key was pressed last, and how often one soon after the other; without what an opening door answers."""
    pressed_at, presses = course.pressed_at, course.presses
    if pressed_at is not None and at - min(pressed_at, at) >= PRESSED_MS:
        pressed_at, presses = None, 0
    if "key" in since and signs.alarm_key is not False and (bypass or not _filters(since, signs, at)):
        counts = "key" not in course.since and not signs.inspection  # who works on the lift tries its button
        pressed_at, presses = at, presses + counts
    return pressed_at, presses


def _calling(
    course: Course, signs: Signs, held_from: int | None, presses: int, at: int, opened: bool | None, bypass: bool
) -> int | None:
    """Since when a held key calls. An opening door at a floor is its answer, unless people are called already."""
    held = held_from is not None and at - held_from >= KEY_HELD_MS
    if opened and not bypass:
        return None
    if presses >= PRESSES and course.calling_since is None:
        return at
    if held and (course.calling_since is None or signs.alarm_key is not False):
        return course.calling_since if course.calling_since is not None else held_from
    answered = opened is True or (signs.opening is None and signs.alarm_key is False)
    return None if answered else course.calling_since


def _filters(since: Mapping[str, int], signs: Signs, at: int) -> bool:
    """True while a key may be answered by the next opening door (EN 81-28: a car at a door, or on its way to one)."""
    if signs.opening is None:
        return False
    stopped = since.get("standing")
    fresh = signs.in_zone is True and stopped is not None and at - stopped < DOOR_MS
    return (signs.opening and signs.in_zone is True) or _moving(signs, since, at) is True or fresh


def _called(course: Course, signs: Signs, at: int, bypass: bool, times: list[int]) -> bool | None:
    if "key" in course.since:
        times.append(course.since["key"] + KEY_HELD_MS)
    if course.calling_since is None:
        return None if signs.alarm_key is None else False
    if bypass or not _filters(course.since, signs, at):
        return True
    times.append(course.since.get("standing", at) + DOOR_MS)
    return None  # waits for the door


def _seen(course: Course, signs: Signs, since: Mapping[str, int], at: int) -> tuple[int, ...]:
    """The signs of somebody while the door is closed at a floor: each new one, and one that lasts every so often."""
    if "shut" not in since:
        return ()
    seen = tuple(min(each, at) for each in course.seen)
    if signs.person and (not course.person or not seen or at - seen[-1] >= SIGHTING_MS):
        seen = (*seen, at)
    return seen[-SIGHTINGS:]


def _sighted(seen: tuple[int, ...], at: int) -> list[int]:
    return [each for each in seen if at - each <= AT_LEVEL_MS]


def _parked(course: Course, since: Mapping[str, int], at: int) -> bool:
    """Whether the car stands empty behind its closed door, as far as a sensor that has been heard all the time tells.

    Whoever was seen since the door was last open is still inside, however still they are. It ends with the next
    movement of car or door.
    """
    if "shut" not in since:
        return False
    unseen = since.get("unseen")
    return course.parked or (unseen is not None and at - unseen >= EMPTY_MS and not course.inside and not course.seen)


def _may_be_noise(course: Course, at: int) -> bool:
    """True while signs of somebody in a parked car are told to the nearest only."""
    return course.stirs_since is not None and at - course.stirs_since < STIRS_MS


def _lasts(course: Course, what: str, now_so: bool | None, for_ms: int, at: int, times: list[int]) -> bool | None:
    """Whether something has been so for a time. Not known now: nothing can be said."""
    if what not in course.since:
        return False if now_so is not None else None
    if now_so is None:
        return None
    times.append(course.since[what] + for_ms)
    return at - course.since[what] >= for_ms


def _keep(
    since: dict[str, int], what: str, so: bool | None, at: int, holds_on: bool = False, anew: bool = False
) -> None:
    """Note since when something is so. `holds_on`: what is not known now leaves it standing."""
    if so:
        since[what] = at if anew else since.get(what, at)
    elif so is False or not holds_on:
        since.pop(what, None)


def _all(*so: bool | None) -> bool | None:
    if False in so:
        return False
    return None if None in so else True


def _either(*so: bool | None) -> bool | None:
    if True in so:
        return True
    return False if False in so else None


def _not(so: bool | None) -> bool | None:
    return None if so is None else not so
