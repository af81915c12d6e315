"""The state chart of a condition, drawn from the very tables that the engine runs, for `docs/alarm-states.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collector.alarm import LATCHED_TABLE, LATCHING, PLAIN_TABLE, Event, Phase
from collector.incident import PRIORITY
from config.profile import Condition

Table = Mapping[Phase, Mapping[Event, Phase]]

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


def chart() -> str:
    """The whole page, in Markdown with Mermaid charts."""
    latching = [condition.value for condition in Condition if condition in LATCHING]
    plain = [condition.value for condition in PRIORITY if condition not in LATCHING]
    plain += [Condition.DISABLED.value, Condition.TEST.value]
    lines = [
        "# The states of a condition",
        "",
        "<!-- Made from the tables of collector/alarm.py; tests/unit/test_chart.py compares them and says how. -->",
        "",
        "Drawn from the tables in `collector/alarm.py`, which are what the engine runs.",
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
    ]
    return "\n".join(lines).rstrip() + "\n"


def _explained(what: str, meanings: Mapping[Phase, str] | Mapping[Event, str]) -> Iterator[str]:
    yield from (f"| {what} | meaning |", "| --- | --- |")
    yield from (f"| {name.value} | {meaning} |" for name, meaning in meanings.items())
    yield ""


def _drawn(table: Table) -> Iterator[str]:
    """A chart with every step that leads elsewhere, then the whole table."""
    yield from ("```mermaid", "stateDiagram-v2", f"    [*] --> {_id(Phase.NORMAL)}")
    yield from (f'    state "{phase.value}" as {_id(phase)}' for phase in table if _id(phase) != phase.value)
    for phase, row in table.items():
        for target in dict.fromkeys(row.values()):
            events = [event.value for event in row if row[event] is target]
            if target is not phase:
                yield f"    {_id(phase)} --> {_id(target)}: {', '.join(events)}"
    yield from ("```", "")
    yield f"| from | {' | '.join(event.value for event in Event)} |"
    yield "| --- |" + " --- |" * len(Event)
    for phase, row in table.items():
        cells = ["·" if row[event] is phase else row[event].value for event in Event]
        yield f"| **{phase.value}** | {' | '.join(cells)} |"
    yield from ("", "`·`: nothing changes.", "")


def _id(phase: Phase) -> str:
    """Mermaid's names hold no hyphen."""
    return phase.value.replace("-", "_")
