"""Who is there and who is silent. Silence is an event: it becomes a trouble, never normal and never a fire.

Deadlines run by receipt; they start again with a birth and with the collector itself. A gateway that is
gone is one trouble: its devices are stale as a consequence, not troubles of their own; so are the devices of a bus
that is down, and the gateways of a broker that is away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from collector.agenda import Agenda, ms_of
from collector.alarms.alarm import Alarm
from collector.alarms.buses import Buses
from collector.alarms.conditions import Conditions, ours
from collector.alarms.extent import extent_of, is_of_bus, told_of
from collector.alarms.heard import DeviceState, GatewayState, Heard
from collector.alarms.rules import Rule, rules_of
from collector.alarms.staleness import Staleness
from collector.equipment.keepers import keepers
from collector.session.effects import Presence
from collector.state import State
from config.profile import Condition, Kind
from config.site import Device, Site
from config.words import PULSE, Edge, Lane, Report

HEARTBEAT_GRACE_MS = 15_000  # a heartbeat may have been grouped, lost once, and sent again
UNKNOWN_MAX = 1_000  # gateways and devices that the site does not know, shown and counted
SETTLE_MS = 3_000  # a device that is lost may be the first sign of its bus or gateway: those are told instead
TOGETHER_MS = 250  # deadlines of minutes: what falls due within this is one look at all of it, at its end
BROKER = "system:broker"

__all__ = ["DeviceState", "GatewayState", "Heard", "Watch", "building_of_gateway", "trouble_rule"]


class Watch:
    """All gateways and devices, and their deadlines."""

    def __init__(
        self,
        site: Site,
        state: State,
        conditions: Conditions,
        now: int,
        lost: Callable[[DeviceState, int], None],
    ) -> None:
        """`lost` hears of every device of the site that is gone, by itself or with its gateway."""
        self._lost = lost
        self._site = site
        self._state = state
        self._conditions = conditions
        self._agenda: Agenda[tuple[str, str]] = Agenda()
        self._silent_ms = {gateway.id: ms_of(gateway.silent_after_s) for gateway in site.gateways.values()}
        group = site.community.id
        self.gateways = {name: GatewayState(Edge(group, name), patient_from_ms=now) for name in site.gateways}
        self.devices = {
            device.id: DeviceState(
                device.id,
                gateway.id,
                rules=rules_of(site, device),
                silent_after_ms=_silent_after_ms(site, device),
                patient_from_ms=now,
            )
            for gateway, _, device in site.installed()
        }
        self._buses = Buses(site, state, self.devices)
        self._staleness = Staleness(site, state, conditions, self.devices)
        self._devices_of: dict[str, list[DeviceState]] = {}
        for device in self.devices.values():
            self._devices_of.setdefault(device.gateway, []).append(device)
            self._agenda.set(("device", device.device), now + device.silent_after_ms)
        for name in self.gateways:
            self._agenda.set(("gateway", name), now + self._silent_ms[name])

    def people_changed(self) -> None:
        """Who is told of an elevator's conditions may be others now."""
        for name, device in self._site.devices.items():
            told = keepers(self._site, device) if device.lift is not None else ()
            rules = [rule for rules in self.devices[name].rules.values() for rule in rules]
            if any(rule.tell != told for rule in rules if rule.kind is not Kind.ENTRAPMENT):
                self.devices[name].rules = rules_of(self._site, device)

    def has_source(self, alarm: Alarm) -> bool:
        """True if something of the site can still say whether this condition, as it is, holds."""
        if alarm.device == "system":
            kind, _, rest = alarm.point.partition(":")
            name = rest.partition(":")[0]
            return {"channel": name in self._site.channels, "gateway": name in self._site.gateways}.get(kind, True)
        device = self.devices.get(alarm.device)
        if device is None:
            gateway = self._site.gateways.get(alarm.device)
            bus = alarm.point.startswith("Bus/")
            return gateway is not None and (not bus or any(is_of_bus(alarm.point, each) for each in gateway.buses))
        if alarm.key == f"{alarm.device}:quality":
            return (alarm.value or "").partition(": ")[0] in device.rules
        if alarm.key == f"{alarm.device}:stale":
            return bool(device.stale)
        what = (alarm.key, alarm.condition, alarm.kind, alarm.building)
        return alarm.key == f"{alarm.device}:silent" or any(
            (rule.key, rule.condition, rule.kind, rule.building) == what for rule in device.rules.get(alarm.point, ())
        )

    # --- signs of life --------------------------------------------------------------------------------

    def gateway_of(self, edge: Edge) -> GatewayState | None:
        """The gateway, made if it is not of the site; None if there are too many such."""
        name = edge.node if edge.group == self._site.community.id else f"{edge.group}/{edge.node}"
        gateway = self.gateways.get(name)
        if gateway is None and len(self.gateways) < len(self._site.gateways) + UNKNOWN_MAX:
            gateway = self.gateways[name] = GatewayState(edge, known=False)
        return gateway

    def device_of(self, device: str, edge: Edge) -> DeviceState | None:
        """The device, made if the site does not know it; None if there are too many such."""
        state = self.devices.get(device)
        if state is None and len(self.devices) < len(self._site.devices) + UNKNOWN_MAX:
            state = self.devices[device] = DeviceState(device, edge.node, known=False)
        return state

    def gateway_spoke(self, gateway: GatewayState, now: int) -> None:
        """Something of this gateway arrived. After a death certificate only a birth brings it back."""
        gateway.heard_at_ms = now
        if gateway.online is not True and not gateway.certified_dead:
            self._gateway_back(gateway, "data", now)

    def device_spoke(self, state: DeviceState, at_ms: int, now: int) -> None:
        """A live report of this device with a value arrived."""
        state.heard_at_ms = now
        state.spoke_at_ms = max(state.spoke_at_ms, at_ms)
        gateway = self.gateways.get(state.gateway)
        gone_with_gateway = gateway is not None and gateway.online is False
        if state.online is not True and not state.certified_dead and not gone_with_gateway:
            self._device_back(state, "data", now)

    def told(self, device: DeviceState, report: Report, now: int) -> None:
        """A live report of a device of the site: the deadlines of what it tells run anew."""
        self._staleness.told(device, report, now)

    def bus_back(self, bus_key: str, now: int) -> None:
        """A bus that was down is well again, by its trouble's key: its devices have their time to speak."""
        self._patience_for(self._buses.of_key(bus_key), now)

    def broker(self, away: bool, now: int) -> None:
        """The broker went away or is back: gateways that do not speak meanwhile are no troubles of their own."""
        if away:
            return
        for name, gateway in self.gateways.items():
            if gateway.known and gateway.online is not True:
                gateway.patient_from_ms = now
                self._agenda.set(("gateway", name), now + self._silent_ms[name])

    def system_rule(self, part: str) -> Rule:
        """The rule of a trouble of the system: a gateway's is told where it stands, others to the contacts.

        Without a broker no building is watched, and all who are responsible for one are told.
        """
        kind, _, rest = part.partition(":")
        building = building_of_gateway(self._site, rest.partition(":")[0]) if kind == "gateway" else ""
        return self._rule(f"system:{part}", "system", part, building)

    def node_rule(self, node: str, point: str) -> Rule:
        """The rule of what a gateway says of itself: its clock, a bus, its journal."""
        extent = extent_of(self._site, node, point)
        building = extent.buildings[0] if extent is not None else building_of_gateway(self._site, node)
        return self._rule(f"{node}:{point}", node, point, building)

    def presence(self, presence: Presence, now: int) -> None:
        """A birth or a death."""
        gateway = self.gateway_of(presence.edge)
        if gateway is None:
            return
        if presence.device is None:
            gateway.certified_dead = not presence.online
            if presence.online:
                gateway.heard_at_ms = now
                self._gateway_back(gateway, presence.cause, now)
            else:
                self._gateway_gone(gateway, presence.cause, now)
            return
        gateway.heard_at_ms = now
        if presence.device == PULSE:
            return  # whether it beats is what counts
        device = self.device_of(presence.device, presence.edge)
        if device is None:
            return
        device.certified_dead = not presence.online
        if presence.online:
            device.patient_from_ms = now
            self._device_back(device, presence.cause, now)
        else:
            self.device_gone(device, presence.cause, now)

    def device_gone(self, device: DeviceState, cause: str, now: int) -> None:
        """It is lost or dead. Its points' troubles are part of that. Soon it is a trouble, unless its bus is."""
        self._turn_device(device, False, cause, now)
        if device.known:
            device.lost_at_ms = now if device.lost_at_ms is None else device.lost_at_ms
            self._conditions.cleared(f"{device.device}:quality", ours(now), now)
            self._staleness.gone(device, now)
            self._lost(device, now)
            if f"{device.device}:silent" not in self._state.alarms:
                self._agenda.set(("device", device.device), now + SETTLE_MS)

    # --- time -----------------------------------------------------------------------------------------

    def wake(self, now: int) -> None:
        """Look at every deadline that may have passed."""
        for kind, name in self._agenda.due(now):
            if kind == "gateway":
                self._look_at_gateway(self.gateways[name], name, now)
            else:
                self._look_at_device(self.devices[name], now)

    def wake_at(self) -> int | None:
        """The next deadline to look at; it may turn out to have moved."""
        return self._agenda.next_at()

    def _look_at_gateway(self, gateway: GatewayState, name: str, now: int) -> None:
        deadline = max(gateway.patient_from_ms, gateway.heard_at_ms or 0) + self._silent_ms[name]
        if deadline > now:
            self._agenda.set(("gateway", name), deadline)
        else:
            self._gateway_gone(gateway, "silence", now)

    def _look_at_device(self, device: DeviceState, now: int) -> None:
        gateway = self.gateways[device.gateway]
        if gateway.online is not True:
            return  # its deadline starts again when its gateway is back
        since = max(device.patient_from_ms, device.heard_at_ms or 0)
        silent_at = since + device.silent_after_ms
        if device.online is False:
            device.lost_at_ms = now if device.lost_at_ms is None else device.lost_at_ms
            self._tell_silent(device, now)
        elif silent_at > now:
            look_at = min(silent_at, self._staleness.look(device, now))
            self._agenda.set(("device", device.device), -(-look_at // TOGETHER_MS) * TOGETHER_MS)
        elif (gateway.heard_at_ms or 0) <= since:
            # The gateway has been mute for as long: its own deadline is to tell, before it is held against the device.
            self._agenda.set(("device", device.device), now + self._silent_ms[device.gateway])
        else:
            self.device_gone(device, "silence", now)
            self._tell_silent(device, now)

    def _tell_silent(self, device: DeviceState, now: int) -> None:
        """It is a trouble of its own, unless its bus is down, or may be as nobody on it answers."""
        name = device.device
        self._agenda.set(("device", name), None)
        if self._buses.trouble(name) is None and self._buses.is_silent(name, now):
            rule = self.node_rule(device.gateway, self._buses.silent_point(name))
            self._conditions.raised(rule, "no device answers", ours(now), now)
        bus = self._buses.trouble(name)
        if bus is not None:
            device.cause = f"its bus is down: {bus.value}"
            return
        if (wait_until := self._buses.wait_until(device, now)) > now:
            self._agenda.set(("device", name), wait_until)
            return
        rule = self._rule(
            f"{device.device}:silent", device.device, "silent", self._site.devices[device.device].place.building
        )
        self._conditions.raised(rule, device.cause, ours(now), now)

    # --- inside ---------------------------------------------------------------------------------------

    def _gateway_gone(self, gateway: GatewayState, cause: str, now: int) -> None:
        name = gateway.edge.node
        if gateway.online is not False:
            self._state.log(now, "gateway-offline", device=name, facts=[("cause", cause)])
        gateway.online, gateway.cause = False, cause
        if not gateway.known:
            return
        self._agenda.set(("gateway", name), None)
        for device in self._devices_of.get(name, ()):
            device.online, device.cause = False, f"its gateway is gone: {cause}"
            self._lost(device, now)
        broker = self._state.alarms.get(BROKER)
        if broker is not None and broker.source_active:
            gateway.cause = f"the broker is away: {broker.value}"
        else:
            self._conditions.raised(self.node_rule(name, "silent"), cause, ours(now), now)

    def _gateway_back(self, gateway: GatewayState, cause: str, now: int) -> None:
        name = gateway.edge.node
        if gateway.online is not True:
            self._state.log(now, "gateway-online", device=name, facts=[("cause", cause)])
        gateway.online, gateway.cause, gateway.patient_from_ms = True, cause, now
        if not gateway.known:
            return
        self._agenda.set(("gateway", name), now + self._silent_ms[name])
        self._patience_for(self._devices_of.get(name, ()), now)
        self._conditions.cleared(f"{name}:silent", ours(now), now)

    def _patience_for(self, devices: Iterable[DeviceState], now: int) -> None:
        for device in devices:
            device.patient_from_ms, device.lost_at_ms = now, None
            self._agenda.set(("device", device.device), now + device.silent_after_ms)

    def _device_back(self, device: DeviceState, cause: str, now: int) -> None:
        self._turn_device(device, True, cause, now)
        if device.known:
            device.lost_at_ms = None
            silent = f"{device.gateway}:{self._buses.silent_point(device.device)}"
            if silent in self._state.alarms:
                self._conditions.cleared(silent, ours(now), now)
                self.bus_back(silent, now)
            self._agenda.set(("device", device.device), now + device.silent_after_ms)
            self._conditions.cleared(f"{device.device}:silent", ours(now), now)

    def _turn_device(self, device: DeviceState, online: bool, cause: str, now: int) -> None:
        if device.online is not online:
            event = "device-online" if online else "device-offline"
            self._state.log(now, event, device=device.device, facts=[("cause", cause)])
        device.online, device.cause = online, cause

    def _rule(self, key: str, device: str, point: str, building: str) -> Rule:
        return replace(trouble_rule(key, device, point, building), tell=told_of(self._site, device, point))


def trouble_rule(key: str, device: str, point: str, building: str) -> Rule:
    """The rule of a trouble that no profile declares."""
    return Rule(key, device, point, building, Condition.TROUBLE, Kind.FAULT)


def building_of_gateway(site: Site, gateway: str) -> str:
    """The building where most of a gateway's devices are: its troubles are told there. "" if it is not of the site."""
    if gateway not in site.gateways:
        return ""
    places = Counter(device.place.building for bus in site.gateways[gateway].buses for device in bus.devices)
    return places.most_common(1)[0][0]


def _silent_after_ms(site: Site, device: Device) -> int:
    """The plan's deadline, but never before the device's own next heartbeat can have arrived."""
    points = site.points(device)
    pulses = [point.register.heartbeat_s for point in points if point.lane is Lane.TELEMETRY]
    pulse_s = min(pulses or [point.register.heartbeat_s for point in points[:1]], default=0.0)
    return max(ms_of(site.plan.device_silent_after_s), ms_of(pulse_s) + HEARTBEAT_GRACE_MS)
