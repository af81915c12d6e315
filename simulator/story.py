"""A scenario: what happens in the world, what people then do, and what must have followed by when.

Steps are taken in order. `at` is the earliest second of a step, counted from the story's start. The simulator plays
the `when` steps; people's steps (`then`) and expectations (`expect`) are for whoever plays the whole story from
outside, through the collector's REST API. They speak of the one incident that the story is `about`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from config.document import Document, Key, Mistake, Mistakes
from config.profile import Kind, Strict
from config.site import Site
from config.yamlfile import read_document
from simulator.actions import When, only_key

SHIPPED_STORIES = Path(__file__).parent / "stories"
WITHIN_S = 10.0


class About(Strict):
    """The incident a story is about."""

    kind: Kind
    building: str


class Says(Strict):
    """A person's answer to the call."""

    person: str
    says: Literal["going", "arrived", "cannot"]


class By(Strict):
    """Who does it."""

    person: str


class Then(Strict):
    """What a person does: exactly one of these, each one request of the collector's API."""

    answer: Says | None = None
    acknowledge: By | None = None
    reset: By | None = None
    freed: By | None = None  # they are on site and say that nobody is trapped any more
    stand_down: By | None = Field(default=None, alias="stand-down")

    @model_validator(mode="after")
    def _one_deed(self) -> Self:
        only_key(self)
        return self


class Told(Strict):
    """A notice has been handed over to a channel for this person, for this reason (a word of the dispatcher)."""

    person: str
    reason: str


class Expect(Strict):
    """What must hold by then: exactly one of these."""

    incident: Literal["open", "closed"] | None = None
    told: Told | None = None
    ring: Annotated[int, Field(ge=0, le=20)] | None = None  # a notice of this ring (0: the first) has been handed over
    answered: Says | None = None  # the person's newest answer is shown
    quorum: Literal[True] | None = None  # enough people are going
    source: Literal["active", "normal"] | None = None  # whether any alarm of the incident still stands at its source
    acknowledged: Literal[True] | None = None  # no alarm of the incident waits for an acknowledgement

    @model_validator(mode="after")
    def _one_expectation(self) -> Self:
        only_key(self)
        return self


class Step(Strict):
    """One step: exactly one of `when`, `then` and `expect`, with a line for the terminal if it needs one."""

    at: Annotated[float, Field(ge=0, le=3600)]
    say: dict[Literal["en", "zh"], str] | None = None
    when: When | None = None
    then: Then | None = None
    expect: Expect | None = None
    within_s: Annotated[float, Field(gt=0, le=600)] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(part is not None for part in (self.when, self.then, self.expect)) != 1:
            raise ValueError("exactly one of when, then and expect")
        if self.within_s is not None and self.expect is None:
            raise ValueError("within_s only beside expect")
        return self

    @property
    def deadline_s(self) -> float:
        """How long an expectation may take to come true, counted from when its turn came."""
        return self.within_s if self.within_s is not None else WITHIN_S


class Story(Strict):
    """A checked story."""

    story: str
    title: dict[Literal["en", "zh"], str]
    about: About
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


def shipped_stories() -> tuple[str, ...]:
    """The names of the stories that come with Callpoint."""
    return tuple(sorted(path.stem for path in SHIPPED_STORIES.glob("*.yaml")))


def read_story(name: str, site: Site) -> Story:
    """A shipped story by name, or a story file by its path, checked against the site. Raises Mistakes."""
    path = Path(name) if name.endswith(".yaml") else SHIPPED_STORIES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(shipped_stories())
        raise Mistakes([Mistake(str(path), 1, "story", "no such file", f"one of {known}, or a story's .yaml file")])
    document = read_document(path)
    story = None
    if not document.mistakes:
        try:
            story = Story.model_validate(document.value)
        except ValidationError as error:
            document.take_errors(error)
    if story is not None:
        _check(story, path.stem, site, document)
    if document.mistakes or story is None:
        raise Mistakes(document.mistakes)
    return story


def _check(story: Story, stem: str, site: Site, document: Document) -> None:
    if story.story != stem:
        document.mistake(("story",), repr(story.story), f"the file's own name, {stem!r}")
    for i, (before, after) in enumerate(itertools.pairwise(story.steps), 1):
        if after.at < before.at:
            document.mistake(("steps", i, "at"), f"{after.at:g}", f"steps in order of time, {before.at:g} or later")
    known = {"building": set(site.buildings), "device": set(site.devices), "person": set(site.people)}
    for path, word in _references(story):
        kind = str(path[-1])
        if word not in known[kind]:
            document.mistake(path, repr(word), f"the id of a {kind} of this site")


def _references(story: Story) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every building, device and person that a story names, with its place in the file."""
    yield ("about", "building"), story.about.building
    for i, step in enumerate(story.steps):
        for part in ("when", "then", "expect"):
            said = getattr(step, part)
            if said is None:
                continue
            for key, values in said.model_dump(by_alias=True, exclude_none=True).items():
                if isinstance(values, dict):
                    for kind in ("building", "device", "person"):
                        if kind in values:
                            yield ("steps", i, part, key, kind), values[kind]
