"""What a report means: which conditions rise or end, and what is now the newest of each point.

The newest decides, by place in the journal; an older report that arrives late may still raise an alarm,
which then is latched. An absent value decides nothing: it is a trouble of its device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from collector.alarms.conditions import Conditions, When, ours
from collector.alarms.incident import PRIORITY
from collector.alarms.rules import Rule
from collector.alarms.watch import DeviceState, GatewayState, Heard, Watch, trouble_rule
from collector.part import Part, overrides
from collector.state import State
from config.profile import Initiating
from config.site import Site
from config.wire import CLOCK
from config.words import PULSE, Lane, Quality, Reading, Report

UNKNOWN_POINTS_MAX = 64  # of one device
PULSE_BUS = f"Bus/{PULSE}/Online"


class Reports:
    """Takes reports into the watch's devices and the state's conditions."""

    def __init__(
        self, site: Site, state: State, conditions: Conditions, watch: Watch, parts: Sequence[Part] = ()
    ) -> None:
        self._site = site
        self._state = state
        self._conditions = conditions
        self._watch = watch
        self._parts = parts
        # Every report passes here: only the parts that do something with it are asked.
        hearing = [part for part in parts if overrides(part, "heard")]
        self._hearing = {name: [part for part in hearing if part.hears(name)] for name in site.devices}
        self._weighing = [part for part in parts if overrides(part, "weighs")]
        for name, device in watch.devices.items():
            if (alarm := state.alarms.get(f"{name}:quality")) is not None:
                point, _, cause = (alarm.value or "").partition(": ")
                device.bad[point] = cause
        self.counts: Counter[str] = Counter()  # see `Engine.counts`

    def take(self, report: Report, now: int, complete: bool) -> None:
        """Judge a report. `complete` False: earlier records are missing, so only what rises counts."""
        gateway = self._watch.gateway_of(report.edge)
        if gateway is None:
            self.counts["unknown-gateway"] += 1
            return
        self._watch.gateway_spoke(gateway, now)
        if report.device is None:
            self._node_report(report, gateway, now)
            return
        if report.device == PULSE:
            for part in self._parts if gateway.known else ():
                part.pulsed(gateway, report, now)
            return
        device = self._watch.device_of(report.device, report.edge)
        if device is None:
            self.counts["unknown-device"] += 1
            return
        raised: list[tuple[Rule, Reading, bool]] = []
        cleared: list[str] = []
        says, doubtful = False, bool(device.bad)
        for reading in report.readings:
            says = says or reading.value is not None
            doubtful = doubtful or not _is_usable(reading)
            self._judge(device, reading, report, complete, raised, cleared)
        if raised or cleared:
            self._change(device, report, raised, cleared, now)
        if says and not report.historical:
            self._watch.device_spoke(device, report.at_ms, now)
        if not device.known:
            return
        if not report.historical:
            self._watch.told(device, report, now)
        if complete and doubtful:
            self._quality(device, report, now)
        for part in self._hearing[device.device]:
            part.heard(device, report, now)

    def _change(
        self,
        device: DeviceState,
        report: Report,
        raised: list[tuple[Rule, Reading, bool]],
        cleared: Sequence[str],
        now: int,
    ) -> None:
        """Raise what a report raises, the gravest first, and end what it ends."""
        # While a gateway does not know the time, nothing it says can be called old.
        dated = f"{device.gateway}:clock" not in self._state.alarms
        when = When(report.at_ms, report.epoch, report.position, report.historical and dated)
        raised.sort(key=lambda each: _rank(each[0]))
        for rule, reading, late in raised:
            for part in self._weighing if device.known else ():
                rule = part.weighs(device, rule, report, now)
            self._conditions.raised(rule, rule.quote(reading), when, now, late)
        for key in cleared:
            self._conditions.cleared(key, when, now)

    def _judge(
        self,
        device: DeviceState,
        reading: Reading,
        report: Report,
        complete: bool,
        raised: list[tuple[Rule, Reading, bool]],
        cleared: list[str],
    ) -> None:
        """What one reading means, and whether it is now the newest of its point."""
        rules = device.rules.get(reading.name)
        if rules is None:
            self.counts["unknown-point" if device.known else "unknown-device"] += 1
            if reading.name not in device.values and len(device.values) >= len(device.rules) + UNKNOWN_POINTS_MAX:
                return
            rules = ()
        newest = device.values.get(reading.name)
        older = newest is not None and _precedes(report, newest)
        if older and report.position is None and report.epoch is not None:
            return  # a birth that was overtaken by its node's own records
        rises = False
        for rule in rules:
            alarm = self._state.alarms.get(rule.key)
            verdict = rule.judge(reading, alarm is not None and alarm.source_active)
            if verdict:
                late = older and newest is not None and rule.judge(newest.reading, False) is False
                raised.append((rule, reading, late))
                rises = True
            elif verdict is False and alarm is not None and complete and not older:
                cleared.append(rule.key)
        if not older and (complete or rises or report.position is None):
            device.values[reading.name] = Heard(reading, report.at_ms, report.epoch, report.position)

    def _quality(self, device: DeviceState, report: Report, now: int) -> None:
        """Points without a usable value are one trouble of their device, unless the device is gone altogether."""
        mended = False
        for reading in report.readings:
            usable = _is_usable(reading)
            if usable == (reading.name not in device.bad) or reading.name not in device.rules:
                continue
            newest = device.values.get(reading.name)
            if newest is None or newest.reading is not reading:
                continue
            if usable:
                del device.bad[reading.name]
                mended = True
            elif report.position is not None or reading.quality is not Quality.STALE:
                # In a birth a stale value only says that the point has not been read yet.
                device.bad[reading.name] = reading.cause or "bad quality"
        if not (device.bad or mended):  # nothing was wrong before either
            return
        key = f"{device.device}:quality"
        if not device.bad:
            self._conditions.cleared(key, ours(now), now)
        elif key not in self._state.alarms and device.online is True:
            point, cause = next(iter(device.bad.items()))
            rule = trouble_rule(key, device.device, "quality", self._site.devices[device.device].place.building)
            self._conditions.raised(rule, f"{point}: {cause}", ours(now), now)

    def _node_report(self, report: Report, gateway: GatewayState, now: int) -> None:
        """The node's own word: devices that it lost or found again, its clock, its buses, its journal."""
        for reading in report.readings:
            newest = gateway.values.get(reading.name)
            if newest is not None and _precedes(report, newest):
                continue
            if newest is not None or len(gateway.values) < UNKNOWN_POINTS_MAX + len(self._site.devices):
                gateway.values[reading.name] = Heard(reading, report.at_ms, report.epoch, report.position)
            if not gateway.known or not isinstance(reading.value, bool):
                continue
            if reading.name == PULSE_BUS:
                continue  # the pulse itself is missed then, which says more
            if reading.name == CLOCK or reading.name.startswith(("Bus/", "Journal/")):
                self._node_trouble(gateway.edge.node, reading, now)
            elif reading.name.startswith("Device/") and reading.name.endswith("/Online") and not reading.value:
                device = self._watch.devices.get(reading.name[len("Device/") : -len("/Online")])
                # A loss that is long over is history; its return shows as the device's birth.
                if device is not None and device.known and report.at_ms >= device.spoke_at_ms:
                    self._watch.device_gone(device, reading.cause or "lost by its gateway", now)

    def _node_trouble(self, node: str, reading: Reading, now: int) -> None:
        """What a gateway says of itself is well or a trouble: its clock, its buses, its journal."""
        point = "clock" if reading.name == CLOCK else reading.name
        rule = self._watch.node_rule(node, point)
        if reading.value:
            was_down = rule.key in self._state.alarms
            self._conditions.cleared(rule.key, When(now), now)
            if was_down and point.startswith("Bus/"):
                self._watch.bus_back(rule.key, now)
        else:
            self._conditions.raised(rule, reading.cause or "", When(now), now)


def _rank(rule: Rule) -> tuple[int, bool, bool]:
    """A fire before the troubles beside it; first what is never verified, and detectors before their panel's flag."""
    rank = PRIORITY.index(rule.condition) if rule.condition in PRIORITY else len(PRIORITY)
    return rank, rule.initiating is Initiating.AUTOMATIC, rule.detector is None


def _is_usable(reading: Reading) -> bool:
    return reading.value is not None and reading.quality is not Quality.BAD


def _precedes(report: Report, newest: Heard) -> bool:
    """True if the report is older than what is known of the point. Order is by journal position, not by stamp."""
    if report.position is None:
        return report.at_ms < newest.at_ms
    if newest.position is not None and newest.epoch == report.epoch:
        return report.position < newest.position
    # Known from a birth, or from another journal. The alarm lane tells every transition, so following it in order
    # ends at the truth; telemetry from the backlog must not pass for the present.
    return report.lane is Lane.TELEMETRY and report.historical and report.at_ms < newest.at_ms
