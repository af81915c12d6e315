"""The pages of drills: starting one, following it, ending it, and how fast people have answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alerter.api import Id
from collector.alerter.catalogue import say
from collector.alerter.drills import drills as drills_of
from collector.alerter.drills import response_times
from collector.alerter.drillshapes import BUILDINGS_MAX, DrillShown, SubjectTimed
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.models import IncidentShown
from collector.alerter.pages.bookforms import Wrong
from collector.alerter.pages.tried import chosen, text_in, tried
from collector.alerter.pages.walktests import decided_by
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, must, needs
from collector.calls.authority import may_decide
from collector.calls.drill import KINDS, NOTE_CHARACTERS_MAX, Drill
from collector.commands import EndDrill, StartDrill
from config.profile import Kind
from config.site import Building

MINUTES = (15, 30, 60, 120)
MODES = ("drill", "live")
FIELDS_MAX = BUILDINGS_MAX + 20
PLOT_WIDTH = 160  # of a row's times, in its own units
_BESIDE = {"unknown-building": "buildings", "drill-running": "buildings", "alarm-open": "buildings"}
_WORDS = {"not-authorised": "measures-not-yours"}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@dataclass(frozen=True, slots=True)
class Under:
    """A building of a drill. `incident` None: it is over there. `called`: to how many people something was sent."""

    name: str
    incident: IncidentShown | None
    called: int


@dataclass(frozen=True, slots=True)
class TimesRow:
    """A subject's times; `dots` are its latest calls' times to going, s, with where each stands in the plot."""

    subject: SubjectTimed
    dots: list[tuple[float, float]]


@router.api_route("/drills", methods=["GET", "HEAD"])
async def drills(request: Request, front: InFront, actor: InActor, mode: str = "drill") -> Response:
    """Drills under way or just over, and the times of those before; `mode=live`: of what was real."""
    mode = mode if mode in MODES else "drill"
    subjects = (await response_times(front, "live" if mode == "live" else "drill")).subjects
    shown = [each for each in subjects if _may_see(front, actor, each)]
    longest = max((call.going_s or 0.0 for each in shown for call in each.latest), default=0.0) or 1.0
    rows: dict[str, list[TimesRow]] = {}
    for each in shown:
        times = [call.going_s for call in each.latest if call.going_s is not None]
        dots = [(at_s, round(4 + (PLOT_WIDTH - 8) * at_s / longest, 1)) for at_s in times]
        rows.setdefault(each.what, []).append(TimesRow(each, dots))
    return front.pages.page(
        "drills.html",
        front.language(request),
        front.now(),
        drills=(await drills_of(front)).drills,
        rows=rows,
        longest=longest,
        width=PLOT_WIDTH,
        mode=mode,
        may_begin=bool(decided_by(front, actor)),
    )


@router.api_route("/drills/start", methods=["GET", "HEAD"], dependencies=[needs(Right.MEASURE)])
async def ask_to_start(request: Request, front: InFront, actor: InActor) -> Response:
    """Where, of what, for how long; and who would be called."""
    return _form_page(request, front, actor, {})


@router.post("/drills/start", dependencies=[needs(Right.MEASURE)])
async def start(request: Request, front: InFront, actor: InActor) -> Response:
    """Call people out, as in an alarm."""
    form = await read_form(request, actor, fields_max=FIELDS_MAX)
    wrong, buildings = Wrong(front.language(request)), _ticked(form)
    if not buildings or any(each not in front.desk.site.buildings for each in buildings):
        wrong.say("buildings", say(wrong.language, "choose-one"))
    elif len(buildings) > BUILDINGS_MAX:
        wrong.say("buildings", say(wrong.language, "refused-too-many"))
    else:
        for each in buildings:
            must(actor, Right.MEASURE, each)
    kind, note = text_in(form, "kind"), text_in(form, "note")
    if kind not in set(KINDS):
        wrong.say("kind", say(wrong.language, "choose-one"))
    if len(note) > NOTE_CHARACTERS_MAX:
        wrong.say("note", say(wrong.language, "drill-note-long", most=NOTE_CHARACTERS_MAX))
    minutes = chosen(form, "minutes", MINUTES, wrong)
    if not wrong:
        command = StartDrill(actor.person or "", buildings, Kind(kind), minutes, note)
        decision = await tried(front, command, wrong, _BESIDE, _WORDS)
        if decision is not None:
            (drill,) = (each for each in decision.kept if isinstance(each, Drill))
            return RedirectResponse(f"/drills/{drill.id}", 303)
    return _form_page(request, front, actor, form, wrong)


@router.api_route("/drills/{name}", methods=["GET", "HEAD"])
async def drill(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """One drill: who is called, goes and has arrived in each building."""
    return await _drill_page(request, front, actor, name)


@router.post("/drills/{name}/end", dependencies=[needs(Right.MEASURE)])
async def end(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """End it in all its buildings; everybody called is told."""
    await read_form(request, actor)
    wrong, item = Wrong(front.language(request)), front.desk.engine.kept(Drill).get(name)
    if item is not None and actor.person != item.person:
        for each in item.buildings:
            must(actor, Right.MEASURE, each)
    if await tried(front, EndDrill(name, actor.person or ""), wrong, {}, _WORDS) is not None:
        return RedirectResponse(f"/drills/{name}", 303)
    return await _drill_page(request, front, actor, name, wrong)


# --- inside -------------------------------------------------------------------------------------------


def _may_see(front: Front, actor: Actor, subject: SubjectTimed) -> bool:
    """A building's times are for who may see it, a team's for who sees one of its buildings; somebody's own are
    for them, and for who looks after the rosters.
    """
    buildings = front.desk.site.buildings.values()
    if subject.what == "building":
        return front.sees(subject.id)
    if subject.what == "team":
        return actor.buildings is None or any(each.team == subject.id and front.sees(each.id) for each in buildings)
    if subject.id == actor.person:
        return True
    return actor.may(Right.ROSTER) and (actor.buildings is None or _is_of_theirs(front, subject.id))


def _is_of_theirs(front: Front, person: str) -> bool:
    site = front.desk.site
    teams = {each.team for each in site.buildings.values() if front.sees(each.id)}
    return any(person in (team.leader, *team.members) for team in site.teams.values() if team.id in teams)


def _ticked(form: FormData | Mapping[str, Any]) -> tuple[str, ...]:
    values = form.getlist("buildings") if isinstance(form, FormData) else ()
    return tuple(dict.fromkeys(each for each in values if isinstance(each, str)))


async def _drill_page(request: Request, front: Front, actor: Actor, name: str, wrong: Wrong | None = None) -> Response:
    shown = next((each for each in (await drills_of(front)).drills if each.id == name), None)
    if shown is None:
        raise Rejected(404, "not-found", f"there is no drill {name!r}")
    item, person = front.desk.engine.kept(Drill)[name], actor.person
    decides = person is not None and all(
        actor.may(Right.MEASURE, each) and may_decide(front.desk.site, each, person) for each in item.buildings
    )
    return front.pages.page(
        "drill.html",
        front.language(request),
        front.now(),
        409 if wrong else 200,
        drill=shown,
        buildings=_under(front, shown),
        may_end=shown.ended_at is None and actor.may(Right.MEASURE) and (decides or person == item.person),
        wrong=wrong.of if wrong is not None else {},
    )


def _under(front: Front, shown: DrillShown) -> list[Under]:
    engine, found = front.desk.engine, []
    for each in shown.buildings:
        if not front.sees(each.building):
            continue
        incident = engine.incidents.get(each.incident) if each.incident is not None else None
        if incident is None:
            found.append(Under(each.building_name, None, 0))
            continue
        called = {notice.person for notice in engine.notices.values() if notice.incident == incident.id}
        found.append(Under(each.building_name, front.view.incident(incident, engine.alarms), len(called)))
    return found


def _form_page(
    request: Request, front: Front, actor: Actor, typed: FormData | Mapping[str, Any], wrong: Wrong | None = None
) -> Response:
    return front.pages.page(
        "drillform.html",
        front.language(request),
        front.now(),
        422 if wrong else 200,
        buildings=[(each, _called_first(front, each)) for each in decided_by(front, actor)],
        ticked=_ticked(typed),
        kinds=[each.value for each in KINDS],
        minutes=MINUTES,
        note_most=NOTE_CHARACTERS_MAX,
        typed={key: text_in(typed, key) for key in typed},
        wrong=wrong.of if wrong is not None else {},
    )


def _called_first(front: Front, building: Building) -> list[str]:
    """The names of those of the building's own team who are on duty now."""
    if building.team is None:
        return []
    site = front.desk.site
    on_duty = front.desk.engine.roster.on_duty(building.team, front.clock())
    return [site.people[each].name for each in on_duty if each in site.people]
