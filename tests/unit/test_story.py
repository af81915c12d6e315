"""Promises of stories: those that ship fit the demo site, and a mistake is named by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.calls.dispatch import Reason
from config.document import Mistakes
from config.loader import load_site
from config.site import Site
from simulator.actions import Ignite
from simulator.story import read_story, shipped_stories
from simulator.world import World

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
GOOD = """\
story: mine
title: {en: "Mine", zh: "我的"}
about: {kind: fire, building: b-3}
steps:
  - {at: 1, when: {ignite: {building: b-3, floor: 5}}}
  - {at: 2, expect: {incident: open}, within_s: 3}
  - {at: 3, then: {answer: {person: wang-fang, says: going}}}
"""


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(DEMO)


def mistakes(text: str, folder: Path, site: Site) -> list[tuple[int, str]]:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Mistakes) as caught:
        read_story(str(path), site)
    assert all(mistake.file == str(path) for mistake in caught.value.mistakes)
    return [(mistake.line, mistake.key) for mistake in caught.value.mistakes]


def test_a_story_is_read_into_steps(tmp_path: Path, site: Site) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")

    story = read_story(str(path), site)

    world, expectation, person = story.steps
    assert world.when is not None
    assert world.when.action == Ignite(building="b-3", floor=5)
    assert (expectation.at, expectation.deadline_s) == (2, 3)
    assert person.then is not None
    assert person.then.answer is not None
    assert person.then.answer.person == "wang-fang"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("building: b-3}\n", "building: b-33}\n", (3, "about.building")),
        ("kind: fire", "kind: flood", (3, "about.kind")),
        ("building: b-3, floor: 5", "building: b-0, floor: 5", (5, "steps[0].when.ignite.building")),
        ("floor: 5", "floor: five", (5, "steps[0].when.ignite.floor")),
        ("ignite:", "explode:", (5, "steps[0].when.explode")),
        ("floor: 5}}}", "floor: 5}}, then: {reset: {person: wang-fang}}}", (5, "steps[0]")),
        ("incident: open", "incident: ajar", (6, "steps[1].expect.incident")),
        ("incident: open", "incident: open, quorum: true", (6, "steps[1].expect")),
        ("within_s: 3", "within_s: -1", (6, "steps[1].within_s")),
        ("at: 3", "at: 1.5", (7, "steps[2].at")),
        ("wang-fang", "wang-wu", (7, "steps[2].then.answer.person")),
        ("says: going", "says: maybe", (7, "steps[2].then.answer.says")),
        ("story: mine", "story: yours", (1, "story")),
    ],
)
def test_a_mistake_is_named_by_line_and_key(
    tmp_path: Path, site: Site, old: str, new: str, expected: tuple[int, str]
) -> None:
    assert old in GOOD
    assert expected in mistakes(GOOD.replace(old, new), tmp_path, site)


def test_all_mistakes_are_named_in_one_run(tmp_path: Path, site: Site) -> None:
    text = GOOD.replace("b-3, floor", "b-0, floor").replace("wang-fang", "wang-wu").replace("at: 3", "at: 0")

    assert [line for line, _ in mistakes(text, tmp_path, site)] == [5, 7, 7]


def test_an_unknown_story_names_those_there_are(site: Site) -> None:
    with pytest.raises(Mistakes, match="discharge, entrapment, fire"):
        read_story("flood", site)


def test_the_demos_stories_ship() -> None:
    assert {"fire", "entrapment", "discharge"} <= set(shipped_stories())


@pytest.mark.parametrize("name", shipped_stories())
def test_a_shipped_story_fits_the_demo_site_and_a_minute(name: str, site: Site) -> None:
    story = read_story(name, site)

    assert story.steps[-1].at < 60
    assert story.steps[-1].expect is not None
    assert story.steps[-1].expect.incident == "closed", "a story cleans up after itself"
    reasons = {step.expect.told.reason for step in story.steps if step.expect is not None and step.expect.told}
    assert reasons <= {reason.value for reason in Reason}
    assert {"en", "zh"} == set(story.title)


@pytest.mark.parametrize("name", shipped_stories())
def test_a_shipped_story_leaves_every_state_word_as_it_found_it(name: str, site: Site) -> None:
    story, world = read_story(name, site), World(site, 1)
    changed: dict[str, list[int]] = {}
    for step in story.steps:
        events = world.advance(step.at)
        if step.when is not None:
            events += world.act(step.when.action)
        for event in events:
            changed.setdefault(event.device, [event.before]).append(event.word)
    for event in world.advance(story.steps[-1].at + 20):
        changed.setdefault(event.device, [event.before]).append(event.word)

    assert changed
    assert all(words[0] == words[-1] for words in changed.values())
