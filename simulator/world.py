"""The seeded truth about a community: what burns, leaks and moves, and what its devices would answer right now.

Time goes in ticks of 50 ms, and chance comes from the seed alone: the same site, seed and actions at the same times
give the same registers, however the ticks are grouped.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from config.site import Device, Place, Site
from simulator import models
from simulator.actions import (
    Action,
    Clear,
    Discharge,
    Entrap,
    Force,
    Ignite,
    Leak,
    Puff,
    Refill,
    Release,
    Rescue,
    Weather,
)
from simulator.models import Panel, Registers
from simulator.things import (
    DISABLED_BIT,
    FAULT_BIT,
    FIRE_BIT,
    HEAT_K_PER_DB_M,
    NORMAL_BIT,
    SUPERVISORY_BIT,
    Air,
    Head,
    Lift,
    Vessel,
    with_forced,
)

TICK_S = 0.05
DAY_S = 86400.0
DAY_SWING_K = 3.0
NOISE_DB_M = 0.002
EXTINGUISHER_KPA, HYDRANT_KPA = 1200.0, 320.0
SAMPLE_PERIOD_S = 30  # an EP-1 runs on a battery
SIMULATED_PROFILES = frozenset(
    {"sm-1", "fp-1", "ep-1", "pressure-transmitter-a", "pressure-transmitter-b", "le-1", "lift-box"}
)

Thing = Head | Panel | Vessel | Lift
Key = tuple[str, int | None]  # device id, and the number of a panel's detector
T = TypeVar("T", Head, Vessel, Lift)


class Impossible(ValueError):
    """An action that this world cannot do; str() says why. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Event:
    """A state word of a device (or of a panel's detector) has changed, at this world time."""

    at_s: float
    device: str
    detector: int | None
    before: int
    word: int


class World:
    """A site's buildings and devices. A device whose profile is not in SIMULATED_PROFILES is not there."""

    def __init__(self, site: Site, seed: int) -> None:
        self._random = random.Random(seed)
        self._ticks = 0
        self._outdoors_c = 18.0
        self._devices = {d.id: d for d in site.devices.values() if d.profile in SIMULATED_PROFILES}
        self._air = {building.id: Air(building.floors) for building in site.buildings.values()}
        self._places: dict[Key, Place] = {}
        self._things: dict[Key, Thing] = {}
        for device in self._devices.values():
            self._install(device)
        self._words = {key: thing.word for key, thing in self._things.items()}
        self._settle(0.0)

    @property
    def now_s(self) -> float:
        """World time in seconds since its beginning."""
        return self._ticks * TICK_S

    @property
    def devices(self) -> frozenset[str]:
        """The ids of the devices that are simulated."""
        return frozenset(self._devices)

    def advance(self, to_s: float) -> list[Event]:
        """Let time pass up to the last whole tick before `to_s`; returns what changed, in order."""
        events: list[Event] = []
        while (self._ticks + 1) * TICK_S <= to_s + 1e-9:
            self._ticks += 1
            for air in self._air.values():
                air.step(TICK_S)
            events += self._settle(TICK_S)
        return events

    def act(self, action: Action) -> list[Event]:
        """Do something now; returns what it changed at once. Raises Impossible."""
        match action:
            case Ignite():
                air = self._air_of(action.building)
                if not 1 <= action.floor <= air.floors:
                    raise Impossible(f"building {action.building!r} has floors 1 to {air.floors}")
                air.ignite((action.floor, action.flat), action.pace)
            case Clear():
                self._air_of(action.building).clear(action.pace)
            case Puff():
                head = self._find(action.device, action.detector, Head)
                head.puff_db_m, head.puff_until_s = action.obscuration_db_m, self.now_s + action.for_s
            case Discharge():
                self._find(action.device, None, Vessel).discharge(action.to_kpa, action.over_s)
            case Leak():
                self._find(action.device, None, Vessel).leak_kpa_s = action.kpa_per_day / DAY_S
            case Refill():
                self._find(action.device, None, Vessel).refill()
            case Entrap():
                self._find(action.device, None, Lift).entrap(action.between, action.alarm_button)
            case Rescue():
                self._find(action.device, None, Lift).rescue()
            case Force():
                until_s = math.inf if action.for_s is None else self.now_s + action.for_s
                self._thing(action.device, action.detector).forced[action.bit] = (action.value, until_s)
            case Release():
                for thing in self._things_of(action.device):
                    thing.forced.clear()
            case Weather():
                self._outdoors_c = action.temperature_c
        return self._settle(0.0)

    def registers(self, device: str) -> Registers:
        """What the device's tables hold right now."""
        installed = self._devices[device]
        thing = self._things[device, None]
        match installed.profile, thing:
            case "sm-1", Head():
                return models.sm_1(thing, self.now_s)
            case "fp-1", Panel():
                return models.fp_1(thing, self.now_s)
            case "ep-1", Vessel():
                return models.ep_1(thing, self.now_s % SAMPLE_PERIOD_S)
            case "pressure-transmitter-a", Vessel():
                return models.pressure_transmitter_a(thing, installed.unit)
            case "pressure-transmitter-b", Vessel():
                return models.pressure_transmitter_b(thing, installed.unit)
            case "le-1", Lift():
                return models.le_1(thing, self.now_s)
            case "lift-box", Lift():
                return models.lift_box(thing)
        raise AssertionError(f"{installed.profile} is simulated, but by nothing")

    def _install(self, device: Device) -> None:
        self._places[device.id, None] = device.place
        thing: Thing
        match device.profile:
            case "sm-1":
                thing = self._new_head()
            case "fp-1":
                heads = {detector.number: self._new_head() for detector in device.detectors}
                thing = Panel(heads)
                for detector in device.detectors:
                    self._places[device.id, detector.number] = detector.place
                    self._things[device.id, detector.number] = heads[detector.number]
            case "le-1" | "lift-box":
                thing = Lift(self._air[device.place.building].floors)
            case "ep-1":
                charge = EXTINGUISHER_KPA + self._random.uniform(-20, 20)
                thing = Vessel(EXTINGUISHER_KPA, gas=True, at_20c_kpa=charge)
            case _:
                thing = Vessel(HYDRANT_KPA, gas=False, at_20c_kpa=HYDRANT_KPA)
        self._things[device.id, None] = thing  # a panel stands behind its detectors: it sums them up

    def _new_head(self) -> Head:
        return Head(drift_percent=self._random.randrange(5, 40))

    def _settle(self, dt_s: float) -> list[Event]:
        """Let every thing take in what surrounds it; returns the words that changed."""
        events: list[Event] = []
        for key, thing in self._things.items():
            place = self._places[key]
            match thing:
                case Head():
                    noise = self._random.uniform(0, NOISE_DB_M)
                    smoke = self._air[place.building].at((place.floor, place.flat))
                    thing.sense(smoke + noise, self._temperature_c(place), self.now_s)
                case Vessel():
                    thing.step(dt_s, self._temperature_c(place), self.now_s)
                case Lift():
                    thing.step(dt_s, self._random.random(), self.now_s)
                case Panel():
                    self._sum_up(thing, any(event.device == key[0] for event in events))
            if thing.word != self._words[key]:
                events.append(Event(self.now_s, *key, self._words[key], thing.word))
                self._words[key] = thing.word
        return events

    def _sum_up(self, panel: Panel, changed: bool) -> None:
        heads = panel.heads.values()
        word = 1 << NORMAL_BIT
        word |= any(head.has(FIRE_BIT) for head in heads) << FIRE_BIT
        word |= any(head.in_trouble for head in heads) << FAULT_BIT
        word |= any(head.has(DISABLED_BIT) for head in heads) << DISABLED_BIT
        word |= any(head.has(SUPERVISORY_BIT) for head in heads) << SUPERVISORY_BIT
        panel.word = with_forced(word, panel.forced, self.now_s)
        panel.changes += changed

    def _temperature_c(self, place: Place) -> float:
        smoke = self._air[place.building].at((place.floor, place.flat))
        swing = DAY_SWING_K * math.sin(2 * math.pi * self.now_s / DAY_S)
        return self._outdoors_c + swing + HEAT_K_PER_DB_M * smoke

    def _air_of(self, building: str) -> Air:
        if building not in self._air:
            raise Impossible(f"no building {building!r}; there is {', '.join(self._air)}")
        return self._air[building]

    def _thing(self, device: str, detector: int | None) -> Thing:
        if (device, detector) not in self._things:
            what = f"detector {detector} of " if detector is not None else ""
            raise Impossible(f"no {what}device {device!r}; there is {', '.join(sorted(self._devices))}")
        return self._things[device, detector]

    def _find(self, device: str, detector: int | None, kind: type[T]) -> T:
        thing = self._thing(device, detector)
        if not isinstance(thing, kind):
            raise Impossible(f"{device!r} is a {type(thing).__name__.lower()}, not a {kind.__name__.lower()}")
        return thing

    def _things_of(self, device: str) -> Iterator[Thing]:
        self._thing(device, None)
        yield from (thing for (owner, _), thing in self._things.items() if owner == device)
