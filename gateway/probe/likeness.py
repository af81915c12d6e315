"""Which profile a device looks like: a score of what fits, with its reason in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.profile import Profile, Register, known_bits, points_of
from gateway.decode import raw_of
from gateway.probe.doubts import Row, range_of, rows_of
from gateway.probe.sample import Sample, ends_of

LIKELY = 40  # below it no profile is named as the device's
LEAD = 15  # so much better another profile must be, to say that the one of the site is wrong
PRIOR = 2.0  # evidence that a device is none of these: what says little stays below what says much
END_FITS = 3.0  # the device ends where the profile ends
GOES_ON = 1.5  # it has more than the profile says: many answer 0 everywhere
ZERO = 0.25  # a word that is 0 fits everything, and so says little for anything
NOT_THERE = -1.0
DOUBTED = -1.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a device looks like a profile: 0 (not at all) to 100."""

    profile: str
    score: int
    doubts: int
    reason: str


def ranked(profiles: Iterable[Profile], sample: Sample) -> list[Likeness]:
    """All of them, the likeliest first."""
    return sorted((likeness(each, sample) for each in profiles), key=lambda each: (-each.score, each.profile))


def likeness(profile: Profile, sample: Sample) -> Likeness:
    """The profile's own registers against the sample; a panel's detectors say nothing about its kind."""
    points = points_of(profile)
    rows = {row.point.name: row for row in rows_of(profile, points, sample)}
    doubted = {row.point.name for row in rows.values() if row.doubt is not None}
    got, most, answered, telling = 0.0, PRIOR, 0, 0
    for name, register in profile.points.items():
        row = rows[name]
        if any(word is None for word in row.raw):
            got, most = got + NOT_THERE, most + 1
            continue
        answered += 1
        weight, says = _evidence(register, row, sample)
        if name in doubted or f"{name}/unknown" in doubted:
            got, most = got + DOUBTED, most + max(weight, 1.0)
            continue
        got, most = got + weight, most + max(weight, 2 * ZERO)
        telling += says
    end_fits = 0
    for table, address in ends_of(profile):
        if (table, address) in sample.refused and answered:
            got, most, end_fits = got + END_FITS, most + END_FITS, end_fits + 1
        elif (table, address) in sample.words:
            most += GOES_ON
    score = round(100 * max(0.0, got) / most)
    return Likeness(profile.profile, score, len(doubted), _reason(profile, answered, telling, len(doubted), end_fits))


def _evidence(register: Register, row: Row, sample: Sample) -> tuple[float, bool]:
    """How much a register that can be meant speaks for its profile, and whether it says more than 0."""
    if not any(row.raw):
        return (2 * ZERO if register.values is not None else ZERO), False
    if register.bits is not None:
        return (1.5, True) if raw_of(register, sample.words) & known_bits(register) else (ZERO, False)
    if register.type == "float32":
        return 3.0, True
    if register.values is not None or register.units is not None:
        return 2.0, True
    return (1.0, True) if range_of(register) is not None else (ZERO, False)


def _reason(profile: Profile, answered: int, telling: int, doubts: int, end_fits: int) -> str:
    said = [f"{answered} of {len(profile.points)} values answer", f"{telling} make sense"]
    said += [f"{doubts} doubted"] if doubts else []
    said += ["it ends where the profile ends"] if end_fits else []
    return ", ".join(said)
