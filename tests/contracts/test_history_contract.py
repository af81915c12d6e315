"""One contract, every history: a SQLite file, InfluxDB 1 on its own road, and the road of InfluxDB 2 and 3."""

from __future__ import annotations

import asyncio
import http.client
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from collector.commands import SystemTrouble
from collector.storage.histories import open_history
from collector.storage.history import Drain, History, HistoryDown, HistoryRefused
from collector.storage.historyfile import SqliteHistory
from collector.storage.influxql import line_of
from collector.storage.records import Batch, Record
from collector.storage.series import Row, row_of
from collector.storage.store import Limits, open_store
from config.endpoint import EndpointError
from config.sparkplug import DataType, Value
from config.words import Edge, Lane, Quality, Reading, Report
from tests.servers import Server, free_port, influxd

EDGE = Edge("community", "gw-1")


def record(
    position: int | None, lane: Lane | None = Lane.TELEMETRY, at_ms: int = 1_700_000_000_000, /, **said: Value
) -> Record:
    types = {bool: DataType.BOOLEAN, float: DataType.DOUBLE, int: DataType.INT64, str: DataType.STRING}
    readings = tuple(Reading(name, value, types.get(type(value), DataType.BYTES)) for name, value in said.items())
    epoch = None if position is None else "e 1"
    return Record(Report(EDGE, "sd-1", lane, epoch, position, 1, at_ms, False, readings), "b-1", 2)


def row(
    position: int | None, lane: Lane | None = Lane.TELEMETRY, at_ms: int = 1_700_000_000_000, /, **said: Value
) -> Row:
    found = row_of(record(position, lane, at_ms, **said))
    assert found is not None
    return found


class OtherRoad(BaseHTTPRequestHandler):
    """The /api/v2 face of a newer InfluxDB, in front of an older one that judges the line protocol."""

    behind_port = 0

    def do_POST(self) -> None:
        asked = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != "Token secret":
            return self._answer(401, b'{"code":"unauthorized","message":"unauthorized access"}')
        if asked.path != "/api/v2/write" or query["org"] != "callpoint":
            return self._answer(404, b'{"code":"not found","message":"organization not found"}')
        path = "/write?" + urlencode({"db": query["bucket"], "precision": query["precision"]})
        self._pass_on("POST", path, body)

    def do_GET(self) -> None:
        self._pass_on("GET", self.path, None)

    def _pass_on(self, method: str, path: str, body: bytes | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.behind_port, timeout=10)
        connection.request(method, path, body)
        answer = connection.getresponse()
        self._answer(answer.status, answer.read())
        connection.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def influx() -> Iterator[Server]:
    with influxd() as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"db-{abs(hash(tmp_path)) % 10**9}"
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path}/history"
        return
    server: Server = request.getfixturevalue("influx")
    if request.param == "influxdb":
        yield f"influxdb://127.0.0.1:{server.port}/{name}"
        return
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/query?" + urlencode({"q": f'CREATE DATABASE "{name}"'}))
    assert connection.getresponse().status == 200
    connection.close()
    handler = type("Handler", (OtherRoad,), {"behind_port": server.port})
    front = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    monkeypatch.setenv("CALLPOINT_INFLUXDB_TOKEN", "secret")
    try:
        yield f"influxdb2://127.0.0.1:{front.server_port}/callpoint/{name}"
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[History]:
    history = await open_history(url)
    try:
        yield history
    finally:
        await history.close()


every_history = pytest.mark.parametrize("url", ["sqlite", "influxdb", "influxdb2"], indirect=True)
every_influx = pytest.mark.parametrize("url", ["influxdb", "influxdb2"], indirect=True)


@every_history
def test_what_is_written_twice_is_there_once(url: str) -> None:
    async def main() -> None:
        async with opened(url) as history:
            assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 0
            rows = [row(position, level=float(position)) for position in range(1, 51)]
            await history.write(rows)
            await history.write(rows[10:])
            assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 50
            assert await history.count(EDGE, "e 1", Lane.ALARM) == 0
            assert await history.count(EDGE, "e 2", Lane.TELEMETRY) == 0
            assert await history.count(Edge("community", "gw-2"), "e 1", Lane.TELEMETRY) == 0

    asyncio.run(main())


@every_history
def test_two_changes_in_one_millisecond_both_stay(url: str) -> None:
    async def main() -> None:
        async with opened(url) as history:
            await history.write([row(1, smoke=True), row(2, smoke=False), row(1, Lane.ALARM, smoke=True)])
            await history.write([row(2, Lane.ALARM, smoke=False)])
            assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 2
            assert await history.count(EDGE, "e 1", Lane.ALARM) == 2
            assert sorted(value for _, value in await history.recent("sd-1", "smoke", 0)) == [0.0, 0.0, 1.0, 1.0]

    asyncio.run(main())


@every_history
def test_values_come_back_with_their_time_oldest_first(url: str) -> None:
    async def main() -> None:
        async with opened(url) as history:
            start = 1_700_000_000_000
            await history.write(
                [row(9, Lane.TELEMETRY, start + 2000, level=1.25), row(7, Lane.TELEMETRY, start, level=-1e300, other=3)]
            )
            await history.write([row(8, Lane.TELEMETRY, start + 1000, level=2**40, state='a "quoted"\\ 烟\nline')])
            assert await history.recent("sd-1", "level", start + 1) == [(start + 1000, 2.0**40), (start + 2000, 1.25)]
            first_two = [(start, -1e300), (start + 1000, 2.0**40)]
            assert await history.recent("sd-1", "level", start, start + 1000) == first_two
            assert await history.recent("sd-1", "level", start + 1, start + 999) == []
            assert await history.recent("sd-1", "state", 0) == [(start + 1000, 'a "quoted"\\ 烟\nline')]
            assert await history.recent("sd-1", "nothing", 0) == []
            assert await history.recent("o'sd\" OR 1=1", "level", 0) == []

    asyncio.run(main())


@every_history
def test_a_long_curve_is_thinned_without_losing_its_peaks_its_ends_or_its_gaps(url: str) -> None:
    start, step, hour = 1_700_000_000_000, 60_000, 3_600_000
    told = [(start + n * step, 20.0 + n % 7) for n in range(6_400) if not 3_000 <= n < 3_200]
    told[1_000] = (told[1_000][0], 999.5)  # a peak that is one value of thousands, and a dip
    told[5_000] = (told[5_000][0], -5.25)
    span = (start, told[-1][0])

    async def main() -> list[tuple[int, float]]:
        async with opened(url) as history:
            rows = [row(n, Lane.TELEMETRY, at_ms, level=value) for n, (at_ms, value) in enumerate(told, 1)]
            for begin in range(0, len(rows), 2_000):
                await history.write(rows[begin : begin + 2_000])
            assert await history.curve("sd-1", "level", start, start + hour) == told[:61]  # short: every value
            assert await history.curve("sd-1", "nothing", *span) == []
            return await history.curve("sd-1", "level", *span)

    values = asyncio.run(main())
    assert len(values) < 2 * len(told) and values == sorted(values, key=lambda each: each[0])
    assert values[0] == told[0] and values[-1] == told[-1]
    assert max(value for _, value in values) == 999.5 and min(value for _, value in values) == -5.25
    (silence,) = [(before, after) for (before, _), (after, _) in pairwise(values) if after - before > hour]
    assert abs(silence[0] - told[2_999][0]) <= 2 * step and abs(silence[1] - told[3_000][0]) <= 2 * step
    assert _SAID.setdefault("a long curve", values) == values  # every history the same


_SAID: dict[str, list[tuple[int, float]]] = {}


@every_history
def test_points_with_awkward_names_are_kept_apart(url: str) -> None:
    async def main() -> None:
        async with opened(url) as history:
            awkward = {"position": 3.5, "time": 4.5, "a b,c=d": 5.5, "smoke/1/烟": True, 'x"\\\n': 6.5}
            await history.write([row(1, **awkward)])
            assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 1
            for name, value in awkward.items():
                assert [found for _, found in await history.recent("sd-1", name, 0)] == [float(value)], name

    asyncio.run(main())


@every_history
def test_a_report_without_a_position_is_kept_and_not_counted(url: str) -> None:
    async def main() -> None:
        async with opened(url) as history:
            await history.write([row(None, None, level=1.0)])
            assert [value for _, value in await history.recent("sd-1", "level", 0)] == [1.0]
            assert await history.count(EDGE, "", Lane.TELEMETRY) == 0

    asyncio.run(main())


@every_influx
def test_one_row_that_is_refused_holds_up_no_other(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(url) as history:
            await history.write(
                [Row({"device": "elsewhere"}, 1_700_000_000_000_000_000, {"smoke": "a word, where a number will be"})]
            )
            with pytest.raises(HistoryRefused, match="conflict"):
                await history.write([row(1, smoke=True)])
            store = await open_store(f"sqlite:{tmp_path}/state", Limits(reserve_bytes=4096))
            records = [record(p, **({"smoke": True} if p in (1, 6) else {"level": 1.0})) for p in range(1, 9)]
            await store.commit(Batch(records=tuple(records)))

            async def report(trouble: SystemTrouble) -> None:
                raise AssertionError(trouble)

            drain = Drain(store, history, report)
            assert await drain.carry() == 8
            assert await drain.carry() == 0 == store.spooled
            assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 6
            (account,) = await store.ledger_rows()
            assert (account.committed, account.refused, account.spooled, drain.refused) == (8, 2, 0, 2)
            await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["influxdb", "influxdb2"])
def test_a_history_that_is_down_is_trouble_until_it_is_back(kind: str, influx: Server, tmp_path: Path) -> None:
    port = free_port()

    async def main() -> None:
        store = await open_store(f"sqlite:{tmp_path}/state", Limits(reserve_bytes=4096))
        await store.commit(Batch(records=(record(1, level=1.0),)))
        path = "db-down" if kind == "influxdb" else "org/db-down"
        down = await open_history(f"{kind}://127.0.0.1:{port}/{path}")
        with pytest.raises(HistoryDown, match=str(port)):
            await down.write([row(1, level=1.0)])
        with pytest.raises(HistoryDown):
            await down.count(EDGE, "e 1", Lane.TELEMETRY)

        said: list[SystemTrouble] = []
        heard = asyncio.Event()

        async def report(trouble: SystemTrouble) -> None:
            said.append(trouble)
            heard.set()

        drain = asyncio.create_task(Drain(store, down, report).run())
        await asyncio.wait_for(heard.wait(), 10)
        assert (said[0].part, said[0].active) == ("history", True)
        assert store.spooled == 1
        drain.cancel()
        await asyncio.gather(drain, return_exceptions=True)
        await down.close()
        await store.close()

    asyncio.run(main())


def test_a_wrong_token_is_down_and_not_a_refusal(influx: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = type("Handler", (OtherRoad,), {"behind_port": influx.port})
    front = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=front.serve_forever)
    thread.start()
    monkeypatch.setenv("CALLPOINT_INFLUXDB_TOKEN", "guess")

    async def main() -> None:
        async with opened(f"influxdb2://127.0.0.1:{front.server_port}/callpoint/b") as history:
            with pytest.raises(HistoryDown, match="401"):
                await history.write([row(1, level=1.0)])

    try:
        asyncio.run(main())
    finally:
        front.shutdown()
        front.server_close()
        thread.join()


def test_urls_that_are_no_history_are_refused_in_words(tmp_path: Path) -> None:
    async def refused(url: str) -> str:
        with pytest.raises((EndpointError, HistoryRefused)) as caught:
            await open_history(url)
        return str(caught.value)

    async def main() -> None:
        assert "influxdb://host:port/database" in await refused("influxdb://127.0.0.1:8086")
        assert "org/bucket" in await refused("influxdb2://127.0.0.1:8086/bucket")
        assert "expected sqlite:PATH" in await refused("mysql://127.0.0.1/x")
        assert "port" in (await refused("influxdb://127.0.0.1:http/x")).lower()
        assert "secrets" in await refused("influxdb://me:secret@127.0.0.1/x")
        (tmp_path / "text").write_text("no database, and long enough that nobody takes it for one " * 40)
        assert "cannot be read" in await refused(f"sqlite:{tmp_path}/text")

    asyncio.run(main())


def test_a_value_that_is_absent_is_no_field_and_keeps_its_quality() -> None:
    readings = (
        Reading("level", None, DataType.DOUBLE, Quality.STALE, "no answer"),
        Reading("nan", float("nan"), DataType.DOUBLE),
        Reading("raw", b"\x01\xff", DataType.BYTES),
    )
    report = Report(EDGE, None, Lane.ALARM, "e1", 1_000_007, 1, 5, False, readings)
    found = row_of(Record(report, None, 9))
    assert found == Row(
        {"group": "community", "gateway": "gw-1", "lane": "alarm", "epoch": "e1"},
        5_000_007,
        {"level_quality": 500, "raw_text": "01ff", "position": 1_000_007},
    )
    assert line_of(found) == (
        "reading,epoch=e1,gateway=gw-1,group=community,lane=alarm"
        ' level_quality=500i,position=1000007i,raw_text="01ff" 5000007'
    )


def test_a_file_is_opened_again_with_all_that_it_held(tmp_path: Path) -> None:
    async def main() -> None:
        for position in (1, 2):
            async with opened(f"sqlite:{tmp_path}/h") as history:
                await history.write([row(position, level=2.0)])
                assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == position

    asyncio.run(main())


def test_a_file_that_is_full_drops_its_oldest_day_and_goes_on_counting_it(tmp_path: Path) -> None:
    async def main() -> None:
        history = SqliteHistory(tmp_path / "h", bytes_max=400_000)
        await history.open()
        for day in range(20):
            at_ms, first = day * 86_400_000, day * 500 + 1
            rows = [row(p, Lane.TELEMETRY, at_ms + p, level=float(p)) for p in range(first, first + 500)]
            await history.write(rows)
        counted = await history.count(EDGE, "e 1", Lane.TELEMETRY)
        await history.close()
        with closing(sqlite3.connect(tmp_path / "h")) as file:
            (oldest, newest) = file.execute("SELECT min(value), max(value) FROM fields").fetchone()

        assert counted == 20 * 500
        assert (oldest > 500, newest) == (True, 20 * 500)

    asyncio.run(main())
