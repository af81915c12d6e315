"""Answers of the technical side as they look, for its description. See `examples`."""

from __future__ import annotations

from typing import Any

_WHERE: dict[str, Any] = {
    "building": "b-3",
    "building_name": "Building 3",
    "address": "3 Wutong Lane",
    "floor": 5,
    "flat": "502",
    "note": "",
}
_AT = "2026-03-02T14:03:50.000000+08:00"
_BRIEF: dict[str, Any] = {
    "id": "gw-1",
    "online": True,
    "cause": None,
    "heard_at": _AT,
    "version": "0.1.0",
    "devices": 31,
    "devices_online": 30,
    "buses": 1,
    "units_dead": 1,
    "clock_offset_s": -0.021,
    "pulse_broken": [],
}
GATEWAY_LIST: dict[str, Any] = {"gateways": [_BRIEF]}
_COUNTS: dict[str, Any] = {"requests": 61_204, "answers": 60_871, "timeouts": 320, "garbled": 11, "refused": 2}
GATEWAY: dict[str, Any] = _BRIEF | {
    "delivery": "acknowledged",
    "answers_questions": True,
    "clock": {"synchronized": True, "cause": None, "offset_s": -0.021},
    "pulse": {"came_at": _AT, "took_s": 1.2, "broken": []},
    "journal": [
        {"lane": "alarm", "appended": 42, "dropped": 0, "in_journal": 0, "committed": 42},
        {"lane": "telemetry", "appended": 9310, "dropped": 0, "in_journal": 3, "committed": 9307},
    ],
    "session": {"born_at": _AT, "gone_at": None, "counts": {"births": 1, "rebirths-asked": 1}},
    "lines": [
        {
            "id": "stair-a",
            "line": "/dev/ttyUSB0, 9600 E1",
            "online": True,
            "cause": None,
            "devices": 31,
            "silent": [{"device": "smoke-3-5", "where": _WHERE, "cause": "no answer within 300 ms"}],
            "figures": {
                "told_at": _AT,
                **_COUNTS,
                "latency_p50_ms": 24.1,
                "latency_p95_ms": 41.7,
                "cycle_s": 1.31,
                "busy": 0.74,
                "units": 31,
                "units_dead": 1,
                "lately": {"requests": 1804, "answers": 1796, "timeouts": 8, "garbled": 0, "refused": 0},
            },
            "minutes": [
                {"at": _AT, "latency_p50_ms": 24.1, "latency_p95_ms": 41.7, "cycle_s": 1.31, "lost": 0.0044},
            ],
        }
    ],
}
DEVICE_TECHNICAL: dict[str, Any] = {
    "id": "smoke-3-5",
    "profile": "sm-1",
    "title": {"en": "Smoke detector SM-1", "zh": "烟感 SM-1"},
    "source": "SM-1 register map, revision 1.2",
    "where": _WHERE,
    "gateway": "gw-1",
    "bus": "stair-a",
    "unit": 15,
    "online": True,
    "cause": None,
    "heard_at": _AT,
    "points": [
        {
            "value": {
                "point": "temperature_c",
                "text": {"en": "Temperature", "zh": "温度"},
                "condition": "measurement",
                "value": 21.5,
                "value_text": None,
                "unit": "°C",
                "quality": "good",
                "cause": None,
                "at": _AT,
                "age_s": 2.3,
            },
            "lane": "telemetry",
            "source": {
                "table": "input",
                "address": 4,
                "registers": 1,
                "bit": None,
                "undeclared": False,
                "inverted": False,
                "type": "int16",
                "byte_order": "big",
                "word_order": "high-first",
                "scale": 0.1,
                "offset": 0.0,
                "scale_from": None,
                "unit_from": None,
                "no_value": [32768],
                "period_s": 10.0,
                "deadband": 0.5,
                "heartbeat_s": 60.0,
            },
            "words": [215],
        }
    ],
    "diagnosis": {
        "why": None,
        "told_at": _AT,
        "known": True,
        "live": True,
        "misses": 0,
        "next_at": _AT,
        "blocks": [
            {
                "table": "input",
                "address": 0,
                "count": 6,
                "lane": "telemetry",
                "period_s": 10.0,
                "misses": 0,
                "next_at": _AT,
                "heard_at": _AT,
                "words": [1, 0, 3, 12, 215, 7],
            }
        ],
        "blocks_left_out": 0,
        "errors": [{"at": _AT, "table": "input", "address": 0, "count": 6, "cause": "no answer within 300 ms"}],
    },
}
DECISION_LIST: dict[str, Any] = {
    "decisions": [
        {
            "at": _AT,
            "event": "notice-created",
            "device": None,
            "person": {"id": "p-li", "name": "Li Mei"},
            "facts": {"call": "1", "ring": "0", "reason": "team"},
            "number": 4711,
            "incident": "01K0T3V9ZD",
            "building": "b-3",
            "sentence": "p-li is told, call 1, ring 1: team",
        }
    ],
    "before": 4711,
}
