"""The ledger: every report accounted for, from journal to history, by counts that nobody derives from another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from collector.storage.histories import open_history
from collector.storage.history import History, HistoryDown, HistoryRefused
from collector.storage.records import LedgerRow
from collector.storage.store import Store, StoreFailed, StoreRefused, open_store
from config.endpoint import EndpointError, default_state, history_beside
from config.words import Edge

COUNTED_WITHIN_S = 10.0
_FAULTS = {
    "not-counted": "the gateway has not published its counts",
    "never-committed": "{n} left the journal and were never committed",
    "more-committed": "{n} more committed than appended",
    "no-history": "the history does not answer",
    "not-in-history": "{n} committed but not in the history",
    "more-in-history": "{n} more in the history than committed",
}
_NOTES = {
    "in-journal": "in the journal when its gateway last counted",
    "since": "that may have come since then",
    "missing": "below the floor were committed elsewhere or never heard",
    "dropped": "dropped by the gateway after they were committed",
    "lost": "dropped from the full spool",
    "refused": "refused by the history",
}
COLUMNS = ("gateway", "lane", "appended", "dropped", "in_journal", "committed", "in_history", "spooled")


async def account(store: Store, history: History) -> list[LedgerRow]:
    """All lanes of all journals. `in_history` is None where the history does not answer in time.

    Records may be on their way: the history is counted between two readings of the store, and must hold at
    least what it was due at the first and at most what is committed at the second.
    """
    before = {_lane_of(row): row for row in await store.ledger_rows()}
    counted: dict[tuple[str, ...], int] = {}
    with contextlib.suppress(HistoryDown, TimeoutError):
        async with asyncio.timeout(COUNTED_WITHIN_S):
            for key, row in before.items():
                counted[key] = await history.count(Edge(row.group, row.gateway), row.epoch, row.lane)
    rows = await store.ledger_rows()
    known = [row for row in rows if _lane_of(row) in before]
    return [replace(row, in_history=counted.get(key), due=_due(before[key])) for row in known if (key := _lane_of(row))]


def _lane_of(row: LedgerRow) -> tuple[str, ...]:
    return row.group, row.gateway, row.epoch, row.lane.value


def balance(row: LedgerRow) -> list[str]:
    """What does not add up in a row, in words; empty when it balances, also while records are on their way."""
    return [_FAULTS[fault].format(n=n) for fault, n in faults(row)]


def faults(row: LedgerRow) -> list[tuple[str, int]]:
    """What does not add up in a row, by its name and how many it concerns.

    Every appended record is committed here, still in its journal, or given up (declared dropped, or missing
    below the floor); every committed one is in the history, waits for it, or left the spool on the books.
    """
    found = []
    if row.appended is None or row.in_journal is None:
        found.append(("not-counted", 0))
    else:
        found.append(("never-committed", row.appended - row.in_journal - row.committed - row.missing))
        found.append(("more-committed", row.committed - row.since - row.appended))
    if row.in_history is None:
        found.append(("no-history", 0))
    else:
        due = _due(row) if row.due is None else row.due
        found.append(("not-in-history", due - row.in_history))
        found.append(("more-in-history", row.in_history - row.committed))
    return [(fault, n) for fault, n in found if n > 0 or fault in ("not-counted", "no-history")]


def _due(row: LedgerRow) -> int:
    return row.committed - row.spooled - row.lost - row.refused


def notes(row: LedgerRow) -> list[str]:
    """What a reader should know of a row that balances."""
    return [f"{n} {_NOTES[note]}" for note, n in remarks(row)]


def remarks(row: LedgerRow) -> list[tuple[str, int]]:
    """The same by name and number."""
    found = (
        ("in-journal", row.in_journal or 0),
        ("since", row.since if row.committed != row.appended else 0),
        ("missing", row.missing - (row.dropped or 0)),
        ("dropped", (row.dropped or 0) - row.missing),
        ("lost", row.lost),
        ("refused", row.refused),
    )
    return [(note, n) for note, n in found if n > 0]


def table(rows: Sequence[LedgerRow]) -> str:
    """The rows as aligned text, each with what is to be said about it."""
    lines = [[*(column.replace("_", " ") for column in COLUMNS), "journal"]]
    for row in rows:
        values = [getattr(row, column) for column in COLUMNS]
        lines.append([*("?" if value is None else str(value) for value in values), row.epoch[:8]])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(lines[0], widths, strict=True)).rstrip()]
    for row, line in zip(rows, lines[1:], strict=True):
        text.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        text += [f"  does not balance: {word}" for word in balance(row)]
        text += [f"  {word}" for word in notes(row)]
    return "\n".join(text)


async def read_ledger(state_url: str, history_url: str) -> list[LedgerRow]:
    """The account of a store and its history; both may be in use. Raises what opening them raises."""
    store = await open_store(state_url, read_only=True)
    try:
        history = await open_history(history_url, read_only=True)
        try:
            return await account(store, history)
        finally:
            await history.close()
    finally:
        await store.close()


def run(state_url: str | None, history_url: str | None, as_json: bool) -> int:
    """Print the ledger. 0: it balances, 1: it does not, 2: it cannot be read."""
    try:
        state_url = state_url or default_state()
        rows = asyncio.run(read_ledger(state_url, history_url or history_beside(state_url)))
    except (EndpointError, StoreRefused, StoreFailed, HistoryRefused, HistoryDown) as error:
        print(f"callpoint ledger: {error}", file=sys.stderr)
        return 2
    if as_json:
        said = [{**asdict(row), "mistakes": balance(row)} for row in rows]
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print(table(rows) if rows else "no gateway has been heard yet")
    return 1 if any(balance(row) for row in rows) else 0
