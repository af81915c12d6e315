"""What was done to a device and what is due of it, on its page: elevator services, inspections, and their form."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alerter.catalogue import say
from collector.alerter.elevators import elevator_of
from collector.alerter.elevatorshapes import ServiceDue, ServiceShown
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.pages.bookforms import Wrong
from collector.alerter.pages.devices import device_page
from collector.alerter.pages.tried import text_in, tried
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, must, needs
from collector.alerter.upkeep import inspection_of
from collector.alerter.upkeepshapes import InspectionShown
from collector.commands import Inspected, Serviced
from config.site import Device
from config.upkeep import Service

SERVICES_SHOWN_MAX = 6
BESIDE = {"not-yet": "on", "already-newer": "on"}

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.SEE)])


@dataclass(frozen=True, slots=True)
class Care:
    """What a device's page says of its care. `services` of an elevator, `inspection` of what has an upkeep."""

    device: str
    services: list[ServiceDue] = field(default_factory=list)
    served: list[ServiceShown] = field(default_factory=list)
    inspection: InspectionShown | None = None
    may_tell: bool = False
    today: date | None = None
    typed: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    done: bool = False


@router.api_route("/device/{device_id}", methods=["GET", "HEAD"])
async def device(request: Request, front: InFront, actor: InActor, device_id: str) -> Response:
    """One device with all its values, its conditions and its care."""
    installed = _seen(front, device_id)
    if installed is None:
        return front.pages.plain(front.language(request), front.now(), 404, "no-device", "no-device-text")
    done = request.query_params.get("done") == "told"
    return await device_page(request, front, installed, care_of(front, actor, installed, done=done))


@router.post("/device/{device_id}/care")
async def tell(request: Request, front: InFront, actor: InActor, device_id: str) -> Response:
    """Somebody tells a service or an inspection that was done."""
    installed = _seen(front, device_id)
    if installed is None:
        raise Rejected(404, "unknown-device", f"the site has no device {device_id[:80]!r}")
    must(actor, Right.MEASURE, installed.place.building)
    form = await read_form(request, actor, fields_max=8)
    wrong = Wrong(front.language(request))
    typed = {name: text_in(form, name) for name in ("on", "level")}
    command = _command(installed, actor, typed, wrong)
    if command is not None and await tried(front, command, wrong, BESIDE, {}) is not None:
        return RedirectResponse(f"/device/{quote(device_id)}?done=told#care", 303)
    return await device_page(request, front, installed, care_of(front, actor, installed, typed, wrong), 422)


def care_of(
    front: Front,
    actor: Actor,
    installed: Device,
    typed: dict[str, str] | None = None,
    wrong: Wrong | None = None,
    done: bool = False,
) -> Care | None:
    """The care of a device; None for one of which the site's file asks none."""
    site = front.desk.site
    is_lift = site.profiles[installed.profile].category == "lift"
    if not is_lift and installed.upkeep is None:
        return None
    lift = elevator_of(front, installed) if is_lift else None
    return Care(
        device=installed.id,
        services=lift.services if lift is not None else [],
        served=lift.served[:SERVICES_SHOWN_MAX] if lift is not None else [],
        inspection=None if is_lift else inspection_of(front, installed),
        may_tell=actor.person is not None and actor.may(Right.MEASURE, installed.place.building),
        today=site.local(front.clock()).date(),
        typed=typed or {},
        wrong=wrong.of if wrong is not None else {},
        done=done,
    )


def _seen(front: Front, device_id: str) -> Device | None:
    installed = front.desk.site.devices.get(device_id)
    return installed if installed is not None and front.sees(installed.place.building) else None


def _command(installed: Device, actor: Actor, typed: dict[str, str], wrong: Wrong) -> Serviced | Inspected | None:
    """What was told; None with what is wrong noted."""
    on = None
    try:
        on = date.fromisoformat(typed["on"])
    except ValueError:
        wrong.say("on", say(wrong.language, "care-no-day"))
    if typed["level"] not in ("", *Service):
        wrong.say("level", say(wrong.language, "choose-one"))
    if actor.person is None:
        wrong.say("", say(wrong.language, "care-nobody"))
    if on is None or wrong or actor.person is None:
        return None
    if typed["level"]:
        return Serviced(installed.id, Service(typed["level"]), on, actor.person)
    return Inspected(installed.id, actor.person, on)
