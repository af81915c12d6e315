"""Signing in by the site's own provider, against a small one on this machine that can be made to lie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collector.access.accounts import Account, Area
from collector.access.actor import TOKEN as TOKEN_ACTOR
from collector.access.actor import Role
from collector.alerter.provider import UNDER_WAY_MS, Provider
from config.signin import Oidc
from simulator.processes import free_port
from tests.web.scene import Clock, Scene, eventually, scene

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
SECRET = "the client's secret"


@dataclass
class Lies:
    """What the provider does wrong."""

    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY, repr=False)
    algorithm: str = "RS256"
    issuer: str | None = None


@dataclass
class House:
    """A provider of OpenID Connect. It knows one person, and gives a code for each question once."""

    port: int
    clock: Clock
    lies: Lies = field(default_factory=Lies)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def consent(self, url: str) -> str:
        """Somebody at the provider says yes: the query with which the browser is sent back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = query
        return f"{urlsplit(query['redirect_uri']).path}?code={code}&state={query['state']}"

    async def configuration(self, _: Request) -> Response:
        where = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        return JSONResponse({"issuer": self.lies.issuer or self.issuer, **where})

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    async def token(self, request: Request) -> Response:
        form = await request.form()
        query = self.asked.pop(str(form.get("code")), None)
        verifier = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        proven = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if query is None or proven != query["code_challenge"] or form.get("client_secret") != SECRET:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = self.clock() // 1000
        claims = {
            "iss": self.issuer,
            "aud": "callpoint",
            "sub": "u-17",
            "exp": now + 300,
            "iat": now,
            "nonce": query["nonce"],
            "preferred_username": "Lena",
            **self.lies.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.encode({"alg": self.lies.algorithm, "kid": "one"}, kept, self.lies.key, [self.lies.algorithm])
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})


@asynccontextmanager
async def house(clock: Clock) -> AsyncIterator[House]:
    found = House(free_port("127.0.0.1"), clock)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", found.configuration),
            Route("/jwks_uri", found.keys),
            Route("/token_endpoint", found.token, methods=["POST"]),
        ]
    )
    server = uvicorn.Server(
        uvicorn.Config(app, port=found.port, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: _started(server))
        yield found
    finally:
        server.should_exit = True
        await serving


async def _started(server: uvicorn.Server) -> bool:
    return server.started


def played(
    folder: Path,
    play: Callable[[Scene, House], Awaitable[Any]],
    role: Role | None = Role.LEADER,
    claim: str = "preferred_username",
) -> Any:
    async def run() -> Any:
        clock = Clock()
        async with house(clock) as provider_house:
            oidc = Oidc(name="Street office", issuer=provider_house.issuer, client_id="callpoint", claim=claim)
            provider = Provider(oidc, "http://127.0.0.1:8080", SECRET, "a-secret", clock)
            async with scene(folder, provider=provider, clock=clock, listen_host="0.0.0.0") as stage:
                if role is not None:
                    account = Account("lena", "Lena", role, area=Area(whole=True))
                    await stage.app.state.front.register.add(account, TOKEN_ACTOR)
                return await play(stage, provider_house)

    return asyncio.run(run())


async def through(stage: Scene, provider_house: House) -> Any:
    """The whole way: off to the provider, yes, and back."""
    away = await stage.client.get("/sign-in/provider?next=/drills")
    return await stage.client.get(provider_house.consent(away.headers["location"]))


def test_who_the_provider_knows_and_has_an_account_is_signed_in(tmp_path: Path) -> None:
    async def play(stage: Scene, provider_house: House) -> Any:
        button = await stage.client.get("/sign-in")
        back = await through(stage, provider_house)
        read = await stage.client.get("/api/v1/incidents")
        account = await stage.app.state.front.register.account("lena")
        return button.text, back, read.status_code, account.identity, provider_house.issuer

    button, back, read, identity, issuer = played(tmp_path, play)

    assert "Street office" in button
    assert (back.status_code, back.headers["location"], read) == (303, "/drills", 200)
    assert identity == f"{issuer} u-17"


@pytest.mark.parametrize(
    "lies",
    [
        Lies(claims={"nonce": "another"}),
        Lies(claims={"nonce": None}),
        Lies(claims={"aud": "somebody-else"}),
        Lies(claims={"aud": ["callpoint", "somebody-else"]}),
        Lies(claims={"azp": "somebody-else"}),
        Lies(claims={"iss": "https://evil.example"}),
        Lies(claims={"exp": 1}),
        Lies(claims={"sub": None}),
        Lies(claims={"preferred_username": None}),
        Lies(claims={"preferred_username": ["lena"]}),
        Lies(key=OTHER_KEY),
        Lies(issuer="https://evil.example"),
    ],
    ids=lambda lies: "another-key" if lies.key is OTHER_KEY else str(lies),
)
def test_an_answer_that_does_not_hold_signs_nobody_in(tmp_path: Path, lies: Lies) -> None:
    """OpenID Connect Core 1.0 sec. 3.1.3.7."""

    async def play(stage: Scene, provider_house: House) -> Any:
        provider_house.lies = lies
        away = await stage.client.get("/sign-in/provider")
        if away.status_code != 303:
            return away.status_code, 401
        back = await stage.client.get(provider_house.consent(away.headers["location"]))
        return back.status_code, (await stage.client.get("/api/v1/incidents")).status_code

    status, read = played(tmp_path, play)

    assert status in (403, 503) and read == 401


@pytest.mark.parametrize(("verified", "status"), [(True, 200), (False, 401), (None, 401), ("true", 401)])
def test_an_address_that_the_provider_has_not_verified_signs_nobody_in(
    tmp_path: Path, verified: Any, status: int
) -> None:
    async def play(stage: Scene, provider_house: House) -> int:
        provider_house.lies = Lies(claims={"email": "lena", "email_verified": verified})
        await through(stage, provider_house)
        return (await stage.client.get("/api/v1/incidents")).status_code

    assert played(tmp_path, play, claim="email") == status


def test_an_answer_is_good_once_in_the_browser_that_asked_and_for_ten_minutes(tmp_path: Path) -> None:
    async def play(stage: Scene, provider_house: House) -> Any:
        async def off() -> str:
            away = await stage.client.get("/sign-in/provider")
            return provider_house.consent(away.headers["location"])

        back = await off()
        kept = dict(stage.client.cookies)
        first = await stage.client.get(back)
        stage.client.cookies.clear()
        for name, value in kept.items():
            stage.client.cookies.set(name, value)
        replayed = await stage.client.get(back)
        stage.client.cookies.clear()
        other_browser = await stage.client.get(await _without_cookies(stage, off))
        slow = await off()
        stage.clock.now_ms += UNDER_WAY_MS  # type: ignore[attr-defined]
        late = await stage.client.get(slow)
        mixed = (await off()).partition("&state=")[0] + "&state=guess"
        return [each.status_code for each in (first, replayed, other_browser, late, await stage.client.get(mixed))]

    assert played(tmp_path, play) == [303, 403, 403, 403, 403]


async def _without_cookies(stage: Scene, off: Callable[[], Awaitable[str]]) -> str:
    back = await off()
    stage.client.cookies.clear()
    return back


def test_who_has_no_account_is_told_so_and_a_name_given_away_is_not_enough(tmp_path: Path) -> None:
    async def play(stage: Scene, provider_house: House) -> Any:
        provider_house.lies = Lies(claims={"preferred_username": "nobody"})
        unknown = await through(stage, provider_house)
        provider_house.lies = Lies()
        known = await through(stage, provider_house)
        stage.client.cookies.clear()
        provider_house.lies = Lies(claims={"sub": "u-18"})  # somebody else is called Lena now
        other = await through(stage, provider_house)
        provider_house.lies = Lies(claims={"preferred_username": "Lena Lee"})  # and she has another name
        renamed = await through(stage, provider_house)
        return [each.status_code for each in (unknown, known, other, renamed)]

    assert played(tmp_path, play) == [403, 303, 403, 303]


def test_a_provider_that_does_not_answer_leaves_the_other_ways(tmp_path: Path) -> None:
    async def play(stage: Scene, provider_house: House) -> Any:
        front = stage.app.state.front
        oidc = Oidc(name="Street office", issuer=f"http://127.0.0.1:{free_port('127.0.0.1')}", client_id="callpoint")
        front.provider = Provider(oidc, "http://127.0.0.1:8080", None, "a-secret", stage.clock)
        return await stage.client.get("/sign-in/provider"), await stage.client.get("/sign-in")

    down, page = played(tmp_path, play)

    assert (down.status_code, page.status_code) == (503, 200)
