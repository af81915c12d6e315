"""What a scan has shown, in words: what is odd about a bus, why that may be, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.probe.course import Course, ranges
from gateway.probe.overheard import WRITES, Overheard, hexdump

EVERYBODY_MIN = 20  # so many units asked and nearly all of them here is no bus, but one who answers for all
EVERYBODY_SHARE = 0.9
RTU_UNITS_MAX = 32  # unit loads of a plain RS-485 line
NOISE_BYTES_MIN = 8  # fewer beside sound answers is the glitch of a driver that switches on
FUNCTIONS = {1: "coils", 2: "discrete inputs", 3: "holding registers", 4: "input registers"}
SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing about the bus. `do`: what to look at, the likeliest first. `dump`: bytes to look at."""

    word: str
    wrong: bool
    said: str
    do: tuple[str, ...] = ()
    dump: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """A bus as it was scanned. `bus` is how the command line names it, `answering_controls` units nobody wants."""

    bus: str
    serial: bool
    settings: str
    course: Course
    overheard: Overheard
    answering_controls: tuple[int, ...] = ()


def verdicts(survey: Survey) -> list[Verdict]:
    """All that is to be said, what explains the rest first."""
    found = [*_master(survey), *_others(survey), *_shared(survey), *_noise(survey), *_late(survey), *_nothing(survey)]
    if survey.course.here and not any(each.word == "answers-for-others" for each in found):
        found.append(_units(survey))
    return found


def _units(survey: Survey) -> Verdict:
    here = survey.course.here
    many = f"{len(here)} units answer" if len(here) > 1 else "1 unit answers"
    draft = f"callpoint probe draft {survey.bus} --units {ranges(here)}"
    return Verdict("units", False, f"{many}: {ranges(here)}", (f"to describe them for the site folder: {draft}",))


def _master(survey: Survey) -> Iterator[Verdict]:
    heard = survey.overheard
    if not heard.masters:
        return
    asks = [_question(unit, function) for unit, function in sorted(heard.master_asks)]
    more = f" and {len(asks) - SHOWN_MAX} more" if len(asks) > SHOWN_MAX else ""
    period_s = heard.period_s()
    rhythm = "" if period_s is None else f", about every {period_s:.1f} s"
    what = (
        f"it asks {', '.join(asks[:SHOWN_MAX])}{more}{rhythm}" if asks else "units answer questions that we never put"
    )
    answering = f"; units {ranges(heard.answering)} answer it" if heard.answering else ""
    yield Verdict(
        "second-master",
        True,
        f"another master is on this line: {what}{answering}. Nothing more was asked: two masters spoil each other's"
        " answers, and its alarms may be lost",
        (
            "a gateway, a panel or a PLC asks here: stop it while you look (gateways of ours: sudo systemctl stop"
            " 'callpoint-gateway@*'), then the same once more; a scan goes on with --resume",
            "if it has to stay, this line is its own: put our devices on a line of their own",
            f"to hear more without asking anything: callpoint probe scan {survey.bus} --listen-only 30",
        ),
    )


def _question(unit: int, function: int) -> str:
    if function in WRITES:
        return f"unit {unit} to be written to (function {function})"
    return f"unit {unit} for {FUNCTIONS.get(function, f'function {function}')}"


def is_one_for_all(survey: Survey) -> bool:
    """Whether one device, or a converter, answers for every unit number."""
    asked, here = len(survey.course.units), len(survey.course.here)
    if here == asked and survey.answering_controls:
        return True
    return asked >= EVERYBODY_MIN and here >= EVERYBODY_SHARE * asked and (not survey.serial or here > RTU_UNITS_MAX)


def _others(survey: Survey) -> Iterator[Verdict]:
    course, instead = survey.course, survey.overheard.instead
    asked, here = len(course.units), len(course.here)
    if is_one_for_all(survey):
        alike = len({found.outcome.words or found.outcome.code for found in course.found.values()}) == 1
        same = ", all with the same words" if alike else ""
        controls = ranges(survey.answering_controls)
        also = f"; units {controls}, which nobody would have, answer too" if controls else ""
        do = [
            "a converter or device that ignores the unit number: find the device's own number on its display or in its"
            " menu and use that one in the site",
            "a converter with a fixed slave number: its setting is often called 'slave address' or 'Modbus ID'",
        ]
        yield Verdict(
            "answers-for-others", True, f"every unit asked answers ({here} of {asked}){same}{also}", tuple(do)
        )
    for asked_unit, units in sorted(instead.items())[:SHOWN_MAX]:
        yield Verdict(
            "answers-for-others",
            True,
            f"unit {ranges(units)} answers when unit {asked_unit} is asked",
            (
                f"take unit {ranges(units)} off the line and scan again: it spoils the answers of others",
                "a converter may rewrite unit numbers: look for an offset in its settings",
            ),
        )
    if len(instead) > SHOWN_MAX:
        rest = f"and so for {len(instead) - SHOWN_MAX} more units"
        yield Verdict("answers-for-others", True, rest, (f"callpoint probe scan {survey.bus} --json lists them all",))


def _shared(survey: Survey) -> Iterator[Verdict]:
    """Some units are garbled while others are sound: the line is well, the address is not."""
    course = survey.course
    garbled = course.garbled
    if course.here and garbled and len(garbled) <= max(3, len(course.here)):
        yield Verdict(
            "garbled-unit",
            True,
            f"unit {ranges(garbled)} answers, but garbled every time; sound: {ranges(course.here)}",
            (
                f"two devices with the address {garbled[0]} that answer at once: take one off the line, ask again, and"
                " give it an address of its own (new devices all come with address 1)",
                "one device with another baud rate or parity than the rest",
                "a bad joint or a long branch at that device",
            ),
            hexdump(survey.overheard.excerpt),
        )


def _noise(survey: Survey) -> Iterator[Verdict]:
    heard, course = survey.overheard, survey.course
    if heard.masters or (heard.noise_bytes < (NOISE_BYTES_MIN if course.here else 1) and not heard.is_used):
        return
    if course.garbled and course.here and len(course.garbled) <= max(3, len(course.here)):
        return  # told of the unit
    counts = (
        f"{heard.noise_bytes} bytes that belong to no answer, {heard.garbled_answers} answers garbled"
        f" ({heard.crc_errors} of them only by their checksum), {heard.sound_answers} sound"
    )
    if not survey.serial:
        do: tuple[str, ...] = ("what answers there does not speak Modbus TCP: look at address and port",)
        if not course.here:
            do = (*do, "a converter that passes serial bytes on as they are (transparent mode): set it to Modbus TCP")
        yield Verdict("noise", True, f"noise: {counts}", do, hexdump(heard.excerpt))
        return
    if heard.sound_answers:
        unasked = "bursts come that nobody asked for: if they can only be noise, and no master at other settings,"
        yield Verdict(
            "noise",
            True,
            f"noise on the line: {counts}",
            (
                *((f"{unasked} --listen 0 asks all the same",) if heard.is_used else ()),
                "termination: 120 Ω across A and B at both ends of the line, and nowhere else",
                "the shield and a common ground (GND, C) between adapter and devices; no star, no long branches",
                "keep the pair away from the elevator's motor cable; try 9600 baud",
            ),
            hexdump(heard.excerpt),
        )
        return
    period_s, rhythm = heard.period_s(), ""
    master: tuple[str, ...] = ()
    if heard.is_used:
        bursts = "" if period_s is None else f"in bursts about every {period_s:.1f} s "
        rhythm = f", {bursts}that nobody asked for"
        master = (
            "another master asks here with other settings: find out which; two masters spoil each other's answers",
        )
    if not heard.garbled_answers and heard.is_used:
        rhythm += ". Nothing was asked"
        master = (*master, "if it can only be noise: --listen 0 asks all the same")
    yield Verdict(
        "noise",
        True,
        f"something is said on the line, but nothing sound: {counts}{rhythm}",
        (
            *master,
            f"another baud rate or parity than {survey.settings}: callpoint probe scan {survey.bus} --find-settings",
            "A and B swapped: exchange the two wires at the adapter; that harms nothing",
            "no termination or no common ground: 120 Ω at both ends of the line, GND joined",
        ),
        hexdump(heard.excerpt),
    )


def _late(survey: Survey) -> Iterator[Verdict]:
    late = survey.overheard.late - set(survey.course.here)
    more_s = 1 if survey.serial else 3
    if late:
        yield Verdict(
            "late",
            True,
            f"unit {ranges(late)} answers, but later than the time-out",
            (f"a slow device or converter: scan again with --timeout {more_s}; its profile needs response_timeout_s",),
        )


def _nothing(survey: Survey) -> Iterator[Verdict]:
    course, heard = survey.course, survey.overheard
    if course.here or course.garbled or heard.masters or heard.noise_bytes or heard.instead or heard.late:
        return
    asked = f"nothing answers: units {ranges(course.units[: course.position] or course.units)} were asked"
    beyond = () if len(course.units) >= 247 else ("a unit number that was not asked: leave --units away for all 247",)
    if not survey.serial and (course.converter or heard.late_refusals):
        do = (
            "the converter is well and says that no unit answers it: look at its serial settings (baud, parity), at the"
            " two wires A and B behind it (exchange them: that harms nothing), and at the devices' power",
            *beyond,
        )
        yield Verdict("nothing-answers", True, f"{asked}; the converter itself does", do)
        return
    if not survey.serial:
        says = "sends back what it is asked" if heard.echoes else "says nothing"
        do = (
            f"it takes connections and {says}: a converter that passes serial bytes on as they are (transparent"
            " mode) must be set to Modbus TCP",
            "another port: Modbus TCP is 502 unless somebody has changed it",
            "the two wires A and B behind it, its baud rate, the devices' power",
            *beyond,
        )
        yield Verdict("nothing-answers", True, asked, do)
        return
    echo = "; the adapter hears itself, so it sends" if heard.echoes else ""
    do = (
        "power: does the device show a light?",
        "A and B swapped: exchange the two wires at the adapter; that harms nothing",
        f"baud rate or parity ({survey.settings} was used): callpoint probe scan {survey.bus} --find-settings",
        "the right adapter? ls -l /dev/serial/by-id/ names what is plugged in",
        *beyond,
        "one device alone, on a short wire at the adapter: if it answers, the fault is in the line (a broken wire, no"
        " 120 Ω at both ends, no common ground)",
    )
    yield Verdict("nothing-answers", True, f"{asked} at {survey.settings}, and not one byte came back{echo}", do)
