"""The curves of devices, read from whatever history is in use: nobody needs Grafana to see what a value did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from collector.alerter.catalogue import say
from collector.alerter.curves import CurveShown, curve_of, what_of
from collector.alerter.front import Front
from collector.storage.history import HistoryDown
from config.people import Language
from config.profile import Point
from config.site import Device

DAY_MS = 86_400_000
SPANS = {"hour": 3_600_000, "day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS, "year": 365 * DAY_MS}
WITHIN_S = 3.0  # of a page that somebody looks at in peace


@dataclass(frozen=True, slots=True)
class Plots:
    """Curves of one span, which is a key of SPANS; `spans`: all that may be asked for."""

    span: str
    curves: list[CurveShown]
    spans: tuple[str, ...] = tuple(SPANS)


async def plots_of(
    front: Front, chosen: Sequence[tuple[Device, Point]], asked: str, language: Language, named: bool
) -> Plots:
    """The curves of these points until now. `asked` is what somebody typed: a day for what is no span.

    `named` as in `curve_of`.
    """
    span, now = asked if asked in SPANS else "day", front.clock()
    return Plots(span, await read_curves(front, chosen, language, (now - SPANS[span], now), WITHIN_S, named))


async def read_curves(
    front: Front,
    chosen: Sequence[tuple[Device, Point]],
    language: Language,
    span: tuple[int, int],
    within_s: float,
    named: bool = True,
) -> list[CurveShown]:
    """A curve of each point in a span (UTC ms); what cannot be read within that time says so."""
    found: list[CurveShown] = []
    length_ms = span[1] - span[0]
    form = "%H:%M" if length_ms < DAY_MS else "%m-%d %H:%M" if length_ms < 60 * DAY_MS else "%Y-%m-%d"

    def clock(at_ms: int) -> str:
        return front.view.stamp(at_ms).strftime(form)

    try:
        async with asyncio.timeout(within_s):
            for device, point in chosen:
                # What was told before still holds at the beginning of the span: a heartbeat further back.
                since_ms = span[0] - int(point.register.heartbeat_s * 1000)
                values = await front.desk.history.curve(device.id, point.name, since_ms, span[1])
                found.append(curve_of(device, point, values, span, clock, language, named))
    except (TimeoutError, HistoryDown):
        for device, point in chosen[len(found) :]:
            what = what_of(device, point, language, named)
            found.append(CurveShown(what, "", say(language, "curve-unreadable", what=what)))
    return found
