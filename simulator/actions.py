"""What can be done to the simulated community: the words of a story's `when` and of the command `act`.

Each action is one key with its values, e.g. `ignite: {building: b-3, floor: 5, flat: "502"}`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from config.profile import Strict

Pace = Annotated[float, Field(gt=0, le=20)]  # 20 times: the air's equations stay stable at the world's tick
Span = Annotated[float, Field(ge=0, le=86400)]


class Ignite(Strict):
    """A fire starts in a flat (or, without one, in the stairwell). `pace`: how many times faster than a real one."""

    building: str
    floor: int
    flat: str = ""
    pace: Pace = 1.0


class Clear(Strict):
    """The fire of a building is out and its windows are open."""

    building: str
    pace: Pace = 1.0


class Puff(Strict):
    """Test smoke at one detector for a while, as a tester's spray gives it."""

    device: str
    detector: int | None = None
    obscuration_db_m: Annotated[float, Field(gt=0, le=10)] = 1.0
    for_s: Span = 5.0


class Discharge(Strict):
    """A vessel or pipe loses pressure down to `to_kpa` (at 20 °C) within `over_s`."""

    device: str
    to_kpa: Annotated[float, Field(ge=0, le=10_000)]
    over_s: Span = 5.0


class Leak(Strict):
    """A vessel loses pressure slowly from now on."""

    device: str
    kpa_per_day: Annotated[float, Field(ge=0, le=100_000)]


class Refill(Strict):
    """A vessel is charged to its nominal pressure again and leaks no more."""

    device: str


class Entrap(Strict):
    """A lift stops with somebody inside, between floors or level with one; perhaps they press the alarm button."""

    device: str
    between: bool = True
    alarm_button: bool = False


class Rescue(Strict):
    """The door is opened at a floor, whoever was inside leaves, the lift runs again."""

    device: str


class Force(Strict):
    """One bit of a device's (or detector's) state word is held, for `for_s` or until `release`."""

    device: str
    detector: int | None = None
    bit: Annotated[int, Field(ge=0, le=15)]
    value: Literal[0, 1] = 1
    for_s: Span | None = None


class Release(Strict):
    """No bit of the device is forced any more."""

    device: str


class Weather(Strict):
    """The temperature outdoors changes."""

    temperature_c: Annotated[float, Field(ge=-40, le=60)]


Action = Ignite | Clear | Puff | Discharge | Leak | Refill | Entrap | Rescue | Force | Release | Weather


def only_key(model: Strict) -> str:
    """The one field of `model` that is set. Raises ValueError if none or several are."""
    given = [name for name in type(model).model_fields if getattr(model, name) is not None]
    if len(given) != 1:
        names = [field.alias or name for name, field in type(model).model_fields.items()]
        raise ValueError(f"exactly one of {', '.join(names)}")
    return given[0]


class When(Strict):
    """One action as it stands in YAML: a mapping with one key."""

    ignite: Ignite | None = None
    clear: Clear | None = None
    puff: Puff | None = None
    discharge: Discharge | None = None
    leak: Leak | None = None
    refill: Refill | None = None
    entrap: Entrap | None = None
    rescue: Rescue | None = None
    force: Force | None = None
    release: Release | None = None
    weather: Weather | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        only_key(self)
        return self

    @property
    def action(self) -> Action:
        """The action itself."""
        action: Any = getattr(self, only_key(self))
        return action  # type: ignore[no-any-return]
