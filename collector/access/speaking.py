"""In whose name somebody speaks to the engine: their own, unless they speak for all."""

from __future__ import annotations

from collector.access.actor import Actor
from collector.commands import Back, Command, Refused, SayAway, TestReach

_SAID_BY = (TestReach, SayAway, Back)  # `person` is whom it is about


def speaker_of(command: Command) -> str | None:
    """The person in whose name a command is given; None for one that names nobody."""
    said_by = getattr(command, "by" if isinstance(command, _SAID_BY) else "person", None)
    return said_by if isinstance(said_by, str) else None


def check_speaks(actor: Actor, command: Command) -> None:
    """Raises Refused `not-yourself` for a command in another's name than the actor's own."""
    speaker = speaker_of(command)
    if speaker is None or actor.speaks_for_all or speaker == actor.person:
        return
    if actor.person is None:
        raise Refused("not-yourself", f"{actor.name!r} is nobody on the site's list and cannot speak for {speaker!r}.")
    raise Refused("not-yourself", f"You are signed in as {actor.person!r} and cannot speak for {speaker!r}.")
