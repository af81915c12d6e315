"""The host's side of a Sparkplug session, one per edge node: order, aliases, staleness, what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from config.wire import Edge


@dataclass(frozen=True, slots=True)
class Presence:
    """An edge node (`device` None) or one of its devices came or went, at receipt time."""

    edge: Edge
    device: str | None
    online: bool
    at_ms: int
    cause: str  # birth, death certificate, silence, connection to the broker lost
