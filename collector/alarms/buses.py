"""Which devices share a bus, and whether their silence is the bus's own: a line may be dead though its port is open.

A broken RS-485 pair, a converter that hangs, a fuse of the loop's supply: the gateway still opens its port and no
device answers. Its devices are lost one after another, as their polls miss, so that whoever is lost in company waits
for the others. What a bus takes along is told once.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector.alarms.alarm import Alarm
from collector.alarms.heard import DeviceState
from collector.state import State
from config.site import Site

COMPANY_MS = 15_000  # since the newest loss on the bus: 30 devices that miss three answers of 0.5 s each in turn
COMPANY_MAX_MS = 120_000  # but never longer than this after a device's own loss
WITNESS_MS = 3_000  # what a neighbour tells sooner after a loss may have been read before it
DEVICES_MIN = 2  # one device alone is its own trouble


class Buses:
    """The buses of the site. `devices` are the watch's; `lost_at_ms` of a device says since when it is lost."""

    def __init__(self, site: Site, state: State, devices: Mapping[str, DeviceState]) -> None:
        self._state = state
        self._points = {device.id: (gateway.id, f"Bus/{bus.id}") for gateway, bus, device in site.installed()}
        self._members: dict[tuple[str, str], list[DeviceState]] = {}
        for name, bus in self._points.items():
            self._members.setdefault(bus, []).append(devices[name])

    def members(self, device: str) -> list[DeviceState]:
        """All devices of a device's bus, itself among them."""
        return self._members[self._points[device]]

    def silent_point(self, device: str) -> str:
        """The point of its gateway that says that no device of its bus answers."""
        return f"{self._points[device][1]}/Silent"

    def trouble(self, device: str) -> Alarm | None:
        """The trouble of its bus that takes its silence along, None without one."""
        gateway, bus = self._points[device]
        found = (self._state.alarms.get(f"{gateway}:{bus}/{word}") for word in ("Online", "Silent"))
        return next((alarm for alarm in found if alarm is not None and alarm.source_active), None)

    def of_key(self, key: str) -> list[DeviceState]:
        """The devices of the bus whose trouble has this key; none if it is no bus of the site."""
        gateway, _, point = key.partition(":")
        return self._members.get((gateway, point.rpartition("/")[0]), [])

    def is_silent(self, device: str, now: int) -> bool:
        """True if no device of its bus answers, and at least two of them are not told as silent yet."""
        members = self.members(device)
        untold = [each for each in members if f"{each.device}:silent" not in self._state.alarms]
        return len(untold) >= DEVICES_MIN and all(_is_lost(each, now) for each in members)

    def wait_until(self, device: DeviceState, now: int) -> int:
        """Until when a lost device waits for the rest of its bus; `now` if it was lost alone or the bus lives."""
        lost_at = now if device.lost_at_ms is None else device.lost_at_ms
        others = [each for each in self.members(device.device) if each is not device]
        losses = [each.lost_at_ms for each in others if each.lost_at_ms is not None]
        recent = [at for at in losses if abs(at - lost_at) <= COMPANY_MAX_MS]
        speaks = any(each.lost_at_ms is None and (each.heard_at_ms or 0) > lost_at + WITNESS_MS for each in others)
        if not recent or speaks:
            return now
        return max(now, min(max(*recent, lost_at) + COMPANY_MS, lost_at + COMPANY_MAX_MS))


def _is_lost(device: DeviceState, now: int) -> bool:
    """True if it is lost, or its own deadline has passed and is looked at in a moment."""
    heard_ms = max(device.patient_from_ms, device.heard_at_ms or 0)
    return device.lost_at_ms is not None or heard_ms + device.silent_after_ms <= now
