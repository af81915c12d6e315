"""What one gateway process needs of its site: its buses, where they are, and their devices ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from config.loader import load_site
from config.profile import points_of
from config.pulse import BUS, PROFILE, device_in
from config.site import Gateway, RtuBus, Site, TcpBus
from config.words import Edge
from gateway.poller import Polled, polled


class StartError(Exception):
    """The operator must change something before this gateway can start; str() says what."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What the command line says. `buses` is a JSON file: bus id -> where it is instead of in the site."""

    site: Path
    gateway: str
    mqtt: str
    state: Path | None = None
    buses: Path | None = None
    log: str | None = None
    log_level: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What this process needs of a site; the rest of it may leave memory."""

    edge: Edge
    gateway: Gateway
    buses: tuple[tuple[TcpBus | RtuBus, dict[str, Polled]], ...]
    pulse_every_s: float | None = None  # None: no pulse, or somebody else answers for its register

    def with_pulse(self, port: int) -> Plan:
        """The same with the pulse register, which answers at this port of the loopback."""
        return replace(self, buses=(*self.buses, _pulse_bus(self.gateway, {"type": "tcp", "port": port})))

    @property
    def devices(self) -> dict[str, Polled]:
        """All devices of all buses, by id."""
        return {name: found for _, devices in self.buses for name, found in devices.items()}


def plan_of(options: GatewayOptions) -> Plan:
    """Read the site. Raises Mistakes, StartError."""
    site = load_site(options.site)
    gateway = site.gateways.get(options.gateway)
    if gateway is None:
        raise StartError(f"no gateway {options.gateway!r} in {options.site}; it has {', '.join(site.gateways)}")
    elsewhere = read_buses(options.buses, site, options.site)
    buses = tuple(
        (
            bus,
            {
                device.id: polled(device, site.profiles[device.profile], site.points(device), bus)
                for device in bus.devices
            },
        )
        for bus in (moved(bus, elsewhere) for bus in gateway.buses)
    )
    pulse = site.plan.pulse
    if pulse is not None and BUS in elsewhere:
        buses = (*buses, _pulse_bus(gateway, elsewhere[BUS]))
        pulse = None
    return Plan(Edge(site.community.id, gateway.id), gateway, buses, pulse.every_s if pulse is not None else None)


def _pulse_bus(gateway: Gateway, where: Mapping[str, object]) -> tuple[TcpBus | RtuBus, dict[str, Polled]]:
    device = device_in(gateway.buses[0].devices[0].place.building)
    bus = moved(TcpBus(id=BUS, type="tcp", host="127.0.0.1", devices=(device,)), {BUS: {"host": "127.0.0.1", **where}})
    return bus, {device.id: polled(device, PROFILE, points_of(PROFILE), bus)}


def read_buses(path: Path | None, site: Site, folder: Path) -> Mapping[str, Mapping[str, object]]:
    """Where a buses file says that the site's buses are; nowhere else without one. Raises StartError."""
    if path is None:
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{path}: {error}") from error
    if not isinstance(said, dict) or not all(isinstance(where, dict) for where in said.values()):
        raise StartError(f'{path}: expected {{"<bus id>": {{"type": "tcp", "host": …, "port": …}} or "rtu"}}')
    known = {BUS, *(bus.id for each in site.gateways.values() for bus in each.buses)}
    if strange := sorted(set(said) - known):
        raise StartError(f"{path}: no bus {strange[0]!r} in {folder}; it has {', '.join(sorted(known))}")
    return said


def moved(bus: TcpBus | RtuBus, elsewhere: Mapping[str, Mapping[str, object]]) -> TcpBus | RtuBus:
    """The bus where the buses file says it is. Raises StartError."""
    if bus.id not in elsewhere:
        return bus
    said = elsewhere[bus.id]
    kept = {name: getattr(bus, name) for name in ("id", "fast_period_s", "slow_period_s", "devices")}
    models: dict[str, type[TcpBus] | type[RtuBus]] = {"tcp": TcpBus, "rtu": RtuBus}
    model = models.get(str(said.get("type")))
    if model is None:
        raise StartError(f"bus {bus.id}: type {said.get('type')!r}, expected tcp or rtu")
    if isinstance(bus, RtuBus) and model is RtuBus:
        kept |= {name: getattr(bus, name) for name in ("baud", "parity", "stop_bits")}
    try:
        return model.model_validate({**kept, **said})
    except ValidationError as error:
        problem = error.errors()[0]
        raise StartError(f"bus {bus.id}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
