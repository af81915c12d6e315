""" "Why was I called?" and "why was I not?" have an answer, beside a collector that runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

from collector import why
from collector.alarms.incident import Answer
from collector.commands import FalseAlarm
from collector.messages.reasons import Why, lines
from collector.storage.records import Attempt, Batch
from collector.storage.store import Limits, open_store
from tests.scenarios.play import Play
from tests.sites import site_data, small_site


def told(tmp_path: Path, play: Play, incident: str = "latest", person: str | None = None, site: bool = False) -> str:
    """What the command's text says of a scenario that was kept in a real store, which is still in use."""

    async def read() -> Why | None:
        collector = await open_store(f"sqlite:{tmp_path}/state.db", Limits(reserve_bytes=4096))
        try:
            await collector.commit(Batch(tuple(play.decisions)))
            for notice in play.notices.values():
                at_ms = notice.created_at_ms
                if notice.person == "ned":
                    await collector.record_attempt(Attempt(notice.id, 1, "console", at_ms + 10, None, "busy"))
                await collector.record_attempt(Attempt(notice.id, 1, "console", at_ms + 50, at_ms + 60))
            reader = await open_store(f"sqlite:{tmp_path}/state.db", read_only=True)
            try:
                return await why.why_of(reader, incident, play.site if site else None, person)
            finally:
                await reader.close()
        finally:
            await collector.close()

    found = asyncio.run(read())
    assert found is not None
    return "\n".join(lines(found, play.site.zone))


def kitchen_fire() -> Play:
    """The own team is called; one cannot, the neighbours follow; enough go, it is reset."""
    play = Play()
    play.at(5).says("smoke-1", ago_s=2, fire=True)
    play.at(10).answers("nick", Answer.CANNOT)
    play.at(15).answers("nora", Answer.GOING)
    play.at(36).answers("sam", Answer.GOING)
    return play


def reset(play: Play) -> Play:
    play.at(60).says("smoke-1", fire=False)
    play.at(61).answers("nora", Answer.ARRIVED).resets("nora")
    return play


def line(text: str, *words: str) -> str:
    """The only line with all these words."""
    (only,) = [each for each in text.splitlines() if all(word in each for word in words)]
    return only


def section(text: str, person: str) -> str:
    """What is told of one person."""
    after = text.partition(f"\n  {person}\n")[2].splitlines()
    return "\n".join(takewhile(lambda each: each.startswith("    "), after))


def test_it_tells_what_opened_the_incident_by_both_clocks(tmp_path: Path) -> None:
    text = told(tmp_path, kitchen_fire())

    head = line(text, "caused by smoke-1:fire")
    source, heard = head.partition(" at ")[2].split(" by its source, heard at ")
    assert int(heard[-6:-4]) - int(source[-6:-4]) == 2
    assert line(text, "ring 1 is called: team") < line(text, "ring 2 is called: neighbours")


def test_it_tells_each_person_s_reason_sendings_errors_answer_and_why_nothing_followed(tmp_path: Path) -> None:
    text = told(tmp_path, reset(kitchen_fire()))

    ned, nick, sue = section(text, "ned"), section(text, "nick"), section(text, "sue")
    assert "because you are in this building's own volunteer team (own-team)" in ned
    assert "sending 1 over console: failed: busy" in ned and "sending 1 over console: handed over" in ned
    assert "no more: enough people were going" in ned
    assert "nick says: cannot" in nick and "no more: they had answered or acknowledged" in nick
    assert "neighbour-team" in sue and "no more: enough people were going" in sue
    assert text.endswith("closed: reset by nora")


def test_it_tells_when_somebody_is_called_again_and_what_an_open_incident_waits_for(tmp_path: Path) -> None:
    play = Play().at(5).says("smoke-1", fire=True)
    text = told(tmp_path, play)
    assert text.count("waits for an answer and is sent again, ") == 3
    assert text.splitlines()[-1].startswith("open: it waits for smoke-1:fire to be normal, then for somebody to ackn")

    play.at(10).answers("ned", Answer.ARRIVED).says("smoke-1", fire=False)
    (tmp_path / "later").mkdir()
    last = told(tmp_path / "later", play, site=True).splitlines()[-1]
    assert last == "open: it waits for a reset by nora or mona or ned or a responder who has arrived"


@pytest.mark.parametrize(
    ("person", "site", "words"),
    [
        (
            "gina",
            True,
            "they belong to: grid-1; the rings called were: team, neighbours; then enough people were going",
        ),
        ("carl", True, "they belong to: contacts; "),
        ("nobody", True, "the site does not know this person"),
        ("gina", False, "the rings called were: team, neighbours; then enough people were going; --site SITE tells"),
    ],
)
def test_somebody_who_was_not_called_learns_why_not(tmp_path: Path, person: str, site: bool, words: str) -> None:
    text = told(tmp_path, kitchen_fire(), person=person, site=site)

    assert f"was not called: {words}" in text
    assert "nora is told" not in text


@pytest.mark.parametrize(
    ("play", "person", "words"),
    [
        (lambda: Play().says("smoke-1", fault=True), "ned", "this is no call-out"),
        (lambda: Play().says("smoke-1", fault=True).at(9).says("smoke-1", fault=False), None, "closed: normal again"),
        (lambda: Play().says("smoke-1", fault=True), None, "closed when its conditions are over, without a reset"),
        (lambda: kitchen_fire().stands_down("nora"), None, "no more: enough people were going"),
        (lambda: Play().says("smoke-1", fire=True).at(5).stands_down("nora"), None, "the call was ended by nora"),
        (lambda: kitchen_fire().at(50).answers("sam", Answer.CANNOT), "sue", "somebody who was going cannot"),
        (lambda: Play().says("smoke-1", fire=True).at(11).says("smoke-2", fire=True), "ned", "a new call began"),
    ],
)
def test_every_way_in_which_a_call_ends_is_named(
    tmp_path: Path, play: Callable[[], Play], person: str | None, words: str
) -> None:
    assert words in told(tmp_path, play(), person=person)


def test_it_tells_why_only_the_nearest_was_asked_and_why_everybody_was_called_then(tmp_path: Path) -> None:
    data = site_data()
    zone = {"id": "stairs", "name": "stairs", "building": "b-1", "members": ["smoke-1", "smoke-2"]}
    data["zones"] = [zone | {"verification": {"method": "cross-zone"}}]
    play = Play(small_site(data)).says("smoke-1", fire=True)
    assert "was not called: it is a first hit in a verified zone" in told(tmp_path, play, person="ned")

    play.acts(FalseAlarm(play.incident.id, "ned")).at(9).says("smoke-2", fire=True)
    (tmp_path / "later").mkdir()
    text = told(tmp_path / "later", play)

    assert "everybody is called: second-device (smoke-1, smoke-2)" in text
    assert "ned, not on site, says that it is a false alarm" in section(text, "ned")


def test_the_command_prints_lines_or_json_and_is_plain_about_what_it_does_not_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = f"sqlite:{tmp_path}/state.db"
    assert why.run("latest", state, None, None, as_json=False) == 2
    assert "no such file" in capsys.readouterr().err

    play = reset(kitchen_fire())
    told(tmp_path, play)
    (incident,) = play.incidents
    assert why.run(incident, state, None, "ned", as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["incident"]["id"] == incident and [part["person"] for part in said["people"]] == ["ned"]
    assert said["people"][0]["told"][0]["notice"]["reason"] == "own-team"

    assert why.run("latest", state, None, None, as_json=False) == 0
    assert f"incident {incident}: fire in b-1, closed" in capsys.readouterr().out
    assert why.run("nonsense", state, None, None, as_json=False) == 1
    assert "no incident 'nonsense'" in capsys.readouterr().err
    assert why.run("latest", state, tmp_path / "nowhere", None, as_json=False) == 1
    assert "a site folder" in capsys.readouterr().err


def test_a_store_without_incidents_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def make() -> None:
        await (await open_store(f"sqlite:{tmp_path}/state.db", Limits(reserve_bytes=4096))).close()

    asyncio.run(make())

    assert why.run("latest", f"sqlite:{tmp_path}/state.db", None, None, as_json=False) == 1
    assert "no incident yet" in capsys.readouterr().err
