"""The register: signs people in and out, and keeps their accounts, each change with its row in the audit log.

It works on the collector's store, and just as well beside a collector that runs (`collector/storage/beside.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from collector.access import rows
from collector.access.accounts import (
    ACCOUNTS_MAX,
    Account,
    BadAccount,
    account_of_person,
    actor_of,
    can_be_name,
    check_name,
    may_rule,
    tidy_name,
)
from collector.access.actor import Actor
from collector.access.audit import Change
from collector.access.secret import LONGEST, code_digest, csrf_of, digest, new_code, new_id, new_secret
from collector.access.sessions import (
    ASKED_MS,
    SEEN_EVERY_MS,
    SENT_PER_DAY_MAX,
    SENT_PER_HOUR_MAX,
    SESSION_MS,
    SIGN_IN_MS,
    TOKENS_MAX,
    Fault,
    Session,
    SignInRefused,
    Token,
    may_end,
    may_give,
)
from collector.storage.auditlog import write_changes
from collector.storage.store import StoreFailed
from config.site import Site

T = TypeVar("T")
HOUR_MS = 3_600_000
BEARER = "cp_"  # before a token: tells it from the installation's own, and lets a leaked one be found


class AccessStore(Protocol):
    """What the register needs of a store."""

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T: ...
    async def write(self, statement: Callable[[sqlite3.Connection], T]) -> T: ...
    async def note(self, statement: Callable[[sqlite3.Connection], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session with what its device keeps as a cookie."""

    session: Session
    account: Account
    cookie: str


@dataclass(frozen=True, slots=True)
class Visited:
    """Who a session's cookie stands for. `renewed`: it was long since its last use, the cookie is to be set again."""

    session: Session
    actor: Actor
    renewed: bool


@dataclass(frozen=True, slots=True)
class SentSignIn:
    """What goes to a person's address; `nth` message within the hour, from 0: each takes their next channel."""

    account: Account
    link: str
    code: str
    nth: int


class Register:
    """See above. `site` gives the people as they are now; `clock` UTC ms."""

    def __init__(self, store: AccessStore, site: Site | None, clock: Callable[[], int]) -> None:
        self._store = store
        self._site = site
        self._clock = clock

    # --- who is it ------------------------------------------------------------------------------------

    async def visit(self, cookie: str) -> Visited:
        """Who a cookie stands for. Raises SignInRefused, StoreFailed."""
        assert self._site is not None
        name, _, secret = cookie.partition(".")
        if not secret or len(cookie) > LONGEST:
            raise SignInRefused(Fault.FORGED)
        now, kept = self._clock(), digest(secret)
        session, account = await self._store.read(lambda connection: rows.session(connection, name, kept, now))
        actor = actor_of(self._site, account, csrf_of(secret))
        if actor is None:
            raise SignInRefused(Fault.CLOSED)
        renewed = abs(now - session.seen_at_ms) >= SEEN_EVERY_MS
        if renewed:
            renewed = await self._noted(lambda connection: rows.touch_session(connection, name, now, now + SESSION_MS))
        return Visited(session, actor, renewed)

    async def bearer(self, given: str) -> Actor:
        """Who an API token stands for. Raises SignInRefused, StoreFailed."""
        name, _, secret = given.removeprefix(BEARER).partition("_")
        if not given.startswith(BEARER) or len(given) > LONGEST:
            raise SignInRefused(Fault.FORGED)
        now, kept = self._clock(), digest(secret)
        token, used_at_ms = await self._store.read(lambda connection: rows.token(connection, name, kept, now))
        if used_at_ms is None or abs(now - used_at_ms) >= SEEN_EVERY_MS:
            await self._noted(lambda connection: rows.touch_token(connection, name, now))
        return token.actor()

    async def _noted(self, touch: Callable[[sqlite3.Connection], None]) -> bool:
        """Write down that something was used. A store that cannot be written shuts out nobody who is signed in."""
        try:
            await self._store.note(touch)
        except StoreFailed:  # which is told as a trouble by whoever keeps alarms
            return False
        return True

    # --- signing in and out ---------------------------------------------------------------------------

    async def ask(self, person: str, asked: str) -> SentSignIn | None:
        """Make a link and a code for a person's own address; `asked` is the secret of the browser that wants it.

        None if they may not have one: unknown, disabled, or too many lately.
        """
        assert self._site is not None
        site, now = self._site, self._clock()
        link, code = new_secret(), new_code()

        def make(connection: sqlite3.Connection) -> SentSignIn | None:
            account = rows.account_of(connection, person)
            if account is None:
                account = self._own_account(connection, person, now)
            if account is None or actor_of(site, account) is None:
                return None
            within_hour = rows.sent_since(connection, account.id, now - HOUR_MS)
            if within_hour >= SENT_PER_HOUR_MAX:
                return None
            if rows.sent_since(connection, account.id, now - 24 * HOUR_MS) >= SENT_PER_DAY_MAX:
                return None
            kept = code_digest(asked, code)
            rows.put_sign_in(connection, digest(asked), account.id, digest(link), kept, now, now + SIGN_IN_MS)
            return SentSignIn(account, link, code, within_hour)

        return await self._store.write(make)

    async def hand_link(self, name: str, by: Actor) -> str:
        """A link that signs in to an account once, to be handed over; the one before is good no more.

        Raises BadAccount for an account that is not there, disabled, or not for `by` to rule.
        """
        link, now = new_secret(), self._clock()

        def make(connection: sqlite3.Connection) -> str:
            account = self._ruled(connection, name, by)
            if account.disabled_at_ms is not None:
                raise BadAccount("name", "account-disabled", "an account that is not disabled")
            rows.forget_links(connection, account.id)
            rows.put_sign_in(connection, digest(new_secret()), account.id, digest(link), None, now, now + ASKED_MS)
            self._note(connection, by, "sign-in-link-made", account, account)
            return link

        return await self._store.write(make)

    async def use_link(self, link: str, device: str) -> SignedIn:
        """Sign in by a link, which is used up. Raises SignInRefused."""
        now = self._clock()
        if len(link) > LONGEST:
            raise SignInRefused(Fault.FORGED)
        return await self._store.write(
            lambda connection: self._begin(connection, rows.use_link(connection, digest(link), now), device, "link")
        )

    async def use_code(self, asked: str, code: str, device: str) -> SignedIn:
        """Sign in by a code, in the browser that has asked for it. Raises SignInRefused; a wrong one is counted."""
        now, kept = self._clock(), code_digest(asked, code)

        def use(connection: sqlite3.Connection) -> SignedIn | Fault:
            name = rows.use_code(connection, digest(asked), kept, now)
            return name if isinstance(name, Fault) else self._begin(connection, name, device, "code")

        signed = await self._store.write(use)
        if isinstance(signed, Fault):
            raise SignInRefused(signed)
        return signed

    async def begin(self, name: str, device: str, how: str) -> SignedIn:
        """Sign in to an account whose owner has proven who they are. Raises SignInRefused."""
        return await self._store.write(lambda connection: self._begin(connection, name, device, how))

    async def failed(self, name: str) -> None:
        """A wrong password for this account."""

        def count(connection: sqlite3.Connection) -> None:
            account = rows.account(connection, name)
            if account is not None:
                rows.put_account(connection, replace(account, failures=account.failures + 1))

        await self._store.write(count)

    async def sign_out(self, name: str, by: Actor, only: str | None = None, but: str | None = None) -> list[str]:
        """End sessions of an account, see `rows.end_sessions`; returns their ids. Whoever asks must be allowed to."""

        def end(connection: sqlite3.Connection) -> list[str]:
            account = rows.account(connection, name)
            gone = [] if account is None else rows.end_sessions(connection, name, only, but)
            if account is not None and gone:
                self._note(connection, by, "signed-out", account, account, devices=len(gone))
            return gone

        return await self._store.write(end)

    # --- accounts -------------------------------------------------------------------------------------

    async def account(self, name: str) -> Account | None:
        """An account by its id."""
        return await self._store.read(lambda connection: rows.account(connection, name))

    async def account_of(self, person: str) -> Account | None:
        """The account of a person, if they have signed in once or somebody has made it."""
        return await self._store.read(lambda connection: rows.account_of(connection, person))

    async def account_with(self, identity: str) -> Account | None:
        """The account of an identity of the site's own provider."""
        return await self._store.read(lambda connection: rows.account_with(connection, identity))

    async def accounts(self) -> list[Account]:
        """Every account, by id."""
        return await self._store.read(rows.accounts)

    async def sessions(self, name: str) -> list[Session]:
        """The devices that are signed in to an account, the last used first."""
        return await self._store.read(lambda connection: rows.sessions(connection, name))

    async def add(self, account: Account, by: Actor) -> Account:
        """A new account. Raises BadAccount."""
        check_name(account.id)
        new = replace(account, made_at_ms=self._clock(), made_by=by.account)

        def add(connection: sqlite3.Connection) -> Account:
            if rows.account(connection, new.id) is not None:
                raise BadAccount("name", "name-taken", "a name that no account has")
            if new.person is not None and rows.account_of(connection, new.person) is not None:
                raise BadAccount("person", "person-taken", "somebody who has no account yet: change theirs")
            if rows.count_accounts(connection) >= ACCOUNTS_MAX:
                raise BadAccount("name", "too-many-accounts", f"at most {ACCOUNTS_MAX} accounts")
            self._check_rules(by, new)
            rows.put_account(connection, new)
            self._note(connection, by, "account-added", None, new)
            return new

        return await self._store.write(add)

    async def change(self, name: str, by: Actor, change: Callable[[Account], Account], what: str) -> Account:
        """Change an account, which `by` must rule before and after, unless it is their own and only its password,
        language or identity changes. Raises BadAccount. Whoever is disabled is signed out everywhere.
        """

        def put(connection: sqlite3.Connection) -> Account:
            before = rows.account(connection, name)
            if before is None:
                raise BadAccount("name", "unknown-account", "an account that is there")
            after = change(before)
            own = replace(before, password=None, language=None, identity=None, failures=0)
            if by.account != name or own != replace(after, password=None, language=None, identity=None, failures=0):
                if by.account == name:
                    raise BadAccount("name", "own-account", "somebody else's account: nobody changes their own rights")
                self._check_rules(by, before)
                self._check_rules(by, after)
            if after.person != before.person and after.person is not None:
                other = rows.account_of(connection, after.person)
                if other is not None and other.id != name:
                    raise BadAccount("person", "person-taken", "somebody who has no account yet")
            rows.put_account(connection, after)
            if after.disabled_at_ms is not None:
                rows.end_sessions(connection, name)
                rows.forget_links(connection, name)
            self._note(connection, by, what, before, after)
            return after

        return await self._store.write(put)

    # --- tokens ---------------------------------------------------------------------------------------

    async def tokens(self) -> list[tuple[Token, int | None]]:
        """Every API token with its last use."""
        return await self._store.read(rows.tokens)

    async def add_token(self, token: Token, by: Actor) -> str:
        """Keep a new token, and tell it this once. Raises BadAccount."""
        if not may_give(by, token):
            raise BadAccount("rights", "not-authorised", "no rights, person or buildings beyond your own")
        secret = new_secret()

        def add(connection: sqlite3.Connection) -> None:
            if len(rows.tokens(connection)) >= TOKENS_MAX:
                raise BadAccount("name", "too-many-tokens", f"at most {TOKENS_MAX} tokens")
            rows.put_token(connection, token, digest(secret))
            self._log(connection, by, "token-added", f"token:{token.id}", None, rows.TOKEN.dump_json(token).decode())

        await self._store.write(add)
        return f"{BEARER}{token.id}_{secret}"

    async def end_token(self, name: str, by: Actor) -> bool:
        """A token is good no more. False if there was none, or one of more than their own buildings."""

        def end(connection: sqlite3.Connection) -> bool:
            if not any(token.id == name and may_end(by, token) for token, _ in rows.tokens(connection)):
                return False
            if (gone := rows.end_token(connection, name)) is not None:
                self._log(connection, by, "token-ended", f"token:{name}", rows.TOKEN.dump_json(gone).decode(), None)
            return gone is not None

        return await self._store.write(end)

    # --- inside ---------------------------------------------------------------------------------------

    def _begin(self, connection: sqlite3.Connection, name: str, device: str, how: str) -> SignedIn:
        now, account = self._clock(), rows.account(connection, name)
        if account is None or account.disabled_at_ms is not None:
            raise SignInRefused(Fault.CLOSED)
        if self._site is not None and actor_of(self._site, account) is None:
            raise SignInRefused(Fault.CLOSED)
        if account.failures:
            account = replace(account, failures=0)
            rows.put_account(connection, account)
        secret = new_secret()
        session = Session(new_id(), name, device[:80], now, now, now + SESSION_MS)
        rows.put_session(connection, session, digest(secret))
        by = Actor(account.id, account.name, frozenset(), person=account.person)
        self._note(connection, by, "signed-in", account, account, how=how, device=session.device)
        return SignedIn(session, account, f"{session.id}.{secret}")

    def _own_account(self, connection: sqlite3.Connection, person: str, now: int) -> Account | None:
        """The account that the book makes of a person, kept from their first sign-in on."""
        assert self._site is not None
        account = account_of_person(self._site, person, now)
        if account is None or rows.count_accounts(connection) >= ACCOUNTS_MAX:
            return None
        if not can_be_name(account.id) or rows.account(connection, account.id) is not None:
            account = replace(account, id=f"{tidy_name(account.name)[:40]} {new_id()[:6]}")  # their name is taken
            if not can_be_name(account.id):
                account = replace(account, id=f"person {new_id()}")
        rows.put_account(connection, account)
        return account

    def _ruled(self, connection: sqlite3.Connection, name: str, by: Actor) -> Account:
        account = rows.account(connection, name)
        if account is None:
            raise BadAccount("name", "unknown-account", "an account that is there")
        self._check_rules(by, account)
        return account

    def _check_rules(self, by: Actor, account: Account) -> None:
        if by.speaks_for_all:
            return
        if self._site is None or not may_rule(by, self._site, account):
            raise BadAccount("role", "not-authorised", "no rights or buildings beyond your own")

    def _note(
        self,
        connection: sqlite3.Connection,
        by: Actor,
        what: str,
        before: Account | None,
        after: Account,
        **facts: object,
    ) -> None:
        """A row about an account; before and after only where they differ, and never a hash."""
        old = None if before is None or before == after else rows.ACCOUNT.dump_json(before.public).decode()
        new = None if before == after else rows.ACCOUNT.dump_json(after.public).decode()
        self._log(connection, by, what, f"account:{after.id}", old, new, **facts)

    def _log(
        self,
        connection: sqlite3.Connection,
        by: Actor,
        what: str,
        target: str,
        before: str | None,
        after: str | None,
        **facts: object,
    ) -> None:
        change = Change(self._clock(), by.account, by.person, by.name, what, target, facts, None, before, after)
        write_changes(connection, [change])
