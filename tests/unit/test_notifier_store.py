"""The notifier on the real store: what was handed over stays so over a restart, what was not is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from collector.alarm import Alarm
from collector.alerter.channels import ChannelError, Letter
from collector.alerter.notifier import Notifier
from collector.dispatch import Notice, Reason
from collector.incident import Incident
from collector.records import Batch
from collector.state import Decision, K
from collector.store import Store, open_store
from tests.letters import FIRE, INCIDENT, NOTICE, NOW_MS, site_with


class Open:
    """What is open, as the engine shows it."""

    def __init__(self, *incidents: Incident) -> None:
        self.incidents = {incident.id: incident for incident in incidents}
        self.alarms: dict[str, Alarm] = {FIRE.key: FIRE}

    def kept(self, what: type[K]) -> dict[str, K]:
        return {}


class Post:
    """A channel that counts what it takes, until it is told to do otherwise."""

    def __init__(self, fate: Callable[[], Awaitable[None]] | None = None) -> None:
        self.keys: list[str] = []
        self.fate = fate

    async def send(self, letter: Letter) -> None:
        self.keys.append(letter.key)
        if self.fate is not None:
            await self.fate()


async def process(folder: Path, post: Post, opened: Open, until: Callable[[Store], Awaitable[bool]]) -> None:
    """One life of the process: from open to kill."""
    store = await open_store(f"sqlite:{folder / 'state'}")

    async def report(_: object) -> None: ...

    notifier = Notifier(
        site_with({"a": {"type": "console"}}),
        store,
        {"a": post},
        opened,
        lambda *_: "http://x/a",
        lambda: NOW_MS,
        report,
    )
    run = asyncio.create_task(notifier.run())
    try:
        async with asyncio.timeout(10):
            while not await until(store):  # noqa: ASYNC110 - the store is another thread's
                await asyncio.sleep(0.002)
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        await store.close()


async def put(folder: Path, incident: Incident, *notices: Notice) -> None:
    store = await open_store(f"sqlite:{folder / 'state'}")
    await store.commit(Batch((Decision(alarms=(FIRE,), incidents=(incident,), notices=notices),)))
    await store.close()


async def nothing_due(store: Store) -> bool:
    return not await store.notices_due()


def test_a_kill_repeats_only_what_was_in_flight(tmp_path: Path) -> None:
    async def scene() -> None:
        await put(tmp_path, INCIDENT, NOTICE, replace(NOTICE, id="n-2", person="wang"))
        stuck = asyncio.Event()

        async def second_hangs() -> None:
            if len(first.keys) == 2:
                stuck.set()
                await asyncio.Event().wait()

        first, second = Post(second_hangs), Post()

        async def one_recorded(store: Store) -> bool:
            return stuck.is_set() and len(await store.notices_due()) == 1

        await process(tmp_path, first, Open(INCIDENT), one_recorded)
        await process(tmp_path, second, Open(INCIDENT), nothing_due)

        assert first.keys == ["n-1", "n-2"] and second.keys == ["n-2"]

    asyncio.run(scene())


def test_news_of_a_closed_incident_that_nobody_takes_leave_the_list(tmp_path: Path) -> None:
    """The engine has forgotten a closed incident: without this the list of what is due would grow for ever."""

    async def scene() -> None:
        closed = replace(INCIDENT, closed_at_ms=NOW_MS)
        await put(tmp_path, closed, replace(NOTICE, reason=Reason.CLOSED, expects_answer=False))

        async def refuse() -> None:
            raise ChannelError("550 no such user", permanent=True)

        post = Post(refuse)
        await process(tmp_path, post, Open(), nothing_due)

        assert post.keys == ["n-1"]

    asyncio.run(scene())


def test_a_refusal_for_good_of_an_open_incident_stays_due_until_the_engine_has_decided(tmp_path: Path) -> None:
    async def scene() -> None:
        await put(tmp_path, INCIDENT, NOTICE)

        async def refuse() -> None:
            raise ChannelError("550 no such user", permanent=True)

        async def tried(store: Store) -> bool:
            return bool(await store.attempts("n-1"))

        await process(tmp_path, Post(refuse), Open(INCIDENT), tried)
        store = await open_store(f"sqlite:{tmp_path / 'state'}")
        assert [notice.id for notice in await store.notices_due()] == ["n-1"]
        await store.close()

    asyncio.run(scene())
