"""Signing in by the site's own provider: OpenID Connect Core 1.0, authorization code (sec. 3.1) with PKCE (RFC 7636).

The provider says who somebody is, never what they may do: an account with that name must be there. What a sign-in
under way needs to know again is in a signed cookie of its browser, good for ten minutes and for one answer.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from itsdangerous import BadData, URLSafeSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from collector.access.secret import same
from config.signin import Oidc

WITHIN_S = 10.0
ANSWER_BYTES_MAX = 256 * 1024
KNOWN_MS = 3_600_000  # the provider's own configuration is asked for again after so long
UNDER_WAY_MS = 600_000
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class ProviderFailed(Exception):
    """Nobody is signed in by the provider; str() says why, for the log. `down`: it does not answer as it should."""

    def __init__(self, sentence: str, down: bool = False) -> None:
        self.down = down
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the browser goes, and what it keeps meanwhile."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to the provider: `key` never changes, `name` may."""

    key: str
    name: str
    following: str


class Provider:
    """One for each app. `secret` None: a public client. `sign` keeps the cookie from being made by others."""

    def __init__(self, oidc: Oidc, board_url: str, secret: str | None, sign: str, clock: Callable[[], int]) -> None:
        self.name = oidc.name
        self._oidc = oidc
        self._back = f"{board_url.rstrip('/')}/sign-in/provider/back"
        self._secret = secret
        self._clock = clock
        self._cookies = URLSafeSerializer(
            sign, salt="callpoint.provider", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )
        self._known: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._known_at_ms: int | None = None

    async def begin(self, following: str) -> Beginning:
        """Send a browser to the provider. Raises ProviderFailed."""
        await self._learn()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": self._back,
            "scope": self._oidc.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        cookie = self._cookies.dumps([state, nonce, verifier, following, self._clock()])
        where = self._endpoint("authorization_endpoint")
        return Beginning(f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", str(cookie))

    async def finish(self, cookie: str, state: str, code: str, issuer: str | None) -> Identity:
        """Who has come back. `issuer` is the answer's `iss`, where it has one (RFC 9207). Raises ProviderFailed."""
        try:
            wanted, nonce, verifier, following, begun_ms = self._cookies.loads(cookie)
        except (BadData, ValueError) as error:
            raise ProviderFailed("forged: the browser has begun no sign-in here") from error
        if not same(state, wanted):
            raise ProviderFailed("forged: the answer is to another question")
        if not 0 <= self._clock() - begun_ms < UNDER_WAY_MS:
            raise ProviderFailed("expired: the sign-in has taken too long")
        if issuer not in (None, self._oidc.issuer):
            raise ProviderFailed("forged: the answer is of another provider")
        await self._learn()
        said = await self._exchange(code, verifier)
        claims = await self._claims(said.get("id_token"), nonce)
        name, subject = claims.get(self._oidc.claim), claims.get("sub")
        if not (isinstance(name, str) and name and isinstance(subject, str) and subject):
            raise ProviderFailed(f"the provider does not say the claim {self._oidc.claim!r}")
        if self._oidc.claim == "email" and claims.get("email_verified") is not True:
            raise ProviderFailed("forged: the provider has not verified the address, which anybody may have typed")
        return Identity(f"{self._oidc.issuer} {subject}"[:500], name[:200], following)

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
            "client_id": self._oidc.client_id,
        }
        if self._secret is not None:
            form["client_secret"] = self._secret
        return await self._ask("POST", self._endpoint("token_endpoint"), form)

    async def _claims(self, token: object, nonce: str) -> dict[str, Any]:
        """The checks of OpenID Connect Core 1.0 sec. 3.1.3.7."""
        if not isinstance(token, str):
            raise ProviderFailed("the provider has given no ID token")
        assert self._keys is not None
        registry = jwt.JWTClaimsRegistry(
            now=self._clock() // 1000,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._oidc.issuer},
            aud={"essential": True, "value": self._oidc.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            self._known_at_ms = None  # its keys may have changed: they are asked for again
            raise ProviderFailed(f"forged: the ID token does not hold ({type(error).__name__})") from error
        audience, party = claims.get("aud"), claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != self._oidc.client_id:
            raise ProviderFailed("forged: the ID token is for somebody else")
        return dict(claims)

    async def _learn(self) -> None:
        """The provider's configuration (OpenID Connect Discovery 1.0 sec. 4) and keys, now and then."""
        if self._known_at_ms is not None and 0 <= self._clock() - self._known_at_ms < KNOWN_MS:
            return
        where = f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration"
        known = await self._ask("GET", where)
        if known.get("issuer") != self._oidc.issuer:
            raise ProviderFailed(f"the provider calls itself {str(known.get('issuer'))[:100]!r}", down=True)
        self._known = known
        try:
            keys: Any = await self._ask("GET", self._endpoint("jwks_uri"))
            self._keys = KeySet.import_key_set(keys)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed("the provider's keys cannot be read", down=True) from error
        self._known_at_ms = self._clock()

    def _endpoint(self, name: str) -> str:
        found = self._known.get(name)
        secure = "https://" if self._oidc.issuer.startswith("https://") else "http"
        if not isinstance(found, str) or not found.startswith(secure):
            raise ProviderFailed(f"the provider's {name} is missing or not https", down=True)
        return found

    async def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=WITHIN_S, headers={"Accept": "application/json"}) as client:
                answer = await client.request(method, url, data=form)
            answer.raise_for_status()
            said = answer.json() if len(answer.content) <= ANSWER_BYTES_MAX else None
        except httpx.HTTPStatusError as error:
            refused = error.response.status_code in (400, 401, 403) and form is not None
            why = f"the provider answers {error.response.status_code}"
            raise ProviderFailed(f"replayed or forged: {why}" if refused else why, down=not refused) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProviderFailed(f"the provider does not answer: {type(error).__name__}", down=True) from error
        if not isinstance(said, dict):
            raise ProviderFailed("the provider answers no JSON object", down=True)
        return said
