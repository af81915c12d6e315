"""The pulse of a gateway: a register of its own that changes every few minutes and travels the way of any alarm.

A gateway declares it as one more device, read over a loopback Modbus link; its records take positions in the alarm
lane like any others. Pure.
"""

from __future__ import annotations

from config.profile import Profile
from config.site import Device, Place
from config.words import PULSE

BUS = PULSE  # the loopback link; a gateway's --buses file may put it elsewhere
BEAT, CHANGED_AT_S = "beat", "changed_at_s"
READ_EVERY_S = 2.0
UNIT = 1
REGISTERS = 4  # input registers 0 to 3: two numbers of 32 bits, high word first

PROFILE = Profile.model_validate(
    {
        "profile": PULSE,
        "title": {"en": "Alarm path test", "zh": "报警通路自检"},
        "source": "Callpoint's own: nothing but the gateway answers it",
        "category": "other",
        "points": {
            # Counts from 0 at the gateway's start. It stands for an alarm: every change is told, in the alarm lane.
            BEAT: {
                "table": "input",
                "address": 0,
                "type": "uint32",
                "class": "counter",
                "lane": "alarm",
                "period_s": READ_EVERY_S,
                "heartbeat_s": 86400,
                "text": {"en": "Beat", "zh": "次数"},
            },
            # When it last changed: UTC seconds, as well as the gateway knows it. It changes on a full second.
            CHANGED_AT_S: {
                "table": "input",
                "address": 2,
                "type": "uint32",
                "class": "counter",
                "lane": "alarm",
                "period_s": READ_EVERY_S,
                "heartbeat_s": 86400,
                "unit": "s",
                "text": {"en": "Changed at", "zh": "变化时间"},
            },
        },
        "response_timeout_s": 1.0,
    }
)


def device_in(building: str) -> Device:
    """The pulse register as a device on its bus."""
    return Device(id=PULSE, profile=PULSE, unit=UNIT, place=Place(building=building, floor=0))


def words_of(beat: int, changed_at_s: int) -> tuple[int, ...]:
    """The register's words."""
    numbers = (beat & 0xFFFF_FFFF, changed_at_s & 0xFFFF_FFFF)
    return tuple(word for number in numbers for word in (number >> 16, number & 0xFFFF))
