"""The board in blocks, rendered once for all who see the same buildings in the same language.

A page that stays open says which rendering it has, and gets only the blocks that are different by now. So that
blocks differ only when what they say does, times stand in them as times of day; the page turns them into ages.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from collector.access.actor import Actor
from collector.alerter.news import News
from collector.alerter.pages.overview import STATES, CellTiles, overview
from collector.alerter.pages.render import clock_text
from collector.storage.store import StoreFailed
from config.people import Language

if TYPE_CHECKING:
    from collector.alerter.front import Front

PARTS = {  # in order of reading; a wide screen sets the third below the first, and the second beside it
    "first": ("incidents",),
    "second": ("beside", "drills", "measures", "troubles", "duty", "system"),
    "third": ("plan", "closed"),
}
BLOCKS = tuple(block for blocks in PARTS.values() for block in blocks)
CLOSED_SHOWN_MAX = 8
OPEN_PASSED_MAX = 200  # newer ones than those closed last; in a storm fewer closed ones are shown
FRESH_S = 5.0  # without news a rendering serves so long: who is on duty and what is heard changes with time, too
APART_S = 0.25  # in a storm of news
GROUPS_MAX = 64  # of buildings seen and languages; whoever was longest away is rendered anew
KNOWN_MAX = 16  # renderings that a page may have and still be told only what is different
TOGETHER = 20  # cells rendered in one go; then an alarm may pass
_CELLS = "<!--cells-->"  # where the cells stand in their block


@dataclass(frozen=True, slots=True)
class Glance:
    """One rendering. `blocks` and `cells` by id, with their digests."""

    id: str
    blocks: Mapping[str, tuple[str, str]]
    cells: Mapping[str, tuple[str, str]]
    tag: str  # of a cell: it stands in a list or in a drawing

    def text(self, before: Glance | None) -> Iterator[str]:
        """All blocks in order; of those that are as `before`, only a mark."""
        for part, names in PARTS.items():
            yield f'<div class="part" id="{part}">\n'
            for name in names:
                yield from self._block(name, before)
            yield "</div>\n"

    def _block(self, name: str, before: Glance | None) -> Iterator[str]:
        text, digest = self.blocks[name]
        if name == "plan":
            yield from self._plan(text, digest, before)
        elif before is not None and before.blocks[name][1] == digest:
            yield f'<section id="{name}" data-same></section>\n'
        else:
            yield text + "\n"

    def _plan(self, text: str, digest: str, before: Glance | None) -> Iterator[str]:
        known = {} if before is None or before.tag != self.tag else before.cells
        same = before is not None and before.blocks["plan"][1] == digest
        if same and all(name in known and known[name][1] == each for name, (_, each) in self.cells.items()):
            yield '<section id="plan" data-same></section>\n'
            return
        head, _, tail = text.partition(_CELLS)
        yield head
        for name, (cell, its) in self.cells.items():
            is_known = name in known and known[name][1] == its
            yield f'<{self.tag} id="{name}" data-same></{self.tag}>' if is_known else cell
        yield tail + "\n"


@dataclass(slots=True)
class _Group:
    """Those who see the same."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    glance: Glance | None = None
    known: OrderedDict[str, Glance] = field(default_factory=OrderedDict)
    cells: dict[str, tuple[CellTiles, tuple[str, str]]] = field(default_factory=dict)
    news: int = 0
    day: date | None = None
    rendered_s: float = 0.0


class Glances:
    """The boards of all groups."""

    def __init__(self, front: Front, news: News) -> None:
        self._front = front
        self._news = news
        self._groups: OrderedDict[tuple[frozenset[str] | None, Language], _Group] = OrderedDict()
        self.rendered = 0  # counted for the benches

    async def of(self, actor: Actor, language: Language) -> Glance:
        """The board as it is now; what has changed less than `APART_S` after the last rendering waits for that."""
        key = (actor.buildings, language)
        group = self._groups.setdefault(key, _Group())
        self._groups.move_to_end(key)
        if len(self._groups) > GROUPS_MAX:
            self._groups.popitem(last=False)
        if (glance := self._fresh(group)) is not None:
            return glance
        async with group.lock:
            if (glance := self._fresh(group)) is None:
                await asyncio.sleep(max(0.0, group.rendered_s + APART_S - time.monotonic()))
                glance = await self._render(group, actor, language)
        return glance

    def known(self, actor: Actor, language: Language, glance: str) -> Glance | None:
        """An earlier rendering by its id, None if it is forgotten."""
        group = self._groups.get((actor.buildings, language))
        return None if group is None else group.known.get(glance)

    def _fresh(self, group: _Group) -> Glance | None:
        as_new = group.news == self._news.number() and group.day == self._front.now().date()
        return group.glance if as_new and time.monotonic() - group.rendered_s < FRESH_S else None

    async def _render(self, group: _Group, actor: Actor, language: Language) -> Glance:
        front, now = self._front, self._front.now()
        engine = front.desk.engine
        closed = await self._closed(actor)
        group.news, group.day = self._news.number(), now.date()
        seen = overview(front.view, engine, actor.sees, front.clock())
        facts: dict[str, Any] = {"seen": seen, "closed": closed, "age": partial(clock_text, now)}
        drawn = any(tile.x is not None for cell in seen.cells for tile in cell.tiles)
        facts |= {"drawn": drawn, "map": front.desk.site.community.map, "states": STATES}
        blocks = {}
        for name in BLOCKS:
            blocks[name] = _digested(front.pages.text(f"board_{name}.html", language, now, **facts))
        kept, group.cells = group.cells, {}
        for number, cell in enumerate(seen.cells):
            before = kept.get(cell.id)
            if before is None or before[0] != cell:
                text = front.pages.text("board_cell.html", language, now, cell=cell, drawn=drawn)
                before = cell, _digested(text)
                if number % TOGETHER == TOGETHER - 1:
                    await asyncio.sleep(0)
            group.cells[cell.id] = before
        cells = {f"c-{name}": rendered for name, (_, rendered) in group.cells.items()}
        whole = "".join(digest for _, digest in (*blocks.values(), *cells.values()))
        glance = Glance(_digest(whole), blocks, cells, "g" if drawn else "section")
        group.glance, group.rendered_s = glance, time.monotonic()
        group.known[glance.id] = glance
        group.known.move_to_end(glance.id)
        if len(group.known) > KNOWN_MAX:
            group.known.popitem(last=False)
        self.rendered += 1
        return glance

    async def _closed(self, actor: Actor) -> list[Any]:
        """What was closed last. The store is asked for this only."""
        front = self._front
        known = front.desk.engine.incidents
        try:
            stored = await front.desk.store.incidents(CLOSED_SHOWN_MAX + min(len(known), OPEN_PASSED_MAX))
        except StoreFailed:
            return []  # what is open is in memory, and that is what the board is for
        buildings = front.desk.site.buildings
        mine = [each for each in stored if actor.sees(each.building) or each.building not in buildings]
        return [front.view.incident(each, {}) for each in mine if each.closed_at_ms is not None][:CLOSED_SHOWN_MAX]


def _digested(text: str) -> tuple[str, str]:
    return text, _digest(text)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
