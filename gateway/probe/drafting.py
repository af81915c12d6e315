"""`callpoint probe draft`: device entries for a site folder from what answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime

from config.document import Mistakes
from config.profile import Profile
from gateway.probe.course import ASKS, Course
from gateway.probe.draft import Sighting, draft
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.scanning import Scan
from gateway.probe.surveying import sighted
from gateway.probe.telling import INTERRUPTED, OK, WRONG, Talk, tell_master
from gateway.probe.terminal import Progress
from gateway.probe.verdict import Survey, is_one_for_all, verdicts
from gateway.probe.whereabouts import Whereabouts, profiles_of


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """What `callpoint probe draft` was asked for."""

    where: Whereabouts
    pace: Pace
    units: tuple[int, ...]
    as_json: bool = False


class _Quiet(Talk):
    """The draft alone goes to stdout; what is told on the way is for a person."""

    def say(self, line: str) -> None:
        self.note(line)


def run(options: DraftOptions) -> int:
    """Print the draft. 0: every unit looks like a profile; 1: one does not, or nothing answers; 130: interrupted."""
    talk = _Quiet(options.as_json)
    try:
        profiles = profiles_of(options.where)
    except Mistakes as error:
        return talk.failed(str(error))
    line = Line(options.where.bus, options.pace)
    scan = Scan(line, Course(options.units, ASKS), talk)
    try:
        survey, seen = asyncio.run(_see(options, scan, profiles, talk))
    except LineClosed as closed:
        return talk.failed(str(closed))
    except MasterHeard:
        return tell_master(options.where, line, Talk(options.as_json))
    except KeyboardInterrupt:
        talk.note("stopped; to find the units first: callpoint probe scan (it can go on), then draft with --units")
        return INTERRUPTED
    where = options.where
    for verdict in verdicts(survey):
        if verdict.wrong:
            talk.verdict(verdict)
    if not seen:
        return WRONG
    known = {device.unit for device in where.bus.devices} if where.known else set()
    fresh = [each for each in seen if each.unit not in known]
    if options.as_json:
        print(json.dumps([_facts(each) for each in fresh], indent=2, ensure_ascii=False))
    elif fresh:
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        print(draft(where.bus, where.known, fresh, profiles, at), end="")
    else:
        talk.note("every unit that answers is in the site already")
    return OK if all(each.best is not None for each in fresh) else WRONG


async def _see(
    options: DraftOptions, scan: Scan, profiles: dict[str, Profile], talk: Talk
) -> tuple[Survey, list[Sighting]]:
    """The bus, and what its units look like; of one that answers for all there is nothing to draft."""
    where = options.where
    try:
        await scan.line.open()
        await scan.run()
        here, controls = scan.course.here, await scan.controls()
        survey = Survey(where.name, where.serial, where.settings, scan.course, scan.line.overheard, controls)
        if is_one_for_all(survey):
            return survey, []
        scan.line.wait_at_least(max(each.response_timeout_s for each in profiles.values()))
        progress = talk.progress = Progress(len(here))
        found = []
        for done, unit in enumerate(here):
            progress.show(done, f"unit {unit}: which profile is it?")
            found.append(await sighted(scan.line, unit, profiles))
        progress.clear()
        return survey, found
    finally:
        scan.line.close()


def _facts(sighting: Sighting) -> dict[str, object]:
    return {
        "unit": sighting.unit,
        "profile": None if sighting.best is None else sighting.best.profile,
        "likenesses": [
            {"profile": each.profile, "score": each.score, "doubts": each.doubts, "reason": each.reason}
            for each in sighting.likenesses
        ],
    }
