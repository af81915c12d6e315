"""How a place, a stamp, a condition is said: for notices and pages.

Whatever comes from a site file or a device is made one plain line of bounded length before it is used, so that
it can neither break a mail header nor pose as another line of a message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from collector.alarms.alarm import Alarm, has_outlived
from collector.alarms.extent import extent_of
from collector.alarms.incident import detector_of
from collector.alarms.measures import Scope
from collector.alarms.staleness import LISTED
from collector.calls.reach import UNREACHABLE, faults_in
from collector.messages.conditionwords import CONDITIONS, value_words
from collector.messages.phrases import PHRASES
from config.people import Language
from config.profile import Point, points_of
from config.site import Place, Site
from config.sparkplug import DataType
from config.words import DRILL, SYSTEM

PEOPLE_SHOWN_MAX = 12  # of those who cannot be reached
PIECE_MAX = 120  # characters of any one name, note or value


def describe_condition(site: Site, alarm: Alarm, language: Language) -> str:
    """What one alarm is, in words: which device, what about it, and what it said."""
    say = PHRASES[language]
    device, point = site.devices.get(alarm.device), _point(site, alarm.device, alarm.point)
    title = site.profiles[device.profile].title if device else {}
    number = detector_of(alarm.point)
    parts = [
        one_line(title.get(language) or next(iter(title.values()), "")),
        "" if number is None else say.detector.format(number=number),
        condition_words(site, alarm.key, alarm.device, alarm.point, language),
    ]
    told = alarm.value is not None and (point is None or point.datatype is not DataType.BOOLEAN)  # not "1"
    value = say.brackets.format(text=said_words(site, alarm, language)) if told and alarm.value else ""
    return say.comma.join(filter(None, parts)) + value


def said_words(site: Site, alarm: Alarm, language: Language) -> str:
    """What an alarm's source said: as it was said, or who cannot be reached and why."""
    if alarm.key == f"{alarm.device}:stale":
        points = (alarm.value or "").split(LISTED)
        names = [condition_words(site, f"{alarm.device}:{name}", alarm.device, name, language) for name in points]
        return one_line(PHRASES[language].listed.join(names))
    if alarm.point != UNREACHABLE:
        return one_line(value_words(alarm.key, alarm.value or "", language))
    say, faults = PHRASES[language], list(faults_in(alarm.value).items())
    called = {person: site.people[person].name for person, _ in faults if person in site.people}
    shown = [
        say.unreachable_person.format(name=one_line(called.get(person, person), 40), fault=say.faults[fault])
        for person, fault in faults[:PEOPLE_SHOWN_MAX]
    ]
    if len(faults) > PEOPLE_SHOWN_MAX:
        shown.append(say.more_people.format(count=len(faults) - PEOPLE_SHOWN_MAX))
    return say.comma.join(shown)


def place_words(place: Place, language: Language) -> str:
    """Floor, flat and note of a place, without its building."""
    say = PHRASES[language]
    floor = (say.floor if place.floor >= 0 else say.basement).format(number=abs(place.floor))
    flat, note = one_line(place.flat), one_line(place.note)
    spot = f"{floor} {say.flat.format(flat=flat) if flat[-1:].isdigit() else flat}".strip()
    return spot + (say.brackets.format(text=note) if note else "")


def place_brief(place: Place, language: Language) -> str:
    """Floor and flat in few characters."""
    say = PHRASES[language]
    floor = (say.floor_brief if place.floor >= 0 else say.basement_brief).format(number=abs(place.floor))
    return f"{floor} {one_line(place.flat)}".strip()


def alarm_place(site: Site, alarm: Alarm) -> Place | None:
    """Where an alarm's point is; None for a part of the system itself."""
    device = site.devices.get(alarm.device)
    if device is None:
        return None
    number = detector_of(alarm.point)
    return next((each.place for each in device.detectors if each.number == number), device.place)


def moment(at_ms: int, now: int, zone: ZoneInfo, brief: bool = False) -> str | None:
    """A stamp in the site's zone, with its date when that is not today's; None for one that no calendar holds."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
        today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    except (ValueError, OverflowError, OSError):
        return None
    date, clock = (f"{at:%m-%d}", f"{at:%H:%M}") if brief else (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}")
    return clock if at.date() == today else f"{date} {clock}"


def one_line(text: str, characters_max: int = PIECE_MAX) -> str:
    """The text as one printable line: control characters and line breaks become spaces, too much is cut."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= characters_max else plain[: characters_max - 1] + "…"


def condition_words(site: Site, key: str, device: str, point: str, language: Language) -> str:
    """What an alarm is about: its limit's or point's own text, or what device, gateway or system lacks."""
    say = PHRASES[language]
    if has_outlived(key):
        return say.outlived
    declared, last = _point(site, device, point), key.rpartition(":")[2]
    if declared is not None:
        limit = (declared.register.limits or {}).get(last)
        text = declared.text if limit is None or last == declared.name else limit.text
        return one_line(text.get(language) or next(iter(text.values()), point))
    if device == SYSTEM:
        return say.system.format(part=one_line(point)) + _reach(site, device, point, language)
    if device == DRILL:
        return say.drill_source
    if point.startswith("Bus/"):
        what = say.bus.format(id=one_line(point.removeprefix("Bus/").removesuffix("/Online").removesuffix("/Silent")))
    else:
        own = CONDITIONS[language].get(last.rpartition("/")[2])
        what = say.conditions_of_source.get(last) or own or one_line(point)
    scope, _, name = device.partition("/")
    team = site.teams.get(name)
    if scope == "team" and team is not None:
        return f"{one_line(team.name)} {what}"
    if name:  # something disabled: a building is named by where it is, a zone here
        zone = site.zones.get(name)
        return what if scope == Scope.BUILDING else f"{one_line(zone.name if zone else name)} {what}"
    if device in site.devices:
        return what
    return f"{say.gateway.format(id=one_line(device))} {what}{_reach(site, device, point, language)}"


def _reach(site: Site, device: str, point: str, language: Language) -> str:
    """How much hangs on a gateway, a bus or the broker."""
    extent = extent_of(site, device, point)
    if extent is None:
        return ""
    return PHRASES[language].reaches.format(devices=extent.devices, buildings=len(extent.buildings))


def _point(site: Site, device: str, point: str) -> Point | None:
    installed = site.devices.get(device)
    if installed is None:
        return None
    number = detector_of(point)
    if number is None:
        return site.own_points[installed.profile].get(point)
    points = points_of(site.profiles[installed.profile], [number])
    return next((each for each in points if each.name == point), None)
