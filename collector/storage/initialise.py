"""Makes what a history in InfluxDB 1.x needs: database, retention policies, continuous queries, the dashboards' choice.

Nothing is made twice, nothing is taken away; a duration changes only when it is asked for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from collector.storage.expiry import Keeping, keeping_of
from collector.storage.influx import InfluxHistory
from collector.storage.influxql import QueryRefused, identifier
from collector.storage.policies import CHOICE, DAY_MS, POLICIES, TASKS, Days, Policy, choice_rows, hourly_select
from collector.storage.series import MEASUREMENT
from config.figures import FIGURES, FOREVER, HOURLY, RAW

Say = Callable[[str], None]
_ORDER = (FOREVER, HOURLY, FIGURES, RAW)  # what is to be noted and rolled up has its place before records move


class Unfit(Exception):
    """This server or database cannot be made a history of ours; str() says why and what to do."""


class Initialiser:
    """One run of `callpoint history init` on a 1.x server. `say` takes a line for each thing made or found."""

    def __init__(self, history: InfluxHistory, days: Days, dry_run: bool, say: Say) -> None:
        self._history = history
        self._influx = history.influx
        self._database = identifier(history.influx.database)
        self._days = days
        self._dry_run = dry_run
        self._say = say
        self._there = True  # the database

    async def run(self) -> None:
        """Make what is missing. Raises Unfit, HistoryDown or QueryRefused (the user has not the right)."""
        version = await self._influx.version()
        if not version.removeprefix("v").startswith("1."):
            known = f"InfluxDB {version}" if version else "something that does not name its version"
            raise Unfit(
                f"{self._influx.base} is {known}; influxdb:// is for InfluxDB 1.x, for 2.x expected"
                " influxdb2://host:port/org/bucket"
            )
        await self._make_database()
        keepings = await self._keepings()
        for name in _ORDER:
            await self._make_policy(POLICIES[name], keepings)
        await self._make_tasks()
        await self._write_choice()

    async def _make_database(self) -> None:
        series = await self._influx.query("SHOW DATABASES")
        self._there = any(row[0] == self._influx.database for each in series for row in each.values)
        if self._there:
            self._say(f"found  database {self._influx.database}")
        else:
            await self._do(f"database {self._influx.database}", f"CREATE DATABASE {self._database}")

    async def _keepings(self) -> dict[str, Keeping]:
        if not self._there and self._dry_run:
            return {}
        series = await self._influx.query(f"SHOW RETENTION POLICIES ON {self._database}")
        return {row["name"]: keeping_of(row) for each in series for row in each.rows()}

    async def _make_policy(self, policy: Policy, keepings: Mapping[str, Keeping]) -> None:
        known, asked = keepings.get(policy.name), self._days.of(policy.name)
        default = " DEFAULT" if policy.name == RAW else ""
        on = f"{identifier(policy.name)} ON {self._database}"
        if known is None:
            days = policy.days if asked is None else asked
            query = (
                f"CREATE RETENTION POLICY {on} DURATION {_duration(days)} REPLICATION 1"
                f" SHARD DURATION {_shard_days(policy, days)}d{default}"
            )
            await self._do(f"policy {policy.name}, {kept_words(days)}", query)
            return
        if asked is not None and asked != known.days:
            if policy.name == RAW and (known.days is None or asked < known.days):
                await self._note_before_they_go(asked, known)
            shards = f" SHARD DURATION {_shard_days(policy, asked)}d"
            query = f"ALTER RETENTION POLICY {on} DURATION {_duration(asked)}{shards}{default}"
            await self._do(f"policy {policy.name}, {kept_words(asked)}, was {kept_words(known.days)}", query, "change")
        elif policy.name == RAW and not known.default:
            await self._do(f"policy {RAW} is the default", f"ALTER RETENTION POLICY {on} DEFAULT", "change")
        else:
            self._say(f"found  policy {policy.name}, {kept_words(known.days)}")

    async def _note_before_they_go(self, days: int, known: Keeping) -> None:
        """A shorter duration drops records within half an hour: the ledger must know how many there were."""
        if self._dry_run:
            return
        today = time.time_ns() // 1_000_000 // DAY_MS
        first = await first_shard_day(self._history, RAW)
        for day in range(first if first is not None else today, today - days + 1):
            await self._history.expiry.note_day(day, f"{identifier(RAW)}.{MEASUREMENT}")

    async def _make_tasks(self) -> None:
        known: dict[str, str] = {}
        if self._there or not self._dry_run:
            for series in await self._influx.query("SHOW CONTINUOUS QUERIES"):
                if series.name == self._influx.database:
                    known = dict(series.values)
        for task in TASKS:
            source, target = (f"{self._database}.{identifier(policy)}" for policy in (RAW, HOURLY))
            query = (
                f"CREATE CONTINUOUS QUERY {identifier(task.name)} ON {self._database}"
                f" RESAMPLE EVERY {task.every_h}h FOR {task.back_h}h BEGIN {hourly_select(source, target)} END"
            )
            what = f"continuous query {task.name}, every {task.every_h} h of the last {task.back_h} h"
            if _plain(known.get(task.name, "")) == _plain(query):
                self._say(f"found  {what}")
                continue
            if task.name in known and not self._dry_run:
                await self._influx.query(
                    f"DROP CONTINUOUS QUERY {identifier(task.name)} ON {self._database}", method="POST"
                )
            await self._do(what, query, "change" if task.name in known else "make")

    async def _write_choice(self) -> None:
        """Which policy a dashboard reads. Its rows have other times where durations are others: written anew."""
        if not self._dry_run:
            kept = {name: each.days for name, each in (await self._keepings()).items()}
            await self._influx.query(f"DELETE FROM {CHOICE}", method="POST")
            await self._history.write_to(FOREVER, choice_rows(kept))
        self._say(f"{'would write' if self._dry_run else 'wrote'}  {CHOICE} of the dashboards")

    async def _do(self, what: str, query: str, verb: str = "make") -> None:
        if self._dry_run:
            self._say(f"would {verb}  {what}")
            return
        await self._influx.query(query, method="POST")
        self._say(f"{'made' if verb == 'make' else 'changed'}  {what}")


async def first_shard_day(history: InfluxHistory, policy: str) -> int | None:
    """The first day of which a policy has a shard; None: it has none."""
    days = await shard_days(history, policy)
    return min((first for first, _ in days), default=None)


async def shard_days(history: InfluxHistory, policy: str) -> list[tuple[int, int]]:
    """The days [first, behind the last) of each shard of a policy, oldest first."""
    found = set()
    for series in await history.influx.query("SHOW SHARDS"):
        for row in series.rows():
            if (row["database"], row["retention_policy"]) == (history.influx.database, policy):
                found.add((_day_of(row["start_time"]), _day_of(row["end_time"])))
    return sorted(found)


async def guarded(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; a refusal for want of rights becomes Unfit, which says whose right is missing."""
    try:
        await work()
    except QueryRefused as error:
        said = str(error)
        if any(
            word in said.lower() for word in ("authoriz", "privilege", "401", "403", "unable to parse authentication")
        ):
            raise Unfit(
                f"{said}. `callpoint history` needs an administrator of the server:"
                " CALLPOINT_INFLUXDB_USERNAME and CALLPOINT_INFLUXDB_PASSWORD[_FILE] for 1.x,"
                " CALLPOINT_INFLUXDB_TOKEN[_FILE] for 2.x; the collector itself only has to read and write"
            ) from error
        raise Unfit(said) from error


def _duration(days: int | None) -> str:
    return "INF" if days is None else f"{days}d"


def kept_words(days: float | None) -> str:
    """How long, in words."""
    return "kept for ever" if days is None else f"kept {days:g} days"


def _shard_days(policy: Policy, days: int | None) -> int:
    """No shard is longer than what it is kept for."""
    return policy.shard_days if days is None else max(1, min(policy.shard_days, days))


def _day_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) // 86_400


def _plain(query: str) -> str:
    """Without quotes and spaces, which a server prints as it likes."""
    return re.sub(r"[\s\"]", "", query)
