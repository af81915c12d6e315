"""`callpoint history init` on a real InfluxDB 1.6: what it makes, what it finds, what it moves, what it refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import callpoint
from collector.storage.histories import open_history
from collector.storage.influx import InfluxHistory
from collector.storage.series import Row
from config.words import Edge, Lane
from tests.contracts.test_history_contract import EDGE, row
from tests.servers import Server, influxd

DAY_MS = 86_400_000
pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def influx() -> Iterator[Server]:
    with influxd() as server:
        yield server


class Database:
    """A database of the server, of one test."""

    def __init__(self, server: Server, name: str) -> None:
        self.name, self.url = name, f"influxdb://127.0.0.1:{server.port}/{name}"
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{server.port}")

    def close(self) -> None:
        """Let go of its connection."""
        self._client.close()

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of a query."""
        said = self._client.post("/query", params={"db": self.name, "q": query, "epoch": "ms"}).json()["results"][0]
        assert "error" not in said, (query, said)
        found: list[dict[str, Any]] = said.get("series", [])
        return found

    def policies(self) -> dict[str, tuple[str, str, bool]]:
        """Name -> duration, shard's duration, whether it is the default."""
        (series,) = self.ask(f'SHOW RETENTION POLICIES ON "{self.name}"')
        return {name: (lasts, shard, default) for name, lasts, shard, _, default in series["values"]}

    def write(self, *rows: Row, policy: str | None = None) -> None:
        """As the collector writes."""

        async def main() -> None:
            history = await open_history(self.url)
            assert isinstance(history, InfluxHistory)
            await history.write_to(policy, rows)
            await history.close()

        asyncio.run(main())

    def count(self, lane: Lane = Lane.TELEMETRY, edge: Edge = EDGE, epoch: str = "e 1") -> int:
        """As the ledger counts."""

        async def main() -> int:
            history = await open_history(self.url)
            found = await history.count(edge, epoch, lane)
            await history.close()
            return found

        return asyncio.run(main())


@pytest.fixture
def database(influx: Server, tmp_path: Path) -> Iterator[Database]:
    found = Database(influx, f"db {abs(hash(tmp_path)) % 10**9}")
    yield found
    found.close()


def init(capsys: pytest.CaptureFixture[str], url: str, *words: str) -> tuple[int, str, str]:
    code = callpoint.main(["history", "init", "--history", url, *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_init_makes_what_is_missing_and_a_second_time_finds_it(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = init(capsys, database.url, "--dry-run")
    assert code == 0 and "would make  database" in said and "made" not in said
    assert database.name not in [
        row[0] for series in database.ask("SHOW DATABASES") for row in series.get("values", [])
    ]

    code, said, _ = init(capsys, database.url)
    assert code == 0 and said.count("made  ") == 7, said
    assert database.policies() == {
        "raw": ("2160h0m0s", "168h0m0s", True),
        "hourly": ("43824h0m0s", "672h0m0s", False),
        "figures": ("43824h0m0s", "672h0m0s", False),
        "forever": ("0s", "87360h0m0s", False),
    }
    code, said, _ = init(capsys, database.url)
    assert code == 0 and "made" not in said and "changed" not in said and said.count("found  ") == 7, said


def test_a_duration_changes_only_when_it_is_asked_for(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    init(capsys, database.url, "--raw-days", "30")
    code, said, _ = init(capsys, database.url)
    assert code == 0 and "found  policy raw, kept 30 days" in said
    code, said, _ = init(capsys, database.url, "--raw-days", "60", "--figures-days", "400")
    assert "changed  policy raw, kept 60 days, was kept 30 days" in said
    assert "changed  policy figures, kept 400 days, was kept 1826 days" in said
    assert [database.policies()[name][0] for name in ("raw", "hourly", "figures")] == [
        "1440h0m0s",
        "43824h0m0s",
        "9600h0m0s",
    ]


def test_records_of_a_first_write_move_and_the_ledger_counts_them_all_the_while(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [now_ms() - ago * DAY_MS for ago in (0, 1, 20, 89)]
    database.write(*(row(n, Lane.TELEMETRY, at_ms, level=float(n), word="a") for n, at_ms in enumerate(days, 1)))
    database.write(row(None, None, days[2], level=9.0))  # without a position it is moved and not counted
    assert database.count() == 4

    code, said, _ = init(capsys, database.url)
    assert code == 0 and "moved  all records of autogen to raw" in said, said
    assert "autogen" not in database.policies() and database.count() == 4
    (series,) = database.ask("SELECT level, word_text FROM reading")
    assert [values[1:] for values in series.get("values", [])][::-1] == [
        [1, "a"],
        [2, "a"],
        [3, "a"],
        [9, None],
        [4, "a"],
    ] or [values[1] for values in series.get("values", [])] == [4, 3, 9, 2, 1]
    (series,) = database.ask("SELECT mean_level, min_level, max_level FROM hourly.reading")
    assert [values[1:] for values in series.get("values", [])] == [[4, 4, 4], [6, 3, 9], [2, 2, 2], [1, 1, 1]]


def test_a_move_that_was_killed_on_the_way_loses_no_record_from_the_count_and_goes_on(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [now_ms() - ago * DAY_MS for ago in (0, 1, 2)]
    rows = [row(n, Lane.TELEMETRY, at_ms + n, level=float(n)) for at_ms in days for n in range(10)]
    database.write(*rows)
    database.ask(f'CREATE RETENTION POLICY "raw" ON "{database.name}" DURATION 90d REPLICATION 1 DEFAULT')
    database.write(*rows[:15])  # one day has come over, and half of another
    database.write(row(99, Lane.TELEMETRY, days[0] + 500, level=1.0))  # and what the collector has told since
    assert database.count() == 30 + 1
    code, said, _ = init(capsys, database.url)
    assert code == 0 and "moved  all records" in said, said
    assert "autogen" not in database.policies() and database.count() == 31


def test_records_older_than_raw_keeps_stay_counted_and_go_only_when_told(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [now_ms() - ago * DAY_MS for ago in (1, 200, 400)]
    database.write(*(row(n, Lane.TELEMETRY, at_ms, level=float(n)) for n, at_ms in enumerate(days, 1)))
    code, said, _ = init(capsys, database.url)
    assert code == 0 and "2 older ones stay in autogen" in said, said
    assert "autogen" in database.policies() and database.count() == 3
    code, said, _ = init(capsys, database.url, "--drop-autogen")
    assert code == 0 and "let go of 2 older ones" in said, said
    assert "autogen" not in database.policies() and database.count() == 3
    assert len(database.ask("SELECT mean_level FROM hourly.reading")[0]["values"]) == 3


def test_the_ledger_balances_when_records_have_expired_and_misses_those_that_vanish_before(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    init(capsys, database.url, "--raw-days", "30")
    old, young = now_ms() - 29 * DAY_MS, now_ms() - 2 * DAY_MS
    database.write(*(row(n, Lane.TELEMETRY, old + n, level=1.0) for n in range(1, 8)))
    database.write(*(row(n, Lane.TELEMETRY, young + n, level=1.0) for n in range(8, 11)))

    async def count_expiring() -> int:
        history = await open_history(database.url)
        assert history.figures is not None
        days = await history.figures.count_expiring()
        await history.close()
        return days

    assert asyncio.run(count_expiring()) == 1  # the old day, while it is still there; the young one is not noted
    assert database.count() == 10
    init(capsys, database.url, "--raw-days", "7")  # now the old day is one that may be gone
    (shard,) = [
        values[0]
        for series in database.ask("SHOW SHARDS")
        for values in series.get("values", [])
        if values[1:3] == [database.name, "raw"] and values[4] <= time.strftime("%Y-%m-%d", time.gmtime(old / 1000))
    ][-1:]
    database.ask(f"DROP SHARD {shard}")  # as the server's own retention does every half an hour
    assert database.ask(f"SELECT COUNT(position) FROM reading WHERE time <= {old + 10}ms") == []
    assert database.count() == 10
    database.ask(f"DELETE FROM reading WHERE time >= {young + 8}ms AND time < {young + 10}ms")  # nobody's right
    assert database.count() == 8


def test_what_comes_late_is_rolled_up_again(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    init(capsys, database.url)
    at_ms = now_ms() - 5 * DAY_MS
    database.write(row(1, Lane.TELEMETRY, at_ms, level=3.0))
    since = time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000))
    assert callpoint.main(["history", "rollup", "--history", database.url, "--since", since]) == 0
    (series,) = database.ask("SELECT mean_level FROM hourly.reading")
    assert series["values"][0][1] == 3
    assert "6 days" in capsys.readouterr().out


def test_a_rollup_of_what_is_not_there_fails_and_says_so(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["history", "rollup", "--history", database.url, "--since"]
    assert callpoint.main([*words, time.strftime("%Y-%m-%d", time.gmtime())]) == 1
    assert "callpoint history init" in capsys.readouterr().err
    assert callpoint.main([*words, "2199-01-01"]) == 2
    assert "has not come yet" in capsys.readouterr().err


def test_a_year_is_drawn_from_hourly_values_also_where_raw_ones_have_gone(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    init(capsys, database.url)
    now, hour = now_ms() // 3_600_000 * 3_600_000, 3_600_000
    old = Row(
        {"device": "sd-1"}, (now - 200 * DAY_MS) * 1_000_000, {"mean_level": 5.0, "min_level": 3.0, "max_level": 9.0}
    )
    database.write(old, policy="hourly")
    database.write(row(1, Lane.TELEMETRY, now - 2 * DAY_MS + 60_000, level=7.0))

    async def main() -> list[tuple[int, float]]:
        history = await open_history(database.url)
        assert isinstance(history, InfluxHistory)
        await history.figures.roll_up((now - 2 * DAY_MS) // DAY_MS)
        found = await history.curve("sd-1", "level", now - 365 * DAY_MS, now)
        await history.close()
        return found

    values = asyncio.run(main())
    assert sorted({value for _, value in values}) == [3.0, 7.0, 9.0]
    assert (values[0][0], values[-1][0]) == (now - 200 * DAY_MS, now - 2 * DAY_MS + hour - 1)


def test_servers_and_users_that_do_not_fit_are_told_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, influx: Server
) -> None:
    code, said, _ = init(capsys, f"sqlite:{tmp_path}/history.db")
    assert code == 0 and "needs nothing made" in said
    code, _, error = init(capsys, "influxdb://127.0.0.1:1/x")
    assert code == 1 and "127.0.0.1:1" in error
    code, _, error = init(capsys, f"influxdb2://127.0.0.1:{influx.port}/org/bucket")
    assert code == 1 and "InfluxDB 1.6" in error
    code, _, error = init(capsys, "influxdb://127.0.0.1")
    assert code == 2 and "host:port/database" in error
    with pytest.raises(SystemExit) as left:
        init(capsys, "influxdb://127.0.0.1/x", "--raw-days", "3")
    assert left.value.code == 2 and "expected days, 7 to" in capsys.readouterr().err


def test_a_user_without_the_right_is_told_which_right_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with influxd("auth-enabled = true") as server:
        url = f"influxdb://127.0.0.1:{server.port}/kept"
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            client.post("/query", params={"q": "CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES"})
            client.post("/query", params={"q": "CREATE USER writer WITH PASSWORD 'w'"}, auth=("root", "secret"))
        code, _, error = init(capsys, url)
        assert code == 1 and "needs an administrator" in error and "CALLPOINT_INFLUXDB_USERNAME" in error
        monkeypatch.setenv("CALLPOINT_INFLUXDB_USERNAME", "writer")
        monkeypatch.setenv("CALLPOINT_INFLUXDB_PASSWORD", "w")
        code, _, error = init(capsys, url)
        assert code == 1 and "needs an administrator" in error
        monkeypatch.setenv("CALLPOINT_INFLUXDB_USERNAME", "root")
        monkeypatch.setenv("CALLPOINT_INFLUXDB_PASSWORD", "secret")
        assert init(capsys, url)[0] == 0
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", auth=("root", "secret")) as client:
            client.post("/query", params={"q": 'GRANT ALL ON "kept" TO "writer"'})
        monkeypatch.setenv("CALLPOINT_INFLUXDB_USERNAME", "writer")
        monkeypatch.setenv("CALLPOINT_INFLUXDB_PASSWORD", "w")
        asyncio.run(_work_as_a_collector_does(url))


async def _work_as_a_collector_does(url: str) -> None:
    """With the right to read and write one database, and no other."""
    history = await open_history(url)
    assert isinstance(history, InfluxHistory)
    await history.write([row(1, Lane.TELEMETRY, now_ms(), level=1.0)])
    assert await history.count(EDGE, "e 1", Lane.TELEMETRY) == 1
    await history.figures.tell_until(7)
    assert await history.figures.told_until() == 7
    await history.figures.count_expiring()
    await history.figures.roll_up(now_ms() // DAY_MS)
    await history.close()
