"""The one navigation of all pages: what somebody's rights let them open."""

from __future__ import annotations

from dataclasses import dataclass

from collector.access.actor import Actor, Right


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation; `word` names its message ("go-<word>")."""

    word: str
    path: str
    right: Right
    person: bool = False  # only for somebody who is a person of the site


NAVIGATION = (
    Entry("board", "/", Right.SEE),
    Entry("me", "/me", Right.ANSWER, person=True),
    Entry("drills", "/drills", Right.SEE),
    Entry("measures", "/measures", Right.SEE),
    Entry("rosters", "/rosters", Right.SEE),
    Entry("elevators", "/elevators", Right.SEE),
    Entry("devices", "/devices", Right.SEE),
    Entry("people", "/people", Right.PEOPLE),
    Entry("accounts", "/accounts", Right.ACCOUNTS),
    Entry("tokens", "/tokens", Right.TOKENS),
    Entry("audit", "/audit", Right.AUDIT),
    Entry("gateways", "/gateways", Right.TECHNICAL),
    Entry("ledger", "/ledger", Right.TECHNICAL),
    Entry("decisions", "/decisions", Right.TECHNICAL),
    Entry("api", "/api/v1/docs", Right.TECHNICAL),
)


def entries(actor: Actor) -> list[Entry]:
    """What this actor may open."""
    return [entry for entry in NAVIGATION if actor.may(entry.right) and (actor.person is not None or not entry.person)]
