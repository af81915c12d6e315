"""Signing in: by a message to one's own address, by password. Bounded for each person, name, address, and in all.

Whoever asks is told the same, whether or not there is such a person, and after the same work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from collector.access.accounts import find_person, tidy_name
from collector.access.actor import Actor
from collector.access.passwords import FAILURES_MAX, Passwords
from collector.access.register import Register, SignedIn
from collector.access.sessions import Fault, SignInRefused
from collector.access.slowdown import FREE, FREE_OF_ADDRESS, Slowdown
from collector.alerter.catalogue import say
from collector.alerter.door import Refusals
from collector.alerter.guard import Pace
from collector.messages.message import Words
from collector.storage.store import StoreFailed
from config import logs
from config.people import Language
from config.site import Site

SENDINGS_MAX = 20  # under way at once: what is sent here must not crowd out a call
SENT_OF_ADDRESS_PER_HOUR_MAX, SENT_OF_ADDRESS_PER_DAY_MAX = 3, 6  # to one person, asked for from one place
SENT_PER_HOUR_MAX = 120  # to all people together
# person, words, link, which of their channels first -> taken by one of them
Deliver = Callable[[str, Words, str, int], Awaitable[bool]]

log = logs.of(__name__)


class TooFast(Exception):
    """Not looked at now. `wait_s`: for how long."""

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        super().__init__(f"try again in {wait_s} s")


class Signing:
    """One for each app. `deliver` None: nothing can be sent."""

    def __init__(
        self, register: Register, site: Site, clock: Callable[[], int], refusals: Refusals, deliver: Deliver | None
    ) -> None:
        self.passwords = Passwords()
        self._register = register
        self._site = site
        self._clock = clock
        self._refusals = refusals
        self._deliver = deliver
        self._of_address = Pace(10, 600.0)
        self._in_hour = Pace(SENT_OF_ADDRESS_PER_HOUR_MAX, 3600.0)
        self._in_day = Pace(SENT_OF_ADDRESS_PER_DAY_MAX, 86_400.0)
        self._of_all = Pace(SENT_PER_HOUR_MAX, 3600.0)
        self._names = Slowdown(FREE)
        self._addresses = Slowdown(FREE_OF_ADDRESS)
        self._sendings: set[asyncio.Task[None]] = set()

    def ask(self, typed: str, asked: str, client: str) -> None:
        """Send a link and a code to whom somebody means, if it is one. Raises TooFast for an address that goes on."""
        if not self._of_address.allows(client, self._clock()):
            self._refusals.note("sign-in", "too-fast", client)
            raise TooFast(600)
        if self._deliver is None or len(self._sendings) >= SENDINGS_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._send(typed, asked, client, self._deliver))
        self._sendings.add(task)
        task.add_done_callback(self._sendings.discard)

    async def password(self, typed: str, password: str, client: str, device: str) -> SignedIn:
        """Sign in by name and password. Raises SignInRefused, TooFast, StoreFailed."""
        now, name = self._clock(), tidy_name(typed)[:200]
        wait_ms = max(self._names.wait_ms(name, now), self._addresses.wait_ms(client, now))
        if wait_ms > 0:
            self._refusals.note("password", "too-fast", client)
            raise TooFast((wait_ms + 999) // 1000)
        account = await self._register.account(name)
        kept = None if account is None or account.failures >= FAILURES_MAX else account.password
        if await self.passwords.matches(password, kept) and account is not None:
            signed = await self._register.begin(account.id, device, "password")
            self._names.succeeded(name)
            return signed
        self._names.failed(name, self._clock())
        self._addresses.failed(client, self._clock())
        if account is not None and account.password is not None:
            await self._register.failed(account.id)
        self._refusals.note("password", Fault.FORGED, client)
        raise SignInRefused(Fault.FORGED)

    async def identified(self, identity: str, name: str, device: str) -> SignedIn:
        """Sign in whom the site's provider has identified. Raises SignInRefused for who has no account here.

        An account keeps the first identity that has signed in to it: a name may be given to somebody else later.
        """
        account = await self._register.account_with(identity)
        if account is None:
            account = await self._register.account(tidy_name(name))
            if account is None or account.identity is not None:
                raise SignInRefused(Fault.FORGED)
            by = Actor(account.id, account.name, frozenset(), person=account.person)
            await self._register.change(
                account.id, by, lambda each: replace(each, identity=identity), "provider-linked"
            )
        return await self._register.begin(account.id, device, "provider")

    async def _send(self, typed: str, asked: str, client: str, deliver: Deliver) -> None:
        person = find_person(self._site, typed)
        if person is None:
            self._refusals.note("sign-in", "unknown", client)
            return
        now, asking = self._clock(), f"{place_of(client)} {person}"
        if not (self._in_hour.allows(asking, now) and self._in_day.allows(asking, now)):
            self._refusals.note("sign-in", "too-many", client, f"for {person!r}, from there")
            return
        if not self._of_all.allows("", now):
            self._refusals.note("sign-in", "too-many", client)
            return
        try:
            made = await self._register.ask(person, asked)
        except StoreFailed as error:
            log.error("sign-in-not-made", f"a sign-in could not be made: {error}", error=error)
            return
        if made is None:
            self._refusals.note("sign-in", "too-many", client, f"for {person!r}")
            return
        url = f"{self._site.plan.board_url.rstrip('/')}/sign-in/link/{made.link}"
        language = made.account.language or self._site.language_of(self._site.people[person])
        taken = await deliver(person, words_of(language, made.code, url), url, made.nth)
        if not taken:
            log.warning("sign-in-not-sent", f"no channel has taken the sign-in message to {person!r}", person=person)


def place_of(client: str) -> str:
    """What one asker cannot leave: an IPv4 address, or the /64 that a home has in IPv6 (RFC 6177)."""
    try:
        known = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    return str(known if known.version == 4 else ip_network((known, 64), strict=False))


def words_of(language: Language, code: str, url: str) -> Words:
    """The message: the code first, as a phone shows only the beginning."""
    spaced = f"{code[:4]} {code[4:]}"
    return Words(
        subject=say(language, "sign-in-subject", code=spaced),
        body=f"{say(language, 'sign-in-body', code=spaced)}\n{url}\n\n{say(language, 'sign-in-warning')}",
        short=say(language, "sign-in-short", code=spaced),
    )
