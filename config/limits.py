"""Limits that a register can never pass, or always has: its type and scale bound what it can say."""

from __future__ import annotations

from config.document import Document, Key
from config.profile import Profile, Register

_RAW: dict[str, tuple[float, float]] = {
    "bit": (0, 1),
    "uint8_high": (0, 0xFF),
    "uint8_low": (0, 0xFF),
    "int8_high": (-0x80, 0x7F),
    "int8_low": (-0x80, 0x7F),
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "int32": (-0x8000_0000, 0x7FFF_FFFF),
}


def range_of(register: Register) -> tuple[float, float] | None:
    """The lowest and highest value that it can say, in its unit; None for a float, which can say anything."""
    raw = _RAW.get(register.type)
    if raw is None:
        return None
    factors = list((register.units or {0: 1.0}).values())
    ends = [end * register.scale * factor for end in raw for factor in factors]
    if register.scale_from is not None:
        ends.append(0.0)  # so many decimals make any value small
    ends = [end + register.offset for end in ends]
    return min(ends), max(ends)


def check_limits(profile: Profile, document: Document) -> None:
    """Note every limit of a profile that can never hold, or never return."""
    for section, registers in (("points", profile.points), ("detector_points", profile.detector_points)):
        for name, register in registers.items():
            bounds = range_of(register)
            if bounds is None:
                continue
            low, high = bounds
            for limit_name, limit in (register.limits or {}).items():
                path: tuple[Key, ...] = (section, name, "limits", limit_name)
                says = f"a limit within what the register can say, {low:g} to {high:g}"
                below = limit.when == "below"
                if limit.value <= low if below else limit.value >= high:
                    document.mistake((*path, "value"), f"{limit.value:g}, which can never be passed", says)
                elif limit.clear > high if below else limit.clear < low:
                    document.mistake((*path, "clear"), f"{limit.clear:g}, from which it can never return", says)
