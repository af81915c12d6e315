"""What a trend says, in a sentence or two of each language. Texts only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from collector.equipment.pressure import Leak, Verdict
from collector.equipment.smoke import Drift, Level
from config.people import Text

_LEAK: Mapping[Verdict, Text] = {
    Verdict.LEAK: {
        "en": "It leaks: {slope:.0f} ± {error:.0f} kPa in 30 days, by {days} days.",
        "zh": "正在漏气：每30天变化 {slope:.0f} ± {error:.0f} kPa（依据{days}天数据）。",
    },
    Verdict.TIGHT: {
        "en": "It is tight: {slope:.0f} ± {error:.0f} kPa in 30 days, by {days} days.",
        "zh": "没有漏气：每30天变化 {slope:.0f} ± {error:.0f} kPa（依据{days}天数据）。",
    },
    Verdict.OPEN: {
        "en": "Not to be told yet: {slope:.0f} ± {error:.0f} kPa in 30 days, by {days} days.",
        "zh": "暂时无法判断是否漏气：每30天变化 {slope:.0f} ± {error:.0f} kPa（依据{days}天数据）。",
    },
    Verdict.UNKNOWN: {
        "en": "Not to be told yet: there are {days} days.",
        "zh": "暂时无法判断是否漏气：目前只有{days}天数据。",
    },
}
_MORE: Text = {"en": " {needed} more days are needed to be sure.", "zh": "还需要{needed}天数据才能确定。"}
_BELOW: Text = {"en": " Below {limit:g} kPa about {on}.", "zh": "预计 {on} 低于 {limit:g} kPa。"}
_LEVEL: Mapping[Level | None, Text] = {
    None: {"en": "Its clean air is still being learnt.", "zh": "正在学习洁净空气的读数，需要一天。"},
    Level.OK: {"en": "Clean enough.", "zh": "探测器清洁度正常。"},
    Level.DIRTY1: {"en": "Dirty: clean it soon.", "zh": "探测器变脏，请尽快清洗。"},
    Level.DIRTY2: {"en": "Very dirty: clean it now.", "zh": "探测器很脏，请立即清洗。"},
    Level.LOW_CHAMBER: {"en": "Its signal is too low: it may not see smoke.", "zh": "信号过低，可能探测不到烟雾。"},
}
_DRIFT: Text = {
    "en": " {slope:.1f} ± {error:.1f} % in 30 days, by {days} days.",
    "zh": "每30天变化 {slope:.1f} ± {error:.1f} %（依据{days}天数据）。",
}
_CLEAN: Text = {"en": " Clean it before {on}.", "zh": "请在 {on} 前清洗。"}


def leak_words(leak: Leak, below: tuple[float, date] | None) -> Text:
    """What the slope of a pressure says. `below`: the limit that it will be below, and when."""
    facts = {
        "slope": leak.slope_kpa_per_month or 0.0,
        "error": leak.uncertainty_kpa_per_month or 0.0,
        "days": leak.days_of_data,
    }
    parts = [_filled(_LEAK[leak.verdict], **facts)]
    if leak.verdict in (Verdict.OPEN, Verdict.UNKNOWN) and leak.days_needed:
        parts.append(_filled(_MORE, needed=leak.days_needed))
    if leak.verdict is Verdict.LEAK and below is not None:
        parts.append(_filled(_BELOW, limit=below[0], on=below[1]))
    return _joined(parts)


def drift_words(level: Level | None, drift: Drift, clean_by: date | None) -> Text:
    """What the dirt in a chamber says."""
    parts = [_LEVEL[level]]
    if drift.percent_per_month is not None:
        error = drift.uncertainty_per_month or 0.0
        parts.append(_filled(_DRIFT, slope=drift.percent_per_month, error=error, days=drift.days_of_data))
    if clean_by is not None:
        parts.append(_filled(_CLEAN, on=clean_by))
    return _joined(parts)


def _filled(text: Text, **facts: object) -> Text:
    return {language: words.format(**facts) for language, words in text.items()}


def _joined(parts: list[Text]) -> Text:
    return {"en": "".join(part["en"] for part in parts), "zh": "".join(part["zh"] for part in parts)}
