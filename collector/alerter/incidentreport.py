"""The report of one incident: what goes on paper, in words, the same for the page and the PDF. Pure.

Everything in it comes from the records that were made at the time; nothing is reckoned up that is not in them. Whoever
may not see who came, or wants to hand the paper on, gets people as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.alerter.catalogue import knows, say
from collector.alerter.models import EntryShown, IncidentDetail, NoticeShown, Where, Who
from collector.alerter.sightings import Sighting
from collector.alerter.steptimes import steps
from collector.messages.wording import place_words
from config.people import Language
from config.site import Place, Site

ROWS_MAX = 2_000  # of one table; what is beyond is counted
PHOTOS_MAX = 24  # of one report: with 400 kB each a file that can still be sent by mail
ERROR_CHARACTERS_MAX = 200
# Which facts of a line are told, by the beginning of their message; None: as a number after its name.
_FACTS: dict[str, str | None] = {
    **{"answer": "", "class": "", "kind": "", "reason": "reason-", "who": "call-", "value": "value-", "why": "why-"},
    **{"hit": "", "hits": "", "call": None, "people": None, "going": None},
}
_TEXTS = ("error", "text")  # what people or providers have written: it may name somebody

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading. `none` is said where there is no row, `more` beneath them if not all are here."""

    heading: str
    columns: Row
    rows: tuple[Row, ...]
    none: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing: an `svg` element ("" if there was nothing to draw), and the same in words."""

    title: str
    svg: str
    text: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that is still kept, by its id."""

    id: str
    caption: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report in one language. `mark` says that it is a drill, or stood beside the call-out; "" for what is real.

    `photos` are the first PHOTOS_MAX.
    """

    title: str
    mark: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    counts: tuple[tuple[str, str], ...]
    foot: str
    figures: tuple[Figure, ...] = ()
    photos: tuple[Photo, ...] = ()


def write(
    site: Site,
    incident: Incident,
    shown: IncidentDetail,
    lines: Mapping[str, int],
    now: datetime,
    language: Language,
    named: bool,
    figures: Sequence[Figure] = (),
    sightings: Sequence[Sighting] = (),
) -> Report:
    """`shown` is the whole of `incident`; `lines`: how many of each event the store has in its timeline.

    `named` False: people are "person 1" and so on, and what somebody has written or photographed is left out.
    `sightings` in the order of time.
    """
    return _Writer(site, incident, shown, now, language, named).report(lines, tuple(figures), sightings)


class _Writer:
    def __init__(
        self, site: Site, incident: Incident, shown: IncidentDetail, now: datetime, language: Language, named: bool
    ) -> None:
        self._site = site
        self._incident = incident
        self._shown = shown
        self._now = now
        self._language: Language = language
        self._named = named
        self._numbers: dict[str, int] = {}

    def report(self, lines: Mapping[str, int], figures: tuple[Figure, ...], sightings: Sequence[Sighting]) -> Report:
        shown, t = self._shown, self._say
        mark = t("report-real")
        if shown.mode is Mode.DRILL:
            mark = t("report-drill")
        elif shown.mode is not Mode.LIVE:
            mark = t(f"beside-{shown.mode.value}")
        tables = (self._conditions(), self._times(), self._answers(), self._notices(), self._attempts())
        seen = self._sightings(sightings)
        timeline = self._timeline(sum(lines.values()))  # last: people are numbered as they come up
        foot = t("report-foot", at=_stamp(self._now), community=self._site.community.name[self._language])
        return Report(
            title=f"{t('report')} · {t(shown.kind.value)} · {shown.where.building_name}",
            mark=mark,
            facts=self._head(),
            tables=(*tables, seen, timeline),
            counts=self._counts(lines),
            foot=foot if self._named else foot + t("report-nameless"),
            figures=figures,
            photos=self._photos(sightings) if self._named else (),
        )

    # --- the parts --------------------------------------------------------------------------------------

    def _head(self) -> tuple[tuple[str, str], ...]:
        shown, t = self._shown, self._say
        zone = f"{self._site.community.timezone} (UTC{shown.cause_at.strftime('%z')})"
        facts = [
            (t("report-id"), shown.id),
            (t("report-kind"), t(shown.kind.value)),
            (t("where"), " · ".join(filter(None, [shown.where.building_name, shown.where.address]))),
            (t("since"), _stamp(shown.cause_at)),
            (t("opened-at"), _stamp(shown.opened_at)),
            (t("closed-at"), _stamp(shown.closed_at) if shown.closed_at else t("report-open")),
            (t("report-zone"), zone),
            (t("who-goes"), t("of-needed", n=shown.coming, of=shown.quorum)),
            (t("report-enough"), _stamp(shown.quorum_at) if shown.quorum_at else t("report-never")),
            (t("report-calls"), f"{shown.call} · {t('ring-of', n=shown.rings_called, of=shown.rings)}"),
        ]
        if shown.stood_down_by and not shown.false_alarm_by:
            facts.append((t("said"), t("stood-down", who=self._name(shown.stood_down_by))))
        for each in shown.remarks:
            word = (
                "said-need-more"
                if each.word.value == "need-more"
                else "ended-as-false"
                if each.obeyed
                else "said-false"
            )
            facts.append((t("said"), f"{t(word, who=self._name(each.person))} · {_stamp(each.at)}"))
        return tuple(facts)

    def _conditions(self) -> Table:
        t = self._say
        rows = [
            (
                _stamp(each.raised_at) if each.raised_at else "",
                each.text.get(self._language, each.point),
                self._place(each.where),
                f"{each.device} / {each.point}",
                t(f"phase-{each.phase.value}"),
            )
            for each in self._shown.conditions
        ]
        columns = ("report-when", "what", "where", "report-source", "report-state")
        return self._table("conditions", columns, rows)

    def _times(self) -> Table:
        """How long each step took, beside what it may take."""
        t, rows = self._say, []
        for each in steps(self._site, self._incident, self._shown.notices):
            met = "" if each.met is None else t("report-yes" if each.met else "report-no")
            took = t("report-never") if each.took_ms is None else self._duration(each.took_ms)
            target = "" if each.target_ms is None else self._duration(each.target_ms)
            rows.append((t(f"report-step-{each.name}"), took, target, met))
        return self._table("report-times", ("report-step", "report-took", "report-target", "report-met"), rows)

    def _answers(self) -> Table:
        rows = [
            (
                self._name(self._who(each.person)),
                self._say(each.answer.value),
                self._at(each.at_ms if each.first_at_ms is None else each.first_at_ms),
                self._at(each.going_at_ms),
                self._at(each.arrived_at_ms),
            )
            for each in self._incident.responses
        ]
        columns = ("report-person", "report-answer", "report-first", "going", "arrived")
        return self._table("responses", columns, rows, "nobody-yet")

    def _notices(self) -> Table:
        rows = [
            (
                str(number),
                _stamp(each.created_at),
                self._name(each.person),
                self._told("reason-", each.reason.value),
                each.channel,
                f"{each.call} / {each.ring + 1}",
                self._outcome(each),
            )
            for number, each in enumerate(self._shown.notices, 1)
        ]
        columns = (
            *("report-number", "report-when", "report-person", "report-why", "report-channel", "report-ring"),
            "report-outcome",
        )
        return self._table("notices", columns, rows)

    def _outcome(self, notice: NoticeShown) -> str:
        handed = sum(each.handed_over_at is not None for each in notice.attempts)
        parts = [self._say("report-tries", n=len(notice.attempts), handed=handed)]
        if notice.superseded_at:
            parts.append(f"{self._say('superseded')} {_stamp(notice.superseded_at)}")
        return " · ".join(parts)

    def _attempts(self) -> Table:
        rows = []
        for number, notice in enumerate(self._shown.notices, 1):
            for each in notice.attempts:
                if each.handed_over_at:
                    outcome = f"{self._say('handed-over')} {_stamp(each.handed_over_at)}"
                else:
                    error = (each.error or "")[:ERROR_CHARACTERS_MAX] if self._named else ""
                    outcome = ": ".join(filter(None, [self._say("failed"), error]))
                person = self._name(notice.person)
                rows.append((str(number), str(each.sending), _stamp(each.at), person, each.channel, outcome))
        columns = (
            *("report-number", "report-sending", "report-when", "report-person", "report-channel"),
            "report-outcome",
        )
        return self._table("report-attempts", columns, rows)

    def _sightings(self, sightings: Sequence[Sighting]) -> Table:
        """What was written and photographed on the spot; a photo that is kept no more still has its line."""
        rows = []
        for each in sightings if self._named else ():
            photo = self._say("photo", n=each.number)
            what = each.text if each.photo is None else photo if each.kept else f"{photo} {self._say('photo-gone')}"
            rows.append((_stamp(each.at), each.name, what))
        none = "report-none" if self._named else "report-left-out"
        return self._table("report-sightings", ("report-when", "report-person", "what"), rows, none)

    def _photos(self, sightings: Sequence[Sighting]) -> tuple[Photo, ...]:
        kept = [each for each in sightings if each.photo is not None and each.kept]
        return tuple(
            Photo(each.photo or "", " · ".join([self._say("photo", n=each.number), each.name, _stamp(each.at)]))
            for each in kept[:PHOTOS_MAX]
        )

    def _timeline(self, lines: int) -> Table:
        rows = [(_stamp(each.at), self._line(each)) for each in self._shown.timeline]
        table = self._table("timeline", ("report-when", "what"), rows)
        missing = lines - len(table.rows)
        return Table(table.heading, table.columns, table.rows, table.none, self._more(missing))

    def _line(self, entry: EntryShown) -> str:
        parts = [self._told("event-", entry.event)]
        if entry.person:
            parts.append(self._name(entry.person))
        if entry.device:
            parts.append(entry.device)
        for name, fact in entry.facts.items():
            if not fact or (name == "value" and fact == "1"):
                continue
            if name in _TEXTS:
                parts += [fact] if self._named else []
            elif name in _FACTS:
                beginning = _FACTS[name]
                parts.append(self._say(f"fact-{name}", n=fact) if beginning is None else self._told(beginning, fact))
        return " · ".join(parts)

    def _counts(self, lines: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
        shown, said = self._shown, self._incident.responses
        attempts = [each for notice in shown.notices for each in notice.attempts]
        handed = sum(each.handed_over_at is not None for each in attempts)
        counts = (
            ("people", len({each.person.id for each in shown.notices})),
            ("notices", len(shown.notices)),
            ("attempts", len(attempts)),
            ("handed", handed),
            ("failed", len(attempts) - handed),
            ("answers", len(said)),
            ("cannot", sum(each.answer is Answer.CANNOT for each in said)),
            ("arrived", sum(each.answer is Answer.ARRIVED for each in said)),
            ("notes", lines.get("noted", 0)),
            ("photos", lines.get("photographed", 0)),
            ("lines", sum(lines.values())),
        )
        return tuple((self._say(f"report-count-{word}"), str(count)) for word, count in counts)

    # --- words ------------------------------------------------------------------------------------------

    def _table(self, heading: str, columns: Sequence[str], rows: Sequence[Row], none: str = "report-none") -> Table:
        more = self._more(len(rows) - ROWS_MAX)
        head = tuple(map(self._say, columns))
        return Table(self._say(heading), head, tuple(rows[:ROWS_MAX]), self._say(none), more)

    def _more(self, missing: int) -> str:
        return self._say("report-more", n=missing) if missing > 0 else ""

    def _name(self, who: Who) -> str:
        if self._named:
            return who.name
        return self._say("report-somebody", n=self._numbers.setdefault(who.id, len(self._numbers) + 1))

    def _who(self, person: str) -> Who:
        known = self._site.people.get(person)
        return Who(id=person, name=known.name if known else person)

    def _place(self, where: Where) -> str:
        if where.floor is None:
            return self._say("whole-building")
        place = Place(building=where.building, floor=where.floor, flat=where.flat, note=where.note)
        return place_words(place, self._language)

    def _told(self, beginning: str, fact: str) -> str:
        key = beginning + fact
        return self._say(key) if knows(key) else fact

    def _at(self, at_ms: int | None) -> str:
        return "" if at_ms is None else _stamp(datetime.fromtimestamp(at_ms / 1000, self._site.zone))

    def _duration(self, ms: int) -> str:
        if ms < 60_000:
            return self._say("report-seconds", s=f"{ms / 1000:.1f}".removesuffix(".0"))
        minutes, seconds = divmod(round(ms / 1000), 60)
        hours, minutes = divmod(minutes, 60)
        if hours:
            return self._say("report-hours", h=hours, m=minutes, s=seconds)
        return self._say("report-minutes", m=minutes, s=seconds)

    @property
    def _say(self) -> Callable[..., str]:
        language = self._language

        def said(key: str, **facts: object) -> str:
            return say(language, key, **facts)

        return said


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
