"""Pages of the engineer: gateways with their buses, and a device's registers with the words behind its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.access.actor import Right
from collector.alerter.catalogue import knows, say
from collector.alerter.curves import in_words
from collector.alerter.front import InFront
from collector.alerter.gateways import brief_of, gateway_of, gateways_seen
from collector.alerter.rights import needs
from collector.alerter.technical import device_of
from collector.alerter.technicalshapes import BusShown, RegisterShown
from collector.drawings import curve
from config.people import Language

POINTS_ON_PAGE = 60
GATEWAYS_ON_PAGE = 50
MINUTE_MS, GAP_MS = 60_000, 150_000
# As a manual prints the first address of a table.
PRINTED_FROM = {"coil": 1, "discrete": 10_001, "input": 30_001, "holding": 40_001}
_CAUSES = (
    (re.compile(r"no answer within (?P<ms>\d+) ms"), "bus-cause-silent"),
    (re.compile(r"no sound answer within (?P<ms>\d+) ms, (?P<heard>\d+) bytes heard"), "bus-cause-garbled"),
    (re.compile(r"exception (?P<code>\d+) .*"), "bus-cause-exception"),
)

router = APIRouter(include_in_schema=False, dependencies=[needs(Right.TECHNICAL)])


@dataclass(frozen=True, slots=True)
class BusCurve:
    """A drawn curve of a bus and the same in words; without `svg` there is nothing to draw yet."""

    title: str
    svg: str
    text: str


@router.api_route("/gateways", methods=["GET", "HEAD"])
async def gateways(request: Request, front: InFront, page: int = 1) -> Response:
    """All gateways, so many a page: those that want to be looked at first."""
    found = [brief_of(front, each) for each in gateways_seen(front)]
    found.sort(key=lambda each: (each.online is True, not each.pulse_broken, -(each.units_dead or 0)))
    pages = max(1, -(-len(found) // GATEWAYS_ON_PAGE))
    page = min(max(1, page), pages)
    return front.pages.page(
        "gateways.html",
        front.language(request),
        front.now(),
        gateways=found[(page - 1) * GATEWAYS_ON_PAGE : page * GATEWAYS_ON_PAGE],
        installed=len(found),
        online=sum(each.online is True for each in found),
        page=page,
        pages=pages,
    )


@router.api_route("/gateway/{gateway_id}", methods=["GET", "HEAD"])
async def gateway(request: Request, front: InFront, gateway_id: str) -> Response:
    """One gateway with its buses and their curves of about an hour."""
    language = front.language(request)
    found = next((each for each in gateways_seen(front) if each.id == gateway_id), None)
    if found is None:
        return front.pages.plain(language, front.now(), 404, "no-gateway", "no-gateway-text")
    shown = await gateway_of(front, found)
    return front.pages.page(
        "gateway.html",
        language,
        front.now(),
        gateway=shown,
        curves={bus.id: curves_of(bus, language, front.clock(), front.view.stamp) for bus in shown.lines},
        cause_of=lambda cause: cause_words(language, cause),
    )


@router.api_route("/device/{device_id}/technical", methods=["GET", "HEAD"])
async def device(request: Request, front: InFront, device_id: str, page: int = 1, ask: int = 0) -> Response:
    """Every point of a device with its register; `ask=1`: with the words that its gateway read last."""
    language, site = front.language(request), front.desk.site
    installed = site.devices.get(device_id)
    if installed is None or not front.sees(installed.place.building):
        return front.pages.plain(language, front.now(), 404, "no-device", "no-device-text")
    shown = await device_of(front, installed, ask=ask == 1)
    pages = max(1, -(-len(shown.points) // POINTS_ON_PAGE))
    page = min(max(1, page), pages)
    return front.pages.page(
        "technical.html",
        language,
        front.now(),
        device=shown,
        points=shown.points[(page - 1) * POINTS_ON_PAGE : page * POINTS_ON_PAGE],
        asked=ask == 1,
        page=page,
        pages=pages,
        decoding=lambda source: decoding_words(language, source),
        printed=lambda table, address: PRINTED_FROM.get(table, 1) + address,
        cause_of=lambda cause: cause_words(language, cause),
    )


def cause_words(language: Language, cause: str) -> str:
    """What a gateway says of a failed question, in the reader's language where we know the sentence."""
    for pattern, key in _CAUSES:
        if (found := pattern.fullmatch(cause)) is None:
            continue
        exception = f"exception-{found.groupdict().get('code')}"
        name = say(language, exception) if knows(exception) else ""
        return say(language, key, **found.groupdict(), name=name).strip()
    return say(language, f"cause-{cause}") if knows(f"cause-{cause}") else cause


def decoding_words(language: Language, source: RegisterShown) -> str:
    """How the words of a register become a value, in one line."""
    said = [source.type]
    if source.bit is not None:
        said.append(say(language, "decode-bit", n=source.bit))
    if source.undeclared:
        said.append(say(language, "decode-undeclared"))
    if source.inverted:
        said.append(say(language, "decode-inverted"))
    if source.byte_order == "little":
        said.append(say(language, "decode-swapped"))
    if source.registers > 1:
        said.append(say(language, f"decode-{source.word_order}"))
    if source.scale_from is not None:
        said.append(say(language, "decode-decimals", n=source.scale_from))
    if source.unit_from is not None:
        said.append(say(language, "decode-unit", n=source.unit_from))
    if source.bit is None and source.scale != 1:
        said.append(f"× {source.scale:g}")
    if source.bit is None and source.offset:
        said.append(f"{'+' if source.offset > 0 else '−'} {abs(source.offset):g}")
    if source.no_value:
        said.append(say(language, "decode-no-value", n=", ".join(f"{word:#06x}" for word in source.no_value)))
    return " · ".join(said)


def curves_of(bus: BusShown, language: Language, now: int, stamp: Callable[[int], datetime]) -> list[BusCurve]:
    """Latency and lost questions of a bus, of about an hour."""
    stamps = [int(each.at.timestamp() * 1000) for each in bus.minutes]
    first = stamps[0] if stamps else now
    span = (min(first, now - 10 * MINUTE_MS), now)

    def clock(at_ms: int) -> str:
        return stamp(at_ms).strftime("%H:%M")

    latency = [(at, each.latency_p95_ms) for at, each in zip(stamps, bus.minutes, strict=True)]
    lost = [(at, None if each.lost is None else 100 * each.lost) for at, each in zip(stamps, bus.minutes, strict=True)]
    return [
        _curve(latency, span, clock, say(language, "bus-latency"), "ms", language),
        _curve(lost, span, clock, say(language, "bus-lost"), "%", language),
    ]


def _curve(
    told: Sequence[tuple[int, float | None]],
    span: tuple[int, int],
    clock: Callable[[int], str],
    title: str,
    unit: str,
    language: Language,
) -> BusCurve:
    values = [(at, value) for at, value in told if value is not None]
    drawn = curve.draw(values, *span, GAP_MS, clock, f"{title} ({unit})") if values else None
    if drawn is None:
        return BusCurve(title, "", say(language, "bus-curve-none", what=title))
    return BusCurve(title, drawn.svg, in_words(drawn.movement, title, unit, clock, language))
