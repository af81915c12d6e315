"""What to do on the spot, in two lines for a volunteer, by kind and class. Never a telephone number.

The lines about 119 stand elsewhere in a message: in a drill they say the opposite.
"""

from __future__ import annotations

from collector.locale.catalogues import say
from config.people import Language
from config.profile import Condition, Kind

Two = tuple[str, str]
_ALARMING = (Condition.ALARM, Condition.PRE_ALARM)


def advice(kind: Kind, condition: Condition, language: Language) -> Two:
    """Two lines for who goes there."""
    if kind is Kind.FIRE and condition is not Condition.ALARM:
        return _two(language, "look")
    if kind is Kind.ENTRAPMENT and condition not in _ALARMING:
        return _two(language, "lift")
    return _two(language, kind.value)


def _two(language: Language, name: str) -> Two:
    return say(language, f"advice/{name}/1"), say(language, f"advice/{name}/2")
