"""A scan's course: whom to ask what next, what came of it, and how to go on after an interruption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from config.profile import Table

UNIT_MAX = 247  # 248 to 255 are reserved (Modbus over serial line, §2.2)
STATE_VERSION = 1
How = Literal["answers", "refuses", "garbled", "silent", "converter"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One register or bit, the least that a unit can be asked."""

    table: Table
    address: int

    def __str__(self) -> str:
        return f"{self.table.value}:{self.address}"


# Nearly every device answers the first, if only with an exception. The published lift box keeps silent on everything
# that it has not, so it is asked for the first register that it has.
ASKS = (Ask(Table.HOLDING, 0), Ask(Table.INPUT, 0), Ask(Table.HOLDING, 0x10))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question. `answers`: `words`; `refuses`: exception `code`; `converter`: it answers for nobody."""

    how: How
    said: str = ""
    words: tuple[int, ...] = ()
    code: int = 0
    took_ms: int = 0

    @property
    def is_here(self) -> bool:
        """Whether there is a unit: an exception is an answer too."""
        return self.how in ("answers", "refuses")


@dataclass(frozen=True, slots=True)
class Found:
    """A unit with the first question that it answered, or the last that it garbled."""

    unit: int
    ask: Ask
    outcome: Outcome


class BadUnits(ValueError):
    """A list of unit numbers that cannot be meant; str() says what was expected."""


def parse_units(text: str) -> tuple[int, ...]:
    """`1-8,11,247` as numbers in order, each once. Raises BadUnits."""
    units: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise BadUnits(f"{text!r}: expected unit numbers such as 1-32 or 1-8,11,247")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= UNIT_MAX:
            raise BadUnits(f"{part.strip()!r}: expected unit numbers from 1 to {UNIT_MAX}, the lower first")
        units.update(range(low, high + 1))
    return tuple(sorted(units))


def ranges(units: Iterable[int]) -> str:
    """Numbers as people write them: `1-8,11`."""
    runs: list[list[int]] = []
    for unit in sorted(set(units)):
        if runs and unit == runs[-1][1] + 1:
            runs[-1][1] = unit
        else:
            runs.append([unit, unit])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


@dataclass(slots=True)
class Course:
    """All units are asked the first question, then those without an answer the second, and so on."""

    units: tuple[int, ...]
    asks: tuple[Ask, ...] = ASKS
    position: int = 0  # how many (question, unit) pairs lie behind
    found: dict[int, Found] = field(default_factory=dict)
    converter: set[int] = field(default_factory=set)  # units for which a converter said that nobody answers

    def next(self) -> tuple[int, Ask] | None:
        """Whom to ask what now; None: all is asked. Does not move on: `take` does."""
        while self.position < self.total:
            turn, index = divmod(self.position, len(self.units))
            unit = self.units[index]
            known = self.found.get(unit)
            if known is None or not known.outcome.is_here:
                return unit, self.asks[turn]
            self.position += 1
        return None

    def take(self, unit: int, ask: Ask, outcome: Outcome) -> None:
        """What came of the question that `next` gave."""
        self.position += 1
        if outcome.how == "converter":
            self.converter.add(unit)
        elif outcome.how != "silent":
            self.found[unit] = Found(unit, ask, outcome)

    @property
    def total(self) -> int:
        """How many pairs of a question and a unit there are."""
        return len(self.units) * len(self.asks)

    @property
    def here(self) -> tuple[int, ...]:
        """The units that answer."""
        return tuple(sorted(unit for unit, found in self.found.items() if found.outcome.is_here))

    @property
    def garbled(self) -> tuple[int, ...]:
        """The units from which no sound answer came, but bytes."""
        return tuple(sorted(unit for unit, found in self.found.items() if not found.outcome.is_here))

    def facts(self) -> dict[str, Any]:
        """The course as plain JSON, to be written down."""
        return {
            "version": STATE_VERSION,
            "units": ranges(self.units),
            "asks": [[ask.table.value, ask.address] for ask in self.asks],
            "position": self.position,
            "found": [found_facts(found) for _, found in sorted(self.found.items())],
            "converter": sorted(self.converter),
        }


def course_of(facts: dict[str, Any]) -> Course:
    """The course again. Raises KeyError, TypeError, ValueError for JSON that no course wrote."""
    if facts["version"] != STATE_VERSION:
        raise ValueError(f"version {facts['version']!r}, expected {STATE_VERSION}")
    units = parse_units(facts["units"])
    asks = tuple(Ask(Table(table), int(address)) for table, address in facts["asks"])
    position = int(facts["position"])
    if not asks or not 0 <= position <= len(units) * len(asks):
        raise ValueError(f"position {position} of {len(units) * len(asks)}")
    found = [_found_of(each) for each in facts["found"]]
    return Course(units, asks, position, {each.unit: each for each in found}, set(facts["converter"]))


def found_facts(found: Found) -> dict[str, Any]:
    """A found unit as plain JSON."""
    outcome = found.outcome
    return {
        "unit": found.unit,
        "how": outcome.how,
        "said": outcome.said,
        "table": found.ask.table.value,
        "address": found.ask.address,
        "words": list(outcome.words),
        "exception": outcome.code or None,
        "took_ms": outcome.took_ms,
    }


def _found_of(facts: dict[str, Any]) -> Found:
    words = tuple(int(word) for word in facts["words"])
    outcome = Outcome(facts["how"], str(facts["said"]), words, int(facts["exception"] or 0), int(facts["took_ms"]))
    return Found(int(facts["unit"]), Ask(Table(facts["table"]), int(facts["address"])), outcome)


def controls(asked: Sequence[int], wanted: int = 3) -> tuple[int, ...]:
    """Units that nobody asked for: if they answer too, something answers for everybody."""
    return tuple(unit for unit in (246, 241, 233, 229, 199, 151, 101, 67) if unit not in asked)[:wanted]
