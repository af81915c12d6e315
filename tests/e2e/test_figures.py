"""The collector's own figures in a real InfluxDB: written as things change, and told again when it was away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import callpoint
from collector.alarms.incident import Answer
from collector.alarms.measures import Disablement, Scope
from collector.commands import Acknowledge, Answered, Disable, Enable, Reset, SystemTrouble
from collector.figures.tending import tend
from collector.figures.writer import FiguresWriter
from collector.session.tellings import Tellings
from collector.storage.histories import open_history
from collector.storage.history import Drain
from collector.storage.influx import InfluxHistory
from collector.storage.records import Batch
from collector.storage.store import open_store
from config.words import Lane
from tests.contracts.test_history_contract import record
from tests.servers import Server, influxd
from tests.web.scene import BEARER, Scene, scene

pytestmark = pytest.mark.servers
WITHIN_S = 20.0


@pytest.fixture(scope="module")
def influx() -> Iterator[Server]:
    with influxd() as server:
        yield server


class Kept:
    """What of the figures is in the history."""

    def __init__(self, history: InfluxHistory) -> None:
        self.history = history

    async def rows(self, measurement: str) -> list[dict[str, Any]]:
        """All rows of a measurement, tags among them; none while there is no place for them."""
        found = await self.history.influx.query(f'SELECT * FROM "figures"."{measurement}"')
        return [row for series in found for row in series.rows()]

    async def until(self, measurement: str, **fields: Any) -> dict[str, Any]:
        """The newest row of a measurement with these values, once it is there."""
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            rows = await self.rows(measurement)
            if fitting := [row for row in rows if fields.items() <= row.items()]:
                return fitting[-1]
            await asyncio.sleep(0.05)
        pytest.fail(f"no {measurement} with {fields} within {WITHIN_S:g} s among {rows}")


@asynccontextmanager
async def figured(folder: Path, server: Server, database: str) -> AsyncIterator[tuple[Scene, Kept]]:
    """A scene whose figures are written to a database of the server."""
    history = await open_history(f"influxdb://127.0.0.1:{server.port}/{database}")
    assert isinstance(history, InfluxHistory)
    async with scene(folder) as stage:
        stage.desk.history = history
        writer = FiguresWriter(stage.desk, history.figures, Tellings(stage.desk.site), stage.clock)
        running = asyncio.create_task(writer.run())
        try:
            yield stage, Kept(history)
        finally:
            assert not running.done(), running.exception()
            running.cancel()
            await asyncio.wait([running])
            await history.close()


def init(server: Server, database: str) -> None:
    assert callpoint.main(["history", "init", "--history", f"influxdb://127.0.0.1:{server.port}/{database}"]) == 0


async def over(stage: Scene, incident: str, device: str = "smoke-1") -> None:
    """Somebody went there and it is over."""
    for command in (Answered(incident, "nora", Answer.ARRIVED), Acknowledge(incident, "nora")):
        await stage.desk.act(command)
    stage.gateway_is_back(stage.desk.site.gateway_of[device])
    stage.hear(device, value=False)
    await stage.desk.act(Reset(incident, "nora"))


async def until_health_says(stage: Scene, words: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while words not in (said := (await stage.client.get("/api/v1/health", headers=BEARER)).text):
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.05)


def test_an_incident_is_told_as_it_opens_and_as_it_ends(influx: Server, tmp_path: Path) -> None:
    init(influx, "told")

    async def main() -> None:
        async with figured(tmp_path, influx, "told") as (stage, kept):
            await kept.until("community", incidents_fire=0)
            await kept.until("gateway", gateway="gw-1")
            fire = await stage.fire()
            opened = await kept.until("incident", id=fire.id, open=1)
            await kept.until("building", building=fire.building, state=5)
            assert opened["kind"] == "fire" and "Plum Court" in opened["title"]
            await kept.until("call", id=fire.id)
            await over(stage, fire.id)
            await kept.until("incident", id=fire.id, open=0)
            await kept.until("building", building=fire.building, state=0)
            assert len(await kept.rows("incident")) == 1

    asyncio.run(main())


def test_what_happened_while_the_history_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    with influxd() as server:

        async def main() -> None:
            async with figured(tmp_path, server, "away") as (stage, _kept):
                fire = await stage.fire()  # `init` was not run yet: nothing is written, and nothing is lost
                await over(stage, fire.id)
                await until_health_says(stage, "run `callpoint history init` once")
                await asyncio.to_thread(init, server, "away")

        asyncio.run(main())

        async def again() -> None:
            async with figured(tmp_path, server, "away") as (stage, kept):
                (row,) = [await kept.until("incident", open=0)]
                person = next(iter(stage.desk.site.contacts))
                await stage.desk.act(Disable(Scope.DEVICE, "smoke-2", person, "painting", 60))
                await kept.until("measure", open=1)
                await asyncio.to_thread(server.stop)
                fire = await stage.fire("smoke-3")
                await over(stage, fire.id, "smoke-3")
                await asyncio.to_thread(server.start)
                await kept.until("incident", id=fire.id, open=0)
                fires = [each["id"] for each in await kept.rows("incident") if each["kind"] == "fire"]
                assert sorted(fires) == sorted([row["id"], fire.id])
                (item,) = stage.desk.engine.kept(Disablement)
                await stage.desk.act(Enable(item, person))
                await kept.until("measure", open=0)

        asyncio.run(again())


def test_what_comes_too_late_for_the_servers_own_downsampling_is_rolled_up_by_the_collector(
    influx: Server, tmp_path: Path
) -> None:
    init(influx, "late")
    url = f"influxdb://127.0.0.1:{influx.port}/late"

    async def main() -> None:
        store, history = await open_store(f"sqlite:{tmp_path}/state"), await open_history(url)
        assert isinstance(history, InfluxHistory)
        five_days_ago_ms = time.time_ns() // 1_000_000 - 5 * 86_400_000
        await store.commit(Batch(records=(record(1, Lane.TELEMETRY, five_days_ago_ms, level=3.0),)))

        async def report(trouble: SystemTrouble) -> None:
            raise AssertionError(trouble)

        drain = Drain(store, history, report)
        await drain.carry()
        assert drain.late_days == {five_days_ago_ms // 86_400_000}
        tending = asyncio.create_task(tend(history.figures, lambda: store.spooled, drain.late_days))
        deadline = time.monotonic() + WITHIN_S
        while not (found := await history.influx.query("SELECT mean_level FROM hourly.reading")):
            assert time.monotonic() < deadline and not tending.done()
            await asyncio.sleep(0.05)
        assert found[0].values[0][1] == 3.0
        tending.cancel()
        await asyncio.wait([tending])
        await history.close()
        await store.close()

    asyncio.run(main())
