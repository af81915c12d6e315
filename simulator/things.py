"""How one thing behaves: the air of a building, a smoke head, a pressure vessel, an elevator car.

Plain physics by difference equations, coarse but of the right sign and order. `step(dt_s)` is the only passage of time.
Chance comes in as a number between 0 and 1; nothing here draws one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Zone = tuple[int, str]  # floor and flat; flat "" is the stairwell on that floor
Forced = dict[int, tuple[int, float]]  # bit of a state word -> what it is held at, and until which world time

GROWTH_DB_M_S2 = 0.0002  # a smouldering kitchen fire: 0.15 dB/m in its flat after some 40 s
GROWTH_DB_M_S = 0.05  # and no faster than this
DOOR_PER_S = 0.03  # exchange between a flat and its stairwell, door ajar
RISE_PER_S = 0.06  # stairwell to the next floor up
DRAUGHT_PER_S = 0.002  # what leaks out everywhere
WINDOWS_PER_S = 0.12  # with the windows open
HEAT_K_PER_DB_M = 15.0  # warm smoke: a crude proportion


@dataclass(slots=True)
class Air:
    """The smoke in a building's flats and stairwell, dB/m above clean air."""

    floors: int
    pace: float = 1.0
    smoke: dict[Zone, float] = field(default_factory=dict)
    fires: dict[Zone, float] = field(default_factory=dict)  # zone -> seconds it has burnt
    windows_open: bool = False

    def ignite(self, zone: Zone, pace: float) -> None:
        """A fire starts; the windows are shut."""
        self.fires.setdefault(zone, 0.0)
        self.pace, self.windows_open = pace, False

    def clear(self, pace: float) -> None:
        """The fire is out and the smoke leaves."""
        self.fires.clear()
        self.pace, self.windows_open = pace, True

    def at(self, zone: Zone) -> float:
        """Smoke of a zone in dB/m."""
        return self.smoke.get(zone, 0.0)

    def step(self, dt_s: float) -> None:
        """Burn, mix between flat and stairwell, rise, leak. An idle building costs nothing."""
        if not self.fires and not self.smoke:
            return
        dt = dt_s * self.pace
        for zone in self.fires:
            self.fires[zone] += dt
            self.smoke[zone] = self.at(zone) + min(GROWTH_DB_M_S2 * self.fires[zone], GROWTH_DB_M_S) * dt
        for floor, flat in list(self.smoke):
            if flat:  # one that burns or burnt; its neighbours' doors are shut
                flow = (self.at((floor, flat)) - self.at((floor, ""))) * DOOR_PER_S * dt
                self._move((floor, flat), (floor, ""), flow)
        for floor in range(self.floors - 1, 0, -1):
            flow = (self.at((floor, "")) - self.at((floor + 1, ""))) * RISE_PER_S * dt
            if flow > 0:
                self._move((floor, ""), (floor + 1, ""), flow)
        kept = math.exp(-(WINDOWS_PER_S if self.windows_open else DRAUGHT_PER_S) * dt)
        self.smoke = {zone: value * kept for zone, value in self.smoke.items() if zone in self.fires or value > 1e-4}

    def _move(self, source: Zone, target: Zone, amount: float) -> None:
        self.smoke[source] = self.at(source) - amount
        self.smoke[target] = self.at(target) + amount


PRE_ALARM_DB_M, PRE_ALARM_CLEAR_DB_M = 0.08, 0.06
FIRE_DB_M, FIRE_CLEAR_DB_M = 0.15, 0.10  # within GB 4715's 0.05 to 0.3 for a photoelectric head
NORMAL_BIT, FIRE_BIT, FAULT_BIT, DISABLED_BIT, SUPERVISORY_BIT, PRE_ALARM_BIT = 0, 1, 2, 3, 4, 9
TROUBLE_BITS = (FAULT_BIT, 8, 10, 11, 12, 15)  # fault, power, dirty 1 and 2, removed, not present


@dataclass(slots=True)
class Head:
    """A smoke head. It does not latch: its state word follows the smoke, with a little hysteresis."""

    drift_percent: int
    obscuration_db_m: float = 0.0
    temperature_c: float = 20.0
    word: int = 1 << NORMAL_BIT
    alarm_count: int = 0
    puff_db_m: float = 0.0
    puff_until_s: float = 0.0
    forced: Forced = field(default_factory=dict)

    def sense(self, smoke_db_m: float, temperature_c: float, now_s: float) -> None:
        """Take in the air and judge it."""
        puff = self.puff_db_m if now_s < self.puff_until_s else 0.0
        self.obscuration_db_m = max(0.0, smoke_db_m + puff)
        self.temperature_c = temperature_c
        was_fire, was_pre = self.has(FIRE_BIT), self.has(PRE_ALARM_BIT)
        fire = self.obscuration_db_m >= (FIRE_CLEAR_DB_M if was_fire else FIRE_DB_M)
        pre_alarm = self.obscuration_db_m >= (PRE_ALARM_CLEAR_DB_M if was_pre else PRE_ALARM_DB_M)
        word = 1 << NORMAL_BIT | fire << FIRE_BIT | (pre_alarm and not fire) << PRE_ALARM_BIT
        self.word = with_forced(word, self.forced, now_s)
        if self.has(FIRE_BIT) and not was_fire:
            self.alarm_count += 1

    def has(self, bit: int) -> bool:
        """Whether a bit of the state word is set."""
        return bool(self.word >> bit & 1)

    @property
    def in_trouble(self) -> bool:
        """Any bit that a panel counts as a fault."""
        return any(self.has(bit) for bit in TROUBLE_BITS)


def with_forced(word: int, forced: Forced, now_s: float) -> int:
    """The word with its forced bits; those whose time is over are forgotten."""
    for bit in [bit for bit, (_, until_s) in forced.items() if now_s >= until_s]:
        del forced[bit]
    for bit, (value, _) in forced.items():
        word = word & ~(1 << bit) | value << bit
    return word


ATMOSPHERE_KPA = 101.3
LOW_KPA, LOW_CLEAR_KPA, HIGH_KPA, HIGH_CLEAR_KPA = 1000.0, 1030.0, 1400.0, 1370.0
LOW_BIT, HIGH_BIT, LEAK_BIT = 1, 2, 3


@dataclass(slots=True)
class Vessel:
    """An extinguisher (gas: its pressure follows the temperature) or a water pipe (it does not)."""

    nominal_kpa: float
    gas: bool
    at_20c_kpa: float
    temperature_c: float = 20.0
    target_kpa: float | None = None
    fall_kpa_s: float = 0.0
    leak_kpa_s: float = 0.0
    word: int = 0
    forced: Forced = field(default_factory=dict)

    def discharge(self, to_kpa: float, over_s: float) -> None:
        """Begin to lose pressure; over 0 s, at once."""
        if over_s <= 0:
            self.at_20c_kpa = min(self.at_20c_kpa, to_kpa)
            return
        self.target_kpa = to_kpa
        self.fall_kpa_s = max(0.0, self.at_20c_kpa - to_kpa) / over_s

    def refill(self) -> None:
        """Charged again, tight again."""
        self.at_20c_kpa, self.target_kpa, self.leak_kpa_s = self.nominal_kpa, None, 0.0

    def step(self, dt_s: float, temperature_c: float, now_s: float) -> None:
        """Lose what is being lost, take the temperature, judge."""
        self.temperature_c = temperature_c
        if self.target_kpa is not None:
            self.at_20c_kpa = max(self.target_kpa, self.at_20c_kpa - self.fall_kpa_s * dt_s)
            if self.at_20c_kpa <= self.target_kpa:
                self.target_kpa = None
        self.at_20c_kpa = max(0.0, self.at_20c_kpa - self.leak_kpa_s * dt_s)
        low = self.at_20c_kpa < (LOW_CLEAR_KPA if self.word >> LOW_BIT & 1 else LOW_KPA)
        high = self.at_20c_kpa > (HIGH_CLEAR_KPA if self.word >> HIGH_BIT & 1 else HIGH_KPA)
        word = low << LOW_BIT | high << HIGH_BIT | (self.leak_kpa_s > 0) << LEAK_BIT
        self.word = with_forced(word, self.forced, now_s)

    @property
    def pressure_kpa(self) -> float:
        """Gauge pressure: for gas by the law of Gay-Lussac, at constant volume."""
        if not self.gas:
            return self.at_20c_kpa
        absolute = (self.at_20c_kpa + ATMOSPHERE_KPA) * (self.temperature_c + 273.15) / 293.15
        return max(0.0, absolute - ATMOSPHERE_KPA)


CAR_M_S, FLOOR_M = 0.63, 2.8
DOOR_S, OPEN_S = 2.0, 4.0
STANDING, OPENING, OPEN, CLOSING, RUNNING, TRAPPED = "standing", "opening", "open", "closing", "running", "trapped"
AT_LEVEL_BIT, BETWEEN_BIT, POWER_LOSS_BIT, SAFETY_CIRCUIT_BIT, CAR_CALL_BIT = 0, 1, 11, 12, 13


@dataclass(slots=True)
class Lift:
    """A car that makes trips: stands, runs, opens, waits, closes."""

    floors: int
    floor: float = 1.0  # between two floors while it runs
    phase: str = STANDING
    left_s: float = 5.0  # how long this phase still lasts; running ends by arrival
    target: int = 1
    person: bool = False
    alarm_button: bool = False
    trips: int = 0
    door_cycles: int = 0
    run_s: float = 0.0
    events: int = 0
    word: int = 0
    forced: Forced = field(default_factory=dict)

    def entrap(self, between: bool, alarm_button: bool) -> None:
        """The car stops with somebody inside and its door shut."""
        level = min(max(1, math.floor(self.floor)), max(1, self.floors - 1))
        self.floor = level + 0.5 if between else float(level)
        self.phase, self.person, self.alarm_button = TRAPPED, True, alarm_button

    def rescue(self) -> None:
        """The car is brought to the floor below and opened."""
        self.floor = float(math.floor(self.floor))
        self.phase, self.left_s, self.alarm_button = OPENING, DOOR_S, False

    def step(self, dt_s: float, chance: float, now_s: float) -> None:
        """Move on; `chance` decides where to and for how long, when there is something to decide."""
        self.left_s -= dt_s
        if self.phase == RUNNING:
            self._run(dt_s)
        elif self.left_s <= 0 and self.phase != TRAPPED:
            self._next(chance)
        word = self.alarm_button << CAR_CALL_BIT
        if self.phase == TRAPPED:
            word |= 1 << (AT_LEVEL_BIT if self.level else BETWEEN_BIT)
        word = with_forced(word, self.forced, now_s)
        if word != self.word:
            self.events += 1
        self.word = word

    def _run(self, dt_s: float) -> None:
        self.run_s += dt_s
        way = CAR_M_S / FLOOR_M * dt_s
        if abs(self.target - self.floor) <= way:
            self.floor, self.phase, self.left_s = float(self.target), OPENING, DOOR_S
        else:
            self.floor += math.copysign(way, self.target - self.floor)

    def _next(self, chance: float) -> None:
        if self.phase == OPENING:
            self.phase, self.left_s = OPEN, OPEN_S
        elif self.phase == OPEN:
            self.phase, self.left_s, self.person = CLOSING, DOOR_S, False
        elif self.phase == CLOSING:
            self.phase, self.left_s = STANDING, 5.0 + 25.0 * chance
            self.door_cycles += 1
        elif self.floors > 1:  # standing: somebody wants to go to another floor
            step = 1 + int(chance * (self.floors - 1))
            self.target = (round(self.floor) - 1 + step) % self.floors + 1
            self.phase, self.person = RUNNING, True
            self.trips += 1

    @property
    def level(self) -> bool:
        """Level with a floor."""
        return abs(self.floor - round(self.floor)) < 0.01

    @property
    def direction(self) -> int:
        """+1 up, -1 down, 0 not moving."""
        if self.phase != RUNNING:
            return 0
        return 1 if self.target > self.floor else -1

    @property
    def speed_m_s(self) -> float:
        """Speed with its sign: up is positive."""
        return CAR_M_S * self.direction
