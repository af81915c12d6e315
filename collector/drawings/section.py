"""A building cut open from the side: its floors, where it burns, where water and extinguishers are. Pure.

A plan of each flat is something nobody has for an old walk-up; floor and flat everybody understands. Floors are
counted as people count them here: 1 is the ground floor, -1 the first below it, and there is no 0 unless the site
says so. Of a high building the floors that matter are drawn, with a break between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

ROWS_MAX = 14
_ROW, _LEFT, _WIDTH = 22, 44, 340
_NEAR = 2  # so many floors above and below one that matters are drawn
_LETTERS = 'fill="currentColor" stroke="none"'


@dataclass(frozen=True, slots=True)
class Pin:
    """Something on a floor. `look` is a class of the page's style such as "fire", "water"; `label` is for people."""

    floor: int
    look: str
    label: str
    urgent: bool = False


def draw(floors: int, pins: Sequence[Pin], title: str, floor_label: str = "{n}F") -> str:
    """An `svg` element. `floors`: above ground; a pin outside of them adds its floor. `floor_label` with `{n}`."""
    rows = rows_of(floors, pins)
    height = len(rows) * _ROW + 8
    parts = [f"<title>{escape(title)}</title>"]
    for index, floor in enumerate(rows):
        top = index * _ROW + 2
        if floor is None:
            parts.append(f'<text x="{_LEFT + 8}" y="{top + 15}" font-size="14" {_LETTERS}>⋮</text>')
            continue
        parts += _floor(top, floor, [pin for pin in pins if pin.floor == floor], floor_label)
    above = [index for index, floor in enumerate(rows) if floor is not None and floor >= 1]
    ground = (above[-1] + 1) * _ROW + 2  # there is always a floor 1
    parts.append(f'<path class="section-ground" d="M0 {ground}H{_WIDTH}" stroke-width="2.5"/>')
    head = f'<svg class="section" viewBox="0 0 {_WIDTH} {height}" role="img" fill="none" stroke="currentColor">'
    return f"{head}{''.join(parts)}</svg>"


def rows_of(floors: int, pins: Sequence[Pin]) -> list[int | None]:
    """The floors to draw from the top, None for a break: all, or those around what matters and the ends."""
    marked = {pin.floor for pin in pins}
    top, bottom = max([floors, *marked]), min([1, *marked])
    every = [floor for floor in range(top, bottom - 1, -1) if floor != 0 or 0 in marked]
    if len(every) <= ROWS_MAX:
        return list(every)
    urgent = {pin.floor for pin in pins if pin.urgent} or marked
    for near in range(_NEAR, -1, -1):
        wanted = {top, 1} | {floor + d for floor in urgent for d in range(-near, near + 1)}
        rows = _with_breaks(every, wanted)
        if len(rows) <= ROWS_MAX:
            return rows
    worst = sorted(urgent)[: ROWS_MAX // 2 - 2]  # the lowest first: from there it spreads upward
    return _with_breaks(every, {top, 1, *worst})


def _with_breaks(every: Sequence[int], wanted: set[int]) -> list[int | None]:
    rows: list[int | None] = []
    for floor in every:
        if floor in wanted:
            rows.append(floor)
        elif rows and rows[-1] is not None:
            rows.append(None)
    return rows


def _floor(top: int, floor: int, pins: Sequence[Pin], floor_label: str) -> list[str]:
    look = next((pin.look for pin in pins if pin.urgent), "")
    thick = ' stroke-width="2.5"' if look else ""
    box = f'x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT - 2}" height="{_ROW}"'
    parts = [f'<rect class="section-floor{" " + escape(look) if look else ""}" {box}{thick}/>']
    weight = ' font-weight="700"' if look else ""
    label = escape(floor_label.format(n=floor))
    parts.append(
        f'<text x="{_LEFT - 6}" y="{top + 15}" font-size="12" text-anchor="end"{weight} {_LETTERS}>{label}</text>'
    )
    said = " · ".join(pin.label for pin in sorted(pins, key=lambda pin: not pin.urgent))
    if said:
        # As wide as the floor at most: letters of 12 units, Chinese ones are square.
        parts.append(
            f'<text x="{_LEFT + 8}" y="{top + 15}" font-size="12"{weight} {_LETTERS}>{escape(_cut(said))}</text>'
        )
    return parts


def _cut(text: str, units: int = 46) -> str:
    """Text of at most so many half-width letters; what is cut is shown as cut."""
    width = 0
    for index, letter in enumerate(text):
        width += 2 if ord(letter) > 0x2E7F else 1
        if width > units:
            return text[: max(index - 1, 0)] + "…"
    return text
