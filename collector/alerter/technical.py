"""One device as engineers look at it: registers and how they are decoded, raw words, the newest errors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from collector.access.actor import Right
from collector.alerter import technicalexamples as examples
from collector.alerter.front import Front, InFront
from collector.alerter.models import LONGEST_ID
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs
from collector.alerter.technicalshapes import (
    BlockShown,
    DeviceTechnical,
    DiagnosisShown,
    ErrorShown,
    PointTechnical,
    RegisterShown,
)
from collector.storage.records import STAMP_MS_MAX
from config.diagnosis import Diagnosis
from config.profile import UNKNOWN_BITS, Point
from config.site import Device, Gateway, RtuBus, TcpBus
from config.words import Lane

READING = (401, 403, 503)
OFFLINE = "offline"

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.TECHNICAL)])
Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.get(
    "/devices/{device_id}/technical",
    tags=["devices"],
    responses=answers(200, examples.DEVICE_TECHNICAL, *READING, 404, 422),
)
async def device(
    front: InFront,
    device_id: Id,
    ask: Annotated[bool, Query(description="ask the gateway for the words and errors of its last polls")] = False,
) -> DeviceTechnical:
    """One device: every point with its register, how it is decoded and, if asked for, its raw words.

    No question goes over the bus for it. Without an answer of the gateway, `diagnosis.why` says why.
    """
    installed = front.desk.site.devices.get(device_id)
    if installed is None or not front.sees(installed.place.building):
        raise Rejected(404, "unknown-device", f"the site has no device {device_id!r}")
    return await device_of(front, installed, ask)


async def device_of(front: Front, installed: Device, ask: bool) -> DeviceTechnical:
    """A device with its registers; with the words of its gateway if it is to be asked."""
    site, view, now = front.desk.site, front.view, front.clock()
    gateway = site.gateways[site.gateway_of[installed.id]]
    bus = next(each for each in gateway.buses if any(device.id == installed.id for device in each.devices))
    state = front.desk.engine.devices.get(installed.id)
    diagnosis: DiagnosisShown | None = None
    words: dict[tuple[str, int], int] = {}
    if ask:
        diagnosis, words = await _asked(front, gateway, installed)
    profile = site.profiles[installed.profile]
    values = state.values if state else {}
    return DeviceTechnical(
        id=installed.id,
        profile=profile.profile,
        title=dict(profile.title),
        source=profile.source,
        where=view.where(installed.place.building, installed.id),
        gateway=gateway.id,
        bus=bus.id,
        unit=installed.unit,
        online=state.online if state else None,
        cause=None if state and state.online else state.cause if state else None,
        heard_at=view.maybe(state.heard_at_ms) if state else None,
        points=[
            PointTechnical(
                value=view.value(point, values.get(point.name), now),
                lane=point.lane.value,
                source=_register(point, bus),
                words=_words_of(point, words),
            )
            for point in view.points(installed.id).values()
        ],
        diagnosis=diagnosis,
    )


def _register(point: Point, bus: TcpBus | RtuBus) -> RegisterShown:
    register = point.register
    bits = register.bits or {}
    lane_s = bus.fast_period_s if register.effective_lane is Lane.ALARM else bus.slow_period_s
    return RegisterShown(
        table=register.table.value,
        address=register.address,
        registers=register.registers,
        bit=None if point.bit == UNKNOWN_BITS else point.bit,
        undeclared=point.bit == UNKNOWN_BITS,
        inverted=any(bit.bit == point.bit and bit.inverted for bit in bits.values()),
        type=register.type,
        byte_order=register.byte_order,
        word_order=register.word_order,
        scale=register.scale,
        offset=register.offset,
        scale_from=register.scale_from,
        unit_from=register.unit_from,
        no_value=list(register.no_value),
        period_s=register.period_s if register.period_s is not None else lane_s,
        deadband=register.deadband,
        heartbeat_s=register.heartbeat_s,
    )


def _words_of(point: Point, words: dict[tuple[str, int], int]) -> list[int] | None:
    """The words of a point's own addresses, None unless all were read."""
    register = point.register
    found = [words.get((register.table.value, register.address + n)) for n in range(register.registers)]
    return [word for word in found if word is not None] if None not in found else None


async def _asked(
    front: Front, gateway: Gateway, installed: Device
) -> tuple[DiagnosisShown, dict[tuple[str, int], int]]:
    state = front.desk.engine.gateways.get(gateway.id)
    if state is not None and state.online is False:
        answer = front.diagnoses.last(gateway.id, installed.id)
        why: str | None = OFFLINE
    else:
        answer = await front.diagnoses.ask(gateway.id, installed.id)
        why = None if answer.why is None else answer.why.value
    found = answer.diagnosis or Diagnosis(device=installed.id, told_ms=0)
    shown = DiagnosisShown(
        why=why,
        told_at=_when(front, found.told_ms),
        known=found.known,
        live=found.live,
        misses=found.misses,
        next_at=_when(front, found.next_ms),
        blocks=list(_blocks(front, found)),
        blocks_left_out=found.blocks_left_out,
        errors=[
            ErrorShown(at=at, table=each.table, address=each.address, count=each.count, cause=each.cause)
            for each in found.errors
            if (at := _when(front, each.at_ms)) is not None
        ],
    )
    words = {
        (block.table, block.address + n): word for block in found.blocks for n, word in enumerate(block.words or ())
    }
    return shown, words


def _blocks(front: Front, found: Diagnosis) -> Iterable[BlockShown]:
    for each in found.blocks:
        due = _when(front, each.due_ms)
        if due is not None:
            yield BlockShown(
                table=each.table,
                address=each.address,
                count=each.count,
                lane=each.lane,
                period_s=each.period_s,
                misses=each.misses,
                next_at=due,
                heard_at=_when(front, each.heard_ms),
                words=None if each.words is None else list(each.words),
            )


def _when(front: Front, at_ms: int | None) -> datetime | None:
    """A time that a gateway told; one that no calendar holds is none."""
    return front.view.stamp(at_ms) if at_ms is not None and 0 < at_ms <= STAMP_MS_MAX else None
