"""The pages' words about disablements and walk tests, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

MEASURE_WORDS: Mapping[str, dict[Language, str]] = {
    "reason-watch": {"zh": "屏蔽期间的看护人", "en": "watches over what is disabled"},
    "reason-ends-soon": {"zh": "屏蔽即将到期", "en": "the disablement ends soon"},
    "reason-walk-test": {"zh": "报警测试", "en": "walk test"},
    "reason-handed-over": {"zh": "已呼叫队伍", "en": "the team is called now"},
    "reason-restored": {"zh": "屏蔽已解除", "en": "not disabled any more"},
    "event-alarm-rerouted": {
        "zh": "屏蔽或测试结束时仍在报警",
        "en": "Still in alarm at the end of a disablement or test",
    },
    "event-disablement-started": {"zh": "屏蔽", "en": "Disabled"},
    "event-disablement-renewed": {"zh": "续期屏蔽", "en": "Disablement renewed"},
    "event-disablement-ends-soon": {"zh": "屏蔽即将到期", "en": "The disablement ends soon"},
    "event-disablement-ended": {"zh": "解除屏蔽", "en": "Disablement ended"},
    "event-walk-test-started": {"zh": "报警测试开始", "en": "Walk test begun"},
    "event-walk-test-ended": {"zh": "报警测试结束", "en": "Walk test ended"},
    # disablements and walk tests: the strip on every page, their own page, the marks of a device
    "measures": {"zh": "屏蔽与测试", "en": "Disablements and tests"},
    "strip-disabled": {"zh": "已屏蔽 {n} 处", "en": "disabled: {n}"},
    "strip-walk-test": {"zh": "正在进行报警测试 {n} 项", "en": "walk tests: {n}"},
    "strip-drill": {"zh": "正在演练 {n} 项", "en": "drills: {n}"},
    "comma": {"zh": "，", "en": ", "},
    "strip-first-ends": {"zh": "最早 {time} 到期", "en": "the first ends at {time}"},
    "disabled-until": {"zh": "已屏蔽至 {time}", "en": "Disabled until {time}"},
    "tested-until": {"zh": "测试至 {time}", "en": "In a walk test until {time}"},
    "disabled-now": {"zh": "正在屏蔽", "en": "Disabled now"},
    "nothing-disabled": {"zh": "没有屏蔽", "en": "Nothing is disabled"},
    "walk-tests": {"zh": "报警测试", "en": "Walk tests"},
    "no-walk-tests": {"zh": "没有报警测试", "en": "No walk test"},
    "scope-device": {"zh": "设备", "en": "Device"},
    "scope-zone": {"zh": "防区", "en": "Zone"},
    "scope-building": {"zh": "整栋楼", "en": "Whole building"},
    "until": {"zh": "至 {time}", "en": "Until {time}"},
    "ended-at": {"zh": "{time} 结束", "en": "Ended {time}"},
    "disabled-by": {"zh": "{who} 屏蔽", "en": "By {who}"},
    "tester": {"zh": "测试人 {who}", "en": "Tester: {who}"},
    "watched-by": {"zh": "看护人：{who}", "en": "Watched by: {who}"},
    "tested": {"zh": "已报警 {n} / {of}", "en": "{n} of {of} have given an alarm"},
    "not-tested": {"zh": "未报警：{names}", "en": "No alarm from: {names}"},
    "beside-disabled": {"zh": "已屏蔽，不呼叫队伍", "en": "Disabled: no team is called"},
    "beside-walk-test": {"zh": "报警测试", "en": "Walk test"},
    "refused-unknown-target": {
        "zh": "名单中没有这个设备、防区或楼栋。",
        "en": "The site has no such device, zone or building.",
    },
    "refused-no-reason": {"zh": "请写明屏蔽的原因。", "en": "A disablement needs a reason."},
    "refused-too-long": {
        "zh": "时间不对：屏蔽最长 24 小时（可以续期），报警测试最长 2 小时。",
        "en": "A disablement lasts at most 24 hours and can be renewed; a walk test lasts at most 2 hours.",
    },
    "refused-already-disabled": {"zh": "这里已经屏蔽，请续期。", "en": "This is disabled already: renew that instead."},
    "refused-unknown-disablement": {
        "zh": "没有这项屏蔽，可能已经解除。",
        "en": "There is no such disablement any more.",
    },
    "refused-no-devices": {"zh": "请选择 1 至 500 个要测试的设备。", "en": "A walk test is of 1 to 500 devices."},
    "refused-already-tested": {
        "zh": "其中有设备已在另一项测试中。",
        "en": "One of these devices is in another walk test.",
    },
    "refused-unknown-walk-test": {"zh": "没有这项测试，可能已经结束。", "en": "There is no such walk test any more."},
    "refused-too-many": {"zh": "已经太多了，请先结束一些。", "en": "There are too many already: end some first."},
}
