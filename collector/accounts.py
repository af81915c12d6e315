"""`callpoint account`: make the first administrator, list accounts, hand out sign-in links, shut somebody out.

Works before the collector's first start and beside one that runs. Whoever can write the store's file may do all this.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from collector.access.accounts import Account, Area, BadAccount, tidy_name
from collector.access.actor import Actor, Right, Role
from collector.access.register import Register
from collector.access.sessions import ASKED_MS
from collector.storage.beside import Beside
from collector.storage.store import StoreFailed, StoreRefused
from config.endpoint import default_state

COMMAND = Actor("command", "command line", frozenset(Right), speaks_for_all=True)
BOARD_URL = "board-url"  # the setting in which a collector leaves what phones open
DEFAULT_URL = "http://127.0.0.1:8080"
OK, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """What the command line says. `do`: add, list, link, disable or enable."""

    do: str
    name: str = ""
    role: str | None = None
    person: str | None = None
    title: str | None = None
    buildings: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    state: str | None = None
    url: str | None = None


def run(options: AccountOptions) -> int:
    """Returns the exit code; what was wrong is on stderr."""
    try:
        store = Beside(options.state or default_state())
    except (StoreRefused, StoreFailed) as error:
        return _fail(str(error))
    try:
        return asyncio.run(_do(options, store))
    except BadAccount as error:
        return _fail(str(error))
    except StoreFailed as error:
        return _fail(str(error))
    finally:
        store.close()


async def _do(options: AccountOptions, store: Beside) -> int:
    register = Register(store, None, _now)
    name = tidy_name(options.name)
    if options.do == "list":
        for account in await register.accounts():
            print(_line(account))
        return OK
    if options.do == "add":
        account = await _add(register, options, name)
        print(_line(account))
        await _print_link(register, store, options, account.id)
    elif options.do == "link":
        await _print_link(register, store, options, name)
    elif options.do == "disable":
        await register.change(name, COMMAND, lambda each: replace(each, disabled_at_ms=_now()), "account-disabled")
        print(f"{name} is signed out everywhere and cannot sign in")
    else:
        await register.change(name, COMMAND, lambda each: replace(each, disabled_at_ms=None), "account-enabled")
        print(f"{name} can sign in again")
    return OK


async def _add(register: Register, options: AccountOptions, name: str) -> Account:
    """A new account; the one that a person already has by signing in gets the role."""
    role = None if options.role is None else Role(options.role)
    whole = not (options.buildings or options.cells)
    area = Area(whole=whole and role is not None, buildings=options.buildings, cells=options.cells)
    theirs = None if options.person is None else await register.account_of(options.person)
    if theirs is not None and theirs.role is None:
        changed = replace(theirs, role=role, area=area)
        return await register.change(theirs.id, COMMAND, lambda _: changed, "account-changed")
    return await register.add(Account(name, options.title or options.name, role, options.person, area), COMMAND)


async def _print_link(register: Register, store: Beside, options: AccountOptions, name: str) -> None:
    link = await register.hand_link(name, COMMAND)
    base = await store.read(_board_url) if options.url is None else options.url
    until = datetime.fromtimestamp((_now() + ASKED_MS) / 1000, UTC).astimezone()
    print(f"{base.rstrip('/')}/sign-in/link/{link}")
    print(f"signs in one device, once, until {until:%Y-%m-%d %H:%M %Z}", file=sys.stderr)


def _board_url(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (BOARD_URL,)).fetchone()
    return DEFAULT_URL if row is None else str(row[0])


def keep_board_url(connection: sqlite3.Connection, url: str) -> None:
    """A collector says what phones open, for the links that this command prints."""
    connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (BOARD_URL, url))


def _line(account: Account) -> str:
    role = "by the book" if account.role is None else account.role.value
    where = "whole community" if account.area.whole else " ".join((*account.area.buildings, *account.area.cells))
    state = "" if account.disabled_at_ms is None else "disabled"
    return "  ".join(
        each for each in (account.id, role, account.person or "-", where or "own buildings", state) if each
    )


def _now() -> int:
    return time.time_ns() // 1_000_000


def _fail(sentence: str) -> int:
    print(f"callpoint account: {sentence}", file=sys.stderr)
    return FAILED
