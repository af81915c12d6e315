"""A made-up week of everything that history keeps, small: what the tests ask every dashboard's queries of."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.figures import LANES, SUMMARIES
from dashboards.madeup import DAY_S, GROUP, SECOND_NS, Fields, Maker, Number, Town, line

GATEWAYS = ("gw-0", "gw-1")
POLICIES = {"raw": 90, "hourly": 1_826}  # days that each is kept


@dataclass(frozen=True)
class Week(Town):
    """Each building has an elevator, two extinguishers, a hydrant and two detectors."""

    minutes_days: float = 1.1

    def makers(self) -> dict[str, Maker]:
        """Everything of `config.figures`."""
        return super().makers() | {
            "device": self._device,
            "elevator": self._elevator,
            "cylinder": self._cylinder,
            "detector": self._detector,
            "gateway": self._gateway,
            "bus": self._bus,
            "rescue": self._rescue,
            "retention_choice": self._choice,
        }

    def devices(self, building: int) -> Sequence[str]:
        """The devices of a building, by what they are."""
        return [f"{kind}-{building}" for kind in ("lift", "ext-a", "ext-b", "hyd", "sd-a", "sd-b")]

    def readings(self, now_s: int) -> Iterator[str]:
        """Two days of readings of two devices of the first building."""
        numbers = random.Random(self.seed)
        for number, device in enumerate(self.devices(0)[:2]):
            for minute in range(0, 2 * 24 * 60, 5):
                tags = f"group={GROUP},building=b-0,device={device},gateway=gw-0,lane=telemetry,epoch=e1"
                fields = (
                    f"only_{number}=1.0,pressure_kpa={1_200 + numbers.gauss(0, 2):.1f},door_state={minute % 2}.0,"
                    f'door_text="closed",'
                    f"position={minute}i,pressure_kpa_quality=0i"
                )
                yield f"reading,{tags} {fields} {(now_s - minute * 60) * SECOND_NS + number}"

    def hours(self, now_s: int) -> Iterator[str]:
        """What the hours keep of those readings, a month of them."""
        for device in self.devices(0)[:2]:
            for hour in range(30 * 24):
                tags = f"group={GROUP},building=b-0,device={device},gateway=gw-0"
                fields = ",".join(
                    f"{how}{point}=1200.0" for point in ("pressure_kpa", "door_state") for how in SUMMARIES
                )
                yield f"reading,{tags} {fields} {(now_s - hour * 3_600) * SECOND_NS}"

    def _device(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for number in range(self.buildings):
            for device in self.devices(number):
                named = {"name": f"Device {device}", "label": f"Device {device} · {device}", "profile": "made-up"}
                for at_s in self.times("device", now_s):
                    fields: Fields = {**named, "online": int(numbers.random() > 0.01), "state": 0}
                    yield line("device", self.tags(number, device), fields, at_s)

    def _elevator(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for number in range(self.buildings):
            device = f"lift-{number}"
            for hour, at_s in enumerate(self.times("elevator", now_s)):
                trips = 5_000 + 12 * hour
                fields: Fields = {
                    "name": f"Lift {number}",
                    "label": f"Lift {number} · {device}",
                    "trips": trips,
                    "door_cycles": 2 * trips,
                    "run_h": trips / 120,
                    "faults": 4 + hour // 50,
                    "entrapments": 1,
                    "down_h": 6,
                    "availability": 0.985 + numbers.uniform(-0.005, 0.005),
                    "faults_per_thousand_trips": 1_000 * (4 + hour // 50) / trips,
                    "mean_time_between_failures_h": 300,
                    "age_years": 9 + number,
                    "maintenance_rank": number % 4,
                    "service_due_days": 3 - number,
                    "alarm_link_age_h": 20,
                }
                yield line("elevator", self.tags(number, device) | {"kind": "passenger"}, fields, at_s)

    def _cylinder(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for number in range(self.buildings):
            for kind, device in (
                ("extinguisher", f"ext-a-{number}"),
                ("extinguisher", f"ext-b-{number}"),
                ("hydrant", f"hyd-{number}"),
            ):
                leaks = device == "ext-a-0"
                for hour, at_s in enumerate(self.times("cylinder", now_s)):
                    fields: Fields = {
                        "name": f"Cylinder {device}",
                        "label": f"Cylinder {device} · {device}",
                        "pressure_20c_kpa": (990 if leaks else 1_200) - leaks * hour / 24 + numbers.gauss(0, 1),
                        "low_kpa": 1_000,
                        "high_kpa": 1_500,
                        "slope_kpa_per_day": -1.0 if leaks else 0.0,
                        "slope_low_kpa_per_day": -1.2 if leaks else -0.2,
                        "slope_high_kpa_per_day": -0.8 if leaks else 0.2,
                        "days_until_low": 4 if leaks else None,
                        "days_of_data": 5 if device == "ext-b-0" else 30,
                        "inspection_due_days": -3 if leaks else 40,
                        "replacement_due_days": 400,
                    }
                    yield line("cylinder", self.tags(number, device) | {"kind": kind}, fields, at_s)

    def _detector(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        levels = (2, 1, -1, 0)
        for number in range(self.buildings):
            for each, device in enumerate((f"sd-a-{number}", f"sd-b-{number}")):
                level = levels[(2 * number + each) % 4]
                for hour, at_s in enumerate(self.times("detector", now_s)):
                    fields: Fields = {
                        "name": f"Detector {device}",
                        "label": f"Detector {device} · {device}",
                        "clean_air_db_m": 0.02 + 0.001 * numbers.random(),
                        "contamination_percent": 30 + 20 * level,
                        "drift_percent_per_month": 1.5,
                        "contamination_level": level,
                        "pre_alarms": hour // 40,
                        "service_due_days": 20,
                        "inspection_due_days": -1 if level == 2 else 90,
                    }
                    tags = self.tags(number, device) | ({"detector": "7"} if each else {})
                    yield line("detector", tags, fields, at_s)

    def _gateway(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for gateway in GATEWAYS:
            for minute, at_s in enumerate(self.times("gateway", now_s)):
                fields: dict[str, Number | str] = {
                    "name": gateway,
                    "online": int(gateway != "gw-1"),
                    "clock_synchronized": int(gateway != "gw-1"),
                    "clock_offset_s": numbers.gauss(0, 0.1),
                    "pulse_s": 2 + numbers.random(),
                    "pulse_age_s": 60,
                    "devices": 30,
                    "devices_online": 29,
                }
                for lane in LANES:
                    appended = 10 * minute
                    counts = {"appended": appended, "dropped": 0, "in_journal": 3, "committed": max(0, appended - 4)}
                    fields |= {f"{lane}_{count}": value for count, value in counts.items()}
                yield line("gateway", {"group": GROUP, "gateway": gateway}, fields, at_s)

    def _bus(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for gateway in GATEWAYS:
            for at_s in self.times("bus", now_s):
                failed = numbers.randrange(3)
                fields: Fields = {
                    "online": 1,
                    "requests": 240,
                    "answers": 240 - failed,
                    "timeouts": failed,
                    "garbled": 0,
                    "refused": 0,
                    "latency_p50_ms": 30 + numbers.random(),
                    "latency_p95_ms": 80,
                    "cycle_s": 1.2,
                    "busy": 0.4,
                    "units": 6,
                    "units_dead": 1,
                }
                yield line("bus", {"group": GROUP, "gateway": gateway, "bus": "rs485-a"}, fields, at_s)

    def _rescue(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for index in range(4):
            arrived_s = 300 + 600 * index
            fields: Fields = {
                "name": "Lift 0",
                "arrived_s": arrived_s,
                "freed_s": arrived_s + 240,
                "limit_s": 1_800,
                "within_limit": int(arrived_s + 240 <= 1_800),
            }
            at_s = now_s - int(numbers.random() * self.days * DAY_S)
            yield line("rescue", self.tags(0, "lift-0"), fields, at_s, index)

    def _choice(self, _numbers: random.Random, _now_s: int) -> Iterator[str]:
        below_ms = {"raw": 8 * DAY_S * 1_000, "hourly": 1e15}
        for policy, days in POLICIES.items():
            fields: Fields = {"policy": policy, "from_ms": 0, "below_ms": below_ms[policy], "prefix": ""}
            yield line("retention_choice", {}, fields, days * DAY_S)
