"""The ledger says what does not add up, and only that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from collector.session.effects import Counts, Floor
from collector.storage import ledger
from collector.storage.histories import open_history
from collector.storage.ledger import COLUMNS, balance, notes, table
from collector.storage.records import Batch, LedgerRow
from collector.storage.series import row_of
from collector.storage.store import Limits, open_store
from config.words import Edge, Lane
from tests.unit.test_store import record

QUIET = LedgerRow("gw-1", Lane.ALARM, 100, 0, 0, 100, 100, epoch="0123456789")


def test_a_quiet_lane_balances() -> None:
    assert balance(QUIET) == [] == notes(QUIET)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (replace(QUIET, committed=97, in_history=97), "3 left the journal and were never committed"),
        (replace(QUIET, committed=97, in_history=97, in_journal=2), "1 left the journal"),
        (replace(QUIET, committed=97, in_history=97, missing=2, dropped=2), "1 left the journal"),
        (replace(QUIET, committed=101, in_history=101), "1 more committed than appended"),
        (replace(QUIET, in_history=99), "1 committed but not in the history"),
        (replace(QUIET, in_history=96, spooled=1, lost=1, refused=1), "1 committed but not in the history"),
        (replace(QUIET, in_history=101), "1 more in the history"),
        (replace(QUIET, appended=None), "has not published"),
        (replace(QUIET, in_history=None), "does not answer"),
    ],
)
def test_a_record_that_nobody_can_account_for_is_named(row: LedgerRow, word: str) -> None:
    (said,) = balance(row)
    assert word in said
    assert f"does not balance: {said}" in table([row])


@pytest.mark.parametrize(
    ("row", "note"),
    [
        (replace(QUIET, committed=97, in_history=97, in_journal=3), "3 in the journal when"),
        (replace(QUIET, committed=104, in_history=104, since=4), "4 that may have come since"),
        (replace(QUIET, committed=104, since=4, in_history=101, due=100), "4 that may have come since"),
        (replace(QUIET, committed=95, in_history=95, missing=5, dropped=3), "2 below the floor"),
        (replace(QUIET, missing=0, dropped=1), "1 dropped by the gateway after"),
        (replace(QUIET, in_history=98, lost=1, refused=1), "1 dropped from the full spool"),
    ],
)
def test_what_is_on_the_books_balances_and_is_told(row: LedgerRow, note: str) -> None:
    assert balance(row) == []
    assert any(note in each for each in notes(row)) and note in table([row])


def test_what_came_after_the_gateways_word_hides_no_record_too_many() -> None:
    assert balance(replace(QUIET, committed=105, in_history=105, since=4)) == ["1 more committed than appended"]
    assert balance(replace(QUIET, committed=104, since=4, in_history=99, due=100)) == [
        "1 committed but not in the history"
    ]


def test_the_table_stays_readable_where_counts_are_not_known() -> None:
    header, first, *_ = table([replace(QUIET, appended=None, in_history=None)]).splitlines()
    assert header.split() == [word for column in [*COLUMNS, "journal"] for word in column.split("_")]
    assert first.split() == ["gw-1", "alarm", "?", "0", "0", "100", "?", "0", "01234567"]


def test_the_command_counts_store_and_history_each_for_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, beside = f"sqlite:{tmp_path}/collector.db", f"sqlite:{tmp_path}/history.db"
    edge = Edge("community", "gw-1")

    async def live() -> None:
        store = await open_store(state, Limits(reserve_bytes=4096))
        history = await open_history(beside)
        records = tuple(record(position) for position in range(4, 11))
        floors = (Floor(edge, "e1", Lane.ALARM, 4),)
        await store.commit(Batch((), records, floors, (Counts(edge, "e1", Lane.ALARM, 10, 3, 0, 5),)))
        rows = [row_of(each.record) for each in await store.spool(10)]
        await history.write([row for row in rows[:6] if row])
        await store.drained([each.number for each in (await store.spool(10))[:6]])
        # The command reads beside a collector that runs.
        (row,) = await ledger.read_ledger(state, beside)
        assert (row.appended, row.dropped, row.in_journal, row.committed, row.in_history) == (10, 3, 0, 7, 6)
        assert (row.missing, row.spooled) == (3, 1)
        assert balance(row) == []
        await store.drained([each.number for each in await store.spool(10)])  # lost on the way
        await store.close()
        await history.close()

    asyncio.run(live())
    assert ledger.run(state, None, as_json=True) == 1
    (said,) = json.loads(capsys.readouterr().out)
    assert said["mistakes"] == ["1 committed but not in the history"]
    assert ledger.run(f"sqlite:{tmp_path}/none", None, as_json=False) == 2
    assert "no such file" in capsys.readouterr().err
