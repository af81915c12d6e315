"""What is said of a bus on a terminal or as JSON: units as they are found, verdicts with what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from gateway.link import EXCEPTIONS
from gateway.probe.course import Course, Found, found_facts, ranges
from gateway.probe.line import Line
from gateway.probe.terminal import FAINT, GREEN, RED, Progress, coloured
from gateway.probe.verdict import Survey, Verdict, verdicts
from gateway.probe.whereabouts import Whereabouts

OK, WRONG, USAGE, INTERRUPTED = 0, 1, 2, 130


class Talk:
    """What is said while a scan runs: units as they are found, unless JSON follows at the end."""

    def __init__(self, as_json: bool, command: str = "probe") -> None:
        self.as_json, self._command = as_json, command
        self.progress: Progress | None = None

    def say(self, line: str) -> None:
        """One line of what is found."""
        self._clear()
        if not self.as_json:
            print(line, flush=True)

    def note(self, line: str) -> None:
        """One line beside it, for a person."""
        self._clear()
        print(line, file=sys.stderr, flush=True)

    def failed(self, said: str, code: int = WRONG) -> int:
        """Why nothing comes of it."""
        self._clear()
        print(f"callpoint {self._command}: {said}", file=sys.stderr)
        return code

    def _clear(self) -> None:
        if self.progress is not None:
            self.progress.clear()

    def verdict(self, verdict: Verdict) -> None:
        """One thing about the bus with what to do."""
        self.say("")
        self.say(coloured(verdict.said, RED if verdict.wrong else GREEN))
        for line in verdict.dump.splitlines():
            self.say(coloured(f"    {line}", FAINT))
        for each in verdict.do:
            self.say(f"  - {each}")


def found_line(found: Found) -> str:
    """A unit as it is told."""
    outcome, ask = found.outcome, found.ask
    if outcome.how == "answers":
        said = f"{ask.table.value} {ask.address} = {outcome.words[0]:#06x}"
    else:
        said = f"{ask.table.value} {ask.address} refused: {EXCEPTIONS.get(outcome.code, f'exception {outcome.code}')}"
    return f"unit {found.unit:3d}  answers  {said}  ({outcome.took_ms} ms)"


def tell(survey: Survey, talk: Talk) -> int:
    """Everything that is to be said of a scan; its exit code."""
    found = verdicts(survey)
    wrong = any(each.wrong for each in found)
    if talk.as_json:
        print(json.dumps(survey_facts(survey, found), indent=2, ensure_ascii=False))
    for verdict in found:
        talk.verdict(verdict)
    return WRONG if wrong else OK


def survey_facts(survey: Survey, found: Sequence[Verdict]) -> dict[str, Any]:
    """A scan as plain JSON."""
    course = survey.course
    return {
        "bus": survey.bus,
        "settings": survey.settings or None,
        "asked": ranges(course.units),
        "questions": course.position,
        "units": [found_facts(each) for _, each in sorted(course.found.items())],
        "heard": survey.overheard.facts(),
        "verdicts": [{"word": each.word, "wrong": each.wrong, "said": each.said, "do": each.do} for each in found],
    }


def tell_master(where: Whereabouts, line: Line, talk: Talk) -> int:
    """Another master has stopped whatever was done on this line; the exit code."""
    survey = Survey(where.name, where.serial, where.settings, Course((1,)), line.overheard)
    found = [each for each in verdicts(survey) if each.wrong]
    if talk.as_json:
        print(json.dumps(survey_facts(survey, found), indent=2, ensure_ascii=False))
    for verdict in found:
        talk.verdict(verdict)
    return WRONG
