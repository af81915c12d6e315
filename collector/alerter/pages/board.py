"""The board: open incidents large, troubles quieter, every device, what closed last. And one incident in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Answer
from collector.alarms.measures import Untils
from collector.alarms.route import Mode
from collector.alarms.watch import DeviceState, GatewayState
from collector.alerter.api import aside_of, detail
from collector.alerter.catalogue import say
from collector.alerter.front import Front, InFront
from collector.alerter.models import ConditionShown, IncidentShown, ResponseShown, Where
from collector.alerter.problems import Rejected
from collector.alerter.view import View, by_device
from collector.messages.sounds import Sound, sound_of_incident
from collector.storage.store import StoreFailed
from config.people import Language, Text
from config.profile import Condition, Kind
from config.site import Device
from config.words import Quality

CLOSED_SHOWN_MAX = 8
VALUES_SHOWN_MAX = 2
_LOUD = (Condition.ALARM, Condition.PRE_ALARM)
_PRESENT = (Phase.ACTIVE, Phase.ACKNOWLEDGED)
_CLASS_RANK = {condition: rank for rank, condition in enumerate(Condition)}
_KIND_RANK = {kind: rank for rank, kind in enumerate(Kind)}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Card:
    """An open incident as the board shows it: worst condition first, people by what they said."""

    incident: IncidentShown
    conditions: list[ConditionShown]
    since: datetime
    present: bool
    arrived: list[ResponseShown]
    going: list[ResponseShown]
    cannot: list[ResponseShown]

    @property
    def worst(self) -> ConditionShown:
        """The condition that names the card."""
        return self.conditions[0]

    @property
    def sound(self) -> Sound:
        """What the board sounds when this is new, louder than it was, or called anew."""
        return sound_of_incident(self.incident.mode, self.incident.kind, self.worst.condition)


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


@router.api_route("/", methods=["GET", "HEAD"])
async def board(request: Request, front: InFront) -> Response:
    """The whole page; its script then keeps it live."""
    language = front.language(request)
    facts = await _facts(front, language)
    return front.pages.page("board.html", language, front.now(), community=front.desk.site.community.name, **facts)


@router.api_route("/fragment/board", methods=["GET", "HEAD"])
async def fragment(request: Request, front: InFront) -> Response:
    """Only what changes, for the script."""
    language = front.language(request)
    facts = await _facts(front, language)
    return HTMLResponse(front.pages.text("board_fragment.html", language, front.now(), **facts))


@router.api_route("/incident/{incident_id}", methods=["GET", "HEAD"])
async def incident(request: Request, front: InFront, incident_id: str) -> Response:
    """One incident: facts, answers, notices with their reasons, timeline."""
    language = front.language(request)
    try:
        shown = await detail(front, incident_id)
    except Rejected:
        return front.pages.plain(language, front.now(), 404, "not-found", "not-found-text")
    except StoreFailed:
        return front.pages.plain(language, front.now(), 503, "not-read", "not-read-text")
    return front.pages.page("incident.html", language, front.now(), incident=shown)


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static(front: InFront, name: str) -> Response:
    """A style sheet, the script or the icon."""
    found = front.pages.static(name)
    if found is None:
        raise Rejected(404, "not-found", f"there is no file {name[:80]!r}")
    return found


async def _facts(front: Front, language: Language) -> dict[str, Any]:
    """What the board's template wants to know. The store is asked for closed incidents only."""
    view, engine, site = front.view, front.desk.engine, front.desk.site
    try:
        stored = await front.desk.store.incidents(CLOSED_SHOWN_MAX + len(engine.incidents))
    except StoreFailed:
        stored = []  # what is open is in memory, and that is what the board is for
    closed = [view.incident(each, {}) for each in front.seen(stored) if each.closed_at_ms is not None][
        :CLOSED_SHOWN_MAX
    ]
    cards = [card_of(view.incident(each, engine.alarms)) for each in front.seen(engine.incidents.values())]
    cards.sort(key=lambda card: (not card.present, _KIND_RANK[card.incident.kind], card.since))
    real = [card for card in cards if card.incident.mode is Mode.LIVE]
    aside = aside_of(front)
    alarms = by_device(engine.alarms.values())
    rows: dict[str, list[Row]] = {building: [] for building in site.buildings}
    online = 0
    devices = [each for each in site.devices.values() if front.sees(each.place.building)]
    for device in devices:
        row = _row(view, device, engine.devices.get(device.id), alarms.get(device.id, []), aside, language)
        online += row.state == "online"
        rows[device.place.building].append(row)
    return {
        "loud": [card for card in real if card.worst.condition in _LOUD],
        "quiet": [card for card in real if card.worst.condition not in _LOUD],
        "beside": [card for card in cards if card.incident.mode in (Mode.DISABLED, Mode.WALK_TEST)],
        "drills": [card for card in cards if card.incident.mode is Mode.DRILL],
        "closed": closed,
        "buildings": [(site.buildings[building], its) for building, its in rows.items() if its],
        "gateways": [_gateway(view, gateway, engine.gateways.get(gateway)) for gateway in site.gateways],
        "online": online,
        "installed": len(devices),
    }


def card_of(incident: IncidentShown) -> Card:
    """Worst condition first, people by what they said."""
    conditions = sorted(
        incident.conditions,
        key=lambda each: (each.phase is Phase.NORMAL, _CLASS_RANK[each.condition], each.phase not in _PRESENT),
    )
    said = {answer: [each for each in incident.responses if each.answer is answer] for answer in Answer}
    return Card(
        incident=incident,
        conditions=conditions,
        since=incident.cause_at,
        present=any(each.phase in _PRESENT for each in conditions),
        arrived=said[Answer.ARRIVED],
        going=said[Answer.GOING],
        cannot=said[Answer.CANNOT],
    )


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
