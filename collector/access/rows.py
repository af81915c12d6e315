"""Accounts, sessions, sign-ins and tokens in SQLite. Each function gets a connection; writing is in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from pydantic import TypeAdapter

from collector.access.accounts import Account
from collector.access.secret import same
from collector.access.sessions import CODE_TRIES_MAX, SESSIONS_MAX, Fault, Session, SignInRefused, Token

ACCOUNT = TypeAdapter(Account)
TOKEN = TypeAdapter(Token)
_SESSION = "id, account, device, made_at_ms, seen_at_ms, until_ms"
USED_KEPT_MS = 86_400_000  # a used or expired link is known as such for so long, then it is none of ours


# --- accounts -------------------------------------------------------------------------------------------------------


def account(connection: sqlite3.Connection, name: str) -> Account | None:
    """The account with this id."""
    return _account(connection, "id = ?", name)


def account_of(connection: sqlite3.Connection, person: str) -> Account | None:
    """The account of a person of the site."""
    return _account(connection, "person = ? ORDER BY id LIMIT 1", person)


def account_with(connection: sqlite3.Connection, identity: str) -> Account | None:
    """The account of an identity of the site's own provider."""
    return _account(connection, "json_extract(body, '$.identity') = ?", identity)


def accounts(connection: sqlite3.Connection) -> list[Account]:
    """All of them, by id."""
    return [ACCOUNT.validate_json(body) for (body,) in connection.execute("SELECT body FROM accounts ORDER BY id")]


def put_account(connection: sqlite3.Connection, item: Account) -> None:
    """A new or changed account."""
    body = ACCOUNT.dump_json(item).decode()
    connection.execute(
        "INSERT OR REPLACE INTO accounts (id, person, body) VALUES (?, ?, ?)", (item.id, item.person, body)
    )


def count_accounts(connection: sqlite3.Connection) -> int:
    """How many there are."""
    return int(connection.execute("SELECT count(*) FROM accounts").fetchone()[0])


def _account(connection: sqlite3.Connection, condition: str, value: str) -> Account | None:
    row = connection.execute(f"SELECT body FROM accounts WHERE {condition}", (value,)).fetchone()
    return None if row is None else ACCOUNT.validate_json(row[0])


# --- sessions -------------------------------------------------------------------------------------------------------


def put_session(connection: sqlite3.Connection, item: Session, secret: str) -> None:
    """A new session, by the hash of its secret; of very many of one account the longest unused goes."""
    connection.execute(
        f"INSERT INTO sessions ({_SESSION}, secret) VALUES (?, ?, ?, ?, ?, ?, ?)", (*astuple(item), secret)
    )
    connection.execute(
        "DELETE FROM sessions WHERE account = ? AND id NOT IN"
        " (SELECT id FROM sessions WHERE account = ? ORDER BY seen_at_ms DESC, made_at_ms DESC LIMIT ?)",
        (item.account, item.account, SESSIONS_MAX),
    )


def session(connection: sqlite3.Connection, name: str, secret: str, now: int) -> tuple[Session, Account]:
    """The session with this id and hashed secret, and its account. Raises SignInRefused."""
    row = connection.execute(f"SELECT {_SESSION}, secret FROM sessions WHERE id = ?", (name,)).fetchone()
    if row is None or not same(row[-1], secret):
        raise SignInRefused(Fault.FORGED)
    found = Session(*row[:-1])
    if now >= found.until_ms:
        raise SignInRefused(Fault.EXPIRED)
    theirs = account(connection, found.account)
    if theirs is None or theirs.disabled_at_ms is not None:
        raise SignInRefused(Fault.CLOSED)
    return found, theirs


def sessions(connection: sqlite3.Connection, name: str) -> list[Session]:
    """The sessions of an account, the newest use first."""
    rows = connection.execute(f"SELECT {_SESSION} FROM sessions WHERE account = ? ORDER BY seen_at_ms DESC", (name,))
    return [Session(*row) for row in rows]


def touch_session(connection: sqlite3.Connection, name: str, now: int, until_ms: int) -> None:
    """It was used."""
    connection.execute("UPDATE sessions SET seen_at_ms = ?, until_ms = ? WHERE id = ?", (now, until_ms, name))


def end_sessions(
    connection: sqlite3.Connection, name: str, only: str | None = None, but: str | None = None
) -> list[str]:
    """End the sessions of an account: all, `only` one, or all `but` one. Returns their ids."""
    rows = connection.execute("SELECT id FROM sessions WHERE account = ?", (name,)).fetchall()
    gone = [each for (each,) in rows if only in (None, each) and each != but]
    connection.executemany("DELETE FROM sessions WHERE id = ?", [(each,) for each in gone])
    return gone


# --- sign-ins -------------------------------------------------------------------------------------------------------


def put_sign_in(
    connection: sqlite3.Connection, asked: str, name: str, link: str, code: str | None, now: int, until_ms: int
) -> None:
    """A link, and perhaps a code, that sign in to an account once; all as hashes."""
    connection.execute(
        "INSERT INTO sign_ins (id, account, link, code, made_at_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (asked, name, link, code, now, until_ms),
    )


def sent_since(connection: sqlite3.Connection, name: str, since_ms: int) -> int:
    """How many messages to sign in were made for an account; links that were handed over do not count."""
    row = connection.execute(
        "SELECT count(*) FROM sign_ins WHERE account = ? AND made_at_ms > ? AND code IS NOT NULL", (name, since_ms)
    ).fetchone()
    return int(row[0])


def use_link(connection: sqlite3.Connection, link: str, now: int) -> str:
    """Use a link up; returns the account. Raises SignInRefused, and then nothing has changed."""
    row = connection.execute(
        "SELECT id, account, until_ms, used_at_ms FROM sign_ins WHERE link = ?", (link,)
    ).fetchone()
    if row is None:
        raise SignInRefused(Fault.FORGED)
    return _use(connection, row, now)


def use_code(connection: sqlite3.Connection, asked: str, code: str, now: int) -> str | Fault:
    """Use a code up; returns the account, or why not: then a wrong try is counted."""
    row = connection.execute(
        "SELECT id, account, until_ms, used_at_ms, tries, code FROM sign_ins WHERE id = ?", (asked,)
    ).fetchone()
    if row is None or row[5] is None:
        return Fault.FORGED
    if row[4] >= CODE_TRIES_MAX:
        return Fault.TRIED_OUT
    if not same(row[5], code):
        connection.execute("UPDATE sign_ins SET tries = tries + 1 WHERE id = ?", (asked,))
        return Fault.FORGED
    try:
        return _use(connection, row, now)
    except SignInRefused as refused:
        return refused.fault


def _use(connection: sqlite3.Connection, row: Sequence[Any], now: int) -> str:
    asked, name, until_ms, used_at_ms = row[:4]
    if used_at_ms is not None:
        raise SignInRefused(Fault.REPLAYED)
    if now >= until_ms:
        raise SignInRefused(Fault.EXPIRED)
    connection.execute("UPDATE sign_ins SET used_at_ms = ? WHERE id = ?", (now, asked))
    return str(name)


def forget_links(connection: sqlite3.Connection, name: str) -> None:
    """No link or code of an account that is not used yet is good any more."""
    connection.execute("DELETE FROM sign_ins WHERE account = ? AND used_at_ms IS NULL", (name,))


# --- tokens ---------------------------------------------------------------------------------------------------------


def put_token(connection: sqlite3.Connection, item: Token, secret: str) -> None:
    """A new token, by the hash of its secret."""
    body = TOKEN.dump_json(item).decode()
    connection.execute("INSERT INTO tokens (id, secret, body) VALUES (?, ?, ?)", (item.id, secret, body))


def token(connection: sqlite3.Connection, name: str, secret: str, now: int) -> tuple[Token, int | None]:
    """The token with this id and hashed secret, and when it was last used. Raises SignInRefused, also
    while whoever made it is shut out.
    """
    row = connection.execute("SELECT body, used_at_ms, secret FROM tokens WHERE id = ?", (name,)).fetchone()
    if row is None or not same(row[2], secret):
        raise SignInRefused(Fault.FORGED)
    found = TOKEN.validate_json(row[0])
    if now >= found.until_ms:
        raise SignInRefused(Fault.EXPIRED)
    maker = account(connection, found.made_by)
    if maker is not None and maker.disabled_at_ms is not None:
        raise SignInRefused(Fault.CLOSED)
    return found, row[1]


def tokens(connection: sqlite3.Connection) -> list[tuple[Token, int | None]]:
    """Every token with its last use."""
    rows: Sequence[Any] = connection.execute("SELECT body, used_at_ms FROM tokens ORDER BY id").fetchall()
    return [(TOKEN.validate_json(body), used_at_ms) for body, used_at_ms in rows]


def touch_token(connection: sqlite3.Connection, name: str, now: int) -> None:
    """It was used."""
    connection.execute("UPDATE tokens SET used_at_ms = ? WHERE id = ?", (now, name))


def end_token(connection: sqlite3.Connection, name: str) -> Token | None:
    """A token is no more; returns what it was."""
    row = connection.execute("SELECT body FROM tokens WHERE id = ?", (name,)).fetchone()
    connection.execute("DELETE FROM tokens WHERE id = ?", (name,))
    return None if row is None else TOKEN.validate_json(row[0])


# --- housekeeping ---------------------------------------------------------------------------------------------------


def prune_access(connection: sqlite3.Connection, now: int) -> int:
    """Drop what can sign nobody in any more. Returns how many rows went."""
    gone = connection.execute("DELETE FROM sessions WHERE until_ms <= ?", (now,)).rowcount
    gone += connection.execute("DELETE FROM sign_ins WHERE until_ms <= ?", (now - USED_KEPT_MS,)).rowcount
    return (
        gone
        + connection.execute(
            "DELETE FROM tokens WHERE json_extract(body, '$.until_ms') <= ?", (now - 90 * USED_KEPT_MS,)
        ).rowcount
    )
