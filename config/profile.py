"""Device profiles: one YAML file per device model says which registers become which points.

A profile is data. This module checks it and expands it into `Point`s; it reads no device and no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from config.sparkplug import DataType
from config.wire import Lane

REGISTERS_PER_READ_MAX = 125  # FC03/FC04, Modbus application protocol §6.3
BITS_PER_READ_MAX = 2000  # FC01/FC02, §6.1


class Strict(BaseModel):
    """Every model of a site or profile: unknown keys are mistakes, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(StrEnum):
    """The class of a point. The first six are independent flags of a fire system, never one enum of states."""

    ALARM = "alarm"
    PRE_ALARM = "pre-alarm"
    SUPERVISORY = "supervisory"
    TROUBLE = "trouble"
    DISABLED = "disabled"
    TEST = "test"
    MEASUREMENT = "measurement"
    COUNTER = "counter"
    STATE = "state"

    @property
    def is_flag(self) -> bool:
        """True for the six classes that are conditions, False for plain values."""
        return self not in (Condition.MEASUREMENT, Condition.COUNTER, Condition.STATE)


class Kind(StrEnum):
    """What an incident is about; one is open per building and kind."""

    FIRE = "fire"
    ENTRAPMENT = "entrapment"
    WATER = "water"
    EQUIPMENT = "equipment"
    FAULT = "fault"
    DISABLEMENT = "disablement"  # people have taken something out of the call-out for a time


class Table(StrEnum):
    """The four Modbus tables and so the function code that reads them. There is no word here for writing."""

    COIL = "coil"  # FC01
    DISCRETE = "discrete"  # FC02
    HOLDING = "holding"  # FC03
    INPUT = "input"  # FC04

    @property
    def function_code(self) -> int:
        """The read function code."""
        return {"coil": 1, "discrete": 2, "holding": 3, "input": 4}[self.value]

    @property
    def is_bits(self) -> bool:
        """True where an address is one bit, False where it is one 16-bit register."""
        return self in (Table.COIL, Table.DISCRETE)


RawType = Literal[
    "bit", "uint8_high", "uint8_low", "int8_high", "int8_low", "uint16", "int16", "uint32", "int32", "float32"
]
REGISTERS_OF: dict[str, int] = {"uint32": 2, "int32": 2, "float32": 2}


class Limit(Strict):
    """A limit on a measurement that the collector judges. Hysteresis: it returns only past `clear`."""

    when: Literal["below", "above"]
    value: float
    clear: float
    condition: Condition = Field(alias="class")
    kind: Kind
    text: dict[Literal["en", "zh"], str]

    @model_validator(mode="after")
    def _clear_is_on_the_safe_side(self) -> Self:
        safe = self.clear >= self.value if self.when == "below" else self.clear <= self.value
        if not safe:
            raise ValueError(f"clear {self.clear} lies on the wrong side of value {self.value} for '{self.when}'")
        if not self.condition.is_flag:
            raise ValueError(f"class {self.condition.value} is not a condition, expected alarm, supervisory, trouble…")
        return self


class Initiating(StrEnum):
    """What raises an alarm. Only an automatic detector's is ever verified before everybody is called."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"  # a manual call point: a person pressed it
    CONFIRMED = "confirmed"  # a panel's own judgement of more than one device


class SignalName(StrEnum):
    """What the collector can judge by itself if a profile says where it is found."""

    MOVING = "moving"
    LEVEL = "level"
    DOOR_ZONE = "door_zone"
    DOOR_CLOSED = "door_closed"
    DOOR_OPEN = "door_open"
    DOOR_OPENING = "door_opening"
    PERSON = "person"
    ALARM_KEY = "alarm_key"
    SPEED_M_S = "speed_m_s"
    FLOOR = "floor"
    INSPECTION = "inspection"
    FIREMAN = "fireman"
    OUT_OF_SERVICE = "out_of_service"
    POWER_LOST = "power_lost"
    OVER_TRAVEL = "over_travel"
    TRIPS = "trips"
    DOOR_CYCLES = "door_cycles"
    RUN_TIME_S = "run_time_s"
    ENTRAPMENT_FLAG = "entrapment_flag"
    ALARM_LINK_TEST_AGE_H = "alarm_link_test_age_h"
    OBSCURATION_DB_M = "obscuration_db_m"
    DRIFT_PERCENT = "drift_percent"
    DIRTY_SOON = "dirty_soon"  # the detector's own word: to be cleaned soon
    DIRTY_NOW = "dirty_now"
    LOW_CHAMBER = "low_chamber"
    PRESSURE_KPA = "pressure_kpa"
    TEMPERATURE_C = "temperature_c"
    PRESSURE_AT_20C_KPA = "pressure_at_20c_kpa"  # the device's own compensation
    LEAKING = "leaking"  # the device's own word


class Signal(Strict):
    """Which point says it, as it is; or whether it is so: while the value is one of `codes` or has a bit of `mask`.

    `inverted`: while it is not so.
    """

    point: str
    codes: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    mask: Annotated[int, Field(ge=1, le=0xFFFF)] | None = None
    inverted: bool = False

    @model_validator(mode="after")
    def _asks_one_question(self) -> Self:
        if self.codes is not None and self.mask is not None:
            raise ValueError("codes or mask, not both")
        return self


class Bit(Strict):
    """One bit of a state word as a point of its own."""

    bit: Annotated[int, Field(ge=0, le=15)]
    condition: Condition = Field(alias="class")
    kind: Kind | None = None
    inverted: bool = False  # the condition holds while the bit is 0
    initiating: Initiating = Initiating.AUTOMATIC
    text: dict[Literal["en", "zh"], str]


class Register(Strict):
    """One value of a device: where it is, what it is, how it reads, how often it is asked."""

    table: Table
    address: Annotated[int, Field(ge=0, le=0xFFFF)]  # 0-based, as on the wire; manuals print 40001 for holding 0
    type: RawType = "uint16"
    byte_order: Literal["big", "little"] = "big"
    word_order: Literal["high-first", "low-first"] = "high-first"
    scale: float = 1.0
    offset: float = 0.0
    scale_from: str | None = None  # a register holding the number of decimals: value * 10 ** -decimals
    unit: str | None = None
    unit_from: str | None = None  # a register holding the unit code, looked up in `units`
    units: dict[int, float] | None = None  # unit code -> factor to `unit`; a code that is not here is refused
    no_value: tuple[int, ...] = ()  # raw words that mean "no value"
    values: dict[int, dict[Literal["en", "zh"], str]] | None = None  # what the codes of a state mean
    condition: Condition = Field(default=Condition.MEASUREMENT, alias="class")
    kind: Kind | None = None
    initiating: Initiating = Initiating.AUTOMATIC
    lane: Lane | None = None  # None: alarm for conditions and words with bits, else telemetry
    period_s: Annotated[float, Field(gt=0, le=3600)] | None = None  # None: the bus's fast or slow period by lane
    deadband: Annotated[float, Field(ge=0)] = 0.0
    heartbeat_s: Annotated[float, Field(gt=0, le=86400)] = 60.0
    bits: dict[str, Bit] | None = None
    ignored_bits: int = 0  # a mask of bits that mean nothing here; other undeclared bits are a trouble, quoted
    limits: dict[str, Limit] | None = None
    text: dict[Literal["en", "zh"], str]

    @model_validator(mode="after")
    def _table_fits_type(self) -> Self:
        if self.table.is_bits != (self.type == "bit"):
            raise ValueError(f"type {self.type} cannot be read from table {self.table.value}")
        if self.bits and self.type not in ("uint16", "uint8_high", "uint8_low"):
            raise ValueError(f"bits need a 16-bit word, found type {self.type}")
        if (self.unit_from is None) != (self.units is None):
            raise ValueError("unit_from and units belong together")
        if self.condition.is_flag and self.type != "bit":
            raise ValueError(f"class {self.condition.value} belongs to a bit; declare it under bits")
        return self

    @property
    def registers(self) -> int:
        """How many addresses the value takes."""
        return REGISTERS_OF.get(self.type, 1)

    @property
    def effective_lane(self) -> Lane:
        """The lane that polls and journals this register."""
        if self.lane is not None:
            return self.lane
        return Lane.ALARM if self.condition.is_flag or self.bits else Lane.TELEMETRY


class Profile(Strict):
    """A device model. `points` are its own values; `detector_points` repeat for every detector a panel lists."""

    profile: str
    title: dict[Literal["en", "zh"], str]
    source: str  # which document the figures come from
    category: Literal["fire-panel", "smoke-detector", "pressure", "lift", "other"]
    points: dict[str, Register]
    signals: dict[SignalName, Signal] = {}  # what the collector judges by itself, beside conditions and limits
    detector_points: dict[str, Register] = {}  # address + detector number
    # The obscuration at which the detector itself says fire; GB 4715-2024 §5.7 has 0.05 to 0.3.
    alarm_db_m: Annotated[float, Field(ge=0.05, le=0.6)] = 0.15
    response_timeout_s: Annotated[float, Field(ge=0.1, le=10)] = 0.3
    registers_per_read_max: Annotated[int, Field(ge=1, le=REGISTERS_PER_READ_MAX)] = REGISTERS_PER_READ_MAX
    gap_max: Annotated[int, Field(ge=0, le=64)] = 8  # unread addresses a read may bridge

    @model_validator(mode="after")
    def _points_do_not_overlap(self) -> Self:
        for name, register in self.points.items():
            for other in (register.unit_from, register.scale_from):
                if other is not None and other not in self.points:
                    raise ValueError(f"points.{name} refers to {other!r}, which is not a point of this profile")
        _refuse_overlap(self.points)
        _refuse_overlap(self.detector_points)
        return self

    @model_validator(mode="after")
    def _signals_have_their_points(self) -> Self:
        registers = self.points | self.detector_points  # of a panel's detector the signal is each detector's own
        names = set(registers) | {bit for each in registers.values() for bit in each.bits or {}}
        for signal, source in self.signals.items():
            if source.point not in names:
                raise ValueError(f"signals.{signal.value} names {source.point!r}, which is not a point of this profile")
        return self


class Point:
    """One value of one device, expanded from its profile: what gateway and collector both speak of."""

    __slots__ = ("bit", "condition", "datatype", "detector", "initiating", "kind", "lane", "name", "register", "text")

    def __init__(
        self,
        name: str,
        register: Register,
        *,
        bit: int | None = None,
        condition: Condition,
        kind: Kind | None,
        text: dict[Literal["en", "zh"], str],
        initiating: Initiating = Initiating.AUTOMATIC,
        detector: int | None = None,
    ) -> None:
        self.name = name  # the Sparkplug metric name, e.g. "fire" or "detector/3/fire"
        self.register = register  # its address already holds the detector's offset
        self.bit = bit  # a bit of the register's word, UNKNOWN_BITS, or None for the whole value
        self.condition = condition
        self.kind = kind
        self.text = text
        self.initiating = initiating
        self.detector = detector  # the panel's detector number, None for a point of the device itself
        self.lane = register.effective_lane
        self.datatype = _datatype_of(register, bit)

    def __repr__(self) -> str:
        return f"Point({self.name}, {self.condition.value}, {self.lane.value})"


UNKNOWN_BITS = -1  # Point.bit of "<word>/unknown": the undeclared bits of a word, 0 when there are none
_UNKNOWN_TEXT: dict[Literal["en", "zh"], str] = {"en": "unknown state word", "zh": "状态字无法识别"}


def points_of(profile: Profile, detectors: Iterable[int] = ()) -> tuple[Point, ...]:
    """All points of a device with this profile, detectors included, in the profile's order."""
    points = [point for name, register in profile.points.items() for point in _expand(name, register, None)]
    for number in detectors:
        for name, register in profile.detector_points.items():
            moved = register.model_copy(update={"address": register.address + number * register.registers})
            points.extend(_expand(f"detector/{number}/{name}", moved, number))
    return tuple(points)


def known_bits(register: Register) -> int:
    """The mask of bits that a word with bits declares or ignores."""
    mask = register.ignored_bits
    for bit in (register.bits or {}).values():
        mask |= 1 << bit.bit
    return mask


def _expand(name: str, register: Register, detector: int | None) -> list[Point]:
    whole = Point(
        name,
        register,
        condition=register.condition if register.bits is None else Condition.STATE,
        kind=register.kind,
        text=register.text,
        initiating=register.initiating,
        detector=detector,
    )
    if register.bits is None:
        return [whole]
    prefix = name.rpartition("/")[0]
    points = [whole]
    for bit_name, bit in register.bits.items():
        full = f"{prefix}/{bit_name}" if prefix else bit_name
        points.append(
            Point(
                full,
                register,
                bit=bit.bit,
                condition=bit.condition,
                kind=bit.kind,
                text=bit.text,
                initiating=bit.initiating,
                detector=detector,
            )
        )
    points.append(
        Point(
            f"{name}/unknown",
            register,
            bit=UNKNOWN_BITS,
            condition=Condition.TROUBLE,
            kind=Kind.FAULT,
            text=_UNKNOWN_TEXT,
            detector=detector,
        )
    )
    return points


def _datatype_of(register: Register, bit: int | None) -> DataType:
    if bit == UNKNOWN_BITS:
        return DataType.INT32
    if bit is not None or register.type == "bit":
        return DataType.BOOLEAN
    if register.scale != 1.0 or register.offset != 0.0 or register.units or register.scale_from:
        return DataType.DOUBLE
    return {"float32": DataType.DOUBLE, "uint32": DataType.INT64}.get(register.type, DataType.INT32)


def _refuse_overlap(registers: dict[str, Register]) -> None:
    """Two points may share a word only as its high and low byte."""
    taken: dict[tuple[Table, int, str], str] = {}
    names: set[str] = set()
    for name, register in registers.items():
        halves = {"uint8_high": ["high"], "uint8_low": ["low"], "int8_high": ["high"], "int8_low": ["low"]}.get(
            register.type, ["high", "low"]
        )
        for address in range(register.address, register.address + register.registers):
            for half in halves:
                other = taken.setdefault((register.table, address, half), name)
                if other != name:
                    where = f"{register.table.value} {address:#06x}"
                    raise ValueError(f"points {other!r} and {name!r} overlap at {where}")
        for each in [name, *(register.bits or {})]:
            if each in names:
                raise ValueError(f"point name {each!r} is used twice")
            names.add(each)
        bits = [bit.bit for bit in (register.bits or {}).values()]
        if len(bits) != len(set(bits)):
            raise ValueError(f"point {name!r} declares a bit twice")
