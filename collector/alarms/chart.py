"""The state charts of conditions and first hits, drawn from the very tables that run, for `docs/alarm-states.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from collector.alarms.alarm import LATCHED_TABLE, LATCHING, PLAIN_TABLE, Event, Phase
from collector.alarms.incident import PRIORITY
from collector.alarms.verification import STAGES, Stage, Step
from config.profile import Condition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

_PHASES: Mapping[Phase, str] = {
    Phase.NORMAL: "nothing to tell",
    Phase.ACTIVE: "the source says so, nobody has acknowledged it",
    Phase.ACKNOWLEDGED: "the source says so, somebody has acknowledged it",
    Phase.RETURNED: "the source is normal again, nobody has acknowledged it: latched",
    Phase.AWAITING_RESET: "the source is normal again, somebody has acknowledged it: latched until reset",
}
_EVENTS: Mapping[Event, str] = {
    Event.RAISED: "the source says that the condition holds",
    Event.RAISED_LATE: "an older report says that it held; a newer one has already said that it is normal",
    Event.CLEARED: "the source says that it is normal",
    Event.ACKNOWLEDGED: "a person has seen it",
    Event.RESET: "an authorised person unlatches it",
}
_STAGES: Mapping[Stage, str] = {
    Stage.WAITING: "the nearest person is asked and has not answered",
    Stage.INVESTIGATING: "somebody has answered and looks",
    Stage.SET_ASIDE: "somebody there, or who decides, called it false or stood the call down; the latch stays",
    Stage.LOUD: "everybody is called; from here on a call-out's rules hold",
}
_STEPS: Mapping[Step, str] = {
    Step.HIT: "a detector of a verified zone is in alarm, and nothing confirms it yet",
    Step.CONFIRMED: "the zone's coincidence, or something that is never verified: a call point, another device",
    Step.ANSWERED: "somebody is going or there; in a positive alarm sequence an acknowledgement is enough",
    Step.DECLINED: "who was asked cannot go or cannot be reached, and nobody else is going",
    Step.TIME_UP: "nobody has answered, or cleared it up, in the zone's time",
    Step.DISMISSED: "a false alarm or a stand-down by somebody who may say so",
}


def chart() -> str:
    """The whole page, in Markdown with Mermaid charts."""
    latching = [condition.value for condition in Condition if condition in LATCHING]
    plain = [condition.value for condition in PRIORITY if condition not in LATCHING]
    plain += [Condition.DISABLED.value, Condition.TEST.value]
    lines = [
        "# The states of a condition",
        "",
        "<!-- Made from the tables of the code; tests/unit/test_chart.py compares them and says how. -->",
        "",
        "Drawn from the tables in `collector/alarms/alarm.py`, which are what the engine runs.",
        "",
        *_explained("state", _PHASES),
        *_explained("event", _EVENTS),
        f"## Latched: {', '.join(latching)}",
        "",
        "It stays until its source is normal, a person has acknowledged it, and an authorised person has reset it.",
        "",
        *_drawn(LATCHED_TABLE),
        f"## Not latched: {', '.join(plain)}",
        "",
        "It is over when its source says so; what happened stays in its incident.",
        "",
        *_drawn(PLAIN_TABLE),
        "## First hits in verified zones",
        "",
        "Where a zone is verified, an alarm of an automatic detector is told to the nearest person before everybody is"
        " called. Drawn from the table in `collector/alarms/verification.py`; a reset ends it from any state.",
        "",
        *_explained("state", _STAGES),
        *_explained("event", _STEPS),
        *_drawn(STAGES),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _explained(what: str, meanings: Mapping[S, str]) -> Iterator[str]:
    yield from (f"| {what} | meaning |", "| --- | --- |")
    yield from (f"| {name.value} | {meaning} |" for name, meaning in meanings.items())
    yield ""


def _drawn(table: Mapping[S, Mapping[E, S]]) -> Iterator[str]:
    """A chart with every step that leads elsewhere, from the first state on, then the whole table."""
    first, row = next(iter(table.items()))
    names = [event.value for event in row]
    yield from ("```mermaid", "stateDiagram-v2", f"    [*] --> {_id(first)}")
    yield from (f'    state "{phase.value}" as {_id(phase)}' for phase in table if _id(phase) != phase.value)
    for phase, row in table.items():
        for target in dict.fromkeys(row.values()):
            events = [event.value for event in row if row[event] is target]
            if target is not phase:
                yield f"    {_id(phase)} --> {_id(target)}: {', '.join(events)}"
    yield from ("```", "")
    yield f"| from | {' | '.join(names)} |"
    yield "| --- |" + " --- |" * len(names)
    for phase, row in table.items():
        cells = ["·" if target is phase else target.value for target in row.values()]
        yield f"| **{phase.value}** | {' | '.join(cells)} |"
    yield from ("", "`·`: nothing changes.", "")


def _id(phase: StrEnum) -> str:
    """Mermaid's names hold no hyphen."""
    return phase.value.replace("-", "_")
