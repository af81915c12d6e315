"""What a handler asks of whoever makes the request: `InActor`, or `needs(Right.MEASURE)` as a default."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from collector.access.actor import Actor, Right
from collector.alerter.problems import Rejected


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


InActor = Annotated[Actor, Depends(_actor)]


def needs(right: Right) -> Any:
    """A dependency: the actor, who has this right somewhere; 403 for everybody else."""

    return Depends(Needed(right))


class Needed:
    """What `needs` asks for; a route that is reached by people has one, or is among those that are open to all."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, actor: InActor) -> Actor:
        """The actor, who has the right."""
        if not actor.may(self.right):
            raise Rejected(403, "not-authorised", f"this needs the right {self.right.value!r}")
        return actor


def must(actor: Actor, right: Right, building: str) -> None:
    """Raise 403 unless the actor may do this in this building."""
    if not actor.may(right, building):
        raise Rejected(403, "not-authorised", f"this needs the right {right.value!r} in building {building!r}")
