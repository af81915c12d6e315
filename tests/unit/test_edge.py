"""The host's side of one edge node's session, message by message."""

from __future__ import annotations

from typing import TypeVar

import pytest

from collector.session.account import HELD_MAX, Positions
from collector.session.edge import EdgeSession
from collector.session.effects import (
    Acknowledge,
    AskRebirth,
    Count,
    Counts,
    Effect,
    Floor,
    Judge,
    Owing,
    Presence,
    Repeat,
    Trouble,
)
from config.sparkplug import DataType, Metric
from config.words import Birth, Committed, Data, Death, Declared, Edge, Lane, Quality, Reading, Report

EDGE = Edge("lane", "gw-1")
NODE, SMOKE = 100, 200  # where each one's aliases begin
E = TypeVar("E")


def _aliases(base: int, names: tuple[tuple[str, DataType], ...]) -> dict[int, Declared]:
    journal = [(lane.metric, DataType.UINT64) for lane in Lane]
    account = [(lane.floor_metric, DataType.UINT64) for lane in Lane]
    account += [(lane.count_metric(c), DataType.UINT64) for lane in Lane for c in ("Appended", "InJournal")]
    every = [*journal, *account, *names] if base == NODE else [*journal, *names]
    return {base + number: Declared(name, datatype) for number, (name, datatype) in enumerate(every)}


NODE_ALIASES = _aliases(NODE, ())
SMOKE_ALIASES = _aliases(SMOKE, (("fire", DataType.BOOLEAN), ("temperature_c", DataType.DOUBLE)))
ALIAS_OF = {
    **{("node", declared.name): alias for alias, declared in NODE_ALIASES.items()},
    **{("smoke", declared.name): alias for alias, declared in SMOKE_ALIASES.items()},
}


def nbirth(bd_seq: int = 0, epoch: str | None = "e1", seq: int = 0, floors: dict[Lane, int] | None = None) -> Birth:
    return Birth(EDGE, None, 1000, seq, (), NODE_ALIASES, bd_seq, epoch, floors)


def dbirth(seq: int = 1, device: str = "smoke", fire: bool | None = False) -> Birth:
    absent = fire is None
    quality, cause = (Quality.STALE, "gone") if absent else (Quality.GOOD, None)
    readings = (Reading("fire", fire, DataType.BOOLEAN, quality, cause),)
    return Birth(EDGE, device, 1000, seq, readings, SMOKE_ALIASES)


def record(
    seq: int, position: int, fire: bool = True, *, lane: Lane = Lane.ALARM, check: int = 7, device: str = "smoke"
) -> Data:
    metrics = (
        Metric(alias=ALIAS_OF["smoke", "fire"], timestamp_ms=900, value=fire),
        Metric(
            alias=ALIAS_OF["smoke", lane.metric],
            timestamp_ms=900,
            value=position,
            properties={"Check": check + position},
        ),
    )
    return Data(EDGE, device, 950, seq, metrics)


def account_data(seq: int, **values: int) -> Data:
    names = {
        "floor": Lane.ALARM.floor_metric,
        "appended": Lane.ALARM.count_metric("Appended"),
        "in_journal": Lane.ALARM.count_metric("InJournal"),
    }
    return Data(
        EDGE,
        None,
        950,
        seq,
        tuple(Metric(alias=ALIAS_OF["node", names[n]], timestamp_ms=950, value=v) for n, v in values.items()),
    )


def falls(report: Report) -> bool:
    return any(reading.value is False for reading in report.readings)


def of(effects: list[Effect], kind: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def judged(effects: list[Effect]) -> list[tuple[int | None, bool, bool]]:
    return [(judge.report.position, judge.complete, judge.keep) for judge in of(effects, Judge)]


def counted(effects: list[Effect]) -> list[str]:
    return [count.name for count in of(effects, Count)]


def new_session(restored: dict[tuple[str, Lane], Positions] | None = None) -> EdgeSession:
    return EdgeSession(EDGE, restored or {}, falls)


def born_session(restored: dict[tuple[str, Lane], Positions] | None = None) -> EdgeSession:
    session = new_session(restored)
    session.hear(nbirth(), 0)
    session.hear(dbirth(), 0)
    return session


# --- births and deaths ----------------------------------------------------------------------------


def test_a_birth_is_presence_and_shows_what_is_active_now() -> None:
    session = new_session()

    node = session.hear(nbirth(), 5)
    device = session.hear(dbirth(fire=True), 6)

    assert of(node, Presence) == [Presence(EDGE, None, True, "birth")]
    assert of(device, Presence) == [Presence(EDGE, "smoke", True, "birth")]
    (judge,) = of(device, Judge)
    assert (judge.complete, judge.keep) == (False, False)  # only the journal can say that something has ended
    assert judge.report.readings[0].value is True and judge.report.position is None


def test_a_device_born_without_any_value_is_not_back() -> None:
    session = new_session()
    session.hear(nbirth(), 0)

    effects = session.hear(dbirth(fire=None), 0)

    assert [presence.online for presence in of(effects, Presence)] == [False]
    assert judged(session.hear(record(2, 1), 0)) == [(1, True, True)]  # but its history counts


def test_a_death_certificate_of_another_session_is_ignored() -> None:
    session = born_session()

    assert session.hear(Death(EDGE, None, None, bd_seq=9), 5) == [Count("stale-death")]
    effects = session.hear(Death(EDGE, None, None, bd_seq=0), 6)

    assert of(effects, Presence) == [Presence(EDGE, None, False, "death certificate")]


def test_a_device_death_is_presence_and_its_journal_still_counts() -> None:
    session = born_session()

    effects = session.hear(Death(EDGE, "smoke", 1, seq=2), 7)
    later = session.hear(record(3, 1, fire=True), 8)

    assert of(effects, Presence) == [Presence(EDGE, "smoke", False, "death certificate")]
    assert judged(later) == [(1, True, True)]


def test_a_device_that_is_not_born_again_after_its_node_is_gone() -> None:
    session = born_session()
    session.hear(nbirth(bd_seq=1), 100)

    assert session.wake_at() == 10_100
    (presence,) = of(session.wake(10_100), Presence)
    assert (presence.device, presence.online) == ("smoke", False)
    assert session.wake_at() is None


def test_a_device_before_its_node_asks_for_births() -> None:
    effects = new_session().hear(dbirth(), 0)

    assert of(effects, AskRebirth) and not of(effects, Judge)


def test_data_of_a_node_that_counts_as_dead_is_taken_and_asks_for_births() -> None:
    session = born_session()
    session.hear(Death(EDGE, None, None, bd_seq=0), 5)

    effects = session.hear(record(2, 1), 6)

    assert judged(effects) == [(1, True, True)]
    assert of(effects, AskRebirth)


# --- rebirth requests -----------------------------------------------------------------------------


@pytest.mark.parametrize("message", [record(0, 1), account_data(0, floor=1)])
def test_data_before_birth_asks_for_births_at_a_pace(message: Data) -> None:
    session = new_session()
    asked = [now for now in range(0, 700_000, 1000) if of(session.hear(message, now), AskRebirth)]

    assert asked == [0, 10_000, 30_000, 70_000, 150_000, 310_000, 610_000]


def test_a_request_that_is_not_answered_is_made_again_without_further_data() -> None:
    session = new_session()
    assert of(session.ask(0, "start"), AskRebirth)

    assert session.wake_at() == 10_000
    assert of(session.wake(10_000), AskRebirth)
    session.hear(nbirth(), 11_000)
    assert session.wake_at() is None


def test_an_unknown_alias_asks_for_births() -> None:
    session = born_session()
    strange = Data(EDGE, "smoke", 1, 2, (Metric(alias=999, timestamp_ms=1, value=True),))

    effects = session.hear(strange, 20_000)

    assert counted(effects) == ["unknown-alias"] and of(effects, AskRebirth)


def test_the_first_birth_takes_back_what_was_odd_before_a_restart() -> None:
    troubles = of(new_session().hear(nbirth(), 0), Trouble)

    assert {(each.part, each.active) for each in troubles} == {
        ("gateway:gw-1:check", False),
        ("gateway:gw-1:record", False),
    }


def test_a_value_that_misfits_its_metric_is_trouble_until_the_next_birth() -> None:
    session = born_session()
    misfit = Data(EDGE, "smoke", 1, 2, (Metric(alias=ALIAS_OF["smoke", "fire"], timestamp_ms=1, value="yes"),))

    (trouble,) = of(session.hear(misfit, 0), Trouble)

    assert (trouble.part, trouble.active) == ("gateway:gw-1:record", True)
    assert [t.active for t in of(session.hear(nbirth(bd_seq=1), 1), Trouble)] == [False]


# --- seq ------------------------------------------------------------------------------------------


def test_messages_in_order_need_nothing() -> None:
    session = born_session()
    for position in range(1, 600):
        effects = session.hear(record((position + 1) % 256, position), 0)
        assert counted(effects) == []
    assert session.wake_at() is None


def test_a_gap_that_closes_in_time_asks_nothing() -> None:
    session = born_session()
    session.hear(record(3, 2), 0)
    assert session.wake_at() == 2000

    session.hear(record(2, 1), 1500)

    assert session.wake_at() is None


def test_a_gap_that_does_not_close_asks_for_births() -> None:
    session = born_session()
    session.hear(record(4, 3), 0)
    session.hear(record(2, 1), 500)

    assert of(session.wake(2000), AskRebirth)


def test_a_message_heard_twice_is_no_gap() -> None:
    session = born_session()
    session.hear(record(2, 1), 0)

    assert counted(session.hear(record(2, 1), 0)) == ["seq-late", "repeat"]
    assert session.wake_at() is None


# --- the journal ----------------------------------------------------------------------------------


def test_an_alarm_is_judged_on_arrival_whatever_is_missing_before_it() -> None:
    assert judged(born_session().hear(record(5, 4, fire=True), 0)) == [(4, True, True)]


def test_a_return_waits_for_the_earlier_positions_of_its_lane() -> None:
    session = born_session()
    session.hear(record(2, 1, fire=True), 0)

    assert judged(session.hear(record(4, 3, fire=False), 0)) == [(3, False, False)]
    assert judged(session.hear(record(6, 5, fire=False), 0)) == [(5, False, False)]
    assert judged(session.hear(record(3, 2, fire=True), 0)) == [(2, True, True), (3, True, True)]
    assert judged(session.hear(record(5, 4, fire=True), 0)) == [(4, True, True), (5, True, True)]


def test_a_return_that_waits_is_not_acknowledged() -> None:
    session = born_session()
    session.hear(record(2, 2, fire=False), 0)

    assert counted(session.hear(record(3, 2, fire=False), 0)) == ["repeat"]
    assert session.wake_at() is None


def test_telemetry_does_not_wait_for_its_backlog() -> None:
    effects = born_session().hear(record(2, 900, fire=False, lane=Lane.TELEMETRY), 0)

    assert judged(effects) == [(900, True, True)]


def test_what_waits_is_bounded_and_what_rises_in_the_rest_still_counts() -> None:
    session = born_session()
    for number in range(HELD_MAX):
        session.hear(record(0, 2 + number, fire=False), 0)

    effects = session.hear(record(0, 2 + HELD_MAX, fire=False), 0)

    assert "too-many-holes" in counted(effects)
    assert judged(effects) == [(2 + HELD_MAX, False, False)]
    assert len(judged(session.hear(record(0, 1), 0))) == 1 + HELD_MAX
    assert judged(session.hear(record(0, 2 + HELD_MAX, fire=False), 0)) == [(2 + HELD_MAX, True, True)]


def _reports(effects: list[Effect]) -> list[Report]:
    return [judge.report for judge in of(effects, Judge) if judge.keep]


def test_alarms_are_acknowledged_at_once_and_only_what_is_stored() -> None:
    session = born_session()
    first = _reports(session.hear(record(2, 1), 0))
    session.hear(record(3, 2), 0)

    (acknowledge,) = of(session.stored(first, 10), Acknowledge)

    assert acknowledge.commit.epoch == "e1"
    assert acknowledge.commit.lanes[Lane.ALARM] == Committed(1)


def test_telemetry_is_acknowledged_at_most_once_a_second() -> None:
    session = born_session()
    sent = []
    for number in range(1, 31):
        now = 5000 + number * 100
        reports = _reports(session.hear(record(0, number, lane=Lane.TELEMETRY), now))
        sent += of(session.stored(reports, now) + session.wake(now), Acknowledge)
    last = session.wake_at()
    assert last is not None
    sent += of(session.wake(last), Acknowledge)

    assert 3 <= len(sent) <= 5
    assert sent[-1].commit.lanes[Lane.TELEMETRY] == Committed(30)
    assert session.wake_at() is None


def test_a_commit_names_ranges_beyond_a_hole() -> None:
    session = born_session()
    reports = [report for p in (1, 2, 4, 6, 7) for report in _reports(session.hear(record(0, p), 0))]

    (acknowledge,) = of(session.stored(reports, 0), Acknowledge)

    assert acknowledge.commit.lanes[Lane.ALARM] == Committed(2, ((4, 4), (6, 7)))


def test_a_repeat_is_skipped_and_acknowledged_again() -> None:
    session = born_session()
    session.stored(_reports(session.hear(record(2, 1), 0)), 0)

    effects = session.hear(record(3, 1), 5000)

    assert judged(effects) == [] and of(effects, Acknowledge)


def test_a_repeat_with_other_content_is_trouble_and_a_fire_in_it_is_not_lost() -> None:
    session = born_session()
    session.stored(_reports(session.hear(record(2, 1, fire=False), 0)), 0)

    effects = session.hear(record(3, 1, fire=True, check=99), 0)

    assert [(t.part, t.active) for t in of(effects, Trouble)] == [("gateway:gw-1:check", True)]
    assert judged(effects) == [(1, False, False)]
    assert [t.active for t in of(session.hear(nbirth(bd_seq=1), 1), Trouble)] == [False]


def test_a_repeat_from_before_a_restart_is_a_question_to_the_store() -> None:
    session = born_session({("e1", Lane.ALARM): Positions([(1, 5), (8, 9)])})

    (repeat,) = of(session.hear(record(2, 4), 0), Repeat)
    assert repeat.report.position == 4
    assert of(session.stored([repeat.report], 0), Acknowledge)[0].commit.lanes[Lane.ALARM] == Committed(5, ((8, 9),))
    assert judged(session.hear(record(3, 7, fire=False), 0)) == [(7, False, False)]
    assert judged(session.hear(record(4, 6), 0)) == [(6, True, True), (7, True, True)]


def test_a_floor_books_what_never_came_as_dropped_and_lets_nothing_wait_for_it() -> None:
    session = born_session()
    session.hear(record(2, 2, fire=True), 0)
    session.hear(record(3, 5, fire=False), 0)

    effects = session.hear(account_data(4, floor=5), 0)

    assert of(effects, Floor) == [Floor(EDGE, "e1", Lane.ALARM, 5)]
    assert judged(effects)[0] == (5, True, True)
    assert of(session.stored(_reports(effects), 0), Acknowledge)[0].commit.lanes[Lane.ALARM] == Committed(5)


def test_a_new_collector_meets_an_old_journal_without_stalling() -> None:
    session = new_session()
    session.hear(nbirth(floors={Lane.ALARM: 1001}), 0)
    session.hear(dbirth(), 0)

    assert judged(session.hear(record(2, 1001, fire=False), 0)) == [(1001, True, True)]


def test_a_new_epoch_starts_a_new_account_and_the_old_one_is_kept() -> None:
    session = born_session()
    session.hear(record(2, 1), 0)

    session.hear(nbirth(bd_seq=1, epoch="e2"), 0)
    session.hear(dbirth(), 0)
    assert judged(session.hear(record(2, 1), 0)) == [(1, True, True)]

    session.hear(nbirth(bd_seq=2, epoch="e1"), 0)
    session.hear(dbirth(), 0)
    assert "repeat" in counted(session.hear(record(2, 1), 0))


# --- what a gateway owes --------------------------------------------------------------------------


def _owing(effects: list[Effect]) -> list[bool]:
    return [owing.owes for owing in of(effects, Owing)]


def test_a_gateway_owes_while_its_alarm_lane_has_a_hole() -> None:
    session = new_session()
    assert _owing(session.hear(nbirth(), 0)) == [False]
    session.hear(dbirth(), 0)

    assert _owing(session.hear(record(2, 2), 0)) == [True]
    assert _owing(session.hear(record(3, 1), 0)) == [False]
    assert _owing(session.hear(record(4, 9, lane=Lane.TELEMETRY), 0)) == []


def test_a_gateway_owes_what_it_has_appended_and_not_sent() -> None:
    session = born_session()

    effects = session.hear(account_data(2, appended=3, in_journal=3), 0)
    assert of(effects, Counts) == [Counts(EDGE, "e1", Lane.ALARM, 3, None, 3, heard_ms=0)]
    assert _owing(effects) == [True]
    assert of(effects, Judge)[0].report.readings == ()  # its account is no reading
    session.hear(record(3, 1), 0)
    session.hear(record(4, 2), 0)
    assert _owing(session.hear(record(5, 3), 0)) == [False]


# --- others ---------------------------------------------------------------------------------------


def test_an_edge_node_without_a_journal_is_best_effort() -> None:
    session = new_session()
    session.hear(nbirth(epoch=None), 0)
    assert [judge.complete for judge in of(session.hear(dbirth(fire=True), 0), Judge)] == [True]

    effects = session.hear(record(2, 5, fire=False), 0)

    (judge,) = of(effects, Judge)
    assert (judge.complete, judge.keep) == (True, True)
    assert (judge.report.position, judge.report.lane, judge.report.epoch) == (None, None, None)
    assert session.stored([judge.report], 0) == []
    session.hear(Death(EDGE, "smoke", 1, seq=3), 0)
    assert counted(session.hear(record(4, 6, fire=False), 0)) == ["data-after-death"]


def test_a_flood_of_devices_is_bounded() -> None:
    session = new_session()
    session.hear(nbirth(), 0)
    for number in range(2000):
        session.hear(dbirth(seq=(number + 1) % 256, device=f"d{number}"), 0)

    assert counted(session.hear(dbirth(seq=2001 % 256, device="one more"), 0)) == ["too-many-devices"]
