"""What the board shows of a community, to somebody who sees some of its buildings: facts only, for the templates.

Everything is bounded: what is not listed is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.measures import Disablement, Untils, WalkTest, untils
from collector.alarms.route import Mode
from collector.alerter.models import ConditionShown, IncidentShown, ResponseShown
from collector.alerter.view import View
from collector.calls.drill import Drill
from collector.calls.reach import Fault, Reached, fault_of
from collector.calls.roster import members
from collector.engine import Engine
from collector.messages.sounds import Sound, sound_of_incident
from config.people import Team
from config.profile import Condition, Kind
from config.site import Building, Site
from config.words import SYSTEM

CARDS_MAX = 24  # loud incidents in full
ROWS_MAX = 40  # of each list
NAMES_UP_TO = 60  # buildings; on a larger schematic a tile has the number of its building only
SPOTS_ACROSS = 200  # radii of a building on the map, in its width
TEAMS_UP_TO = 12  # are listed; of more teams only those that somebody has to look after
LOUD = (Condition.ALARM, Condition.PRE_ALARM)
PRESENT = (Phase.ACTIVE, Phase.ACKNOWLEDGED)
# What a building is, the first that is true; each has a colour, a symbol and a word of this name.
STATES = ("alarm", "pre-alarm", "supervisory", "trouble", "disabled", "test", "unheard", "normal")
_CLASS_RANK = {condition: rank for rank, condition in enumerate(Condition)}
_KIND_RANK = {kind: rank for rank, kind in enumerate(Kind)}
_BESIDE = {Mode.DISABLED: "disabled", Mode.WALK_TEST: "test", Mode.DRILL: "test"}
_NUMBER = re.compile(r"\d+(?!.*\d)")


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
class Tile:
    """A building on the schematic or map. `words`: all that is so there, `mark`: the symbol of the first of them.

    `x`, `y`: where it stands on the site's map, in the map's units; None without a map.
    """

    id: str
    name: str
    label: str
    state: str
    mark: str
    words: tuple[str, ...]
    x: int | None = None
    y: int | None = None


@dataclass(frozen=True, slots=True)
class CellTiles:
    """The buildings of one grid cell."""

    id: str
    name: str
    tiles: tuple[Tile, ...]
    spot: int = 0  # radius of a building on the map, in the map's units


@dataclass(frozen=True, slots=True)
class OnDuty:
    """A team as it stands now. `people`: a name each, and why they may not be reached, None if nothing is known."""

    id: str
    name: str
    people: tuple[tuple[str, Fault | None], ...]
    away: int

    @property
    def well(self) -> bool:
        """True if somebody is on duty of whom no failure is known."""
        return any(fault in (None, Fault.NO_PROOF) for _, fault in self.people)


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is not as usual and ends: `word` is its badge, `text` what, `who` and `why` as they were said."""

    word: str
    name: str
    ends_at: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole board."""

    loud: list[Card]
    loud_more: int
    quiet: list[Card]
    quiet_more: int
    beside: list[Card]
    drills: list[Card]
    measures: list[Measure]
    measures_more: int
    cells: list[CellTiles]
    numbered: bool  # the tiles have numbers, not names
    states: Mapping[str, int]
    teams: list[OnDuty]
    teams_well: int  # not listed
    teams_more: int  # not listed either, and to be looked after
    system: list[ConditionShown]
    gateways_heard: int
    gateways: int
    online: int
    installed: int


def card_of(incident: IncidentShown) -> Card:
    """Worst condition first, people by what they said."""
    conditions = sorted(
        incident.conditions,
        key=lambda each: (each.phase is Phase.NORMAL, _CLASS_RANK[each.condition], each.phase not in PRESENT),
    )
    said = {answer: [each for each in incident.responses if each.answer is answer] for answer in Answer}
    return Card(
        incident=incident,
        conditions=conditions,
        since=incident.cause_at,
        present=any(each.phase in PRESENT for each in conditions),
        arrived=said[Answer.ARRIVED],
        going=said[Answer.GOING],
        cannot=said[Answer.CANNOT],
    )


def overview(view: View, engine: Engine, sees: Callable[[str], bool], now: int) -> Overview:
    """What somebody sees who `sees` these buildings ("": the community as a whole). `now` is UTC ms."""
    site = view.site
    mine = [each for each in engine.incidents.values() if sees(each.building) or each.building not in site.buildings]
    mine.sort(key=lambda each: _urgency(each, engine.alarms))
    live = [each for each in mine if each.route.mode is Mode.LIVE]
    loud = [each for each in live if _worst(each, engine.alarms) in LOUD]
    quiet = [each for each in live if _worst(each, engine.alarms) not in LOUD]

    def cards(incidents: Iterable[Incident], at_most: int) -> list[Card]:
        return [card_of(view.incident(each, engine.alarms)) for each in islice(incidents, at_most)]

    aside = untils(site, engine.kept(Disablement).values(), engine.kept(WalkTest).values())
    cells = _cells(view, engine, sees, aside)
    measures = sorted(_measures(view, engine, sees), key=lambda each: each.ends_at)
    teams = [_on_duty(site, engine, team, now) for team in _teams(site, sees)]
    listed = teams if len(teams) <= TEAMS_UP_TO else [team for team in teams if not team.well][:TEAMS_UP_TO]
    unlisted = teams if len(teams) > TEAMS_UP_TO else []
    online, installed = _heard(engine, sees, site)
    return Overview(
        loud=cards(loud, CARDS_MAX),
        loud_more=max(0, len(loud) - CARDS_MAX),
        quiet=cards(quiet, ROWS_MAX),
        quiet_more=max(0, len(quiet) - ROWS_MAX),
        beside=cards((each for each in mine if each.route.mode in (Mode.DISABLED, Mode.WALK_TEST)), ROWS_MAX),
        drills=cards((each for each in mine if each.route.mode is Mode.DRILL), ROWS_MAX),
        measures=measures[:ROWS_MAX],
        measures_more=max(0, len(measures) - ROWS_MAX),
        cells=cells,
        numbered=len(site.buildings) > NAMES_UP_TO,
        states=Counter(tile.state for cell in cells for tile in cell.tiles),
        teams=listed,
        teams_well=sum(team.well for team in unlisted),
        teams_more=max(0, sum(not team.well for team in unlisted) - len(listed)),
        system=[view.condition(each) for each in _of_the_system(site, engine.alarms.values())][:ROWS_MAX],
        gateways_heard=sum(1 for each in site.gateways if (known := engine.gateways.get(each)) and known.online),
        gateways=len(site.gateways),
        online=online,
        installed=installed,
    )


def _worst(incident: Incident, alarms: Mapping[str, Alarm]) -> Condition:
    held = [known.condition for key in incident.alarms if (known := alarms.get(key)) is not None]
    return min(held or [incident.condition], key=_CLASS_RANK.__getitem__)


def _urgency(incident: Incident, alarms: Mapping[str, Alarm]) -> tuple[bool, int, int, str]:
    present = any((known := alarms.get(key)) is not None and known.source_active for key in incident.alarms)
    return not present, _KIND_RANK[incident.kind], incident.cause_at_ms, incident.id


def _of_the_system(site: Site, alarms: Iterable[Alarm]) -> Iterable[Alarm]:
    """What Callpoint itself lacks: a channel, the store, the broker, a gateway."""
    return (each for each in alarms if (each.device == SYSTEM or each.device in site.gateways) and each.source_active)


# --- buildings ----------------------------------------------------------------------------------------


def _cells(view: View, engine: Engine, sees: Callable[[str], bool], aside: Untils) -> list[CellTiles]:
    site = view.site
    held, marks = _held(site, engine, aside)
    unheard = _unheard(site, engine)
    drawn, numbers = site.community.map, len(site.buildings) > NAMES_UP_TO
    spot = 0 if drawn is None else max(3, drawn.width // SPOTS_ACROSS)
    grouped: dict[str, list[Tile]] = {}
    for building in site.buildings.values():
        if not sees(building.id):
            continue
        words = held.get(building.id, set()) or ({"unheard"} if building.id in unheard else {"normal"})
        ordered = tuple(state for state in STATES if state in words)
        mark = marks.get(building.id, ordered[0]) if ordered[0] == "alarm" else ordered[0]
        x, y = (None, None) if drawn is None else drawn.spot(building.latitude, building.longitude)
        tile = Tile(building.id, building.name, _label(building, numbers), ordered[0], mark, ordered, x, y)
        grouped.setdefault(building.cell, []).append(tile)
    named = {cell: site.grid[cell].name if cell in site.grid else cell for cell in grouped}
    return [CellTiles(cell, named[cell], tuple(tiles), spot) for cell, tiles in grouped.items()]


def _held(site: Site, engine: Engine, aside: Untils) -> tuple[dict[str, set[str]], dict[str, str]]:
    """What each building is at once, and the kind of its gravest live alarm."""
    held: dict[str, set[str]] = {}
    kinds: dict[str, Kind] = {}
    for alarm in engine.alarms.values():
        if alarm.building == "" or not alarm.condition.is_flag:
            continue
        word = _BESIDE.get(alarm.route.mode, alarm.condition.value)
        held.setdefault(alarm.building, set()).add(word)
        if word == "alarm":
            kinds[alarm.building] = min(kinds.get(alarm.building, alarm.kind), alarm.kind, key=_KIND_RANK.__getitem__)
    for word, devices in (("disabled", aside.disabled_ms), ("test", aside.tested_ms)):
        for device in devices:
            if device in site.devices:
                held.setdefault(site.devices[device].place.building, set()).add(word)
    return held, {building: kind.value for building, kind in kinds.items()}


def _unheard(site: Site, engine: Engine) -> set[str]:
    """Buildings with devices of which none has been heard since the start."""
    heard: set[str] = set()
    waiting: set[str] = set()
    for device in site.devices.values():
        known = engine.devices.get(device.id)
        (waiting if known is None or known.online is None else heard).add(device.place.building)
    return waiting - heard


def _heard(engine: Engine, sees: Callable[[str], bool], site: Site) -> tuple[int, int]:
    """How many devices are heard, of how many."""
    mine = [each.id for each in site.devices.values() if sees(each.place.building)]
    return sum(1 for each in mine if (known := engine.devices.get(each)) and known.online), len(mine)


def _label(building: Building, numbers: bool) -> str:
    if not numbers:
        return building.name
    found = _NUMBER.search(building.name)
    return found[0] if found else building.name[:4]


# --- what ends, and who is there ------------------------------------------------------------------------


def _measures(view: View, engine: Engine, sees: Callable[[str], bool]) -> Iterable[Measure]:
    site = view.site
    for item in engine.kept(Disablement).values():
        if sees(item.building):
            named = site.zones.get(item.target) or site.buildings.get(item.target)
            name = view.where(item.building).building_name
            name = (
                name if named is not None and named.name == name else f"{name} · {named.name if named else item.target}"
            )
            yield Measure("disabled", name, view.stamp(item.until_ms), view.who(item.person).name, item.why)
    for test in engine.kept(WalkTest).values():
        tested = {each.partition(":")[0] for each in test.members}
        places = {site.devices[each].place.building for each in tested if each in site.devices}
        if test.running and (not places or any(map(sees, places))):
            names = ", ".join(view.where(each).building_name for each in sorted(places)[:3])
            yield Measure("walk-test", names, view.stamp(test.until_ms), view.who(test.person).name, "")
    for drill in engine.kept(Drill).values():
        if drill.ended_at_ms is None and any(map(sees, drill.buildings)):
            names = ", ".join(view.where(each).building_name for each in drill.buildings[:3])
            yield Measure("drill", names, view.stamp(drill.ends_at_ms), view.who(drill.person).name, drill.note)


def _teams(site: Site, sees: Callable[[str], bool]) -> list[Team]:
    """The teams of the buildings that somebody sees, and of their neighbours where a building has none."""
    wanted: set[str | None] = set()
    for building in site.buildings.values():
        if sees(building.id):
            near = [site.buildings[each].team for each in building.neighbours if each in site.buildings]
            wanted.update([building.team] if building.team is not None else near)
    return [team for team in site.teams.values() if team.id in wanted]


def _on_duty(site: Site, engine: Engine, team: Team, now: int) -> OnDuty:
    known = engine.kept(Reached)
    people = [each for each in engine.roster.on_duty(team.id, now) if each in site.people]
    named = tuple((site.people[each].name, fault_of(site, known, each, now)) for each in people)
    return OnDuty(team.id, team.name, named, sum(engine.roster.away(each, now) for each in members(team)))
