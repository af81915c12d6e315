"""The command `probe` and the options of `check --live`: what the command line says, and whom it asks.

Each imports its module when it is run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

OK, FAILED, USAGE = 0, 1, 2
SECONDS_MAX = 3600.0
BUS = "tcp://host:port, a serial port, or a site folder with --bus"
TABLES = ["holding", "input", "coil", "discrete"]

if TYPE_CHECKING:
    from gateway.probe.line import Pace
    from gateway.probe.whereabouts import Whereabouts

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parsers(commands: Commands) -> None:
    """Add `probe` to the command line."""
    probe = commands.add_parser(
        "probe",
        help="on site: who is on this bus, and what do they say",
        description="Look at a bus that does not do what it should: reads only, politely, one question at a time.",
    )
    does = probe.add_subparsers(dest="do", metavar="WHAT", required=True)
    _add_scan(does)
    _add_read(does)
    _add_try(does)
    _add_draft(does)


def add_live(check: argparse.ArgumentParser) -> None:
    """The options of `check` that ask the devices themselves."""
    check.add_argument("--live", action="store_true", help="compare with what answers on its buses; reads only")
    check.add_argument("--id", metavar="GW", help="--live: the buses of this gateway only")
    check.add_argument("--buses", type=Path, metavar="FILE", help="--live: JSON that says where buses are instead")
    check.add_argument("--units", type=_units, metavar="LIST", help="--live: look for strangers here (default: 1-247)")
    check.add_argument("--listen", type=_seconds, metavar="S", help="--live: before it asks on a line (default: 2)")
    check.add_argument("--json", action="store_true", help="--live: print JSON")


def is_live(options: argparse.Namespace) -> bool:
    """Whether `check` was asked for anything that only devices can answer."""
    only_live = (options.id, options.buses, options.units, options.listen)
    return bool(options.live or options.json or any(each is not None for each in only_live))


def check_live(options: argparse.Namespace) -> int:
    """Compare a site folder with what answers. Exit 1 if something differs."""
    from dataclasses import replace

    from gateway.probe.live import PACE, LiveOptions, run

    if not options.live:
        print("callpoint check: --id, --buses, --units, --listen and --json are for --live", file=sys.stderr)
        return USAGE
    if options.site is None:
        print("callpoint check --live: expected a site folder", file=sys.stderr)
        return USAGE
    rest = {} if options.units is None else {"units": options.units}
    pace = PACE if options.listen is None else replace(PACE, listen_s=options.listen)
    return run(LiveOptions(options.site, options.id, options.buses, pace=pace, as_json=options.json, **rest))


def _add_scan(does: Commands) -> None:
    scan = does.add_parser("scan", help="find the units that answer", description=_scan.__doc__)
    _add_bus(scan)
    scan.add_argument("--units", type=_units, metavar="LIST", help="for example 1-32 or 1-8,11 (default: 1-247)")
    scan.add_argument("--quick", action="store_true", help="ask each unit one thing only: may miss silent devices")
    scan.add_argument("--ask", type=_ask, action="append", metavar="TABLE:ADDRESS", help="ask for this as well; again")
    scan.add_argument("--resume", action="store_true", help="go on where a scan of this bus was interrupted")
    scan.add_argument("--find-settings", action="store_true", help="serial: try baud rates and parities")
    scan.add_argument("--listen-only", type=_seconds, metavar="S", help="ask nothing, say who is heard for S seconds")
    scan.add_argument("--json", action="store_true", help="print JSON")
    scan.set_defaults(run=_scan)


def _add_read(does: Commands) -> None:
    read = does.add_parser("read", help="a range of registers, live", description=_read.__doc__)
    _add_bus(read)
    _add_unit(read)
    read.add_argument("--table", choices=TABLES, help="which of the four tables")
    read.add_argument("--address", type=_address, metavar="A", help="as on the wire: from 0, also as 0x10")
    read.add_argument("--register", metavar="N", help="as manuals print it, instead of both: 40001 is holding 0")
    read.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: 1; at most 125, bits 2000)")
    read.add_argument("--watch", type=_seconds, metavar="S", help="again every S seconds, changes marked; Ctrl-C ends")
    read.add_argument("--json", action="store_true", help="print JSON, one line for each reading")
    read.set_defaults(run=_read)


def _add_try(does: Commands) -> None:
    attempt = does.add_parser("try", help="a profile against a device", description=_try.__doc__)
    _add_bus(attempt)
    _add_unit(attempt)
    attempt.add_argument("--profile", metavar="NAME", help="for example sm-1 (default: what the site says of the unit)")
    attempt.add_argument("--site", type=Path, metavar="DIR", help="a site folder whose own profiles count too")
    attempt.add_argument("--json", action="store_true", help="print JSON")
    attempt.set_defaults(run=_try)


def _add_draft(does: Commands) -> None:
    draft = does.add_parser("draft", help="device entries for a site folder", description=_draft.__doc__)
    _add_bus(draft)
    draft.add_argument("--units", type=_units, metavar="LIST", help="for example 1-8,11 (default: 1-247)")
    draft.add_argument("--site", type=Path, metavar="DIR", help="a site folder whose own profiles count too")
    draft.add_argument("--json", action="store_true", help="print JSON instead of YAML")
    draft.set_defaults(run=_draft)


def _add_bus(parser: argparse.ArgumentParser) -> None:
    bus = parser.add_argument_group("the bus")
    bus.add_argument("where", metavar="BUS", help=BUS)
    bus.add_argument("--bus", metavar="ID", help="which bus of the site folder")
    bus.add_argument("--buses", type=Path, metavar="FILE", help="JSON that says where the site's buses are instead")
    bauds = [1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
    bus.add_argument("--baud", type=int, choices=bauds, help="of a serial port (default: 9600)")
    bus.add_argument("--parity", choices=["N", "E", "O"], help="none, even, odd (default: N)")
    bus.add_argument("--stop-bits", type=int, choices=[1, 2], help="default: 1")
    bus.add_argument("--timeout", type=_seconds, metavar="S", help="for each answer (default: 0.3, over TCP 1)")
    bus.add_argument("--pause", type=_seconds, default=0.05, metavar="S", help="between questions (default: 0.05)")
    bus.add_argument(
        "--listen", type=_seconds, default=2.0, metavar="S", help="before the first question on a line (default: 2)"
    )


def _add_unit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--unit", type=_unit, required=True, metavar="N", help="1 to 247")


def _scan(options: argparse.Namespace) -> int:
    """Ask every unit for one register and say who answers; an exception is an answer too. Listens before it asks and
    stops if another master is heard. Exit 0: units answer and nothing is odd, 1: something is, 130: interrupted."""
    from gateway.probe.course import ASKS
    from gateway.probe.scanning import ScanOptions, run

    where = _found(options)
    if where is None:
        return USAGE
    serial_only = "--find-settings" if options.find_settings else "--listen-only" if options.listen_only else None
    if serial_only and not where.serial:
        print(f"callpoint probe scan: {serial_only} is for a serial port, found {where}", file=sys.stderr)
        return USAGE
    asks = (ASKS[:1] if options.quick else ASKS) + tuple(options.ask or ())
    return run(
        ScanOptions(
            where,
            _pace(options, where),
            options.units,
            tuple(dict.fromkeys(asks)),
            resume=options.resume,
            find_settings=options.find_settings,
            listen_only_s=options.listen_only,
            as_json=options.json,
        )
    )


def _read(options: argparse.Namespace) -> int:
    """Read registers or bits and show each word as hex, unsigned, signed, float in both word orders and text."""
    from config.profile import BITS_PER_READ_MAX, REGISTERS_PER_READ_MAX, Table
    from gateway.probe.reading import ReadOptions, run
    from gateway.probe.registers import BadRegister, of_manual

    named = options.table is not None and options.address is not None
    if (options.register is not None) == (options.table is not None or options.address is not None) or (
        options.register is None and not named
    ):
        return _wrong("read", "expected --table and --address, or --register alone")
    try:
        table, address = of_manual(options.register) if options.register else (Table(options.table), options.address)
    except BadRegister as error:
        return _wrong("read", f"--register {error}")
    most = BITS_PER_READ_MAX if table.is_bits else REGISTERS_PER_READ_MAX
    if not 1 <= options.count <= most:
        return _wrong("read", f"--count {options.count}: expected 1 to {most}, what one Modbus read may bring")
    if address + options.count > 0x10000:
        return _wrong("read", f"--count {options.count}: beyond the last address, 65535")
    where = _found(options)
    if where is None:
        return USAGE
    pace = _pace(options, where)
    return run(ReadOptions(where, pace, options.unit, table, address, options.count, options.watch, options.json))


def _try(options: argparse.Namespace) -> int:
    """Read what a profile wants of a device and show its words and what they mean side by side. What cannot be meant
    is marked, with what would make sense of it: another word order, an address one off. Exit 1 when in doubt."""
    from gateway.probe.trying import TryOptions, run

    where = _found(options)
    if where is None:
        return USAGE
    return run(TryOptions(where, _pace(options, where), options.unit, options.profile, options.json))


def _draft(options: argparse.Namespace) -> int:
    """Find out which profile each unit looks like and print its entry for the site folder, with what a person has to
    fill in. Exit 1 if a unit looks like no profile."""
    from gateway.probe.course import UNIT_MAX
    from gateway.probe.drafting import DraftOptions, run

    where = _found(options)
    if where is None:
        return USAGE
    units = options.units or tuple(range(1, UNIT_MAX + 1))
    return run(DraftOptions(where, _pace(options, where), units, options.json))


def _found(options: argparse.Namespace) -> Whereabouts | None:
    """The bus that is meant; None if none can be, which is said."""
    from config.document import Mistakes
    from gateway.plan import StartError
    from gateway.probe.whereabouts import BadBus, Settings, find

    said: dict[str, Any] = {"baud": options.baud, "parity": options.parity, "stop_bits": options.stop_bits}
    given = {name: value for name, value in said.items() if value is not None}
    site = getattr(options, "site", None)
    try:
        where = find(options.where, Settings(**given), options.bus, options.buses, site)
        if given and (not where.serial or where.known):
            kind = "a bus of a site, which says it itself" if where.known else "a converter, which keeps it to itself"
            raise BadBus(f"--{next(iter(given)).replace('_', '-')} is for a serial port, found {kind}")
    except (BadBus, StartError, Mistakes, OSError) as error:
        _wrong(options.do, str(error))
        return None
    return where


def _pace(options: argparse.Namespace, where: Whereabouts) -> Pace:
    from gateway.probe.line import Pace

    # A converter waits for its unit first: one second is what most are set to.
    timeout_s = options.timeout or (0.3 if where.serial else 1.0)
    return Pace(timeout_s, options.pause, options.listen)


def _wrong(do: str, said: str) -> int:
    print(f"callpoint probe {do}: {said}", file=sys.stderr)
    return USAGE


def _units(text: str) -> tuple[int, ...]:
    from gateway.probe.course import BadUnits, parse_units

    try:
        return parse_units(text)
    except BadUnits as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _unit(text: str) -> int:
    units = _units(text)
    if len(units) != 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected one unit number, 1 to 247")
    return units[0]


def _address(text: str) -> int:
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if not 0 <= address <= 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 to 65535, or 0x0 to 0xffff")
    return address


def _ask(text: str) -> Any:
    from config.profile import Table
    from gateway.probe.course import Ask

    table, _, address = text.partition(":")
    if table not in TABLES:
        raise argparse.ArgumentTypeError(f"{text!r}: expected TABLE:ADDRESS such as holding:16")
    return Ask(Table(table), _address(address))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: expected seconds, 0 to {SECONDS_MAX:g}")
    return seconds
