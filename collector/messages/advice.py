"""What to do on the spot, in two lines for a volunteer, by kind and class. Never a telephone number.

The lines about 119 stand elsewhere in a message: in a drill they say the opposite.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language
from config.profile import Condition, Kind

Two = tuple[str, str]
_ALARMING = (Condition.ALARM, Condition.PRE_ALARM)


def advice(kind: Kind, condition: Condition, language: Language) -> Two:
    """Two lines for who goes there."""
    if kind is Kind.FIRE and condition is not Condition.ALARM:
        return _LOOK[language]
    if kind is Kind.ENTRAPMENT and condition not in _ALARMING:
        return _LIFT[language]
    return _ADVICE[language][kind]


# Smoke kills before fire does: doors and height are what somebody without gear can do about it. A burning lithium
# battery is nothing to approach: it flares again and gives off gas.
_ADVICE: Mapping[Language, Mapping[Kind, Two]] = {
    "zh": {
        Kind.FIRE: (
            "喊醒住户，弯腰低姿走楼梯撤离，不乘电梯；随手关上房门和防火门，把烟挡住。",
            "火小、背后有退路才用灭火器；烟大或电动车、电池起火不要靠近；能安全断电就先断电。",
        ),
        Kind.ENTRAPMENT: (
            "用对讲或隔门喊话安抚：人是安全的，别扒门、别靠门，救援正在路上。",
            "不要自己撬门或移动轿厢，等持证人员救援；有人不适、冒烟或进水，马上说清楚再求救。",
        ),
        Kind.WATER: (
            "请到现场看消火栓和水泵：阀门开着没有，有没有漏水。",
            "恢复之前本楼可能没有消防用水，请备好灭火器并告诉队长。",
        ),
        Kind.EQUIPMENT: (
            "请到现场看设备在不在原位、压力表在不在绿区、有没有损坏。",
            "不能用的先换一个好的放回原处，再报给物业。",
        ),
        Kind.FAULT: (
            "故障期间这里的报警可能收不到，请安排人加强巡查，夜间尤其要查。",
            "先看供电和网线有没有松动；不会修就联系维护人员，不要自己拆探测器。",
        ),
        Kind.DISABLEMENT: (
            "屏蔽期间，此处报警不会呼叫队伍，请安排人在现场看护。",
            "工作一结束就解除屏蔽，并确认设备恢复正常。",
        ),
    },
    "en": {
        Kind.FIRE: (
            "Wake the residents and get out low, by the stairs, never the elevator; shut doors behind you.",
            "Extinguish only a small fire with your way out behind you; keep away from smoke, burning e-bikes and"
            " batteries; switch the power off if that is safe.",
        ),
        Kind.ENTRAPMENT: (
            "Talk to the people inside: they are safe, must not touch or lean on the doors, and help is on its way.",
            "Do not force the doors or move the car: trained rescuers do. If somebody is ill, or there is smoke or"
            " water, say so at once.",
        ),
        Kind.WATER: (
            "Please look at hydrants and pumps: are the valves open, does anything leak?",
            "Until it is mended this building may have no water for a fire: have extinguishers ready, tell the leader.",
        ),
        Kind.EQUIPMENT: (
            "Please look: is it in its place, is the gauge in the green, is anything damaged?",
            "Put a good one in the place of one that cannot be used, and tell the property manager.",
        ),
        Kind.FAULT: (
            "Meanwhile an alarm there may not be heard: have somebody walk round, above all at night.",
            "Look for a loose plug or network cable; else ask for maintenance, and do not open detectors yourself.",
        ),
        Kind.DISABLEMENT: (
            "Meanwhile an alarm there calls no team: somebody must watch over it.",
            "End it as soon as the work is done, and see that the device is well.",
        ),
    },
}
_LOOK: Mapping[Language, Two] = {
    "zh": (
        "请马上到现场看、闻、问：有没有烟、焦味或明火。",
        "看到火情立即喊人撤离；没看到也要查明原因再离开，不要乘电梯。",
    ),
    "en": (
        "Please go at once and look, smell and ask: is there smoke, a burnt smell, a flame?",
        "If so, get everybody out; if not, find the cause before you leave. Do not use the elevator.",
    ),
}
_LIFT: Mapping[Language, Two] = {
    "zh": ("请先喊话，确认轿厢里有没有人。", "没有人就先拦住不让用，并通知维保单位。"),
    "en": (
        "Please call out first: is anybody in the car?",
        "If nobody is, keep people from using it and tell the contractor.",
    ),
}
