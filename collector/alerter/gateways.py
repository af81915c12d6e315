"""Gateways as engineers look at them: buses and their timing, dead units, journal, clock, pulse, session."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path

from collector.access.actor import Right
from collector.alarms.heard import GatewayState
from collector.alerter import technicalexamples as examples
from collector.alerter.front import Front, InFront
from collector.alerter.models import LONGEST_ID
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import needs
from collector.alerter.technicalshapes import (
    BusFiguresShown,
    BusShown,
    ClockShown,
    GatewayBrief,
    GatewayList,
    GatewayTechnical,
    LaneShown,
    MinuteShown,
    PulseShown,
    SessionShown,
    SilentDevice,
)
from collector.calls.pulse import HOPS, Pulsed
from collector.session.tellings import BusTelling
from config.site import Gateway, RtuBus, TcpBus
from config.wire import CLOCK

READING = (401, 403, 503)

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.TECHNICAL)])
Id = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]


@router.get("/gateways", tags=["system"], responses=answers(200, examples.GATEWAY_LIST, *READING))
async def gateways(front: InFront) -> GatewayList:
    """Every gateway: whether it is there, how many of its units are dead, its clock and its pulse."""
    return GatewayList(gateways=[brief_of(front, each) for each in gateways_seen(front)])


@router.get("/gateways/{gateway_id}", tags=["system"], responses=answers(200, examples.GATEWAY, *READING, 404, 422))
async def gateway(front: InFront, gateway_id: Id) -> GatewayTechnical:
    """One gateway: its buses with counts and times, dead units, journal, clock, pulse, version and session."""
    found = next((each for each in gateways_seen(front) if each.id == gateway_id), None)
    if found is None:
        raise Rejected(404, "unknown-gateway", f"the site has no gateway {gateway_id!r}")
    return await gateway_of(front, found)


def gateways_seen(front: Front) -> list[Gateway]:
    """The gateways with a device in a building that whoever asks may see."""
    return [
        each
        for each in front.desk.site.gateways.values()
        if any(front.sees(device.place.building) for bus in each.buses for device in bus.devices)
    ]


def brief_of(front: Front, gateway: Gateway) -> GatewayBrief:
    """A gateway in short."""
    return GatewayBrief(**_brief(front, gateway))


async def gateway_of(front: Front, gateway: Gateway) -> GatewayTechnical:
    """A gateway in full; its journal as the store has heard of it. Raises StoreFailed."""
    state, told, stamp = front.desk.engine.gateways.get(gateway.id), front.tellings.of(gateway.id), front.view.maybe
    clock = None if state is None else state.values.get(CLOCK)
    rows = [row for row in await front.desk.store.ledger_rows() if row.gateway == gateway.id]
    newest = max((row.heard_ms or 0, row.epoch) for row in rows)[1] if rows else ""
    return GatewayTechnical(
        **_brief(front, gateway),
        delivery=gateway.delivery,
        answers_questions=told.answers,
        clock=ClockShown(
            synchronized=clock.reading.value is True if clock is not None and clock.reading.value is not None else None,
            cause=None if clock is None else clock.reading.cause,
            offset_s=_seconds(told.clock_offset_ms),
        ),
        pulse=_pulse(front, gateway),
        journal=[
            LaneShown(
                lane=row.lane.value,
                appended=row.appended,
                dropped=row.dropped,
                in_journal=row.in_journal,
                committed=row.committed,
            )
            for row in rows
            if row.epoch == newest
        ],
        session=SessionShown(born_at=stamp(told.born_ms), gone_at=stamp(told.gone_ms), counts=dict(told.counts)),
        lines=[_bus(front, state, bus, told.buses.get(bus.id)) for bus in gateway.buses],
    )


def _brief(front: Front, gateway: Gateway) -> dict[str, Any]:
    engine, told = front.desk.engine, front.tellings.of(gateway.id)
    state = engine.gateways.get(gateway.id)
    installed = [device.id for bus in gateway.buses for device in bus.devices]
    known = [engine.devices[each] for each in installed if each in engine.devices]
    pulse = _pulse(front, gateway)
    return {
        "id": gateway.id,
        "online": state.online if state else None,
        "cause": None if state is None or state.online else state.cause,
        "heard_at": front.view.maybe(state.heard_at_ms) if state else None,
        "version": told.version,
        "devices": len(installed),
        "devices_online": sum(each.online is True for each in known),
        "buses": len(gateway.buses),
        "units_dead": sum(bus.figures.units_dead for bus in told.buses.values()) if told.buses else None,
        "clock_offset_s": _seconds(told.clock_offset_ms),
        "pulse_broken": pulse.broken if pulse else [],
    }


def _pulse(front: Front, gateway: Gateway) -> PulseShown | None:
    if front.desk.site.plan.pulse is None:
        return None
    kept, alarms = front.desk.engine.kept(Pulsed).get(gateway.id), front.desk.engine.alarms
    return PulseShown(
        came_at=front.view.maybe(kept.handed_over_at_ms) if kept else None,
        took_s=_seconds(kept.took_ms) if kept else None,
        broken=[hop.removeprefix("pulse-") for hop in HOPS if f"{gateway.id}:{hop}" in alarms],
    )


def _bus(front: Front, state: GatewayState | None, bus: TcpBus | RtuBus, told: BusTelling | None) -> BusShown:
    engine, view = front.desk.engine, front.view
    heard = None if state is None else state.values.get(f"Bus/{bus.id}/Online")
    silent = [
        SilentDevice(device=each.id, where=view.where(each.place.building, each.id), cause=found.cause)
        for each in bus.devices
        if (found := engine.devices.get(each.id)) is not None
        and found.online is False
        and front.sees(each.place.building)
    ]
    online = heard.reading.value if heard is not None else None
    return BusShown(
        id=bus.id,
        line=line_of(bus),
        online=online if isinstance(online, bool) else None,
        cause=None if heard is None else heard.reading.cause,
        devices=len(bus.devices),
        silent=silent,
        figures=None
        if told is None
        else BusFiguresShown(told_at=view.stamp(told.heard_ms), lately=told.lately, **asdict(told.figures)),
        minutes=[]
        if told is None
        else [
            MinuteShown(
                at=view.stamp(each.heard_ms),
                latency_p50_ms=each.latency_p50_ms,
                latency_p95_ms=each.latency_p95_ms,
                cycle_s=each.cycle_s,
                lost=None if each.lost is None else round(each.lost, 4),
            )
            for each in told.minutes
        ],
    )


def line_of(bus: TcpBus | RtuBus) -> str:
    """Where a bus is, in short."""
    if isinstance(bus, TcpBus):
        return f"{bus.host}:{bus.port}"
    return f"{bus.port}, {bus.baud} {bus.parity}{bus.stop_bits}"


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
