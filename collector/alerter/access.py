"""The audit log and API tokens under /api/v1."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query

from collector.access.accounts import BadAccount
from collector.access.actor import Actor, Right
from collector.access.audit import LoggedChange
from collector.access.secret import new_id
from collector.access.sessions import Token, may_end
from collector.alerter.accessshapes import (
    CHANGES,
    TOKEN_MADE,
    TOKENS,
    ChangeList,
    ChangeShown,
    TokenList,
    TokenMade,
    TokenShown,
    TokenWanted,
)
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.front import Front, InFront
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.storage.auditlog import Sought, find_changes

DAY_MS = 86_400_000

_REFUSED = {
    "not-authorised": (403, "not-authorised"),
    "no-such-building": (404, "unknown-building"),
    "no-such-person": (404, "unknown-person"),
}
router = APIRouter(prefix="/api/v1")


@router.get(
    "/audit", tags=["access"], dependencies=[needs(Right.AUDIT)], responses=answers(200, CHANGES, *READING, 422)
)
async def audit(
    front: InFront,
    actor: InActor,
    who: Annotated[str, Query(max_length=80, description="anywhere in account, person or name")] = "",
    about: Annotated[str, Query(max_length=80, description="anywhere in what was done, to what, or its facts")] = "",
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="rows before this number")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="at most so many")] = 100,
) -> ChangeList:
    """Who has changed what, newest first: what belongs to your buildings, and to no building if you see them all."""
    found = await changes(front, Sought(who, about, None, None, before, actor.buildings), limit + 1)
    more = found[limit - 1].number if len(found) > limit else None
    return ChangeList(changes=[_change(front, each) for each in found[:limit]], next_before=more)


@router.get("/tokens", tags=["access"], dependencies=[needs(Right.TOKENS)], responses=answers(200, TOKENS, *READING))
async def tokens(front: InFront, actor: InActor) -> TokenList:
    """Every API token of your own buildings, without its secret."""
    found = await front.register.tokens()
    return TokenList(tokens=[_token(front, *each) for each in found if may_end(actor, each[0])])


@router.post(
    "/tokens",
    tags=["access"],
    status_code=201,
    dependencies=[needs(Right.TOKENS)],
    responses=answers(201, TOKEN_MADE, *CHANGING),
)
async def add_token(front: InFront, actor: InActor, body: TokenWanted) -> TokenMade:
    """Make a token; it is told this once. Its rights and buildings are within your own."""
    try:
        token, given = await make_token(front, actor, body)
    except BadAccount as bad:
        status, reason = _REFUSED.get(bad.reason, (409, bad.reason))
        raise Rejected(status, reason, str(bad)) from bad
    return TokenMade(**_token(front, token, None).model_dump(), token=given)


@router.post(
    "/tokens/{token_id}/end",
    tags=["access"],
    dependencies=[needs(Right.TOKENS)],
    responses=answers(200, TOKENS, *CHANGING),
)
async def end_token(front: InFront, actor: InActor, token_id: Id) -> TokenList:
    """A token is good no more, from now on. The answer is what is left."""
    if not await front.register.end_token(token_id, actor):
        raise Rejected(404, "unknown-token", f"there is no token {token_id!r}")
    return await tokens(front, actor)


async def make_token(front: Front, actor: Actor, wanted: TokenWanted) -> tuple[Token, str]:
    """Keep a new token; it and what a program bears. Raises BadAccount that names the field."""
    site, now = front.desk.site, front.clock()
    unknown = [each for each in wanted.buildings or () if each not in site.buildings]
    if unknown:
        raise BadAccount("buildings", "no-such-building", f"the site has no building {unknown[0]!r}")
    if wanted.person is not None and wanted.person not in site.people:
        raise BadAccount("person", "no-such-person", f"the site has no person {wanted.person!r}")
    token = Token(
        id=new_id(),
        name=wanted.name,
        rights=tuple(dict.fromkeys(wanted.rights)),
        buildings=None if wanted.buildings is None else tuple(wanted.buildings),
        person=wanted.person,
        made_at_ms=now,
        made_by=actor.account,
        until_ms=now + wanted.days * DAY_MS,
    )
    return token, await front.register.add_token(token, actor)


async def changes(front: Front, sought: Sought, limit: int) -> list[LoggedChange]:
    """The newest rows of the audit log that are sought."""
    return await front.desk.store.read(lambda connection: find_changes(connection, sought, limit))


def _change(front: Front, each: LoggedChange) -> ChangeShown:
    return ChangeShown(
        number=each.number,
        at=front.view.stamp(each.at_ms),
        account=each.account,
        person=each.person,
        name=each.name,
        what=each.what,
        target=each.target,
        building=each.building,
        facts=dict(each.facts),
        before=thing(each.before),
        after=thing(each.after),
    )


def thing(body: str | None) -> dict[str, Any] | str | None:
    """What a thing was, as its fields; one that was cut stays text."""
    if body is None:
        return None
    try:
        read = json.loads(body)
    except ValueError:
        return body
    return read if isinstance(read, dict) else body


def _token(front: Front, token: Token, used_at_ms: int | None) -> TokenShown:
    return TokenShown(
        id=token.id,
        name=token.name,
        rights=list(token.rights),
        buildings=None if token.buildings is None else list(token.buildings),
        person=token.person,
        made_at=front.view.stamp(token.made_at_ms),
        made_by=token.made_by,
        ends_at=front.view.stamp(token.until_ms),
        used_at=front.view.maybe(used_at_ms),
    )
