"""The pages of what is disabled: what, who, why, until when, and the forms that disable, renew and end it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alarms.disablement import WHY_CHARACTERS_MAX
from collector.alarms.measures import Disablement, Scope, buildings_covered, exists
from collector.alerter.api import Id
from collector.alerter.catalogue import say
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.measures import disablements_shown, walk_tests_shown
from collector.alerter.models import Where
from collector.alerter.pages import walktests
from collector.alerter.pages.bookforms import Wrong
from collector.alerter.pages.tried import chosen, text_in, tried
from collector.alerter.rights import InActor, must, needs
from collector.calls.authority import may_decide
from collector.calls.dispatch import responsible
from collector.calls.roster import members
from collector.commands import Disable, Enable, RenewDisablement
from config.people import Text
from config.site import Building, Device

MINUTES = (15, 30, 60, 120, 240, 480, 720, 1440)  # as long as may be chosen; the last is the engine's most
DONE = ("disabled", "renewed", "enabled")
_BESIDE = {
    "no-reason": "why",
    "wrong-duration": "minutes",
    "unknown-target": "target",
    "already-disabled": "target",
    "unknown-person": "watch",
}
_WORDS = {"not-authorised": "measures-not-yours"}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])
router.include_router(walktests.router)


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be disabled, as a form offers it: `value` is "<scope>:<id>"."""

    value: str
    text: Text | str
    where: Where | None = None


@router.api_route("/measures", methods=["GET", "HEAD"])
async def measures(request: Request, front: InFront, actor: InActor) -> Response:
    """Everything at a glance, with what this actor may do about it."""
    return _list_page(request, front, actor)


@router.api_route("/measures/disable", methods=["GET", "HEAD"], dependencies=[needs(Right.MEASURE)])
async def ask_to_disable(
    request: Request, front: InFront, actor: InActor, building: str = "", target: str = ""
) -> Response:
    """First the building, then what of it, why and for how long."""
    return _form_page(request, front, actor, building, {"target": target})


@router.post("/measures/disable", dependencies=[needs(Right.MEASURE)])
async def disable(request: Request, front: InFront, actor: InActor) -> Response:
    """Take it out of the call-out."""
    form = await read_form(request, actor)
    wrong, building = Wrong(front.language(request)), text_in(form, "building")
    scope, _, target = text_in(form, "target").partition(":")
    site = front.desk.site
    if scope not in set(Scope) or not exists(site, Scope(scope), target):
        wrong.say("target", say(wrong.language, "choose-one"))
    else:
        for each in buildings_covered(site, Scope(scope), target):
            must(actor, Right.MEASURE, each)
    why, minutes, watch = text_in(form, "why"), chosen(form, "minutes", MINUTES, wrong), text_in(form, "watch")
    if not 1 <= len(why) <= WHY_CHARACTERS_MAX:
        wrong.say("why", say(wrong.language, "write-why", most=WHY_CHARACTERS_MAX))
    if not wrong:
        command = Disable(Scope(scope), target, actor.person or "", why, minutes, watch or None)
        if await tried(front, command, wrong, _BESIDE, _WORDS) is not None:
            return RedirectResponse("/measures?done=disabled", 303)
    return _form_page(request, front, actor, building, form, wrong)


@router.post("/measures/{name}/renew", dependencies=[needs(Right.MEASURE)])
async def renew(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """So many minutes from now."""
    form, wrong = await read_form(request, actor), Wrong(front.language(request))
    _check(front, actor, name)
    minutes = chosen(form, "minutes", MINUTES, wrong)
    if not wrong:
        command = RenewDisablement(name, actor.person or "", minutes)
        if await tried(front, command, wrong, {}, _WORDS) is not None:
            return RedirectResponse("/measures?done=renewed", 303)
    wrong.of = {"": [each for said in wrong.of.values() for each in said]}
    return _list_page(request, front, actor, wrong)


@router.post("/measures/{name}/end", dependencies=[needs(Right.MEASURE)])
async def enable(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """End it now: what is in alarm there calls at once."""
    await read_form(request, actor)
    wrong = Wrong(front.language(request))
    _check(front, actor, name)
    if await tried(front, Enable(name, actor.person or ""), wrong, {}, _WORDS) is not None:
        return RedirectResponse("/measures?done=enabled", 303)
    return _list_page(request, front, actor, wrong)


# --- inside -------------------------------------------------------------------------------------------


def _check(front: Front, actor: Actor, name: str) -> None:
    """403 unless the actor may act where the disablement is; one that is gone is the engine's to speak of."""
    item = front.desk.engine.kept(Disablement).get(name)
    if item is not None:
        must(actor, Right.MEASURE, item.building)


def _list_page(request: Request, front: Front, actor: Actor, wrong: Wrong | None = None) -> Response:
    done = request.query_params.get("done", "")
    shown = disablements_shown(front)
    site, items = front.desk.site, front.desk.engine.kept(Disablement)
    theirs = {
        each.id
        for each in shown
        if actor.person is not None
        and actor.may(Right.MEASURE, items[each.id].building)
        and may_decide(site, items[each.id].building, actor.person)
    }
    return front.pages.page(
        "measures.html",
        front.language(request),
        front.now(),
        409 if wrong else 200,
        disablements=shown,
        tests=walk_tests_shown(front),
        theirs=theirs,
        may_begin=bool(walktests.decided_by(front, actor)),
        minutes=MINUTES,
        wrong=wrong.of if wrong is not None else {},
        done=done if done in DONE else "",
    )


def _form_page(
    request: Request,
    front: Front,
    actor: Actor,
    building: str,
    typed: Mapping[str, Any],
    wrong: Wrong | None = None,
) -> Response:
    may = walktests.decided_by(front, actor)
    place = next((each for each in may if each.id == building), None)
    return front.pages.page(
        "disable.html",
        front.language(request),
        front.now(),
        422 if wrong else 200,
        buildings=may,
        building=place,
        choices=_choices(front, place) if place is not None else {},
        watchers=_watchers(front, actor, place) if place is not None else [],
        minutes=MINUTES,
        why_most=WHY_CHARACTERS_MAX,
        typed={key: text_in(typed, key) for key in typed},
        wrong=wrong.of if wrong is not None else {},
    )


def _choices(front: Front, building: Building) -> dict[str, list[Choice]]:
    """By scope: what of a building can be disabled. A panel's detectors come after the panel."""
    site = front.desk.site
    devices: list[Choice] = []
    for device in site.devices.values():
        if device.place.building == building.id:
            devices.append(_choice(front, device))
            devices += [_choice(front, device, each.number) for each in device.detectors]
    zones = [Choice(f"zone:{each.id}", each.name) for each in site.zones.values() if each.building == building.id]
    return {"building": [Choice(f"building:{building.id}", building.name)], "zone": zones, "device": devices}


def _choice(front: Front, device: Device, number: int | None = None) -> Choice:
    member = device.id if number is None else f"{device.id}:{number}"
    return Choice(f"device:{member}", member, walktests.where_of(front, member))


def _watchers(front: Front, actor: Actor, building: Building) -> list[tuple[str, str]]:
    """Who may be asked to watch: those who answer for the building, and whoever disables."""
    site = front.desk.site
    team = members(site.teams[building.team]) if building.team is not None else []
    named = [person for person, _ in responsible(site, building.id)]
    people = dict.fromkeys((*([actor.person] if actor.person else []), *named, *team, *site.contacts))
    return [(each, site.people[each].name) for each in people if each in site.people]
