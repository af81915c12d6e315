"""Ids are given once."""

from __future__ import annotations

from collector.calls.digest import Untold
from collector.calls.dispatch import Notice, Reason
from collector.state import Restored, State


def test_an_id_of_news_that_wait_is_not_given_again_after_a_restart_with_the_clock_set_back() -> None:
    before = State(Restored())
    name = before.next_id(2_000_000)
    news = Untold(name, Notice(name, "i-1", "li", 0, Reason.CLOSED, 0, 1, 1, 1, 1, False))

    after = State(Restored(kept=(news,)))

    assert after.next_id(1_000_000) > name
