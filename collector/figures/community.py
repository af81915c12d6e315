"""Figures of the community and its buildings: how many of what are well, and the worst that holds now. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from collector.alarms.alarm import Alarm
from collector.alarms.route import Mode
from collector.calls.reach import Fault, Reached, fault_of
from collector.engine import Engine
from collector.figures.places import name_of_building, of_building
from collector.figures.shapes import CONDITIONS, KINDS, figure, moment_ns, named
from collector.storage.series import Row
from config.profile import Condition, Kind
from config.site import Site

# What a building is, by the worst live condition there; what is beside the call-out counts as tested.
STATES = {
    Condition.DISABLED: 1,
    Condition.TEST: 1,
    Condition.TROUBLE: 2,
    Condition.SUPERVISORY: 3,
    Condition.PRE_ALARM: 4,
    Condition.ALARM: 5,
}
CALM, BESIDE = 0, 1


@dataclass(frozen=True, slots=True)
class Held:
    """The conditions of one building, those of the live road counted by class; `state` as in STATES."""

    state: int
    counts: tuple[int, ...]  # in the order of CONDITIONS
    incidents: int  # open, of the live road


NOTHING = Held(CALM, (0,) * len(CONDITIONS), 0)


def held_by_building(engine: Engine) -> dict[str, Held]:
    """What holds or is latched in each building where anything does; "" is the community as a whole."""
    states: dict[str, int] = defaultdict(int)
    counts: dict[str, Counter[Condition]] = defaultdict(Counter)
    incidents: Counter[str] = Counter()
    for alarm in engine.alarms.values():
        live = alarm.route.mode is Mode.LIVE
        condition = _class_of(alarm)
        if condition in STATES:
            state = STATES[condition] if live else BESIDE
            states[alarm.building] = max(states[alarm.building], state)
            if live:
                counts[alarm.building][condition] += 1
    for incident in engine.incidents.values():
        if incident.route.mode is Mode.LIVE:
            incidents[incident.building] += 1
    return {
        building: Held(states[building], _in_order(counts[building]), incidents[building])
        for building in {*states, *incidents}
    }


def states_of_devices(engine: Engine) -> dict[str, int]:
    """The worst that holds or is latched of each device of which anything does, as in STATES."""
    found: dict[str, int] = {}
    for alarm in engine.alarms.values():
        state = STATES.get(_class_of(alarm), CALM) if alarm.route.mode is Mode.LIVE else BESIDE
        found[alarm.device] = max(found.get(alarm.device, CALM), state)
    return found


def community_row(site: Site, engine: Engine, history_waiting: int, now: int) -> Row:
    """The community as a whole."""
    held = held_by_building(engine)
    live = [each for each in engine.incidents.values() if each.route.mode is Mode.LIVE]
    kinds = Counter(each.kind.value for each in live)
    name = name_of_building(site, "")
    drills = {each.route.id for each in engine.incidents.values() if each.route.mode is Mode.DRILL}
    serving = {person for team in site.teams for person in engine.roster.on_duty(team, now)}
    known = engine.kept(Reached)
    reachable = [each for each in serving if fault_of(site, known, each, now) in (None, Fault.PUSH_GONE)]
    counts = [sum(column) for column in zip(*(each.counts for each in (NOTHING, *held.values())), strict=True)]
    return figure(
        "community",
        moment_ns(now),
        {"group": site.community.id},
        {
            **named(name, site.community.id),
            "board_url": site.plan.board_url,
            "timezone": site.community.timezone,
            "buildings": len(site.buildings),
            "buildings_calm": sum(held.get(each, NOTHING).state == CALM for each in site.buildings),
            "devices": len(site.devices),
            "devices_online": sum(engine.devices[each].online is True for each in site.devices),
            "gateways": len(site.gateways),
            "gateways_online": sum(engine.gateways[each].online is True for each in site.gateways),
            **{f"incidents_{kind}": kinds[kind] for kind in KINDS},
            **{f"conditions_{name}": count for name, count in zip(CONDITIONS, counts, strict=True)},
            "drills_open": len(drills),
            "on_duty": len(serving),
            "reachable": len(reachable),
            "history_waiting": history_waiting,
        },
    )


def building_rows(
    site: Site, engine: Engine, held: Mapping[str, Held], buildings: Iterable[str], now: int
) -> Iterator[Row]:
    """These buildings of the site. `held`: what holds in each, by `held_by_building`."""
    devices: Counter[str] = Counter()
    online: Counter[str] = Counter()
    for device in site.devices.values():
        devices[device.place.building] += 1
        online[device.place.building] += engine.devices[device.id].online is True
    for building in buildings:
        place = site.buildings.get(building)
        if place is None:
            continue
        here = held.get(building, NOTHING)
        yield figure(
            "building",
            moment_ns(now),
            of_building(site, building),
            {
                **named(name_of_building(site, building), building),
                "state": here.state,
                "devices": devices[building],
                "devices_online": online[building],
                **{f"conditions_{name}": count for name, count in zip(CONDITIONS, here.counts, strict=True)},
                "incidents_open": here.incidents,
                "on_duty": len(engine.roster.on_duty(place.team or "", now)),
            },
        )


def _class_of(alarm: Alarm) -> Condition:
    """What people have taken out of the call-out is a supervisory condition itself, and here what it is about."""
    return Condition.DISABLED if alarm.kind is Kind.DISABLEMENT else alarm.condition


def _in_order(counts: Counter[Condition]) -> tuple[int, ...]:
    return tuple(counts[Condition(name.replace("_", "-"))] for name in CONDITIONS)
