"""The pages' words about drills and the supervised way of an alarm, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

DRILL_WORDS: Mapping[str, dict[Language, str]] = {
    "drill": {"zh": "演练", "en": "Drill"},
    "drill-text": {"zh": "这是演练，请勿拨打119。", "en": "This is a drill: do not call 119."},
    "drills": {"zh": "正在演练", "en": "Drills under way"},
    "drill-over-text": {
        "zh": "演练已于 {time} 结束。若随后又收到报警通知，请按真实报警行动。",
        "en": "The drill ended at {time}. If you are called after that, it is real.",
    },
    "button-end-drill": {"zh": "结束本楼的演练", "en": "End the drill in this building"},
    "not-the-drill": {"zh": "真实报警，不是演练", "en": "Real, not a drill"},
    "reason-drill-over": {"zh": "演练结束", "en": "drill over"},
    "reason-drill-overtaken": {"zh": "演练停止，发生真实报警", "en": "drill over: this is real"},
    "reason-pulse": {"zh": "通路自检", "en": "alarm path test"},
    "event-drill-started": {"zh": "演练开始", "en": "Drill begun"},
    "event-drill-ended": {"zh": "演练结束", "en": "Drill over"},
    "event-drill-overtaken": {"zh": "真实报警，演练停止", "en": "An actual alarm has ended the drill"},
    "refused-drill": {"zh": "演练不需要复位，请直接结束演练。", "en": "A drill needs no reset: end it instead."},
    "refused-unknown-drill": {"zh": "没有正在进行的这次演练。", "en": "No such drill is running."},
    "refused-unknown-building": {"zh": "名单中没有这栋楼。", "en": "This building is not of the site."},
    "refused-drill-running": {
        "zh": "其中一栋楼已在演练。",
        "en": "A drill is already running in one of these buildings.",
    },
    "refused-alarm-open": {
        "zh": "其中一栋楼正在真实报警。",
        "en": "An actual alarm is open in one of these buildings.",
    },
    "refused-bad-drill": {"zh": "演练的内容不完整或不允许。", "en": "A drill cannot be so."},
}
