"""A profile against what a device has said: which values cannot be meant, and what would make sense of them.

A doubt is a hint to a person who stands beside the device, never a judgement that a gateway acts upon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from config.profile import UNKNOWN_BITS, Point, Profile, Register, Table
from config.wire import Quality, Reading
from gateway.decode import decode_point
from gateway.link import EXCEPTIONS
from gateway.probe.registers import in_manuals
from gateway.probe.sample import Sample

# What a device in a stairwell can say in a unit, from the physics and the instruments of this trade: wide on purpose.
PLAUSIBLE: dict[str, tuple[float, float]] = {
    "kPa": (-101.4, 60_000),
    "MPa": (-0.102, 60),
    "bar": (-1.02, 600),
    "°C": (-45, 125),
    "%": (0, 150),
    "V": (0, 500),
    "mV": (0, 60_000),
    "mA": (0, 25),
    "dB/m": (0, 5),
    "m/s": (-20, 20),
    "m/s²": (-50, 50),
    "h": (0, 500_000),
    "s": (0, 2e9),  # sixty years
}
LIMIT_FACTOR = 20  # beyond so many times the highest limit of a profile a value is not of that kind
FLOAT_TINY = 1e-6  # no instrument says so little: two words in the wrong order look like this
TABLE_TWINS = {Table.HOLDING: Table.INPUT, Table.INPUT: Table.HOLDING}
TABLE_TWINS |= {Table.COIL: Table.DISCRETE, Table.DISCRETE: Table.COIL}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that does not fit. `point` is None for what concerns the device as a whole."""

    point: str | None
    said: str
    instead: str = ""  # what would fit

    def __str__(self) -> str:
        where = "" if self.point is None else f"{self.point}: "
        return f"{where}{self.said}{'; ' if self.instead else ''}{self.instead}"


@dataclass(frozen=True, slots=True)
class Row:
    """One point beside its raw words (absent ones are None), with the doubt about it."""

    point: Point
    raw: tuple[int | None, ...]
    reading: Reading
    doubt: Doubt | None


def rows_of(profile: Profile, points: Sequence[Point], sample: Sample) -> list[Row]:
    """Every point of a device with what its profile makes of the words."""
    rows = []
    for point in points:
        reading = decode_point(point, sample.words, profile.points)
        rows.append(Row(point, _raw(point.register, sample), reading, _doubt(point, reading, profile, sample)))
    return rows


def of_the_whole(profile: Profile, points: Sequence[Point], sample: Sample) -> Iterator[Doubt]:
    """What concerns more than one point: nothing but zeros, addresses that are one off."""
    words = [value for (table, _), value in sample.words.items() if not table.is_bits]
    if len(words) > 1 and len(set(words)) == 1 and words[0] in (0, 0xFFFF):
        yield Doubt(None, f"every word is {words[0]:#06x}: a device that is not set up, or other addresses")
    now = _sense(points, profile, sample)
    for by in (1, -1):
        moved = [_elsewhere(point, address=point.register.address + by) for point in points if _can_move(point, by)]
        siblings = {
            name: register.model_copy(update={"address": register.address + by})
            for name, register in profile.points.items()
            if 0 <= register.address + by <= 0xFFFF
        }
        shifted = profile.model_copy(update={"points": siblings})
        # One off, every reading is of the neighbour; a few fit by chance, so it must be much better.
        if len(moved) > 1 and _sense(moved, shifted, sample) >= now + max(2, len(points) // 8):
            readings = [(p, decode_point(p, sample.words, siblings)) for p in moved if p.register.unit]
            said = [f"{p.name} {as_said(each, p.register)}" for p, each in readings if each.value]
            told = ", ".join(said[:3])
            off = "low" if by > 0 else "high"
            yield Doubt(
                None,
                f"every address of the profile seems to be one too {off}",
                f"{by:+d} would make sense of it{': ' if told else ''}{told} (manuals count registers from 1, the wire"
                " from 0)",
            )
            return


def why_not(register: Register, value: object, raw: Sequence[int | None]) -> str | None:
    """Why a decoded value cannot be meant; None if it can."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if register.values is not None and int(value) not in register.values:
        known = ", ".join(map(str, sorted(register.values)))
        return f"{value!r} is not among the codes of the profile ({known})"
    if register.type == "float32" and value != 0 and abs(value) < FLOAT_TINY:
        return f"{value:.3g} is no measurement"
    bounds = range_of(register)
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        low, high = bounds
        return f"{value:g} {register.unit or ''} is not plausible ({low:g} to {high:g})".replace("  ", " ")
    if register.type in ("uint32", "int32") and _ends_in_zeros(register, raw):
        return f"{value!r} has only zeros in its lower half"
    return None


def range_of(register: Register) -> tuple[float, float] | None:
    """What a register can plausibly say, in its unit: of the unit, narrowed by the profile's own limits."""
    bounds = PLAUSIBLE.get(register.unit or "")
    values = [abs(limit.value) for limit in (register.limits or {}).values() if limit.value]
    if not values or register.unit is None:
        return bounds
    highest = LIMIT_FACTOR * max(values)
    low, high = bounds or (-highest, highest)
    return low, min(high, highest)


def _doubt(point: Point, reading: Reading, profile: Profile, sample: Sample) -> Doubt | None:
    register = point.register
    absent = _absent(register, sample)
    if absent is not None:
        # One word is asked once: its bits say nothing more.
        return Doubt(point.name, absent, _other_table(point, profile, sample)) if point.bit is None else None
    if point.bit == UNKNOWN_BITS and reading.value:
        return Doubt(point.name, f"bits {int(reading.value):#06x} are set and mean nothing in this profile")
    if point.bit is not None:
        return None
    if reading.quality is Quality.BAD and not (reading.cause or "").startswith("the device says no value"):
        return Doubt(point.name, reading.cause or "no value", _instead(point, profile, sample))
    why = why_not(register, reading.value, _raw(register, sample))
    return None if why is None else Doubt(point.name, why, _instead(point, profile, sample))


def _absent(register: Register, sample: Sample) -> str | None:
    for address in range(register.address, register.address + register.registers):
        key = (register.table, address)
        where = f"{register.table.value} {address} ({in_manuals(register.table, address)})"
        if key in sample.refused:
            code = sample.refused[key]
            return f"the device has no {where}: exception {code} {EXCEPTIONS.get(code, 'unknown')}"
        if key not in sample.words:
            return f"{where} was asked and not answered"
    return None


def _instead(point: Point, profile: Profile, sample: Sample) -> str:
    """The one change of the register that makes a plausible value of the same words, or of those beside them."""
    register = point.register
    changes: list[tuple[str, dict[str, Any]]] = []
    words = "low-first" if register.word_order == "high-first" else "high-first"
    order = "little" if register.byte_order == "big" else "big"
    if register.registers == 2:
        changes.append((f"word_order: {words}", {"word_order": words}))
    if register.table.is_bits is False:
        changes.append((f"byte_order: {order}", {"byte_order": order}))
    if register.registers == 2:
        both = {"word_order": words, "byte_order": order}
        changes.append((f"word_order: {words} and byte_order: {order}", both))
    for by in (1, -1):
        if _can_move(point, by):
            changes.append((f"address {register.address + by}", {"address": register.address + by}))
    for said, change in changes:
        value = _makes_sense(_elsewhere(point, **change), profile, sample)
        if value is not None:
            return f"with {said} it would be {value:g} {register.unit or ''}".rstrip()
    return ""


def _other_table(point: Point, profile: Profile, sample: Sample) -> str:
    twin = TABLE_TWINS[point.register.table]
    known = range(point.register.address, point.register.address + point.register.registers)
    if not all((twin, address) in sample.words for address in known):
        return ""
    moved = _elsewhere(point, table=twin)
    value = decode_point(moved, sample.words, profile.points).value
    return f"table: {twin.value} answers there" + ("" if value is None else f" and would say {value!r}")


def _makes_sense(point: Point, profile: Profile, sample: Sample) -> int | float | None:
    """Its value if it says something and can be meant."""
    register = point.register
    if _absent(register, sample) is not None:
        return None
    value = decode_point(point, sample.words, profile.points).value
    if isinstance(value, bool) or not isinstance(value, int | float) or value == 0:
        return None
    if register.type == "float32" and not 1e-3 <= abs(value) <= 1e7:
        return None
    return value if why_not(register, value, _raw(register, sample)) is None else None


def _sense(points: Sequence[Point], profile: Profile, sample: Sample) -> int:
    """How much sense the words make: values that say something and can be meant, less what cannot."""
    total = 0
    for point in points:
        if point.bit is not None and point.bit != UNKNOWN_BITS:
            continue
        reading = decode_point(point, sample.words, profile.points)
        if _doubt_without_remedy(point, reading, sample):
            total -= 1
        elif point.bit is None and reading.value and (point.register.unit or point.register.type == "float32"):
            total += 1
    return total


def _doubt_without_remedy(point: Point, reading: Reading, sample: Sample) -> bool:
    if _absent(point.register, sample) is not None or reading.quality is Quality.BAD:
        return True
    if point.bit == UNKNOWN_BITS:
        return bool(reading.value)
    return why_not(point.register, reading.value, _raw(point.register, sample)) is not None


def _ends_in_zeros(register: Register, raw: Sequence[int | None]) -> bool:
    first, second = (raw[0] or 0), (raw[1] or 0)
    high, low = (first, second) if register.word_order == "high-first" else (second, first)
    return high != 0 and low == 0


def _can_move(point: Point, by: int) -> bool:
    return 0 <= point.register.address + by <= 0xFFFF + 1 - point.register.registers


def _raw(register: Register, sample: Sample) -> tuple[int | None, ...]:
    cells = range(register.address, register.address + register.registers)
    return tuple(sample.words.get((register.table, address)) for address in cells)


def _elsewhere(point: Point, **change: Any) -> Point:
    """The same point with its register changed."""
    return Point(
        point.name,
        point.register.model_copy(update=change),
        bit=point.bit,
        condition=point.condition,
        kind=point.kind,
        text=point.text,
        initiating=point.initiating,
        detector=point.detector,
    )


def as_said(reading: Reading, register: Register) -> str:
    """A reading as people read it: with its unit, or with what its code means."""
    if reading.value is None:
        return f"none ({reading.cause})"
    if isinstance(reading.value, bool):
        return "yes" if reading.value else "no"
    meaning = (register.values or {}).get(int(reading.value)) if isinstance(reading.value, int | float) else None
    if meaning is not None:
        return f"{reading.value!r} {meaning['en']}"
    value = f"{reading.value:g}" if isinstance(reading.value, float) else f"{reading.value!r}"
    return f"{value} {register.unit or ''}".rstrip()
