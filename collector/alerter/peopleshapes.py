"""The shapes of people and how they can be reached, with their examples. Never an address or a number."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from collector.alerter.models import Shape, Who
from collector.calls.reach import Fault
from config.people import Language, Text


class ReachShown(Shape):
    """One of a person's channels. `delivered_at` null: nothing has been delivered over it yet."""

    channel: str
    rings: bool = Field(description="it makes a phone ring aloud")
    works: bool = Field(description="false: it has failed again and again since the last delivery")
    proven: bool = Field(description="the last delivery is recent enough")
    delivered_at: datetime | None
    failed_at: datetime | None = Field(description="the newest failure since the last delivery")
    error: str | None


class PersonShown(Who):
    """A person, their channels in the order of trying, and why they may not be reached (null: they can be)."""

    teams: list[str]
    language: Language
    channels: list[ReachShown]
    fault: Fault | None
    fault_text: Text | None
    tested_at: datetime | None


class PeopleList(Shape):
    """In the order of the site."""

    people: list[PersonShown]


class AskedBy(StrEnum):
    """Who asked for an erasure; in words that name nobody."""

    THEMSELVES = "themselves"
    GUARDIAN = "guardian"
    MANAGEMENT = "management"
    AUTHORITY = "authority"


class EraseAsked(Shape):
    """Who asked for an erasure is in the audit log, whom it was about is not."""

    asked_by: AskedBy = Field(examples=["themselves"])


class Erased(Shape):
    """What was changed or removed."""

    rows: int = Field(description="rows of the store, of all tables")
    tables: dict[str, int] = Field(description="the same by table")


ERASED: dict[str, Any] = {"rows": 14, "tables": {"accounts": 1, "audit": 3, "notices": 8, "incidents": 2}}
PERSON: dict[str, Any] = {
    "id": "p-li",
    "name": "李梅",
    "teams": ["team-3"],
    "language": "zh",
    "channels": [
        {
            "channel": "voice",
            "rings": True,
            "works": True,
            "proven": True,
            "delivered_at": "2026-03-01T10:00:02.310000+08:00",
            "failed_at": None,
            "error": None,
        },
        {
            "channel": "mail",
            "rings": False,
            "works": False,
            "proven": False,
            "delivered_at": None,
            "failed_at": "2026-03-02T14:03:22.310000+08:00",
            "error": "the mail server said 550 no such user",
        },
    ],
    "fault": None,
    "fault_text": None,
    "tested_at": "2026-03-01T10:00:00+08:00",
}
PEOPLE: dict[str, Any] = {"people": [PERSON]}
