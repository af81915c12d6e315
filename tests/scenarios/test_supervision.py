"""Every point, bus, gateway and broker has its own deadline; what hangs on another is one trouble with it."""

from __future__ import annotations

import pytest

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.extent import extent_of
from collector.alarms.incident import Incident
from collector.commands import SystemTrouble
from collector.engine import Engine
from collector.messages.message import describe
from collector.messages.wording import describe_condition
from config.site import Site
from config.words import Edge, Lane, Quality, Report
from tests.scenarios.play import Play, people, reading
from tests.sites import GROUP, site_data, small_site

# The extinguisher's pressure is told every 30 s at least and read every 10 s; a minute of grace makes 100 s.
UNTOLD_S = 100
LINE = ("smoke-1", "smoke-2", "ext-1", "lift-1")  # the devices of bus-1


def node_says(play: Play, gateway: str, position: int, **well: bool) -> None:
    """A gateway's own record: `rs485_1=False` says that this bus is down."""
    readings = tuple(reading(f"Bus/{name.replace('_', '-')}/Online", value) for name, value in well.items())
    report = Report(Edge(GROUP, gateway), None, Lane.ALARM, "epoch-1", position, 0, play.now, False, readings)
    play.keeps(play.engine.feed(report, play.now))


def faults(play: Play) -> list[Incident]:
    return list(play.engine.incidents.values())


# --- points -------------------------------------------------------------------------------------------


def test_a_point_that_is_no_longer_told_becomes_trouble_though_its_device_still_speaks() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")

    assert not play.at(UNTOLD_S - 1).engine.alarms
    play.at(UNTOLD_S + 5)

    assert play.phase("ext-1:stale") is Phase.ACTIVE
    assert play.alarms["ext-1:stale"].value == "pressure_kpa"
    assert play.engine.devices["ext-1"].online is True
    assert [incident.kind.value for incident in faults(play)] == ["fault"]
    play.expect_told("nora", "mona")


def test_what_is_no_longer_told_is_shown_as_stale_with_its_last_value() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")

    shown = play.at(UNTOLD_S + 5).engine.devices["ext-1"].values["pressure_kpa"].reading

    assert (shown.value, shown.quality, shown.cause) == (1100.0, Quality.STALE, "not told for more than 100 s")


def test_a_point_that_is_told_again_is_no_trouble_any_more() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")
    play.at(200).says("ext-1", pressure_kpa=1090.0, lane=Lane.TELEMETRY)

    assert not play.engine.alarms
    assert play.engine.devices["ext-1"].values["pressure_kpa"].reading.quality is Quality.GOOD
    play.at(200 + UNTOLD_S + 5)
    assert play.phase("ext-1:stale") is Phase.ACTIVE  # and its deadline runs anew


def test_several_stale_points_are_one_trouble_of_their_device_that_names_them() -> None:
    play = Play()
    play.at(0).says("smoke-1", temperature_c=20.0, lane=Lane.TELEMETRY)
    play.engine.devices["smoke-1"].allowed_ms = {"temperature_c": 100_000, "obscuration": 150_000}
    play.at(0).says("smoke-1", obscuration=1.0, lane=Lane.TELEMETRY)
    play.muted.add("smoke-1")
    for second in range(10, 180, 10):
        play.at(second).says("smoke-1", fire=False)  # it speaks, but never of these

    assert play.alarms["smoke-1:stale"].value == "obscuration, temperature_c"
    assert list(play.engine.alarms) == ["smoke-1:stale"]
    assert len(faults(play)) == 1
    play.says("smoke-1", obscuration=1.0, lane=Lane.TELEMETRY)
    assert play.alarms["smoke-1:stale"].value == "temperature_c"
    play.says("smoke-1", temperature_c=20.0, lane=Lane.TELEMETRY)
    assert not play.engine.alarms


def test_a_birth_or_an_old_record_does_not_make_a_stale_point_fresh() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")
    play.at(150).birth("gw-1").shows_at_birth("ext-1", pressure_kpa=1100.0)
    play.says("ext-1", pressure_kpa=1100.0, ago_s=140, historical=True, lane=Lane.TELEMETRY)

    assert play.phase("ext-1:stale") is Phase.ACTIVE


def test_a_stale_point_is_still_that_one_trouble_after_a_restart() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")
    play.at(150).told()

    play.restart().at(400).expect_told()
    assert play.phase("ext-1:stale") is Phase.ACTIVE
    play.says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    assert not play.engine.alarms


def test_a_stale_point_whose_device_has_left_its_profile_is_let_go() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")
    data = site_data()
    data["gateways"][0]["buses"][0]["devices"][2]["profile"] = "lift"

    play.at(150).restart(small_site(data)).at(151)

    assert play.phase("ext-1:stale") is Phase.NORMAL


def test_a_device_that_falls_silent_altogether_is_silent_and_not_stale() -> None:
    play = Play()
    play.at(0).says("ext-1", pressure_kpa=1100.0, lane=Lane.TELEMETRY)
    play.untold.add("pressure_kpa")
    play.at(150).mute("ext-1")

    assert list(play.at(300).engine.alarms) == ["ext-1:silent"]


def test_a_point_of_the_alarm_lane_has_no_heartbeat_and_is_never_stale() -> None:
    play = Play()
    play.at(0).says("smoke-1", fire=False, fault=False)

    assert not play.at(7200).engine.alarms


# --- buses --------------------------------------------------------------------------------------------


def test_a_bus_that_is_down_is_one_trouble_and_its_devices_silences_belong_to_it() -> None:
    play = Play()
    play.at(5)
    for device in ("smoke-1", "smoke-2", "ext-1", "lift-1"):
        play.dies("gw-1", device)
    play.at(6).mute("gw-1")
    node_says(play, "gw-1", 900, bus_1=False)

    play.at(20)

    assert list(play.engine.alarms) == ["gw-1:Bus/bus-1/Online"]
    assert len(faults(play)) == 1
    assert all(play.engine.devices[name].online is False for name in ("smoke-1", "smoke-2", "ext-1", "lift-1"))
    assert "bus is down" in play.engine.devices["smoke-1"].cause
    play.expect_told("nora", "mona")


def test_a_device_that_stays_away_when_its_bus_is_back_becomes_a_trouble_of_its_own() -> None:
    play = Play()
    play.at(5).dies("gw-1", "smoke-1").dies("gw-1", "smoke-2")
    node_says(play, "gw-1", 900, bus_1=False)
    play.mute("smoke-1", "smoke-2").at(100)
    node_says(play, "gw-1", 901, bus_1=True)
    play.birth("gw-1").dies("gw-1", "smoke-1")
    play.muted = {"smoke-1"}

    play.at(200)

    assert list(play.engine.alarms) == ["smoke-1:silent"]


def test_a_bus_that_is_down_when_the_collector_starts_again_is_still_the_only_trouble() -> None:
    play = Play()
    play.at(5).dies("gw-1", "smoke-1")
    node_says(play, "gw-1", 900, bus_1=False)
    play.mute("smoke-1").at(60).restart()
    play.dies("gw-1", "smoke-1")

    assert list(play.at(300).engine.alarms) == ["gw-1:Bus/bus-1/Online"]


def test_the_trouble_of_a_bus_that_has_left_the_site_is_over() -> None:
    play = Play()
    node_says(play.at(5), "gw-1", 900, bus_1=False)
    data = site_data()
    data["gateways"][0]["buses"][0]["id"] = "bus-9"

    play.restart(small_site(data))

    assert not play.engine.alarms and not play.engine.incidents


def _line(devices: int = len(LINE)) -> Site:
    """bus-1 with the first of its devices, and a second bus whose device shows that the gateway lives."""
    data = site_data()
    buses = data["gateways"][0]["buses"]
    other = buses[0]["devices"][0] | {"id": "smoke-9"}
    del buses[0]["devices"][devices:]
    buses.append(buses[0] | {"id": "bus-9", "devices": [other]})
    return small_site(data)


def _line_dies(play: Play, at_s: float, every_s: float) -> Play:
    """No device of bus-1 answers any more, though the gateway still opens its port: it loses one after another."""
    play.mute(*LINE)
    for number, device in enumerate(LINE):
        play.at(at_s + number * every_s).dies("gw-1", device)
    return play


@pytest.mark.parametrize("every_s", [0.0, 1.0, 2.9])
def test_a_line_whose_every_device_is_lost_while_its_port_is_open_is_one_trouble_of_the_bus(every_s: float) -> None:
    play = _line_dies(Play(_line()), 5, every_s).at(60)

    assert list(play.engine.alarms) == ["gw-1:Bus/bus-1/Silent"]
    assert len(faults(play)) == 1
    assert all("bus is down" in play.engine.devices[name].cause for name in LINE)
    (told,) = (notice for notice in play.told() if notice.person == "nora")
    alarm = play.engine.alarms["gw-1:Bus/bus-1/Silent"]
    said = [describe(play.site, play.incident, [alarm], told, None, play.now).body, *_both(play.site, alarm)]
    assert "总线 bus-1" in said[0] and "（网关端口正常，但线上设备全部无应答）" in said[0]
    assert "devices: 4" in said[2] and "none of its devices answers" in said[2]


def _both(site: Site, alarm: Alarm) -> list[str]:
    return [describe_condition(site, alarm, language) for language in ("zh", "en")]


def test_a_line_that_was_lost_stays_one_trouble_over_restarts_at_any_moment() -> None:
    for restarts in ((6.0,), (9.0,), (20.0, 30.0, 500.0)):
        play = _line_dies(Play(_line()), 5, 0.3)
        for moment in restarts:
            play.at(moment).restart()
            for device in LINE:
                play.dies("gw-1", device)
        assert list(play.at(900).engine.alarms) == ["gw-1:Bus/bus-1/Silent"], restarts


def test_the_deadlines_of_a_whole_line_that_nobody_reports_lost_are_one_trouble_too() -> None:
    play = Play(_line()).mute(*LINE)

    assert list(play.at(600).engine.alarms) == ["gw-1:Bus/bus-1/Silent"]


def test_a_line_that_speaks_again_is_well_and_only_who_stays_away_becomes_a_trouble_of_its_own() -> None:
    play = _line_dies(Play(_line()), 5, 1).at(100)
    play.muted = {"smoke-1"}
    play.told()
    play.birth("gw-1").dies("gw-1", "smoke-1")

    assert list(play.at(200).engine.alarms) == ["smoke-1:silent"]
    assert [entry.facts[0][1] for entry in play.events("alarm-returned")] == ["gw-1:Bus/bus-1/Silent"]


def test_two_that_are_lost_on_a_line_that_lives_are_two_troubles_after_a_moment() -> None:
    play = Play().mute("smoke-1", "smoke-2")
    play.at(5).dies("gw-1", "smoke-1").dies("gw-1", "smoke-2")

    assert not play.at(8).engine.alarms  # the rest of the line may be gone too
    assert sorted(play.at(21).engine.alarms) == ["smoke-1:silent", "smoke-2:silent"]


def test_who_has_been_silent_for_long_does_not_make_the_next_ones_silence_the_lines() -> None:
    play = Play(_line(2)).mute("smoke-1")
    play.at(5).dies("gw-1", "smoke-1").at(500).mute("smoke-2").dies("gw-1", "smoke-2")

    assert sorted(play.at(600).engine.alarms) == ["smoke-1:silent", "smoke-2:silent"]


def test_the_trouble_of_a_silent_line_is_over_when_its_site_has_one_device_left_on_it() -> None:
    play = _line_dies(Play(_line()), 5, 1).at(60)

    play.restart(_line(1))

    assert not play.engine.alarms
    play.muted -= set(LINE)
    assert not play.at(300).engine.alarms


def test_one_device_that_is_lost_is_told_a_moment_later_and_not_if_it_is_back_by_then() -> None:
    play = Play()
    play.at(5).dies("gw-1", "smoke-1")
    assert not play.engine.alarms and play.engine.devices["smoke-1"].online is False
    play.at(8)
    assert play.phase("smoke-1:silent") is Phase.ACTIVE

    play.at(20).birth("gw-1").dies("gw-1", "smoke-1").at(22).birth("gw-1").at(40)
    assert not play.engine.alarms


def test_a_device_lost_just_before_a_restart_is_not_forgotten() -> None:
    play = Play().mute("smoke-1")
    play.at(5).dies("gw-1", "smoke-1").restart()

    assert play.at(5 + 60).phase("smoke-1:silent") is Phase.ACTIVE


# --- gateways and the broker --------------------------------------------------------------------------


def test_a_gateway_that_is_down_is_told_to_all_whose_buildings_are_not_watched() -> None:
    play = Play()

    play.at(5).dies("gw-2").mute("gw-2")

    assert list(play.engine.alarms) == ["gw-2:silent"]
    # gw-2 serves b-2, whose neighbours b-1 and b-3 have teams, and b-3.
    assert people(play.told()) == {"nora", "sam"}
    extent = extent_of(play.site, "gw-2", "silent")
    assert extent is not None and (extent.devices, set(extent.buildings)) == (2, {"b-2", "b-3"})
    play.at(60).birth("gw-2")
    assert people(play.told()) == {"nora", "sam"}  # and that it is over


def test_two_hundred_devices_of_a_dead_gateway_are_one_trouble_and_one_notice_each() -> None:
    data = site_data()
    device = data["gateways"][0]["buses"][0]["devices"][0]
    data["gateways"][0]["buses"][0]["devices"] = [device | {"id": f"d-{n}", "unit": n + 1} for n in range(200)]
    play = Play(small_site(data))

    play.at(5).dies("gw-1").mute("gw-1").at(600)

    assert list(play.engine.alarms) == ["gw-1:silent"]
    play.expect_told("nora", "mona")


def test_a_broker_that_is_away_is_one_trouble_and_the_gateways_silence_belongs_to_it() -> None:
    play = Play()
    play.at(10).acts(SystemTrouble("broker", True, "connection refused")).mute("gw-1", "gw-2")

    play.at(600)

    assert list(play.engine.alarms) == ["system:broker"]
    assert play.engine.gateways["gw-1"].online is False
    assert people(play.told()) == {"carl", "nora", "mona", "sam"}  # no building is watched


def test_a_gateway_that_stays_away_when_the_broker_is_back_becomes_a_trouble_of_its_own() -> None:
    play = Play()
    play.at(10).acts(SystemTrouble("broker", True, "connection refused")).mute("gw-1", "gw-2").at(600)

    play.acts(SystemTrouble("broker", False, "connected")).birth("gw-2")
    play.muted -= {"smoke-3", "panel-1"}

    assert list(play.at(629).engine.alarms) == []
    assert list(play.at(660).engine.alarms) == ["gw-1:silent"]


def test_a_restart_while_the_broker_is_away_makes_no_gateway_a_trouble() -> None:
    play = Play()
    play.at(10).acts(SystemTrouble("broker", True, "connection refused")).mute("gw-1", "gw-2").at(60).told()

    play.engine = Engine(play.site, play.restored(), play.now)  # and nobody can be born
    play.at(600)

    assert list(play.engine.alarms) == ["system:broker"]
    play.expect_told()


def test_history_store_channel_and_clock_troubles_are_raised_told_and_return() -> None:
    parts = {"history": {"carl"}, "store": {"carl"}, "channel:mail": {"carl"}, "gateway:gw-1:record": {"nora", "mona"}}
    for part, told in parts.items():
        play = Play()
        play.at(1).acts(SystemTrouble(part, True, "odd"))
        assert people(play.told()) == told, part
        play.at(30).acts(SystemTrouble(part, False, "well"))
        assert not play.engine.alarms and people(play.told()) == told, part
