"""The words of a notice: what, where to the flat, since when, who is going, why you, and call 119 yourself.

Whatever comes from a site file or a device is made one plain line of bounded length before it is used, so that
it can neither break a mail header nor pose as another line of the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from collector.alarm import Alarm
from collector.dispatch import Notice, Reason
from collector.incident import Answer, Incident
from collector.phrases import PHRASES, Phrases
from config.profile import Condition, points_of
from config.site import Language, Place, Site

SMS_UNITS_MAX = 70  # one SMS in UCS-2, which any Chinese character makes it (3GPP TS 23.040: 140 octets)
SMS_ASCII_MAX = 160  # one SMS in the 7-bit alphabet
PIECE_MAX = 120  # characters of any one name, note or value
ALARMS_SHOWN_MAX = 5
NAMES_SHOWN_MAX = 8
LATE_MS = 5_000  # source and receipt further apart than this: both times are shown

_WORST_FIRST = {condition: rank for rank, condition in enumerate(Condition)}


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words. `subject` and `short` are one line; `short` fits one SMS and holds no link."""

    subject: str
    body: str
    short: str


def describe(
    site: Site, incident: Incident, alarms: Sequence[Alarm], notice: Notice, url: str | None, now: int
) -> Words:
    """The words of a notice to its person, in their language. `alarms` are the incident's, in order of arrival."""
    language = _language(site, notice.person)
    say = PHRASES[language]
    shown = _worst_first(alarms, newest=notice.reason is Reason.NEW_DEVICE)
    news = say.news.get(notice.reason)
    headline = f"{news}{say.listed}{_headline(incident, shown, say)}" if news else _headline(incident, shown, say)
    subject, lines, short = _what_where_when(site, incident, shown, headline, language, now)
    lines += _people(site, incident, say)
    lines += [say.why.format(text=say.reasons[notice.reason])]
    if url is not None:
        lines.append((say.answer if notice.expects_answer else say.look).format(url=url))
    if notice.expects_answer:
        lines += [*_getting_in(site, incident.building, say), say.advice[incident.kind]]
    lines.append((say.call_119 if notice.expects_answer else say.danger_119) + say.supplement)
    lines.append(say.reference.format(id=notice.id))
    return Words(subject, "\n".join(lines) + "\n", short)


def describe_unrecorded(site: Site, incident: Incident, alarms: Sequence[Alarm], person: str, now: int) -> Words:
    """The words of a fire that could not be recorded, plainly marked: nothing follows it."""
    language = _language(site, person)
    say = PHRASES[language]
    shown = _worst_first(alarms)
    headline = say.unrecorded_mark + _headline(incident, shown, say)
    subject, lines, short = _what_where_when(site, incident, shown, headline, language, now)
    lines += [say.unrecorded, *_getting_in(site, incident.building, say), say.advice[incident.kind]]
    lines.append(say.call_119 + say.supplement)
    return Words(subject, "\n".join(lines) + "\n", short)


def describe_condition(site: Site, alarm: Alarm, language: Language) -> str:
    """What one alarm is, in words: the point's text, its class, and what the source said."""
    say = PHRASES[language]
    value = "" if alarm.value is None else say.brackets.format(text=one_line(alarm.value))
    return f"{_what(site, alarm, language)}{value}"


def place_words(place: Place, language: Language) -> str:
    """Floor, flat and note of a place, without its building."""
    say = PHRASES[language]
    note = one_line(place.note)
    return _spot(place, say) + (say.brackets.format(text=note) if note else "")


def alarm_place(site: Site, alarm: Alarm) -> Place | None:
    """Where an alarm's point is; None for a part of the system itself."""
    device = site.devices.get(alarm.device)
    if device is None:
        return None
    number = _detector(alarm.point)
    return next((each.place for each in device.detectors if each.number == number), device.place)


def moment(at_ms: int, now: int, zone: ZoneInfo, seconds: bool = True) -> str | None:
    """A stamp in the site's zone, with its date when that is not today's; None for one that no calendar holds."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
        today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    except (ValueError, OverflowError, OSError):
        return None
    clock = f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    return clock if at.date() == today else f"{at:%Y-%m-%d} {clock}"


def one_line(text: str, characters_max: int = PIECE_MAX) -> str:
    """The text as one printable line: control characters and line breaks become spaces, too much is cut."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= characters_max else plain[: characters_max - 1] + "…"


def sms_units(text: str) -> int:
    """How many of a UCS-2 SMS's 70 places the text takes; a character outside the basic plane takes two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _language(site: Site, person: str) -> Language:
    known = site.people.get(person)
    return site.community.language if known is None else site.language_of(known)


def _worst_first(alarms: Sequence[Alarm], newest: bool = False) -> list[Alarm]:
    ordered = reversed(alarms) if newest else alarms
    return sorted(ordered, key=lambda alarm: _WORST_FIRST[alarm.condition])


def _headline(incident: Incident, shown: Sequence[Alarm], say: Phrases) -> str:
    condition = shown[0].condition if shown else Condition.ALARM
    return say.headline.format(kind=say.kinds[incident.kind], condition=say.conditions[condition])


def _what_where_when(
    site: Site, incident: Incident, shown: Sequence[Alarm], headline: str, language: Language, now: int
) -> tuple[str, list[str], str]:
    """Subject, first lines of the body, and short form."""
    say = PHRASES[language]
    building = site.buildings.get(incident.building)
    name = one_line(building.name if building else incident.building)
    address = one_line(building.address) if building else ""
    lines = [headline]
    where, spot, what = [name, address], "", ""
    since_ms, heard_ms = incident.cause_at_ms, incident.opened_at_ms
    if shown:
        lead = shown[0]
        since_ms, heard_ms = lead.raised_at_ms, lead.heard_at_ms
        what = _what(site, lead, language)
        lines.append(describe_condition(site, lead, language))
        place = alarm_place(site, lead)
        spot = _brief_spot(place, say) if place else ""
        where.append(place_words(place, language) if place else "")
    lines.append(say.where.format(text=say.listed.join(part for part in where if part)))
    lines += _registration(site, shown, say)
    since = moment(since_ms, now, site.zone) or say.unknown_time
    later = abs(heard_ms - since_ms) > LATE_MS
    heard = say.heard_later.format(heard=moment(heard_ms, now, site.zone) or say.unknown_time) if later else ""
    lines.append(say.since.format(source=since) + heard + (_returned(site, shown[0], say, now) if shown else ""))
    lines += _others(site, shown[1:], language, now)
    subject = one_line(f"{headline}: {name} {spot}")
    brief_since = say.since_short.format(source=moment(since_ms, now, site.zone, False) or say.unknown_time)
    return subject, lines, _short(headline, [name, spot, what], f"{brief_since}. {say.short_119}")


def _short(head: str, pieces: list[str], tail: str) -> str:
    """Head and tail whole, and of the pieces between them what one SMS holds: the longest is cut first."""
    pieces = [one_line(piece) for piece in pieces if piece]
    whole = " ".join([f"{head}:", *pieces, tail])
    units_max = SMS_ASCII_MAX if whole.isascii() else SMS_UNITS_MAX
    while sms_units(whole) > units_max and any(len(piece) > 1 for piece in pieces):
        longest = max(range(len(pieces)), key=lambda index: sms_units(pieces[index]))
        pieces[longest] = pieces[longest][:-1].rstrip()
        whole = " ".join([f"{head}:", *pieces, tail])
    return whole


def _what(site: Site, alarm: Alarm, language: Language) -> str:
    """The point's own text, or the limit's, or that the device is silent."""
    say = PHRASES[language]
    device = site.devices.get(alarm.device)
    if device is None:
        return say.system.format(part=one_line(f"{alarm.device} {alarm.point}".strip()))
    if alarm.key == f"{alarm.device}:silent":
        return say.silent
    number = _detector(alarm.point)
    points = points_of(site.profiles[device.profile], [] if number is None else [number])
    point = next((each for each in points if each.name == alarm.point), None)
    if point is None:
        return one_line(alarm.point)
    limit = (point.register.limits or {}).get(alarm.key.removeprefix(f"{alarm.device}:{alarm.point}:"))
    text = point.text if limit is None else limit.text
    return one_line(text.get(language) or next(iter(text.values()), alarm.point))


def _detector(point: str) -> int | None:
    """The panel's detector number in a point's name, "detector/3/fire" -> 3."""
    parts = point.split("/")
    return int(parts[1]) if len(parts) == 3 and parts[0] == "detector" and parts[1].isdecimal() else None


def _spot(place: Place, say: Phrases) -> str:
    floor = (say.floor if place.floor >= 0 else say.basement).format(number=abs(place.floor))
    flat = one_line(place.flat)
    return f"{floor} {say.flat.format(flat=flat) if flat[-1:].isdigit() else flat}".strip()


def _brief_spot(place: Place, say: Phrases) -> str:
    floor = (say.floor_brief if place.floor >= 0 else say.basement_brief).format(number=abs(place.floor))
    return f"{floor} {one_line(place.flat)}".strip()


def _returned(site: Site, alarm: Alarm, say: Phrases, now: int) -> str:
    if alarm.returned_at_ms is None:
        return ""
    return say.returned.format(at=moment(alarm.returned_at_ms, now, site.zone) or say.unknown_time)


def _others(site: Site, alarms: Sequence[Alarm], language: Language, now: int) -> list[str]:
    """One line for each further alarm, as far as they are shown."""
    say = PHRASES[language]
    lines = []
    for alarm in alarms[: ALARMS_SHOWN_MAX - 1]:
        place = alarm_place(site, alarm)
        since = say.since_short.format(source=moment(alarm.raised_at_ms, now, site.zone) or say.unknown_time)
        parts = [describe_condition(site, alarm, language), place_words(place, language) if place else "", since]
        lines.append(say.also.format(text=say.listed.join(part for part in parts if part)))
    if len(alarms) > ALARMS_SHOWN_MAX - 1:
        lines.append(say.also.format(text=say.more.format(count=len(alarms) - ALARMS_SHOWN_MAX + 1)))
    return lines


def _registration(site: Site, shown: Sequence[Alarm], say: Phrases) -> list[str]:
    device = site.devices.get(shown[0].device) if shown else None
    if device is None or not device.registration:
        return []
    return [say.registration.format(number=one_line(device.registration))]


def _people(site: Site, incident: Incident, say: Phrases) -> list[str]:
    going = [each.person for each in incident.responses if each.answer is Answer.GOING]
    arrived = [each.person for each in incident.responses if each.answer is Answer.ARRIVED]
    lines = [say.going.format(names=_names(site, going, say))] if going else []
    lines += [say.arrived.format(names=_names(site, arrived, say))] if arrived else []
    return lines or [say.nobody]


def _names(site: Site, persons: Sequence[str], say: Phrases) -> str:
    shown: Iterable[str] = persons[:NAMES_SHOWN_MAX]
    names = [one_line(site.people[each].name if each in site.people else each, 40) for each in shown]
    if len(persons) > NAMES_SHOWN_MAX:
        names.append(say.more.format(count=len(persons) - NAMES_SHOWN_MAX))
    return say.listed.join(names)


def _getting_in(site: Site, building_id: str, say: Phrases) -> list[str]:
    building = site.buildings.get(building_id)
    if building is None:
        return []
    lines = [say.gate_code.format(text=one_line(building.gate_code))] if building.gate_code else []
    return lines + ([say.access.format(text=one_line(building.access, 300))] if building.access else [])
