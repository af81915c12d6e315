"""What `check` says of people, shifts, rings and plans before anyone relies on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.document import Document
from config.references import check_references
from config.site import SiteFile
from tests.sites import PROFILES, site_data

Data = dict[str, Any]
Change = Callable[[Data], object]


def _well() -> Data:
    """The small site with a channel that rings, of which nothing is to be said."""
    data = site_data()
    for channel in data["channels"].values():
        channel["rings"] = True
    data["zones"] = data.get("zones", [])
    return data


def _said(change: Change) -> list[tuple[str, bool]]:
    data = _well()
    change(data)
    document = Document()
    check_references(SiteFile.model_validate(data), dict(PROFILES), document)
    return [(str(mistake), mistake.warning) for mistake in document.mistakes]


def _shift(begin: str, end: str, *people: str, **more: Any) -> Data:
    return {"id": f"s-{begin[:2]}", "hours": {"from": begin, "until": end}, "groups": [list(people) or ["ned"]], **more}


def _shifts(*shifts: Data) -> Change:
    return lambda data: data["teams"][0].update(shifts=list(shifts))


def _fire(**plan: Any) -> Change:
    return lambda data: data["plan"]["kinds"]["fire"].update(plan)


def _ring(call: str, after_s: float = 0, **more: Any) -> Data:
    return {"call": call, "after_s": after_s, **more}


def _person(data: Data, name: str = "new", **more: Any) -> None:
    data["people"].append({"id": name, "name": name, "channels": [{"channel": "console"}], **more})


def _absence(**more: Any) -> Change:
    span = {"from": "2026-01-01T00:00+08:00", "until": "2026-01-02T00:00+08:00"}
    return lambda data: data.update(absences=[{"person": "ned", **span, **more}])


NIGHT = {"from": "22:00", "until": "06:00"}


def test_of_a_well_made_site_nothing_is_said_of_its_people() -> None:
    assert [text for text, _ in _said(lambda data: None) if "gateways[" not in text] == []


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (_shifts(_shift("00:00", "00:00", "nobody")), "teams[0].shifts[0].groups[0][0]", "id of a person"),
        (_shifts(_shift("00:00", "00:00", "sam")), "teams[0].shifts[0].groups[0][0]", "member of team 'north'"),
        (_shifts(_shift("00:00", "00:00"), _shift("00:00", "00:00")), "shifts[1].id", "an id of its own"),
        (_absence(person="nobody"), "absences[0].person", "id of a person"),
        (_absence(substitute="nobody"), "absences[0].substitute", "id of a person"),
        (_absence(substitute="ned"), "absences[0].substitute", "somebody else"),
        (lambda data: data["people"][0].update(home="b-9"), "people[0].home", "id of a building"),
        (lambda data: data["buildings"][0].update(fire_station="x"), "fire_station", "id of a fire station"),
        (_fire(rings=[_ring("team", classes=["measurement", "alarm"])]), "rings[0].classes", "told of"),
        (_fire(rings=[_ring("team", nearest=2)]), "rings[0].nearest", "only for neighbours"),
        (_fire(rings=[_ring("team", classes=["trouble"])]), "fire.rings", "somebody to call in an alarm"),
        (_fire(rings=[_ring("fire-station")]), "fire.rings", "somebody to call in an alarm"),
        (
            lambda data: data["community"].update(
                calendar={"holidays": ["2026-01-01"], "working_days": ["2026-01-01"]}
            ),
            "community.calendar",
            "one of the two",
        ),
    ],
)
def test_what_can_never_work_is_a_mistake(change: Change, key: str, words: str) -> None:
    found = [text for text, warning in _said(change) if not warning and key in text and words in text]

    assert found, _said(change)


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (_shifts(_shift("08:00", "20:00")), "teams[0].shifts", "nobody on duty on Monday 2026-01-05 from 00:00"),
        (
            _shifts(_shift("08:00", "20:00"), _shift("20:30", "08:00")),
            "teams[0].shifts",
            "Monday 2026-01-05 from 20:00",
        ),
        (
            _shifts(
                {"id": "week", "hours": {"from": "00:00", "until": "00:00", "days": ["workday"]}, "groups": [["ned"]]}
            ),
            "teams[0].shifts",
            "nobody on duty on Saturday 2026-01-10 from 00:00",
        ),
        (_fire(rings=[_ring("building"), _ring("team")]), "rings[0].call", "building, to which nobody belongs"),
        (_fire(rings=[_ring("team")]), "fire.rings", "nobody to call in b-2"),
        (_fire(rings=[_ring("team"), _ring("contacts", 9)], quorum=4), "fire.quorum", "can be called in b-2, b-3"),
        (_fire(needs={"hydrant": 1}), "fire.needs", "hydrant, which too few of those called can do in 3 of 3"),
        (_fire(rings=[_ring("team", hours=NIGHT)]), "fire.rings", "no ring on Monday at 06:00"),
        (_fire(rings=[_ring("team"), _ring("building", 5, classes=["trouble"])]), "rings[1].after_s", "at once"),
        (lambda data: _person(data), "people[10]", "a person without a task"),
        (
            lambda data: data["plan"].update(quiet={"hours": {"from": "00:00", "until": "00:00"}}),
            "plan.quiet.hours",
            "without an end",
        ),
    ],
)
def test_what_works_worse_than_it_looks_is_a_warning(change: Change, key: str, words: str) -> None:
    found = [text for text, warning in _said(change) if warning and key in text and words in text]

    assert found, _said(change)


def test_shifts_round_the_clock_with_workdays_and_days_off_have_no_gap() -> None:
    def change(data: Data) -> None:
        data["community"]["calendar"] = {"holidays": ["2026-10-01"], "working_days": ["2026-10-10"]}
        spans = [("workday", "08:00", "18:00"), ("workday", "18:00", "08:00"), ("day-off", "08:00", "08:00")]
        data["teams"][0]["shifts"] = [
            {"id": f"{days}-{begin[:2]}", "hours": {"from": begin, "until": end, "days": [days]}, "groups": [["ned"]]}
            for days, begin, end in spans
        ]

    assert not [text for text, _ in _said(change) if "on duty" in text]


def test_a_gap_that_only_a_holiday_makes_is_found() -> None:
    def change(data: Data) -> None:
        data["community"]["calendar"] = {"holidays": ["2026-10-01"]}
        week = {"from": "00:00", "until": "00:00", "days": ["workday", "sat", "sun"]}
        data["teams"][0]["shifts"] = [{"id": "all", "hours": week, "groups": [["ned"]]}]

    assert [text for text, _ in _said(change) if "Thursday 2026-10-01 from 00:00" in text]


def test_a_responder_without_a_channel_that_rings_is_named() -> None:
    def change(data: Data) -> None:
        for channel in data["channels"].values():
            channel["rings"] = False
        data["channels"]["mail"]["rings"] = True

    named = [text.split("people[")[1].split("]")[0] for text, _ in _said(change) if "none that rings" in text]
    assert named == [str(number) for number in range(8)]  # all but nick and sue, who have mail


def _push(**channel: Any) -> Change:
    def change(data: Data) -> None:
        data["channels"]["push"] = {"type": "webpush", **channel}
        data["people"][0]["channels"].insert(0, {"channel": "push"})

    return change


def _said_of_push(change: Change) -> list[str]:
    return [said for said, _ in _said(change) if "push" in said or "again" in said or ".to" in said]


def test_web_push_needs_nothing_and_may_not_count_as_a_road_that_rings() -> None:
    assert _said_of_push(_push()) == []
    assert _said_of_push(_push(sender="mailto:duty@example.org")) == []
    (rings,) = _said_of_push(_push(rings=True))
    assert "channels.push.rings" in rings and "not woken by it" in rings
    (sender,) = _said_of_push(_push(sender="duty@example.org"))
    assert "channels.push.sender" in sender and "mailto:" in sender


def test_web_push_without_https_is_a_warning() -> None:
    def change(data: Data) -> None:
        _push()(data)
        data["plan"]["board_url"] = "http://board.example.org"

    ((said, warning),) = [each for each in _said(change) if "board_url" in each[0]]
    assert warning and "https" in said


def test_web_push_is_every_phone_of_a_person_and_there_is_one_of_it() -> None:
    def twice(data: Data) -> None:
        _push()(data)
        data["channels"]["again"] = {"type": "webpush"}

    def addressed(data: Data) -> None:
        _push()(data)
        data["people"][0]["channels"][0]["to"] = "my phone"

    (second,) = _said_of_push(twice)
    assert "channels.again" in second and "second" in second
    (address,) = _said_of_push(addressed)
    assert "people[0].channels[0].to" in address and "'my phone'" in address
