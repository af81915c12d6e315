"""The table of an alarm's life, checked against a model of what latching means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alarms.alarm import LATCHED_TABLE, LATCHING, PLAIN_TABLE, Event, Phase, next_phase
from config.profile import Condition

FLAGS = [condition for condition in Condition if condition.is_flag]
EVENTS = st.lists(st.sampled_from(Event), max_size=30)


def _life(condition: Condition, events: list[Event]) -> list[Phase]:
    phases = [Phase.NORMAL]
    for event in events:
        phases.append(next_phase(condition, phases[-1], event))
    return phases


@pytest.mark.parametrize("table", [LATCHED_TABLE, PLAIN_TABLE])
def test_the_table_answers_every_event_in_every_phase_it_can_reach(table: dict[Phase, dict[Event, Phase]]) -> None:
    reachable = {Phase.NORMAL}
    for _ in Phase:
        reachable |= {after for phase in reachable for after in table[phase].values()}

    assert set(table) == reachable
    assert all(set(row) == set(Event) for row in table.values())


def test_only_the_class_alarm_latches() -> None:
    assert {Condition.ALARM} == LATCHING


@given(EVENTS)
def test_an_alarm_ends_only_normal_at_its_source_acknowledged_and_reset(events: list[Event]) -> None:
    active = acknowledged = latched = False
    for event, phase in zip(events, _life(Condition.ALARM, events)[1:], strict=True):
        if event is Event.RAISED:
            acknowledged = acknowledged and active
            active = latched = True
        elif event is Event.RAISED_LATE and not latched:
            acknowledged, latched = False, True
        elif event is Event.CLEARED:
            active = False
        elif event is Event.ACKNOWLEDGED:
            acknowledged = latched
        elif event is Event.RESET and acknowledged and not active:
            latched = False
        expected = {
            (True, False): Phase.ACTIVE,
            (True, True): Phase.ACKNOWLEDGED,
            (False, False): Phase.RETURNED,
            (False, True): Phase.AWAITING_RESET,
        }[active, acknowledged]
        assert phase is (expected if latched else Phase.NORMAL)


@given(st.sampled_from([condition for condition in FLAGS if condition not in LATCHING]), EVENTS)
def test_any_other_condition_is_exactly_what_its_source_says(condition: Condition, events: list[Event]) -> None:
    active = False
    for event, phase in zip(events, _life(condition, events)[1:], strict=True):
        active = event is Event.RAISED or (active and event is not Event.CLEARED)
        assert (phase is not Phase.NORMAL) is active
