"""Who is let in, by where the collector listens, where a request comes from, and who makes it.

Local: the collector listens on loopback and its board URL is a loopback one too. Looking is free to requests from this
machine under a loopback name (another name is DNS rebinding). Public: looking, too, needs somebody who has signed in,
or a token; a health check, answer links and the sign-in itself do not. Changing always needs somebody, and never works
from another site's page. What somebody may change is for each route to say (`rights.needs`).
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from collector.access.actor import LOCAL, NOBODY, TOKEN, Actor

# What anybody may open. Each of them protects itself: by a signature, a secret of its own, or by telling nothing.
OPEN = re.compile(
    r"/a/.*|/static/.*|/enter|/look|/sign-in(/.*)?|/api/v1/health|/api/v1/inbound/.*|/manifest\.webmanifest|/sw\.js"
)
# Whose changes bring a proof that no page of another site has: a signed link, a provider's signature.
_OWN_PROTECTION = re.compile(r"/a/.*|/api/v1/inbound/.*")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What the guard looks at of a request. Header values are as sent, None where absent.

    `proof` is the header X-Callpoint-Form, by which a program in a browser brings its session's own word.
    """

    method: str
    path: str
    client: str | None
    host: str | None
    origin: str | None
    fetch_site: str | None
    authorization: str | None
    cookie: str | None
    proof: str | None = None

    @property
    def bearer(self) -> str | None:
        """The token of an Authorization header; None without one."""
        scheme, _, given = (self.authorization or "").partition(" ")
        return given.strip() if scheme.lower() == "bearer" else None

    @property
    def open(self) -> bool:
        """True for what anybody may open."""
        return OPEN.fullmatch(self.path) is not None


@dataclass(frozen=True, slots=True)
class Turned:
    """A request turned away: status 401 or 403, a stable word and a sentence."""

    status: int
    reason: str
    sentence: str


class Guard:
    """Judges requests. `local` is decided at start, by `is_loopback` of listening address and board URL."""

    def __init__(self, token: str | None, local: bool) -> None:
        self._token = token
        self._local = local

    def judge_place(self, visit: Visit) -> Turned | None:
        """None if a request may come from where it comes."""
        here = is_loopback(visit.client) and is_loopback(_name_of(visit.host))
        if self._token is None and not here:
            return Turned(403, "loopback-only", "without a token this collector answers on loopback only")
        if self._local and not here:
            return Turned(403, "not-local", "this collector answers to this machine only, under a loopback name")
        if visit.method not in _SAFE_METHODS and not _OWN_PROTECTION.fullmatch(visit.path) and _is_foreign(visit):
            return Turned(403, "cross-site", "a page of another site may not change anything here")
        return None

    def anybody(self) -> Actor:
        """Who a request is that neither bears a token nor has signed in."""
        if self._token is None:
            return TOKEN
        return LOCAL if self._local else NOBODY

    def is_token(self, given: str) -> bool:
        """True if this is the installation's token; takes the same time whatever is given."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def judge(self, visit: Visit, actor: Actor) -> Turned | None:
        """None if somebody's request may go on; whether they have the right for it is for the route to say."""
        if visit.open:
            return None
        if visit.method in _SAFE_METHODS:
            if actor is NOBODY:
                return Turned(401, "token-needed", "reading needs a token (Authorization: Bearer <token>), or sign in")
            return None
        if actor in (NOBODY, LOCAL):
            return Turned(
                401, "token-needed", "what changes state needs a token (Authorization: Bearer <token>), or sign in"
            )
        if actor.csrf and visit.path.startswith("/api/") and not _is_own(visit, actor):
            return Turned(403, "cross-site", "a change by a session must say that it comes from a page of ours")
        return None


class Pace:
    """At most so many in so many seconds for each key; the keys themselves are bounded, oldest forgotten first."""

    def __init__(self, at_most: int, per_s: float, keys_max: int = 10_000) -> None:
        self._at_most = at_most
        self._per_ms = int(per_s * 1000)
        self._keys_max = keys_max
        self._seen: OrderedDict[str, deque[int]] = OrderedDict()

    def allows(self, key: str, now_ms: int) -> bool:
        """Counts this one and says whether it may pass."""
        times = self._seen.setdefault(key, deque(maxlen=self._at_most))
        self._seen.move_to_end(key)
        if len(self._seen) > self._keys_max:
            self._seen.popitem(last=False)
        if len(times) == self._at_most and now_ms - times[0] < self._per_ms:
            return False
        times.append(now_ms)
        return True


def is_loopback(host: str | None) -> bool:
    """True for localhost and loopback addresses, without port."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """True if a URL names this machine only."""
    return is_loopback(urlsplit(url).hostname)


def _is_foreign(visit: Visit) -> bool:
    """True for what a browser sends from another site's page. A browser may say an Origin of null for our own page
    too, where that keeps its address to itself; then only Sec-Fetch-Site tells.
    """
    if visit.fetch_site not in (None, "same-origin", "none"):
        return True
    if visit.origin is None or (visit.origin == "null" and visit.fetch_site == "same-origin"):
        return False
    return not _same_host(visit)


def _is_own(visit: Visit, actor: Actor) -> bool:
    """True if a request proves that a page of ours makes it. Old browsers say neither Origin nor Sec-Fetch-Site."""
    if visit.fetch_site == "same-origin" or (visit.origin is not None and _same_host(visit)):
        return True
    return visit.proof is not None and hmac.compare_digest(visit.proof.encode(), actor.csrf.encode())


def _same_host(visit: Visit) -> bool:
    try:
        return visit.origin is not None and urlsplit(visit.origin).netloc == visit.host
    except ValueError:
        return False


def _name_of(host: str | None) -> str | None:
    """The Host header without its port."""
    if host is None:
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
