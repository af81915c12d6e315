"""The supervised way of an alarm: a pulse that is missing or slow names the broken hop. Promises in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from collector.alarms.alarm import Phase
from collector.calls.dispatch import Reason
from collector.calls.pulse import BROKER, HOPS, JOURNAL, POLL, SINK, STORE, Pulsed
from collector.commands import PulseHandedOver, PulseStored, SystemTrouble
from collector.messages.wording import condition_words
from config.pulse import BEAT, CHANGED_AT_S
from config.sparkplug import DataType
from config.words import PULSE, Edge, Lane, Reading, Report
from tests.scenarios.play import START_MS, Play, reading
from tests.sites import GROUP, site_data, small_site

EVERY_S, WITHIN_S = 180, 10
MISSED_S = EVERY_S + 1 + WITHIN_S  # after the last; the register changes on full seconds


class Pulsing(Play):
    """A play whose gateway gw-1 has a pulse register."""

    position = 0

    def sends(
        self,
        beat: Any,
        *,
        read_s: float = 0.3,
        way_s: float = 0.1,
        historical: bool = False,
        gateway: str = "gw-1",
        changed_at_s: Any = None,
        record: bool = True,
    ) -> Pulsing:
        """The record of a beat arrives now: it took `read_s` from the register and then `way_s` to us."""
        self.position += 1
        changed_ms = self.now - round((read_s + way_s) * 1000)
        at_s = changed_ms / 1000 if changed_at_s is None else changed_at_s
        readings = (
            Reading(BEAT, beat, DataType.INT64),
            Reading(CHANGED_AT_S, int(at_s) if isinstance(at_s, float) else at_s, DataType.INT64),
        )
        at_ms, position = self.now - round(way_s * 1000), self.position if record else None
        edge, lane = Edge(GROUP, gateway), Lane.ALARM if record else None
        said = Report(edge, PULSE, lane, "epoch-1", position, 0, at_ms, historical, readings)
        self.keeps(self.engine.feed(said, self.now))
        return self

    def arrives(self, beat: int, gateway: str = "gw-1") -> Pulsing:
        """It is stored, and the test sink has taken its notice."""
        self.acts(PulseStored(gateway, beat))
        self.acts(PulseHandedOver(gateway, beat))
        return self

    def node(self, name: str, value: bool) -> None:
        """The gateway's own word."""
        said = Report(Edge(GROUP, "gw-1"), None, None, None, None, None, self.now, False, (reading(name, value),))
        self.keeps(self.engine.feed(said, self.now))

    @property
    def broken(self) -> dict[str, str | None]:
        """The hops that are broken now, with what is said of them."""
        alarms = self.engine.alarms.values()
        return {f"{alarm.device} {alarm.point}": alarm.value for alarm in alarms if alarm.point in HOPS}


def pulsing(seconds: float = 20) -> Pulsing:
    """A first pulse has gone the whole way at this second."""
    play = Pulsing()
    play.at(seconds)
    return play.sends(1).arrives(1)


def test_a_pulse_goes_from_its_register_to_the_test_sink_and_its_time_is_kept() -> None:
    play = Pulsing()
    play.at(20).sends(7)
    (notice,) = play.notices.values()
    assert (notice.person, notice.reason, notice.expects_answer) == ("", Reason.PULSE, False)
    play.at(20.2).acts(PulseStored("gw-1", 7))
    play.at(20.5).acts(PulseHandedOver("gw-1", 7))

    kept = play.engine.kept(Pulsed)["gw-1"]
    assert (kept.beat, kept.heard_at_ms, kept.handed_over_at_ms) == (7, START_MS + 20_000, START_MS + 20_500)
    assert kept.took_ms == 1_500  # the register changed on the full second before
    assert not play.engine.alarms and not play.engine.incidents and not play.engine.notices


def test_pulses_in_time_are_no_news_to_anybody() -> None:
    play = pulsing()
    lines = len(play.entries)
    for beat in range(2, 30):
        play.at(20 + (beat - 1) * EVERY_S).sends(beat).arrives(beat)

    assert not play.engine.alarms and not play.engine.notices and len(play.entries) == lines
    assert {notice.person for notice in play.notices.values()} == {""}
    assert len(play.engine.kept(Pulsed)) == 1


@pytest.mark.parametrize(
    ("seconds", "hop"),
    [
        ({"read_s": 12.0}, POLL),
        ({"way_s": 12.0}, BROKER),
        ({"store_s": 9.5}, STORE),
        ({"sink_s": 9.5}, SINK),
    ],
)
def test_a_slow_pulse_is_a_trouble_that_names_the_slowest_hop(seconds: dict[str, float], hop: str) -> None:
    play = pulsing()
    store_s, sink_s = seconds.pop("store_s", 0.1), seconds.pop("sink_s", 0.1)
    play.at(200).sends(2, **seconds)  # type: ignore[arg-type]
    play.at(200 + store_s).acts(PulseStored("gw-1", 2))
    play.at(200 + store_s + sink_s).acts(PulseHandedOver("gw-1", 2))

    assert list(play.broken) == [f"gw-1 {hop}"]
    play.expect_told("", "", "nora", "mona")
    play.at(380).sends(3).arrives(3)
    assert not play.engine.alarms and not play.engine.incidents


def test_a_pulse_that_is_not_stored_or_not_handed_over_names_that_hop_in_time() -> None:
    play = pulsing()
    play.at(200).sends(2)
    assert not play.at(200 + WITHIN_S - 0.1).broken  # type: ignore[attr-defined]
    play.at(200 + WITHIN_S)
    assert play.broken == {f"gw-1 {STORE}": "> 10 s"}

    play.at(380).sends(3).acts(PulseStored("gw-1", 3))
    play.at(380 + WITHIN_S)
    assert list(play.broken) == [f"gw-1 {SINK}"]

    play.at(560).sends(4).arrives(4)
    assert not play.broken and not play.engine.incidents


def test_a_missing_pulse_of_a_gateway_whose_other_records_come_is_not_read() -> None:
    play = pulsing()
    play.at(205).says("smoke-1", test=False)

    assert not play.at(20 + MISSED_S - 0.1).broken  # type: ignore[attr-defined]
    play.at(20 + MISSED_S)

    assert play.broken == {f"gw-1 {POLL}": "> 191 s"}
    assert play.incident.kind.value == "fault"
    play.expect_told("", "nora", "mona")


def test_a_missing_pulse_whose_register_is_known_to_be_silent_is_not_read() -> None:
    play = pulsing()
    play.at(30).node("Bus/pulse/Online", False)
    assert not play.engine.alarms  # the pulse will be missed, and that says more

    play.at(20 + MISSED_S)

    assert list(play.broken) == [f"gw-1 {POLL}"]


@pytest.mark.parametrize("sign", ["not writable", "owes records", "no record at all"])
def test_a_missing_pulse_of_a_gateway_that_sends_no_records_stands_in_its_journal(sign: str) -> None:
    play = pulsing()
    if sign == "not writable":
        play.at(30).node("Journal/Writable", False)
    elif sign == "owes records":
        play.at(205).says("smoke-1", test=False).owes("gw-1", True)

    play.at(20 + MISSED_S)

    assert list(play.broken) == [f"gw-1 {JOURNAL}"]


def test_a_missing_pulse_of_a_gateway_of_which_nothing_is_heard_is_broken_before_the_collector() -> None:
    data = site_data()
    data["gateways"][0]["silent_after_s"] = 3600
    play = Pulsing(small_site(data))
    play.at(20).sends(1).arrives(1).mute("gw-1")

    play.at(20 + MISSED_S)

    assert list(play.broken) == [f"gw-1 {BROKER}"]


def test_the_broken_hop_is_said_in_words_of_both_languages() -> None:
    play = pulsing()
    for hop in HOPS:
        zh = condition_words(play.site, f"gw-1:{hop}", "gw-1", hop, "zh")
        en = condition_words(play.site, f"gw-1:{hop}", "gw-1", hop, "en")
        assert zh.startswith("网关 gw-1 报警通路自检未通过：") and en.startswith(
            "gateway gw-1 failed the alarm path test: "
        )


def test_a_gateway_that_has_never_pulsed_is_not_supervised_and_that_is_no_trouble() -> None:
    play = Pulsing()

    assert not play.at(4000).engine.alarms
    assert not play.engine.kept(Pulsed)


def test_a_silent_gateway_is_one_trouble_and_its_missing_pulse_is_no_other() -> None:
    play = pulsing()
    play.at(25).dies("gw-1").mute("gw-1")

    assert [alarm.key for alarm in play.at(2000).engine.alarms.values()] == ["gw-1:silent"]

    play.muted.clear()
    play.birth("gw-1")
    assert not play.engine.alarms
    assert not play.at(2000 + MISSED_S - 1).broken  # type: ignore[attr-defined]
    assert list(play.at(2000 + MISSED_S).broken) == [f"gw-1 {JOURNAL}"]  # type: ignore[attr-defined]


def test_a_trouble_of_a_pulse_ends_when_its_gateway_turns_out_to_be_away() -> None:
    play = pulsing()
    play.at(20 + MISSED_S)
    assert play.broken

    play.dies("gw-1").mute("gw-1").at(20 + MISSED_S + 5)

    assert [alarm.key for alarm in play.engine.alarms.values()] == ["gw-1:silent"]


def test_a_broker_that_is_away_is_one_trouble_and_missing_pulses_are_no_others() -> None:
    play = pulsing()
    play.at(30).acts(SystemTrouble("broker", True, "connection lost"))

    play.at(2000)

    assert not play.broken


def test_what_a_backlog_or_a_birth_says_proves_nothing_about_now() -> None:
    play = pulsing()
    for seconds in (100, 150, 205):
        play.at(seconds).sends(seconds, historical=True).sends(seconds + 1, record=False)

    play.at(20 + MISSED_S)

    assert play.broken
    assert len(play.notices) >= 1 and play.engine.kept(Pulsed)["gw-1"].beat == 1


def test_a_gateway_whose_clock_is_not_set_is_judged_by_what_is_received() -> None:
    play = Pulsing()
    play.node("Clock/Synchronized", False)
    play.at(20).sends(1, changed_at_s=1_000).arrives(1)
    play.at(200).sends(2, changed_at_s=1_180).arrives(2)
    assert not play.broken and play.engine.kept(Pulsed)["gw-1"].took_ms is None

    play.at(200 + MISSED_S)
    assert play.broken


def test_a_register_time_in_the_future_is_no_proof_of_speed_and_no_trouble() -> None:
    play = pulsing()
    play.at(200).sends(2, changed_at_s=(play.now + 90_000) // 1000).arrives(2)

    assert not play.broken and play.engine.kept(Pulsed)["gw-1"].took_ms is None


def test_a_pulse_from_before_its_gateway_came_back_is_not_held_against_it() -> None:
    play = pulsing()
    play.at(100).birth("gw-1").sends(2, way_s=40.0).arrives(2)

    assert not play.broken


@pytest.mark.parametrize("beat", [None, True, 1.5, -1, 2**32, "7"])
def test_a_pulse_register_that_makes_no_sense_is_not_heard(beat: Any) -> None:
    play = Pulsing()
    play.at(20).sends(beat, changed_at_s=5)
    play.at(21).sends(3, changed_at_s=-(2**70))

    assert not play.notices and not play.engine.alarms


def test_a_word_about_a_pulse_that_is_not_under_way_changes_nothing() -> None:
    play = pulsing()
    before = dict(play.kept)

    play.arrives(1).arrives(99).arrives(3, gateway="gw-9")

    assert play.kept == before and not play.engine.alarms


def test_a_pulse_overtaken_by_the_next_is_not_sent_any_more() -> None:
    play = pulsing()
    play.at(200).sends(2)
    play.at(205).sends(3).arrives(3)

    superseded = [notice.superseded_at_ms for notice in play.notices.values()]
    assert superseded == [None, START_MS + 205_000, None]
    assert not play.at(230).broken  # type: ignore[attr-defined]


@pytest.mark.parametrize("restart_at", [20, 100, 205, 260])
def test_a_restart_of_the_collector_raises_and_forgets_no_trouble_of_a_pulse(restart_at: float) -> None:
    play = pulsing()
    play.at(200).sends(2)
    play.at(restart_at if restart_at > 200 else 201)
    broken = play.broken

    play.restart()

    assert play.broken == broken
    play.at(400).sends(3).arrives(3)
    assert not play.broken and not play.engine.incidents
    play.at(400 + MISSED_S)
    assert play.broken


def test_a_site_without_pulses_or_without_the_gateway_any_more_has_no_trouble_of_them() -> None:
    play = pulsing()
    play.at(20 + MISSED_S)
    assert play.broken
    data = site_data()
    data["plan"]["pulse"] = None

    play.restart(small_site(data)).at(1000)

    assert not play.broken and not play.engine.kept(Pulsed) and not play.engine.incidents
    play.sends(9)
    assert len(play.notices) == len([n for n in play.notices.values() if n.reason is not Reason.PULSE]) + 1


def test_gateways_are_judged_each_for_itself() -> None:
    play = pulsing()
    play.at(30).sends(1, gateway="gw-2").arrives(1, gateway="gw-2")
    play.at(200).sends(2, gateway="gw-2").arrives(2, gateway="gw-2")

    play.at(20 + MISSED_S)

    assert list(play.broken) == [f"gw-1 {JOURNAL}"]
    assert play.phase(f"gw-2:{JOURNAL}") is Phase.NORMAL


def test_pulses_of_gateways_that_the_site_does_not_know_are_nobodys() -> None:
    play = Pulsing()
    play.at(20).sends(1, gateway="stranger")

    assert not play.notices and not play.engine.kept(Pulsed)
    assert not play.engine.alarms
