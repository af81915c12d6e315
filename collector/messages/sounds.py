"""Which sound belongs to what is told: each class has its own, so that an ear half asleep knows a fire from a fault.

Channels that can ring differently get it among a letter's facts; the board plays it (`pages/static/sound.js`).
"""

from __future__ import annotations

from enum import StrEnum

from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.calls.dispatch import Notice, Reason
from config.profile import Condition, Kind


class Sound(StrEnum):
    """Loudest first."""

    ALARM = "alarm"
    PRE_ALARM = "pre-alarm"
    DRILL = "drill"
    SUPERVISORY = "supervisory"
    TROUBLE = "trouble"
    DISABLED = "disabled"
    TEST = "test"
    NEWS = "news"  # nobody is asked to come


_OF_CLASS = {
    Condition.ALARM: Sound.ALARM,
    Condition.PRE_ALARM: Sound.PRE_ALARM,
    Condition.SUPERVISORY: Sound.SUPERVISORY,
    Condition.TROUBLE: Sound.TROUBLE,
    Condition.DISABLED: Sound.DISABLED,
    Condition.TEST: Sound.TEST,
}
_LOUD = (Sound.ALARM, Sound.PRE_ALARM, Sound.DRILL)


def sound_of_incident(mode: Mode, kind: Kind, condition: Condition) -> Sound:
    """The sound of an incident whose worst condition is this."""
    if mode is Mode.DRILL:
        return Sound.DRILL
    if mode is Mode.WALK_TEST:
        return Sound.TEST
    return Sound.DISABLED if kind is Kind.DISABLEMENT else _OF_CLASS.get(condition, Sound.NEWS)


def sound_of(incident: Incident, notice: Notice) -> Sound:
    """The sound of a notice. What asks nobody to come to an alarm sounds as news, whatever it is about."""
    if notice.reason is Reason.TEST:
        return Sound.TEST
    sound = sound_of_incident(incident.route.mode, incident.kind, incident.condition)
    return Sound.NEWS if sound in _LOUD and not notice.expects_answer else sound
