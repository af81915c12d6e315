"""Examples for the API's description. A test reads each with the model it stands for."""

from __future__ import annotations

from typing import Any

_WHERE: dict[str, Any] = {
    "building": "b-3",
    "building_name": "3号楼",
    "address": "新民里 3 号",
    "floor": 5,
    "flat": "502",
    "note": "厨房",
}
_BUILDING: dict[str, Any] = _WHERE | {"floor": None, "flat": "", "note": ""}
_LI: dict[str, Any] = {"id": "p-li", "name": "李梅"}
_CONDITION: dict[str, Any] = {
    "key": "smoke-3-5:smoke",
    "device": "smoke-3-5",
    "point": "smoke",
    "condition": "alarm",
    "kind": "fire",
    "phase": "acknowledged",
    "text": {"en": "Smoke", "zh": "烟雾报警"},
    "value": "true",
    "where": _WHERE,
    "raised_at": "2026-03-02T14:03:22.125000+08:00",
    "heard_at": "2026-03-02T14:03:22.310000+08:00",
    "returned_at": None,
}
INCIDENT: dict[str, Any] = {
    "id": "01KJQ2T7M50001",
    "kind": "fire",
    "open": True,
    "where": _BUILDING,
    "cause_at": "2026-03-02T14:03:22.125000+08:00",
    "opened_at": "2026-03-02T14:03:22.310000+08:00",
    "closed_at": None,
    "mode": "live",
    "not_the_drill": False,
    "full_call": True,
    "conditions": [_CONDITION],
    "responses": [
        {
            "person": _LI,
            "answer": "going",
            "at": "2026-03-02T14:03:51.004000+08:00",
            "call": 1,
            "overdue": False,
            "skills": ["hydrant"],
        }
    ],
    "coming": 1,
    "acknowledged_by": [_LI],
    "call": 1,
    "rings_called": 1,
    "rings": 4,
    "quorum": 2,
    "quorum_at": None,
    "skills_missing": [],
    "stood_down_by": None,
    "false_alarm_by": None,
    "first_hit": {
        "stage": "loud",
        "zone": "stairs-3",
        "zone_name": "3号楼楼道",
        "members": ["smoke-3-5", "smoke-3-6"],
        "since": "2026-03-02T14:03:22.310000+08:00",
        "loud_at": None,
        "cause": "second-device",
    },
    "remarks": [],
}
INCIDENT_LIST: dict[str, Any] = {"incidents": [INCIDENT]}
DETAIL: dict[str, Any] = INCIDENT | {
    "notices": [
        {
            "id": "01KJQ2T7M50001-1",
            "person": _LI,
            "channel": "mail",
            "reason": "neighbour-team",
            "ring": 0,
            "call": 1,
            "cause_at": "2026-03-02T14:03:22.125000+08:00",
            "heard_at": "2026-03-02T14:03:22.310000+08:00",
            "created_at": "2026-03-02T14:03:22.310000+08:00",
            "expects_answer": True,
            "sendings_due": 1,
            "superseded_at": None,
            "others": [],
            "told_in": None,
            "attempts": [
                {
                    "sending": 1,
                    "channel": "mail",
                    "at": "2026-03-02T14:03:22.330000+08:00",
                    "handed_over_at": "2026-03-02T14:03:22.412000+08:00",
                    "error": None,
                    "permanent": False,
                }
            ],
        }
    ],
    "timeline": [
        {
            "at": "2026-03-02T14:03:22.310000+08:00",
            "event": "incident-opened",
            "device": "smoke-3-5",
            "person": None,
            "facts": {"kind": "fire"},
        }
    ],
}
DEVICE: dict[str, Any] = {
    "id": "smoke-3-5",
    "profile": "sm-1",
    "title": {"en": "Smoke detector SM-1", "zh": "感烟探测器 SM-1"},
    "gateway": "gw-1",
    "where": _WHERE,
    "registration": None,
    "online": True,
    "cause": None,
    "heard_at": "2026-03-02T14:03:51.900000+08:00",
    "age_s": 0.4,
    "disabled_until": None,
    "tested_until": None,
    "flags": {
        "alarm": True,
        "pre_alarm": False,
        "supervisory": False,
        "trouble": False,
        "disabled": False,
        "test": False,
    },
    "conditions": [_CONDITION],
    "values": [
        {
            "point": "temperature_c",
            "text": {"en": "Temperature", "zh": "温度"},
            "condition": "measurement",
            "value": None,
            "value_text": None,
            "unit": "°C",
            "quality": "bad",
            "cause": "sensor fault code 0x8000",
            "at": "2026-03-02T14:03:50.000000+08:00",
            "age_s": 2.3,
        }
    ],
}
DEVICE_LIST: dict[str, Any] = {"devices": [DEVICE]}
POINT_HISTORY: dict[str, Any] = {
    "device": "smoke-3-5",
    "point": "obscuration_db_m",
    "text": {"en": "Smoke obscuration", "zh": "烟雾减光率"},
    "unit": "dB/m",
    "values": [
        {"at": "2026-03-02T14:03:40.000000+08:00", "value": 0.02},
        {"at": "2026-03-02T14:03:50.000000+08:00", "value": 0.31},
    ],
}
LEDGER: dict[str, Any] = {
    "rows": [
        {
            "gateway": "gw-1",
            "lane": "alarm",
            "appended": 42,
            "dropped": 0,
            "in_journal": 0,
            "committed": 42,
            "in_history": 42,
            "spooled": 0,
            "journal": "0f2c4a1e9b7d4c33",
            "mistakes": [],
            "notes": [],
        }
    ]
}
_BROKER: dict[str, Any] = {
    "name": "broker",
    "ok": True,
    "critical": True,
    "text": "connected",
    "as_of": "2026-03-02T14:03:52.000000+08:00",
    "age_s": 0.0,
}
HEALTH: dict[str, Any] = {
    "ok": True,
    "degraded": False,
    "at": "2026-03-02T14:03:52.000000+08:00",
    "parts": [_BROKER],
}
ILL_HEALTH: dict[str, Any] = HEALTH | {
    "ok": False,
    "degraded": True,
    "parts": [_BROKER | {"ok": False, "text": "connection refused", "age_s": 12.5}],
}
