"""The last resort: a fire whose transaction has failed is told all the same. Nothing of it is kept, nothing follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from collector.alarms.alarm import Alarm, Phase
from collector.alarms.incident import Incident
from collector.alarms.route import Mode
from collector.engine import Engine
from collector.state import Decision
from config import logs
from config.profile import Condition

_REAL = (Mode.LIVE, Mode.DISABLED)

log = logs.of(__name__)


class Unrecorded:
    """Tells of them beside the desk, which goes on. `send` bounds how often; while it is None nobody is told."""

    def __init__(self) -> None:
        self.send: Callable[[Incident, Sequence[Alarm]], Awaitable[int]] | None = None
        self._calls: set[asyncio.Future[int]] = set()

    def tell(self, decisions: Iterable[Decision], engine: Engine) -> None:
        """Tell of the fires and entrapments that these decisions raised, or called more people to."""
        if self.send is None:
            return
        touched: dict[str | None, None] = {}  # in order
        for decision in decisions:
            touched |= {alarm.incident: None for alarm in decision.alarms if _is_loud(alarm)}
            touched |= {notice.incident: None for notice in decision.notices if notice.expects_answer}
        for incident in touched:
            found = engine.incidents.get(incident or "")
            keys = found.alarms if found is not None else ()
            loud = [alarm for key in keys if (alarm := engine.alarms.get(key)) is not None and _is_loud(alarm)]
            if found is not None and loud:
                self._log(found)
                call = asyncio.ensure_future(self.send(found, loud))
                self._calls.add(call)
                call.add_done_callback(partial(self._sent, found.id))

    async def finish(self) -> None:
        """Wait for what is being sent."""
        if self._calls:
            await asyncio.wait(self._calls)

    def _log(self, incident: Incident) -> None:
        text = f"the store does not take a {incident.kind} in {incident.building}: the contacts are told without it"
        log.critical(
            "call-unrecorded", text, incident=incident.id, building=incident.building, kind=incident.kind.value
        )

    def _sent(self, incident: str, call: asyncio.Future[int]) -> None:
        self._calls.discard(call)
        if call.cancelled():
            return
        if (error := call.exception()) is not None:
            log.error("unrecorded-not-sent", f"an unrecorded call could not be sent: {error!r}", fault=error)
            return
        text = f"{call.result()} contacts are told of the unrecorded call; they are told once a minute at most"
        log.warning("unrecorded-sent", text, incident=incident, count=call.result())


def _is_loud(alarm: Alarm) -> bool:
    """True for what people are truly called out to and nobody has acknowledged: never a drill, nor a walk test."""
    return alarm.condition is Condition.ALARM and alarm.phase is Phase.ACTIVE and alarm.route.mode in _REAL
