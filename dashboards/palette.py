"""Colours that colour-blind people can tell apart, and what each means. Pure.

The eight of Okabe and Ito (Color Universal Design, 2002), which stay apart for protanopes, deuteranopes and
tritanopes; a test simulates each. What is wrong also grows warmer and darker in that order, and a word always stands
beside a colour: nobody has to know one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#8A8A8A"

FINE, NOTICE, WARN, BAD, ASIDE, UNKNOWN = GREEN, YELLOW, ORANGE, VERMILLION, SKY, GREY
LINES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW)
# Of `building` and `device`: calm, aside, trouble, supervisory, pre-alarm, alarm.
STATES = (FINE, ASIDE, NOTICE, BLUE, WARN, BAD)

Steps = Sequence[tuple[float | None, str]]
PLAIN: Steps = ((None, BLUE),)  # a figure that is neither good nor bad
NONE_IS_BEST: Steps = ((None, FINE), (1, BAD))
FEW_ARE_WELL: Steps = ((None, FINE), (1, NOTICE))
COUNTED_ASIDE: Steps = ((None, FINE), (1, ASIDE))
DAYS_LEFT: Steps = ((None, BAD), (0, WARN), (14, FINE))  # as the collector warns: 14 days before, and once it is past


def rising(warn: float, bad: float) -> Steps:
    """More is worse."""
    return (None, FINE), (warn, WARN), (bad, BAD)


def falling(bad: float, warn: float) -> Steps:
    """Less is worse."""
    return (None, BAD), (bad, WARN), (warn, FINE)


def thresholds(steps: Steps) -> ThresholdsConfig:
    """As a panel takes them: the first step is without a value."""
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=color) for value, color in steps])
    )


def by_last_character() -> dict[str, str]:
    """Patterns of names and their colours: Grafana can give no palette of ours to series whose names nobody knows.

    Ids mostly end in a number, so that neighbours get different ones of the seven.
    """
    characters = "0123456789abcdefghijklmnopqrstuvwxyz"
    return {f"/[{''.join(characters[number :: len(LINES)])}]\\s*$/i": color for number, color in enumerate(LINES)}


def in_order(names: Iterable[str]) -> dict[str, str]:
    """Colours of series with names of ours, at most seven."""
    return dict(zip(names, LINES, strict=False))
