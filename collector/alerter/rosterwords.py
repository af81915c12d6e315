"""The pages' words about rosters, rings and replacements, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

ROSTER_WORDS: Mapping[str, dict[Language, str]] = {
    "reason-building": {"zh": "在本楼居住或工作", "en": "lives or works in the building"},
    "reason-off-duty": {"zh": "本楼微型消防站，不当班", "en": "the building's own team, off duty"},
    "reason-fire-station": {"zh": "消防救援站电话", "en": "the fire station's number"},
    "reason-replacement": {"zh": "替补去不了或未到场的人", "en": "in place of somebody else"},
    "reason-skill-needed": {"zh": "需要其技能", "en": "can do what is needed"},
    "reason-not-arrived": {"zh": "答应前往但未按时到场", "en": "said going, not arrived in time"},
    "reason-responder-late": {"zh": "有人未按时到场", "en": "somebody has not arrived in time"},
    "reason-joined": {"zh": "又出现较低级别的情况", "en": "something lesser beside it"},
    "event-skill-needed": {"zh": "人数已够，缺少技能", "en": "Enough people, a skill is missing"},
    "event-overdue": {"zh": "未按时到场", "en": "Not arrived in time"},
    "event-nobody-on-duty": {"zh": "无人值班", "en": "Nobody on duty"},
    "event-waits-for-morning": {"zh": "静默时段，早上再通知", "en": "Told when the quiet hours end"},
    "refused-unknown-absence": {"zh": "没有这条请假记录。", "en": "There is no such absence."},
    "refused-impossible-time": {"zh": "起止时间不对。", "en": "These times cannot be."},
    "refused-no-substitute": {"zh": "替班的人不对。", "en": "That is no substitute."},
    "refused-too-many-absences": {"zh": "请假记录太多。", "en": "Too many absences are kept."},
}
