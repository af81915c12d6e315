"""What people, teams, grid and buildings refer to among each other: all of a site that may change while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from config.document import Document, Key
from config.peoplecheck import check_people, people_references
from config.site import SiteFile

Path = tuple[Key, ...]


def check_roll(file: SiteFile, document: Document) -> None:
    """Note what is wrong with people, teams, posts and plans: all that may be, once the installation was checked."""
    ids = {
        "cell": ids_of("grid", file.grid, document),
        "person": ids_of("people", file.people, document),
        "team": ids_of("teams", file.teams, document),
        "building": ids_of("buildings", file.buildings, document),
        "channel": set(file.channels),
    }
    for path, kind, wanted in (*roll_references(file), *people_references(file)):
        if kind in ids and wanted not in ids[kind]:
            document.mistake(path, repr(wanted), known(kind, ids[kind]))
    for i, gateway in enumerate(file.gateways):
        for j, bus in enumerate(gateway.buses):
            for k, device in enumerate(bus.devices):
                contractor = device.lift.contractor if device.lift is not None else None
                if contractor is not None and contractor not in ids["person"]:
                    path = ("gateways", i, "buses", j, "devices", k, "lift", "contractor")
                    document.mistake(path, repr(contractor), known("person", ids["person"]))
    check_grid(file, document)
    check_people(file, document)
    check_teams(file, document)


def roll_references(file: SiteFile) -> Iterator[tuple[Path, str, str]]:
    """Every id that the grid, people, teams, contacts and buildings refer to: where, what kind, which."""
    for i, cell in enumerate(file.grid):
        yield ("grid", i, "person"), "person", cell.person
        if cell.parent is not None:
            yield ("grid", i, "parent"), "cell", cell.parent
    for i, person in enumerate(file.people):
        for j, address in enumerate(person.channels):
            yield ("people", i, "channels", j, "channel"), "channel", address.channel
    for i, team in enumerate(file.teams):
        yield ("teams", i, "leader"), "person", team.leader
        for j, member in enumerate(team.members):
            yield ("teams", i, "members", j), "person", member
    for i, person_id in enumerate(file.contacts):
        yield ("contacts", i), "person", person_id
    for i, building in enumerate(file.buildings):
        yield ("buildings", i, "cell"), "cell", building.cell
        if building.manager is not None:
            yield ("buildings", i, "manager"), "person", building.manager
        if building.team is not None:
            yield ("buildings", i, "team"), "team", building.team
        for j, neighbour in enumerate(building.neighbours):
            yield ("buildings", i, "neighbours", j), "building", neighbour


def ids_of(section: str, items: Iterable[Any], document: Document) -> set[str]:
    """The ids of a section; a repeated one is a mistake, as is one that differs only by case (Sparkplug advises)."""
    seen: dict[str, str] = {}
    for i, item in enumerate(items):
        other = seen.get(item.id.casefold())
        if other is not None:
            document.mistake((section, i, "id"), repr(item.id), f"an id of its own; {other!r} stands above")
        seen.setdefault(item.id.casefold(), item.id)
    return {item.id for item in items}


def known(kind: str, ids: set[str]) -> str:
    """The expectation of an id of this kind."""
    some = ", ".join(sorted(ids)[:8]) + (", …" if len(ids) > 8 else "")
    return f"the id of a {kind} of this site ({some or 'there is none'})"


def check_grid(file: SiteFile, document: Document) -> None:
    """Note cells and buildings of the wrong level."""
    levels = {cell.id: cell.level for cell in file.grid}
    for i, cell in enumerate(file.grid):
        if cell.level == 1 and cell.parent is not None:
            document.mistake(("grid", i, "parent"), repr(cell.parent), "no parent on level 1")
        elif cell.level > 1 and cell.parent is None:
            document.mistake(("grid", i), "no parent", f"the level-{cell.level - 1} cell it belongs to")
        elif cell.parent is not None and levels.get(cell.parent, cell.level - 1) != cell.level - 1:
            found = f"{cell.parent!r} of level {levels[cell.parent]}"
            document.mistake(("grid", i, "parent"), found, f"a cell of level {cell.level - 1}")
    for i, building in enumerate(file.buildings):
        if levels.get(building.cell, 3) != 3:
            found = f"{building.cell!r} of level {levels[building.cell]}"
            document.mistake(("buildings", i, "cell"), found, "a cell of level 3")


def check_teams(file: SiteFile, document: Document) -> None:
    """Note teams with nobody to call."""
    for i, team in enumerate(file.teams):
        if not team.members:
            document.mistake(("teams", i), "a team of its leader alone", "members to call", warning=True)
