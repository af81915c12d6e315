"""How fast people answer, set out and arrive: per person, team and building, drills and real calls apart.

Noted when a called-out incident closes, from its notices and answers alone; bounded by the people, teams and
buildings of the site.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from collector.alarms.incident import Answer, Incident, Response
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice
from collector.state import State
from collector.storage.kept import Kept
from config.site import Site

LATEST_MAX = 20
MODES = (Mode.LIVE, Mode.DRILL)
SUBJECTS = ("person", "team", "building")


@dataclass(frozen=True, slots=True)
class Call:
    """One incident for one subject. Times in ms from when the first of them was told; None: it never came to that.

    `quorum_ms` is the incident's, from the beginning of its last call, and the same for all its subjects.
    """

    incident: str
    told_at_ms: int
    called: int
    answered: int
    cannot: int
    answer_ms: int | None
    going_ms: int | None
    arrived_ms: int | None
    quorum_ms: int | None


@dataclass(frozen=True, slots=True)
class ResponseTimes(Kept):
    """All calls of one subject, counted in people, and the latest of them in full. `id`: see `id_of`."""

    mode: Mode
    what: str  # one of SUBJECTS
    subject: str
    calls: int = 0
    called: int = 0
    answered: int = 0
    cannot: int = 0
    latest: tuple[Call, ...] = ()  # oldest first

    @property
    def silent(self) -> int:
        """How many of those called never answered."""
        return self.called - self.answered

    def typical_ms(self, what: str) -> int | None:
        """The median of the latest calls' `answer_ms`, `going_ms`, `arrived_ms` or `quorum_ms`, where there was one."""
        known = [getattr(call, what) for call in self.latest if getattr(call, what) is not None]
        return round(median(known)) if known else None


def id_of(mode: Mode, what: str, subject: str) -> str:
    """Under which a subject's times are kept."""
    return f"{mode.value}:{what}:{subject}"


def note(site: Site, state: State, incident: Incident) -> None:
    """Keep what a call-out took that is about to be closed; what was no call-out is not counted."""
    if incident.rings_called == 0 or incident.route.mode not in MODES:
        return
    told = first_told(state.notices_of(incident.id))
    if not told:
        return
    _forget_strangers(site, state)
    subjects = [("person", person, [person]) for person in told]
    subjects += [
        ("team", team.id, [person for person in dict.fromkeys((team.leader, *team.members)) if person in told])
        for team in site.teams.values()
    ]
    subjects.append(("building", incident.building, list(told)))
    for what, subject, people in subjects:
        if people and _is_known(site, what, subject):
            call = call_of(incident, {person: told[person] for person in people})
            _add(state, incident.route.mode, what, subject, call)


def first_told(notices: Iterable[Notice]) -> dict[str, int]:
    """Who was asked to come, and when first (UTC ms), by an incident's notices, oldest first."""
    told: dict[str, int] = {}
    for notice in notices:
        if notice.expects_answer:
            told.setdefault(notice.person, notice.created_at_ms)
    return told


def call_of(incident: Incident, told: Mapping[str, int]) -> Call:
    """What became of asking these people (person -> when, UTC ms; at least one)."""
    began = min(told.values())
    said: dict[str, Response] = {response.person: response for response in incident.responses}
    answers = [said[person] for person in told if person in said]
    quorum_ms = None if incident.quorum_at_ms is None else incident.quorum_at_ms - incident.call_started_at_ms
    return Call(
        incident=incident.id,
        told_at_ms=began,
        called=len(told),
        answered=len(answers),
        cannot=sum(each.answer is Answer.CANNOT for each in answers),
        answer_ms=_first(began, (each.at_ms if each.first_at_ms is None else each.first_at_ms for each in answers)),
        going_ms=_first(began, (each.going_at_ms for each in answers)),
        arrived_ms=_first(began, (each.arrived_at_ms for each in answers)),
        quorum_ms=quorum_ms,
    )


def _first(began: int, times: Iterable[int | None]) -> int | None:
    known = [at for at in times if at is not None]
    return max(0, min(known) - began) if known else None


def _add(state: State, mode: Mode, what: str, subject: str, call: Call) -> None:
    name = id_of(mode, what, subject)
    kept = state.kept(ResponseTimes).get(name) or ResponseTimes(name, mode, what, subject)
    state.keep(
        replace(
            kept,
            calls=kept.calls + 1,
            called=kept.called + call.called,
            answered=kept.answered + call.answered,
            cannot=kept.cannot + call.cannot,
            latest=(*kept.latest, call)[-LATEST_MAX:],
        )
    )


def _is_known(site: Site, what: str, subject: str) -> bool:
    known: Mapping[str, Collection[str]] = {"person": site.people, "team": site.teams, "building": site.buildings}
    return subject in known.get(what, ())


def _forget_strangers(site: Site, state: State) -> None:
    """Whoever has left the site leaves its account too."""
    for kept in list(state.kept(ResponseTimes).values()):
        if not _is_known(site, kept.what, kept.subject):
            state.forget(kept)
