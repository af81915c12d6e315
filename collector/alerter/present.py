"""Who makes the request at hand. The threshold says so for each; what serves the request looks here."""

from __future__ import annotations

from contextvars import ContextVar

from collector.access.actor import NOBODY, Actor

PRESENT: ContextVar[Actor] = ContextVar("actor", default=NOBODY)
