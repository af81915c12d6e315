"""Who a request is: by a token, by the cookie of a session, or anybody. What is refused is counted and logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import cookie_parser

from collector.access.actor import TOKEN, Actor
from collector.access.register import Register, Visited
from collector.access.sessions import SESSION_MS, Fault, Session, SignInRefused
from collector.alerter.guard import Guard, Pace, Visit
from config import logs

COOKIE = "callpoint"
SECURE_COOKIE = "__Host-callpoint"  # a browser takes it only over https, for this host and path / alone
LOGGED_PER_MINUTE_MAX = 20  # of one kind; the counter counts them all
_WITHOUT_SESSION = ("/a/", "/static/", "/api/v1/inbound/")  # these open whatever becomes of the store

log = logs.of(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """Who comes in. `cookie`: a Set-Cookie header to be sent. `fault`: a token was shown, and refused."""

    actor: Actor
    session: Session | None = None
    cookie: str | None = None
    fault: Fault | None = None


class Refusals:
    """Counts what was refused, by what it was and why, and logs it at a bounded pace."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._pace = Pace(LOGGED_PER_MINUTE_MAX, 60.0, keys_max=100)

    def note(self, what: str, why: str, client: str | None, more: str = "") -> None:
        """One refusal. `more` must hold no secret."""
        key = f"{what}-{why}"
        self.counts[key] += 1
        if self._pace.allows(key, self._clock()):
            text = f"refused: {what} {why} from {client or '?'}" + (f" ({more})" if more else "")
            log.warning("refused", text, what=what, why=why, client=client)


class Door:
    """Asks the register. `secure`: the board is opened over https, so cookies are for https alone."""

    def __init__(self, guard: Guard, register: Register, refusals: Refusals, secure: bool) -> None:
        self._guard = guard
        self._register = register
        self._refusals = refusals
        self.secure = secure

    async def entry(self, visit: Visit) -> Entry:
        """Who makes a request. Raises StoreFailed."""
        bearer = visit.bearer
        if bearer is not None:
            if self._guard.is_token(bearer):
                return Entry(TOKEN)
            try:
                return Entry(await self._register.bearer(bearer))
            except SignInRefused as refused:
                self._refusals.note("token", refused.fault, visit.client)
                return Entry(self._guard.anybody(), fault=refused.fault)
        if visit.cookie is None or visit.path.startswith(_WITHOUT_SESSION):
            return Entry(self._guard.anybody())
        try:
            visited: Visited = await self._register.visit(visit.cookie)
        except SignInRefused as refused:
            self._refusals.note("session", refused.fault, visit.client)
            return Entry(self._guard.anybody(), cookie=self.no_cookie())
        renewed = self.cookie(visit.cookie) if visited.renewed else None
        return Entry(visited.actor, visited.session, renewed)

    @property
    def name(self) -> str:
        """What the session's cookie is called."""
        return SECURE_COOKIE if self.secure else COOKIE

    def cookie(self, value: str) -> str:
        """The Set-Cookie header that signs a device in. Lax, so that a link in a mail arrives signed in."""
        return self._header(value, SESSION_MS // 1000)

    def no_cookie(self) -> str:
        """The header that takes it away."""
        return self._header("", 0)

    def read(self, header: str) -> str | None:
        """The session's cookie in a Cookie header."""
        return cookie_parser(header).get(self.name) or None  # as browsers do it: an odd one beside it hides nothing

    def _header(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
