"""The words of the pages for a first hit that is verified, and for what people say beside their answers."""

from __future__ import annotations

from collections.abc import Mapping

from collector.messages.causewords import CAUSE_WORDS
from config.people import Language

FIRST_HIT_WORDS: Mapping[str, dict[Language, str]] = {
    "reason-first-hit": {"zh": "离得最近，先去核实", "en": "the nearest: asked to look first"},
    "reason-first-hit-loud": {"zh": "核实转为全面呼叫", "en": "now everybody is called"},
    "reason-more-needed": {"zh": "现场需要更多人手", "en": "more people are needed"},
    "event-first-hit": {"zh": "首次报警，正在核实", "en": "First hit, to be verified"},
    "event-first-hit-answered": {"zh": "有人去核实", "en": "Somebody looks"},
    "event-first-hit-loud": {"zh": "核实转为全面呼叫", "en": "From a first hit to the full call"},
    "event-first-hit-set-aside": {"zh": "核实结束，不再自动呼叫", "en": "First hit set aside"},
    "event-false-alarm": {"zh": "确认为误报", "en": "False alarm"},
    "event-false-alarm-not-obeyed": {
        "zh": "认为是误报（未到现场，呼叫继续）",
        "en": "Thinks it is a false alarm (not on site: the call goes on)",
    },
    "event-need-more": {"zh": "需要更多人手", "en": "More people are needed"},
    "button-false-alarm": {"zh": "现场没有火情，是误报", "en": "No fire here: a false alarm"},
    "button-need-more": {"zh": "人手不够，请再叫人", "en": "We need more people"},
    "refused-no-call": {"zh": "这件事没有呼叫大家。", "en": "Nobody is called out to this."},
    "first-hit-head": {"zh": "核实", "en": "Verification"},
    "said": {"zh": "现场反馈", "en": "Said"},
    "first-hit": {"zh": "单个探测器报警，正在核实", "en": "One detector alone, being verified"},
    "first-hit-set-aside": {"zh": "已核实，不再自动呼叫", "en": "Looked at and set aside"},
    "loud-at": {"zh": "{at} 前未排除，将呼叫所有人", "en": "everybody is called at {at} unless it is cleared up"},
    "ended-as-false": {"zh": "{who} 确认为误报", "en": "ended as a false alarm by {who}"},
    "said-false": {"zh": "{who} 认为是误报，但尚未到现场", "en": "{who}, not on site, thinks it is a false alarm"},
    "said-need-more": {"zh": "{who} 需要更多人手", "en": "{who} needs more people"},
    **{f"why-{cause.value}": words for cause, words in CAUSE_WORDS.items()},
}
