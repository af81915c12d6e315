"""Silence is an event. Each test is one promise, played in virtual time."""

from __future__ import annotations

from collector.alarms.alarm import Phase
from collector.commands import SystemTrouble
from collector.engine import SYSTEM_TROUBLES_MAX, Engine
from collector.messages.wording import condition_words
from collector.session.effects import Presence
from config.words import Edge, Lane, Report
from tests.scenarios.play import START_MS, Play, reading
from tests.sites import GROUP, site_data, small_site


def test_a_silent_detector_becomes_trouble_not_fire() -> None:
    play = Play().mute("smoke-1")

    play.at(59.9)
    assert not play.engine.alarms
    play.at(60)

    assert play.phase("smoke-1:silent") is Phase.ACTIVE
    assert [incident.kind.value for incident in play.engine.incidents.values()] == ["fault"]
    play.expect_told("nora", "mona")
    assert play.engine.devices["smoke-1"].online is False


def test_no_device_is_silent_before_its_own_heartbeat_was_due() -> None:
    data = site_data()
    data["plan"]["device_silent_after_s"] = 1
    play = Play(small_site(data)).mute("smoke-1")

    assert not play.at(44.9).engine.alarms
    assert list(play.at(45).engine.alarms) == ["smoke-1:silent"]


def test_a_detector_that_falls_silent_in_alarm_stays_in_alarm() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=True).mute("smoke-1")

    play.at(120)

    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    assert play.phase("smoke-1:silent") is Phase.ACTIVE


def test_a_device_that_is_heard_again_is_no_trouble_any_more() -> None:
    play = Play().mute("smoke-1")
    play.at(100).says("smoke-1", fire=False)

    assert play.phase("smoke-1:silent") is Phase.NORMAL
    assert not play.engine.incidents
    play.at(159)
    assert not play.engine.alarms
    assert play.at(161).phase("smoke-1:silent") is Phase.ACTIVE  # and its deadline runs anew


def test_old_records_are_no_sign_of_life() -> None:
    play = Play().mute("smoke-1")
    play.at(50).says("smoke-1", ago_s=3000, historical=True, lane=Lane.TELEMETRY, temperature_c=20.0)

    assert play.at(61).phase("smoke-1:silent") is Phase.ACTIVE


def test_a_report_without_any_value_is_no_sign_of_life() -> None:
    play = Play().mute("smoke-1")
    play.at(50).says("smoke-1", temperature_c=None)

    assert play.at(61).phase("smoke-1:silent") is Phase.ACTIVE


def test_a_gateways_death_is_one_trouble_and_its_devices_are_stale() -> None:
    play = Play()
    play.at(5).dies("gw-1").mute("gw-1")

    play.at(600)

    assert [alarm.key for alarm in play.engine.alarms.values()] == ["gw-1:silent"]
    assert all(not play.engine.devices[name].online for name in ("smoke-1", "smoke-2", "ext-1", "lift-1"))
    assert play.engine.devices["smoke-3"].online
    play.birth("gw-1")
    assert not play.engine.alarms and not play.engine.incidents
    # The devices' deadlines start again with the birth.
    play.muted = {"smoke-1"}
    assert not play.at(659).engine.alarms
    assert list(play.at(660).engine.alarms) == ["smoke-1:silent"]


def test_a_gateway_that_says_nothing_is_one_trouble_without_a_death_certificate() -> None:
    play = Play().mute("gw-1")

    play.at(29)
    assert not play.engine.alarms
    play.at(300)

    assert list(play.engine.alarms) == ["gw-1:silent"]


def test_data_after_a_death_certificate_revives_nothing_but_a_fire_in_it_counts() -> None:
    play = Play()
    play.at(5).dies("gw-1").mute("gw-1")

    play.at(6).says("smoke-1", fire=True)

    assert play.phase("gw-1:silent") is Phase.ACTIVE
    assert play.phase("smoke-1:fire") is Phase.ACTIVE
    assert play.engine.devices["smoke-1"].online is False


def test_a_devices_death_is_one_trouble_though_its_values_go_too() -> None:
    play = Play().mute("smoke-1")
    play.at(5).says("smoke-1", fire=None, heat=None, fault=None)

    play.at(5.1).dies("gw-1", "smoke-1").at(8.1)

    assert list(play.engine.alarms) == ["smoke-1:silent"]
    play.at(20).birth("gw-1").says("smoke-1", fire=False, heat=False, fault=False)
    assert not play.engine.alarms


def test_the_gateways_own_record_of_a_lost_device_is_that_same_trouble() -> None:
    play = Play().mute("smoke-1")
    edge = Edge(GROUP, "gw-1")

    def node(now: int, online: bool, position: int, at_ms: int) -> None:
        readings = (reading("Device/smoke-1/Online", online),)
        report = Report(edge, None, Lane.ALARM, "epoch-1", position, 0, at_ms, False, readings)
        play.keeps(play.engine.feed(report, now))

    play.at(5)
    node(play.now, False, 1, play.now)
    assert list(play.at(8).engine.alarms) == ["smoke-1:silent"]
    play.dies("gw-1", "smoke-1").at(12)
    assert list(play.engine.alarms) == ["smoke-1:silent"]

    play.at(30).birth("gw-1").says("smoke-1", fire=False)
    node(play.now, False, 2, START_MS + 6000)  # a loss before that, heard late
    assert not play.engine.alarms


def test_a_clock_that_is_not_synchronized_is_a_trouble_of_its_gateway() -> None:
    play = Play()
    edge = Edge(GROUP, "gw-1")

    for position, synchronized in ((1, False), (2, True)):
        readings = (reading("Clock/Synchronized", synchronized),)
        report = Report(edge, None, Lane.ALARM, "epoch-1", position, 0, play.now, False, readings)
        play.keeps(play.engine.feed(report, play.now))
        assert (play.phase("gw-1:clock") is Phase.ACTIVE) is not synchronized


def test_what_a_gateway_says_is_wrong_with_itself_is_a_trouble_in_words_until_it_is_well() -> None:
    play = Play()
    edge = Edge(GROUP, "gw-1")

    for position, well in ((1, False), (2, True)):
        readings = (reading("Bus/rs485-1/Online", well), reading("Journal/Writable", well))
        report = Report(edge, None, Lane.ALARM, "epoch-1", position, 0, play.now, False, readings)
        play.keeps(play.engine.feed(report, play.now))
        for key in ("gw-1:Bus/rs485-1/Online", "gw-1:Journal/Writable"):
            assert (play.phase(key) is Phase.ACTIVE) is not well
    words = condition_words(play.site, "gw-1:Bus/rs485-1/Online", "gw-1", "Bus/rs485-1/Online", "en")
    assert words == "gateway gw-1 bus rs485-1 is down"


def test_deadlines_start_with_the_collector() -> None:
    engine = Engine(Play().site, None, START_MS)

    assert engine.wake(START_MS + 29_999).alarms == ()
    alarms = engine.wake(START_MS + 30_000).alarms
    assert [alarm.key for alarm in alarms] == ["gw-1:silent", "gw-2:silent"]
    assert engine.wake(START_MS + 3_600_000).alarms == ()  # its devices are no troubles of their own


def test_devices_and_gateways_that_the_site_does_not_know_are_shown_and_decide_nothing() -> None:
    play = Play()
    stranger = Edge("elsewhere", "gw-1")
    report = Report(stranger, "thing", None, None, None, None, play.now, False, (reading("fire", True),))

    play.keeps(play.engine.feed(Presence(stranger, None, True, "birth"), play.now))
    play.keeps(play.engine.feed(report, play.now))
    play.keeps(play.engine.feed(Presence(stranger, "thing", False, "death certificate"), play.now))
    play.keeps(play.engine.feed(Presence(stranger, None, False, "death certificate"), play.now))
    play.says("smoke-1", strange=7)

    assert not play.engine.alarms
    assert play.engine.gateways["elsewhere/gw-1"].known is False
    assert play.engine.gateways["gw-1"].online is True
    assert play.engine.devices["thing"].values["fire"].reading.value is True
    assert play.engine.devices["smoke-1"].values["strange"].reading.value == 7
    assert play.engine.counts["unknown-device"] and play.engine.counts["unknown-point"]


def test_a_flood_of_strangers_is_bounded() -> None:
    play = Play()
    for number in range(3000):
        edge = Edge(GROUP, f"stranger-{number}")
        report = Report(edge, f"d{number}", None, None, None, None, play.now, False, (reading("x", True),))
        play.engine.feed(report, play.now)
    for number in range(500):
        report = Report(Edge(GROUP, "gw-1"), "smoke-1", None, None, None, None, 1, False, (reading(f"p{number}", 1),))
        play.engine.feed(report, play.now)

    assert len(play.engine.gateways) <= 1100 and len(play.engine.devices) <= 1100
    assert len(play.engine.devices["smoke-1"].values) < 100
    assert play.engine.counts["unknown-gateway"]


def test_a_flood_of_troubles_of_the_system_is_bounded_and_counted() -> None:
    play = Play()
    for number in range(SYSTEM_TROUBLES_MAX + 3):
        play.engine.act(SystemTrouble(f"part-{number}", True, "odd"), play.now)

    assert len(play.engine.alarms) == SYSTEM_TROUBLES_MAX
    assert play.engine.counts["too-many-system-troubles"] == 3
