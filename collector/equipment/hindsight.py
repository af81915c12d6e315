"""What a gateway's backlog says of a car after newer word of it has come: judged by itself, in its own time.

Pure. The present is never judged by what is old, nor the past by what is new. What was so then and is over is found
between two records; what lasts until now is for the present to say.
"""

from __future__ import annotations

from collector.alarms.heard import Heard
from collector.equipment.elevator import ENTRAPMENTS, Course, Signs, Word, follow, judge, signs_of
from config.profile import Profile
from config.words import Report

LOOKS_MAX = 16  # between two records: more moments than anything needs to become believed


class Hindsight:
    """One car's backlog, as it comes in. It lives as long as the process: a backlog that breaks off comes again."""

    def __init__(self, device: str, profile: Profile) -> None:
        self._profile = profile
        self._course = Course(device)
        self._values: dict[str, Heard] = {}
        self._look_at: int | None = None
        self._looked_at = 0

    def take(self, report: Report) -> dict[Word, int]:
        """The entrapments that held before this record or hold with it, with since when; none if it is older still."""
        found: dict[Word, int] = {}
        if report.at_ms < self._looked_at:  # another lane's
            return found
        signs = signs_of(self._profile, self._values)
        for _ in range(LOOKS_MAX):
            if self._look_at is None or self._look_at >= report.at_ms:
                break
            self._look(signs, self._look_at, found)
        self._values.update({reading.name: Heard(reading, report.at_ms) for reading in report.readings})
        self._look(signs_of(self._profile, self._values), report.at_ms, found)
        return found

    def _look(self, signs: Signs, at: int, found: dict[Word, int]) -> None:
        self._course = follow(self._course, signs, at)
        verdict = judge(self._course, signs, at)
        self._look_at, self._looked_at = verdict.look_at, at
        for word in ENTRAPMENTS:
            if verdict.holds.get(word):
                found.setdefault(word, verdict.since.get(word, at))
