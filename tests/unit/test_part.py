"""When parts are woken: those that take no reports are asked again only once something has changed."""

from __future__ import annotations

from collector.alarms.heard import DeviceState
from collector.part import Part, Waking, earliest, overrides
from config.words import Report


class Calendar(Part):
    """Takes no reports; counts how often it is asked."""

    def __init__(self, at_ms: int | None) -> None:
        self.at_ms, self.asked = at_ms, 0
        self.woken: list[int] = []

    def wake(self, now: int) -> None:
        self.woken.append(now)

    def wake_at(self) -> int | None:
        self.asked += 1
        return self.at_ms


class Listener(Calendar):
    """Takes reports as well."""

    def heard(self, device: DeviceState, report: Report, now: int) -> None:
        raise AssertionError("no report here")


def test_a_part_that_takes_no_reports_is_asked_once_until_something_changes() -> None:
    calendar = Calendar(5_000)
    waking = Waking([calendar])

    assert [waking.next_at() for _ in range(100)] == [5_000] * 100
    assert calendar.asked == 1
    calendar.at_ms = 3_000
    waking.changed()
    assert waking.next_at() == 3_000


def test_a_part_that_takes_reports_is_asked_every_time() -> None:
    listener = Listener(None)
    waking = Waking([Calendar(5_000), listener])

    assert waking.next_at() == 5_000
    listener.at_ms = 1_000
    assert waking.next_at() == 1_000


def test_after_a_wake_every_part_is_asked_anew() -> None:
    calendar, listener = Calendar(5_000), Listener(7_000)
    waking = Waking([Part(), calendar, listener])
    assert waking.next_at() == 5_000

    calendar.at_ms = None
    waking.wake(5_000)

    assert (calendar.woken, listener.woken) == ([5_000], [5_000])
    assert waking.next_at() == 7_000


def test_nothing_waits_where_no_part_names_a_time() -> None:
    assert Waking([]).next_at() is None
    assert Waking([Part(), Calendar(None)]).next_at() is None
    assert earliest([None, 4, 2, None]) == 2


def test_what_a_part_does_itself_is_known() -> None:
    assert overrides(Listener(None), "heard") and overrides(Calendar(None), "heard", "wake")
    assert not overrides(Calendar(None), "heard", "pulsed") and not overrides(Part(), "wake", "wake_at")
