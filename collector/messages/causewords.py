"""Why a first hit became the full call, in words for messages and pages."""

from __future__ import annotations

from collections.abc import Mapping

from collector.alarms.verification import Cause
from config.people import Language

CAUSE_WORDS: Mapping[Cause, dict[Language, str]] = {
    Cause.STILL_THERE: {"zh": "持续报警", "en": "still in alarm after the delay"},
    Cause.BACK_AGAIN: {"zh": "恢复后又报警", "en": "gone, and back again"},
    Cause.COUNTED: {"zh": "报警的探测器达到规定数量", "en": "as many detectors as the zone asks for"},
    Cause.SECOND_DEVICE: {"zh": "第二个独立探测器报警", "en": "a second, independent detector"},
    Cause.OTHER_ZONE: {"zh": "本楼另一分区也报警", "en": "a detector in another zone of the building"},
    Cause.MANUAL: {"zh": "有人按下手动报警按钮", "en": "a manual call point was pressed"},
    Cause.PANEL_CONFIRMED: {"zh": "控制器已确认火警", "en": "confirmed by the panel itself"},
    Cause.UNVERIFIED: {"zh": "无需核实的设备报警", "en": "a detector that is not verified"},
    Cause.PANEL_ALONE: {"zh": "控制器报火警，未见对应探测器", "en": "the panel says fire, no known detector does"},
    Cause.UNANSWERED: {"zh": "无人回复", "en": "nobody answered"},
    Cause.NOT_CLEARED_UP: {"zh": "规定时间内未能排除", "en": "not cleared up in time"},
    Cause.CANNOT: {"zh": "被请的人去不了", "en": "who was asked cannot go"},
    Cause.UNREACHABLE: {"zh": "联系不上被请的人", "en": "who was asked cannot be reached"},
    Cause.NOBODY_NEAR: {"zh": "附近没有可请的人", "en": "there is nobody near to ask"},
    Cause.MORE_NEEDED: {"zh": "现场需要更多人手", "en": "who looks needs more people"},
    Cause.ZONE_GONE: {"zh": "该分区已取消核实", "en": "the site verifies this zone no more"},
}
