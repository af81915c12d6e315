"""Whatever is put into the book while people are called: the store knows it all, and somebody is always called."""

from __future__ import annotations

import random

import pytest

from collector.alarms.incident import Answer
from collector.book.entries import BuildingPost, CellPost, Change, Section, put
from collector.calls.dispatch import Reason
from collector.commands import Answered, ChangeBook, Refused
from config.people import Person, Team
from tests.scenarios.play import Play
from tests.simulation.host import differences

STEPS = 40
NAMES = ("nora", "ned", "sam", "mona", "gina", "greg", "grace", "carl", "nick", "sue", "p-1", "p-2", "p-3")


def some_change(chance: random.Random) -> Change:
    """One of the changes that people make, fitting or not."""
    name, others = chance.choice(NAMES), chance.sample(NAMES, 4)
    channels = [{"channel": channel, "to": str(chance.randrange(3))} for channel in ("phone", "mail")]
    value = Person.model_validate(
        {"id": name, "name": name, "channels": channels[: chance.randrange(1, 3)], "home": chance.choice(["b-1", None])}
    )
    team = chance.choice(["north", "south"])
    return chance.choice(
        [
            put(name, value),
            Change(Section.PERSON, name),
            Change(Section.PERSON, name, to_folder=True),
            put(team, Team(id=team, name=team, leader=others[0], members=tuple(others[1:]))),
            Change(Section.TEAM, team, to_folder=True),
            put("yard", CellPost(person=name)),
            put("b-1", BuildingPost(team=team, manager=chance.choice([name, None]), neighbours=("b-2", "b-3"))),
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_book_that_changes_all_the_time_breaks_no_call(seed: int) -> None:
    chance = random.Random(seed)
    play = Play()
    changed, seconds = 0, 0.0
    for step in range(STEPS):
        seconds += chance.choice([0, 1, 5, 20, 60])
        play.at(seconds)
        if step == 3:
            play.says("smoke-1", fire=True)
        try:
            play.acts(ChangeBook(tuple(some_change(chance) for _ in range(chance.randrange(1, 4))), "carl"))
            changed += 1
        except Refused as refused:
            assert refused.reason in ("bad-book", "unknown-entry"), refused
        if play.incidents and chance.random() < 0.3:
            incident = next(iter(play.incidents))
            try:
                play.acts(Answered(incident, chance.choice(NAMES), chance.choice(list(Answer))))
            except Refused as refused:
                assert refused.reason == "unknown-person", refused
        assert differences(play.restored(), play.engine) == []
        if chance.random() < 0.2:
            roll = play.engine.roll
            play.restart()
            assert play.engine.roll == roll
        if step >= 3:
            (incident_now,) = play.engine.incidents.values()
            assert incident_now.full_call
            asked = [n for n in play.notices.values() if n.expects_answer and n.call == incident_now.call]
            open_ones = [n for n in asked if n.superseded_at_ms is None]
            assert all(n.person in play.engine.roll.people for n in open_ones)

    assert changed > 3
    (last,) = play.engine.incidents.values()
    if last.quorum_at_ms is None:
        play.told()
        play.at(seconds + 1_300)
        assert play.told(), "it burns, too few are going, and nobody is told any more"
    assert any(each.reason is Reason.OWN_TEAM for each in play.notices.values())
