"""The history in InfluxDB: written through influxdb-client (1.x: its line protocol to /write), read in InfluxQL.

Debian's 1.6 has no /api/v2/write, the only road that influxdb-client itself writes by.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from collector.storage.expiry import Expiry, Keeping, keeping_of
from collector.storage.history import CURVE_INTERVALS, RECENT_ROWS_MAX, HistoryDown, HistoryRefused
from collector.storage.influxfigures import InfluxFigures
from collector.storage.influxql import (
    ANSWER_WITHIN_S,
    Influx,
    QueryRefused,
    Series,
    clean,
    identifier,
    line_of,
    where,
    words,
)
from collector.storage.policies import DAY_MS, DAY_S, POLICIES, bucket_of
from collector.storage.series import MEASUREMENT, TEXT_SUFFIX, Row, field_of, interval_of, thinned
from config.endpoint import EndpointError, read_secret
from config.figures import HOURLY, RAW
from config.words import Edge, Lane

KEEPINGS_VALID_S = 60.0
HOUR_MS = 3_600_000
HOURLY_ABOVE_MS = 45 * DAY_MS  # what `raw` surely has, and reads in time
_REFUSALS = {400, 413, 422}  # this body will never be taken; anything else but success may pass


def open_influx(url: str) -> InfluxHistory:
    """See `open_history`. Secrets: CALLPOINT_INFLUXDB_TOKEN, or CALLPOINT_INFLUXDB_USERNAME and _PASSWORD for 1.x."""
    parts = urlsplit(url)
    names = [unquote(name) for name in parts.path.strip("/").split("/")]
    expected = {"influxdb": 1, "influxdb2": 2}.get(parts.scheme)
    if expected is None:
        raise EndpointError(
            f"history URL {url!r}: expected sqlite:PATH, influxdb://host:port/database or influxdb2://…"
        )
    if parts.username or parts.password:
        raise EndpointError("history URL: put secrets into CALLPOINT_INFLUXDB_TOKEN or _USERNAME and _PASSWORD")
    try:
        base = f"http://{parts.hostname}:{parts.port or 8086}"
    except ValueError as error:
        raise EndpointError(f"history URL {url!r}: {error}") from error
    if not parts.hostname or len(names) != expected or not all(names):
        what = "influxdb://host:port/database" if expected == 1 else "influxdb2://host:port/org/bucket"
        raise EndpointError(f"history URL {url!r}: expected {what}")
    token = read_secret("CALLPOINT_INFLUXDB_TOKEN")
    headers = {"Authorization": f"Token {token}"} if token else {}
    if expected == 2:
        return InfluxHistory(base, names[1], headers, None, Bucket(base, token or "", *names))
    username, password = read_secret("CALLPOINT_INFLUXDB_USERNAME"), read_secret("CALLPOINT_INFLUXDB_PASSWORD")
    auth = (username, password or "") if username else None
    return InfluxHistory(base, names[0], headers, auth, None)


class Bucket:
    """A bucket of InfluxDB 2.x or 3.x and those beside it, written to by influxdb-client."""

    def __init__(self, base: str, token: str, org: str, bucket: str) -> None:
        timeout_ms = int(ANSWER_WITHIN_S * 1000)
        self.client = InfluxDBClient(url=base, token=token, org=org, timeout=timeout_ms, retries=False)
        self.org, self.name = org, bucket
        self._api = self.client.write_api(write_options=SYNCHRONOUS)  # retries and batches are the spool's

    async def write(self, lines: list[str], policy: str = RAW) -> None:
        """Write lines. Raises HistoryDown or HistoryRefused."""
        try:  # in ns, its default
            await asyncio.to_thread(self._api.write, bucket=bucket_of(self.name, policy), record=lines)
        except ApiException as error:
            said = f"InfluxDB answered {error.status}: {str(error.body or error.reason)[:300]}"
            raise (HistoryRefused if error.status in _REFUSALS else HistoryDown)(said) from error
        except (HTTPError, OSError) as error:
            raise HistoryDown(f"history {self.client.url}: {error}") from error

    async def run_flux(self, script: str) -> None:
        """Run a script that writes what it finds. Raises HistoryDown."""
        try:
            await asyncio.to_thread(self.client.query_api().query, script, self.org)
        except (ApiException, HTTPError, OSError) as error:
            raise HistoryDown(f"history {self.client.url}: {str(error)[:300]}") from error

    async def keepings(self) -> dict[str, Keeping]:
        """How its buckets are kept, by policy; none where the server does not say, as 3.x."""
        try:
            found = await asyncio.to_thread(self.client.buckets_api().find_buckets, org=self.org, limit=100)
        except (ApiException, HTTPError, OSError):
            return {}
        by_name = {each.name: each for each in found.buckets or ()}
        keepings = {}
        for policy in POLICIES:
            known = by_name.get(bucket_of(self.name, policy))
            if known is not None:
                rule = next((each for each in known.retention_rules or () if each.every_seconds), None)
                shard_s = 0 if rule is None else rule.shard_group_duration_seconds or 0
                days = None if rule is None else rule.every_seconds / DAY_S
                keepings[policy] = Keeping(days, shard_s / DAY_S, policy == RAW)
        return keepings

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


class InfluxHistory:
    """A database of 1.x, which is made when it is not there, or (with `bucket`) one that is called a bucket."""

    def __init__(
        self,
        base: str,
        database: str,
        headers: dict[str, str],
        auth: tuple[str, str] | None,
        bucket: Bucket | None,
    ) -> None:
        self.influx = Influx(base, database, headers, auth)
        self.bucket = bucket
        self.expiry = Expiry(self.influx, self.write_to, self.keepings)
        self.figures = InfluxFigures(self.influx, self.write_to, self.expiry, bucket)
        self._keepings: tuple[float, dict[str, Keeping]] | None = None

    async def write(self, rows: Sequence[Row]) -> None:
        """See `History.write`."""
        await self.write_to(None, rows)

    async def write_to(self, policy: str | None, rows: Sequence[Row]) -> None:
        """Write rows to a policy, None: the default one. Raises HistoryDown or HistoryRefused."""
        await self.write_text(policy, [line_of(row) for row in rows])

    async def write_text(self, policy: str | None, lines: list[str]) -> None:
        """The same with lines of its line protocol."""
        if self.bucket is not None:
            await self.bucket.write(lines, policy or RAW)
            return
        parameters = {"db": self.influx.database, "precision": "ns"} | ({} if policy is None else {"rp": policy})
        body = "\n".join(lines).encode()
        answer = await self.influx.ask("POST", "/write", params=parameters, content=body)
        if answer.status_code == 404 and policy is None:
            await self._query(f"CREATE DATABASE {identifier(self.influx.database)}", method="POST")
            answer = await self.influx.ask("POST", "/write", params=parameters, content=body)
        if answer.status_code in _REFUSALS:
            raise HistoryRefused(words(answer))
        if not answer.is_success:
            raise HistoryDown(words(answer))

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """See `History.count`."""
        lane_tags = {"group": edge.group, "gateway": edge.node, "epoch": epoch, "lane": lane.value}
        try:
            return await self.expiry.count(lane_tags, time.time_ns() // 1_000_000)
        except QueryRefused as error:
            raise HistoryDown(str(error)) from error

    async def recent(
        self, device: str, point: str, since_ms: int, until_ms: int | None = None
    ) -> list[tuple[int, float | str]]:
        """See `History.recent`."""
        field = field_of(point)
        until = "" if until_ms is None else f" AND time < {int(until_ms) + 1}ms"
        series = await self._query(
            f"SELECT {identifier(clean(field))}, {identifier(clean(field + TEXT_SUFFIX))} FROM {MEASUREMENT}"
            f" WHERE {where({'device': device})} AND time >= {int(since_ms)}ms{until}"
            f" ORDER BY time DESC LIMIT {RECENT_ROWS_MAX}"
        )
        rows = series[0].values if series else []
        return [(at_ms, text if number is None else number) for at_ms, number, text in reversed(rows)]

    async def curve(self, device: str, point: str, since_ms: int, until_ms: int) -> list[tuple[int, float]]:
        """See `History.curve`. What is longer than a season comes from the hourly values, where there are some."""
        field = clean(field_of(point))
        if until_ms - since_ms > HOURLY_ABOVE_MS and HOURLY in await self.keepings():
            return await self._hourly_curve(device, field, since_ms, until_ms)
        told = f"FROM {MEASUREMENT} WHERE {_within(device, since_ms, until_ms)}"
        name = identifier(field)
        rows = await self._rows(f"SELECT {name} {told} ORDER BY time DESC LIMIT {RECENT_ROWS_MAX + 1}")
        if len(rows) <= RECENT_ROWS_MAX:
            return [(at_ms, value) for at_ms, value in reversed(rows)]
        ((first_ms, first),) = await self._rows(f"SELECT first({name}) {told}")
        interval_ms = interval_of(since_ms, until_ms, CURVE_INTERVALS)
        grouped = f"SELECT min({name}), max({name}) {told} GROUP BY time({interval_ms}ms) fill(none)"
        extremes = [(at_ms, low, high) for at_ms, low, high in await self._rows(grouped)]
        return thinned((first_ms, first), (rows[0][0], rows[0][1]), extremes, interval_ms)

    async def _hourly_curve(self, device: str, field: str, since_ms: int, until_ms: int) -> list[tuple[int, float]]:
        low, high = (identifier(f"{word}_{field}") for word in ("min", "max"))
        told = f"FROM {identifier(HOURLY)}.{MEASUREMENT} WHERE {_within(device, since_ms, until_ms)}"
        extremes = [(at_ms, *both) for at_ms, *both in await self._rows(f"SELECT {low}, {high} {told}")]
        if not extremes:
            return []
        (first_ms, first, _), (last_ms, _, last) = extremes[0], extremes[-1]
        return thinned((first_ms, first), (last_ms + HOUR_MS - 1, last), extremes, HOUR_MS)

    async def _rows(self, query: str) -> list[list[Any]]:
        series = await self._query(query)
        return series[0].values if series else []

    async def keepings(self) -> dict[str, Keeping]:
        """The policies of the database, as they were within a minute; none where the server does not say."""
        if self._keepings is None or time.monotonic() - self._keepings[0] > KEEPINGS_VALID_S:
            self._keepings = time.monotonic(), await self._ask_keepings()
        return self._keepings[1]

    def forget_keepings(self) -> None:
        """They have been changed."""
        self._keepings = None

    async def _ask_keepings(self) -> dict[str, Keeping]:
        if self.bucket is not None:
            return await self.bucket.keepings()
        try:
            series = await self.influx.query(f"SHOW RETENTION POLICIES ON {identifier(self.influx.database)}")
        except QueryRefused:
            return {}
        return {row["name"]: keeping_of(row) for each in series for row in each.rows()}

    async def close(self) -> None:
        """See `History.close`."""
        await self.influx.close()
        if self.bucket is not None:
            self.bucket.close()

    async def _query(self, query: str, method: str = "GET") -> list[Series]:
        try:
            return await self.influx.query(query, method)
        except QueryRefused as error:
            raise HistoryDown(str(error)) from error


def _within(device: str, since_ms: int, until_ms: int) -> str:
    return f"{where({'device': device})} AND time >= {since_ms}ms AND time < {until_ms + 1}ms"
