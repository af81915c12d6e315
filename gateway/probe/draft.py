"""Device entries for a site folder, drafted from what answers: YAML with a comment for everything only people know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from config.profile import Profile
from config.site import RtuBus, TcpBus
from gateway.probe.likeness import LEAD, LIKELY, Likeness
from gateway.probe.registers import in_manuals
from gateway.probe.sample import Sample

WORDS_SHOWN_MAX = 16
NEEDS = {
    "fire-panel": "list its detectors: detectors: [{number: 1, place: {building: BUILDING, floor: FLOOR}}, …]",
    "lift": 'an elevator needs its registration number: registration: "…", and lift: {commissioned: …, contractor: …}',
    "smoke-detector": 'the place may say more, so that people find it: flat: "502", note: 厨房',
    "pressure": "say what it watches: upkeep: {contents: powder}, co2, hydrant …",
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """A unit that answers, with what it said and which profiles it looks like, the likeliest first."""

    unit: int
    sample: Sample
    likenesses: tuple[Likeness, ...]

    @property
    def best(self) -> Likeness | None:
        """The profile that it looks like; None if it looks like none."""
        first = self.likenesses[0] if self.likenesses else None
        return first if first is not None and first.score >= LIKELY else None

    @property
    def rival(self) -> Likeness | None:
        """Another profile that fits nearly as well."""
        best = self.best
        return next(
            (each for each in self.likenesses[1:] if best and best.score - each.score < LEAD and each.score >= LIKELY),
            None,
        )


def draft(
    bus: TcpBus | RtuBus, known: bool, sightings: Sequence[Sighting], profiles: dict[str, Profile], at: str
) -> str:
    """A file for the site folder; of a bus that the site has (`known`) the devices alone, to be pasted into it.

    Everything in capitals is for a person to fill in: until then `callpoint check` refuses it by line.
    """
    lines = [
        f"# Drafted by `callpoint probe draft` at {at} from what answered. Fill in what is in CAPITALS,",
        "# look at every profile once (`callpoint probe try`), then: callpoint check SITE",
    ]
    indent = "          "  # where a bus of the site folder has its devices
    if known:
        lines += ["", f"# For the devices of bus {bus.id}:", ""]
    else:
        lines += ["", "gateways:", "  - id: GATEWAY  # the Raspberry Pi at this bus, for example gw-east", "    buses:"]
        lines += ["      - id: BUS  # a name that no other bus of the site has", *_bus(bus), "        devices:"]
    described = [sighting for sighting in sightings if sighting.best is not None]
    if not described and not known:
        lines[-1] += " []  # no unit looks like a profile that there is"
    told: set[str] = set()
    for sighting in sightings:
        lines += [f"{indent}{line}" for line in _entry(sighting, profiles, told)]
    return "\n".join(lines) + "\n"


def _bus(bus: TcpBus | RtuBus) -> list[str]:
    indent = "        "
    if isinstance(bus, TcpBus):
        return [f"{indent}type: tcp", f"{indent}host: {_scalar(bus.host)}", f"{indent}port: {bus.port}"]
    said = [f"{indent}type: rtu", f"{indent}port: {_scalar(bus.port)}  # better one of /dev/serial/by-id/, which stays"]
    said += [f"{indent}baud: {bus.baud}", f"{indent}parity: {bus.parity}", f"{indent}stop_bits: {bus.stop_bits}"]
    slow = bus.baud <= 19_200
    return said + (
        [f"{indent}fast_period_s: 1  # how often alarm words are asked; {bus.baud} baud is slow"] if slow else []
    )


def _scalar(text: str) -> str:
    return yaml.safe_dump(text, default_flow_style=True).removesuffix("\n...\n").strip()


def _entry(sighting: Sighting, profiles: dict[str, Profile], told: set[str]) -> list[str]:
    """One device; what a category needs of a person is told once, of the first."""
    best, rival = sighting.best, sighting.rival
    if best is None:
        return _unknown(sighting)
    profile = profiles[best.profile]
    lines = [f"# unit {sighting.unit}: {best.score} of 100: {best.reason}"]
    if rival is not None:
        lines.append(f"# NOT SURE: {rival.profile} has {rival.score} of 100 ({rival.reason}); look at its label")
    if profile.category in NEEDS and profile.category not in told:
        lines.append(f"# {NEEDS[profile.category]}")
        told.add(profile.category)
    name = f"{profile.category.partition('-')[0]}-{sighting.unit}"
    place = "place: {building: BUILDING, floor: FLOOR}"
    return [*lines, f"- {{id: {name}, profile: {best.profile}, unit: {sighting.unit}, {place}}}"]


def _unknown(sighting: Sighting) -> list[str]:
    lines = [f"# unit {sighting.unit} answers and looks like no profile that there is."]
    if sighting.likenesses:
        nearest = sighting.likenesses[0]
        lines[0] += f" The nearest is {nearest.profile}, {nearest.score} of 100: {nearest.reason}."
    words = sorted(sighting.sample.words.items())
    for (table, address), word in words[:WORDS_SHOWN_MAX]:
        lines.append(f"#   {table.value} {address} ({in_manuals(table, address)}): {word:#06x} = {word}")
    if len(words) > WORDS_SHOWN_MAX:
        lines.append(f"#   and {len(words) - WORDS_SHOWN_MAX} more words")
    lines.append("# With its manual, describe it: docs/sites.md, 'A device model is one YAML file'; then put it here:")
    return [*lines, f"# - {{id: device-{sighting.unit}, profile: PROFILE, unit: {sighting.unit}, place: …}}"]
