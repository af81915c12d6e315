"""Which values of an incident are drawn as curves, and what each says in words. Pure: the values are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.alarms.staleness import STALE_GRACE_MS
from collector.alerter.catalogue import say
from collector.drawings import curve
from collector.drawings.curve import Movement
from collector.messages.wording import place_brief
from config.people import Language
from config.profile import Condition, Point
from config.site import Device, Site

SPAN_MS = 1_800_000  # half an hour: what who goes wants to see
REPORT_BEFORE_MS = SPAN_MS  # what led to it
REPORT_AFTER_MS = 21_600_000  # six hours: what is open for longer is a trouble, whose curve says nothing more
# What tells of a fire or of what puts it out, by unit, the most telling first: smoke, then pressure, then heat.
UNITS = ("%/m", "dB/m", "kPa", "MPa", "°C")


@dataclass(frozen=True, slots=True)
class CurveShown:
    """A value over a while. `svg` is "" where there is nothing to draw; `text` says what there is, or why not."""

    title: str
    svg: str
    text: str


def measured(site: Site, device: Device) -> list[Point]:
    """Every measurement of a device that has a unit, the most telling first."""
    points = [
        point
        for point in site.own_points[device.profile].values()
        if point.bit is None and point.condition is Condition.MEASUREMENT and point.register.unit
    ]
    return sorted(points, key=lambda point: UNITS.index(point.register.unit) if point.register.unit in UNITS else 99)


def worth_drawing(site: Site, keys: Sequence[str], at_most: int) -> list[tuple[Device, Point]]:
    """The one most telling measurement of each device behind these conditions, in their order."""
    found: dict[str, tuple[Device, Point]] = {}
    for key in keys:
        device = site.devices.get(key.partition(":")[0])
        if device is None or device.id in found:
            continue
        telling = [point for point in measured(site, device) if point.register.unit in UNITS]
        if telling:
            found[device.id] = device, telling[0]
    return list(found.values())[:at_most]


def curve_of(
    device: Device,
    point: Point,
    values: Sequence[tuple[int, float | str]],
    span: tuple[int, int],
    clock: Callable[[int], str],
    language: Language,
    named: bool = True,
) -> CurveShown:
    """The curve of what the history has of a point (UTC ms, value) in a span (UTC ms); `clock` writes a time.

    `named`: among curves of other devices, so it says which place it is of.
    """
    unit, what = point.register.unit or "", what_of(device, point, language, named)
    numbers = [(at_ms, float(value)) for at_ms, value in values if isinstance(value, int | float)]
    limit = next((each.value for each in (point.register.limits or {}).values()), None)
    gap_ms = int((point.register.heartbeat_s + (point.register.period_s or 0.0)) * 1000) + STALE_GRACE_MS
    since, until = map(clock, span)
    title = say(language, "curve-title", what=what, unit=unit, since=since, until=until)
    drawn = curve.draw(numbers, *span, gap_ms, clock, title, limit)
    if drawn is None:
        nothing = say(language, "curve-none", what=what, since=since, until=until)
        return CurveShown(title, "", nothing)
    return CurveShown(title, drawn.svg, in_words(drawn.movement, what, unit, clock, language))


def what_of(device: Device, point: Point, language: Language, named: bool) -> str:
    """What a curve is of."""
    text = point.text[language]
    return f"{place_brief(device.place, language)} {text}" if named else text


def span_of_report(cause_at_ms: int, closed_at_ms: int | None, now: int) -> tuple[int, int]:
    """What the curves of an incident's report show: what led to it, until it was over."""
    ended = now if closed_at_ms is None else min(closed_at_ms, now)
    return cause_at_ms - REPORT_BEFORE_MS, max(min(ended, cause_at_ms + REPORT_AFTER_MS), cause_at_ms)


def in_words(movement: Movement, what: str, unit: str, clock: Callable[[int], str], language: Language) -> str:
    """What a curve shows, for those who do not see it."""
    word = {1: "curve-rose", -1: "curve-fell", 0: "curve-steady"}[movement.trend]
    said = say(
        language,
        word,
        what=what,
        unit=unit,
        first=f"{movement.first:.4g}",
        first_at=clock(movement.first_at_ms),
        last=f"{movement.last:.4g}",
        last_at=clock(movement.last_at_ms),
        high=f"{movement.high:.4g}",
        high_at=clock(movement.high_at_ms),
    )
    return said + (say(language, "curve-gaps", n=movement.gaps) if movement.gaps else "")
