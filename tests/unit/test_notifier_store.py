"""The notifier on the real store: what was handed over stays so over a restart, what was not is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from collector.alarms.alarm import Alarm
from collector.alarms.incident import Incident
from collector.alerter.channels import ChannelError, Letter
from collector.alerter.notifier import Notifier
from collector.calls.dispatch import Notice, Reason
from collector.calls.preflight import Checked
from collector.calls.reach import LastTest, Reached
from collector.state import Decision, K
from collector.storage.records import Attempt, Batch
from collector.storage.statements import ATTEMPTS_DUE_MAX, ATTEMPTS_KEEP
from collector.storage.store import Store, open_store
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


def test_however_often_it_is_started_a_notice_goes_once_in_its_window_and_once_more_when_it_is_repeated(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        people = [replace(NOTICE, id=f"n-{number}", person=name) for number, name in enumerate(("li", "wang", "chen"))]
        await put(tmp_path, INCIDENT, *people)
        post = Post()
        for _ in range(4):
            await process(tmp_path, post, Open(INCIDENT), nothing_due)
        assert sorted(post.keys) == ["n-0", "n-1", "n-2"]

        await put(tmp_path, INCIDENT, *(replace(notice, due=2) for notice in people))
        for _ in range(3):
            await process(tmp_path, post, Open(INCIDENT), nothing_due)
        assert sorted(post.keys[3:]) == ["n-0-2", "n-1-2", "n-2-2"]

    asyncio.run(scene())


def test_the_store_knows_the_tries_of_what_is_due_and_who_was_tried_lately(tmp_path: Path) -> None:
    async def scene() -> None:
        await put(tmp_path, INCIDENT, NOTICE, replace(NOTICE, id="n-2", person="wang"))
        store = await open_store(f"sqlite:{tmp_path / 'state'}")
        busy, again = Attempt("n-1", 1, "a", 10, None, "busy"), Attempt("n-1", 1, "a", 20, None, "busy", True)
        await store.record_attempts([busy, Attempt("n-2", 1, "b", 15, 16), again])

        assert await store.attempts_due() == {"n-1": [busy, again]}
        assert await store.attempts_since(15) == [("b", "wang", 15), ("a", "li", 20)]
        await store.close()

    asyncio.run(scene())


def test_a_channel_that_is_down_for_months_leaves_the_newest_of_its_tries(tmp_path: Path) -> None:
    """Else reading them all would hold up the next fire, by seconds after a month."""

    async def scene() -> None:
        await put(tmp_path, INCIDENT, replace(NOTICE, due=2))
        store = await open_store(f"sqlite:{tmp_path / 'state'}")
        taken = Attempt("n-1", 1, "a", 1, 2)
        refused = [Attempt("n-1", 2, "a", at_ms, None, "busy") for at_ms in range(10, 10 + ATTEMPTS_KEEP)]
        await store.record_attempts([taken, *refused])

        assert await store.attempts("n-1") == refused
        assert await store.attempts_due() == {"n-1": refused[-ATTEMPTS_DUE_MAX:]}
        await store.commit(Batch((Decision(notices=(replace(NOTICE, due=1),)),)))
        assert not await store.notices_due()  # what was taken stays taken
        await store.close()

    asyncio.run(scene())


def test_what_is_known_of_people_outlives_the_process(tmp_path: Path) -> None:
    async def scene() -> None:
        known = (
            Checked("north/night", 5),
            Reached("li:voice:00000000", "li", "voice", 1, 2, "busy", 3, True),
            LastTest("li", 7, "wang"),
        )
        store = await open_store(f"sqlite:{tmp_path / 'state'}")
        await store.commit(Batch((Decision(kept=known),)))
        await store.close()
        store = await open_store(f"sqlite:{tmp_path / 'state'}")

        assert (await store.restore()).kept == known
        await store.close()

    asyncio.run(scene())
