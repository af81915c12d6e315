"""The command `history`: makes what a history on a server needs, and works hourly values out again."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

OK, FAILED, USAGE = 0, 1, 2

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parsers(commands: Commands) -> None:
    """Add the command to the command line."""
    history = commands.add_parser("history", help="what a history on a server keeps", description=_history.__doc__)
    history.add_argument("do", choices=["init", "rollup"])
    history.add_argument(
        "--history", required=True, metavar="URL", help="as the collector's: influxdb://…, influxdb2://…"
    )
    history.add_argument("--raw-days", type=_days, metavar="N", help="init: keep every record so long (90)")
    history.add_argument("--hourly-days", type=_days, metavar="N", help="init: keep hourly values so long (1826)")
    history.add_argument(
        "--figures-days", type=_days, metavar="N", help="init: keep the collector's figures so long (1826)"
    )
    history.add_argument("--drop-autogen", action="store_true", help="init: let go of records older than --raw-days")
    history.add_argument("--dry-run", action="store_true", help="init: say what would be made, and make nothing")
    history.add_argument("--since", type=_day, metavar="DATE", help="rollup: from this day (UTC) on, 2026-11-30")
    history.set_defaults(run=_history, extra="collector")


def _history(options: argparse.Namespace) -> int:
    """Make the policies, downsampling and choices that the history and its dashboards need, as often as one likes. Or
    work the hourly values out again, for what came later than a day. Needs an administrator of the server."""
    from collector.storage.making import run_init, run_rollup
    from collector.storage.policies import Days

    if options.do == "rollup":
        if options.since is None:
            print("callpoint history rollup: expected --since DATE", file=sys.stderr)
            return USAGE
        return asyncio.run(run_rollup(options.history, options.since))
    days = Days(options.raw_days, options.hourly_days, options.figures_days)
    return asyncio.run(run_init(options.history, days, options.dry_run, options.drop_autogen))


def _days(text: str) -> int:
    from collector.storage.policies import DAYS_MAX, DAYS_MIN

    if not text.isdecimal() or not DAYS_MIN <= int(text) <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text}: expected days, {DAYS_MIN} to {DAYS_MAX}")
    return int(text)


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: expected a date such as 2026-11-30") from error
