"""Codes of history as words and colours: states, kinds, causes, yes and no. Pure."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard as models

from dashboards import palette
from dashboards.panels import mapped, spans
from dashboards.words import Words

Mappings = list[models.ValueMapping]
KINDS = ("fire", "entrapment", "water", "equipment", "fault", "disablement")
MODES = ("live", "drill", "test")
# What gave a false alarm: a profile's category, or a call point that somebody broke.
CAUSES = ("manual-call-point", "smoke-detector", "fire-panel", "pressure", "lift", "other", "system")
CYLINDERS = ("extinguisher", "hydrant")
MEASURES = ("disablement", "walk-test", "drill")
LEVELS = ((-1, palette.BAD), (0, palette.FINE), (1, palette.WARN), (2, palette.BAD))
STATE_STEPS: palette.Steps = tuple(
    (None if number == 0 else float(number), color) for number, color in enumerate(palette.STATES)
)


def states(words: Words) -> Mappings:
    """The worst that a building or device is in now."""
    return mapped({str(number): (words.say(f"state-{number}"), color) for number, color in enumerate(palette.STATES)})


def kinds(words: Words) -> Mappings:
    """What an incident is about."""
    return mapped({kind: (words.say(f"kind-{kind}"), None) for kind in KINDS})


def modes(words: Words) -> Mappings:
    """Whether an incident was real."""
    return mapped({mode: (words.say(f"mode-{mode}"), None) for mode in MODES})


def causes(words: Words) -> Mappings:
    """What gave a false alarm."""
    return mapped({cause: (words.say(f"cause-{cause}"), None) for cause in CAUSES})


def measures(words: Words) -> Mappings:
    """What was done on purpose."""
    return mapped({kind: (words.say(f"measure-{kind}"), None) for kind in MEASURES})


def levels(words: Words) -> Mappings:
    """How dirty a smoke chamber is."""
    return mapped({str(level): (words.say(f"level-{level}"), color) for level, color in LEVELS})


def online(words: Words) -> Mappings:
    """Whether it is heard."""
    return mapped({"1": (words.say("online-1"), palette.FINE), "0": (words.say("online-0"), palette.NOTICE)})


def within(words: Words) -> Mappings:
    """Whether rescuers were there in time."""
    return mapped({"1": (words.say("within-1"), palette.FINE), "0": (words.say("within-0"), palette.BAD)})


def yes_no(words: Words) -> Mappings:
    """1 and 0, neither of them bad."""
    return mapped({"1": (words.say("said-yes"), None), "0": (words.say("said-no"), None)})


def cylinder_kinds(words: Words) -> Mappings:
    """What holds the pressure."""
    return mapped({kind: (words.say(f"cylinder-{kind}"), None) for kind in CYLINDERS})


def days_left(words: Words) -> Mappings:
    """Dates that have passed, said so."""
    return spans(((None, -0.001, words.say("overdue"), palette.BAD),))
