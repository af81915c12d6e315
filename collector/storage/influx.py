"""The history in InfluxDB: written through influxdb-client (1.x: its line protocol to /write), read in InfluxQL.

Every InfluxDB since 1.0 answers /query. Debian's 1.6 has no /api/v2/write, the only road that
influxdb-client itself writes by.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from collector.storage.history import RECENT_ROWS_MAX, HistoryDown, HistoryRefused
from collector.storage.series import MEASUREMENT, POSITION, TEXT_SUFFIX, Row, field_of
from config.endpoint import EndpointError, read_secret
from config.words import Edge, Lane

ANSWER_WITHIN_S = 10.0
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
    """A bucket of InfluxDB 2.x or 3.x, written to by influxdb-client."""

    def __init__(self, base: str, token: str, org: str, bucket: str) -> None:
        timeout_ms = int(ANSWER_WITHIN_S * 1000)
        self._client = InfluxDBClient(url=base, token=token, org=org, timeout=timeout_ms, retries=False)
        self._api = self._client.write_api(write_options=SYNCHRONOUS)  # retries and batches are the spool's
        self._bucket = bucket

    async def write(self, lines: list[str]) -> None:
        """Write lines. Raises HistoryDown or HistoryRefused."""
        try:
            await asyncio.to_thread(self._api.write, bucket=self._bucket, record=lines)  # in ns, its default
        except ApiException as error:
            words = f"InfluxDB answered {error.status}: {str(error.body or error.reason)[:300]}"
            raise (HistoryRefused if error.status in _REFUSALS else HistoryDown)(words) from error
        except (HTTPError, OSError) as error:
            raise HistoryDown(f"history {self._client.url}: {error}") from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


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
        self._client = httpx.AsyncClient(base_url=base, headers=headers, auth=auth, timeout=ANSWER_WITHIN_S)
        self._database = database
        self._bucket = bucket

    async def write(self, rows: Sequence[Row]) -> None:
        """See `History.write`."""
        lines = [line_of(row) for row in rows]
        if self._bucket is not None:
            await self._bucket.write(lines)
            return
        parameters, body = {"db": self._database, "precision": "ns"}, "\n".join(lines).encode()
        answer = await self._ask("POST", "/write", params=parameters, content=body)
        if answer.status_code == 404:
            await self._query(f"CREATE DATABASE {_identifier(self._database)}", method="POST")
            answer = await self._ask("POST", "/write", params=parameters, content=body)
        if answer.status_code in _REFUSALS:
            raise HistoryRefused(_words(answer))
        if not answer.is_success:
            raise HistoryDown(_words(answer))

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """See `History.count`."""
        where = _where({"group": edge.group, "gateway": edge.node, "epoch": epoch, "lane": lane})
        rows = await self._query(f"SELECT COUNT({_identifier(POSITION)}) FROM {MEASUREMENT} WHERE {where}")
        return int(rows[0][1]) if rows else 0

    async def recent(
        self, device: str, point: str, since_ms: int, until_ms: int | None = None
    ) -> list[tuple[int, float | str]]:
        """See `History.recent`."""
        field = field_of(point)
        until = "" if until_ms is None else f" AND time < {int(until_ms) + 1}ms"
        rows = await self._query(
            f"SELECT {_identifier(_clean(field))}, {_identifier(_clean(field + TEXT_SUFFIX))} FROM {MEASUREMENT}"
            f" WHERE {_where({'device': device})} AND time >= {int(since_ms)}ms{until}"
            f" ORDER BY time DESC LIMIT {RECENT_ROWS_MAX}"
        )
        return [(at_ms, text if number is None else number) for at_ms, number, text in reversed(rows)]

    async def close(self) -> None:
        """See `History.close`."""
        await self._client.aclose()
        if self._bucket is not None:
            self._bucket.close()

    async def _query(self, query: str, method: str = "GET") -> list[list[Any]]:
        """The rows of the first series of an InfluxQL answer, time in ms."""
        answer = await self._ask(method, "/query", params={"db": self._database, "q": query, "epoch": "ms"})
        if answer.status_code == 404 and self._bucket is None:
            return []  # a database nobody has written to yet
        try:
            (result,) = answer.json()["results"]
        except (ValueError, KeyError, TypeError) as error:
            raise HistoryDown(_words(answer)) from error
        if "database not found" in result.get("error", ""):
            return []
        if not answer.is_success or "error" in result:
            raise HistoryDown(_words(answer))
        series = result.get("series")
        rows: list[list[Any]] = series[0]["values"] if series else []
        return rows

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):  # httpx's own limit starts anew with every byte
                return await self._client.request(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise HistoryDown(f"history {self._client.base_url}: {error or type(error).__name__}") from error


def line_of(row: Row) -> str:
    """A row in line protocol."""
    point = Point(MEASUREMENT).time(row.time_ns, WritePrecision.NS)
    for name, tag in row.tags.items():
        point.tag(_clean(name), _clean(tag))
    for name, value in row.fields.items():
        point.field(_clean(name), value)
    return str(point.to_line_protocol())


def _clean(text: str) -> str:
    """Line protocol cannot carry these in a key or tag, whatever is put before them."""
    return "".join(" " if char in "\n\r\t\0" else "/" if char == "\\" else char for char in text)


def _identifier(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _where(tags: dict[str, str]) -> str:
    conditions = []
    for name, tag in tags.items():
        escaped = _clean(tag).replace("'", "\\'")
        conditions.append(f"{_identifier(name)} = '{escaped}'")
    return " AND ".join(conditions)


def _words(answer: httpx.Response) -> str:
    try:
        said = answer.json()
        error = said.get("error") or said.get("message") or answer.text
    except (json.JSONDecodeError, AttributeError):
        error = answer.text
    return f"InfluxDB answered {answer.status_code}: {str(error)[:300]}"
