"""`callpoint probe scan`: who answers on a bus, and what is odd about it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.probe.course import ASKS, UNIT_MAX, Ask, Course, Outcome, controls, ranges
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.overheard import Overheard
from gateway.probe.settingsearch import find_settings
from gateway.probe.statefile import NoScan, ScanFile
from gateway.probe.telling import INTERRUPTED, OK, USAGE, Talk, found_line, survey_facts, tell
from gateway.probe.terminal import Progress
from gateway.probe.verdict import Survey, Verdict
from gateway.probe.whereabouts import Whereabouts

TRIES = 2  # a garbled answer is asked for once more
KEEP_EVERY = 8  # questions between two writings of the state
QUIET_AFTER = 32  # questions; nobody should wait for minutes to be told what is clear by then
QUIET = (
    "no answer from the first 32 units. Look at power, wires (A and B exchanged?) and settings now if devices are"
    " there: Ctrl-C stops, --resume goes on"
)


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What `callpoint probe scan` was asked for."""

    where: Whereabouts
    pace: Pace
    units: tuple[int, ...] | None = None  # None: all that there may be, or those of the scan that goes on
    asks: tuple[Ask, ...] = ASKS
    resume: bool = False
    find_settings: bool = False
    listen_only_s: float | None = None
    as_json: bool = False

    @property
    def asked(self) -> tuple[int, ...]:
        """The units that are meant."""
        return self.units or tuple(range(1, UNIT_MAX + 1))


def run(options: ScanOptions) -> int:
    """Scan, and say what was found. 0: units answer and nothing is odd, 1: something is, 130: interrupted."""
    talk = Talk(options.as_json)
    try:
        if options.find_settings:
            return asyncio.run(find_settings(options.where.place, options.units, options.pace, talk))
        if options.listen_only_s is not None:
            return asyncio.run(_listen(options, talk))
        return _scan(options, talk)
    except LineClosed as closed:
        return talk.failed(str(closed))
    except NoScan as error:
        return talk.failed(str(error), USAGE)
    except KeyboardInterrupt:
        talk.note("stopped")
        return INTERRUPTED


class Scan:
    """A scan under way: the course, the line, and the file that lets it go on."""

    def __init__(
        self,
        line: Line,
        course: Course,
        talk: Talk,
        keep: Callable[[Course, Overheard], None] | None = None,
    ) -> None:
        self.line, self.course, self._talk, self._keep = line, course, talk, keep
        self._progress = talk.progress = Progress(course.total, course.position)

    async def run(self) -> None:
        """To the end of the course. Raises LineClosed, MasterHeard."""
        try:
            while (turn := self.course.next()) is not None:
                unit, ask = turn
                self._progress.show(self.course.position, self._said(unit, ask))
                before = self.course.here
                self.course.take(unit, ask, await self._ask(unit, ask))
                if self.course.here != before:
                    self._talk.say(found_line(self.course.found[unit]))
                if self.course.position % KEEP_EVERY == 0:
                    self.keep()
                heard = self.line.overheard
                if self.course.position == QUIET_AFTER and not heard.sound_answers and not heard.noise_bytes:
                    self._talk.note(QUIET)
        finally:
            self.keep()
            self._progress.clear()

    async def controls(self) -> tuple[int, ...]:
        """Units that nobody asked for and that answer all the same. Raises LineClosed, MasterHeard."""
        if len(self.course.units) < 2 or self.course.here != self.course.units:
            return ()
        asked = controls(self.course.units)
        first = self.course.found[self.course.units[0]].ask
        return tuple([unit for unit in asked if (await self.line.ask(unit, first)).is_here])

    def keep(self) -> None:
        """Write down how far it has come."""
        if self._keep is not None:
            self._keep(self.course, self.line.overheard)

    async def _ask(self, unit: int, ask: Ask) -> Outcome:
        outcome = await self.line.ask(unit, ask)
        for _ in range(TRIES - 1):
            if outcome.how == "garbled":
                outcome = await self.line.ask(unit, ask)
        return outcome

    def _said(self, unit: int, ask: Ask) -> str:
        look = "" if len(self.course.asks) == 1 else f" ({ask.table.value} {ask.address})"
        return f"unit {unit}{look}, {len(self.course.here)} found"


def _scan(options: ScanOptions, talk: Talk) -> int:
    where = options.where
    file = ScanFile(where.place, where.settings, where.serial)
    course, overheard = Course(options.asked, options.asks), None
    if options.resume:
        course, overheard = file.read()
        if options.units not in (None, course.units):
            raise NoScan(f"the scan was of units {ranges(course.units)}: leave --units away, or --resume to begin anew")
        if options.asks not in (ASKS, course.asks):
            asked = ", ".join(map(str, course.asks))
            raise NoScan(f"the scan asks for {asked}: leave --quick and --ask away, or --resume to begin anew")
        behind = f"{course.position} of {course.total} questions are behind it"
        talk.note(f"goes on with units {ranges(course.units)} on {where}: {behind}")
        for _, found in sorted(course.found.items()):
            if found.outcome.is_here:
                talk.say(found_line(found))
    elif file.exists():
        talk.note(f"an earlier scan of {where.place} was interrupted; this one begins anew (--resume goes on with it)")

    unwritten: list[OSError] = []

    def keep(course: Course, overheard: Overheard) -> None:
        try:
            if not unwritten:
                file.keep(course, overheard)
        except OSError as error:
            unwritten.append(error)
            talk.note(f"how far this is cannot be written down ({error}): --resume will not know")

    line = Line(where.bus, options.pace)
    if overheard is not None:
        line.overheard = overheard
        # A master that was heard then is looked for anew: whether it is still there is to be seen.
        overheard.master_asks.clear()
        overheard.answering.clear()
    scan = Scan(line, course, talk, keep)
    try:
        answering = asyncio.run(_to_the_end(scan, where, talk))
    except KeyboardInterrupt:
        scan.keep()
        talk.note(
            f"stopped: {course.position} of {course.total} questions asked, {len(course.here)} units found. To go on:"
            f" callpoint probe scan {where.name} --resume"
        )
        return INTERRUPTED
    except LineClosed as closed:
        if course.position == 0:
            raise
        return talk.failed(f"{closed}\nthe scan stands at {course.position} of {course.total}; --resume goes on")
    if answering is None:
        scan.keep()
    survey = _survey(options, course, line.overheard, answering or ())
    if answering is not None:
        file.forget()
    return tell(survey, talk)


async def _to_the_end(scan: Scan, where: Whereabouts, talk: Talk) -> tuple[int, ...] | None:
    """The units that answer without having been asked for; None if another master has stopped the scan."""
    try:
        listens = f"listens to {where} for {scan.line.pace.listen_s:g} s before it asks"
        await scan.line.open(lambda: talk.note(listens))
        await scan.run()
        return await scan.controls()
    except MasterHeard:
        await scan.line.listen(scan.line.pace.listen_s)  # a little more of it, to say whom it asks
        return None
    finally:
        scan.line.close()


def _survey(options: ScanOptions, course: Course, overheard: Overheard, answering: Sequence[int]) -> Survey:
    where = options.where
    return Survey(where.name, where.serial, where.settings, course, overheard, tuple(answering))


async def _listen(options: ScanOptions, talk: Talk) -> int:
    """Ask nothing at all; say who is heard."""
    assert options.listen_only_s is not None
    line = Line(options.where.bus, replace(options.pace, listen_s=0))
    talk.note(f"listens to {options.where} for {options.listen_only_s:g} s and asks nothing")
    await line.open()
    try:
        await line.listen(options.listen_only_s)
    finally:
        line.close()
    heard = line.overheard
    if not heard.masters and not heard.noise_bytes:
        quiet = Verdict("silence", False, "nothing is said on this line: nobody else asks here, it may be scanned")
        survey = _survey(options, Course(options.asked, options.asks), heard, ())
        if talk.as_json:
            print(json.dumps(survey_facts(survey, [quiet]), indent=2, ensure_ascii=False))
        talk.verdict(quiet)
        return OK
    return tell(_survey(options, Course(options.asked, options.asks), heard, ()), talk)
