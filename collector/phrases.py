"""Every fixed phrase that people read in a notice, by language. A language is complete or it does not type-check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector.dispatch import Reason
from collector.reach import Fault
from collector.sourcewords import SOURCE_WORDS
from config.people import Language
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
    advice: Mapping[Kind, str]  # what to mind on the spot
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
    arrived: str
    nobody: str
    gate_code: str
    access: str
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
    reasons={
        Reason.BUILDING: "您就在这栋楼里居住或工作。",
        Reason.OWN_TEAM: "您是本楼微型消防站的队员。",
        Reason.OFF_DUTY: "您是本楼微型消防站的队员；您现在不当班，但值班的人还不够。",
        Reason.NEIGHBOUR_TEAM: "您是邻楼微型消防站的队员；本楼没有自己的队伍，或前往的人还不够。",
        Reason.MANAGER: "您是本楼的物业负责人。",
        Reason.GRID_CELL: "您是本楼所在网格的负责人。",
        Reason.CONTACT: "您是本社区的紧急联系人。",
        Reason.FIRE_STATION: "您是本楼的队长或物业负责人；请记下辖区消防救援站的电话，本系统不会自动报警。",
        Reason.NAMED: "此事由您负责。",
        Reason.NEW_DEVICE: "又有一个设备报警，因此重新呼叫，此前已回复的人也会再次收到。",
        Reason.RAISED_AGAIN: "报警恢复后再次出现，因此重新呼叫，此前已回复的人也会再次收到。",
        Reason.QUORUM_LOST: "原来要去的人去不了了，人手又不够，因此重新呼叫。",
        Reason.REPLACEMENT: "有人去不了或迟迟没有到场，因此改为呼叫您。",
        Reason.SKILL_NEEDED: "人数已够，但前往的人都不会所需的技能，而您会，因此呼叫您。",
        Reason.NOT_ARRIVED: "您回复了前往，但还没有报告到场，因此已改叫别人。如果您已到现场，请立即回复“我到了”。",
        Reason.RESPONDER_LATE: "您是队长：有人回复了前往，但没有按时报告到场，系统已改叫别人。",
        Reason.JOINED: "此次呼叫期间又出现了较低级别的情况，特此告知队长和物业负责人。",
        Reason.FIRST_HIT: "您离现场最近，请马上去核实：目前只有一个探测器报警；不能及时排除就会呼叫所有人。",
        Reason.FIRST_HIT_LOUD: "您此前被请去核实的报警，现在已经呼叫所有人。",
        Reason.MORE_NEEDED: "现场需要更多人手，因此继续呼叫。",
        Reason.LATE_REPORT: "这条报告迟到了半小时以上，因此只通知队长和物业负责人，请核实现场。",
        Reason.CHANNEL_FAILED: "发给您的上一个渠道没有送达，因此改用此渠道。",
        Reason.NEXT_CHANNEL: "您还没有回复，因此再用此渠道呼叫您。",
        Reason.TEST: "这是对您联系方式的测试，没有发生任何事情。",
        Reason.QUORUM_REACHED: "您此前被呼叫过，现在前往的人已经够了。",
        Reason.STAND_DOWN: "您此前被呼叫过，本次呼叫已结束。",
        Reason.CLOSED: "您此前被呼叫过，本事件已结束。",
        Reason.CONTRACTOR: "您是该电梯的维保单位联系人。",
        Reason.RESCUE_DUE: "您参与了这次电梯困人救援：施救人员还没有报告到场，时限将到。",
        Reason.RESCUE_MISSED: "您参与了这次电梯困人救援：时限已到，施救人员还没有报告到场。",
        Reason.FREED: "您此前被呼叫过；现场人员报告，被困人员已救出。",
        Reason.WATCH: "此处已屏蔽，报警不呼叫队伍，只通知看护的人。收到报警请立即到现场核实，确有险情请拨打119。",
        Reason.ENDS_SOON: "屏蔽即将自动解除；到时仍在报警的，会立即呼叫队伍。如需继续屏蔽，请续期。",
        Reason.WALK_TEST: "您正在做报警测试，这条消息只发给您。",
        Reason.HANDED_OVER: "屏蔽或测试已结束，报警仍在，现在已呼叫队伍。",
        Reason.RESTORED: "您此前收到过屏蔽通知，现已解除。",
        Reason.DRILL_OVER: "您参加了这次演练，演练已结束。",
        Reason.DRILL_OVERTAKEN: "您参加了这次演练；演练期间本楼发生了真实报警，因此演练立即停止。",
        Reason.PULSE: "报警通路自检，不通知任何人。",
    },
    news={
        Reason.QUORUM_REACHED: "人手已够",
        Reason.STAND_DOWN: "呼叫已结束",
        Reason.CLOSED: "事件已结束",
        Reason.RESCUE_DUE: "救援到场时限将到",
        Reason.RESCUE_MISSED: "救援到场已超时",
        Reason.FREED: "被困人员已救出",
        Reason.ENDS_SOON: "即将到期",
        Reason.WALK_TEST: "测试正常",
        Reason.HANDED_OVER: "已呼叫队伍",
        Reason.RESTORED: "已解除",
        Reason.DRILL_OVER: "演练已结束",
        Reason.DRILL_OVERTAKEN: "演练停止，本楼发生真实报警",
    },
    kinds_brief={
        Kind.FIRE: "火灾",
        Kind.ENTRAPMENT: "电梯困人",
        Kind.WATER: "消防供水",
        Kind.EQUIPMENT: "消防设备",
        Kind.FAULT: "监测系统",
        Kind.DISABLEMENT: "监测屏蔽",
    },
    news_brief={
        Reason.QUORUM_REACHED: "人手已够",
        Reason.STAND_DOWN: "呼叫已结束",
        Reason.CLOSED: "事件已结束",
        Reason.RESCUE_DUE: "救援到场时限将到",
        Reason.RESCUE_MISSED: "救援到场已超时",
        Reason.FREED: "被困人员已救出",
        Reason.ENDS_SOON: "即将到期",
        Reason.WALK_TEST: "测试正常",
        Reason.HANDED_OVER: "已呼叫队伍",
        Reason.RESTORED: "已解除",
        Reason.DRILL_OVER: "演练已结束",
        Reason.DRILL_OVERTAKEN: "演练停止，真实报警",
    },
    advice={
        Kind.FIRE: "先保证自身安全，不要乘电梯。",
        Kind.ENTRAPMENT: "先与被困人员通话安抚，不要强行扒门，等专业人员救援。",
        Kind.WATER: "请到现场检查消防供水。",
        Kind.EQUIPMENT: "请到现场检查消防设备。",
        Kind.FAULT: "故障期间监测可能中断，请尽快检查。",
        Kind.DISABLEMENT: "屏蔽期间，此处报警不会呼叫队伍，请安排人看护。",
    },
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
    arrived="已到现场：{names}",
    nobody="目前还没有人回复前往。",
    gate_code="门禁密码：{text}",
    access="进入方式：{text}",
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
    reasons={
        Reason.BUILDING: "you live or work in this building.",
        Reason.OWN_TEAM: "you are in this building's own volunteer team.",
        Reason.OFF_DUTY: "you are in this building's own team, off duty now; too few of those on duty are going.",
        Reason.NEIGHBOUR_TEAM: "you are in a neighbouring building's team; this one has none, or too few are going.",
        Reason.MANAGER: "you are this building's property manager.",
        Reason.GRID_CELL: "you are responsible for the grid cell of this building.",
        Reason.CONTACT: "you are an emergency contact of this community.",
        Reason.FIRE_STATION: "you lead this building's team or manage it: the station's number. No software calls it.",
        Reason.NAMED: "this is yours to look after.",
        Reason.NEW_DEVICE: "another device is in alarm, so everybody is called anew, also those who have answered.",
        Reason.RAISED_AGAIN: "the alarm is back after it had returned to normal, so everybody is called anew.",
        Reason.QUORUM_LOST: "somebody who was going cannot, and too few are going now: everybody else is called anew.",
        Reason.REPLACEMENT: "somebody else cannot come or has not arrived, so you are called instead.",
        Reason.SKILL_NEEDED: "enough people are going, but none can do what is needed here, and you can.",
        Reason.NOT_ARRIVED: "you said going and not yet arrived: somebody else is called. If you are there, say so.",
        Reason.RESPONDER_LATE: "you lead this team: somebody who was going has not arrived in time and is replaced.",
        Reason.JOINED: "something lesser has come up during this call; leader and manager are told.",
        Reason.FIRST_HIT: "you are the nearest. One detector alone is in alarm: go and look. In doubt all are called.",
        Reason.FIRST_HIT_LOUD: "you were asked to look at this alarm; now everybody is called to it.",
        Reason.MORE_NEEDED: "people on site or on their way need more help.",
        Reason.LATE_REPORT: "this report came over half an hour late; only leader and manager are told. Please check.",
        Reason.CHANNEL_FAILED: "your previous channel could not deliver this.",
        Reason.NEXT_CHANNEL: "you have not answered yet, so you are called on this channel as well.",
        Reason.TEST: "this tests how you can be reached; nothing has happened.",
        Reason.QUORUM_REACHED: "you were called before; enough people are going now.",
        Reason.STAND_DOWN: "you were called before; the call-out has ended.",
        Reason.CLOSED: "you were called before; the incident is closed.",
        Reason.CONTRACTOR: "you are the contact of this elevator's maintenance company.",
        Reason.RESCUE_DUE: "nobody able to free the passengers has said they are there, and the time runs out.",
        Reason.RESCUE_MISSED: "the time for rescuers to arrive is over, and none has said they are there.",
        Reason.FREED: "you were called before; somebody on site says that the passengers are free.",
        Reason.WATCH: "this is disabled: an alarm there calls no team, only who watches over it. Look at once.",
        Reason.ENDS_SOON: "the disablement ends by itself; what is in alarm then calls the team. Renew it if you must.",
        Reason.WALK_TEST: "you are testing; nobody else gets this.",
        Reason.HANDED_OVER: "the disablement or test is over, the alarm is not: the team is called now.",
        Reason.RESTORED: "you were told that it was disabled; it is not any more.",
        Reason.DRILL_OVER: "you took part in this drill; it is over.",
        Reason.DRILL_OVERTAKEN: "you took part in this drill; an actual alarm in the building has ended it.",
        Reason.PULSE: "this proves the way of an alarm and calls nobody.",
    },
    news={
        Reason.QUORUM_REACHED: "Enough people are going",
        Reason.STAND_DOWN: "Call-out ended",
        Reason.CLOSED: "Incident closed",
        Reason.RESCUE_DUE: "Rescue is running late",
        Reason.RESCUE_MISSED: "Rescue is overdue",
        Reason.FREED: "The passengers are free",
        Reason.ENDS_SOON: "Ends soon",
        Reason.WALK_TEST: "Works",
        Reason.HANDED_OVER: "The team is called now",
        Reason.RESTORED: "Lifted",
        Reason.DRILL_OVER: "The drill is over",
        Reason.DRILL_OVERTAKEN: "The drill is over: this is real",
    },
    kinds_brief={
        Kind.FIRE: "FIRE",
        Kind.ENTRAPMENT: "TRAPPED",
        Kind.WATER: "WATER",
        Kind.EQUIPMENT: "EQUIPMENT",
        Kind.FAULT: "MONITORING",
        Kind.DISABLEMENT: "DISABLED",
    },
    news_brief={
        Reason.QUORUM_REACHED: "Enough going",
        Reason.STAND_DOWN: "Ended",
        Reason.CLOSED: "Closed",
        Reason.RESCUE_DUE: "Rescue late",
        Reason.RESCUE_MISSED: "Rescue overdue",
        Reason.FREED: "Freed",
        Reason.ENDS_SOON: "Ends soon",
        Reason.WALK_TEST: "Works",
        Reason.HANDED_OVER: "Team called",
        Reason.RESTORED: "Lifted",
        Reason.DRILL_OVER: "Drill over",
        Reason.DRILL_OVERTAKEN: "Drill over, alarm is real",
    },
    advice={
        Kind.FIRE: "Your own safety first; do not use the elevator.",
        Kind.ENTRAPMENT: "Talk to the people inside; do not force the doors, wait for trained rescuers.",
        Kind.WATER: "Please check the fire water supply on site.",
        Kind.EQUIPMENT: "Please check the equipment on site.",
        Kind.FAULT: "Monitoring may be interrupted meanwhile; please look into it soon.",
        Kind.DISABLEMENT: "Meanwhile an alarm there calls no team: somebody must watch over it.",
    },
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
    arrived="On site: {names}",
    nobody="Nobody has said yet that they are going.",
    gate_code="Gate code: {text}",
    access="Getting in: {text}",
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
    real="This is not the drill. ",
    verify_mark="[CHECK FIRST] ",
    confirmed="Why everybody is called: {text}",
    late_mark="[LATE] ",
    disabled_mark="[DISABLED] ",
    unrecorded_mark="[UNRECORDED] ",
    unrecorded="The system could not record this: no follow-up and no repeats will come. Act now.",
    reference="Ref. {id}",
    test_head="[TEST] {community}: this tests how you can be reached, no answer needed",
    test_text="This is only a test: nothing has happened and there is nothing to do. If no phone rang, tell your leader.",
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
