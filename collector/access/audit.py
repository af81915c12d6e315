"""The audit log: who has changed what, when, and how it was before. Rows are made here; the store writes each in the
transaction of the change itself, so that there is neither a change without its row nor a row without its change.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from collector.access.actor import Actor
from collector.book.book import entry_of_folder
from collector.book.entries import BookEntry
from collector.calls.callout import Told
from collector.calls.digest import Pace, Untold
from collector.calls.preflight import Checked
from collector.calls.pulse import Pulsed
from collector.calls.reach import LastTest, Reached
from collector.calls.responsetimes import ResponseTimes
from collector.calls.roster import Unmanned
from collector.commands import Command
from collector.equipment.chamber import Rise, SmokeTrend
from collector.equipment.cylinder import PressureTrend
from collector.equipment.elevator import Course
from collector.equipment.liftlog import LiftLog
from collector.state import Decision
from collector.storage.kept import Forgotten, Kept
from config.site import Site

FACT_CHARACTERS_MAX = 1_000  # of one field of a command; a longer one is cut, and says so
BODY_CHARACTERS_MAX = 16_000  # of a thing before or after
# What the engine keeps for itself: it changes with a person's command and is not what they changed.
_ENGINES_OWN = (
    *(Told, Untold, Pace, Checked, Pulsed, Reached, LastTest, ResponseTimes, Unmanned),
    *(Rise, SmokeTrend, PressureTrend, Course, LiftLog),
)
_ADAPTERS: dict[type[Kept], TypeAdapter[Any]] = {}  # made when first needed, for each class once


@dataclass(frozen=True, slots=True)
class Change:
    """One row. `what` is a stable word, `target` what it was done to; `before` and `after` are JSON, None where it was
    not yet or is no more. `building` None: of no building, or of several.
    """

    at_ms: int
    account: str
    person: str | None
    name: str
    what: str
    target: str
    facts: Mapping[str, Any]
    building: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedChange(Change):
    """A row as it stands in the store; numbers rise."""

    number: int = 0


def changes_of(command: Command, decision: Decision, actor: Actor, site: Site, now: int) -> list[Change]:
    """What a command of somebody has changed: a row for each thing of theirs that is different now, at least one.

    Nothing for a command that changed nothing.
    """
    if decision.empty:
        return []
    row = Change(
        at_ms=now,
        account=actor.account,
        person=actor.person,
        name=actor.name,
        what=word_of(type(command).__name__),
        target=_target(command),
        facts=_facts(command),
        building=_building(command, decision, site),
    )
    things = [
        (what, name, _folders(site, what, name, before), after) for what, name, before, after in _things(decision)
    ]
    if not things:
        return [row]
    return [
        dataclasses.replace(
            row,
            target=f"{word_of(what.__name__)}:{name}",
            building=_place_of(site, before, after) or row.building,
            before=_json(before),
            after=_json(after),
            facts=row.facts if number == 0 else {},
        )
        for number, (what, name, before, after) in enumerate(things)
    ]


def word_of(name: str) -> str:
    """StartWalkTest -> start-walk-test."""
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name).removeprefix("-")


def said(change: Change) -> str:
    """The facts of a row as one line of JSON."""
    return json.dumps(change.facts, ensure_ascii=False, separators=(",", ":"), default=str)


def _things(decision: Decision) -> Iterator[tuple[type[Kept], str, Kept | None, Kept | None]]:
    for before, item in zip(decision.kept_before, decision.kept, strict=True):
        what = item.what if isinstance(item, Forgotten) else type(item)
        after = None if isinstance(item, Forgotten) else item
        if not issubclass(what, _ENGINES_OWN) and before != after:
            yield what, item.id, before, after


def _folders(site: Site, what: type[Kept], name: str, before: Kept | None) -> Kept | None:
    """What an entry of the book lay over, where there was none before."""
    return before if before is not None or what is not BookEntry else entry_of_folder(site.file, name)


def _json(item: Kept | None) -> str | None:
    if item is None:
        return None
    adapter = _ADAPTERS.get(type(item)) or _ADAPTERS.setdefault(type(item), TypeAdapter(type(item)))
    return _cut(adapter.dump_json(item).decode(), BODY_CHARACTERS_MAX)


def _facts(command: Command) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for each in dataclasses.fields(command):
        value = getattr(command, each.name)
        if isinstance(value, Sequence) and not isinstance(value, str):
            named = all(isinstance(one, str) for one in value) and len(value) <= 50
            facts[each.name] = _cut(", ".join(value), FACT_CHARACTERS_MAX) if named else f"{len(value)} of them"
        elif value is None or isinstance(value, bool | int | float):
            facts[each.name] = value
        else:
            facts[each.name] = _cut(str(value), FACT_CHARACTERS_MAX)
    return facts


def _target(command: Command) -> str:
    """What a command names: the incident before the device before the rest."""
    for name in ("incident", "device", "target", "drill", "absence", "disablement", "walk_test", "person"):
        if isinstance(value := getattr(command, name, None), str):
            return f"{word_of(name.replace('_', '-'))}:{value}"
    return word_of(type(command).__name__)


def _building(command: Command, decision: Decision, site: Site) -> str | None:
    device = site.devices.get(getattr(command, "device", None) or "")
    if device is not None:
        return device.place.building
    touched = {incident.building for incident in decision.incidents}
    return touched.pop() if len(touched) == 1 else None


def _place_of(site: Site, *items: Kept | None) -> str | None:
    for item in items:
        if isinstance(building := getattr(item, "building", None), str):
            return building
        if (device := site.devices.get(getattr(item, "device", ""))) is not None:
            return device.place.building
    return None


def _cut(text: str, at_most: int) -> str:
    return text if len(text) <= at_most else f"{text[: at_most - 1]}…"
