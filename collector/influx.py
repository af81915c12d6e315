"""The history in InfluxDB: 1.x over its own /write, 2.x and 3.x over /api/v2/write; read in InfluxQL over /query.

Every InfluxDB since 1.0 answers /query. Debian's 1.6 knows no /api/v2/write.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from collector.history import RECENT_ROWS_MAX, HistoryDown, HistoryRefused
from collector.series import MEASUREMENT, POSITION, TEXT_SUFFIX, Row, field_of
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
        write = {"org": names[0], "bucket": names[1], "precision": "ns"}
        return InfluxHistory(base, "/api/v2/write", write, names[1], headers, None, creates=False)
    username, password = read_secret("CALLPOINT_INFLUXDB_USERNAME"), read_secret("CALLPOINT_INFLUXDB_PASSWORD")
    auth = (username, password or "") if username else None
    return InfluxHistory(base, "/write", {"db": names[0], "precision": "ns"}, names[0], headers, auth, creates=True)


class InfluxHistory:
    """One database (1.x) or bucket (2.x). `creates`: the database is made when it is not there."""

    def __init__(
        self,
        base: str,
        path: str,
        parameters: dict[str, str],
        database: str,
        headers: dict[str, str],
        auth: tuple[str, str] | None,
        creates: bool,
    ) -> None:
        self._client = httpx.AsyncClient(base_url=base, headers=headers, auth=auth, timeout=ANSWER_WITHIN_S)
        self._path = path
        self._parameters = parameters
        self._database = database
        self._creates = creates

    async def write(self, rows: Sequence[Row]) -> None:
        """See `History.write`."""
        body = "\n".join(line_of(row) for row in rows).encode()
        answer = await self._ask("POST", self._path, params=self._parameters, content=body)
        if answer.status_code == 404 and self._creates:
            await self._query(f"CREATE DATABASE {_identifier(self._database)}", method="POST")
            answer = await self._ask("POST", self._path, params=self._parameters, content=body)
        if answer.status_code in _REFUSALS:
            raise HistoryRefused(_words(answer))
        if not answer.is_success:
            raise HistoryDown(_words(answer))

    async def count(self, edge: Edge, epoch: str, lane: Lane) -> int:
        """See `History.count`."""
        where = _where({"group": edge.group, "gateway": edge.node, "epoch": epoch, "lane": lane})
        rows = await self._query(f"SELECT COUNT({_identifier(POSITION)}) FROM {MEASUREMENT} WHERE {where}")
        return int(rows[0][1]) if rows else 0

    async def recent(self, device: str, point: str, since_ms: int) -> list[tuple[int, float | str]]:
        """See `History.recent`."""
        field = field_of(point)
        rows = await self._query(
            f"SELECT {_identifier(_clean(field))}, {_identifier(_clean(field + TEXT_SUFFIX))} FROM {MEASUREMENT}"
            f" WHERE {_where({'device': device})} AND time >= {int(since_ms)}ms"
            f" ORDER BY time DESC LIMIT {RECENT_ROWS_MAX}"
        )
        return [(at_ms, text if number is None else number) for at_ms, number, text in reversed(rows)]

    async def close(self) -> None:
        """See `History.close`."""
        await self._client.aclose()

    async def _query(self, query: str, method: str = "GET") -> list[list[Any]]:
        """The rows of the first series of an InfluxQL answer, time in ms."""
        answer = await self._ask(method, "/query", params={"db": self._database, "q": query, "epoch": "ms"})
        if answer.status_code == 404 and self._creates:
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
    tags = "".join(f",{_key(name)}={_key(tag)}" for name, tag in sorted(row.tags.items()))
    fields = ",".join(f"{_key(name)}={_field(value)}" for name, value in row.fields.items())
    return f"{MEASUREMENT}{tags} {fields} {row.time_ns}"


def _field(value: float | int | str) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value}i" if isinstance(value, int) else repr(value)


def _clean(text: str) -> str:
    """Line protocol cannot carry these in a key or tag, whatever is put before them."""
    return "".join(" " if char in "\n\r\t\0" else "/" if char == "\\" else char for char in text)


def _key(text: str) -> str:
    return _clean(text).replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


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
