"""People of a site: how to reach them, what they can do, their teams, and when who is on duty."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from config.calendar import Hours
from config.profile import Strict
from config.wire import is_name

Language = Literal["en", "zh"]
Text = dict[Language, str]


def _id(text: str) -> str:
    if not is_name(text) or len(text) > 64 or text != text.strip() or ":" in text:
        raise ValueError("an id of 1 to 64 characters without + / # : and outer spaces")
    return text


def _with_offset(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time with its offset such as 2026-10-01T08:00+08:00")
    return at


Id = Annotated[str, AfterValidator(_id)]
Moment = Annotated[datetime, AfterValidator(_with_offset)]


class Skill(StrEnum):
    """What somebody has learnt to do and others have not."""

    HYDRANT = "hydrant"  # runs a hose from a hydrant
    FIRST_AID = "first-aid"
    LIFT_RELEASE = "lift-release"  # trained and allowed to free people from an elevator


class Address(Strict):
    """One way to reach a person: a channel of the site and what that channel needs to find them."""

    channel: Id
    to: str = ""


class Person(Strict):
    """Somebody who can be called. Channels are tried in order."""

    id: Id
    name: str
    language: Language | None = None  # None: the community's
    channels: Annotated[tuple[Address, ...], Field(min_length=1)]
    skills: tuple[Skill, ...] = ()
    home: Id | None = None  # the building they live or work in: who is in it is called first


class Shift(Strict):
    """Hours that groups of a team keep in turn. One group: always that one."""

    id: Id
    hours: Hours
    groups: Annotated[tuple[Annotated[tuple[Id, ...], Field(min_length=1)], ...], Field(min_length=1)]
    turn_days: Annotated[int, Field(ge=1, le=366)] = 1  # each group keeps so many days, then the next
    first_day: date | None = None  # the first group's first day; needed where groups take turns

    @model_validator(mode="after")
    def _turns_have_a_beginning(self) -> Self:
        if len(self.groups) > 1 and self.first_day is None:
            raise ValueError("groups that take turns need first_day, the first group's first day")
        return self


class Team(Strict):
    """A volunteer fire team (微型消防站). Without shifts everybody is always on duty."""

    id: Id
    name: str
    leader: Id
    members: tuple[Id, ...] = ()
    shifts: tuple[Shift, ...] = ()


class Absence(Strict):
    """Somebody is away. `substitute`: takes their duty meanwhile. `swap`: they are there, only their duty is taken."""

    person: Id
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="until")
    substitute: Id | None = None
    swap: bool = False
    reason: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.end <= self.start:
            raise ValueError("until must be later than from")
        if self.swap and self.substitute is None:
            raise ValueError("a swap needs a substitute, who takes the duty")
        return self


class FireStation(Strict):
    """The fire brigade's station that would come: shown to people, never called by software."""

    id: Id
    name: str
    phone: str
    address: str = ""
