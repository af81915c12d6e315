"""The words of conditions of upkeep: complete in both languages, and each value a sentence."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from collector.equipment.chamber import Rise, SmokeTrend
from collector.equipment.chambers import RISING, WORDS
from collector.equipment.cylinder import PressureTrend
from collector.equipment.cylinders import LEAKING, STUCK
from collector.equipment.pressure import Day as PressureDay
from collector.equipment.smoke import Day as SmokeDay
from collector.messages.conditionwords import CLASSES, CONDITIONS, VALUES, value_words
from collector.storage.kept import Kept
from collector.storage.tables import KEPT


def test_every_condition_of_upkeep_has_words_in_both_languages() -> None:
    dates = {f"{task}_{standing}" for task in ("inspection", "replacement") for standing in ("due", "overdue")}
    words = {LEAKING, STUCK, RISING, *WORDS.values(), *dates}

    assert set(CONDITIONS["zh"]) == set(CONDITIONS["en"]) == words
    assert set(VALUES["zh"]) == set(VALUES["en"])
    assert set(CLASSES) < words


@pytest.mark.parametrize(
    ("key", "value", "zh", "en"),
    [
        (
            "ext-1:pressure_falling",
            "-45 ± 12 kPa; 1000 kPa; 2026-06-20",
            "每30天变化 -45 ± 12 kPa，预计 2026-06-20 低于 1000 kPa",
            "-45 ± 12 kPa in 30 days, below 1000 kPa about 2026-06-20",
        ),
        (
            "ext-1:pressure_kpa:below_limit",
            "840 kPa; no-temperature",
            "840 kPa，没有温度数据，未作温度折算",
            "840 kPa, temperature unknown, not compensated",
        ),
        (
            "panel-1:detector/3/smoke_rising",
            "0.080 dB/m; 0.010 dB/m",
            "现在 0.080 dB/m，平时 0.010 dB/m",
            "0.080 dB/m now, 0.010 dB/m in clean air",
        ),
        ("ext-1:inspection_due", "2026-03-10", "最迟 2026-03-10", "by 2026-03-10"),
        ("smoke-1:state/unknown", "0x0F00", "0x0F00", "0x0F00"),
        ("gw-1:silent", "a; b {0}", "a; b {0}", "a; b {0}"),
    ],
)
def test_a_value_is_a_sentence_and_any_other_stays_as_it_is(key: str, value: str, zh: str, en: str) -> None:
    assert value_words(key, value, "zh") == zh
    assert value_words(key, value, "en") == en


@pytest.mark.parametrize(
    "item",
    [
        PressureTrend("ext-1"),
        PressureTrend(
            "ext-1",
            (PressureDay(20_000, 1190.5, None, 48, True), PressureDay(20_001, 1190.5, 18.2, 4, False)),
            *(18.4, 1_750_000_000_000, 1190.5, 1_750_000_000_000, 12.0, 19.5),
        ),
        SmokeTrend("panel-1:3", (0.01, 0.02), (SmokeDay(20_000, 12.5, None), SmokeDay(20_001, 13.0, 40.0)), 5),
        Rise("smoke-1", 1_750_000_000_000, 0.01),
    ],
)
def test_what_is_kept_comes_back_as_it_was(item: Kept) -> None:
    assert type(item) in KEPT.values()
    adapter = TypeAdapter(type(item))

    again = adapter.validate_json(adapter.dump_json(item))

    assert again == item
    if isinstance(again, PressureTrend | SmokeTrend) and again.days:
        assert again.days[0].number == 20_000


def test_why_something_is_silent_is_told_in_peoples_words() -> None:
    assert value_words("gw-1:silent", "silence", "zh") == "没有消息"
    assert value_words("gw-1:silent", "death certificate", "en") == "disconnected"
    assert value_words("gw-1:silent", "no route to host", "zh") == "no route to host"  # as its source said it
