"""One time per key, earliest first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.agenda import Agenda

STEPS = st.lists(st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.integers(0, 20))), max_size=40)


@given(STEPS, st.integers(0, 20))
def test_it_is_a_dictionary_of_times(steps: list[tuple[str, int | None]], now: int) -> None:
    agenda: Agenda[str] = Agenda()
    times: dict[str, int] = {}
    for key, at in steps:
        agenda.set(key, at)
        if at is None:
            times.pop(key, None)
        else:
            times[key] = at

    assert agenda.next_at() == min(times.values(), default=None)
    due = list(agenda.due(now))
    assert sorted(due) == sorted(key for key, at in times.items() if at <= now)
    assert [times[key] for key in due] == sorted(times[key] for key in due)
    assert agenda.next_at() == min((at for at in times.values() if at > now), default=None)
