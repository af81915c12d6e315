"""Each class has its own sound, and what asks nobody to come never sounds like a fire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collector.alarms.route import Mode, Route
from collector.calls.dispatch import Reason
from collector.messages.sounds import Sound, sound_of, sound_of_incident
from config.profile import Condition, Kind
from tests.letters import INCIDENT
from tests.unit.test_store import notice

CALL = notice()


@pytest.mark.parametrize(
    ("mode", "kind", "condition", "sound"),
    [
        (Mode.LIVE, Kind.FIRE, Condition.ALARM, Sound.ALARM),
        (Mode.LIVE, Kind.FIRE, Condition.PRE_ALARM, Sound.PRE_ALARM),
        (Mode.LIVE, Kind.EQUIPMENT, Condition.SUPERVISORY, Sound.SUPERVISORY),
        (Mode.LIVE, Kind.FAULT, Condition.TROUBLE, Sound.TROUBLE),
        (Mode.LIVE, Kind.DISABLEMENT, Condition.SUPERVISORY, Sound.DISABLED),
        (Mode.DISABLED, Kind.FIRE, Condition.ALARM, Sound.ALARM),  # whoever watches over it must hear
        (Mode.WALK_TEST, Kind.FIRE, Condition.ALARM, Sound.TEST),
        (Mode.DRILL, Kind.FIRE, Condition.ALARM, Sound.DRILL),
    ],
)
def test_each_class_and_mode_has_its_sound(mode: Mode, kind: Kind, condition: Condition, sound: Sound) -> None:
    assert sound_of_incident(mode, kind, condition) is sound
    incident = replace(INCIDENT, kind=kind, condition=condition, route=Route(mode, "x"))
    assert sound_of(incident, CALL) is sound


def test_news_of_a_fire_do_not_sound_like_a_fire() -> None:
    told = replace(CALL, expects_answer=False, reason=Reason.QUORUM_REACHED)

    assert sound_of(INCIDENT, CALL) is Sound.ALARM
    assert sound_of(INCIDENT, told) is Sound.NEWS
    assert sound_of(replace(INCIDENT, route=Route(Mode.DRILL, "d")), told) is Sound.NEWS
    assert sound_of(INCIDENT, replace(told, reason=Reason.TEST)) is Sound.TEST
