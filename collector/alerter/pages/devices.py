"""What is installed: all devices by building, one building, and one device with every value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alarms.alarm import Alarm
from collector.alarms.measures import Untils
from collector.alarms.watch import DeviceState, GatewayState
from collector.alerter.api import aside_of
from collector.alerter.catalogue import say
from collector.alerter.curves import measured, worth_drawing
from collector.alerter.front import Front, InFront
from collector.alerter.models import Where
from collector.alerter.pages.overview import card_of
from collector.alerter.plots import plots_of
from collector.alerter.rights import needs
from collector.alerter.view import View, by_device
from config.people import Language, Text
from config.profile import Condition
from config.site import Building, Device
from config.words import Quality

VALUES_SHOWN_MAX = 2
BUILDINGS_A_PAGE = 25
CURVES_MAX = 12  # of one page
NEAR_SHOWN_MAX = 40  # conditions of one building

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ShortValue:
    """A value in few characters. `doubt`: stale or bad, then `cause` says why."""

    text: str
    doubt: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A device as the board shows it. `mark` is the symbol before it: its worst flag, else its state."""

    id: str
    title: Text
    where: Where
    state: str
    mark: str
    flags: list[str]
    values: list[ShortValue]
    heard_at: datetime | None
    cause: str
    disabled_until: datetime | None
    tested_until: datetime | None


@router.api_route("/devices", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def devices(request: Request, front: InFront, page: int = 1, only: str = "") -> Response:
    """Every device by building, so many buildings a page; `only=trouble`: those with something to look at."""
    language = front.language(request)
    site, engine = front.desk.site, front.desk.engine
    seen = [each for each in site.buildings.values() if front.sees(each.id)]
    grouped = _by_building(front)
    if only == "trouble":
        alarms = by_device(engine.alarms.values())
        grouped = {
            building: [each for each in its if alarms.get(each.id) or not _is_online(engine.devices.get(each.id))]
            for building, its in grouped.items()
        }
    seen = [each for each in seen if grouped.get(each.id)]
    pages = max(1, -(-len(seen) // BUILDINGS_A_PAGE))
    page = min(max(1, page), pages)
    shown = seen[(page - 1) * BUILDINGS_A_PAGE : page * BUILDINGS_A_PAGE]
    return front.pages.page(
        "devices.html",
        language,
        front.now(),
        buildings=[(each, rows_of(front, grouped[each.id], language)) for each in shown],
        gateways=[_gateway(front.view, each, engine.gateways.get(each)) for each in site.gateways],
        page=page,
        pages=pages,
        only=only if only == "trouble" else "",
        online=sum(_is_online(engine.devices.get(each.id)) for its in grouped.values() for each in its),
        installed=sum(map(len, grouped.values())),
    )


@router.api_route("/building/{building_id}", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def building(request: Request, front: InFront, building_id: str) -> Response:
    """One building: what is open there, who answers for it, how one gets in, and its devices."""
    language, view = front.language(request), front.view
    site, engine = front.desk.site, front.desk.engine
    known = site.buildings.get(building_id)
    if known is None or not front.sees(building_id):
        return front.pages.plain(language, front.now(), 404, "no-building", "no-building-text")
    theirs = [each for each in engine.incidents.values() if each.building == building_id]
    installed = _by_building(front).get(building_id, [])
    chosen = worth_drawing(site, [each.id for each in installed], CURVES_MAX)
    return front.pages.page(
        "building.html",
        language,
        front.now(),
        building=known,
        cards=[card_of(view.incident(each, engine.alarms)) for each in theirs[:NEAR_SHOWN_MAX]],
        rows=rows_of(front, installed, language),
        plots=await plots_of(front, chosen, request.query_params.get("span", ""), language, named=True),
        contacts=_contacts(front, known),
    )


async def device_page(
    request: Request, front: Front, installed: Device, care: object | None = None, status: int = 200
) -> Response:
    """The page of one device with all its values, their curves and conditions, and its `care`."""
    language, engine = front.language(request), front.desk.engine
    alarms = [each for each in engine.alarms.values() if each.device == installed.id]
    state = engine.devices.get(installed.id)
    shown = front.view.device(installed, state, alarms, front.clock(), detectors=True, aside=aside_of(front))
    (row,) = rows_of(front, [installed], language)
    chosen = [(installed, point) for point in measured(front.desk.site, installed)[:CURVES_MAX]]
    plots = await plots_of(front, chosen, request.query_params.get("span", ""), language, named=False)
    return front.pages.page("device.html", language, front.now(), status, device=shown, row=row, care=care, plots=plots)


def _by_building(front: Front) -> dict[str, list[Device]]:
    grouped: dict[str, list[Device]] = {}
    for each in front.desk.site.devices.values():
        if front.sees(each.place.building):
            grouped.setdefault(each.place.building, []).append(each)
    return grouped


def rows_of(front: Front, devices: list[Device], language: Language) -> list[Row]:
    """Devices as lists show them."""
    engine, aside = front.desk.engine, aside_of(front)
    alarms = by_device(engine.alarms.values())
    return [
        _row(front.view, each, engine.devices.get(each.id), alarms.get(each.id, []), aside, language)
        for each in devices
    ]


def _contacts(front: Front, known: Building) -> list[tuple[str, str]]:
    """Who answers for a building: the word for what they are, and their name."""
    site = front.desk.site
    team, cell = site.teams.get(known.team or ""), site.grid.get(known.cell)
    found = [("manager", front.view.who(known.manager).name)] if known.manager else []
    found += [("team-of", team.name), ("leader", front.view.who(team.leader).name)] if team else []
    return [*found, *([("cell-of", f"{cell.name} · {front.view.who(cell.person).name}")] if cell else [])]


def _is_online(state: DeviceState | None) -> bool:
    return state is not None and state.online is True


def _row(
    view: View, device: Device, state: DeviceState | None, alarms: list[Alarm], aside: Untils, language: Language
) -> Row:
    held = {alarm.condition for alarm in alarms if alarm.condition.is_flag}
    flags = [condition.value for condition in Condition if condition in held]
    how = _how(state)
    return Row(
        id=device.id,
        title=view.site.profiles[device.profile].title,
        where=view.where(device.place.building, device.id),
        state=how,
        mark=flags[0] if flags else "normal" if how == "online" else how,
        flags=flags,
        values=_short_values(view, device, state, language) if state else [],
        heard_at=view.maybe(state.heard_at_ms) if state else None,
        cause=state.cause if state else "",
        disabled_until=view.maybe(aside.disabled_ms.get(device.id)),
        tested_until=view.maybe(aside.tested_ms.get(device.id)),
    )


def _how(state: DeviceState | GatewayState | None) -> str:
    if state is None or state.online is None:
        return "unheard"
    return "online" if state.online else "offline"


def _short_values(view: View, device: Device, state: DeviceState, language: Language) -> list[ShortValue]:
    """The first few values that say something by themselves."""
    short: list[ShortValue] = []
    for point in view.own_points(device.id):
        heard = state.values.get(point.name)
        meanings = point.register.values
        if heard is None or point.bit is not None or not (point.condition is Condition.MEASUREMENT or meanings):
            continue
        reading = heard.reading
        if reading.value is None:
            text = say(language, "no-value")
        elif meanings and isinstance(reading.value, int):
            meaning = meanings.get(reading.value)
            text = meaning.get(language, str(reading.value)) if meaning else str(reading.value)
        else:
            number = f"{reading.value:.6g}" if isinstance(reading.value, float) else str(reading.value)
            text = f"{number} {point.register.unit or ''}".strip()
        label = point.text.get(language) or point.name
        doubt = None if reading.quality is Quality.GOOD else reading.quality.name.lower()
        short.append(ShortValue(f"{label} {text}", doubt, reading.cause))
        if len(short) == VALUES_SHOWN_MAX:
            break
    return short


def _gateway(view: View, gateway: str, state: GatewayState | None) -> dict[str, object]:
    heard_at = view.maybe(state.heard_at_ms) if state else None
    return {"id": gateway, "state": _how(state), "cause": state.cause if state else "", "at": heard_at}
