"""Small makers for the gateway's tests: profiles, points, readings and records without YAML."""

from __future__ import annotations

from typing import Any

from config.profile import Point, Profile, Register, points_of
from config.sparkplug import DataType
from config.words import Lane, Reading
from gateway.record import Draft, Record

TEXT = {"en": "x", "zh": "x"}
FIRE = {"bit": 1, "class": "alarm", "kind": "fire", "text": TEXT}


def register(address: int, **more: Any) -> dict[str, Any]:
    """A register as a profile file would say it; an input register unless told."""
    return {"table": "input", "address": address, "text": TEXT, **more}


def profile(points: dict[str, dict[str, Any]], **more: Any) -> Profile:
    """A checked profile."""
    return Profile.model_validate(
        {
            "profile": "trial",
            "title": TEXT,
            "source": "made up",
            "category": "pressure",
            "points": {name: {**said, "text": TEXT} for name, said in points.items()},
            **more,
        }
    )


def point(said: dict[str, Any], name: str = "value") -> Point:
    """The one point of a profile with one register, or the named one where it has bits."""
    found = {each.name: each for each in points_of(profile({"value": said}))}
    return found[name]


def siblings(points: dict[str, dict[str, Any]]) -> dict[str, Register]:
    """A profile's registers by name."""
    return dict(profile(points).points)


def record(position: int, lane: Lane = Lane.ALARM, device: str | None = "smoke-1", value: object = True) -> Record:
    """A journal record with one boolean reading `fire`."""
    reading = Reading("fire", value, DataType.BOOLEAN)  # type: ignore[arg-type]
    return Record(lane, position, device, 1_700_000_000_000 + position, 7, (reading,))


def draft(lane: Lane = Lane.ALARM, device: str | None = "smoke-1", value: object = True, mono_ms: int = 5) -> Draft:
    """A report without a position."""
    reading = Reading("fire", value, DataType.BOOLEAN)  # type: ignore[arg-type]
    return Draft(lane, device, 1_700_000_000_000, mono_ms, (reading,))
