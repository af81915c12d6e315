"""A small community, its people on several channels, and a fire in it: what tests of notices and channels tell of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Incident
from collector.alerter.channels import Letter
from collector.calls.dispatch import Notice, Reason
from collector.messages.message import Words
from config.document import Document
from config.loader import SHIPPED_PROFILES, read_profile
from config.profile import Condition, Kind, Profile
from config.site import Site, SiteFile

NOW_MS = 1_790_000_000_000  # 2026-09-21 21:33:20 in Shanghai
PROFILES = ("sm-1", "fp-1", "ep-1", "le-1")


def site_with(channels: dict[str, dict[str, Any]] | None = None, **building: Any) -> Site:
    """A site with one building, a team of two on the given channels (each person has all of them, in order)."""
    channels = channels or {"console": {"type": "console"}}

    def addresses(person: str) -> list[dict[str, str]]:
        return [{"channel": name, "to": f"{person}@example.org"} for name in channels]

    def place(floor: int, flat: str, note: str = "") -> dict[str, Any]:
        return {"building": "b3", "floor": floor, "flat": flat, "note": note}

    people = {"li": ("李国强", None), "wang": ("王芳", None), "chen": ("Chen Jie", "en"), "he": ("何秀英", None)}
    file = SiteFile.model_validate(
        {
            "community": {"id": "wutong", "name": {"zh": "梧桐里", "en": "Wutong Lane"}},
            "grid": [{"id": "cell-3", "level": 1, "name": "3 号楼网格", "person": "he"}],
            "people": [
                {"id": key, "name": name, "language": language, "channels": addresses(key)}
                for key, (name, language) in people.items()
            ],
            "teams": [{"id": "team", "name": "微型消防站", "leader": "li", "members": ["wang", "chen"]}],
            "contacts": ["he", "chen"],
            "channels": channels,
            "plan": {"default": {"rings": [{"call": "team", "after_s": 0}]}},
            "buildings": [
                {
                    **{
                        "id": "b3",
                        "name": "梧桐里3号楼",
                        "address": "梧桐路12号",
                        "latitude": 31.2,
                        "longitude": 121.4,
                    },
                    **{
                        "floors": 6,
                        "cell": "cell-3",
                        "gate_code": "2580#",
                        "access": "东侧大门夜间上锁",
                        "team": "team",
                    },
                    **building,
                }
            ],
            "gateways": [
                {
                    "id": "gw-1",
                    "buses": [
                        {
                            **{"id": "bus-1", "type": "tcp", "host": "127.0.0.1"},
                            "devices": [
                                {"id": "smoke-502", "profile": "sm-1", "unit": 1, "place": place(5, "502", "厨房")},
                                {"id": "smoke-401", "profile": "sm-1", "unit": 2, "place": place(4, "401")},
                                {
                                    **{"id": "panel", "profile": "fp-1", "unit": 3, "place": place(1, "", "值班室")},
                                    "detectors": [{"number": 7, "place": place(-1, "B区车库")}],
                                },
                                {"id": "ext-1", "profile": "ep-1", "unit": 4, "place": place(2, "")},
                                {
                                    **{"id": "lift-1", "profile": "le-1", "unit": 5, "place": place(0, "")},
                                    "registration": "31101010",
                                },
                            ],
                        }
                    ],
                }
            ],
        }
    )
    return Site(file, shipped_profiles())


@cache
def shipped_profiles() -> dict[str, Profile]:
    """The profiles of the site's devices, as they ship."""
    document = Document()
    profiles = [read_profile(SHIPPED_PROFILES / f"{name}.yaml", document) for name in PROFILES]
    assert not document.mistakes
    return {profile.profile: profile for profile in profiles if profile is not None}


FIRE = Alarm(
    key="smoke-502:fire",
    device="smoke-502",
    point="fire",
    building="b3",
    condition=Condition.ALARM,
    kind=Kind.FIRE,
    phase=Phase.ACTIVE,
    value=None,
    raised_at_ms=NOW_MS - 2_000,
    heard_at_ms=NOW_MS - 1_900,
    incident="inc-1",
)
SECOND_FIRE = replace(FIRE, key="smoke-401:fire", device="smoke-401", raised_at_ms=NOW_MS, heard_at_ms=NOW_MS)
INCIDENT = Incident(
    id="inc-1",
    building="b3",
    kind=Kind.FIRE,
    opened_at_ms=NOW_MS - 1_900,
    cause_at_ms=NOW_MS - 2_000,
    full_call=True,
    alarms=(FIRE.key,),
)
NOTICE = Notice(
    id="n-1",
    incident="inc-1",
    person="li",
    channel=0,
    reason=Reason.OWN_TEAM,
    ring=0,
    call=1,
    cause_at_ms=NOW_MS - 2_000,
    heard_at_ms=NOW_MS - 1_900,
    created_at_ms=NOW_MS - 1_800,
    expects_answer=True,
)


def letter_to(to: str, **changes: Any) -> Letter:
    """A letter about the fire, as the notifier makes it."""
    letter = Letter(
        notice="n-1",
        sending=1,
        community="wutong",
        community_name="梧桐里",
        to=to,
        name="李国强",
        words=Words(
            "火灾报警: 梧桐里3号楼 5楼 502", "火灾报警\n请您自己拨打119！\n", "火灾报警: 梧桐里3号楼 请自拨119"
        ),
        url="http://127.0.0.1:8080/a/token",
        urgent=True,
        facts={"incident": "inc-1", "kind": "fire", "reason": "own-team", "ring": 1},
    )
    return replace(letter, **changes)
