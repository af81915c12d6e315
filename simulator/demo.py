"""`callpoint demo`: a whole community on this machine, each part a process of its own, and a story played in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from config.document import Mistakes
from config.loader import load_site
from config.site import Site
from simulator.client import ApiRefused, handed_over_at, holds
from simulator.narrator import Narrator, entry_words, told_words
from simulator.processes import ChildFailed, free_port
from simulator.stage import Stage, StageOptions
from simulator.story import Expect, Step, Story, read_story

_POLL_S = 0.1
_READY_S = 30.0  # for every device to be heard
_DRAIN_S = 10.0  # for the ledger to balance once the gateways have stopped
_PAUSE_S = 3.0  # between two stories
_SIGN_IN_S = 20.0  # to open a link before there is something to answer


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`program` starts callpoint; None for `mqtt`, `history` and `listen` means the demo's own."""

    program: tuple[str, ...]
    site: Path
    stories: tuple[str, ...]
    exit: bool = False
    json_file: Path | None = None
    mqtt: str | None = None
    history: str | None = None
    listen: str | None = None


@dataclass(slots=True)
class _Result:
    """What the report is made of."""

    failures: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)


def run(options: DemoOptions) -> int:
    """Play; returns 0 if all went as told (or the user stopped it), 1 if not, with the reason on stderr."""
    try:
        site = load_site(options.site)
        stories = [read_story(name, site) for name in options.stories]
    except Mistakes as error:
        print(error, file=sys.stderr)
        return 1
    return asyncio.run(_run(options, site, stories))


async def _run(options: DemoOptions, site: Site, stories: Sequence[Story]) -> int:
    narrator, result = Narrator(), _Result()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="callpoint-demo-") as folder:
        try:
            stage = Stage(_stage_options(options, Path(folder)), site, narrator)
        except OSError as error:
            print(f"callpoint demo: {error}", file=sys.stderr)
            return 1
        play = asyncio.create_task(_play(options, site, stage, stories, narrator, result))
        interrupts = 0

        def interrupt() -> None:
            nonlocal interrupts
            interrupts += 1
            if interrupts == 1:
                narrator.say("plain", "stopping … (once more to stop at once)")
                play.cancel()
            else:
                stage.kill()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await play
        finally:
            await stage.close()
    if options.exit and interrupts:
        result.failures.append("stopped before the story was over")
    for failure in result.failures:
        print(f"callpoint demo: {failure}", file=sys.stderr)
    if options.json_file is not None and not _write(options.json_file, options, narrator, result):
        return 1
    return 1 if result.failures else 0


def _stage_options(options: DemoOptions, folder: Path) -> StageOptions:
    wanted = options.listen or "127.0.0.1:8080"
    host, _, port = wanted.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise OSError(f"--listen {wanted}: expected host:port")
    # The port that was asked for by name must be had; the default may move aside for a second demo.
    free = free_port(host, int(port), tries=1 if options.listen else 20)
    return StageOptions(options.program, options.site, folder, f"{host}:{free}", options.mqtt, options.history)


async def _play(
    options: DemoOptions,
    site: Site,
    stage: Stage,
    stories: Sequence[Story],
    narrator: Narrator,
    result: _Result,
) -> None:
    try:
        narrator.say("plain", "starting broker, devices, gateways and collector …")
        await stage.open()
        await stage.all_heard(_READY_S)
        narrator.say("plain", f"{len(site.devices)} devices of {len(site.gateways)} gateways are heard. {stage.url}")
        if not options.exit:
            narrator.say("plain", "to act in it, sign in: each link works once, in one browser")
            for role, name, link in await stage.sign_in_links():
                narrator.say("plain", f"  {role:9}  {name}  {link}")
            narrator.say("plain", f"the first story begins in {_SIGN_IN_S:.0f} s; then press 我去 · I am going")
            await asyncio.sleep(_SIGN_IN_S)
        for index, story in enumerate(stories):
            if index:
                await asyncio.sleep(_PAUSE_S)
            await _play_story(stage, story, narrator, result)
        if options.exit:
            await stage.stop_gateways()
            await _settle(stage, result)
        else:
            narrator.say("plain", f"the community lives on at {stage.url} until you press Ctrl-C")
            await stage.watch()
    except (ChildFailed, ApiRefused, httpx.HTTPError, OSError) as error:  # what did not come in time is an OSError
        result.failures.append(str(error) or type(error).__name__)


async def _play_story(stage: Stage, story: Story, narrator: Narrator, result: _Result) -> None:
    narrator.say("story", f"— {story.title['en']} · {story.title['zh']} —")
    since = datetime.now().astimezone()
    start = asyncio.get_running_loop().time()
    follower = _Follower(stage, story, since, narrator)
    follow = asyncio.create_task(follower.run())
    await stage.simulator.say(f"play {story.story}")
    try:
        for step in story.steps:
            await asyncio.sleep(start + step.at - asyncio.get_running_loop().time())
            stage.check()
            if step.say is not None:
                narrator.say("story", step.say["en"])
            if not await _take(stage, story, step, since, result):
                break
    finally:
        follow.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follow
    result.notices.extend(_notices(await follower.look(), stage))


async def _take(stage: Stage, story: Story, step: Step, since: datetime, result: _Result) -> bool:
    """One step of people or of expectation; False when the story cannot go on."""
    if step.then is not None:
        incident = await _incident(stage, story, since)
        if incident is None:
            result.failures.append(f"{story.story}: there is no incident to answer at {step.at:g} s")
            return False
        try:
            await stage.client.do(incident["id"], step.then)
        except ApiRefused as error:
            result.failures.append(f"{story.story}: at {step.at:g} s: {error}")
            return False
    if step.expect is not None:
        expected = step.expect

        async def true() -> bool:
            return holds(expected, await _incident(stage, story, since))

        try:
            await stage.until(_words(expected), true, step.deadline_s)
        except TimeoutError as error:
            result.failures.append(f"{story.story}: at {step.at:g} s: {error}")
            return False
    return True


class _Follower:
    """Tells what happens to a story's incident as it happens."""

    def __init__(self, stage: Stage, story: Story, since: datetime, narrator: Narrator) -> None:
        self._stage, self._story, self._since, self._narrator = stage, story, since, narrator
        self._entries = 0
        self._told: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await self.look()
            await asyncio.sleep(_POLL_S)

    async def look(self) -> dict[str, Any] | None:
        """Tell what is new; returns the incident."""
        incident = await _incident(self._stage, self._story, self._since)
        if incident is not None:
            for entry in incident["timeline"][self._entries :]:
                if (words := entry_words(entry, incident)) is not None:
                    self._narrator.say(*words, datetime.fromisoformat(entry["at"]))
            self._entries = len(incident["timeline"])
            _tell_told(self._stage, incident, self._told, self._narrator)
        return incident


def _tell_told(stage: Stage, incident: dict[str, Any], told: set[str], narrator: Narrator) -> None:
    """Who was told since the last look, those of one reason and call in one line."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for notice in incident["notices"]:
        if handed_over_at(notice) is not None and notice["id"] not in told:
            told.add(notice["id"])
            groups.setdefault((notice["reason"], notice["call"]), []).append(notice)
    for notices in groups.values():
        at = max(datetime.fromisoformat(str(handed_over_at(notice))) for notice in notices)
        latency = at - stage.cause_of(notices[0], incident)
        narrator.say("told", told_words(notices, latency.total_seconds() * 1000), at)


async def _incident(stage: Stage, story: Story, since: datetime) -> dict[str, Any] | None:
    return await stage.client.incident(story.about.kind, story.about.building, since)


def _notices(incident: dict[str, Any] | None, stage: Stage) -> list[dict[str, Any]]:
    """The notices of an incident for the report."""
    if incident is None:
        return []
    found: list[dict[str, Any]] = []
    for notice in incident["notices"]:
        at, cause = handed_over_at(notice), stage.cause_of(notice, incident)
        latency = None if at is None else datetime.fromisoformat(at) - cause
        found.append(
            {
                "to": notice["person"]["id"],
                "reason": notice["reason"],
                "ring": notice["ring"],
                "cause_at": cause.astimezone().isoformat(timespec="milliseconds"),
                "handed_over_at": at,
                "latency_ms": None if latency is None else round(latency.total_seconds() * 1000),
            }
        )
    return found


async def _settle(stage: Stage, result: _Result) -> None:
    """Wait for the ledger to balance now that nothing new comes; a difference is a failure."""
    fields = ("gateway", "lane", "appended", "dropped", "in_journal", "committed", "in_history")

    async def balanced() -> bool:
        rows = (await stage.client.get("/ledger"))["rows"]
        result.ledger = [{name: row[name] for name in fields} for row in rows]
        return bool(rows) and all(_balances(row) for row in rows)

    try:
        await stage.until("a balanced ledger", balanced, _DRAIN_S)
    except TimeoutError as error:
        wrong = [row for row in result.ledger if not _balances(row)]
        result.failures.append(f"{error}: {wrong}")


def _balances(row: dict[str, Any]) -> bool:
    if any(row[name] is None for name in ("appended", "dropped", "in_journal", "committed", "in_history")):
        return False
    return bool(row["appended"] == row["committed"] + row["dropped"] + row["in_journal"]) and bool(
        row["committed"] == row["in_history"]
    )


def _words(expected: Expect) -> str:
    ((name, value),) = expected.model_dump(exclude_none=True).items()
    if isinstance(value, dict):
        value = " ".join(str(part) for part in value.values())
    return f"{name} {value}"


def _write(path: Path, options: DemoOptions, narrator: Narrator, result: _Result) -> bool:
    report = {
        "ok": not result.failures,
        "story": ",".join(options.stories),
        "failures": result.failures,
        "timeline": narrator.timeline,
        "notices": result.notices,
        "ledger": result.ledger,
    }
    try:
        path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"callpoint demo: cannot write {path}: {error}", file=sys.stderr)
        return False
    return True
