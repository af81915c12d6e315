"""A store of an older version is brought along, with what was open in it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer
from collector.alarms.route import LIVE
from collector.calls.preflight import Checked
from collector.storage.kept import Kept
from collector.storage.store import StoreRefused, open_store

VERSION_3 = ("accounts", "sessions", "sign_ins", "tokens", "audit")

# As version 1 wrote them, in a file of which nothing else is older.
ALARM_1 = (
    '{"key":"sd-1:fire","device":"sd-1","point":"fire","building":"b-1","condition":"alarm","kind":"fire",'
    '"phase":"active","value":"1","raised_at_ms":1,"heard_at_ms":2,"returned_at_ms":null,"epoch":"e1",'
    '"position":4,"incident":"i-1"}'
)
INCIDENT_1 = (
    '{"id":"i-1","building":"b-1","kind":"fire","opened_at_ms":2,"cause_at_ms":1,"full_call":true,'
    '"alarms":["sd-1:fire"],"responses":[{"person":"li","answer":"going","at_ms":5,"call":1}],'
    '"acknowledged_by":["li"],"call":1,"call_started_at_ms":2,"rings_called":1,"quorum_at_ms":null,'
    '"stood_down_by":null,"closed_at_ms":null,"condition":"alarm","next_step_at_ms":9,"recall_at_ms":null,'
    '"recall_reason":"new-device","recall_if_still_so":false}'
)
NOTICE_1 = (
    '{"id":"n-1","incident":"i-1","person":"li","channel":0,"reason":"own-team","ring":0,"call":1,"cause_at_ms":1,'
    '"heard_at_ms":2,"created_at_ms":3,"expects_answer":true,"due":1,"next_repeat_at_ms":null,'
    '"superseded_at_ms":null,"failed_at_ms":null}'
)


def _make_version_1(path: Path) -> None:
    async def make() -> None:
        store = await open_store(f"sqlite:{path}")
        await store.close()

    asyncio.run(make())
    file = sqlite3.connect(path)
    with file:
        for table in ("kept", *VERSION_3):
            file.execute(f"DROP TABLE {table}")
        file.execute("PRAGMA user_version = 1")
        file.execute("INSERT INTO alarms VALUES ('sd-1:fire', 'active', 'i-1', ?)", (ALARM_1,))
        file.execute("INSERT INTO incidents VALUES ('i-1', NULL, ?)", (INCIDENT_1,))
        file.execute(
            "INSERT INTO notices (id, incident, due, superseded_at_ms, body) VALUES ('n-1', 'i-1', 1, NULL, ?)",
            (NOTICE_1,),
        )
    file.close()


def test_a_fire_that_was_open_before_the_upgrade_is_open_after_it(tmp_path: Path) -> None:
    _make_version_1(tmp_path / "s")

    async def main() -> None:
        store = await open_store(f"sqlite:{tmp_path / 's'}")
        try:
            restored = await store.restore()
            (alarm,), (incident,), (notice,) = restored.alarms, restored.incidents, restored.notices
            assert alarm.phase is Phase.ACTIVE and alarm.route == LIVE
            assert incident.full_call and incident.responses[0].answer is Answer.GOING and incident.route == LIVE
            assert notice.person == "li"
            assert restored.kept == ()
        finally:
            await store.close()

    asyncio.run(main())
    asyncio.run(main())  # and it stays upgraded


def test_a_kept_thing_that_cannot_be_read_keeps_nobody_from_starting(tmp_path: Path) -> None:
    _make_version_1(tmp_path / "s")

    async def kept() -> tuple[Kept, ...]:
        store = await open_store(f"sqlite:{tmp_path / 's'}")
        try:
            return (await store.restore()).kept
        finally:
            await store.close()

    asyncio.run(kept())
    file = sqlite3.connect(tmp_path / "s")
    with file:
        rows = [
            ("checked", "north/day", '{"id":"north/day","begins_ms":5}'),
            ("checked", "north/night", '{"id":"north/night","begins_ms":"soon"}'),
            ("tested", "li", "{"),
            ("of-another-version", "x", "{}"),
        ]
        file.executemany("INSERT INTO kept VALUES (?, ?, ?)", rows)
    file.close()

    assert asyncio.run(kept()) == (Checked("north/day", 5),)


def test_a_reader_does_not_upgrade_and_says_who_does(tmp_path: Path) -> None:
    _make_version_1(tmp_path / "s")

    with pytest.raises(StoreRefused, match="start the collector once"):
        asyncio.run(open_store(f"sqlite:{tmp_path / 's'}", read_only=True))


def test_a_store_of_version_2_gets_the_tables_of_accounts_and_keeps_what_it_had(tmp_path: Path) -> None:
    _make_version_1(tmp_path / "s")
    file = sqlite3.connect(tmp_path / "s")
    with file:
        file.execute("CREATE TABLE kept (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID")
        file.execute("INSERT INTO kept VALUES ('checked', 'north/day', ?)", ('{"id":"north/day","begins_ms":5}',))
        file.execute("PRAGMA user_version = 2")
    file.close()

    async def main() -> tuple[Kept, ...]:
        store = await open_store(f"sqlite:{tmp_path / 's'}")
        try:
            return (await store.restore()).kept
        finally:
            await store.close()

    assert asyncio.run(main()) == (Checked("north/day", 5),)
    assert asyncio.run(main()) == (Checked("north/day", 5),)
    file = sqlite3.connect(tmp_path / "s")
    try:
        assert [file.execute(f"SELECT count(*) FROM {table}").fetchone() for table in VERSION_3] == [(0,)] * 5
    finally:
        file.close()
