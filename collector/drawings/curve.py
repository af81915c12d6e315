"""The curve of one value over a while, as SVG and as the facts that say the same in words. Pure.

A value is told when it changes by more than its deadband, and at its heartbeat at the latest: between two reports it
was what the earlier one said, so the line goes in steps. Where the next report came too late, the line ends: nobody
knows what was between. Colours are the page's: lines and letters take its `currentColor` and the classes `curve-…`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 340, 150  # in units of the viewBox; the page scales it
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 22
_TICKS_WANTED = 4
_SHORT_TIME = 8  # letters: 14:03:22
_POINTS_MAX = 600  # more would be finer than the picture
_RANGE_MIN = 0.001  # no value of ours is told more finely
_STEADY = 0.02  # of the drawn range: less is no movement that an eye would see


@dataclass(frozen=True, slots=True)
class Movement:
    """What the curve shows, for those who do not see it. Values in the point's unit, times UTC ms.

    `first` and `last` are the ends, `low` and `high` the extremes; `trend` is 1 if the last value is clearly above
    the first, -1 if below, else 0. `gaps`: how often nothing was heard for too long.
    """

    first: float
    first_at_ms: int
    last: float
    last_at_ms: int
    low: float
    low_at_ms: int
    high: float
    high_at_ms: int
    trend: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn curve: an `svg` element to be put into a page, and what it shows."""

    svg: str
    movement: Movement


def draw(
    values: Sequence[tuple[int, float]],
    since_ms: int,
    until_ms: int,
    gap_ms: int,
    clock: Callable[[int], str],
    title: str,
    limit: float | None = None,
) -> Curve | None:
    """The curve of values (UTC ms, value) in order, from `since_ms` to `until_ms`; None if none of them is drawable.

    After `gap_ms` without news the line ends. `clock` writes a time beneath the axis, `title` names the picture for
    those who cannot see it. `limit` is drawn as a dashed line. A value before `since_ms` counts from there on.
    """
    told = [(at, value) for at, value in values if at <= until_ms and math.isfinite(value)]
    if not told or until_ms <= since_ms:
        return None
    runs = _runs(told, since_ms, until_ms, gap_ms)
    if not runs:
        return None
    shown = [point for run in runs for point in run]
    heights = [value for _, value in shown] + ([limit] if limit is not None else [])
    ticks = ticks_of(min(heights), max(heights))
    plot = _Plot(since_ms, until_ms, ticks[0], ticks[-1])
    parts = [*_grid(plot, ticks, clock)]
    if limit is not None:
        y = plot.y(limit)
        parts.append(f'<path class="curve-limit" d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke-dasharray="5 4"/>')
    parts += [f'<path class="curve-line" d="{_path(plot, run)}"/>' for run in runs]
    head = f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" fill="none" stroke="currentColor">'
    return Curve(f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>", _movement(runs, ticks))


def ticks_of(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at or below `low` to at or above `high`, two at least.

    A flat line gets a range around it, so that noise of its last digit does not look like a mountain; smoke or
    pressure that cannot be below 0 is not drawn as if it could.
    """
    if high - low < max(max(abs(high), abs(low)) * 0.02, _RANGE_MIN):
        around = max(max(abs(high), abs(low)) * 0.05, 0.5)
        low, high = (max(low - around, 0.0) if low >= 0 else low - around), high + around
    raw = (high - low) / _TICKS_WANTED
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    begin, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(begin, max(end, begin + 1) + 1)]


# --- inside -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plot:
    since_ms: int
    until_ms: int
    low: float
    high: float

    def x(self, at_ms: int) -> str:
        share = (at_ms - self.since_ms) / (self.until_ms - self.since_ms)
        return _short(_LEFT + share * (WIDTH - _LEFT - _RIGHT))

    def y(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return _short(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM))


Run = list[tuple[int, float]]


def _runs(told: Sequence[tuple[int, float]], since_ms: int, until_ms: int, gap_ms: int) -> list[Run]:
    """The stretches without a gap; each ends where its last value was last believed."""
    runs: list[Run] = []
    for index, (at, value) in enumerate(told):
        following = told[index + 1][0] if index + 1 < len(told) else until_ms
        believed_until = min(following, at + gap_ms, until_ms)
        if believed_until < since_ms or (believed_until == since_ms and following != since_ms):
            continue
        begin = max(at, since_ms)
        if runs and runs[-1][-1][0] >= begin:
            runs[-1].append((begin, value))
        else:
            runs.append([(begin, value)])
        runs[-1].append((max(believed_until, begin), value))
    return [_thinned(run) for run in runs]


def _thinned(run: Run) -> Run:
    """No more points than can be seen: of each stretch its lowest and its highest."""
    if len(run) <= _POINTS_MAX:
        return run
    size = math.ceil(len(run) / (_POINTS_MAX // 2))
    kept: Run = [run[0]]
    for start in range(0, len(run), size):
        piece = run[start : start + size]
        low, high = min(piece, key=lambda p: p[1]), max(piece, key=lambda p: p[1])
        kept += sorted({low, high})
    return [*kept, run[-1]]


def _path(plot: _Plot, run: Run) -> str:
    """Steps: along, then up or down."""
    (at, value), *rest = run
    path = [f"M{plot.x(at)} {plot.y(value)}"]
    for at, value in rest:
        path.append(f"H{plot.x(at)}V{plot.y(value)}")
    return "".join(path)


def _grid(plot: _Plot, ticks: Sequence[float], clock: Callable[[int], str]) -> list[str]:
    letters = 'font-size="11" fill="currentColor" stroke="none"'
    decimals = max(len(f"{tick:.10f}".rstrip("0").partition(".")[2]) for tick in ticks)
    parts = []
    for tick in ticks:
        y = plot.y(tick)
        parts.append(f'<path class="curve-grid" d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke-opacity=".2"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y}" dy=".35em" text-anchor="end" {letters}>{tick:.{decimals}f}</text>')
    told = max(len(clock(plot.since_ms)), len(clock(plot.until_ms)))
    steps = 3 if told <= _SHORT_TIME else 2  # times with their day would run into each other
    for step in range(steps + 1):
        at = plot.since_ms + (plot.until_ms - plot.since_ms) * step // steps
        anchor = "start" if step == 0 else "end" if step == steps else "middle"
        text = escape(clock(at))
        parts.append(f'<text x="{plot.x(at)}" y="{HEIGHT - 6}" text-anchor="{anchor}" {letters}>{text}</text>')
    return parts


def _movement(runs: Sequence[Run], ticks: Sequence[float]) -> Movement:
    shown = [point for run in runs for point in run]
    (first_at, first), (last_at, last) = shown[0], shown[-1]
    low_at, low = min(shown, key=lambda p: p[1])
    high_at, high = max(shown, key=lambda p: p[1])
    moved = last - first
    trend = 0 if abs(moved) < (ticks[-1] - ticks[0]) * _STEADY else 1 if moved > 0 else -1
    return Movement(first, first_at, last, last_at, low, low_at, high, high_at, trend, len(runs) - 1)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
