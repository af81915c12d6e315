"""What the conditions of upkeep are called, and their values made sentences of, by language. Texts only.

A value is kept as pieces with "; " between them. `VALUES` has a template for them under "<word>/<number of pieces>",
or under the last piece where that is a word of its own, such as "no-temperature" or why something is silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language
from config.profile import Condition

CONDITIONS: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "pressure_falling": "压力持续缓慢下降，可能漏气",
        "pressure_stuck": "压力读数长期不变，传感器可能失灵",
        "smoke_rising": "烟雾浓度持续上升，尚未达到报警值",
        "chamber_dirty_soon": "探测器变脏，请尽快清洗",
        "chamber_dirty_now": "探测器很脏，容易误报，请立即清洗",
        "chamber_low": "探测器信号过低，可能探测不到烟雾",
        "inspection_due": "快到检查日期",
        "inspection_overdue": "检查已过期",
        "replacement_due": "快到更换日期",
        "replacement_overdue": "更换已过期",
    },
    "en": {
        "pressure_falling": "slowly losing pressure, probably leaking",
        "pressure_stuck": "pressure reading has not moved for weeks, the sensor may be broken",
        "smoke_rising": "smoke is rising, not yet at the alarm threshold",
        "chamber_dirty_soon": "detector is dirty, clean it soon",
        "chamber_dirty_now": "detector is very dirty and prone to false alarms, clean it now",
        "chamber_low": "detector signal too low, it may not see smoke",
        "inspection_due": "inspection is due soon",
        "inspection_overdue": "inspection is overdue",
        "replacement_due": "replacement is due soon",
        "replacement_overdue": "replacement is overdue",
    },
}

# Their class, where it is no trouble.
CLASSES: Mapping[str, Condition] = {
    "pressure_falling": Condition.SUPERVISORY,
    "smoke_rising": Condition.PRE_ALARM,
    "inspection_due": Condition.SUPERVISORY,
    "replacement_due": Condition.SUPERVISORY,
}

VALUES: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "silence": "没有消息",
        "death certificate": "已断开",
        "lost by its gateway": "网关读不到它",
        "last-seen": "{0}，这是最后看到的情况，现在收不到信号",
        "last-seen-somewhere": "这是最后看到的情况，现在收不到信号",
        "pressure_falling/1": "每30天变化 {0}",
        "pressure_falling/3": "每30天变化 {0}，预计 {2} 低于 {1}",
        "smoke_rising/2": "现在 {0}，平时 {1}",
        "chamber_dirty_soon/1": "污染程度 {0}",
        "chamber_dirty_soon/2": "污染程度 {0}，请在 {1} 前清洗",
        "chamber_dirty_now/1": "污染程度 {0}",
        "chamber_dirty_now/2": "污染程度 {0}",
        "inspection_due/1": "最迟 {0}",
        "inspection_overdue/1": "应在 {0} 前完成",
        "replacement_due/1": "最迟 {0}",
        "replacement_overdue/1": "应在 {0} 前完成",
        "at-20c": "折算到20 °C为 {0}",
        "own-figure": "{0}",
        "no-temperature": "{0}，没有温度数据，未作温度折算",
    },
    "en": {
        "silence": "nothing was heard",
        "death certificate": "disconnected",
        "lost by its gateway": "its gateway cannot read it",
        "last-seen": "{0}, last seen so, no signal now",
        "last-seen-somewhere": "last seen so, no signal now",
        "pressure_falling/1": "{0} in 30 days",
        "pressure_falling/3": "{0} in 30 days, below {1} about {2}",
        "smoke_rising/2": "{0} now, {1} in clean air",
        "chamber_dirty_soon/1": "{0} of the way to a false alarm",
        "chamber_dirty_soon/2": "{0} of the way to a false alarm, clean before {1}",
        "chamber_dirty_now/1": "{0} of the way to a false alarm",
        "chamber_dirty_now/2": "{0} of the way to a false alarm",
        "inspection_due/1": "by {0}",
        "inspection_overdue/1": "was due by {0}",
        "replacement_due/1": "by {0}",
        "replacement_overdue/1": "was due by {0}",
        "at-20c": "{0} at 20 °C",
        "own-figure": "{0}",
        "no-temperature": "{0}, temperature unknown, not compensated",
    },
}


def value_words(key: str, value: str, language: Language) -> str:
    """The value of a condition of upkeep or of silence as people say it; any other value as it is."""
    pieces = value.split("; ")
    word = key.rpartition(":")[2].rpartition("/")[2]
    templates = VALUES[language]
    template = templates.get(f"{word}/{len(pieces)}")
    if template is None and (len(pieces) > 1 or word == "silent"):
        template = templates.get(pieces[-1])
    return value if template is None else template.format(*pieces)
