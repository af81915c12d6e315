"""Talking to an InfluxDB: its line protocol out, InfluxQL in. Every version since 1.0 answers /query."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from influxdb_client.client.write.point import Point
from influxdb_client.domain.write_precision import WritePrecision

from collector.storage.history import HistoryDown
from collector.storage.series import Row

ANSWER_WITHIN_S = 10.0
VERSION_HEADER = "X-Influxdb-Version"


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer. The column `time` is in ms unless asked otherwise; an absent value is None."""

    name: str
    tags: Mapping[str, str]
    columns: tuple[str, ...]
    values: list[list[Any]]

    def rows(self) -> list[dict[str, Any]]:
        """Its rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.values]


class QueryRefused(Exception):
    """The server answers, and will not do this: wrong rights, or something that it does not know. str() says what."""


class Influx:
    """A server and one of its databases."""

    def __init__(
        self, base: str, database: str, headers: Mapping[str, str], auth: tuple[str, str] | None = None
    ) -> None:
        self.base = base
        self.database = database
        self._client = httpx.AsyncClient(base_url=base, headers=headers, auth=auth, timeout=ANSWER_WITHIN_S)

    async def query(
        self,
        query: str,
        method: str = "GET",
        *,
        within_s: float = ANSWER_WITHIN_S,
        epoch: str = "ms",
        may_be_missing: bool = True,
    ) -> list[Series]:
        """The series of an answer; none where the database is not there. Raises HistoryDown or QueryRefused."""
        asked = {"db": self.database, "q": query, "epoch": epoch}
        answer = await self.ask(method, "/query", within_s=within_s, params=asked)
        try:
            result = answer.json()["results"][0]
        except (ValueError, KeyError, TypeError, IndexError):
            result = {}
        error = str(result.get("error", "")) if isinstance(result, dict) else ""
        if "database not found" in error and may_be_missing:
            return []
        if error and answer.is_success:
            raise QueryRefused(error)
        if answer.status_code in (400, 401, 403):
            raise QueryRefused(words(answer))
        if not answer.is_success or not result:
            raise HistoryDown(words(answer))
        return [
            Series(each.get("name", ""), each.get("tags", {}), tuple(each["columns"]), each.get("values", []))
            for each in result.get("series", ())
        ]

    async def ask(self, method: str, path: str, *, within_s: float = ANSWER_WITHIN_S, **request: Any) -> httpx.Response:
        """Its answer, whatever that is. Raises HistoryDown if there is none in time."""
        try:
            async with asyncio.timeout(within_s):  # httpx's own limit starts anew with every byte
                return await self._client.request(method, path, timeout=within_s, **request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise HistoryDown(f"history {self.base}: {error or type(error).__name__}") from error

    async def version(self) -> str:
        """What it says of itself, "" if nothing. Raises HistoryDown."""
        return str((await self.ask("GET", "/ping")).headers.get(VERSION_HEADER, ""))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def line_of(row: Row) -> str:
    """A row in line protocol."""
    point = Point(row.measurement).time(row.time_ns, WritePrecision.NS)
    for name, tag in row.tags.items():
        point.tag(clean(name), clean(tag))
    for name, value in row.fields.items():
        point.field(clean(name), value)
    return str(point.to_line_protocol())


def clean(text: str) -> str:
    """Line protocol cannot carry these in a key or tag, whatever is put before them."""
    return "".join(" " if char in "\n\r\t\0" else "/" if char == "\\" else char for char in text)


def identifier(text: str) -> str:
    """A name as InfluxQL quotes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def where(tags: Mapping[str, str]) -> str:
    """The condition that these tags are so."""
    conditions = []
    for name, tag in tags.items():
        escaped = clean(tag).replace("'", "\\'")
        conditions.append(f"{identifier(name)} = '{escaped}'")
    return " AND ".join(conditions)


def words(answer: httpx.Response) -> str:
    """What a server says of a failure."""
    try:
        said = answer.json()
        error = said.get("error") or said.get("message") or answer.text
    except (json.JSONDecodeError, AttributeError):
        error = answer.text
    return f"InfluxDB answered {answer.status_code}: {str(error)[:300]}"
