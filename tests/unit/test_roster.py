"""Who is on duty: shifts over midnight, turns, holidays and worked weekends, clocks put forward and back, absences."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector.calls.dispatch import Reason, near_teams, nearest, teams_outward
from collector.calls.roster import Away, Roster
from collector.state import Restored, State
from config.calendar import Calendar, Hours
from config.site import Site
from tests.sites import site_data, small_site

SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"  # clocks go forward on 2026-03-29 at 02:00, back on 2026-10-25 at 03:00

DAY = {"id": "day", "hours": {"from": "08:00", "until": "20:00"}, "groups": [["ned"]]}
NIGHT = {
    "id": "night",
    "hours": {"from": "20:00", "until": "08:00"},
    "groups": [["nora"], ["nick"]],
    "first_day": "2026-03-02",
}


def ms(text: str, zone: str = SHANGHAI, fold: int = 0) -> int:
    """Local time -> UTC ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def site_with(shifts: list[dict[str, Any]], absences: list[dict[str, Any]] | None = None, **community: Any) -> Site:
    """The small site whose team north keeps these shifts."""
    data = site_data()
    data["teams"][0]["shifts"] = shifts
    data["absences"] = absences or []
    data["community"] |= community
    return small_site(data)


def roster_of(site: Site, *said: Away) -> Roster:
    return Roster(site, State(Restored(kept=said)))


def away(person: str, begin: str, end: str, **more: Any) -> Away:
    return Away(f"a-{person}-{begin}", person, ms(begin), ms(end), "nora", ms(begin), **more)


@pytest.mark.parametrize(
    ("at", "people"),
    [
        ("2026-03-02T07:59:59", ["nick"]),  # the night that began on Sunday, before the first group's first day
        ("2026-03-02T08:00:00", ["ned"]),
        ("2026-03-02T19:59:59", ["ned"]),
        ("2026-03-02T20:00:00", ["nora"]),
        ("2026-03-03T00:00:00", ["nora"]),  # over midnight it stays Monday's night
        ("2026-03-03T07:59:59", ["nora"]),
        ("2026-03-03T23:00:00", ["nick"]),
        ("2026-03-04T23:00:00", ["nora"]),
        ("2026-03-01T23:00:00", ["nick"]),  # turns also count backwards
    ],
)
def test_groups_take_turns_and_a_night_belongs_to_the_day_on_which_it_begins(at: str, people: list[str]) -> None:
    assert roster_of(site_with([DAY, NIGHT])).on_duty("north", ms(at)) == people


def test_a_turn_of_a_week_changes_with_the_week() -> None:
    week = NIGHT | {"turn_days": 7}
    roster = roster_of(site_with([week]))

    found = [roster.on_duty("north", ms(f"2026-03-{day:02}T22:00")) for day in range(2, 17)]

    assert found == [["nora"]] * 7 + [["nick"]] * 7 + [["nora"]]


CALENDAR = {"holidays": ["2026-02-17", "2026-02-18"], "working_days": ["2026-02-14", "2026-02-28"]}


@pytest.mark.parametrize(
    ("day", "workday"),
    [
        ("2026-02-13", True),  # a Friday
        ("2026-02-14", True),  # a Saturday that is worked instead (调休)
        ("2026-02-15", False),  # a Sunday
        ("2026-02-16", True),
        ("2026-02-17", False),  # a Tuesday, holiday
        ("2026-02-18", False),
        ("2026-02-28", True),  # a worked Saturday
        ("2026-03-01", False),
    ],
)
def test_holidays_and_worked_weekends_change_which_shift_is_kept(day: str, workday: bool) -> None:
    office = DAY | {"hours": {"from": "09:00", "until": "17:00", "days": ["workday"]}}
    free = DAY | {"id": "free", "hours": {"from": "09:00", "until": "17:00", "days": ["day-off"]}, "groups": [["nick"]]}
    roster = roster_of(site_with([office, free], calendar=CALENDAR))

    assert roster.on_duty("north", ms(f"{day}T12:00")) == (["ned"] if workday else ["nick"])


def test_the_night_before_a_holiday_is_still_a_workdays_night() -> None:
    night = NIGHT | {"hours": {"from": "22:00", "until": "06:00", "days": ["workday"]}}
    roster = roster_of(site_with([night], calendar=CALENDAR))

    assert roster.on_duty("north", ms("2026-02-17T05:00"))  # Monday's night, in the morning of the holiday
    assert not roster.on_duty("north", ms("2026-02-17T23:00"))


@pytest.mark.parametrize(
    ("text", "fold", "people"),
    [
        ("2026-03-29T01:59", 0, ["nora"]),
        ("2026-03-29T03:00", 0, ["ned"]),  # 02:00 to 03:00 was left out
        ("2026-10-25T01:59", 0, ["nora"]),
        ("2026-10-25T02:30", 0, ["ned"]),  # the hour that comes twice belongs to one shift both times
        ("2026-10-25T02:30", 1, ["ned"]),
        ("2026-10-25T03:00", 0, ["ned"]),
    ],
)
def test_clocks_put_forward_or_back_leave_no_gap(text: str, fold: int, people: list[str]) -> None:
    early = {"id": "early", "hours": {"from": "02:00", "until": "14:00"}, "groups": [["ned"]]}
    late = {"id": "late", "hours": {"from": "14:00", "until": "02:00"}, "groups": [["nora"]]}
    roster = roster_of(site_with([early, late], timezone=BERLIN))

    assert roster.on_duty("north", ms(text, BERLIN, fold)) == people


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_shifts_round_the_clock_have_somebody_on_duty_in_every_minute_of_a_changed_night(day: str) -> None:
    three = [
        {"id": f"s-{n}", "hours": {"from": begin, "until": end}, "groups": [[who]]}
        for n, (begin, end, who) in enumerate(
            [("02:30", "10:30", "ned"), ("10:30", "18:30", "nora"), ("18:30", "02:30", "nick")]
        )
    ]
    roster = roster_of(site_with(three, timezone=BERLIN))
    begin = ms(f"{day}T12:00", BERLIN)

    found = [roster.on_duty("north", begin + minute * 60_000) for minute in range(26 * 60)]

    assert all(len(people) == 1 for people in found)
    assert [found[0], found[13 * 60], found[-1]] == [["nora"], ["nick"], ["nora"]]


def test_a_shift_of_the_whole_day_begins_where_it_ends() -> None:
    whole = NIGHT | {"hours": {"from": "08:00", "until": "08:00"}}
    roster = roster_of(site_with([whole]))

    assert roster.on_duty("north", ms("2026-03-03T07:59")) == ["nora"]
    assert roster.on_duty("north", ms("2026-03-03T08:00")) == ["nick"]


def test_a_team_without_shifts_is_on_duty_but_for_who_is_away() -> None:
    roster = roster_of(small_site(), away("ned", "2026-03-02T08:00", "2026-03-02T10:00"))

    assert roster.on_duty("north", ms("2026-03-02T07:59")) == ["nora", "ned", "nick"]
    assert roster.on_duty("north", ms("2026-03-02T08:00")) == ["nora", "nick"]
    assert roster.on_duty("north", ms("2026-03-02T10:00")) == ["nora", "ned", "nick"]
    assert roster.on_duty("nowhere", ms("2026-03-02T10:00")) == []


def test_a_substitute_takes_the_duty_and_a_substitutes_substitute_theirs() -> None:
    day, night = "2026-03-02T08:00", "2026-03-02T20:00"
    site = site_with([DAY], [{"person": "ned", "from": f"{day}+08:00", "until": f"{night}+08:00", "substitute": "sam"}])

    assert roster_of(site).on_duty("north", ms(day)) == ["sam"]
    assert roster_of(site, away("sam", day, night, substitute="nick")).on_duty("north", ms(day)) == ["nick"]
    assert roster_of(site, away("sam", day, night)).on_duty("north", ms(day)) == []


def test_substitutes_who_replace_each_other_in_a_circle_end_with_nobody() -> None:
    day, night = "2026-03-02T08:00", "2026-03-02T20:00"
    said = [away("ned", day, night, substitute="nick"), away("nick", day, night, substitute="ned")]

    assert roster_of(site_with([DAY]), *said).on_duty("north", ms(day)) == []


def test_a_swap_exchanges_duties_and_leaves_both_there_to_be_called() -> None:
    begin, end = "2026-03-02T08:00", "2026-03-03T08:00"
    said = [
        away("ned", begin, end, substitute="nora", swap=True),
        away("nora", begin, end, substitute="ned", swap=True),
    ]
    roster = roster_of(site_with([DAY, NIGHT]), *said)

    assert roster.on_duty("north", ms("2026-03-02T12:00")) == ["nora"]
    assert roster.on_duty("north", ms("2026-03-02T22:00")) == ["ned"]
    assert not roster.away("ned", ms("2026-03-02T12:00"))
    assert roster.off_duty("north", ms("2026-03-02T12:00")) == ["ned", "nick"]


def test_a_swap_with_somebody_who_is_away_leaves_the_duty_where_it_was() -> None:
    begin, end = "2026-03-02T08:00", "2026-03-03T08:00"
    said = [away("ned", begin, end, substitute="nick", swap=True), away("nick", begin, end)]

    assert roster_of(site_with([DAY]), *said).on_duty("north", ms("2026-03-02T12:00")) == ["ned"]


def test_the_coming_duties_are_those_that_begin_in_the_time_with_who_will_be_there() -> None:
    roster = roster_of(site_with([DAY, NIGHT]), away("nora", "2026-03-02T12:00", "2026-03-03T08:00", substitute="sue"))

    coming = roster.coming(ms("2026-03-02T08:00"), ms("2026-03-03T20:00"))

    assert [(duty.shift, duty.people) for duty in coming] == [("day", ("ned",)), ("night", ("sue",)), ("day", ("ned",))]
    assert (coming[1].begins_ms, coming[1].ends_ms) == (ms("2026-03-02T20:00"), ms("2026-03-03T08:00"))
    assert roster.coming(ms("2026-03-02T08:00"), ms("2026-03-02T08:00")) == []


def test_the_days_of_what_is_coming_are_bounded() -> None:
    coming = roster_of(site_with([DAY])).coming(ms("2026-03-02T08:00"), ms("2036-03-02T08:00"))

    assert 55 < len(coming) < 65


@pytest.mark.parametrize(
    ("begin", "end", "at", "day"),
    [
        ("22:00", "06:00", "2026-03-03T05:59", "2026-03-02"),
        ("22:00", "06:00", "2026-03-03T06:00", None),
        ("22:00", "00:00", "2026-03-02T23:59", "2026-03-02"),
        ("22:00", "00:00", "2026-03-03T00:00", None),
        ("00:00", "00:00", "2026-03-03T00:00", "2026-03-03"),
    ],
)
def test_hours_over_midnight_belong_to_their_first_day(begin: str, end: str, at: str, day: str | None) -> None:
    hours = Hours.model_validate({"from": begin, "until": end})
    found = hours.day_of(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(SHANGHAI)), Calendar())

    assert (found.isoformat() if found else None) == day


def _at_home(data: dict[str, Any], **homes: str) -> dict[str, Any]:
    for person in data["people"]:
        if person["id"] in homes:
            person["home"] = homes[person["id"]]
    return data


def test_the_nearest_is_who_is_at_home_then_the_own_team_then_the_neighbours_then_a_contact() -> None:
    site = small_site(_at_home(site_data(), greg="b-1", ned="b-1", nick="b-2"))
    day, night = "2026-03-02T08:00", "2026-03-02T20:00"
    said = [away(person, day, night) for person in ("ned", "greg", "nora", "nick", "sam", "sue", "carl")]

    def found(count: int, building: str = "b-1") -> list[tuple[str, Reason]]:
        return nearest(site, roster_of(site, *said[:count]), building, ms(day))

    assert found(0) == [("ned", Reason.BUILDING)]  # on duty before at home only
    assert found(1) == [("greg", Reason.BUILDING)]
    assert found(2) == [("nick", Reason.OWN_TEAM)]  # at home the nearest of those on duty
    assert found(4) == [("sam", Reason.NEIGHBOUR_TEAM)]
    assert found(6) == [("carl", Reason.CONTACT)]
    assert found(7) == [("carl", Reason.CONTACT)]  # everybody is away: somebody is asked all the same
    assert found(0, "") == [("carl", Reason.CONTACT)]
    assert found(0, "b-2") == [("nick", Reason.BUILDING)]


def test_without_named_neighbours_teams_are_near_by_distance() -> None:
    data = site_data()
    for building, latitude in zip(data["buildings"], (30.0, 30.001, 30.003), strict=True):
        building["latitude"], building["neighbours"] = latitude, []
    site = small_site(data)

    assert near_teams(site, "b-2") == ["north", "south"]
    data["buildings"][1]["latitude"] = 30.0025
    assert near_teams(small_site(data), "b-2") == ["south", "north"]
    data["buildings"][1]["neighbours"] = ["b-1"]
    assert near_teams(small_site(data), "b-2") == ["north"]
    assert teams_outward(small_site(data), "b-2") == ["north", "south"]
