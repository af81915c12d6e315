"""`callpoint probe read`: a register range as it is, once or live, in every way that its words may be meant."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.profile import Table
from gateway.link import EXCEPTIONS
from gateway.probe.line import Line, LineClosed, MasterHeard, Pace
from gateway.probe.registers import in_manuals, shown_float, words_of
from gateway.probe.sample import Sample
from gateway.probe.telling import INTERRUPTED, OK, WRONG, Talk, tell_master
from gateway.probe.terminal import BOLD, coloured
from gateway.probe.whereabouts import Whereabouts

MANUAL_LEAST = 10_000  # so high an address is more often a manual's number than one of the wire
HEADER = f"{'address':>7}  {'manual':>6}  {'hex':<4}  {'unsigned':>8}  {'signed':>6}"
HEADER += f"  {'float, high first':>17}  {'float, low first':>16}  text"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What `callpoint probe read` was asked for. `watch_s`: again and again, so far apart."""

    where: Whereabouts
    pace: Pace
    unit: int
    table: Table
    address: int
    count: int
    watch_s: float | None = None
    as_json: bool = False


def run(options: ReadOptions) -> int:
    """0: all of it was read; 1: something of it was not; 130: interrupted (which ends a watch well)."""
    talk = Talk(options.as_json)
    line = Line(options.where.bus, options.pace)
    try:
        return asyncio.run(_read(options, line))
    except LineClosed as closed:
        return talk.failed(str(closed))
    except MasterHeard:
        return tell_master(options.where, line, talk)
    except KeyboardInterrupt:
        return INTERRUPTED


async def _read(options: ReadOptions, line: Line) -> int:
    before: dict[int, int] = {}
    first, redraws = True, options.watch_s is not None and sys.stdout.isatty() and not options.as_json
    try:
        await line.open()
        while True:
            sample = Sample()
            await line.range(options.unit, options.table, options.address, options.count, sample)
            now = {address: word for (_, address), word in sample.words.items()}
            if options.as_json:
                print(json.dumps(_facts(options, sample), ensure_ascii=False), flush=True)
            elif redraws:
                sys.stdout.write("\x1b[H\x1b[2J" if first else "\x1b[H")
                print("\n".join(f"{text}\x1b[K" for text in (_title(options), *shown(options, sample, before))))
                print("\x1b[J", end="", flush=True)
            elif first:
                print("\n".join((_title(options), *shown(options, sample, before))), flush=True)
            else:
                for text in changes(options.table, before, now):
                    print(f"{_clock()}  {text}", flush=True)
            if options.watch_s is None:
                return OK if len(now) == options.count else WRONG
            before, first = now or before, False
            await asyncio.sleep(options.watch_s)
    finally:
        line.close()


def _title(options: ReadOptions) -> str:
    last = options.address + options.count - 1
    what = f"{options.table.value} {options.address}" + (f" to {last}" if options.count > 1 else "")
    return f"unit {options.unit} on {options.where}, {what}, {_clock()}"


def shown(options: ReadOptions, sample: Sample, before: Mapping[int, int]) -> list[str]:
    """The range as lines; what has changed since `before` is marked."""
    table = options.table
    now = {address: word for (_, address), word in sample.words.items()}
    if table.is_bits:
        lines = [f"{'address':>7}  {'manual':>6}  value"]
        lines += [_marked(f"{a:>7}  {in_manuals(table, a):>6}  {now[a]}", a, now, before) for a in sorted(now)]
    else:
        lines = [HEADER] if now else []
        for word in words_of(now):
            lines.append(
                _marked(
                    f"{word.address:>7}  {in_manuals(table, word.address):>6}  {word.raw:04x}  {word.raw:>8}"
                    f"  {word.signed:>6}  {shown_float(word.float_high_first):>17}"
                    f"  {shown_float(word.float_low_first):>16}  {word.text}",
                    word.address,
                    now,
                    before,
                )
            )
    return lines + absences(options, sample)


def _marked(line: str, address: int, now: Mapping[int, int], before: Mapping[int, int]) -> str:
    changed = address in before and before[address] != now[address]
    return coloured(f"{line}  * was {before[address]}", BOLD) if changed else line


def changes(table: Table, before: Mapping[int, int], now: Mapping[int, int]) -> list[str]:
    """What has changed, for a reader that is no terminal."""
    return [
        f"{table.value} {address} ({in_manuals(table, address)}): {before[address]} -> {word}"
        for address, word in sorted(now.items())
        if address in before and before[address] != word
    ]


def absences(options: ReadOptions, sample: Sample) -> list[str]:
    """What of the range was not read, why, and what to try."""
    lines = []
    for code in sorted(set(sample.refused.values())):
        cells = [address for (_, address), each in sample.refused.items() if each == code]
        where = f"{options.table.value} {_runs(cells)}"
        lines.append(f"{where}: exception {code} {EXCEPTIONS.get(code, 'unknown')}")
        if code == 1:
            lines.append(f"  - the device has no {options.table.value} table: try another --table")
        if code == 2 and not sample.words and options.address >= MANUAL_LEAST:
            number = str(options.address)
            lines.append(f"  - {number} as a manual prints it is --register {number}; --address counts from 0")
        elif code == 2 and not sample.words:
            lines.append("  - nothing is there: the manual's number goes into --register (40001 is holding 0)")
    if sample.silent:
        cells = [address for _, address in sample.silent]
        lines.append(f"{options.table.value} {_runs(cells)}: unit {options.unit} does not answer")
        if not sample.words and not sample.refused:
            lines.append(f"  - is it there? callpoint probe scan {options.where.name} --units {options.unit}")
            lines.append("  - some devices keep silent on what they do not have: try another --table or --address")
    return lines


def _runs(cells: Iterable[int]) -> str:
    ordered = sorted(cells)
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]} ({len(ordered)} of them)"


def _facts(options: ReadOptions, sample: Sample) -> dict[str, Any]:
    table = options.table
    now = {address: word for (_, address), word in sample.words.items()}
    if table.is_bits:
        values: list[dict[str, Any]] = [{"address": address, "value": bit} for address, bit in sorted(now.items())]
    else:
        values = [word.facts() for word in words_of(now)]
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "unit": options.unit,
        "table": table.value,
        "values": [{**each, "manual": in_manuals(table, each["address"])} for each in values],
        "refused": [{"address": a, "exception": code} for (_, a), code in sorted(sample.refused.items())],
        "silent": sorted(address for _, address in sample.silent),
    }


def _clock() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
