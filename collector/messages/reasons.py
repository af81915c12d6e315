"""Why an incident is as it is: who was called when and for what reason, what they said, and why nothing more was sent.

All of it is read from what the store kept; nothing is judged anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from collector.alarms.alarm import LATCHING, Alarm, Phase
from collector.alarms.incident import Answer, Entry, Incident
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice, leaders, people_of
from collector.messages.phrases import PHRASES
from collector.messages.wording import one_line
from collector.storage.records import Attempt
from config.site import Site

SENTENCES: Mapping[str, str] = {
    "incident-opened": "opened: {kind} ({class}) in {building}, by {device}",
    "alarm-raised": "{class}: {alarm} says {value}",
    "alarm-raised-again": "{class} once more: {alarm} says {value}",
    "alarm-raised-late": "an older report of {alarm} came late",
    "alarm-returned": "normal again: {alarm}",
    "alarm-source-gone": "nothing of the site says {alarm} any more, or means this by it: it counts as normal",
    "alarm-acknowledged": "acknowledged: {alarm}",
    "alarm-reset": "reset: {alarm}",
    "call-started": "call {call} begins",
    "ring-called": "ring {ring} is called: {who}, {people} people not called before",
    "last-ring-called": "that was the last ring of the plan",
    "notice-created": "{person} is told, call {call}, ring {ring}: {reason}",
    "told-after-wait": "what waited is told now to {person}: {reason}",
    "told-together": "{person} is told of this in one notice with {others} other incidents: {reason}",
    "notice-failed": "not delivered to {person}: {error}",
    "unreachable": "{person} has no other channel",
    "reach-tested": "a test message to {person}, asked for by {by}",
    "answered": "{person} says: {answer}",
    "acknowledged": "{person} has seen it",
    "noted": "{person} writes: {text}",
    "photographed": "{person} has taken photo {photo}",
    "quorum-reached": "enough people are going: {going}",
    "quorum-lost": "too few people are going now",
    "nobody-comes": "everybody who can be called has been, and too few are going: those responsible are told",
    "gone-away": "{person} has gone away during the call: somebody else is called",
    "skill-needed": "enough people are going, and too few of them can do this: {skills}",
    "overdue": "{person} said going and has not arrived in time",
    "nobody-on-duty": "nobody of the team {team} is on duty",
    "left-the-book": "{person} is not of the site any more: nothing more is sent, and nobody waits for them",
    "person-erased": "somebody was erased for good; {person} stands for them from now on",
    "book-changed": "{by} has changed the book of people: {entries}",
    "waits-for-morning": "nobody is told before the quiet hours end",
    "said-away": "{person} is away, as {by} says; in their place: {substitute}",
    "said-back": "{person} is not away any more, as {by} says",
    "stood-down": "{person} ends the call",
    "rescue-begun": "the rescue clock of {device} runs",
    "rescue-due": "nobody able to free people from {device} is there, {minutes} min are left",
    "rescue-missed": "nobody able to free people from {device} is there, and the time is over",
    "freed": "{person} says that the people in {device} are free, after {minutes} min",
    "lift-serviced": "{person} has served {device} on {day}: {level}",
    "drill-started": "{person} begins a drill ({kind}) in {building}; no device is in alarm",
    "drill-ended": "the drill is over (ended by: {by})",
    "drill-overtaken": "the drill is over: something is truly in alarm",
    "first-hit": "first hit in zone {zone}: {hit}; the nearest person is asked before everybody is called",
    "first-hit-answered": "{person} looks at the first hit",
    "first-hit-set-aside": "the first hit is set aside: nothing becomes loud by itself",
    "first-hit-loud": "everybody is called: {why} ({hits})",
    "false-alarm": "{person} says, and may say, that it is a false alarm",
    "false-alarm-not-obeyed": "{person}, not on site, says that it is a false alarm: the call goes on",
    "need-more": "{person} needs more people",
    "reset": "{person} resets",
    "clock-set-back": "the clock is behind by {by} after a restart: all deadlines are moved back with it",
    "alarm-rerouted": "{alarm} is still so and goes its way: {route}",
    "disablement-started": "{person} disables the {scope} {target} until {until}: {why}",
    "disablement-renewed": "{person} renews the disablement of the {scope} {target} until {until}",
    "disablement-ends-soon": "the disablement of the {scope} {target} ends at {until}",
    "disablement-ended": "the {scope} {target} is disabled no more (ended by: {how})",
    "walk-test-started": "{person} begins the walk test {walk-test} until {until}",
    "walk-test-ended": "the walk test {walk-test} is over (by: {how}): {tested} gave an alarm, {not-tested} did not",
    "inspected": "{person} has inspected {device} on {on}",
    "incident-closed": "closed",
    "device-online": "{device} is online: {cause}",
    "device-offline": "{device} is offline: {cause}",
    "gateway-online": "gateway {device} is online: {cause}",
    "gateway-offline": "gateway {device} is offline: {cause}",
}
# What ended a notice, by an event of the same moment; the first that is found tells.
_ENDINGS: Mapping[str, str] = {
    "quorum-reached": "enough people were going",
    "quorum-lost": "somebody who was going could not: a new call began",
    "stood-down": "the call was ended by {person}",
    "incident-closed": "the incident was closed",
    "call-started": "a new call began",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A notice with its tries, and why nothing more is sent of it (or when it is sent again)."""

    notice: Notice
    attempts: tuple[Attempt, ...]
    ended: str
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """One person's part: what they were told and said; without a notice, why not."""

    person: str
    told: tuple[Told, ...]
    said: tuple[Entry, ...]
    not_called: str | None


@dataclass(frozen=True, slots=True)
class Why:
    """Everything about an incident. `end`: what closed it, or what it waits for and who may reset it."""

    incident: Incident
    timeline: tuple[Entry, ...]
    people: tuple[Part, ...]
    end: str


def explain(
    incident: Incident,
    alarms: Sequence[Alarm],
    entries: Sequence[Entry],
    notices: Sequence[tuple[Notice, Sequence[Attempt]]],
    site: Site | None,
    person: str | None = None,
) -> Why:
    """What the store kept, put together. `alarms`: its conditions not normal; `person`: tell of this one only."""
    told = list(dict.fromkeys([notice.person for notice, _ in notices] + [said.person for said in incident.responses]))
    people = told if person is None else [person]
    timeline = [entry for entry in entries if person is None or entry.person in (None, person)]
    called = {notice.person for notice, _ in notices}
    rescues = {entry.device: entry.event for entry in entries if entry.event in ("rescue-begun", "freed")}
    trapped = "rescue-begun" in rescues.values()
    end = _waits_for(incident, alarms, site, called, trapped) if incident.open else _closed_by(incident, entries)
    parts = [_part(name, incident, entries, notices, site) for name in people]
    return Why(incident, tuple(timeline), tuple(parts), end)


def lines(why: Why, zone: tzinfo | None) -> Iterator[str]:
    """The same for people to read. `zone` None: this machine's."""
    incident = why.incident
    state = "open" if incident.open else "closed"
    what = f"drill of {incident.kind}" if incident.route.mode is Mode.DRILL else f"{incident.kind}"
    yield f"incident {incident.id}: {what} in {incident.building or 'the community'}, {state}"
    yield (
        f"  caused by {incident.alarms[0] if incident.alarms else 'nothing that is known'}"
        f" at {stamp(incident.cause_at_ms, zone)} by its source, heard at {stamp(incident.opened_at_ms, zone)}"
    )
    yield from ("", "what happened")
    yield from (f"  {stamp(entry.at_ms, zone)}  {sentence(entry)}" for entry in why.timeline)
    yield from ("", "people")
    for part in why.people:
        yield from _lines_of(part, zone)
    yield from ("", why.end)


def sentence(entry: Entry) -> str:
    """A line of the timeline in words, without its time."""
    facts: dict[str, str] = defaultdict(lambda: "?", {name: one_line(value) for name, value in entry.facts})
    if facts.get("ring", "").isdecimal():
        facts["ring"] = str(int(facts["ring"]) + 1)
    facts |= {"device": one_line(entry.device or "?"), "person": entry.person or "?"}
    known = SENTENCES.get(entry.event)
    if known is None:
        return " ".join([entry.event, *(f"{name}={one_line(value)}" for name, value in entry.facts)])
    return known.format_map(facts)


def stamp(at_ms: int, zone: tzinfo | None) -> str:
    """A time in a zone, to the millisecond."""
    at = datetime.fromtimestamp(at_ms // 1000, zone)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}"


# --- inside ---------------------------------------------------------------------------------------


def _lines_of(part: Part, zone: tzinfo | None) -> Iterator[str]:
    yield f"  {part.person}"
    for told in part.told:
        notice = told.notice
        why = PHRASES["en"].reasons[notice.reason].rstrip(".")
        how = f"call {notice.call}, ring {notice.ring + 1}" if notice.expects_answer else "for information"
        yield f"    {stamp(notice.created_at_ms, zone)}  told ({how}), because {why} ({notice.reason})"
        for attempt in told.attempts:
            result = "handed over" if attempt.handed_over_at_ms is not None else f"failed: {attempt.error}"
            for_good = ", for good" if attempt.permanent else ""
            over = f"sending {attempt.sending} over {attempt.channel}"
            yield f"      {stamp(attempt.at_ms, zone)}  {over}: {result}{for_good}"
        yield f"      {told.ended}" + (f", {stamp(told.ended_at_ms, zone)}" if told.ended_at_ms is not None else "")
    for entry in part.said:
        yield f"    {stamp(entry.at_ms, zone)}  {sentence(entry)}"
    if part.not_called is not None:
        yield f"    was not called: {part.not_called}"


def _part(
    person: str,
    incident: Incident,
    entries: Sequence[Entry],
    notices: Sequence[tuple[Notice, Sequence[Attempt]]],
    site: Site | None,
) -> Part:
    told = []
    for notice, attempts in notices:
        if notice.person == person:
            told.append(Told(notice, tuple(attempts), *_ended(notice, attempts, entries)))
    acts = (
        *("answered", "acknowledged", "stood-down", "reset", "freed"),
        *("false-alarm", "false-alarm-not-obeyed", "need-more"),
    )
    said = tuple(entry for entry in entries if entry.person == person and entry.event in acts)
    return Part(person, tuple(told), said, None if told else _not_called(person, incident, entries, site))


def _ended(notice: Notice, attempts: Sequence[Attempt], entries: Sequence[Entry]) -> tuple[str, int | None]:
    """Why no more is sent of a notice, and since when; or when it is sent again."""
    at_ms = notice.failed_at_ms or notice.superseded_at_ms
    if notice.failed_at_ms is not None:
        return "no more: this channel could not deliver", at_ms
    if at_ms is None or (not notice.expects_answer and any(each.handed_over_at_ms for each in attempts)):
        return _still_going(notice, attempts)
    then = [entry for entry in entries if entry.at_ms == at_ms]
    if any(entry.person == notice.person and entry.event in ("answered", "acknowledged") for entry in then):
        return "no more: they had answered or acknowledged", at_ms
    for event, words in _ENDINGS.items():
        for entry in then:
            if entry.event == event:
                return "no more: " + words.format(person=entry.person), at_ms
    return "no more: something newer took its place", at_ms


def _still_going(notice: Notice, attempts: Sequence[Attempt]) -> tuple[str, int | None]:
    if notice.told_in is not None:
        return f"told in the notice of incident {notice.told_in}, together with others", None
    if notice.waits_until_ms is not None:
        return "waits to be told together with others", notice.waits_until_ms
    if any(attempt.permanent for attempt in attempts):
        return "no more: the channel refuses it for good", None
    handed_over = max((each.sending for each in attempts if each.handed_over_at_ms is not None), default=0)
    if handed_over < notice.due:
        return f"sending {handed_over + 1} is under way", None
    if notice.next_repeat_at_ms is not None:
        return "waits for an answer and is sent again", notice.next_repeat_at_ms
    return "no more: " + (
        "sent as often as the plan says" if notice.expects_answer else "sent once, as is wanted"
    ), None


def _not_called(person: str, incident: Incident, entries: Sequence[Entry], site: Site | None) -> str:
    """Why somebody has no notice of this incident."""
    called = [entry for entry in entries if entry.event == "ring-called"]
    names = ", ".join(dict.fromkeys(dict(entry.facts)["who"] for entry in called))
    far = f"the rings called were: {names}; {_stopped(incident)}" if called else ""
    if incident.route.mode is Mode.DISABLED:
        return "it is disabled: only who watches over it is told, and leader and manager if they are silent"
    if incident.route.mode is Mode.WALK_TEST:
        return "it is a walk test: only the tester is told"
    if not called and incident.first_hit is not None:
        return "it is a first hit in a verified zone: only the nearest person was asked to look"
    if not called:
        return "this is no call-out (no alarm, or one that was over long ago): only leader and manager are told"
    if site is None:
        return f"{far}; --site SITE tells to which ring somebody belongs"
    if person not in site.people:
        return "the site does not know this person"
    theirs = [
        ring.call
        for ring in site.kind_plan(incident.kind).rings
        if any(person == each for each, _ in people_of(site, incident.building, ring.call))
    ]
    if not theirs:
        return f"they belong to no ring of this building's plan; {far}"
    return f"they belong to: {', '.join(theirs)}; {far}"


def _stopped(incident: Incident) -> str:
    """Why the call went no further."""
    if incident.quorum_at_ms is not None:
        return "then enough people were going"
    if incident.stood_down_by is not None:
        return f"then {incident.stood_down_by} ended the call"
    if not incident.open:
        return "then it was closed"
    return "the next follows in time" if incident.next_step_at_ms is not None else "that is the whole plan"


def _closed_by(incident: Incident, entries: Sequence[Entry]) -> str:
    """What closed an incident."""
    last = [entry for entry in entries if entry.at_ms == incident.closed_at_ms]
    for entry in last:
        if entry.event in ("drill-ended", "drill-overtaken"):
            return f"closed: {sentence(entry)}"
    for entry in last:
        if entry.event == "reset":
            return f"closed: reset by {entry.person}"
    over = [sentence(entry) for entry in last if entry.event in ("alarm-returned", "alarm-source-gone")]
    return f"closed: {over[-1]}, and nothing was left" if over else "closed"


def _waits_for(
    incident: Incident, alarms: Sequence[Alarm], site: Site | None, called: Collection[str], trapped: bool
) -> str:
    """What an open incident waits for, and who may reset it."""
    if incident.route.mode is Mode.DRILL:
        return "open: a drill, which ends by itself, by whoever may end it, or when something is truly in alarm"
    latched = [alarm for alarm in alarms if alarm.condition in LATCHING]
    if not latched:
        return "open: it is closed when its conditions are over, without a reset"
    words = [f"{alarm.key} to be normal" for alarm in latched if alarm.source_active]
    if any(alarm.phase in (Phase.ACTIVE, Phase.RETURNED) for alarm in latched):
        words.append("somebody to acknowledge")
    if trapped:
        words.append("somebody on site to say that the people are free")
    words.append(f"a reset by {_may_reset(incident, site, called)}")
    return "open: it waits for " + ", then for ".join(words)


def _may_reset(incident: Incident, site: Site | None, called: Collection[str]) -> str:
    arrived = [said.person for said in incident.responses if said.answer is Answer.ARRIVED]
    place = site.buildings.get(incident.building) if site is not None else None
    if site is None or place is None:
        known = f" ({', '.join(arrived)})" if arrived else ""
        return f"a leader of the teams called, the manager, or a responder who has arrived{known}"
    own, others = leaders(site, incident.building)
    manager = [place.manager] if place.manager is not None else []
    may = dict.fromkeys([*own, *(leader for leader in others if leader in called), *manager, *arrived])
    return " or ".join([*may, "a responder who has arrived"])
