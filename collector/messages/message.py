"""The words of a notice: what, where to the flat, since when, who is going, why you, and call 119 yourself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice, Reason
from collector.equipment.rescue import Rescue, limit_ms
from collector.locale.catalogues import say as catalogued
from collector.messages.onsite import for_responders, unwatched
from collector.messages.phrases import PHRASES, Phrases
from collector.messages.wording import (
    alarm_place,
    condition_words,
    describe_condition,
    moment,
    one_line,
    place_brief,
    place_words,
)
from config.people import Language
from config.profile import Condition, Kind
from config.site import Place, Site

SMS_UNITS_MAX = 70  # one SMS in UCS-2, which any Chinese character makes it (3GPP TS 23.040: 140 octets)
SMS_ASCII_MAX = 160  # one SMS in the 7-bit alphabet
ALARMS_SHOWN_MAX = 5
NAMES_SHOWN_MAX = 8
HEARD_LATER_MS = 5_000  # source and receipt further apart than this: both times are shown

_CUTS = (("what", 0), ("name", 6), ("spot", 4), ("name", 4), ("spot", 0), ("name", 0))  # piece, characters left
URGENT_KINDS = (Kind.FIRE, Kind.ENTRAPMENT)
_NEWS = (
    *(Reason.QUORUM_REACHED, Reason.STAND_DOWN, Reason.FREED, Reason.RESCUE_DUE, Reason.RESCUE_MISSED),
    *(Reason.CLOSED, Reason.DRILL_OVER, Reason.DRILL_OVERTAKEN, Reason.NOBODY_COMES),
    *(Reason.ENDS_SOON, Reason.WALK_TEST, Reason.HANDED_OVER, Reason.RESTORED),
)
_ANEW = (Reason.NEW_DEVICE, Reason.RAISED_AGAIN)  # what is new goes first
_ALARMING = (Condition.ALARM, Condition.PRE_ALARM)
_WORST_FIRST = {condition: rank for rank, condition in enumerate(Condition)}


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words. `subject` and `short` are one line; `short` fits one SMS and holds no link."""

    subject: str
    body: str
    short: str


def describe(
    site: Site,
    incident: Incident,
    alarms: Sequence[Alarm],
    notice: Notice,
    url: str | None,
    now: int,
    rescues: Sequence[Rescue] = (),
    around: Collection[Alarm] = (),
) -> Words:
    """The words of a notice to its person, in their language. `alarms` are the incident's, in order of arrival.

    `rescues`: those of an entrapment. `around`: every condition that is not normal, of hydrants near a fire too.
    """
    language = _language(site, notice.person)
    say = PHRASES[language]
    if notice.reason is Reason.TEST:
        return _test(site, notice, language)
    shown = _about(incident, alarms, notice) or _worst_first(alarms, newest=notice.reason in _ANEW)
    head, brief = _headline(incident, shown, say), _headline_brief(incident, shown, say)
    news = _news(incident, notice)
    if news is not None:
        head = say.news_headline.format(news=say.news[news], headline=head)
        brief = say.news_headline.format(news=say.news_brief[news], headline=say.kinds_brief[incident.kind])
    if notice.reason is Reason.DRILL_OVERTAKEN:  # what the drill was about is not what is real now
        head, brief, url = say.news[notice.reason], say.news_brief[notice.reason], None
        incident, shown = replace(incident, cause_at_ms=notice.created_at_ms, opened_at_ms=notice.created_at_ms), []
    if notice.reason is Reason.ASKED_AGAIN:  # else it reads like what they have answered already
        head = say.news_headline.format(news=say.news[notice.reason], headline=head)
        brief = say.news_headline.format(news=say.news_brief[notice.reason], headline=brief)
    if notice.reason is Reason.LATE_REPORT:
        head, brief = say.late_mark + head, say.late_mark + brief
    mark, ask_119, tail = _what_it_is(incident, notice, say)
    head, brief = mark + head, _brief_mark(mark, say) + brief
    confirmed, rescue = _confirmed(incident, say, language), _rescue(site, rescues, say, now)
    lines = [
        *_station(site, incident, notice, say),
        *confirmed,
        *rescue,
        *unwatched(site, shown, language),
        ask_119,
        say.supplement,
        *(_people(site, incident, say) if is_for_people(incident) else []),
    ]
    if url is not None:
        lines.append((say.answer if notice.expects_answer else say.look).format(url=url))
    if news is None:
        lines += for_responders(site, incident, shown, around, language, now)
    lines += [say.why.format(text=say.reasons[notice.reason]), say.reference.format(id=notice.id)]
    return _words(site, incident, shown, (head, brief, tail), lines, language, now)


def _test(site: Site, notice: Notice, language: Language) -> Words:
    """The words of a message that only tries a channel out."""
    say = PHRASES[language]
    community = one_line(site.community.name.get(language) or next(iter(site.community.name.values())))
    head = say.test_head.format(community=community)
    why = say.why.format(text=say.reasons[notice.reason])
    lines = [head, say.test_text, why, say.danger_119, say.supplement, say.reference.format(id=notice.id)]
    return Words(head, "\n".join([*lines, ""]), f"{say.test_brief} {say.danger_119_brief}")


def is_urgent(incident: Incident, notice: Notice) -> bool:
    """True for a call to a fire or an entrapment: it goes before everything else and says to call 119."""
    return is_loud(incident, notice) and not is_drill(incident)


def is_loud(incident: Incident, notice: Notice) -> bool:
    """True for what rings as a fire or an entrapment does; a drill of one does, and gives way to the real ones."""
    return notice.expects_answer and incident.kind in URGENT_KINDS and incident.condition in _ALARMING


def is_for_people(incident: Incident) -> bool:
    """True for what people go to: neither a disablement nor what a tester does on purpose."""
    return incident.kind is not Kind.DISABLEMENT and incident.route.mode is not Mode.WALK_TEST


def is_drill(incident: Incident) -> bool:
    """True for an exercise."""
    return incident.route.mode is Mode.DRILL


def _what_it_is(incident: Incident, notice: Notice, say: Phrases) -> tuple[str, str, str]:
    """Exercise or not: the mark before all else, the line about 119, and the same at the end of the short form."""
    if is_drill(incident) and notice.reason is not Reason.DRILL_OVERTAKEN:
        return say.drill_mark, say.drill_119, say.drill_119_brief
    if incident.route.mode is Mode.DISABLED:
        return say.disabled_mark, say.danger_119, say.danger_119_brief
    real = is_drill(incident) or incident.not_the_drill
    if incident.verifying and notice.expects_answer:  # 119 is for who sees a fire there
        ask_119 = f"{say.real}{say.danger_119}" if real else say.danger_119
        return (say.real_mark if real else "") + say.verify_mark, ask_119, say.danger_119_brief
    call = is_urgent(incident, notice) or notice.reason is Reason.NOBODY_COMES
    ask_119 = say.call_119 if call else say.danger_119
    tail = say.call_119_brief if call else say.danger_119_brief
    return (say.real_mark, f"{say.real}{ask_119}", tail) if real else ("", ask_119, tail)


def _brief_mark(mark: str, say: Phrases) -> str:
    """The same mark for the short form."""
    both = mark.replace(say.real_mark + say.verify_mark, say.real_verify_mark_brief)
    return both if both != mark else mark.replace(say.real_mark, say.real_mark_brief)


def _confirmed(incident: Incident, say: Phrases, language: Language) -> list[str]:
    """What made a first hit the full call, if it was one."""
    cause = incident.first_hit.cause if incident.first_hit is not None and incident.full_call else None
    return [] if cause is None else [say.confirmed.format(text=catalogued(language, f"why-{cause.value}"))]


def describe_unrecorded(site: Site, incident: Incident, alarms: Sequence[Alarm], person: str, now: int) -> Words:
    """The words of a fire that could not be recorded, plainly marked: nothing follows it."""
    language = _language(site, person)
    say = PHRASES[language]
    shown = _worst_first(alarms)
    mark = say.unrecorded_mark + (say.real_mark if incident.not_the_drill else "")
    brief = _brief_mark(mark, say) + say.kinds_brief[incident.kind]
    head = mark + _headline(incident, shown, say)
    lines = [say.call_119, say.supplement, say.unrecorded]
    lines += for_responders(site, incident, shown, (), language, now)
    return _words(site, incident, shown, (head, brief, say.call_119_brief), lines, language, now)


def _language(site: Site, person: str) -> Language:
    known = site.people.get(person)
    return site.community.language if known is None else site.language_of(known)


def _news(incident: Incident, notice: Notice) -> Reason | None:
    """What an informational notice tells; one that took another channel tells what has become of the incident."""
    if notice.reason is not Reason.CHANNEL_FAILED or notice.expects_answer:
        return notice.reason if notice.reason in _NEWS else None
    if not incident.open:
        return Reason.CLOSED
    if incident.stood_down_by is not None:
        return Reason.STAND_DOWN
    return Reason.QUORUM_REACHED if incident.quorum_at_ms is not None else None


def _worst_first(alarms: Sequence[Alarm], newest: bool = False) -> list[Alarm]:
    ordered = sorted(alarms, key=lambda alarm: alarm.heard_at_ms, reverse=True) if newest else alarms
    return sorted(ordered, key=lambda alarm: _WORST_FIRST[alarm.condition])


def _about(incident: Incident, alarms: Sequence[Alarm], notice: Notice) -> list[Alarm]:
    """The one condition that a notice tells of, as it was then if it is over; empty for a notice about all of them."""
    if notice.about is None:
        return []
    device, _, rest = notice.about.partition(":")
    gone = Alarm(
        notice.about,
        device,
        rest.partition(":")[0],
        incident.building,
        incident.condition,
        incident.kind,
        Phase.NORMAL,
        None,
        notice.cause_at_ms,
        notice.heard_at_ms,
    )
    return [alarm for alarm in alarms if alarm.key == notice.about] or [gone]


def _headline(incident: Incident, shown: Sequence[Alarm], say: Phrases) -> str:
    if incident.kind is Kind.DISABLEMENT:
        return say.kinds[incident.kind]
    condition = shown[0].condition if shown else incident.condition
    return say.headline.format(kind=say.kinds[incident.kind], condition=say.conditions[condition])


def _headline_brief(incident: Incident, shown: Sequence[Alarm], say: Phrases) -> str:
    if incident.kind is Kind.DISABLEMENT:
        return say.kinds_brief[incident.kind]
    condition = shown[0].condition if shown else incident.condition
    template = say.headline_brief[condition is Condition.ALARM]
    return template.format(kind=say.kinds_brief[incident.kind], condition=say.conditions[condition])


def _words(
    site: Site,
    incident: Incident,
    shown: Sequence[Alarm],
    frame: tuple[str, str, str],
    more: list[str],
    language: Language,
    now: int,
) -> Words:
    """What, where and since when, and then `more` lines. `frame`: the headline, and both ends of the short form."""
    say = PHRASES[language]
    head, brief, tail = frame
    building = site.buildings.get(incident.building)
    community = site.community.name.get(language) or next(iter(site.community.name.values()), site.community.id)
    name = one_line(building.name if building else incident.building or community)
    where = [name, one_line(building.address) if building else ""]
    lines, spot, what = [head], "", ""
    since_ms, heard_ms = incident.cause_at_ms, incident.opened_at_ms
    if shown:
        lead, place = shown[0], alarm_place(site, shown[0])
        since_ms, heard_ms = lead.raised_at_ms, lead.heard_at_ms
        what = condition_words(site, lead.key, lead.device, lead.point, language)
        if place is not None:
            car = _car(site, lead, place)
            spot = place_brief(place, language) if car is None else car
            where.append(car or place_words(place, language))
        lines.append(describe_condition(site, lead, language))
    lines.append(say.where.format(text=say.comma.join(filter(None, where))))
    lines += _registration(site, shown, say)
    lines.append(_since(site, since_ms, heard_ms, say, now) + (_returned(site, shown[0], say, now) if shown else ""))
    lines += _others(site, shown[1:], language, now)
    since = say.since_brief.format(source=moment(since_ms, now, site.zone, brief=True) or say.unknown_time)
    return Words(
        one_line(f"{head}: {name} {spot}"),
        "\n".join([*lines, *more, ""]),
        fit(brief, {"name": name, "spot": spot, "what": what}, f"{since} {tail}"),
    )


def _car(site: Site, alarm: Alarm, place: Place) -> str | None:
    """The name of the elevator in which people are, "" without one: its device's floor is not the car's."""
    device = site.devices.get(alarm.device)
    is_car = alarm.kind is Kind.ENTRAPMENT and device is not None and site.profiles[device.profile].category == "lift"
    return one_line(place.note) if is_car else None


def _since(site: Site, since_ms: int, heard_ms: int, say: Phrases, now: int) -> str:
    since = say.since.format(source=moment(since_ms, now, site.zone) or say.unknown_time)
    if abs(heard_ms - since_ms) <= HEARD_LATER_MS:
        return since
    return since + say.heard_later.format(heard=moment(heard_ms, now, site.zone) or say.unknown_time)


def fit(head: str, pieces: dict[str, str], tail: str) -> str:
    """Head and tail whole; of name, spot and what between them what one SMS holds, cut in the order of `_CUTS`.

    Of a spot whole words, for half a flat's number is another flat's; and of a name no half numbers either.
    """
    for piece, characters_min in ((piece, least) for piece, least in _CUTS if piece in pieces):
        while not _fits(whole := " ".join(filter(None, [f"{head}:", *pieces.values(), tail]))):
            if len(pieces[piece]) <= characters_min:
                break
            pieces[piece] = pieces[piece].rpartition(" ")[0] if piece == "spot" else _without_last(pieces[piece])
    return whole


def _without_last(name: str) -> str:
    """A name without its last character, or without the whole number that it ends with."""
    number = len(name) - len(name.rstrip("0123456789"))
    return name[: -max(number, 1)].rstrip()


def sms_units(text: str) -> int:
    """How many of a UCS-2 SMS's 70 places the text takes; a character outside the basic plane takes two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fits(text: str) -> bool:
    return len(text) <= SMS_ASCII_MAX if text.isascii() else sms_units(text) <= SMS_UNITS_MAX


def _returned(site: Site, alarm: Alarm, say: Phrases, now: int) -> str:
    if alarm.returned_at_ms is None or alarm.outlived:  # nobody knows whether it is over
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
        lines.append(say.also.format(text=say.comma.join(filter(None, parts))))
    if len(alarms) > ALARMS_SHOWN_MAX - 1:
        lines.append(say.also.format(text=say.more.format(count=len(alarms) - ALARMS_SHOWN_MAX + 1)))
    return lines


def _registration(site: Site, shown: Sequence[Alarm], say: Phrases) -> list[str]:
    device = site.devices.get(shown[0].device) if shown else None
    if device is None or not device.registration:
        return []
    return [say.registration.format(number=one_line(device.registration))]


def _rescue(site: Site, rescues: Sequence[Rescue], say: Phrases, now: int) -> list[str]:
    """Where the car is, and how long rescuers still have, of each elevator in which people are."""
    lines = []
    for rescue in rescues:
        if rescue.freed_at_ms is not None:
            continue
        if rescue.floor is not None:
            lines.append(say.car_at.format(floor=f"{rescue.floor:g}"))
        if rescue.arrived_at_ms is None:
            due_ms = rescue.raised_at_ms + limit_ms(site, rescue.device)
            due = moment(due_ms, now, site.zone) or say.unknown_time
            left = say.rescue_left if due_ms > now else say.rescue_over
            lines.append(left.format(due=due, minutes=abs(due_ms - now) // 60_000))
    return lines


def _people(site: Site, incident: Incident, say: Phrases) -> list[str]:
    going = [each.person for each in incident.responses if each.answer is Answer.GOING and each.counts]
    arrived = [each.person for each in incident.responses if each.answer is Answer.ARRIVED]
    lines = [say.going.format(names=_names(site, going, say))] if going else []
    lines += [say.arrived.format(names=_names(site, arrived, say))] if arrived else []
    lines = lines or ([say.nobody] if incident.open else [])
    missing = [say.skills[skill] for skill in incident.seeks]
    return lines + ([say.skills_missing.format(skills=say.listed.join(missing))] if missing else [])


def _station(site: Site, incident: Incident, notice: Notice, say: Phrases) -> list[str]:
    """The fire station that would come: for whom its number is meant, and in every call to a fire."""
    building = site.buildings.get(incident.building)
    station = site.fire_stations.get(building.fire_station or "") if building is not None else None
    fire = incident.kind is Kind.FIRE and (is_urgent(incident, notice) or notice.reason is Reason.NOBODY_COMES)
    if station is None or not (fire or notice.reason is Reason.FIRE_STATION):
        return []
    return [say.station.format(name=one_line(station.name), phone=one_line(station.phone))]


def _names(site: Site, persons: Sequence[str], say: Phrases) -> str:
    shown: Iterable[str] = persons[:NAMES_SHOWN_MAX]
    names = [_name(site, each, say) for each in shown]
    if len(persons) > NAMES_SHOWN_MAX:
        names.append(say.more_people.format(count=len(persons) - NAMES_SHOWN_MAX))
    return say.listed.join(names)


def _name(site: Site, person: str, say: Phrases) -> str:
    """A person, with what they can do."""
    known = site.people.get(person)
    if known is None:
        return one_line(person, 40)
    can = say.listed.join(say.skills[skill] for skill in known.skills)
    return one_line(known.name, 40) + (say.brackets.format(text=can) if can else "")
