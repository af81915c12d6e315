"""Every fixed phrase that people read in a notice, by language; the words themselves are in the catalogues.

A language that lacks a phrase is refused when the program is loaded: see `collector/locale/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeVar

from collector.calls.dispatch import Reason
from collector.calls.reach import Fault
from collector.locale.catalogues import texts
from config.people import Language, Skill
from config.profile import Condition, Kind


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. Words in braces are filled in; what fills them is text from a site or device, never a phrase."""

    conditions: Mapping[Condition, str]
    kinds: Mapping[Kind, str]
    reasons: Mapping[Reason, str]  # why this person is told
    news: Mapping[Reason, str]  # what an informational notice tells, by its reason
    kinds_brief: Mapping[Kind, str]  # for an SMS, as are all the brief ones
    news_brief: Mapping[Reason, str]
    headline: str
    headline_brief: Mapping[bool, str]  # by whether it is an alarm, which an SMS need not say
    floor: str
    basement: str
    floor_brief: str
    basement_brief: str
    flat: str
    brackets: str
    system: str
    gateway: str
    bus: str
    conditions_of_source: Mapping[str, str]  # by the last part of an alarm's key, where no point has it
    outlived: str  # what a latched alarm is whose source has left the site, moved, or means something else now
    drill_source: str  # what a drill's own condition is
    detector: str
    news_headline: str
    comma: str
    listed: str  # between names
    where: str
    registration: str
    car_at: str
    rescue_left: str
    rescue_over: str
    since: str
    heard_later: str
    returned: str
    since_short: str
    since_brief: str
    unknown_time: str
    also: str
    more: str
    more_people: str
    going: str
    skills: Mapping[Skill, str]
    skills_missing: str
    station: str
    arrived: str
    nobody: str
    gate_code: str
    access: str
    confirmed_by: str
    unconfirmed: str
    hydrants: str
    extinguishers: str
    well: str  # of a hydrant or an extinguisher of which nothing bad is known
    reaches: str  # how far a trouble reaches, after what it is
    unwatched: str
    together: str  # the headline of a notice that tells of many incidents
    together_over: str
    together_brief: str
    together_over_brief: str
    of_class: str
    why: str
    answer: str
    look: str
    call_119: str  # in an urgent call
    danger_119: str  # in any other notice
    supplement: str
    call_119_brief: str
    danger_119_brief: str
    drill_mark: str  # of every message of a drill, before all else
    drill_119: str
    drill_119_brief: str
    real_mark: str  # of a call in a building where people may take it for the drill
    real_mark_brief: str
    real_verify_mark_brief: str  # both in one, where both would leave no room for the building
    real: str
    verify_mark: str  # of a first hit that the nearest person is asked to look at
    confirmed: str  # why a first hit became the full call
    late_mark: str
    disabled_mark: str
    unrecorded_mark: str
    unrecorded: str
    reference: str
    test_head: str
    test_text: str
    test_brief: str
    unreachable_person: str
    faults: Mapping[Fault, str]  # why somebody may not be reached


Member = TypeVar("Member", bound=StrEnum)


def _phrases(language: Language) -> Phrases:
    """Raises KeyError for a phrase that the catalogue lacks."""
    notice = texts(language, "notice/")

    def each(name: str, members: type[Member]) -> dict[Member, str]:
        return {member: notice[f"{name}/{member.value}"] for member in members}

    def by_reason(beginning: str) -> dict[Reason, str]:
        found = texts(language, beginning)
        return {reason: found[reason.value] for reason in Reason if reason.value in found}

    return Phrases(
        conditions=each("conditions", Condition),
        kinds=each("kinds", Kind),
        reasons=by_reason("because/"),
        news=by_reason("news/"),
        kinds_brief=each("kinds_brief", Kind),
        news_brief=by_reason("news-brief/"),
        headline_brief={True: notice["headline_brief/alarm"], False: notice["headline_brief/other"]},
        conditions_of_source=texts(language, "source/"),
        skills=each("skills", Skill),
        faults=each("faults", Fault),
        **{field.name: notice[field.name] for field in fields(Phrases) if field.type == "str"},
    )


PHRASES: Mapping[Language, Phrases] = {language: _phrases(language) for language in ("zh", "en")}
