"""Figures of gateways, their journals and their buses. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from collector.alarms.heard import DeviceState
from collector.calls.pulse import Pulsed
from collector.engine import Engine
from collector.figures.shapes import Plain, figure, moment_ns
from collector.session.tellings import GatewayTelling
from collector.storage.series import Row
from config.site import Site
from config.wire import CLOCK
from config.words import Lane

LATELY_MS = 120_000  # what a gateway tells once a minute counts for so long


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """One lane of a gateway's newest journal: the gateway's own counts (None: not told yet), and what is stored."""

    appended: int | None
    dropped: int | None
    in_journal: int | None
    committed: int


def gateway_row(
    site: Site,
    engine: Engine,
    gateway: str,
    devices: Sequence[DeviceState],
    counts: Mapping[Lane, JournalCounts],
    telling: GatewayTelling,
    now: int,
) -> Row:
    """A gateway of the site and its journal. `devices` are its own."""
    state, pulsed = engine.gateways[gateway], engine.kept(Pulsed).get(gateway)
    synchronized = state.values.get(CLOCK)
    said = None if synchronized is None else synchronized.reading.value
    came_ms = None if pulsed is None else pulsed.handed_over_at_ms
    took_ms = None if pulsed is None else pulsed.took_ms
    of_lanes = {
        f"{lane.value}_{name}": getattr(counts[lane], name)
        for lane in Lane
        if lane in counts
        for name in ("appended", "dropped", "in_journal", "committed")
    }
    return figure(
        "gateway",
        moment_ns(now),
        {"group": site.community.id, "gateway": gateway},
        {
            "name": gateway,
            "online": None if state.online is None else state.online,
            "clock_synchronized": said if isinstance(said, bool) else None,
            "clock_offset_s": None if telling.clock_offset_ms is None else telling.clock_offset_ms / 1000,
            "pulse_s": None if took_ms is None else took_ms / 1000,
            "pulse_age_s": None if came_ms is None else max(0, now - came_ms) / 1000,
            **of_lanes,
            "devices": len(devices),
            "devices_online": sum(each.online is True for each in devices),
        },
    )


def bus_rows(site: Site, engine: Engine, gateway: str, telling: GatewayTelling, now: int) -> Iterator[Row]:
    """The buses of a gateway: whether each can be used, and what the gateway told of it within two minutes."""
    values = engine.gateways[gateway].values
    for bus in site.gateways[gateway].buses:
        heard, told = values.get(f"Bus/{bus.id}/Online"), telling.buses.get(bus.id)
        online = None if heard is None else heard.reading.value
        fields: dict[str, Plain] = {"online": online if isinstance(online, bool) else None}
        if told is not None and now - told.heard_ms <= LATELY_MS:
            fields |= dict(told.lately or {})
            measured = ("latency_p50_ms", "latency_p95_ms", "cycle_s", "busy", "units", "units_dead")
            fields |= {name: getattr(told.figures, name) for name in measured}
        if any(value is not None for value in fields.values()):
            tags = {"group": site.community.id, "gateway": gateway, "bus": bus.id}
            yield figure("bus", moment_ns(now), tags, fields)
