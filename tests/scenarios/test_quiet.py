"""What is no call-out is still told, to those who answer for it, and not too often. Each test is one promise."""

from __future__ import annotations

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.commands import Answered, Reset, SystemTrouble
from config.profile import Condition
from tests.scenarios.play import Play, people

NORTH = ("nora", "ned", "nick")
MINUTE = 60


def test_an_old_trouble_hides_no_new_one() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).expect_told("nora", "mona")

    play.at(60 * MINUTE).says("smoke-2", fault=True)

    play.expect_told("nora", "mona")
    assert len(play.engine.incidents) == 1


def test_a_new_trouble_soon_after_another_is_told_if_it_is_still_so_by_then() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).told()
    play.at(20).says("smoke-2", fault=True).says("ext-1", pressure_kpa=None)
    play.at(30).says("ext-1", pressure_kpa=1100.0).expect_told()

    play.at(10 * MINUTE)

    play.expect_told("nora", "mona")
    play.at(60 * MINUTE).expect_told()


def test_a_new_trouble_that_is_soon_over_is_not_told() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).told()

    play.at(20).says("smoke-2", fault=True).at(40).says("smoke-2", fault=False)

    play.at(60 * MINUTE).expect_told()


def test_a_trouble_that_was_told_after_its_time_is_not_told_again_at_its_next_flicker() -> None:
    play = Play()
    for second in (0, 20, 40, 60):
        play.at(second).says("smoke-1", fault=second % 40 == 0)
    play.at(90).says("smoke-1", fault=True).told()
    play.at(10 * MINUTE).expect_told("nora", "mona")

    play.at(610).says("smoke-1", fault=False).at(620).says("smoke-1", fault=True)

    play.at(19 * MINUTE)
    assert not [notice for notice in play.told() if notice.reason is not Reason.CLOSED]


def test_a_new_trouble_is_told_in_its_time_after_a_restart_too() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).told()
    play.at(20).says("smoke-2", fault=True).restart()

    play.at(10 * MINUTE).expect_told("nora", "mona")


def test_a_supervisory_contact_that_flickers_is_told_once_in_ten_minutes() -> None:
    play = Play()
    for second in range(0, 300, 10):
        play.at(second).says("smoke-1", supervisory=second % 20 == 0)
    assert len([n for n in play.told() if n.expects_answer]) == 2  # the leader's and the manager's

    play.at(400).says("smoke-1", supervisory=True).expect_told()
    play.at(10 * MINUTE)

    assert people(play.told()) == {"nora", "mona"}


def test_another_supervisory_condition_of_the_building_is_told_too() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=990.0).acknowledges("nora").acknowledges("mona").told()

    play.at(60 * MINUTE).says("smoke-1", supervisory=True)

    play.expect_told("nora", "mona")


def test_a_fire_beside_an_old_pre_alarm_is_still_the_full_call_at_once() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True).told()
    play.at(5).says("smoke-2", pre_alarm=True).expect_told()

    play.at(6).says("smoke-2", fire=True)

    play.expect_told(*NORTH, reason=Reason.OWN_TEAM)
    assert play.at(10 * MINUTE).incident.full_call


def test_if_neither_leader_nor_manager_can_be_reached_the_contacts_are_told() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True)
    first, second = play.told()

    play.at(5).fails(first).expect_told()
    play.fails(second)

    (told,) = play.told()
    assert (told.person, told.reason, told.expects_answer) == ("carl", Reason.CONTACT, False)


def test_if_leader_and_manager_cannot_look_the_contacts_are_asked() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=990.0).told()
    play.at(5).answers("nora", Answer.CANNOT).expect_told()

    play.answers("mona", Answer.CANNOT)

    (told,) = play.told()
    assert (told.person, told.reason, told.expects_answer) == ("carl", Reason.CONTACT, True)
    play.answers("carl", Answer.CANNOT).expect_told()


def test_a_contact_who_cannot_be_reached_is_not_told_of_it_again() -> None:
    play = Play()
    play.at(0).acts(SystemTrouble("history", True, "disk full"))
    (only,) = play.told()

    play.fails(only)

    play.expect_told()


def test_a_reset_beside_a_lesser_condition_ends_the_call_and_the_next_fire_is_a_new_one() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True, fire=True).at(1).says("smoke-1", fire=False).acknowledges("ned").told()

    play.at(9).resets("nora")

    play.expect_told(*NORTH, reason=Reason.STAND_DOWN)
    assert play.incident.condition is Condition.PRE_ALARM
    play.at(60 * MINUTE).expect_told()
    play.says("smoke-2", pre_alarm=True).expect_told("nora", "mona")
    play.says("smoke-1", fire=True).expect_told(*NORTH, reason=Reason.OWN_TEAM)


def test_a_reset_drops_the_call_that_was_to_come() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True, fire=True)
    play.at(2).says("smoke-2", fire=True).says("smoke-2", fire=False).says("smoke-1", fire=False)
    play.acknowledges("ned").at(3).stands_down("nora").resets("nora").told()

    play.at(60 * MINUTE).expect_told()


def test_a_second_reset_of_what_is_reset_finds_nothing() -> None:
    play = Play()
    play.at(0).says("smoke-1", pre_alarm=True, fire=True, heat=False).says("smoke-1", fire=False).acknowledges("nora")
    play.resets("nora")

    assert play.refused(Reset(play.incident.id, "nora")) == "nothing-to-reset"
    play.at(5).says("smoke-1", pre_alarm=False)
    assert not play.engine.incidents


def test_a_trouble_ends_though_the_clock_was_set_back_meanwhile() -> None:
    play = Play().mute("gw-1")
    play.at(3600).dies("gw-1").acts(SystemTrouble("history", True, "disk full"))
    play.now -= 1_800_000

    play.birth("gw-1").acts(SystemTrouble("history", False, "can be written"))

    assert "gw-1:silent" not in play.engine.alarms and "system:history" not in play.engine.alarms


def test_answers_to_a_trouble_are_recorded() -> None:
    play = Play()
    play.at(0).says("smoke-1", fault=True).told()

    play.at(5).acts(Answered(play.incident.id, "nora", Answer.GOING))

    play.expect_told("nora", "mona", reason=Reason.QUORUM_REACHED)
