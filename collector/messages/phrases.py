"""Every fixed phrase that people read in a notice, by language. A language is complete or it does not type-check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector.calls.dispatch import Reason
from collector.calls.reach import Fault
from collector.messages.reasonwords import NEWS, NEWS_BRIEF, REASONS
from collector.messages.sourcewords import SOURCE_WORDS
from config.people import Language, Skill
from config.profile import Condition, Kind


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. Words in braces are filled in; what fills them is text from a site or device, never a phrase."""

    conditions: Mapping[Condition, str]
    kinds: Mapping[Kind, str]
    reasons: Mapping[Reason, str]  # why this person is told
    news: Mapping[Reason, str]  # what an informational notice tells, by its reason
    kinds_brief: Mapping[Kind, str]  # for an SMS, as are all the brief ones
    news_brief: Mapping[Reason, str]
    headline: str
    headline_brief: Mapping[bool, str]  # by whether it is an alarm, which an SMS need not say
    floor: str
    basement: str
    floor_brief: str
    basement_brief: str
    flat: str
    brackets: str
    system: str
    gateway: str
    bus: str
    conditions_of_source: Mapping[str, str]  # by the last part of an alarm's key, where no point has it
    outlived: str  # what a latched alarm is whose source has left the site, moved, or means something else now
    drill_source: str  # what a drill's own condition is
    detector: str
    news_headline: str
    comma: str
    listed: str  # between names
    where: str
    registration: str
    car_at: str
    rescue_left: str
    rescue_over: str
    since: str
    heard_later: str
    returned: str
    since_short: str
    since_brief: str
    unknown_time: str
    also: str
    more: str
    more_people: str
    going: str
    skills: Mapping[Skill, str]
    skills_missing: str
    station: str
    arrived: str
    nobody: str
    gate_code: str
    access: str
    confirmed_by: str
    unconfirmed: str
    hydrants: str
    extinguishers: str
    well: str  # of a hydrant or an extinguisher of which nothing bad is known
    reaches: str  # how far a trouble reaches, after what it is
    unwatched: str
    more_buildings: str
    together: str  # the headline of a notice that tells of many incidents
    together_over: str
    together_brief: str
    together_over_brief: str
    together_over_already: str
    of_class: str
    why: str
    answer: str
    look: str
    call_119: str  # in an urgent call
    danger_119: str  # in any other notice
    supplement: str
    call_119_brief: str
    danger_119_brief: str
    drill_mark: str  # of every message of a drill, before all else
    drill_119: str
    drill_119_brief: str
    real_mark: str  # of a call in a building where people may take it for the drill
    real_mark_brief: str
    real: str
    verify_mark: str  # of a first hit that the nearest person is asked to look at
    confirmed: str  # why a first hit became the full call
    late_mark: str
    disabled_mark: str
    unrecorded_mark: str
    unrecorded: str
    reference: str
    test_head: str
    test_text: str
    test_brief: str
    unreachable_person: str
    faults: Mapping[Fault, str]  # why somebody may not be reached


_ZH = Phrases(
    conditions={
        Condition.ALARM: "报警",
        Condition.PRE_ALARM: "预警",
        Condition.SUPERVISORY: "监管",
        Condition.TROUBLE: "故障",
        Condition.DISABLED: "屏蔽",
        Condition.TEST: "测试",
        Condition.MEASUREMENT: "测量值",
        Condition.COUNTER: "计数",
        Condition.STATE: "状态",
    },
    kinds={
        Kind.FIRE: "火灾",
        Kind.ENTRAPMENT: "电梯困人",
        Kind.WATER: "消防供水",
        Kind.EQUIPMENT: "消防设备",
        Kind.FAULT: "监测系统",
        Kind.DISABLEMENT: "监测屏蔽",
    },
    reasons=REASONS["zh"],
    news=NEWS["zh"],
    kinds_brief={
        Kind.FIRE: "火灾",
        Kind.ENTRAPMENT: "电梯困人",
        Kind.WATER: "消防供水",
        Kind.EQUIPMENT: "消防设备",
        Kind.FAULT: "监测系统",
        Kind.DISABLEMENT: "监测屏蔽",
    },
    news_brief=NEWS_BRIEF["zh"],
    headline="{kind}{condition}",
    headline_brief={True: "{kind}报警", False: "{kind}{condition}"},
    floor="{number}楼",
    basement="地下{number}层",
    floor_brief="{number}楼",
    basement_brief="地下{number}层",
    flat="{flat}室",
    brackets="（{text}）",
    system="系统部件 {part}",
    gateway="网关 {id}",
    bus="总线 {id} 不通",
    conditions_of_source=SOURCE_WORDS["zh"],
    outlived="先前的报警（设备已撤走、移位或设置已改），须确认后复位",
    drill_source="演练模拟的报警",
    detector="{number}号探测器",
    news_headline="{news}：{headline}",
    comma="，",
    listed="、",
    where="地点：{text}",
    registration="电梯注册代码：{number}",
    car_at="轿厢显示楼层：{floor}",
    rescue_left="施救人员须在 {due} 前到场，还剩{minutes}分钟。",
    rescue_over="施救人员应在 {due} 前到场，已超过{minutes}分钟。",
    since="时间：{source} 起",
    heard_later="（设备时间；系统 {heard} 收到）",
    returned="（{at} 已恢复正常，尚未复位）",
    since_short="{source}起",
    since_brief="{source}起。",
    unknown_time="时间不明",
    also="还有：{text}",
    more="另有{count}项",
    more_people="另有{count}人",
    going="正在前往：{names}",
    skills={Skill.HYDRANT: "会用消火栓", Skill.FIRST_AID: "会急救", Skill.LIFT_RELEASE: "会电梯放人"},
    skills_missing="还缺：{skills}的人。",
    station="辖区消防救援站：{name}，电话 {phone}。请您判断是否拨打，本系统不会代拨。",
    arrived="已到现场：{names}",
    nobody="目前还没有人回复前往。",
    gate_code="门禁密码：{text}",
    access="进入方式：{text}",
    confirmed_by="已相互印证：{text}",
    unconfirmed="尚未印证，目前只有一个探测器报警：{text}",
    hydrants="附近的消火栓：{text}",
    extinguishers="附近的灭火器：{text}",
    well="未发现异常",
    reaches="（涉及{buildings}栋楼的{devices}个设备）",
    unwatched="在此期间，{buildings}栋楼的{devices}个设备无人监测：{names}。",
    more_buildings="另有{count}栋楼",
    together="{counts}，涉及{buildings}处",
    together_over="{count}起事件的新消息：{news}",
    together_brief="{counts}，{buildings}处",
    together_over_brief="{count}起：{news}",
    together_over_already="其中{count}起已经恢复正常。",
    of_class="{count}项{condition}",
    why="通知您的原因：{text}",
    answer="请打开链接回复（我去、我到了、我去不了）：{url}",
    look="查看：{url}",
    call_119="请您自己拨打119！",
    danger_119="如有危险，请您自己拨打119。",
    supplement="本系统只是补充手段，不是经认证的火灾报警系统。",
    call_119_brief="请自拨119；本系统仅为补充，未经消防认证",
    danger_119_brief="如有危险请自拨119；本系统仅为补充，未经消防认证",
    drill_mark="【演练】",
    drill_119="这是演练，请勿拨打119。",
    drill_119_brief="演练，请勿拨打119",
    real_mark="【真实报警，非演练】",
    real_mark_brief="【真实报警，非演练】",
    real="这不是演练。",
    verify_mark="【请先核实】",
    confirmed="转为全面呼叫：{text}",
    late_mark="【迟报】",
    disabled_mark="【已屏蔽】",
    unrecorded_mark="【未记录】",
    unrecorded="系统无法保存此报警，不会有后续通知和重复提醒，请立即行动。",
    reference="编号：{id}",
    test_head="【测试】{community}：测试能否联系到您，无需回复",
    test_text="这只是一条测试消息，没有发生任何事情，您什么都不用做。如果手机没有响铃，请告诉队长。",
    test_brief="【测试】没有发生任何事情，无需回复。",
    unreachable_person="{name}：{fault}",
    faults={
        Fault.FAILS: "所有渠道都发不出去",
        Fault.NO_RING: "没有能让手机响铃的渠道",
        Fault.RING_FAILS: "能响铃的渠道发不出去",
        Fault.NO_PROOF: "能响铃的渠道近期没有送达记录",
    },
)

_EN = Phrases(
    conditions={
        Condition.ALARM: "alarm",
        Condition.PRE_ALARM: "pre-alarm",
        Condition.SUPERVISORY: "supervisory",
        Condition.TROUBLE: "trouble",
        Condition.DISABLED: "disabled",
        Condition.TEST: "test",
        Condition.MEASUREMENT: "measurement",
        Condition.COUNTER: "counter",
        Condition.STATE: "state",
    },
    kinds={
        Kind.FIRE: "FIRE",
        Kind.ENTRAPMENT: "STUCK IN ELEVATOR",
        Kind.WATER: "FIRE WATER SUPPLY",
        Kind.EQUIPMENT: "FIRE EQUIPMENT",
        Kind.FAULT: "MONITORING",
        Kind.DISABLEMENT: "DISABLEMENT",
    },
    reasons=REASONS["en"],
    news=NEWS["en"],
    kinds_brief={
        Kind.FIRE: "FIRE",
        Kind.ENTRAPMENT: "TRAPPED",
        Kind.WATER: "WATER",
        Kind.EQUIPMENT: "EQUIPMENT",
        Kind.FAULT: "MONITORING",
        Kind.DISABLEMENT: "DISABLED",
    },
    news_brief=NEWS_BRIEF["en"],
    headline="{kind} {condition}",
    headline_brief={True: "{kind}", False: "{kind} {condition}"},
    floor="floor {number}",
    basement="basement {number}",
    floor_brief="{number}F",
    basement_brief="B{number}",
    flat="flat {flat}",
    brackets=" ({text})",
    system="part of the system: {part}",
    gateway="gateway {id}",
    bus="bus {id} is down",
    conditions_of_source=SOURCE_WORDS["en"],
    outlived="an earlier alarm (its device has left, has moved or now means something else): acknowledge, then reset",
    drill_source="simulated for a drill",
    detector="detector {number}",
    news_headline="{news}: {headline}",
    comma=", ",
    listed=", ",
    where="Where: {text}",
    registration="Elevator registration: {number}",
    car_at="The car shows floor {floor}",
    rescue_left="Rescuers must be there by {due}, in {minutes} min.",
    rescue_over="Rescuers were to be there by {due}, {minutes} min ago.",
    since="Since: {source}",
    heard_later=" (by the device's clock; heard {heard})",
    returned=" (normal again at {at}, not yet reset)",
    since_short="since {source}",
    since_brief="{source}.",
    unknown_time="time unknown",
    also="Also: {text}",
    more="{count} more",
    more_people="{count} more",
    going="Going: {names}",
    skills={Skill.HYDRANT: "hydrant", Skill.FIRST_AID: "first aid", Skill.LIFT_RELEASE: "lift release"},
    skills_missing="Still needed, somebody for: {skills}",
    station="Fire station: {name}, phone {phone}. Decide yourself whether to call; this system does not.",
    arrived="On site: {names}",
    nobody="Nobody has said yet that they are going.",
    gate_code="Gate code: {text}",
    access="Getting in: {text}",
    confirmed_by="Confirmed by: {text}",
    unconfirmed="Unconfirmed, one detector only so far: {text}",
    hydrants="Hydrants near: {text}",
    extinguishers="Extinguishers near: {text}",
    well="nothing wrong is known",
    reaches=" (devices: {devices}, buildings: {buildings})",
    unwatched="Meanwhile nobody watches these devices ({devices}) and buildings ({buildings}): {names}.",
    more_buildings="{count} more buildings",
    together="{counts} (places: {buildings})",
    together_over="News of {count} incidents: {news}",
    together_brief="{counts} (places: {buildings})",
    together_over_brief="{count}: {news}",
    together_over_already="{count} of these incidents are over already.",
    of_class="{count} x {condition}",
    why="Why you: {text}",
    answer="Answer here (going, arrived, cannot): {url}",
    look="Look: {url}",
    call_119="Call 119 yourself!",
    danger_119="If there is danger, call 119 yourself.",
    supplement="This system is a supplement and not a certified fire alarm.",
    call_119_brief="Call 119 yourself; uncertified",
    danger_119_brief="In danger, call 119; uncertified",
    drill_mark="[DRILL] ",
    drill_119="This is a drill: do not call 119.",
    drill_119_brief="Drill, do not call 119",
    real_mark="[REAL, NOT A DRILL] ",
    real_mark_brief="[REAL] ",  # one Chinese character in a name leaves an SMS only 70
    real="This is not the drill. ",
    verify_mark="[CHECK FIRST] ",
    confirmed="Why everybody is called: {text}",
    late_mark="[LATE] ",
    disabled_mark="[DISABLED] ",
    unrecorded_mark="[UNRECORDED] ",
    unrecorded="The system could not record this: no follow-up and no repeats will come. Act now.",
    reference="Ref. {id}",
    test_head="[TEST] {community}: this tests how you can be reached, no answer needed",
    test_text="This is only a test: nothing has happened, there is nothing to do. If no phone rang, tell your leader.",
    test_brief="[TEST] Nothing has happened, no answer needed.",
    unreachable_person="{name}: {fault}",
    faults={
        Fault.FAILS: "no channel works",
        Fault.NO_RING: "no channel that makes a phone ring",
        Fault.RING_FAILS: "the channel that rings fails",
        Fault.NO_PROOF: "nothing delivered lately over a channel that rings",
    },
)

PHRASES: Mapping[Language, Phrases] = {"zh": _ZH, "en": _EN}
