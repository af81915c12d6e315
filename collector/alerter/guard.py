"""Who may do what.

Local: the collector listens on loopback and its board URL is a loopback one too. Reading is free to requests
from this machine under a loopback name (another name is DNS rebinding). Public: reading, too, needs the token,
as a Bearer header or as the signed cookie that the sign-in page gives; a health check and answer links do not.
Changing always needs the Bearer token, and never works from another site's page. Where no token was made,
changing works on loopback only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer

from collector.access.actor import LOCAL, NOBODY, TOKEN, Actor

COOKIE = "callpoint"
COOKIE_VALID_S = 30 * 86400
_OPEN = re.compile(r"/a/.*|/static/.*|/enter|/look|/api/v1/health")
_OWN_PROTECTION = re.compile(r"/a/.*|/enter")  # a signed link, or the token itself in the form
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What the guard looks at of a request. Header values are as sent, None where absent."""

    method: str
    path: str
    client: str | None
    host: str | None
    origin: str | None
    fetch_site: str | None
    authorization: str | None
    cookie: str | None


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
        secret = token if token is not None else ""
        self._cookies = URLSafeSerializer(
            secret, salt="callpoint.board", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def judge(self, visit: Visit, now_ms: int) -> Turned | None:
        """None if the request may go on."""
        here = is_loopback(visit.client) and is_loopback(_name_of(visit.host))
        if self._token is None and not here:
            return Turned(403, "loopback-only", "without a token this collector answers on loopback only")
        if self._local and not here:
            return Turned(403, "not-local", "this collector answers to this machine only, under a loopback name")
        if _OWN_PROTECTION.fullmatch(visit.path):
            return None
        if visit.method not in _SAFE_METHODS:
            return self._judge_change(visit)
        if self._local or self._token is None or _OPEN.fullmatch(visit.path):
            return None
        if self._bears_token(visit) or self.knows_cookie(visit.cookie, now_ms):
            return None
        return Turned(401, "token-needed", "reading needs the token: Authorization: Bearer <token>, or sign in")

    def actor(self, visit: Visit, now_ms: int) -> Actor:
        """Who makes a request that `judge` has let in."""
        if self._token is None or self._bears_token(visit):
            return TOKEN
        if self._local or self.knows_cookie(visit.cookie, now_ms):
            return LOCAL
        return NOBODY

    def is_token(self, given: str) -> bool:
        """True if this is the token; takes the same time whatever is given."""
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())

    def make_cookie(self, now_ms: int) -> str:
        """A cookie that allows reading for `COOKIE_VALID_S`; a new token ends it."""
        return self._cookies.dumps(now_ms // 1000 + COOKIE_VALID_S)

    def knows_cookie(self, cookie: str | None, now_ms: int) -> bool:
        """True for a cookie of `make_cookie` that is still valid."""
        if self._token is None or cookie is None or len(cookie) > 200:
            return False
        try:
            until_s = self._cookies.loads(cookie)
        except BadData:
            return False
        return isinstance(until_s, int) and now_ms < until_s * 1000

    def _judge_change(self, visit: Visit) -> Turned | None:
        if _is_foreign(visit.origin, visit.host) or visit.fetch_site not in (None, "same-origin", "none"):
            return Turned(403, "cross-site", "a page of another site may not change anything here")
        if self._token is None or self._bears_token(visit):
            return None
        return Turned(401, "token-needed", "what changes state needs the token: Authorization: Bearer <token>")

    def _bears_token(self, visit: Visit) -> bool:
        scheme, _, given = (visit.authorization or "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())


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


def _is_foreign(origin: str | None, host: str | None) -> bool:
    """True for the Origin header of another site's page, and for one that is none."""
    try:
        return origin is not None and urlsplit(origin).netloc != host
    except ValueError:
        return True


def _name_of(host: str | None) -> str | None:
    """The Host header without its port."""
    if host is None:
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
