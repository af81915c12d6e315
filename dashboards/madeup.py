"""A made-up community's figures, as lines for InfluxDB, from a seed: what the bench asks, and the tests begin with.

Not a likeness of any community: it has at least one of everything that the overview shows, and as many buildings, and
as long a past, as are asked for. The rows are those of `config.figures`, at their own pace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from config.figures import MEASUREMENTS

GROUP = "demo-street"
KINDS = ("fire", "entrapment", "water", "equipment", "fault")
CAUSES = ("smoke-detector", "fire-panel", "manual-call-point")
SECOND_NS = 1_000_000_000
DAY_S = 86_400
NAMES = ("Camphor Court", "Willow · Court", "Plum Court", "Osmanthus Court")

Number = float | int
Fields = Mapping[str, Number | str | None]
Maker = Callable[[random.Random, int], Iterator[str]]


@dataclass(frozen=True)
class Town:
    """So many buildings. What is told every minute goes back `minutes_days` only."""

    buildings: int = 6
    days: float = 7.0
    minutes_days: float = 7.0
    seed: int = 1
    incidents_per_building: float = 2.0

    def lines(self, measurement: str, now_s: int) -> Iterator[str]:
        """Every row of a measurement up to now, a building after the other. Raises KeyError for one not made up."""
        return self.makers()[measurement](random.Random(f"{self.seed} {measurement}"), now_s)

    def makers(self) -> dict[str, Maker]:
        """What makes the rows of each measurement."""
        return {
            "community": self._community,
            "building": self._building,
            "incident": self._incident,
            "call": self._call,
            "measure": self._measure,
        }

    def times(self, measurement: str, now_s: int) -> range:
        """When a measurement has rows, in s; the newest is now."""
        every_s = MEASUREMENTS[measurement].every_s
        assert every_s is not None
        days = self.minutes_days if every_s == 60 else self.days
        return range(now_s - int(days * DAY_S) // every_s * every_s, now_s + 1, every_s)

    def building(self, number: int) -> str:
        """The id of a building. The second's is as odd as ids may be."""
        return "b 1 (东'侧)" if number == 1 else f"b-{number}"

    def tags(self, number: int, device: str | None = None) -> dict[str, str]:
        """Of a building or a device in it. The last building is in no grid cell."""
        tags = {"group": GROUP, "building": self.building(number)}
        if number != self.buildings - 1:
            tags |= {"cell_1": "street", "cell_2": f"block-{number % 7}", "cell_3": f"row-{number % 40}"}
        return tags if device is None else tags | {"device": device, "gateway": f"gw-{number // 10}"}

    # --- inside ---------------------------------------------------------------------------------------

    def _community(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        devices, gateways = 6 * self.buildings, self.buildings // 10 + 1
        for at_s in self.times("community", now_s):
            trouble = numbers.randrange(1, 4)
            yield line(
                "community",
                {"group": GROUP},
                {
                    "name": "Demo street",
                    "label": f"Demo street · {GROUP}",
                    "board_url": "http://127.0.0.1:8080",
                    "timezone": "Asia/Shanghai",
                    "buildings": self.buildings,
                    "buildings_calm": self.buildings - trouble,
                    "devices": devices,
                    "devices_online": devices - trouble,
                    "gateways": gateways,
                    "gateways_online": gateways,
                    **{f"incidents_{kind}": int(kind == "fire") for kind in KINDS},
                    "conditions_alarm": 1,
                    "conditions_pre_alarm": 0,
                    "conditions_supervisory": 1,
                    "conditions_trouble": trouble,
                    "conditions_disabled": 1,
                    "conditions_test": 0,
                    "drills_open": 0,
                    "on_duty": 3,
                    "reachable": 3,
                    "history_waiting": 0,
                },
                at_s,
            )

    def _building(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        times = [at_s * SECOND_NS for at_s in self.times("building", now_s)]
        for number in range(self.buildings):
            rows = [
                line("building", self.tags(number), self._state(number, state))
                for state in ((5 if number == 0 else 2), 0)
            ]
            wrong = 1.0 if number == 0 else 0.02
            for at_ns in times:
                yield f"{rows[0] if numbers.random() < wrong else rows[1]} {at_ns}"

    def _state(self, number: int, state: int) -> Fields:
        return {
            "name": _name(number),
            "label": f"{_name(number)} · {self.building(number)}",
            "state": state,
            "devices": 6,
            "devices_online": 6 - (state == 2),
            "conditions_alarm": int(state == 5),
            "conditions_pre_alarm": 0,
            "conditions_supervisory": 0,
            "conditions_trouble": int(state == 2),
            "conditions_disabled": int(number == 0),
            "conditions_test": 0,
            "incidents_open": int(state == 5),
            "on_duty": 2,
        }

    def _incident(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for index, (number, kind, mode, began_s, answered_s) in enumerate(self._happened(numbers, now_s)):
            still = number == 0 and index == 0
            false = mode == "live" and kind == "fire" and index % 3 == 1
            fields: Fields = {
                "id": f"i-{index}",
                "title": f"{kind} {_name(number)}",
                "teams": "East team, West team",
                "cause": CAUSES[index % 3] if false else None,
                "open": int(still),
                "ended_ms": None if still else (began_s + 900) * 1_000,
                "duration_s": None if still else 900,
                "called": 12,
                "answered": 7,
                "cannot": 2,
                "first_answer_s": answered_s,
                "quorum_s": 2 * answered_s,
                "arrival_s": 3 * answered_s,
                "false_alarm": int(false),
                "called_out": 1,
            }
            yield line("incident", self.tags(number) | {"kind": kind, "mode": mode}, fields, began_s, index)

    def _call(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        happened = self._happened(random.Random(f"{self.seed} incident"), now_s)
        for index, (number, kind, mode, began_s, answered_s) in enumerate(happened):
            for team in ("east", "west"):
                fields: Fields = {
                    "id": f"i-{index}",
                    "team_name": f"{team.title()} team",
                    "called": 6,
                    "answered": 4,
                    "cannot": 1,
                    "first_answer_s": answered_s + numbers.random(),
                    "going_s": answered_s + 5,
                    "quorum_s": 2 * answered_s,
                    "arrival_s": 3 * answered_s,
                }
                tags = self.tags(number) | {"team": team, "kind": kind, "mode": mode}
                yield line("call", tags, fields, began_s, index)

    def _measure(self, numbers: random.Random, now_s: int) -> Iterator[str]:
        for index in range(9):
            kind = ("disablement", "walk-test", "drill")[index % 3]
            began_s = now_s - 4_000 - int((index // 3) * self.days * DAY_S / 3)
            fields: Fields = {
                "id": f"m-{index}",
                "title": f"{kind} {_name(0)}",
                "ended_ms": (began_s + 3_600) * 1_000,
                "open": 0,
                "devices": 4,
            }
            yield line("measure", self.tags(0) | {"kind": kind}, fields, began_s, index)

    def _happened(self, numbers: random.Random, now_s: int) -> Iterator[tuple[int, str, str, int, float]]:
        """Building, kind, mode, when, first answer. The first is the newest, in the first building, and still open."""
        yield 0, "fire", "live", now_s - 600, 25.0
        yield 0, "fire", "live", now_s - 18_000, 31.0
        for index in range(max(15, int(self.incidents_per_building * self.buildings))):
            began_s = now_s - 1_200 - int(numbers.random() * (self.days * DAY_S - 3_600))
            mode = "drill" if index % 11 in (4, 8) else "live"
            yield (
                index % self.buildings,
                KINDS[index % 2 if index < 10 else index % 5],
                mode,
                began_s,
                20 + 60 * numbers.random(),
            )


def _name(number: int) -> str:
    return f"{NAMES[number % len(NAMES)]} {number}"


def line(measurement: str, tags: Mapping[str, str], fields: Fields, at_s: int | None = None, more_ns: int = 0) -> str:
    """Line protocol."""
    head = ",".join((measurement, *(f"{name}={_escaped(value)}" for name, value in tags.items())))
    body = ",".join(f"{name}={_value(value)}" for name, value in fields.items() if value is not None)
    return f"{head} {body}" if at_s is None else f"{head} {body} {at_s * SECOND_NS + more_ns}"


def _value(value: Number | str) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return repr(float(value))


def _escaped(tag: str) -> str:
    return tag.replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")
