"""Every word of the pages, in Chinese and English. Texts of points come from the profiles, names from the site."""

from __future__ import annotations

import re

from collector.alerter.accesswords import ACCESS_WORDS
from collector.alerter.drillwords import DRILL_WORDS
from collector.alerter.elevatorwords import ELEVATOR_WORDS
from collector.alerter.firsthitwords import FIRST_HIT_WORDS
from collector.alerter.framewords import FRAME_WORDS
from collector.alerter.measurewords import MEASURE_WORDS
from collector.alerter.rosterwords import ROSTER_WORDS
from collector.messages.phrases import PHRASES
from config.people import Language
from config.profile import Condition, Kind

_ACCEPTED = re.compile(r"\s*([a-zA-Z]{1,8}|\*)(?:-[a-zA-Z0-9]{1,8})*\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


def _begun(words: str) -> str:
    """Words of a notice as they begin a line."""
    return words[:1].upper() + words[1:].lower()


MESSAGES: dict[str, dict[Language, str]] = {
    # the frame of every page
    "supplement": {
        "zh": f"{PHRASES['zh'].supplement}发现火情，请您自己拨打119。",
        "en": f"{PHRASES['en'].supplement} In a fire, call 119 yourself.",
    },
    **FRAME_WORDS,
    "other-language": {"zh": "English", "en": "中文"},
    "skip": {"zh": "跳到内容", "en": "Skip to content"},
    "as-of": {"zh": "数据时间", "en": "Data as of"},
    "live": {"zh": "实时", "en": "Live"},
    "not-live": {"zh": "不自动更新", "en": "Not updating by itself"},
    "sound-on": {"zh": "声音：开", "en": "Sound: on"},
    "sound-off": {"zh": "声音：关", "en": "Sound: off"},
    "connecting": {"zh": "正在连接", "en": "Connecting"},
    "lost": {
        "zh": "连接已中断 {for}，以下内容可能已过时",
        "en": "Connection lost for {for}. What you see may be out of date",
    },
    "back": {"zh": "返回值守屏", "en": "Back to the board"},
    # ages, filled in by the server and by the page itself
    "ago-s": {"zh": "{n} 秒前", "en": "{n} s ago"},
    "ago-min": {"zh": "{n} 分钟前", "en": "{n} min ago"},
    "ago-h": {"zh": "{n} 小时前", "en": "{n} h ago"},
    "ago-d": {"zh": "{n} 天前", "en": "{n} d ago"},
    "for-s": {"zh": "{n} 秒", "en": "{n} s"},
    "for-min": {"zh": "{n} 分钟", "en": "{n} min"},
    "for-h": {"zh": "{n} 小时", "en": "{n} h"},
    "for-d": {"zh": "{n} 天", "en": "{n} d"},
    # kinds, classes and conditions that no profile declares: as in the notices
    **{kind.value: {each: _begun(say.kinds[kind]) for each, say in PHRASES.items()} for kind in Kind},
    **{
        condition.value: {each: _begun(say.conditions[condition]) for each, say in PHRASES.items()}
        for condition in Condition
        if condition.is_flag
    },
    # phases
    "phase-active": {"zh": "尚未恢复", "en": "still present"},
    "phase-acknowledged": {"zh": "尚未恢复，已确认", "en": "still present, acknowledged"},
    "phase-returned": {"zh": "已恢复，待确认", "en": "back to normal, not acknowledged"},
    "phase-awaiting-reset": {"zh": "已恢复，待复位", "en": "back to normal, awaiting reset"},
    "phase-normal": {"zh": "已恢复", "en": "back to normal"},
    # the board
    "open-incidents": {"zh": "未结束的事件", "en": "Open incidents"},
    "troubles": {"zh": "故障与监管", "en": "Troubles"},
    "none-open": {"zh": "目前没有未结束的事件", "en": "No open incident"},
    "devices": {"zh": "设备", "en": "Devices"},
    "devices-heard": {"zh": "{n} / {of} 台设备在线", "en": "{n} of {of} devices online"},
    "gateways": {"zh": "网关", "en": "Gateways"},
    "recently-closed": {"zh": "最近结束的事件", "en": "Recently closed"},
    "since": {"zh": "开始于", "en": "Since"},
    "where": {"zh": "地点", "en": "Where"},
    "details": {"zh": "详情", "en": "Details"},
    "online": {"zh": "在线", "en": "Online"},
    "offline": {"zh": "离线", "en": "Offline"},
    "unheard": {"zh": "尚无数据", "en": "Not heard yet"},
    "normal": {"zh": "正常", "en": "Normal"},
    "no-value": {"zh": "无数值", "en": "no value"},
    "stale": {"zh": "已过时", "en": "stale"},
    "bad": {"zh": "无效", "en": "bad"},
    "whole-building": {"zh": "整栋楼", "en": "Whole building"},
    "lift-number": {"zh": "电梯注册代码 {number}", "en": "Elevator registration {number}"},
    # people
    "going": {"zh": "正在前往", "en": "Going"},
    "arrived": {"zh": "已到现场", "en": "On site"},
    "cannot": {"zh": "去不了", "en": "Cannot go"},
    "nobody-yet": {"zh": "还没有人回复", "en": "Nobody has answered yet"},
    "nobody-going": {"zh": "还没有人前往", "en": "Nobody is going yet"},
    "before": {"zh": "上一次呼叫时的回复", "en": "said before this call"},
    "listed": {language: say.listed for language, say in PHRASES.items()},
    "enough": {"zh": "人手已够", "en": "Enough people"},
    "of-needed": {"zh": "已有 {n} 人，需要 {of} 人", "en": "{n} of {of} needed"},
    "ring-of": {"zh": "已呼叫 {n} 轮，共 {of} 轮", "en": "Ring {n} of {of} called"},
    "stood-down": {"zh": "{who} 已结束呼叫", "en": "Stood down by {who}"},
    "limited-call": {"zh": "只通知了队长和物业负责人", "en": "Leader and manager only"},
    "closed-at": {"zh": "结束于", "en": "Closed"},
    "opened-at": {"zh": "系统收到", "en": "Heard here"},
    # the incident page
    "conditions": {"zh": "报警点", "en": "Conditions"},
    "responses": {"zh": "回复", "en": "Answers"},
    "notices": {"zh": "通知", "en": "Notices"},
    "timeline": {"zh": "经过", "en": "Timeline"},
    "what": {"zh": "内容", "en": "What"},
    "not-sent": {"zh": "尚未发送", "en": "Not sent yet"},
    "failed": {"zh": "未送达", "en": "Failed"},
    "handed-over": {"zh": "已送出", "en": "Handed over"},
    "superseded": {"zh": "不再发送", "en": "No more sendings"},
    "reason-own-team": {"zh": "本楼微型消防站", "en": "the building's own team"},
    "reason-neighbour-team": {"zh": "邻楼微型消防站", "en": "a neighbour's team"},
    "reason-manager": {"zh": "物业负责人", "en": "property manager"},
    "reason-grid-cell": {"zh": "网格负责人", "en": "responsible for the grid cell"},
    "reason-emergency-contact": {"zh": "紧急联系人", "en": "emergency contact"},
    "reason-named": {"zh": "此事由此人负责", "en": "named by the condition itself"},
    "reason-new-device": {"zh": "又有设备报警", "en": "another device is in alarm"},
    "reason-raised-again": {"zh": "报警再次出现", "en": "the alarm is back"},
    "reason-quorum-lost": {"zh": "人手又不够", "en": "not enough people any more"},
    "reason-late-report": {"zh": "报告迟到", "en": "the report arrived late"},
    "reason-channel-failed": {"zh": "前一渠道未送达", "en": "the channel before failed"},
    "reason-next-channel": {"zh": "未回复，改用下一渠道", "en": "no answer: the next channel as well"},
    "reason-test": {"zh": "联系方式测试", "en": "test of a channel"},
    "reason-quorum-reached": {"zh": "人手已够", "en": "enough people are going"},
    "reason-stand-down": {"zh": "呼叫已结束", "en": "stood down"},
    "reason-closed": {"zh": "事件结束", "en": "incident closed"},
    "event-incident-opened": {"zh": "事件开始", "en": "Incident opened"},
    "event-incident-closed": {"zh": "事件结束", "en": "Incident closed"},
    "event-alarm-raised": {"zh": "出现", "en": "Raised"},
    "event-alarm-raised-again": {"zh": "再次出现", "en": "Raised again"},
    "event-alarm-returned": {"zh": "恢复正常", "en": "Back to normal"},
    "event-alarm-source-gone": {
        "zh": "设备已撤走、移位或设置已改，视为恢复",
        "en": "Its source has left the site, has moved or now means something else: counts as returned",
    },
    "event-alarm-acknowledged": {"zh": "已确认", "en": "Counts as acknowledged"},
    "event-alarm-reset": {"zh": "已复位", "en": "Unlatched"},
    "event-clock-set-back": {"zh": "重启后时钟回拨", "en": "The clock was set back over a restart"},
    "event-call-started": {"zh": "开始呼叫", "en": "Call-out started"},
    "event-ring-called": {"zh": "呼叫下一轮", "en": "Ring called"},
    "event-last-ring-called": {"zh": "已呼叫最后一轮", "en": "The last ring has been called"},
    "event-notice-created": {"zh": "通知", "en": "Notice to"},
    "event-notice-failed": {"zh": "通知未送达", "en": "Notice not delivered to"},
    "event-unreachable": {"zh": "联系不上", "en": "Could not be reached"},
    "event-reach-tested": {"zh": "联系方式测试", "en": "Test message to"},
    "event-answered": {"zh": "回复", "en": "Answered"},
    "event-acknowledged": {"zh": "知悉", "en": "Acknowledged"},
    "event-quorum-reached": {"zh": "人手已够", "en": "Enough people are going"},
    "event-quorum-lost": {"zh": "人手又不够", "en": "Not enough people any more"},
    "event-stood-down": {"zh": "结束呼叫", "en": "Stood down"},
    "event-reset": {"zh": "复位", "en": "Reset"},
    # the answer page
    "not-answered": {"zh": "您还没有回复", "en": "You have not answered yet"},
    "answers-others": {
        "zh": "您的回复对同一条通知里的另外 {n} 起事件同样有效。",
        "en": "Your answer also counts for the others of the same notice: {n}.",
    },
    "answer-again": {"zh": "情况有变化，请再次回复", "en": "Something new has happened: please answer again"},
    "you-are-going": {"zh": "您已回复：正在前往", "en": "You are going"},
    "you-arrived": {"zh": "您已回复：已到现场", "en": "You have arrived"},
    "you-cannot": {"zh": "您已回复：去不了", "en": "You have said that you cannot go"},
    "button-going": {"zh": "我去", "en": "I am going"},
    "button-arrived": {"zh": "我到了", "en": "I have arrived"},
    "button-cannot": {"zh": "我去不了", "en": "I cannot go"},
    "gate-code": {"zh": "门禁密码", "en": "Gate code"},
    "access": {"zh": "进楼说明", "en": "Getting in"},
    "who-goes": {"zh": "前往人员", "en": "Who is going"},
    "route": {"zh": "路线", "en": "Route"},
    "route-app": {"zh": "用地图应用打开", "en": "Open in a map app"},
    "route-amap": {"zh": "高德地图", "en": "Amap"},
    "route-osm": {"zh": "OpenStreetMap", "en": "OpenStreetMap"},
    "call-119": {"zh": "拨打 119", "en": "Call 119"},
    "refresh": {"zh": "刷新", "en": "Refresh"},
    "page-of": {"zh": "本页生成于 {time}", "en": "This page is of {time}"},
    "lead": {"zh": "队长与现场人员", "en": "For the leader and people on site"},
    "button-stand-down": {"zh": "结束呼叫，不再叫人", "en": "Stand down: call nobody else"},
    "button-reset": {"zh": "复位：现场已恢复正常", "en": "Reset: the place is safe again"},
    "over": {"zh": "事件已经结束", "en": "This incident is over"},
    "over-text": {
        "zh": "结束于 {time}。感谢您的帮助，不必再去。",
        "en": "It closed at {time}. Thank you; nobody needs to come.",
    },
    "called": {"zh": "{name}，请您帮忙", "en": "{name}, you are called"},
    **ACCESS_WORDS,
    **DRILL_WORDS,
    **ELEVATOR_WORDS,
    **MEASURE_WORDS,
    **ROSTER_WORDS,
    **FIRST_HIT_WORDS,
    # refusals, by the engine's reasons
    "refused": {"zh": "没有执行", "en": "Not done"},
    "refused-other": {"zh": "现在不能这样做。", "en": "This cannot be done now."},
    "refused-closed": {"zh": "事件已经结束。", "en": "The incident is over."},
    "refused-not-authorised": {
        "zh": "只有队长可以结束呼叫；复位须由队长、物业负责人或已到现场的人操作。",
        "en": "Only a leader may stand down; only a leader, the manager or somebody on site may reset.",
    },
    "refused-source-in-alarm": {
        "zh": "设备仍在报警，恢复正常后才能复位。",
        "en": "The source is still in alarm. Reset is possible once it is back to normal.",
    },
    "refused-owes-records": {
        "zh": "网关还有未送达的记录，请稍后再试。",
        "en": "The gateway still owes records. Please try again shortly.",
    },
    "refused-not-acknowledged": {"zh": "还没有人确认。", "en": "Nobody has acknowledged this yet."},
    "refused-nothing-to-reset": {"zh": "没有需要复位的报警。", "en": "Nothing waits for a reset."},
    "refused-unknown-person": {"zh": "名单中没有您。", "en": "You are not on this site's list."},
    "refused-unknown-incident": {"zh": "没有这个事件。", "en": "There is no such incident."},
    # links that do not open, and other plain pages
    "link-expired": {"zh": "链接已过期", "en": "This link has expired"},
    "link-expired-text": {
        "zh": "请使用最新消息里的链接。如仍有危险，请拨打 119。",
        "en": "Please use the link in the newest message. If there is danger, call 119.",
    },
    "link-forged": {"zh": "链接无效", "en": "This link is not valid"},
    "link-forged-text": {
        "zh": "链接的签名不正确。请打开消息里的原始链接。",
        "en": "Its signature does not match. Please open the link in the message itself.",
    },
    "link-malformed": {"zh": "链接不完整", "en": "This link is not complete"},
    "link-malformed-text": {
        "zh": "链接可能在复制时被截断。请打开消息里的完整链接。",
        "en": "It may have been cut when it was copied. Please open the whole link from the message.",
    },
    "link-gone": {"zh": "没有这个事件", "en": "No such incident"},
    "link-gone-text": {
        "zh": "本系统里没有这个事件或这个人。如仍有危险，请拨打 119。",
        "en": "This system has no such incident or person. If there is danger, call 119.",
    },
    "bad-answer": {"zh": "没有听懂", "en": "Not understood"},
    "bad-answer-text": {"zh": "请用页面上的按钮回复。", "en": "Please answer with the buttons of the page."},
    "too-many": {"zh": "操作太频繁", "en": "Too many requests"},
    "too-many-text": {"zh": "请稍等一分钟再试。", "en": "Please wait a minute and try again."},
    "not-found": {"zh": "没有这个页面", "en": "No such page"},
    "not-found-text": {"zh": "请检查地址。", "en": "Please check the address."},
    "not-saved": {"zh": "没有保存成功", "en": "It could not be saved"},
    "not-saved-text": {
        "zh": "系统暂时无法保存您的回复，请再试一次。",
        "en": "Your answer was not recorded. Please try again.",
    },
    "not-read": {"zh": "暂时无法读取", "en": "It cannot be read now"},
    "not-read-text": {
        "zh": "系统的存储没有回应，请稍后再试。",
        "en": "The store does not answer. Please try again shortly.",
    },
    "try-again": {"zh": "重新打开", "en": "Open it again"},
    # signing in to the board
    "enter": {"zh": "登录", "en": "Sign in"},
    "enter-text": {
        "zh": "值守屏上有姓名和地址，需要访问令牌。令牌在数据采集主机的状态目录里。",
        "en": "The board shows names and places, so it asks for the access token. "
        "It is in the state folder of the collector's machine.",
    },
    "token": {"zh": "访问令牌", "en": "Access token"},
    "wrong-token": {"zh": "令牌不正确", "en": "That is not the token"},
    # whom a ring calls, and other facts of the timeline
    "call-team": {"zh": "本楼微型消防站", "en": "the building's own team"},
    "call-neighbours": {"zh": "邻楼微型消防站", "en": "the neighbours' teams"},
    "call-manager": {"zh": "物业负责人", "en": "the property manager"},
    "call-grid-3": {"zh": "网格负责人（三级）", "en": "grid cell, level 3"},
    "call-grid-2": {"zh": "网格负责人（二级）", "en": "grid cell, level 2"},
    "call-grid-1": {"zh": "网格负责人（一级）", "en": "grid cell, level 1"},
    "call-contacts": {"zh": "紧急联系人", "en": "the emergency contacts"},
    "fact-call": {"zh": "第 {n} 次呼叫", "en": "call {n}"},
    "fact-people": {"zh": "{n} 人", "en": "people: {n}"},
    "fact-going": {"zh": "{n} 人", "en": "people: {n}"},
    # why something is offline
    "cause-silence": {"zh": "没有消息", "en": "silent"},
    "cause-death certificate": {"zh": "已断开", "en": "disconnected"},
}


def say(language: Language, key: str, **facts: object) -> str:
    """A message with its facts filled in. Raises KeyError for a message that does not exist."""
    text = MESSAGES[key][language]
    for name, fact in facts.items():
        text = text.replace("{" + name + "}", str(fact))
    return text


def knows(key: str) -> bool:
    """True if there is such a message: reasons of other modules may outgrow this catalogue."""
    return key in MESSAGES


def choose_language(asked: str | None, accept_language: str, default: Language) -> Language:
    """The language of a page: ?lang= first, then what the browser prefers, then the default."""
    if asked == "zh":
        return "zh"
    if asked == "en":
        return "en"
    best: tuple[float, Language] | None = None
    for part in accept_language[:200].split(","):
        match = _ACCEPTED.fullmatch(part)
        if match is None:
            continue
        language, weight = match[1].lower(), float(match[2] or 1)
        if weight > 0 and (best is None or weight > best[0]):
            if language == "zh":
                best = weight, "zh"
            elif language == "en":
                best = weight, "en"
    return default if best is None else best[1]
