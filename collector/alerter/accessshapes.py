"""The shapes of the audit log, API tokens and signed-in devices, with an example of each for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from collector.access.actor import Right
from collector.access.sessions import TOKEN_DAYS_MAX
from collector.alerter.models import LONGEST_ID, Shape


class ChangeShown(Shape):
    """A row of the audit log. `before` and `after` are the thing itself as it was kept, null where it was not."""

    number: int
    at: datetime
    account: str
    person: str | None
    name: str
    what: str = Field(description="a stable word such as start-drill or account-changed")
    target: str
    building: str | None = Field(description="null: of no building, or of several")
    facts: dict[str, Any]
    before: dict[str, Any] | str | None
    after: dict[str, Any] | str | None


class ChangeList(Shape):
    """Newest first. `next_before` asks for the rows before these; null: there are none."""

    changes: list[ChangeShown]
    next_before: int | None


class TokenWanted(Shape):
    """A token for a program. Nothing of it goes beyond whoever makes it."""

    name: str = Field(min_length=1, max_length=80, examples=["display in the guard's room"])
    rights: list[Right] = Field(min_length=1, max_length=len(Right), examples=[["see"]])
    buildings: list[str] | None = Field(
        default=None, max_length=1000, description="null: the whole community", examples=[["plum-3"]]
    )
    person: str | None = Field(
        default=None,
        max_length=LONGEST_ID,
        description="in whose name it may speak: your own; null: in nobody's",
        examples=["li-mei"],
    )
    days: int = Field(ge=1, le=TOKEN_DAYS_MAX, description="then it ends", examples=[365])


class TokenShown(Shape):
    """A token without its secret."""

    id: str
    name: str
    rights: list[Right]
    buildings: list[str] | None
    person: str | None
    made_at: datetime
    made_by: str
    ends_at: datetime
    used_at: datetime | None = Field(description="to the hour; null: never")


class TokenMade(TokenShown):
    """A new token. `token` is told this once."""

    token: str


class TokenList(Shape):
    """Every token."""

    tokens: list[TokenShown]


_TOKEN = {
    "id": "3f9a2c0b7d51e846",
    "name": "display in the guard's room",
    "rights": ["see"],
    "buildings": None,
    "person": None,
    "made_at": "2026-03-02T14:03:22.125000+08:00",
    "made_by": "wang",
    "ends_at": "2027-03-02T14:03:22.125000+08:00",
    "used_at": None,
}
TOKENS: dict[str, Any] = {"tokens": [_TOKEN]}
TOKEN_MADE: dict[str, Any] = {**_TOKEN, "token": "cp_3f9a2c0b7d51e846_…"}
CHANGES: dict[str, Any] = {
    "changes": [
        {
            "number": 812,
            "at": "2026-03-02T14:03:22.125000+08:00",
            "account": "li",
            "person": "li-mei",
            "name": "Li Mei",
            "what": "disable",
            "target": "disablement:019cad2f5a1d0001",
            "building": "plum-3",
            "facts": {"scope": "device", "target": "smoke-3-5", "person": "li-mei", "why": "new head", "minutes": 60},
            "before": None,
            "after": {"id": "019cad2f5a1d0001", "target": "smoke-3-5"},
        }
    ],
    "next_before": None,
}
