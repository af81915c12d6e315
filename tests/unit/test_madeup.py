"""A made-up past has every measurement with every field, and is the same for the same seed."""

from __future__ import annotations

import re

from config.figures import MEASUREMENTS
from config.loader import load_site
from tests.history_week import DAY_MS, DEMO
from tests.madeup_past import MadeUp

UNTIL_MS = 1_796_000_000_000


def past(seed: int) -> list[str]:
    return list(MadeUp(load_site(DEMO), UNTIL_MS - 2 * DAY_MS, UNTIL_MS, seed, thin=30).figures())


def test_every_measurement_has_every_field_and_nothing_else() -> None:
    found: dict[str, set[str]] = {}
    for line in past(1):
        key, fields, _ = re.split(r"(?<!\\) (?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)", line)
        names = re.findall(r"(?:^|,)(\w+)=", re.sub(r'"[^"]*"', '""', fields))
        found.setdefault(key.partition(",")[0], set()).update(names)
    expected = {name: {*each.numbers, *each.words} for name, each in MEASUREMENTS.items() if name != "retention_choice"}
    assert found == expected


def test_the_same_seed_makes_the_same_past_and_another_seed_another() -> None:
    assert past(1) == past(1) != past(2)
