"""The pages of walk tests: choosing what is tested, and following what has given an alarm so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alarms.measures import Scope, WalkTest, building_of, buildings_covered, exists
from collector.alarms.walktest import MEMBERS_MAX
from collector.alerter.api import Id
from collector.alerter.catalogue import say
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.measures import walk_tests_shown
from collector.alerter.models import Where
from collector.alerter.pages.bookforms import Wrong
from collector.alerter.pages.tried import chosen, text_in, tried
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, must, needs
from collector.calls.authority import may_decide
from collector.commands import EndWalkTest, StartWalkTest
from config.site import Building

MINUTES = (15, 30, 60, 90, 120)
FIELDS_MAX = MEMBERS_MAX + 50  # one for each device that is ticked; the engine says how many are too many
_BESIDE = {
    "no-devices": "devices",
    "already-tested": "devices",
    "unknown-target": "devices",
    "wrong-duration": "minutes",
}
_WORDS = {"not-authorised": "measures-not-yours"}

router = APIRouter(include_in_schema=False)


@router.api_route("/measures/walk-test", methods=["GET", "HEAD"], dependencies=[needs(Right.MEASURE)])
async def ask_to_begin(request: Request, front: InFront, actor: InActor, building: str = "") -> Response:
    """First the building, then its devices."""
    return _form_page(request, front, actor, building, {})


@router.post("/measures/walk-test", dependencies=[needs(Right.MEASURE)])
async def begin(request: Request, front: InFront, actor: InActor) -> Response:
    """From now on the alarms of what was chosen come to the tester alone."""
    form = await read_form(request, actor, fields_max=FIELDS_MAX)
    wrong, building, zone = Wrong(front.language(request)), text_in(form, "building"), text_in(form, "zone")
    devices, site = _ticked(form), front.desk.site
    if not devices and not zone:
        wrong.say("devices", say(wrong.language, "refused-no-devices"))
    if any(not exists(site, Scope.DEVICE, each) for each in devices) or (zone and zone not in site.zones):
        wrong.say("devices", say(wrong.language, "choose-one"))
    minutes = chosen(form, "minutes", MINUTES, wrong)
    if not wrong:
        covered = [buildings_covered(site, Scope.DEVICE, each) for each in devices]
        covered += [buildings_covered(site, Scope.ZONE, zone)] if zone else []
        for each in set().union(*covered):
            must(actor, Right.MEASURE, each)
        command = StartWalkTest(actor.person or "", devices, minutes, zone or None)
        decision = await tried(front, command, wrong, _BESIDE, _WORDS)
        if decision is not None:
            (test,) = (each for each in decision.kept if isinstance(each, WalkTest))
            return RedirectResponse(f"/measures/walk-tests/{test.id}", 303)
    return _form_page(request, front, actor, building, form, wrong)


@router.api_route("/measures/walk-tests/{name}", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def walk_test(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """One walk test: what has given an alarm, what has not yet, and its end."""
    return _test_page(request, front, actor, name)


@router.post("/measures/walk-tests/{name}/end", dependencies=[needs(Right.MEASURE)])
async def end(request: Request, front: InFront, actor: InActor, name: Id) -> Response:
    """End it now: what is in alarm there calls at once."""
    await read_form(request, actor)
    wrong, test = Wrong(front.language(request)), front.desk.engine.kept(WalkTest).get(name)
    if test is not None and actor.person != test.person:
        for each in _buildings_of(front, test):
            must(actor, Right.MEASURE, each)
    if await tried(front, EndWalkTest(name, actor.person or ""), wrong, {}, _WORDS) is not None:
        return RedirectResponse(f"/measures/walk-tests/{name}", 303)
    return _test_page(request, front, actor, name, wrong)


def decided_by(front: Front, actor: Actor) -> list[Building]:
    """The buildings that the actor may take out of the call-out, or test."""
    if actor.person is None:
        return []
    site, person = front.desk.site, actor.person
    return [
        each
        for each in site.buildings.values()
        if actor.may(Right.MEASURE, each.id) and may_decide(site, each.id, person)
    ]


def where_of(front: Front, member: str) -> Where:
    """Where a device, or a detector of a panel, is."""
    device, _, number = member.partition(":")
    installed = front.desk.site.devices[device]
    place = next((each.place for each in installed.detectors if str(each.number) == number), installed.place)
    found = front.view.where(place.building, device)
    return found.model_copy(update={"floor": place.floor, "flat": place.flat, "note": place.note})


# --- inside -------------------------------------------------------------------------------------------


def _ticked(form: FormData | Mapping[str, Any]) -> tuple[str, ...]:
    values = form.getlist("devices") if isinstance(form, FormData) else ()
    return tuple(dict.fromkeys(each for each in values if isinstance(each, str)))


def _buildings_of(front: Front, test: WalkTest) -> set[str]:
    site = front.desk.site
    there = [each for each in test.members if exists(site, Scope.DEVICE, each)]
    return {building_of(site, Scope.DEVICE, each) for each in there}


def _test_page(request: Request, front: Front, actor: Actor, name: str, wrong: Wrong | None = None) -> Response:
    shown = next((each for each in walk_tests_shown(front) if each.id == name), None)
    if shown is None:
        raise Rejected(404, "not-found", f"there is no walk test {name!r}")
    test = front.desk.engine.kept(WalkTest)[name]
    person, site = actor.person, front.desk.site
    decides = person is not None and all(
        actor.may(Right.MEASURE, each) and may_decide(site, each, person) for each in _buildings_of(front, test)
    )
    return front.pages.page(
        "walktest.html",
        front.language(request),
        front.now(),
        409 if wrong else 200,
        test=shown,
        may_end=test.running and actor.may(Right.MEASURE) and (decides or person == test.person),
        wrong=wrong.of if wrong is not None else {},
    )


def _form_page(
    request: Request,
    front: Front,
    actor: Actor,
    building: str,
    typed: FormData | Mapping[str, Any],
    wrong: Wrong | None = None,
) -> Response:
    may, site = decided_by(front, actor), front.desk.site
    place = next((each for each in may if each.id == building), None)
    devices = [each.id for each in site.devices.values() if place is not None and each.place.building == place.id]
    return front.pages.page(
        "walktestform.html",
        front.language(request),
        front.now(),
        422 if wrong else 200,
        buildings=may,
        building=place,
        zones=[each for each in site.zones.values() if place is not None and each.building == place.id],
        devices=[(each, where_of(front, each)) for each in devices],
        minutes=MINUTES,
        ticked=_ticked(typed),
        typed={key: text_in(typed, key) for key in typed},
        wrong=wrong.of if wrong is not None else {},
    )
