"""How every part is, and how old that knowledge is."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from collector.alarms.alarm import Alarm
from collector.alerter import examples
from collector.alerter.front import Front, InFront
from collector.alerter.models import HealthShown, PartShown
from collector.alerter.openapi import answers
from collector.calls.pulse import HOPS, Pulsed
from collector.storage.store import StoreFailed

STORE_WITHIN_S = 2.0

router = APIRouter(prefix="/api/v1")


@router.head("/health", include_in_schema=False)
@router.get(
    "/health",
    tags=["system"],
    response_model=HealthShown,
    responses={**answers(200, examples.HEALTH, 403), **answers(503, examples.ILL_HEALTH)},
)
async def health(front: InFront) -> Response:
    """Every part of the system. 503 if nobody could be told of an alarm now."""
    parts = [await _store(front), _broker(front), _history(front), _gateways(front), *_channels(front), *_pulses(front)]
    ok = all(part.ok or not part.critical for part in parts)
    shown = HealthShown(ok=ok, degraded=not all(part.ok for part in parts), at=front.now(), parts=parts)
    return JSONResponse(shown.model_dump(mode="json"), 200 if ok else 503)


async def _store(front: Front) -> PartShown:
    """Asked now; and what it last had to say of writing."""
    trouble = _trouble(front, "store")
    text = trouble.value or "in trouble" if trouble is not None else None
    try:
        async with asyncio.timeout(STORE_WITHIN_S):
            await front.desk.store.incident("")
    except (StoreFailed, TimeoutError) as error:
        text = str(error) or f"no answer within {STORE_WITHIN_S:g} s"
    return _part(front, "store", text is None, True, text or "answers", None)


def _broker(front: Front) -> PartShown:
    trouble = _trouble(front, "broker")
    if trouble is None:
        return _part(front, "broker", True, True, "connected", None)
    return _part(front, "broker", False, True, trouble.value or "not connected", trouble.heard_at_ms)


def _history(front: Front) -> PartShown:
    waiting = f"{front.desk.store.spooled} rows wait"
    figures = front.desk.history.figures
    if figures is not None and figures.waits is not None:
        waiting = f"{waiting}; {figures.waits}"
    trouble = _trouble(front, "history")
    if trouble is None:
        return _part(front, "history", True, False, waiting, None)
    return _part(front, "history", False, False, f"{trouble.value}; {waiting}", trouble.heard_at_ms)


def _gateways(front: Front) -> PartShown:
    """As old as the newest word of any gateway."""
    gateways = [front.desk.engine.gateways[name] for name in front.desk.site.gateways]
    silent = [each.edge.node for each in gateways if each.online is not True]
    text = f"not online: {', '.join(silent)}" if silent else f"all {len(gateways)} online"
    heard = max((each.heard_at_ms for each in gateways if each.heard_at_ms is not None), default=None)
    return _part(front, "gateways", not silent, False, text, heard)


def _channels(front: Front) -> list[PartShown]:
    """Critical only together: one road that works is enough to tell people.

    Why one fails may name people, and this may be read by anybody: its incident says it.
    """
    found = front.channels()
    none_left = all(each.trouble is not None for each in found.values())
    return [
        _part(
            front,
            f"channel:{name}",
            each.trouble is None,
            none_left,
            "works" if each.trouble is None else "fails",
            None,
        )
        for name, each in found.items()
    ]


def _pulses(front: Front) -> list[PartShown]:
    """The supervised way of an alarm, by gateway: the newest pulse that came all the way, and what is broken."""
    if front.desk.site.plan.pulse is None:
        return []
    return [_pulse(front, gateway) for gateway in front.desk.site.gateways]


def _pulse(front: Front, gateway: str) -> PartShown:
    kept, alarms = front.desk.engine.kept(Pulsed).get(gateway), front.desk.engine.alarms
    broken = [hop for hop in HOPS if f"{gateway}:{hop}" in alarms]
    if kept is None:
        return _part(front, f"pulse:{gateway}", True, False, "not supervised: no pulse has come", None)
    text = "none has come all the way yet"
    if kept.handed_over_at_ms is not None:
        took = "" if kept.took_ms is None else f" took {kept.took_ms / 1000:.1f} s"
        text = f"beat {kept.beat}{took}"
    if broken:
        text = f"broken: {', '.join(hop.removeprefix('pulse-') for hop in broken)}; {text}"
    return _part(front, f"pulse:{gateway}", not broken, False, text, kept.handed_over_at_ms or kept.heard_at_ms)


def _trouble(front: Front, part: str) -> Alarm | None:
    """What the part itself reports to the engine at every change; None while it is well."""
    alarm = front.desk.engine.alarms.get(f"system:{part}")
    return alarm if alarm is not None and alarm.source_active else None


def _part(front: Front, name: str, ok: bool, critical: bool, text: str, as_of_ms: int | None) -> PartShown:
    now = front.clock()
    as_of = now if as_of_ms is None else as_of_ms
    age_s = max(0, now - as_of) / 1000
    return PartShown(name=name, ok=ok, critical=critical, text=text, as_of=front.view.stamp(as_of), age_s=age_s)
