"""The rows that name somebody who is erased: removed where they are theirs alone, renamed where they tell of others.

Every text of every table is looked at, so that a table that comes later is not forgotten. Rows are changed a few at
a time: an alarm that comes meanwhile waits for no more. Deleted bytes are overwritten (`PRAGMA secure_delete`, see
`database.connect`), and the write-ahead log is emptied at the end.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from collector.storage.store import Store

BATCH_ROWS_MAX = 50
WORD_CHARACTERS_MIN = 2  # a shorter name is in every text
GONE = "…"
# What belongs to the person alone.
_THEIRS = (
    "DELETE FROM subscriptions WHERE person = :person OR account IN (SELECT id FROM accounts WHERE person = :person)",
    "DELETE FROM sign_ins WHERE account IN (SELECT id FROM accounts WHERE person = :person)",
    "DELETE FROM sessions WHERE account IN (SELECT id FROM accounts WHERE person = :person)",
    "DELETE FROM tokens WHERE json_extract(body, '$.person') = :person",
    "DELETE FROM accounts WHERE person = :person",
)
_BINARY = {"spool", "records", "journals", "lanes", "settings"}  # what devices said, and secrets of the installation


@dataclass(frozen=True, slots=True)
class Identity:
    """By what somebody is known: the id, and their names, addresses and accounts as far as the store has them."""

    person: str
    words: tuple[str, ...] = ()

    def without(self, text: str, pseudonym: str) -> str:
        """A text, or JSON, that no longer names them."""
        try:
            opened = json.loads(text) if text[:1] in ("{", "[", '"') else None
        except ValueError:  # a long one was cut
            opened = None
        if opened is None:
            return self._plain(text, pseudonym)
        return json.dumps(_each_text(opened, partial(self._plain, pseudonym=pseudonym)), ensure_ascii=False)

    def _plain(self, text: str, pseudonym: str) -> str:
        for word in sorted(self.words, key=len, reverse=True):
            text = text.replace(word, GONE)
        return re.sub(rf"(?<![\w-]){re.escape(self.person)}(?![\w-])", pseudonym, text)


def identity(connection: sqlite3.Connection, person: str, known: Sequence[str] = ()) -> Identity:
    """What the store knows of somebody. `known`: names and addresses that the caller has of them besides."""
    words = set(known)
    rows = connection.execute("SELECT id, body FROM accounts WHERE person = ?", (person,)).fetchall()
    for account, body in rows:
        words |= {account, json.loads(body).get("title", "")}
    entries = connection.execute("SELECT before, after FROM audit WHERE instr(target, ?)", (f"person/{person}",))
    for text in (each for row in entries for each in row if each):
        try:
            value = json.loads(text).get("person") or {}
        except ValueError:
            continue
        words |= {value.get("name", ""), *(address.get("to") or "" for address in value.get("channels", ()))}
    words |= {row[0] for row in connection.execute("SELECT name FROM audit WHERE person = ?", (person,))}
    return Identity(person, tuple(word for word in words if len(word) >= WORD_CHARACTERS_MIN and word != person))


async def erase(store: Store, who: Identity, pseudonym: str) -> dict[str, int]:
    """Erase somebody from every row; rows changed or removed, by table. Again after a failure: what is left goes."""
    counts = dict(await store.write(partial(_remove_theirs, who=who)))
    for table, keys, columns in await store.read(tables):
        found = await store.read(partial(_find, who=who, table=table, keys=keys, columns=columns))
        for begin in range(0, len(found), BATCH_ROWS_MAX):
            some = found[begin : begin + BATCH_ROWS_MAX]
            change = partial(_rename, who=who, pseudonym=pseudonym, table=table, keys=keys, columns=columns, rows=some)
            counts[table] = counts.get(table, 0) + await store.write(change)
    return counts


def _remove_theirs(connection: sqlite3.Connection, who: Identity) -> list[tuple[str, int]]:
    gone = []
    for statement in _THEIRS:
        table = statement.split()[2]
        gone.append((table, connection.execute(statement, {"person": who.person}).rowcount))
    return [each for each in gone if each[1]]


def tables(connection: sqlite3.Connection) -> list[tuple[str, list[str], list[str]]]:
    """Each table in which somebody may be named, with its key and its texts."""
    found = []
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in names.fetchall():
        if table in _BINARY:
            continue
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        keys = [name for _, name, _, _, _, part in columns if part] or ["rowid"]
        texts = [name for _, name, kind, _, _, _ in columns if kind == "TEXT"]
        found.append((table, keys, texts))
    return found


def _find(
    connection: sqlite3.Connection, who: Identity, table: str, keys: list[str], columns: list[str]
) -> list[tuple[Any, ...]]:
    """The keys of the rows in which the id or a word stands anywhere."""
    words = (who.person, *who.words)
    where = " OR ".join(f"instr({column}, ?)" for column in columns for _ in words)
    values = [word for _ in columns for word in words]
    return connection.execute(f"SELECT {', '.join(keys)} FROM {table} WHERE {where}", values).fetchall()


def _rename(
    connection: sqlite3.Connection,
    who: Identity,
    pseudonym: str,
    table: str,
    keys: list[str],
    columns: list[str],
    rows: Sequence[tuple[Any, ...]],
) -> int:
    changed, here = 0, " AND ".join(f"{key} = ?" for key in keys)
    for key in rows:
        before = connection.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {here}", key).fetchone()
        if before is None:
            continue
        after = [text if text is None else who.without(text, pseudonym) for text in before]
        if list(before) != after:
            sets = ", ".join(f"{column} = ?" for column in columns)
            connection.execute(f"UPDATE {table} SET {sets} WHERE {here}", (*after, *key))
            changed += 1
    return changed


def _each_text(value: Any, plain: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_each_text(each, plain) for each in value]
    if isinstance(value, dict):
        return dict(_named(value, plain))
    return value


def _named(value: dict[str, Any], plain: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        yield plain(name), _each_text(each, plain)
