"""`callpoint bench alarm`: from a register's change to the hand-over of its notices, on this machine.

Real processes, sockets and serial lines: the demo's own stage. Every round forces the fire bit of a smoke head
at an arbitrary moment of the poll cycle, waits for the first ring, then clears, acknowledges and resets it.
"""

from __future__ import annotations

import asyncio
import json
import platform
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from config.document import Mistakes
from config.loader import load_site
from config.profile import Condition, Kind
from config.site import Site
from simulator.client import ApiRefused, handed_over_at
from simulator.narrator import Narrator
from simulator.processes import ChildFailed, free_port
from simulator.stage import CALLS, Stage, StageOptions

_STEP_S = 20.0  # for one thing to happen; a bench that hangs tells nobody anything
_POLL_S = 0.05
_SEED = 1
POINTS = 1_000
_MEMORY_S = 10.0  # every telemetry point is asked at least once


def run(program: tuple[str, ...], folder: Path, count: int, json_file: Path | None) -> int:
    """Measure `count` alarms; prints p50 and p99 by reason, and a large gateway's resident memory. 0, or 1."""
    try:
        site = load_site(folder)
        figures = asyncio.run(_measure(program, folder, site, count))
    except (Mistakes, ChildFailed, ApiRefused, httpx.HTTPError, TimeoutError, OSError) as error:
        print(f"callpoint bench: {error}", file=sys.stderr)
        return 1
    _print(figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


async def _measure(program: tuple[str, ...], folder: Path, site: Site, count: int) -> dict[str, Any]:
    heads = [device for device in site.devices.values() if _is_fire_head(site, device.id)]
    moments = random.Random(_SEED)
    samples: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="callpoint-bench-") as state:
        listen = f"127.0.0.1:{free_port('127.0.0.1')}"
        stage = Stage(StageOptions(program, folder, Path(state), listen, None, None), site, Narrator(quiet=True))
        try:
            await stage.open()
            await stage.all_heard(_STEP_S)
            for number in range(count):
                await asyncio.sleep(moments.uniform(0.2, 0.7))  # any moment of the poll cycle
                samples += await _round(stage, site, heads[number % len(heads)].id)
                _progress(number + 1, count)
        finally:
            await stage.close()
    return {
        "what": "register change to hand-over to the channel, first ring",
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "alarms": count,
        "by_reason": _by_reason(samples),
        "first_notice": _figures([min(s["latency_ms"] for s in samples if s["round"] == r) for r in _rounds(samples)]),
        "gateway_memory": await _memory(program, folder),
    }


async def _memory(program: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Resident memory of one gateway that has asked at least POINTS points for a while."""
    with tempfile.TemporaryDirectory(prefix="callpoint-bench-") as state:
        larger = Path(state) / "site"
        gateway, points = _enlarge(folder, larger)
        listen = f"127.0.0.1:{free_port('127.0.0.1')}"
        options = StageOptions(program, larger, Path(state), listen, None, None)
        stage = Stage(options, load_site(larger), Narrator(quiet=True))
        try:
            await stage.open()
            await stage.all_heard(_STEP_S)
            await asyncio.sleep(_MEMORY_S)
            resident_mb = max(_resident_mb(child.pid) for name, child in stage.gateways.items() if name == gateway)
        finally:
            await stage.close()
    return {"gateway": gateway, "points": points, "resident_mb": round(resident_mb, 1)}


def _enlarge(folder: Path, larger: Path) -> tuple[str, int]:
    """Copy a site and give its first panel so many detectors that its gateway has POINTS points or more."""
    shutil.copytree(folder, larger)
    for path in sorted(larger.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for gateway in document.get("gateways", []):
            for device in (device for bus in gateway["buses"] for device in bus["devices"]):
                while device.get("detectors"):
                    number = device["detectors"][-1]["number"] + 1
                    device["detectors"].append({**device["detectors"][-1], "number": number})
                    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
                    points = _points(load_site(larger), gateway["id"])
                    if points >= POINTS:
                        return gateway["id"], points
    raise OSError(f"{folder}: no panel with detectors to make larger")


def _points(site: Site, gateway: str) -> int:
    return sum(len(site.points(device)) for each, _, device in site.installed() if each.id == gateway)


async def _round(stage: Stage, site: Site, device: str) -> list[dict[str, Any]]:
    """One alarm from quiet to quiet; a sample for every notice of the first ring."""
    building = site.devices[device].place.building
    began = datetime.now().astimezone()
    await stage.simulator.say(f"act force: {{device: {device}, bit: 1}}")
    found = await _wait(stage, building, began, _all_handed_over)
    samples = []
    for notice in found["notices"]:
        if notice["reason"] not in CALLS or notice["call"] != 1:
            continue
        cause, at = stage.cause_of(notice, found), handed_over_at(notice)
        assert at is not None  # `_all_handed_over` waited for it
        latency_ms = (datetime.fromisoformat(at) - cause).total_seconds() * 1000
        samples.append({"round": found["id"], "reason": notice["reason"], "latency_ms": latency_ms})
    await stage.simulator.say(f"act release: {{device: {device}}}")
    responder = found["notices"][0]["person"]["id"]
    await _wait(stage, building, began, _source_normal)
    await stage.client.post(found["id"], "answers", {"person": responder, "answer": "arrived"})
    await stage.client.post(found["id"], "reset", {"person": responder})
    await _wait(stage, building, began, lambda incident: not incident["open"])
    return samples


async def _wait(
    stage: Stage, building: str, since: datetime, condition: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The fire incident of a building once it fulfils a condition. Raises TimeoutError."""
    deadline = asyncio.get_running_loop().time() + _STEP_S
    while asyncio.get_running_loop().time() < deadline:
        stage.check()
        found = await stage.client.incident(Kind.FIRE, building, since)
        if found is not None and condition(found):
            return found
        await asyncio.sleep(_POLL_S)
    raise TimeoutError(f"a fire in {building} did not come to its end within {_STEP_S:g} s")


def _all_handed_over(incident: dict[str, Any]) -> bool:
    return bool(incident["notices"]) and all(handed_over_at(notice) for notice in incident["notices"])


def _source_normal(incident: dict[str, Any]) -> bool:
    return not any(condition["phase"] in ("active", "acknowledged") for condition in incident["conditions"])


def _is_fire_head(site: Site, device: str) -> bool:
    return site.profiles[site.devices[device].profile].category == "smoke-detector" and any(
        point.kind is Kind.FIRE and point.condition is Condition.ALARM for point in site.points(site.devices[device])
    )


def _rounds(samples: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({sample["round"] for sample in samples})


def _by_reason(samples: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    reasons = sorted({sample["reason"] for sample in samples})
    return {
        reason: _figures([sample["latency_ms"] for sample in samples if sample["reason"] == reason])
        for reason in reasons
    }


def _figures(latencies_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(latencies_ms)
    return {
        "count": len(ordered),
        "p50_ms": round(statistics.median(ordered)),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]),
        "max_ms": round(ordered[-1]),
    }


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty():
        width = 30 * done // count
        end = "\n" if done == count else ""
        print(f"\r[{'#' * width}{'.' * (30 - width)}] {done}/{count}", end=end, file=sys.stderr, flush=True)


def _print(figures: dict[str, Any]) -> None:
    print(f"{figures['what']}; {figures['alarms']} alarms; {figures['machine']}")
    rows = {"first notice": figures["first_notice"], **figures["by_reason"]}
    for name, row in rows.items():
        print(
            f"  {name:18} n={row['count']:<4} p50 {row['p50_ms']} ms   p99 {row['p99_ms']} ms   max {row['max_ms']} ms"
        )
    memory = figures["gateway_memory"]
    print(f"gateway with {memory['points']} points: {memory['resident_mb']} MB resident")
