"""A device profile as a page to read beside the maker's manual: its registers, words, codes and limits, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from config.profile import Initiating, Limit, Profile, Register, Signal, SignalName, Table
from config.wire import Lane

REFERENCE_DIGITS_FIVE_MAX = 9998  # 0-based: 49999 is the last of five digits, the next is 410000
_FIRST_DIGIT = {Table.COIL: 0, Table.DISCRETE: 1, Table.INPUT: 3, Table.HOLDING: 4}
_INITIATING = {Initiating.MANUAL: "a person pressed it", Initiating.CONFIRMED: "the panel has confirmed it"}


def reference_of(table: Table, address: int) -> str:
    """The number that manuals print for a 0-based address: `40001` for holding 0, of six digits beyond 49999."""
    digits = 4 if address <= REFERENCE_DIGITS_FIVE_MAX else 5
    return f"{_FIRST_DIGIT[table]}{address + 1:0{digits}}"


def page_of(profile: Profile, heading: str = "") -> str:
    """The page of a profile. `heading` is what its file says of it in a comment at the top."""
    facts = [
        f"Source of the figures: {profile.source}",
        f"Category: {profile.category}",
        f"Waits for an answer: {profile.response_timeout_s:g} s",
        f"In one read: {profile.registers_per_read_max} registers at most, over gaps of {profile.gap_max} at most",
    ]
    if SignalName.OBSCURATION_DB_M in profile.signals:
        facts.append(f"Says fire by itself at: {profile.alarm_db_m:g} dB/m")
    parts = [
        f"# {profile.profile}: {profile.title.get('en', '')}".rstrip(": "),
        profile.title.get("zh", ""),
        heading,
        "\n".join(f"- {fact}" for fact in facts),
        _registers("Registers", profile.points),
    ]
    if profile.detector_points:
        parts += [
            _registers("Registers of each detector", profile.detector_points),
            "These are the addresses of detector 0. Those of detector n lie n values further on, and its points are"
            " called `detector/<n>/<point>`.",
        ]
    details = _details("", profile.points) + _details("each detector's ", profile.detector_points)
    parts += ["## Words, codes and limits", *details] if details else []
    if profile.signals:
        parts.append(_signals(profile.signals))
    return "\n\n".join(part for part in parts if part) + "\n"


def _registers(title: str, registers: Mapping[str, Register]) -> str:
    ordered = sorted(registers.items(), key=lambda item: (item[1].table.function_code, item[1].address))
    rows = [
        (
            f"{register.table.value} {register.address:#06x}",
            reference_of(register.table, register.address),
            f"`{name}`",
            _type(register),
            _value(register),
            _class(register),
            f"{register.effective_lane.value}, {_asked(register)}",
            _both(register.text),
        )
        for name, register in ordered
    ]
    header = ("address", "in manuals", "point", "type", "value", "class", "lane, asked", "meaning")
    codes = sorted({f"FC{each.table.function_code:02} ({each.table.value})" for each in registers.values()})
    read = f"Addresses count from 0, as on the wire; read by {' and '.join(codes)}."
    return f"## {title}\n\n{read}\n\n{_rows(header, rows)}"


def _type(register: Register) -> str:
    order = [] if register.registers == 1 else [f"{register.word_order.replace('-', ' word ')}"]
    order += [] if register.byte_order == "big" else ["low byte first"]
    return ", ".join([register.type, *order])


def _value(register: Register) -> str:
    """How the raw value reads: `raw × 0.1 − 40, °C`."""
    if register.bits is not None or register.type == "bit":
        return ""
    words = ["raw"]
    if register.scale != 1:
        words.append(f"× {register.scale:g}")
    if register.units is not None:
        words.append(f"× the factor of `{register.unit_from}`")
    if register.scale_from is not None:
        words.append(f"/ 10^`{register.scale_from}`")
    if register.offset:
        words.append(f"{'+' if register.offset > 0 else '−'} {abs(register.offset):g}")
    said = [" ".join(words)] if len(words) > 1 else []
    said += [register.unit] if register.unit is not None else []
    said += [f"{raw:#06x} means no value" for raw in register.no_value]
    return ", ".join(said)


def _class(register: Register) -> str:
    kind = f" ({register.kind.value})" if register.kind is not None else ""
    return f"{register.condition.value}{kind}" + _raised(register.initiating, inverted=False)


def _asked(register: Register) -> str:
    if register.period_s is not None:
        return f"every {register.period_s:g} s"
    return f"at the bus's {'fast' if register.effective_lane is Lane.ALARM else 'slow'} period"


def _raised(initiating: Initiating, *, inverted: bool) -> str:
    notes = [_INITIATING[initiating]] if initiating in _INITIATING else []
    notes += ["while the bit is 0"] if inverted else []
    return f", {', '.join(notes)}" if notes else ""


def _details(whose: str, registers: Mapping[str, Register]) -> list[str]:
    """Words bit by bit, codes, units and limits."""
    parts = []
    for point, register in registers.items():
        name = f"{whose}`{point}`"
        if register.bits is not None:
            parts.append(_bits(name, point, register))
        if register.values is not None:
            codes = [(str(code), _both(text)) for code, text in register.values.items()]
            parts.append(f"### Codes of {name}\n\n{_rows(('code', 'meaning'), codes)}")
        if register.units is not None:
            factors = [(str(code), f"{factor:.12g}") for code, factor in register.units.items()]
            header = (f"`{register.unit_from}`", f"factor to {register.unit}")
            after = "Any other code means no value, with that cause."
            parts.append(f"### Units of {name}\n\n{_rows(header, factors)}\n\n{after}")
        if register.limits is not None:
            parts.append(_limits(name, register, register.limits))
    return parts


def _bits(name: str, word: str, register: Register) -> str:
    rows = [
        (
            str(bit.bit),
            f"{1 << bit.bit:#06x}",
            f"`{point}`",
            bit.condition.value + (f" ({bit.kind.value})" if bit.kind is not None else ""),
            _both(bit.text) + _raised(bit.initiating, inverted=bit.inverted),
        )
        for point, bit in (register.bits or {}).items()
    ]
    ignored = [str(bit) for bit in range(16) if register.ignored_bits >> bit & 1]
    after = f"Any other bit is the trouble `{word}/unknown`, with the word quoted."
    after += f" Without meaning, and ignored: {', '.join(ignored)}." if ignored else ""
    return f"### Bits of {name}\n\n{_rows(('bit', 'mask', 'point', 'class', 'meaning'), rows)}\n\n{after}"


def _limits(name: str, register: Register, limits: Mapping[str, Limit]) -> str:
    unit = f" {register.unit}" if register.unit is not None else ""
    rows = [
        (
            f"`{point}`",
            f"{limit.when} {limit.value:g}{unit}",
            f"{limit.clear:g}{unit}",
            f"{limit.condition.value} ({limit.kind.value})",
            _both(limit.text),
        )
        for point, limit in limits.items()
    ]
    return f"### Limits on {name}\n\n{_rows(('limit', 'when', 'returns at', 'class', 'meaning'), rows)}"


def _signals(signals: Mapping[SignalName, Signal]) -> str:
    rows = []
    for name, signal in signals.items():
        how = "as it is"
        if signal.codes is not None:
            how = f"while it is {' or '.join(map(str, signal.codes))}"
        elif signal.mask is not None:
            how = f"while it has a bit of {signal.mask:#06x}"
        rows.append((f"`{name.value}`", f"`{signal.point}`", how + (", inverted" if signal.inverted else "")))
    return f"## What the collector judges by itself\n\n{_rows(('signal', 'point', 'how'), rows)}"


def _both(text: dict[Literal["en", "zh"], str]) -> str:
    return " · ".join(dict.fromkeys(text.values()))


def _rows(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown; whatever would end a cell is written so that it does not."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
