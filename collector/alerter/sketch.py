"""The building of an incident as a section, with where it burns and what puts it out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from collector.alarms.alarm import Alarm, Phase
from collector.alerter.models import ConditionShown
from collector.drawings import section
from collector.drawings.section import Pin
from collector.locale.catalogues import say
from collector.messages.nearby import near
from config.people import Language
from config.site import Site


@dataclass(frozen=True, slots=True)
class Sketch:
    """An `svg` element, and the same in words, a line for each place from the top."""

    title: str
    svg: str
    lines: tuple[str, ...]


def sketch(
    site: Site, building: str, conditions: Sequence[ConditionShown], around: Collection[Alarm], language: Language
) -> Sketch | None:
    """The section of a building; None if no condition of the incident has a floor of it.

    `conditions`: the incident's, worst first; `around`: all alarms there are, for what is wrong with hydrants.
    """
    known = site.buildings.get(building)
    here = [each for each in conditions if each.where.building == building and each.where.floor is not None]
    if known is None or not here:
        return None
    pins = [_pin(each, language) for each in here]
    for each in near(site, building, pins[0].floor, around):
        if each.device.place.building == building:
            word = "pin-hydrant" if each.hydrant else "pin-extinguisher"
            pins.append(Pin(each.device.place.floor, "water", say(language, word)))
    pins = list(dict.fromkeys(pins))
    floor_label = say(language, "floor-label")
    title = say(language, "sketch-title", building=known.name)
    lines = [f"{floor_label.format(n=pin.floor)}: {pin.label}" for pin in sorted(pins, key=lambda pin: -pin.floor)]
    return Sketch(title, section.draw(known.floors, pins, title, floor_label), tuple(lines))


def _pin(condition: ConditionShown, language: Language) -> Pin:
    text = condition.text.get(language) or next(iter(condition.text.values()), "")
    label = " ".join(filter(None, [condition.where.flat, text]))
    return Pin(condition.where.floor or 0, "fire", label, urgent=condition.phase is not Phase.NORMAL)
