"""Whatever rises, ends, is answered, fails or restarts: nobody is left untold of a trouble, and few notices do it."""

from __future__ import annotations

from random import Random

import pytest

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.commands import Acknowledge, Answered, DeliveryFailed, Refused
from tests.scenarios.play import Play
from tests.scenarios.test_flood import lane_of

PEOPLE = ("nora", "mona", "ned", "carl")
SECONDS = 400


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_left_out_in_a_storm_with_restarts(seed: int) -> None:
    random, play = Random(seed), Play(lane_of(6))
    heads = [f"head-{building}-{number}" for building in range(6) for number in range(3)]
    for second in range(SECONDS):
        play.at(second)
        _something_happens(play, random, heads)
        _is_sound(play)
    play.at(SECONDS + 1400)
    _is_sound(play)

    waiting = [notice for notice in play.engine.notices.values() if notice.waits_until_ms is not None]
    assert [notice for notice in waiting if notice.superseded_at_ms is None] == []
    told = {(entry.incident, entry.person) for entry in play.events("told-together", "told-after-wait")}
    for incident in play.incidents.values():
        # What came back soon after its building was told, and was over before its time, is no news.
        if incident.kind.value in ("fault", "equipment") and incident.call_started_at_ms:
            seen = set(incident.acknowledged_by)
            assert all((incident.id, each) in told or each in seen for each in ("nora", "mona")), incident
    fires = [incident for incident in play.incidents.values() if incident.kind.value == "fire"]
    assert all(
        any(n.incident == fire.id and n.reason is Reason.OWN_TEAM for n in play.notices.values()) for fire in fires
    )


def _something_happens(play: Play, random: Random, heads: list[str]) -> None:
    luck, open_ones = random.random(), sorted(play.engine.incidents)
    if luck < 0.25:
        play.says(random.choice(heads), fault=random.random() < 0.6)
    elif luck < 0.32:
        play.says(random.choice(heads), supervisory=random.random() < 0.6)
    elif luck < 0.33:
        play.says(random.choice(heads), fire=True)
    elif luck < 0.36 and open_ones:
        incident, person = random.choice(open_ones), random.choice(PEOPLE)
        try:
            if random.random() < 0.5:
                play.acts(Acknowledge(incident, person))
            else:
                play.acts(Answered(incident, person, random.choice(list(Answer))))
        except Refused:
            pass
    elif luck < 0.38 and play.notices:
        sent = [notice for notice in play.notices.values() if notice.due]
        if sent:
            play.acts(DeliveryFailed(random.choice(sent).id, "refused"))
    elif luck < 0.40:
        play.restart()


def _is_sound(play: Play) -> None:
    """What the engine holds is what a store has; a notice told in another has that other; nothing waits too long."""
    restored = play.restored()
    assert {each.id: each for each in restored.notices} == dict(play.engine.notices)
    for notice in play.engine.notices.values():
        assert notice.waits_until_ms is None or notice.due == 0
        if notice.waits_until_ms is not None and notice.superseded_at_ms is None:
            assert notice.waits_until_ms >= play.now and notice.waits_until_ms <= play.now + 600_000
        if notice.others:
            assert notice.incident not in notice.others and notice.told_in is None
