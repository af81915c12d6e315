"""Moves the records that a 1.x server keeps in `autogen`, made by a first write before `history init`, to where they
belong: into `raw` what is young enough, into hourly values and into the ledger's count all of it.

A day at a time, the newest first. Killed on the way it goes on where it was: what was copied is copied again onto
itself, and `autogen` is dropped only when all of it is elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from collector.storage.expiry import COUNT_WITHIN_S
from collector.storage.influx import InfluxHistory
from collector.storage.influxql import identifier
from collector.storage.initialise import Say, Unfit, shard_days
from collector.storage.policies import AUTOGEN, DAY_MS, hourly_select
from collector.storage.series import MEASUREMENT, POSITION
from config.figures import HOURLY, RAW

COPY_WITHIN_S = 1_800.0  # one day of a large community on a small server

Progress = Callable[[str, int, int], None]


class Mover:
    """One move. `drop`: let go of what is older than `raw` keeps."""

    def __init__(self, history: InfluxHistory, dry_run: bool, drop: bool, say: Say, progress: Progress) -> None:
        self._history = history
        self._influx = history.influx
        self._database = identifier(history.influx.database)
        self._dry_run = dry_run
        self._drop = drop
        self._say = say
        self._progress = progress

    async def run(self) -> None:
        """Raises Unfit, HistoryDown or QueryRefused."""
        days = [day for first, behind in await shard_days(self._history, AUTOGEN) for day in range(first, behind)]
        self._history.forget_keepings()
        known = (await self._history.keepings()).get(AUTOGEN)
        if not days:
            if known is not None and not known.default and not self._dry_run:
                await self._let_go()
            return
        if self._dry_run:
            self._say(f"would move  the records in {AUTOGEN}, {len(days)} days, to {RAW}")
            return
        raw = (await self._history.keepings())[RAW]
        today = time.time_ns() // 1_000_000 // DAY_MS
        first_kept = 0 if raw.days is None else today - int(raw.days) + 1
        old = 0
        for done, day in enumerate(sorted(set(days), reverse=True), 1):
            old += await self._move(day, day >= first_kept)
            self._progress("moved", done, len(days))
        await self._leave(old, first_kept)

    async def _move(self, day: int, young: bool) -> int:
        """Move a day; returns how many records could not come along because they are too old."""
        source, target = (f"{self._database}.{identifier(policy)}" for policy in (AUTOGEN, RAW))
        span = f" WHERE time >= {day * DAY_MS}ms AND time < {(day + 1) * DAY_MS}ms"
        count = await self._count(source, span)
        await self._query(hourly_select(source, f"{self._database}.{identifier(HOURLY)}", span))
        if not young:
            await self._history.expiry.note_day(day, f"{identifier(AUTOGEN)}.{MEASUREMENT}")
            return count
        await self._query(f'SELECT * INTO {target}."{MEASUREMENT}" FROM {source}."{MEASUREMENT}"{span} GROUP BY *')
        there = await self._count(target, span)
        if there < count:
            raise Unfit(f"{there} of {count} records of a day came to {RAW}: {AUTOGEN} stays as it is; run it again")
        return 0

    async def _leave(self, old: int, first_kept: int) -> None:
        """Drop the empty policy, or say why it stays."""
        if old and not self._drop:
            day = time.strftime("%Y-%m-%d", time.gmtime(first_kept * DAY_MS // 1000))
            self._say(
                f"moved  the records since {day}; {old} older ones stay in {AUTOGEN}, where the ledger counts them and"
                f" nobody draws them: --drop-autogen lets go of them (their hours stay in {HOURLY}), a larger"
                " --raw-days takes them along"
            )
            return
        others = await self._strangers()
        if others:
            self._say(f"moved  all records; {AUTOGEN} stays, it also holds {', '.join(others[:5])}")
            return
        await self._let_go()
        self._say(f"moved  all records of {AUTOGEN} to {RAW}" + (f", and let go of {old} older ones" if old else ""))

    async def _let_go(self) -> None:
        await self._query(f"DROP RETENTION POLICY {identifier(AUTOGEN)} ON {self._database}")
        self._history.forget_keepings()

    async def _strangers(self) -> list[str]:
        """What lies in the policy that is not ours."""
        found = await self._influx.query(f"SELECT * FROM {identifier(AUTOGEN)}./.*/ LIMIT 1", epoch="ns")
        return sorted({each.name for each in found} - {MEASUREMENT})

    async def _count(self, source: str, span: str) -> int:
        query = f'SELECT COUNT({identifier(POSITION)}) FROM {source}."{MEASUREMENT}"{span}'
        series = await self._influx.query(query, within_s=COUNT_WITHIN_S)
        return int(series[0].values[0][1]) if series else 0

    async def _query(self, query: str) -> None:
        await self._influx.query(query, method="POST", within_s=COPY_WITHIN_S)
