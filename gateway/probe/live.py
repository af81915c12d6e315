"""`callpoint check SITE --live`: a site folder against what answers on its buses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.document import Mistakes
from config.loader import load_site
from config.profile import Point, Profile
from config.site import Device, Gateway, Site
from gateway.link import DeviceRefused, LinkError
from gateway.plan import StartError
from gateway.probe.course import ASKS, UNIT_MAX, Course, controls
from gateway.probe.difference import BusMet, Difference, Met, differences, standing
from gateway.probe.doubts import Doubt, of_the_whole, rows_of
from gateway.probe.likeness import LIKELY, likeness
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.sample import Sample, wanted
from gateway.probe.scanning import Scan
from gateway.probe.surveying import looked_around, sighted, tried
from gateway.probe.telling import INTERRUPTED, OK, USAGE, WRONG, Talk
from gateway.probe.terminal import GREEN, RED, Progress, coloured
from gateway.probe.verdict import EVERYBODY_MIN, Survey, Verdict, verdicts
from gateway.probe.whereabouts import BadBus, Settings, Whereabouts, find

TRIES = 2  # one lost answer is no missing device
PACE = Pace(pause_s=0.02)  # these are devices that a gateway asks without any pause
STRANGERS_LOOKED_AT_MAX = 8  # more of them are hardly devices that somebody forgot


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What `callpoint check --live` was asked for. `gateway` None: all of the site; `units`: where to look for more."""

    site: Path
    gateway: str | None = None
    buses: Path | None = None
    units: tuple[int, ...] = tuple(range(1, UNIT_MAX + 1))
    pace: Pace = PACE
    as_json: bool = False


class Look:
    """One bus being compared."""

    def __init__(self, site: Site, where: Whereabouts, options: LiveOptions, talk: Talk) -> None:
        self.site, self.where, self._talk = site, where, talk
        self._options = options
        self.line = Line(where.bus, options.pace)
        self.line.wait_at_least(max(self._profile(each).response_timeout_s for each in where.bus.devices))
        self.met = BusMet(where.bus.id, where.name)
        self.odd: list[Verdict] = []

    async def run(self) -> None:
        """Meet every device, then look for strangers. Raises LineClosed, MasterHeard."""
        devices = self.where.bus.devices
        progress = self._talk.progress = Progress(len(devices))
        try:
            await self.line.open()
            for done, device in enumerate(devices):
                progress.show(done, f"{self.where.bus.id}: {device.id}")
                self.met.met.append(await self._meet(device))
            progress.clear()
            await self._strangers()
        finally:
            progress.clear()
            self.line.close()

    def _profile(self, device: Device) -> Profile:
        return self.site.profiles[device.profile]

    async def _meet(self, device: Device) -> Met:
        profile, points = self._profile(device), self.site.points(device)
        if not points:
            return Met(device, False, f"its profile {device.profile} asks for nothing")
        if absent := await self._absent(device):
            return Met(device, False, absent)
        sample = await tried(self.line, device.unit, profile, points)
        doubts, own = _doubts(profile, points, sample), likeness(profile, sample)
        other = None
        if doubts or own.score < LIKELY:
            await looked_around(self.line, device.unit, profile, points, sample)
            doubts = _doubts(profile, points, sample)
            other = await sighted(self.line, device.unit, self.site.profiles, sample.copy())
        return Met(device, True, "", own, doubts, other)

    async def _absent(self, device: Device) -> str:
        """Why a device is taken for missing; empty if it is there."""
        first, said = wanted(self.site.points(device), self._profile(device))[0], ""
        for _ in range(TRIES):
            try:
                await self.line.read(device.unit, first.table, first.address, first.count)
            except DeviceRefused:
                return ""
            except LinkError as error:
                said = f"it does not answer: {error}"
            else:
                return ""
        return said

    async def _strangers(self) -> None:
        known = {device.unit for device in self.where.bus.devices}
        units = tuple(unit for unit in self._options.units if unit not in known)
        # So few that a device which answers for everybody would look like all of the site's.
        nobodies = controls((*known, *units)) if len(units) < EVERYBODY_MIN else ()
        course = Course((*units, *nobodies), ASKS[:1])
        scan = Scan(self.line, course, _Unsaid(self._talk))
        await scan.run()
        where, answering = self.where, tuple(unit for unit in nobodies if unit in course.here)
        survey = Survey(where.name, where.serial, where.settings, course, self.line.overheard, answering)
        about_the_bus = ("answers-for-others", "noise", "garbled-unit")
        self.odd = [each for each in verdicts(survey) if each.word in about_the_bus]
        if any(each.word == "answers-for-others" for each in self.odd):
            return
        for unit in course.here[:STRANGERS_LOOKED_AT_MAX]:
            self.met.strangers.append(await sighted(self.line, unit, self.site.profiles))


class _Unsaid(Talk):
    """Keeps the progress, and says nothing of single units."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(True)
        self._talk = talk

    def note(self, line: str) -> None:
        """As the talk around it."""
        self._talk.note(line)


def _doubts(profile: Profile, points: Sequence[Point], sample: Sample) -> tuple[Doubt, ...]:
    rows = [row.doubt for row in rows_of(profile, points, sample) if row.doubt is not None]
    return (*of_the_whole(profile, points, sample), *rows)


def run(options: LiveOptions) -> int:
    """0: everything is as the site says; 1: something differs, or a bus cannot be asked; 130: interrupted."""
    talk = Talk(options.as_json, "check --live")
    try:
        site = load_site(options.site)
        gateways = _gateways(site, options)
        places = [_where(options, bus.id) for gateway in gateways for bus in gateway.buses]
        _of_one_machine(places)
    except Mistakes as mistakes:
        print(mistakes)
        return WRONG
    except (BadBus, StartError, OSError) as error:
        return talk.failed(str(error), USAGE)
    told: list[dict[str, Any]] = []
    wrong = False
    for where in places:
        look = Look(site, where, options, talk)
        found: list[Difference] = []
        try:
            asyncio.run(look.run())
            found = differences(site, look.met)
        except LineClosed as closed:
            said = f"bus {where.bus.id} cannot be asked: {closed}"
            found = [Difference("closed", None, None, said), *differences(site, look.met, whole=False)]
        except MasterHeard:
            found = [_of_master(look), *differences(site, look.met, whole=False)]
        except KeyboardInterrupt:
            talk.note("stopped: what was said so far stands, the rest was not compared")
            return INTERRUPTED
        told.append(_facts(look, found))
        _tell(look, found, talk)
        wrong |= bool(found) or any(each.wrong for each in look.odd)
    if options.as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    return WRONG if wrong else OK


def _gateways(site: Site, options: LiveOptions) -> list[Gateway]:
    if options.gateway is None:
        return list(site.gateways.values())
    if options.gateway not in site.gateways:
        raise BadBus(f"no gateway {options.gateway!r} in {options.site}; it has {', '.join(site.gateways)}")
    return [site.gateways[options.gateway]]


def _where(options: LiveOptions, bus_id: str) -> Whereabouts:
    return find(str(options.site), Settings(), bus_id, options.buses)


def _of_one_machine(places: Sequence[Whereabouts]) -> None:
    """Raises BadBus for two lines of the same name: each is on its own gateway's machine, and here is only one."""
    serial = [where.place for where in places if where.serial]
    for port in sorted({each for each in serial if serial.count(each) > 1}):
        raise BadBus(f"more than one gateway has a bus on {port}: say by --id which gateway this machine is")


def _of_master(look: Look) -> Difference:
    where = look.where
    survey = Survey(where.name, where.serial, where.settings, Course((1,)), look.line.overheard)
    verdict = verdicts(survey)[0]
    return Difference(verdict.word, None, None, verdict.said, verdict.do)


def _tell(look: Look, found: list[Difference], talk: Talk) -> None:
    talk.say(f"bus {look.where.bus.id} on {look.where}: {len(look.where.bus.devices)} devices in the site")
    for well, line in standing(look.met, found):
        mark = coloured("ok   ", GREEN) if well else coloured("WRONG", RED)
        talk.say(f"{mark}  {line}")
    for each in found:
        talk.say(coloured(f"! {each.said}", RED))
        for do in each.do:
            talk.say(f"  - {do}")
    for verdict in look.odd:
        talk.verdict(verdict)
    if not found and not any(each.wrong for each in look.odd):
        talk.say(coloured("as the site says", GREEN))
    talk.say("")


def _facts(look: Look, found: list[Difference]) -> dict[str, Any]:
    return {
        "bus": look.where.bus.id,
        "where": str(look.where),
        "devices": [
            {
                "device": each.device.id,
                "unit": each.device.unit,
                "answers": each.answers,
                "score": None if each.own is None else each.own.score,
            }
            for each in look.met.met
        ],
        "differences": [each.facts() for each in found],
        "verdicts": [{"word": each.word, "said": each.said, "do": each.do} for each in look.odd],
    }
