"""Each shift is checked before it begins, and its leader is told who cannot be reached. Played in virtual time.

The scenarios begin on 15 June 2025 at 23:06:40 in Shanghai; `_at` counts from there to a local time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from collector.calls.dispatch import Reason
from collector.calls.preflight import Checked
from collector.calls.reach import Fault, faults_in
from collector.commands import Delivered, NotDelivered
from config.site import Site
from tests.scenarios.play import START_MS, Play
from tests.sites import site_data, small_site

KEY = "team/north:night:unreachable"
DAILY = "team/south::unreachable"
HALF_DAY_S = 43_200


def _data(**preflight: Any) -> dict[str, Any]:
    """North has a shift every night from 20:00, nora and ned in turn with nick; south has none. All phones ring."""
    data = site_data()
    data["plan"]["preflight"] = {"before_s": 3600, "proof_days": 30, **preflight}
    data["plan"]["device_silent_after_s"] = 86_400
    for gateway in data["gateways"]:
        gateway["silent_after_s"] = 86_400
    for channel in data["channels"].values():
        channel["rings"] = True
    data["teams"][0]["shifts"] = [
        {
            "id": "night",
            "hours": {"from": "20:00", "until": "06:00"},
            "groups": [["nora", "ned"], ["nora", "nick"]],
            "first_day": "2025-06-16",
        }
    ]
    return data


def _site(**preflight: Any) -> Site:
    return small_site(_data(**preflight))


def _at(play: Play, day: int, clock: str) -> float:
    """Seconds of a scenario until a local time in June 2025."""
    hour, minute = clock.split(":")
    at = datetime(2025, 6, day, int(hour), int(minute), tzinfo=play.site.zone)
    return (at.timestamp() * 1000 - START_MS) / 1000


def _until(play: Play, day: int, clock: str) -> Play:
    """Up to a local time. Devices send no pulse, which would take long; their gateways are born now and then."""
    play.mute(*play.site.gateways)
    end = _at(play, day, clock)
    while (now := (play.now - START_MS) / 1000) + HALF_DAY_S < end:
        play.at(now + HALF_DAY_S).birth(*play.site.gateways)
    return play.at(end)


def _proven(play: Play, *people: str) -> Play:
    for person in people:
        play.acts(Delivered("n-0", person, 0, play.now))
    return play


def _found(play: Play, key: str = KEY) -> dict[str, Fault]:
    alarm = play.engine.alarms.get(key)
    return {} if alarm is None else faults_in(alarm.value)


def test_an_hour_before_a_shift_its_leader_is_told_who_cannot_be_reached_and_why() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue")
    _until(play, 16, "18:59")
    assert not _found(play)
    play.told()

    _until(play, 16, "19:00")
    assert _found(play) == {"ned": Fault.NO_PROOF}
    (notice,) = play.told()
    assert (notice.person, notice.reason, notice.expects_answer) == ("nora", Reason.NAMED, False)
    assert play.engine.incidents[notice.incident].building == "b-1"


def test_only_the_people_of_the_shift_that_begins_are_checked() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue")
    _until(play, 17, "19:00")  # the second night is nora's and nick's, and both are proven

    assert not _found(play)
    assert [entry.event for entry in play.events("alarm-raised")].count("alarm-raised") == 1  # of the first night


def test_one_condition_names_everybody_and_goes_when_all_are_mended() -> None:
    play = Play(_site())
    _proven(play.at(0), "sam", "sue")
    _until(play, 16, "19:00").told()
    assert _found(play) == {"nora": Fault.NO_PROOF, "ned": Fault.NO_PROOF}
    assert len(play.engine.alarms) == 1

    _proven(play, "ned").expect_told()
    assert _found(play) == {"nora": Fault.NO_PROOF}  # fewer: nobody is told again

    _proven(play, "nora")
    assert not _found(play) and not play.engine.incidents


def test_a_leader_who_cannot_be_reached_is_told_of_together_with_the_contacts() -> None:
    play = Play(_site())
    _proven(play.at(0), "ned", "sam", "sue")
    _until(play, 16, "19:00").expect_told("nora", "carl", reason=Reason.NAMED)


def test_a_person_who_gets_worse_while_it_stands_is_told_and_one_who_gets_better_is_not() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue")
    _until(play, 16, "19:00").told()
    play.acts(NotDelivered("n-1", "ned", 0, play.now, "no such number", permanent=True))

    assert _found(play) == {"ned": Fault.FAILS}
    play.expect_told()  # the same person: nothing that the leader has to know anew


def test_the_next_turn_of_a_shift_is_told_of_again_if_others_cannot_be_reached() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "sam", "sue")
    _until(play, 16, "19:00").expect_told("nora")
    assert _found(play) == {"ned": Fault.NO_PROOF}

    _until(play, 17, "19:00").expect_told("nora", reason=Reason.NAMED)
    assert _found(play) == {"nick": Fault.NO_PROOF}


def test_a_clock_that_is_set_back_neither_repeats_a_check_nor_stops_the_next() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue")
    _until(play, 16, "19:00").told()
    engine = play.engine
    for hours in (30, 1):
        assert engine.wake(play.now - hours * 3_600_000).notices == ()
    _proven(play, "ned")
    _until(play, 18, "19:00")

    assert _found(play) == {}
    assert {each.id: each.begins_ms for each in play.engine.kept(Checked).values()}["north/night"] > play.now


def test_a_channel_that_does_not_ring_is_not_enough() -> None:
    data = _data()
    data["channels"]["console"]["rings"] = False
    play = Play(small_site(data))
    _proven(play.at(0), "nora", "ned", "sam", "sue")
    _until(play, 16, "19:00")

    assert _found(play) == {"nora": Fault.NO_RING, "ned": Fault.NO_RING}


def test_a_proof_gets_too_old() -> None:
    play = Play(_site(proof_days=1))
    _proven(play.at(0), "nora", "ned", "sam", "sue")
    _until(play, 16, "19:00")
    assert not _found(play)
    _until(play, 17, "19:00")
    assert _found(play) == {"nora": Fault.NO_PROOF, "nick": Fault.NO_PROOF}


def test_a_team_without_shifts_is_checked_once_a_day_at_ten() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "ned", "nick", "sam")
    _until(play, 16, "09:59")
    assert not _found(play, DAILY)
    play.told()

    _until(play, 16, "10:00").expect_told("sam", reason=Reason.NAMED)
    assert _found(play, DAILY) == {"sue": Fault.NO_PROOF}
    _until(play, 18, "09:00").expect_told()  # it stands, and is not told every day


def test_a_restart_at_any_moment_changes_nothing() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue").restart()
    _until(play.restart(), 16, "18:59").told()
    _until(play.restart(), 16, "19:00").expect_told("nora")
    _until(play.restart(), 16, "19:01").expect_told()
    _until(play.restart(), 17, "18:59").expect_told()
    assert _found(play) == {"ned": Fault.NO_PROOF}
    _proven(play.restart(), "ned")
    assert not _found(play)


def test_a_check_that_was_missed_is_made_when_the_collector_is_back() -> None:
    play = Play(_site())
    _proven(play.at(0), "nora", "nick", "sam", "sue")
    _until(play, 16, "12:00").told()
    play.now = START_MS + round(_at(play, 16, "21:00") * 1000)  # nobody was there, the shift has begun
    play.restart()
    _until(play, 16, "21:01")

    assert _found(play) == {"ned": Fault.NO_PROOF}


def test_what_began_before_the_first_start_is_not_checked_and_nobody_is_told_at_the_start() -> None:
    play = Play(_site())
    _until(play, 16, "05:00").expect_told()

    assert len(play.engine.kept(Checked)) == 2


def test_the_trouble_ends_with_its_shift_or_team_or_with_the_preflight() -> None:
    for change in ("shift", "team", "preflight"):
        play = Play(_site())
        _proven(play.at(0), "nora", "nick", "sam", "sue")
        _until(play, 16, "19:00").told()
        data = _data()
        if change == "shift":
            data["teams"][0]["shifts"][0]["id"] = "dusk"
        elif change == "team":
            data["teams"][0]["id"] = "east"
            data["buildings"][0]["team"] = "east"
        else:
            data["plan"]["preflight"] = None
        play.restart(small_site(data))

        assert KEY not in play.engine.alarms, change


def test_a_channel_that_rings_and_was_added_mends_it_at_the_start() -> None:
    data = _data()
    for channel in data["channels"].values():
        channel["rings"] = False
    play = Play(small_site(data))
    _proven(play.at(0), "nora", "ned", "sam", "sue")
    _until(play, 16, "19:00").told()
    assert _found(play) == {"nora": Fault.NO_RING, "ned": Fault.NO_RING}

    play.restart(small_site(_data()))
    _until(play, 16, "19:01")
    assert not _found(play)


# --- test messages ----------------------------------------------------------------------------------


def test_who_has_no_proof_gets_one_test_in_the_hours_for_tests_and_no_other_before_half_of_a_proof() -> None:
    play = Play(_site(proof_days=10, test_at={"from": "09:00", "until": "09:30"}))
    _proven(play.at(0), "nora", "nick")
    _until(play, 16, "08:59").expect_told()

    _until(play, 16, "09:31")
    told = play.told()
    assert {notice.reason for notice in told} == {Reason.TEST}
    assert sorted(notice.person for notice in told) == sorted(set(play.site.people) - {"nora", "nick"})

    _until(play.restart(), 20, "09:00")
    assert not [notice for notice in play.told() if notice.reason is Reason.TEST]
    _until(play, 21, "09:31")
    again = [notice.person for notice in play.told() if notice.reason is Reason.TEST]
    assert set(again) == set(play.site.people) and len(again) == len(set(again))


def test_a_test_that_was_delivered_is_proof_for_the_check() -> None:
    play = Play(_site(test_at={"from": "09:00", "until": "09:30"}))
    _until(play.at(0), 16, "09:05")
    for notice in play.told():
        play.acts(Delivered(notice.id, notice.person, notice.channel, play.now))
    _until(play, 16, "20:00").expect_told()

    assert not play.engine.alarms


def test_a_test_goes_over_the_channel_that_rings() -> None:
    data = _data(test_at={"from": "09:00", "until": "09:30"})
    data["channels"]["phone"]["rings"] = False
    play = Play(small_site(data))
    _until(play.at(0), 16, "09:05")

    assert {notice.channel for notice in play.told() if notice.person in ("nick", "sue")} == {1}


def test_tests_of_many_people_do_not_go_out_at_once() -> None:
    data = _data(test_at={"from": "09:00", "until": "12:00"})
    data["people"] += [{"id": f"p-{number}", "name": "p", "channels": [{"channel": "console"}]} for number in range(60)]
    play = Play(small_site(data))
    most = 0
    for minute in range(10):
        _until(play, 16, f"09:0{minute}")
        most = max(most, len(play.told()))

    assert most == 20 and len(play.notices) == len(play.site.people)


def test_who_is_away_gets_no_test() -> None:
    data = _data(test_at={"from": "09:00", "until": "09:30"})
    data["absences"] = [{"person": "sue", "from": "2025-06-01T00:00+08:00", "until": "2025-06-30T00:00+08:00"}]
    play = Play(small_site(data))
    _until(play.at(0), 16, "09:31")

    assert "sue" not in {notice.person for notice in play.told()}


def _with_push() -> Site:
    data = _data()
    data["channels"]["push"] = {"type": "webpush"}
    data["people"][1]["channels"] = [{"channel": "push"}, {"channel": "console"}]  # ned
    return small_site(data)


def test_a_phone_that_takes_no_push_any_more_is_told_to_the_leader_though_another_rings() -> None:
    play = Play(_with_push())
    _proven(play, "nora", "nick").acts(Delivered("n-0", "ned", 1, play.now)).told()
    gone = "the phone no longer takes push messages"
    play.acts(NotDelivered("n-1", "ned", 0, play.now, gone, permanent=True))

    _until(play, 16, "19:00")

    assert _found(play) == {"ned": Fault.PUSH_GONE}
    assert "nora" in {notice.person for notice in play.told() if notice.reason is Reason.NAMED}
    play.restart().acts(Delivered("n-2", "ned", 0, play.now))  # registered anew, and tried out
    assert KEY not in play.engine.alarms


def test_a_push_that_fails_for_now_is_nobodys_trouble() -> None:
    play = Play(_with_push())
    _proven(play, "nora", "nick").acts(Delivered("n-0", "ned", 1, play.now))
    for number in range(5):
        play.acts(NotDelivered(f"n-{number}", "ned", 0, play.now, "the push service answered 503"))

    _until(play, 16, "19:00")

    assert KEY not in play.engine.alarms
