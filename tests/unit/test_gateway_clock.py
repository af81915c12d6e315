"""A gateway that starts with a wrong clock: its records get their true times once the clock is set."""

from __future__ import annotations

import asyncio
from pathlib import Path

from config.endpoint import Broker
from config.wire import CLOCK
from config.words import Lane
from gateway.__main__ import CLOCK_PERIOD_S, Process
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.plan import GatewayOptions, plan_of
from tests.gateway_house import EDGE, heads_on_tcp, write_site
from tests.servers import free_port

WRONG_BY_MS = 20 * 365 * 86_400_000  # a Pi without a battery wakes up in the past


class LateClock(Clock):
    """Wrong by years until it is set."""

    is_set = False

    def utc_ms(self) -> int:
        return super().utc_ms() - (0 if self.is_set else WRONG_BY_MS)

    def is_synchronized(self) -> bool:
        return self.is_set


def test_a_clock_learned_later_corrects_what_has_not_been_sent(tmp_path: Path) -> None:
    clock = LateClock()
    path = tmp_path / "journal.db"

    async def trial(site: Path) -> None:
        plan = plan_of(GatewayOptions(site, EDGE.node, ""))
        nobody = Broker("127.0.0.1", free_port(), False)  # nothing can be sent: every record is still ours to correct
        process = Process(plan, nobody, Journal(path, 1000), clock)
        stop = asyncio.Event()
        task = asyncio.create_task(process.run(stop))
        reader = Journal(path, 1000)
        async with asyncio.timeout(20):
            while len(reader.records(Lane.ALARM, 1, 100)) < 6:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.05)
            clock.is_set = True
            while min(each.at_ms for each in reader.records(Lane.ALARM, 1, 100)) < Clock().utc_ms() - 60_000:  # noqa: ASYNC110 - same
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(task, 10 + CLOCK_PERIOD_S)
        process.close()

    with heads_on_tcp() as (_, slave):
        asyncio.run(trial(write_site(tmp_path / "site", slave.port)))

    readings = [reading for record in Journal(path, 1000).records(Lane.ALARM, 1, 100) for reading in record.readings]
    said = [(reading.value, reading.cause) for reading in readings if reading.name == CLOCK]
    assert said == [(False, "the clock has not been set since power-on"), (True, None)]
