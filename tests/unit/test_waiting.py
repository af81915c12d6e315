"""Which message is judged next, and which finds no room."""

from __future__ import annotations

from dataclasses import replace

from collector.session.waiting import ALARMS_EXTRA, WAITING_MAX, Waiting
from config.sparkplug import Metric, WireError
from config.words import Birth, Data, Death, Edge, Lane
from tests.unit.test_edge import EDGE, dbirth, nbirth, record

OTHER = Edge("lane", "gw-2")
FIRE, AGAIN = record(7, 1), record(8, 2)
TELEMETRY = record(9, 1, lane=Lane.TELEMETRY)
GARBAGE = WireError("garbage")


def born() -> Waiting:
    """A line whose gateway has been born, and that is empty."""
    waiting = Waiting()
    for birth in (nbirth(), dbirth()):
        waiting.add(birth)
        waiting.take()
    return waiting


def taken(waiting: Waiting) -> list[Birth | Data | Death]:
    found = []
    while waiting:
        found.append(waiting.take())
    return found


def test_alarms_overtake_what_waits_and_keep_their_order() -> None:
    waiting = born()
    for message in (TELEMETRY, FIRE, TELEMETRY, AGAIN):
        waiting.add(message)

    assert taken(waiting) == [FIRE, AGAIN, TELEMETRY, TELEMETRY]


def test_an_alarm_stays_behind_a_birth_or_death_of_its_gateway() -> None:
    waiting = born()
    messages = [TELEMETRY, Death(EDGE, "smoke", 1, seq=3), FIRE, dbirth(), AGAIN]
    for message in messages:
        waiting.add(message)
    assert taken(waiting) == messages

    waiting.add(TELEMETRY)
    waiting.add(FIRE)  # what turned the gateway is behind it
    assert taken(waiting) == [FIRE, TELEMETRY]


def test_a_birth_of_another_gateway_holds_no_alarm_up() -> None:
    waiting = born()
    birth = replace(nbirth(), edge=OTHER)
    waiting.add(birth)
    waiting.add(FIRE)

    assert taken(waiting) == [FIRE, birth]


def test_an_alarm_that_names_its_position_overtakes_without_a_birth() -> None:
    waiting = Waiting()
    named = Data(OTHER, "smoke", 1, 1, (Metric(name=Lane.ALARM.metric, timestamp_ms=1, value=4),))
    waiting.add(replace(FIRE, edge=OTHER))  # an alias that nobody has declared yet says nothing
    waiting.add(named)

    assert waiting.take() == named


def test_a_full_line_has_room_for_alarms_only_and_not_without_end() -> None:
    waiting = born()

    assert waiting.admits(TELEMETRY, WAITING_MAX - 1) and waiting.admits(GARBAGE, WAITING_MAX - 1)
    assert not waiting.admits(TELEMETRY, WAITING_MAX) and not waiting.admits(GARBAGE, WAITING_MAX)
    assert waiting.admits(FIRE, WAITING_MAX + ALARMS_EXTRA - 1)
    assert not waiting.admits(FIRE, WAITING_MAX + ALARMS_EXTRA)
