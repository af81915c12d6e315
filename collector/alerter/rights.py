"""What a handler asks of whoever makes the request: `InActor`, or `needs(Right.MEASURE)` as a default."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

from fastapi import Depends, Request

from collector.access.actor import NOBODY, Actor, Right
from collector.alerter.problems import Rejected

PRESENT: ContextVar[Actor] = ContextVar("actor", default=NOBODY)  # of the request at hand; for the frame of every page


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


InActor = Annotated[Actor, Depends(_actor)]


def needs(right: Right) -> Any:
    """A dependency: the actor, who has this right somewhere; 403 for everybody else."""

    async def checked(actor: InActor) -> Actor:
        if not actor.may(right):
            raise Rejected(403, "not-authorised", f"this needs the right {right.value!r}")
        return actor

    return Depends(checked)


def must(actor: Actor, right: Right, building: str) -> None:
    """Raise 403 unless the actor may do this in this building."""
    if not actor.may(right, building):
        raise Rejected(403, "not-authorised", f"this needs the right {right.value!r} in building {building!r}")
