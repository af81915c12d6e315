"""How a serial line speaks, found out by trying: `callpoint probe scan --find-settings`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from config.profile import Table
from gateway.probe.course import Ask, ranges
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.ports import why_closed
from gateway.probe.telling import OK, WRONG, Talk
from gateway.probe.terminal import Progress
from gateway.probe.verdict import Verdict
from gateway.probe.whereabouts import BAUDS, Settings, with_settings

TRIAL_UNITS = (*range(1, 11), 247)  # where new devices are, when settings are looked for
TRIAL_UNITS_MAX = 16  # at 24 settings more would take long
TRIAL_LISTEN_S = 0.5
# What devices are delivered with, the commonest first.
TRIALS = tuple(
    Settings(baud, parity)
    for parity in ("N", "E", "O")
    for baud in sorted(BAUDS, key=[9600, 19200, 115200, 4800, 38400, 2400, 57600, 1200].index)
)


async def find_settings(port: str, wanted: Sequence[int] | None, pace: Pace, talk: Talk) -> int:
    """Try what devices are delivered with until something sound is heard. `wanted`: the units to ask, None: a few."""
    units = TRIAL_UNITS if wanted is None else wanted[:TRIAL_UNITS_MAX]
    talk.progress = Progress(len(TRIALS))
    heard: dict[str, int] = {}
    used = False  # somebody talks here, at settings to be found: from then on only listening finds them
    for tried, settings in enumerate(TRIALS):
        talk.progress.show(tried, f"{settings}, {'listens' if used else f'units {ranges(units)}'}")
        bus = with_settings(port, settings)
        listen_s = pace.listen_s if used or tried == 0 else min(pace.listen_s, TRIAL_LISTEN_S)
        line = Line(bus, replace(pace, listen_s=listen_s))
        try:
            unit = await _first_sound(line, () if used else units)
        except LineClosed:
            if await why_closed(bus):
                raise
            continue  # the adapter is there and cannot do this
        finally:
            line.close()
        used |= line.overheard.is_used
        heard[str(settings)] = line.overheard.noise_bytes
        if unit is not None or line.overheard.masters:
            by = "another master is heard" if line.overheard.masters else f"unit {unit} answers"
            go_on = f"callpoint probe scan {port} --baud {settings.baud} --parity {settings.parity}"
            return _settled(talk, settings, f"{settings}: {by}", f"to go on: {go_on}")
    noisy = [f"{name} ({n} bytes)" for name, n in heard.items() if n]
    asked = "somebody talks here, so nobody was asked (--listen 0 does)" if used else f"units {ranges(units)} asked"
    said = f"nothing sound at any of {len(TRIALS)} settings, {asked}"
    heard_something = f"something unsound at {', '.join(noisy)}" if noisy else "not one byte at any of them"
    verdict = Verdict(
        "no-settings",
        True,
        f"{said}; {heard_something}",
        (
            "A and B swapped: exchange the two wires at the adapter, and try again",
            "power, a broken wire, no common ground; one device alone, on a short wire",
            "a device with a number above 10: name it with --units",
        ),
    )
    if talk.as_json:
        print(json.dumps({"settings": None, "noise_bytes": heard}, indent=2))
    talk.verdict(verdict)
    return WRONG


def _settled(talk: Talk, settings: Settings, said: str, go_on: str) -> int:
    if talk.as_json:
        facts = {"baud": settings.baud, "parity": settings.parity, "stop_bits": settings.stop_bits}
        print(json.dumps({"settings": facts, "said": said}, indent=2))
    talk.verdict(Verdict("settings", False, said, (go_on,)))
    return OK


async def _first_sound(line: Line, units: Sequence[int]) -> int | None:
    try:
        await line.open()
        for unit in units:
            if (await line.ask(unit, Ask(Table.HOLDING, 0))).is_here:
                return unit
    except MasterHeard:
        pass
    return None
