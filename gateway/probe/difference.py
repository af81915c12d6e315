"""A site folder against what answers on its buses: what is missing, strange or unlike, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.site import Device, Site
from gateway.probe.course import ranges
from gateway.probe.doubts import Doubt
from gateway.probe.draft import Sighting
from gateway.probe.likeness import LEAD, LIKELY, Likeness

DOUBTS_SHOWN_MAX = 3


@dataclass(frozen=True, slots=True)
class Met:
    """A device of the site as it was met. `said`: why it has no answer; `own`: how much it looks like its profile."""

    device: Device
    answers: bool
    said: str = ""
    own: Likeness | None = None
    doubts: tuple[Doubt, ...] = ()
    other: Sighting | None = None  # against every profile, where its own does not fit


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the site and its bus differ."""

    word: str
    unit: int | None
    device: str | None
    said: str
    do: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"word": self.word, "unit": self.unit, "device": self.device, "said": self.said, "do": list(self.do)}


@dataclass(slots=True)
class BusMet:
    """One bus as it was met: its devices, and the units that the site does not know."""

    bus: str
    name: str  # on the command line
    met: list[Met] = field(default_factory=list)
    strangers: list[Sighting] = field(default_factory=list)


def differences(site: Site, found: BusMet, whole: bool = True) -> list[Difference]:
    """All of them: devices in the site's order, then strangers. `whole` False: the look was cut short, and nobody is
    missing only because it was not heard."""
    return [*(_missing(site, found) if whole else ()), *_unlike(found), *_strangers(found)]


def _missing(site: Site, found: BusMet) -> Iterator[Difference]:
    missing = [each for each in found.met if not each.answers]
    if missing and len(missing) == len(found.met):
        units = ranges(each.device.unit for each in missing)
        yield Difference(
            "none-answers",
            None,
            None,
            f"none of the {len(missing)} devices of the site answers (units {units}): {missing[0].said}",
            (f"the bus itself comes first: callpoint probe scan {found.name}",),
        )
        return
    for each in missing:
        device = each.device
        do = [f"it is at {_place(site, device)}; {_who(site, device)}", "look at its power and at the joint before it"]
        for stranger in found.strangers:
            if stranger.best is not None and stranger.best.profile == device.profile:
                do.insert(
                    0,
                    f"unit {stranger.unit} answers, is not in the site and looks like {device.profile}: perhaps this"
                    f" one, with its address not set to {device.unit}",
                )
        yield Difference("missing", device.unit, device.id, f"{device.id} (unit {device.unit}): {each.said}", tuple(do))


def _unlike(found: BusMet) -> Iterator[Difference]:
    for each in found.met:
        device, own = each.device, each.own
        if not each.answers or own is None:
            continue
        best = each.other.best if each.other is not None else None
        better = best is not None and best.profile != device.profile and best.score >= own.score + LEAD
        named = f"{device.id} (unit {device.unit})"
        if better and best is not None:
            yield Difference(
                "unlike",
                device.unit,
                device.id,
                f"{named} does not look like its profile {device.profile} ({own.score} of 100: {own.reason}) but like"
                f" {best.profile} ({best.score}: {best.reason})",
                (
                    f"read the label on the device; if it is a {best.profile}, write profile: {best.profile}",
                    "or two devices have changed places: compare their addresses with the site",
                ),
            )
        elif each.doubts or own.score < LIKELY:
            shown = [str(doubt) for doubt in each.doubts[:DOUBTS_SHOWN_MAX]]
            more = len(each.doubts) - len(shown)
            told = "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
            yield Difference(
                "doubt",
                device.unit,
                device.id,
                f"{named} as {device.profile}: {told or own.reason}",
                (f"callpoint probe try {found.name} --unit {device.unit}",),
            )


def _strangers(found: BusMet) -> Iterator[Difference]:
    if len(found.strangers) > 0:
        units = ranges(each.unit for each in found.strangers)
        for each in found.strangers:
            best = each.best
            like = "no profile that there is" if best is None else f"{best.profile} ({best.score} of 100)"
            yield Difference(
                "stranger",
                each.unit,
                None,
                f"unit {each.unit} answers and is not in the site; it looks like {like}",
                (f"nobody hears its alarms: callpoint probe draft {found.name} --units {units}",),
            )


def _place(site: Site, device: Device) -> str:
    place = device.place
    building = site.buildings[place.building]
    rest = " ".join(part for part in (place.flat, place.note) if part)
    return f"{building.name} ({building.address}), floor {place.floor}{' ' if rest else ''}{rest}"


def _who(site: Site, device: Device) -> str:
    """Who lets an engineer in."""
    building = site.buildings[device.place.building]
    person = building.manager
    if person is None and building.team is not None:
        person = site.teams[building.team].leader
    if person is None:
        person = site.grid[building.cell].person
    gate = f", gate code {building.gate_code}" if building.gate_code else ""
    return f"ask {site.people[person].name} to let you in{gate}"


def standing(found: BusMet, differing: Sequence[Difference]) -> list[tuple[bool, str]]:
    """Each device that was asked in one line, and whether it is as it should be."""
    wrong = {each.unit: each for each in differing if each.device is not None}
    none = any(each.word == "none-answers" for each in differing)
    lines = []
    for each in found.met:
        device = each.device
        well = each.answers and device.unit not in wrong and not none
        score = "" if each.own is None else f", {each.own.score} of 100"
        lines.append((well, f"{device.id} (unit {device.unit}, {device.profile}{score})"))
    return lines
