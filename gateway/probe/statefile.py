"""A scan that was interrupted, on disk: one small file for each bus, beside the other state of this user."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from config.endpoint import state_folder
from gateway.probe.course import Course, course_of
from gateway.probe.overheard import Overheard


class NoScan(Exception):
    """There is no interrupted scan that could go on; str() says why and what to do."""


@dataclass(frozen=True, slots=True)
class ScanFile:
    """Where the scan of one bus is kept. `place` is a port or address, `settings` how it was asked."""

    place: str
    settings: str
    serial: bool

    @property
    def path(self) -> Path:
        """The file of this place."""
        return state_folder() / "probe" / f"{re.sub(r'[^A-Za-z0-9]+', '-', self.place).strip('-')}.json"

    def keep(self, course: Course, overheard: Overheard) -> None:
        """Write it down whole, or leave what was there. Raises OSError."""
        facts = {"place": self.place, "settings": self.settings, "course": course.facts()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(facts | {"overheard": overheard.facts()}), encoding="utf-8")
        beside.replace(self.path)

    def read(self) -> tuple[Course, Overheard]:
        """The scan as it was left. Raises NoScan."""
        try:
            facts = json.loads(self.path.read_text(encoding="utf-8"))
            if facts["place"] != self.place:
                raise NoScan(f"the scan in {self.path} is of {facts['place']}: leave --resume away to begin anew")
            if facts["settings"] != self.settings:
                raise NoScan(
                    f"the scan of {self.place} was made at {facts['settings']}, not {self.settings}: say the same"
                    " settings, or leave --resume away to begin anew"
                )
            return course_of(facts["course"]), Overheard.of_facts(self.serial, facts["overheard"])
        except FileNotFoundError:
            raise NoScan(f"no scan of {self.place} was interrupted: leave --resume away") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoScan(f"{self.path} cannot be read ({error}): leave --resume away to begin anew") from error

    def exists(self) -> bool:
        """Whether a scan was interrupted here."""
        return self.path.exists()

    def forget(self) -> None:
        """The scan is done."""
        self.path.unlink(missing_ok=True)
