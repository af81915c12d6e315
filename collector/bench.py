"""`callpoint bench engine`, `storm`, `call` and `page`: how fast the collector decides, and how soon people are told.

All run in this process, on a community of 986 buildings that is made up; of a call, with a team of 1,300 people. The
engine runs alone and in virtual time. Storm and call go through the desk, the real store on this machine's disk, and
the notifier, into a channel that takes every letter at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from collector.alerter.channels import Channel, Letter
from collector.alerter.notifier import Notifier
from collector.crowd import Crowd, crowd_site
from collector.desk import Desk
from collector.engine import Engine
from collector.session.effects import Presence
from collector.storage.histories import open_history
from collector.storage.history import Drain, HistoryDown
from collector.storage.store import Store, StoreFailed, open_store
from config.document import Mistakes
from config.loader import load_site
from config.profile import Kind
from config.site import Site
from config.words import Edge, Report

BUILDINGS = 986
ENGINE_REPORTS = 200_000
ENGINE_RATE_MIN = 20_000  # reports a second on one core
ENGINE_EVERY_MS = 3  # of virtual time between two reports
STORM_TROUBLES = 5_000
STORM_FIRES = 3
STORM_RUNS = 5
STORM_FIRST_FIRE_MAX_MS = 1_000
STORM_WITHIN_S = 120.0
CALL_PEOPLE = 1_300
CALL_MAX_MS = 1_000
RECORDED_EVERY_S = 0.005  # the store is asked
TAKEN_TOGETHER = 50  # as the inbox does it
START_MS = 1_750_000_000_000


def run(what: str, folder: Path, count: int | None, json_file: Path | None) -> int:
    """Measure `what`, with the profiles of a site folder; prints the figures. 0, or 1."""
    from collector.benchpage import page_figures  # it is built upon this module

    try:
        profiles = load_site(folder).profiles
        if what == "engine":
            figures = engine_figures(crowd_site(BUILDINGS, profiles), count or ENGINE_REPORTS)
        elif what == "storm":
            site = crowd_site(BUILDINGS, profiles)
            figures = asyncio.run(storm_figures(site, count or STORM_TROUBLES, STORM_RUNS))
        elif what == "page":
            figures = asyncio.run(page_figures(profiles, count or CALL_PEOPLE))
        else:
            figures = asyncio.run(call_figures(crowd_site(1, profiles, count or CALL_PEOPLE), STORM_RUNS))
    except (Mistakes, StoreFailed, HistoryDown, TimeoutError, OSError, ValueError) as error:
        print(f"callpoint bench: {str(error) or 'not everybody was told in time'}", file=sys.stderr)
        return 1
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    figures = {
        "what": what,
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": machine,
    } | figures
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):32} {value}")
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def engine_figures(site: Site, count: int) -> dict[str, Any]:
    """The engine alone, on one core: `count` reports of everyday life, and every wake that they lead to."""
    crowd, engine = Crowd(site), Engine(site, None, START_MS)
    for presence in _births(site):
        engine.feed(presence, START_MS)
    taken_s: list[float] = []
    changed = 0
    with _frozen():
        for report in crowd.reports(count, START_MS, ENGINE_EVERY_MS):
            began = time.perf_counter()
            wake_at = engine.wake_at()
            if wake_at is not None and wake_at <= report.at_ms:
                engine.wake(report.at_ms)
            decision = engine.feed(report, report.at_ms)
            taken_s.append(time.perf_counter() - began)
            changed += any(entry.event.startswith("alarm-") for entry in decision.entries)
    return {
        "buildings": len(site.buildings),
        "devices": len(site.devices),
        "reports": count,
        "changed_percent": round(100 * changed / count, 1),
        "reports_per_s": round(count / sum(taken_s)),
        "target_reports_per_s": ENGINE_RATE_MIN,
        "p50_us": round(_percentile(taken_s, 0.5) * 1e6, 1),
        "p99_us": round(_percentile(taken_s, 0.99) * 1e6, 1),
    }


async def storm_figures(site: Site, troubles: int, runs: int) -> dict[str, Any]:
    """So many troubles at once with three fires among them, each run on a new store. Raises TimeoutError."""
    storms = [await _storm(site, troubles, seed) for seed in range(runs)]
    first_ms = [storm.first_fire_ms for storm in storms]
    fires_ms = [fire_ms for storm in storms for fire_ms in storm.fires_ms]
    return {
        "buildings": len(site.buildings),
        "troubles": troubles,
        "fires": STORM_FIRES,
        "runs": runs,
        "first_fire_p50_ms": round(statistics.median(first_ms)),  # since the first trouble was heard
        "first_fire_max_ms": round(max(first_ms)),
        "target_first_fire_ms": STORM_FIRST_FIRE_MAX_MS,
        "every_fire_p50_ms": round(statistics.median(fires_ms)),  # since it was itself heard
        "every_fire_max_ms": round(max(fires_ms)),
        "all_told_p50_ms": round(statistics.median(storm.all_ms for storm in storms)),
        "notices": storms[0].notices,
    }


async def call_figures(site: Site, runs: int) -> dict[str, Any]:
    """One fire that calls everybody of a team at once, each run on a new store. Raises TimeoutError."""
    calls = [await _storm(site, 0, seed, fires=1) for seed in range(runs)]
    return {
        "people": calls[0].notices,
        "runs": runs,
        "all_told_p50_ms": round(statistics.median(call.all_ms for call in calls)),  # since the fire was heard
        "all_told_max_ms": round(max(call.all_ms for call in calls)),
        "target_all_told_ms": CALL_MAX_MS,
        "all_recorded_p50_ms": round(statistics.median(call.recorded_ms for call in calls)),
    }


@dataclass(frozen=True, slots=True)
class _Storm:
    """How one storm went. Of a fire: until the last notice of its first ring was handed over."""

    first_fire_ms: float  # since the storm began
    fires_ms: Sequence[float]  # of each fire, since it was heard
    all_ms: float
    recorded_ms: float  # until the store knew of every hand-over
    notices: int


class Sink:
    """A channel that takes every letter at once and remembers when."""

    def __init__(self) -> None:
        self.taken_s: dict[str, float] = {}  # notice -> when first, on the loop's clock
        self.stir = asyncio.Event()

    async def send(self, letter: Letter) -> None:
        """See `Channel.send`."""
        self.taken_s.setdefault(letter.notice, asyncio.get_running_loop().time())
        self.stir.set()


async def _storm(site: Site, troubles: int, seed: int, fires: int = STORM_FIRES) -> _Storm:
    """One storm, on a new store, until everybody is told and the store knows it."""
    sink, loop = Sink(), asyncio.get_running_loop()
    async with AsyncExitStack() as opened:
        store = await opened_store(opened)
        desk = await started(opened, site, store, {"sink": sink})
        storm = Crowd(site, seed).storm(troubles, fires, clock())
        began_s = loop.time()
        ingested_s = await _pour(desk, storm)
        async with asyncio.timeout(STORM_WITHIN_S):
            while not all(each.told_in or each.id in sink.taken_s for each in desk.engine.notices.values()):
                sink.stir.clear()
                await sink.stir.wait()
            while await store.notices_due():  # noqa: ASYNC110 - the store is another thread's
                await asyncio.sleep(RECORDED_EVERY_S)
            recorded_s = loop.time()
        told_s: dict[str, float] = {}  # building on fire -> the last notice of its first ring
        for notice in desk.engine.notices.values():
            incident = desk.incidents[notice.incident]
            if incident.kind is Kind.FIRE and (notice.call, notice.ring) == (1, 0):
                told_s[incident.building] = max(sink.taken_s[notice.id], told_s.get(incident.building, 0.0))
        return _Storm(
            first_fire_ms=(min(told_s.values()) - began_s) * 1000,
            fires_ms=[(told_s[building] - at_s) * 1000 for building, at_s in ingested_s.items()],
            recorded_ms=(recorded_s - began_s) * 1000,
            all_ms=(max(sink.taken_s.values()) - began_s) * 1000,
            notices=len(sink.taken_s),
        )


async def opened_store(opened: AsyncExitStack) -> Store:
    """A real store in a new folder, until all is closed."""
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="callpoint-bench-"))
    store = await open_store(f"sqlite:{folder}/state.db")
    opened.push_async_callback(store.close)
    return store


async def started(opened: AsyncExitStack, site: Site, store: Store, channels: Mapping[str, Channel]) -> Desk:
    """A desk and a notifier that run, all devices heard, until all is closed."""
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="callpoint-bench-"))
    history = await open_history(f"sqlite:{folder}/history.db")
    opened.push_async_callback(history.close)
    desk = Desk(site, store, history, await store.restore(), clock)
    notifier = Notifier(site, store, channels, desk, _answer_url, clock, desk.act, desk.tell)
    for presence in _births(site):
        desk.hear(presence)
    await desk.settle()
    desk.after_commit.append(lambda _stored: notifier.wake())
    opened.enter_context(_frozen())
    parts = (desk.run(), notifier.run(), Drain(store, history, desk.act).run())
    opened.push_async_callback(_stop, [asyncio.create_task(part) for part in parts])
    return desk


async def _pour(desk: Desk, storm: Sequence[Report]) -> dict[str, float]:
    """Hand a storm to the desk as the inbox would; returns when each building's fire was heard, on the loop's clock."""
    ingested_s = {}
    for number, report in enumerate(storm):
        await desk.room()
        if number % TAKEN_TOGETHER == 0:
            await asyncio.sleep(0)
        if any(reading.name == "fire" for reading in report.readings):
            building = desk.site.devices[report.device or ""].place.building
            ingested_s[building] = asyncio.get_running_loop().time()
        desk.hear(report, keep=True)
    return ingested_s


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _births(site: Site) -> Iterator[Presence]:
    """All gateways and devices come online."""
    for gateway in site.gateways.values():
        edge = Edge(site.community.id, gateway.id)
        yield Presence(edge, None, True, "birth")
        for bus in gateway.buses:
            yield from (Presence(edge, device.id, True, "birth") for device in bus.devices)


@contextmanager
def _frozen() -> Iterator[None]:
    """What is there already is not looked through for garbage, as in a running collector."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def clock() -> int:
    """Now, UTC ms."""
    return time.time_ns() // 1_000_000


def _answer_url(incident: str, person: str, _now: int) -> str:
    return f"http://127.0.0.1/a/{incident}-{person}"


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
