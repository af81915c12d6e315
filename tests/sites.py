"""A small community in code, for tests of the pure core: three buildings, two gateways, tiny profiles.

| building | team   | manager | neighbours | devices                              |
| b-1      | north  | mona    | b-2, b-3   | smoke-1, smoke-2, ext-1, lift-1 (gw-1) |
| b-2      | none   | none    | b-1, b-3   | smoke-3 (gw-2)                       |
| b-3      | south  | none    | b-2        | panel-1 with detectors 1 to 3 (gw-2) |
"""

from __future__ import annotations

from typing import Any

from config.profile import Profile
from config.site import Site, SiteFile

GROUP = "lane"


def _text(text: str) -> dict[str, str]:
    return {"en": text, "zh": text}


def _bit(bit: int, condition: str, kind: str | None, **more: Any) -> dict[str, Any]:
    return {"bit": bit, "class": condition, "kind": kind, "text": _text("bit"), **more}


def _register(address: int, **more: Any) -> dict[str, Any]:
    return {"table": "input", "address": address, "text": _text("value"), "heartbeat_s": 30, **more}


def _profile(name: str, category: str, points: dict[str, Any], detectors: dict[str, Any] | None = None) -> Profile:
    return Profile.model_validate(
        {
            "profile": name,
            "title": _text(name),
            "source": "made for tests",
            "category": category,
            "points": points,
            "detector_points": detectors or {},
        }
    )


SMOKE_BITS = {
    "test": _bit(0, "test", "fault", inverted=True),
    "fire": _bit(1, "alarm", "fire"),
    "fault": _bit(2, "trouble", "fault"),
    "heat": _bit(3, "alarm", "fire"),
    "disabled": _bit(4, "disabled", "fault"),
    "pre_alarm": _bit(9, "pre-alarm", "fire"),
    "supervisory": _bit(10, "supervisory", "equipment"),
}
LOW = {"when": "below", "value": 1000, "clear": 1030, "class": "supervisory", "kind": "equipment", "text": _text("low")}
EMPTY = {"when": "below", "value": 200, "clear": 300, "class": "alarm", "kind": "equipment", "text": _text("empty")}

PROFILES = {
    "smoke": _profile(
        "smoke",
        "smoke-detector",
        {
            "state": _register(0, **{"class": "state", "bits": SMOKE_BITS}),
            "temperature_c": _register(1, scale=0.1, unit="°C"),
        },
    ),
    "pressure": _profile(
        "pressure",
        "pressure",
        {"pressure_kpa": _register(0, scale=0.1, unit="kPa", limits={"below_limit": LOW, "empty": EMPTY})},
    ),
    "lift": _profile(
        "lift",
        "lift",
        {"faults": _register(0, **{"class": "state", "bits": {"trapped": _bit(0, "alarm", "entrapment")}})},
    ),
    "panel": _profile(
        "panel",
        "fire-panel",
        {"word": _register(0, **{"class": "state", "bits": {"fire": _bit(0, "alarm", "fire")}})},
        {"state": _register(16, **{"class": "state", "bits": {"fire": _bit(1, "alarm", "fire")}})},
    ),
}


def _device(name: str, profile: str, unit: int, building: str, floor: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "profile": profile, "unit": unit, "place": {"building": building, "floor": floor}, **more}


def _building(name: str, cell: str, **more: Any) -> dict[str, Any]:
    place = {"id": name, "name": name, "address": name, "latitude": 30.0, "longitude": 120.0, "floors": 7}
    return {**place, "cell": cell, **more}


def _person(name: str, *channels: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name.title(),
        "channels": [{"channel": channel} for channel in channels or ("console",)],
    }


def _rings(*rings: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"call": call, "after_s": after_s} for call, after_s in rings]


def site_data() -> dict[str, Any]:
    """The small site as plain data, to be changed before it is made into a Site."""
    fire = _rings(
        ("team", 0),
        ("neighbours", 30),
        ("manager", 60),
        ("grid-3", 90),
        ("grid-2", 120),
        ("grid-1", 150),
        ("contacts", 180),
    )
    detectors = [{"number": n, "place": {"building": "b-3", "floor": n}} for n in (1, 2, 3)]
    gateway_1 = [
        _device("smoke-1", "smoke", 1, "b-1", 5),
        _device("smoke-2", "smoke", 2, "b-1", 6),
        _device("ext-1", "pressure", 3, "b-1", 1),
        _device("lift-1", "lift", 4, "b-1", 0),
    ]
    gateway_2 = [
        _device("smoke-3", "smoke", 1, "b-2", 2),
        _device("panel-1", "panel", 2, "b-3", 1, detectors=detectors),
    ]
    return {
        "community": {"id": GROUP, "name": _text("Lane")},
        "grid": [
            {"id": "street", "level": 1, "name": "street", "person": "gina"},
            {"id": "block", "level": 2, "parent": "street", "name": "block", "person": "greg"},
            {"id": "yard", "level": 3, "parent": "block", "name": "yard", "person": "grace"},
        ],
        "people": [
            *(_person(name) for name in ("nora", "ned", "sam", "mona", "gina", "greg", "grace", "carl")),
            _person("nick", "phone", "mail"),
            _person("sue", "phone", "mail"),
        ],
        "teams": [
            {"id": "north", "name": "north", "leader": "nora", "members": ["ned", "nick"]},
            {"id": "south", "name": "south", "leader": "sam", "members": ["sue"]},
        ],
        "contacts": ["carl"],
        "channels": {name: {"type": "console"} for name in ("console", "phone", "mail")},
        "plan": {
            "default": {
                "rings": _rings(("team", 0), ("neighbours", 60)),
                "quorum": 1,
                "repeat_s": 600,
                "repeats_max": 2,
                "next_channel_after_s": 3600,
            },
            "kinds": {
                "fire": {"rings": fire, "quorum": 2, "repeat_s": 20, "repeats_max": 5, "next_channel_after_s": 3600},
            },
            "device_silent_after_s": 60,
            "group_troubles_s": 0,  # each trouble is told at once and by itself
            "preflight": None,
        },
        "buildings": [
            _building("b-1", "yard", manager="mona", team="north", neighbours=["b-2", "b-3"]),
            _building("b-2", "yard", neighbours=["b-1", "b-3"]),
            _building("b-3", "yard", team="south", neighbours=["b-2"]),
        ],
        "gateways": [
            {"id": "gw-1", "buses": [{"id": "bus-1", "type": "tcp", "host": "127.0.0.1", "devices": gateway_1}]},
            {"id": "gw-2", "buses": [{"id": "bus-2", "type": "tcp", "host": "127.0.0.1", "devices": gateway_2}]},
        ],
    }


def small_site(data: dict[str, Any] | None = None, **profiles: Profile) -> Site:
    """The small community, or one from changed `site_data()` and with other profiles."""
    return Site(SiteFile.model_validate(data or site_data()), PROFILES | profiles)
