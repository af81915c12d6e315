"""The words of a notice that tells of many incidents at once: how many, where the first are, since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from collector.alarms.alarm import Alarm
from collector.alarms.incident import PRIORITY, Incident
from collector.calls.digest import NEWS
from collector.calls.dispatch import Notice
from collector.locale.catalogues import say as catalogued
from collector.messages.advice import advice
from collector.messages.message import Words, fit
from collector.messages.onsite import unwatched
from collector.messages.phrases import PHRASES, Phrases
from collector.messages.wording import alarm_place, describe_condition, moment, one_line, place_words
from config.people import Language
from config.site import Site

SHOWN_MAX = 5


def describe_many(
    site: Site,
    incidents: Sequence[Incident],
    alarms: Sequence[Alarm],
    notice: Notice,
    url: str | None,
    now: int,
) -> Words:
    """The words of a notice with `others`. `incidents`: its own, and then the others that are at hand.

    `alarms`: the conditions of those that are open.
    """
    known = site.people.get(notice.person)
    language = site.community.language if known is None else site.language_of(known)
    say, count = PHRASES[language], 1 + len(notice.others)
    if notice.reason in NEWS:
        news, brief = say.news[notice.reason], say.news_brief[notice.reason]
        head = say.together_over.format(count=count, news=news)
        brief = say.together_over_brief.format(count=count, news=brief)
        told = [_incident_line(site, each, language, now) for each in incidents[:SHOWN_MAX]]
        more, names = count - len(told), [_name(site, each.building, language) for each in incidents]
        since_ms, what = min(each.cause_at_ms for each in incidents), []
    else:
        shown = sorted(alarms, key=lambda each: (PRIORITY.index(each.condition), each.raised_at_ms))
        buildings = {each.building for each in shown}
        counts = _counts(shown, say)
        head = say.together.format(counts=counts, buildings=len(buildings))
        brief = say.together_brief.format(counts=counts, buildings=len(buildings))
        told = [_alarm_line(site, each, language, now) for each in shown[:SHOWN_MAX]]
        more, names = len(shown) - len(told), [_name(site, each.building, language) for each in shown]
        since_ms = min((each.raised_at_ms for each in shown), default=notice.cause_at_ms)
        over = count - len({each.incident for each in shown})
        what = [catalogued(language, "notice/together_over_already", n=over)] if over > 0 else []
        what += [*unwatched(site, shown, language), *advice(incidents[0].kind, incidents[0].condition, language)]
    lines = [head, *(say.also.format(text=each) if at else each for at, each in enumerate(told))]
    lines += [say.also.format(text=say.more.format(count=more))] if more > 0 else []
    lines += [*what, say.danger_119, say.supplement]
    if url is not None:
        lines.append((say.answer if notice.expects_answer else say.look).format(url=url))
    lines += [say.why.format(text=say.reasons[notice.reason]), say.reference.format(id=notice.id)]
    listed = say.listed.join(list(dict.fromkeys(names))[:SHOWN_MAX])
    since = say.since_brief.format(source=moment(since_ms, now, site.zone, brief=True) or say.unknown_time)
    short = fit(brief, {"name": listed}, f"{since} {say.danger_119_brief}")
    return Words(one_line(f"{head}: {listed}"), "\n".join([*lines, ""]), short)


def _counts(alarms: Sequence[Alarm], say: Phrases) -> str:
    """ "312 x trouble, 4 x supervisory", the highest class first."""
    found = Counter(alarm.condition for alarm in alarms)
    ordered = [condition for condition in PRIORITY if found[condition]]
    said = [say.of_class.format(count=found[each], condition=say.conditions[each]) for each in ordered]
    return say.listed.join(said) or say.of_class.format(count=0, condition=say.conditions[PRIORITY[-1]])


def _alarm_line(site: Site, alarm: Alarm, language: Language, now: int) -> str:
    say, place = PHRASES[language], alarm_place(site, alarm)
    since = say.since_short.format(source=moment(alarm.raised_at_ms, now, site.zone) or say.unknown_time)
    where = [_name(site, alarm.building, language), place_words(place, language) if place else ""]
    return say.comma.join(filter(None, [*where, describe_condition(site, alarm, language), since]))


def _incident_line(site: Site, incident: Incident, language: Language, now: int) -> str:
    say = PHRASES[language]
    since = say.since_short.format(source=moment(incident.cause_at_ms, now, site.zone) or say.unknown_time)
    return say.comma.join([_name(site, incident.building, language), say.kinds[incident.kind], since])


def _name(site: Site, building: str, language: Language) -> str:
    known, community = site.buildings.get(building), site.community
    name = known.name if known is not None else community.name.get(language) or next(iter(community.name.values()))
    return one_line(name, 40)
