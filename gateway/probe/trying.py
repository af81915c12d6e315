"""`callpoint probe try`: what a profile makes of a device, words and points side by side, doubts marked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.document import Mistakes
from config.profile import UNKNOWN_BITS, Point, Profile, points_of
from config.site import Device
from gateway.probe.doubts import Doubt, Row, as_said, of_the_whole, rows_of
from gateway.probe.draft import Sighting
from gateway.probe.likeness import LEAD, likeness
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.registers import in_manuals
from gateway.probe.sample import Sample
from gateway.probe.surveying import looked_around, sighted, tried
from gateway.probe.telling import INTERRUPTED, OK, USAGE, WRONG, Talk, tell_master
from gateway.probe.terminal import GREEN, RED, YELLOW, coloured
from gateway.probe.whereabouts import Whereabouts, profiles_of


@dataclass(frozen=True, slots=True)
class TryOptions:
    """What `callpoint probe try` was asked for. `profile` None: the one that the site gives the unit."""

    where: Whereabouts
    pace: Pace
    unit: int
    profile: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One unit as one profile: the words, what they mean, what is doubted; `better`: what it looks like instead."""

    sample: Sample
    rows: list[Row]
    whole: list[Doubt]
    better: Sighting | None = None

    @property
    def doubts(self) -> list[Doubt]:
        """All of them, of the whole device first."""
        return [*self.whole, *(row.doubt for row in self.rows if row.doubt is not None)]


def run(options: TryOptions) -> int:
    """0: everything can be meant; 1: there are doubts, or it does not answer; 2: wrong use; 130: interrupted."""
    talk = Talk(options.as_json)
    try:
        profiles = profiles_of(options.where)
        device, profile = _chosen(options, profiles)
    except (Mistakes, ValueError) as error:
        return talk.failed(str(error), USAGE)
    detectors = [detector.number for detector in device.detectors] if device is not None else []
    points = points_of(profile, detectors)
    line = Line(options.where.bus, options.pace)
    line.wait_at_least(profile.response_timeout_s)
    try:
        trial = asyncio.run(_try(line, options.unit, profile, points, profiles))
    except LineClosed as closed:
        return talk.failed(str(closed))
    except MasterHeard:
        return tell_master(options.where, line, talk)
    except KeyboardInterrupt:
        return INTERRUPTED
    if options.as_json:
        print(json.dumps(_facts(options, profile, trial), indent=2, ensure_ascii=False))
    else:
        _tell(options, profile, trial, talk)
    return WRONG if trial.doubts or not trial.sample.answers else OK


def _chosen(options: TryOptions, profiles: dict[str, Profile]) -> tuple[Device | None, Profile]:
    """The site's device at this unit, if there is one, and the profile to try."""
    where = options.where
    device = next((each for each in where.bus.devices if where.known and each.unit == options.unit), None)
    name = options.profile or (device.profile if device is not None else None)
    if name is None:
        known = f"the site has no unit {options.unit} on this bus" if where.known else "this bus is of no site"
        raise ValueError(f"{known}: name the profile with --profile, one of {', '.join(sorted(profiles))}")
    if name not in profiles:
        raise ValueError(f"there is no profile {name!r}; there are {', '.join(sorted(profiles))}")
    return (device if device is not None and device.profile == name else None), profiles[name]


async def _try(line: Line, unit: int, profile: Profile, points: Sequence[Point], profiles: dict[str, Profile]) -> Trial:
    try:
        await line.open()
        sample = await tried(line, unit, profile, points)
        trial = Trial(sample, rows_of(profile, points, sample), list(of_the_whole(profile, points, sample)))
        if not trial.doubts:
            return trial
        await looked_around(line, unit, profile, points, sample)
        rows, whole = rows_of(profile, points, sample), list(of_the_whole(profile, points, sample))
        if not sample.answers:
            return Trial(sample, rows, whole)
        seen = await sighted(line, unit, profiles, sample.copy())
        own = likeness(profile, seen.sample).score
        best = seen.best
        better = seen if best is not None and best.profile != profile.profile and best.score >= own + LEAD else None
        return Trial(sample, rows, whole, better)
    finally:
        line.close()


def _tell(options: TryOptions, profile: Profile, trial: Trial, talk: Talk) -> None:
    talk.say(f"unit {options.unit} on {options.where} as {profile.profile}: {profile.title['en']}")
    if not trial.sample.answers:
        talk.say(coloured(f"unit {options.unit} does not answer", RED))
        talk.say(f"  - who does? callpoint probe scan {options.where.name}")
        return
    talk.say(f"{'address':<20} {'words':<10} {'point':<28}   value")
    shown: set[tuple[object, int]] = set()
    for row in trial.rows:
        for line in _row_lines(row, shown):
            talk.say(line)
    talk.say("")
    doubts = trial.doubts
    if trial.better is not None and trial.better.best is not None:
        best = trial.better.best
        talk.say(coloured(f"? it looks more like {best.profile} ({best.score} of 100: {best.reason})", YELLOW))
        talk.say(f"  - callpoint probe try {options.where.name} --unit {options.unit} --profile {best.profile}")
    for doubt in doubts:
        talk.say(coloured(f"? {doubt}", YELLOW))
    if not doubts:
        talk.say(coloured("no doubts: compare the values with the device's own display once", GREEN))


def _row_lines(row: Row, shown: set[tuple[object, int]]) -> list[str]:
    """A word is shown with its value; of its bits only those that are set, and the one that nobody knows."""
    point, register = row.point, row.point.register
    if point.bit is not None:
        if point.bit == UNKNOWN_BITS and not row.reading.value:
            return []
        if row.reading.value is not True and point.bit != UNKNOWN_BITS:
            return []
    key = (register.table, register.address)
    where = f"{register.table.value} {register.address} {in_manuals(register.table, register.address)}"
    digits = 1 if register.table.is_bits else 4
    words = " ".join("-" * digits if word is None else f"{word:0{digits}x}" for word in row.raw)
    if key in shown and point.bit is not None:
        where = words = ""
    shown.add(key)
    mark = "?" if row.doubt is not None else " "
    value = as_said(row.reading, register) if point.bit is None else _bit_said(row)
    line = f"{where:<20} {words:<10} {point.name:<28} {mark} {value}"
    return [coloured(line, YELLOW) if row.doubt is not None else line.rstrip()]


def _bit_said(row: Row) -> str:
    if row.point.bit == UNKNOWN_BITS:
        return hex(int(row.reading.value or 0))
    return f"yes: {row.point.text['en']}"


def _facts(options: TryOptions, profile: Profile, trial: Trial) -> dict[str, Any]:
    best = trial.better.best if trial.better is not None else None
    return {
        "bus": options.where.name,
        "unit": options.unit,
        "profile": profile.profile,
        "answers": trial.sample.answers,
        "points": [
            {
                "point": row.point.name,
                "table": row.point.register.table.value,
                "address": row.point.register.address,
                "manual": in_manuals(row.point.register.table, row.point.register.address),
                "words": [None if word is None else f"{word:04x}" for word in row.raw],
                "value": row.reading.value,
                "unit": row.point.register.unit if row.point.bit is None else None,
                "cause": row.reading.cause,
                "doubt": None if row.doubt is None else str(row.doubt),
            }
            for row in trial.rows
        ],
        "doubts": [{"point": each.point, "said": each.said, "instead": each.instead} for each in trial.doubts],
        "looks_like": None if best is None else {"profile": best.profile, "score": best.score, "reason": best.reason},
    }
