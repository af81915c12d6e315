"""The pages' words about elevators and rescues, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

ELEVATOR_WORDS: Mapping[str, dict[Language, str]] = {
    "reason-contractor": {"zh": "电梯维保单位", "en": "the elevator's maintenance company"},
    "reason-rescue-due": {"zh": "救援到场时限将到", "en": "rescuers are running late"},
    "reason-rescue-missed": {"zh": "救援到场已超时", "en": "rescuers are overdue"},
    "reason-freed": {"zh": "被困人员已救出", "en": "the passengers are free"},
    "event-rescue-begun": {"zh": "救援开始计时", "en": "The rescue clock runs"},
    "event-rescue-due": {"zh": "救援到场时限将到", "en": "Rescuers are running late"},
    "event-rescue-missed": {"zh": "救援到场已超时", "en": "Rescuers are overdue"},
    "event-freed": {"zh": "被困人员已救出", "en": "The passengers are free"},
    "event-lift-serviced": {"zh": "电梯维保", "en": "Elevator serviced"},
    "button-freed": {"zh": "被困人员已救出", "en": "The passengers are free"},
    "rescue": {"zh": "救援", "en": "Rescue"},
    "rescue-by": {"zh": "须在 {time} 前到场", "en": "to be there by {time}"},
    "rescue-left": {"zh": "还剩 {n} 分钟", "en": "{n} min left"},
    "rescue-over": {"zh": "已超过 {n} 分钟", "en": "{n} min overdue"},
    "rescue-arrived": {"zh": "施救人员 {time} 到场", "en": "rescuers there at {time}"},
    "rescue-freed": {"zh": "{time} 救出", "en": "free at {time}"},
    "car-at": {"zh": "轿厢显示楼层 {floor}", "en": "the car shows floor {floor}"},
    "refused-no-rescue": {"zh": "没有正在进行的困人救援。", "en": "Nobody is known to be trapped there."},
    "refused-not-freed": {
        "zh": "现场还没有人报告被困人员已救出。",
        "en": "Nobody on site has said yet that the passengers are free.",
    },
    "refused-not-arrived": {
        "zh": "只有到场的人能报告救出，请先按“我到了”。",
        "en": "Only somebody on site can say so: press that you have arrived first.",
    },
    "refused-which-elevator": {
        "zh": "不止一台电梯困人，请说明是哪一台。",
        "en": "People are trapped in more than one elevator: say which one.",
    },
    "refused-not-yet": {"zh": "这一天还没有到。", "en": "That day has not come yet."},
    "refused-no-elevator": {"zh": "这不是电梯。", "en": "This device is no elevator."},
}
