"""A made-up past of a community in its history, for the tests of what is drawn from it. Same seed, same past.

Not what an engine has decided: rows of the right shapes whose figures hang together, so that each panel has something
to draw. Lines are written as text, since a month of a thousand buildings is millions of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from collector.alarms.route import Mode
from collector.figures.places import name_of_building, name_of_device, of_building, of_device
from collector.figures.shapes import CONDITIONS, KINDS, Plain, figure, named, thing_ns
from collector.storage.influx import InfluxHistory
from collector.storage.influxql import line_of
from collector.storage.initialise import Initialiser
from collector.storage.policies import DAY_MS, Days
from collector.storage.series import Row, field_of
from config.figures import FIGURES, MEASUREMENTS
from config.profile import Condition
from config.site import Device, Site
from tests.madeup_things import detector_at, elevator_at, extinguisher_at, hydrant_at, journal_at, measured_at

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LINES_A_WRITE = 5_000
READINGS_EVERY_MS = 600_000
_STATE_OF = {"fire": 5, "entrapment": 5, "water": 3, "equipment": 3, "fault": 2}
_LASTS_MIN = {"fire": 40, "entrapment": 35, "water": 300, "equipment": 900, "fault": 600}
_WEIGHTS = {"fire": 3, "entrapment": 2, "water": 1, "equipment": 5, "fault": 9}
_CONDITION_OF_STATE = {5: "alarm", 3: "supervisory", 2: "trouble"}

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Happening:
    """An incident that never was. Times are UTC ms."""

    number: int
    building: str
    kind: str
    mode: str
    begins_ms: int
    ends_ms: int
    false: bool

    def holds(self, at_ms: int) -> bool:
        """True while it is open."""
        return self.begins_ms <= at_ms < self.ends_ms


class _Series:
    """One series: its key and its texts are written once."""

    def __init__(self, measurement: str, tags: Mapping[str, str | None], words: Mapping[str, Plain]) -> None:
        row = figure(measurement, 0, tags, words)
        line = line_of(Row(row.tags, 0, row.fields or {"x": 0.0}, measurement))
        head = len(line_of(Row(row.tags, 0, {"x": 0.0}, measurement))) - len("x=0 0")
        self._key, texts = line[:head], line[head:-2]
        self._texts = f",{texts}" if words else ""
        self._known = set(MEASUREMENTS[measurement].numbers)

    def at(self, at_ms: int, numbers: Mapping[str, float | None]) -> str:
        """One line. Raises KeyError for a field that the measurement does not have."""
        if not numbers.keys() <= self._known:
            raise KeyError(f"{self._key}: {numbers.keys() - self._known}")
        fields = ",".join([f"{name}={value:.6g}" for name, value in numbers.items() if value is not None])
        return f"{self._key}{fields}{self._texts} {at_ms}000000"


class MadeUp:
    """The past of a site between two times (UTC ms). `thin`: only each so many-th row of what is told by the minute."""

    def __init__(self, site: Site, since_ms: int, until_ms: int, seed: int = 1, thin: int = 1) -> None:
        self.site = site
        self._since, self._until = since_ms - since_ms % HOUR_MS, until_ms
        self._random = Random(seed)
        self._thin = thin
        self._lifts = [each for each in site.devices.values() if site.profiles[each.profile].category == "lift"]
        self.happenings = self._happen()
        self._of: dict[str, list[Happening]] = {}
        for each in self.happenings:
            self._of.setdefault(each.building, []).append(each)
        self._away = self._random.choice(list(site.gateways))  # for an hour and a half
        self._away_from = self._since + (until_ms - since_ms) // 3

    @property
    def days(self) -> range:
        """The days (UTC, since 1970) that it touches."""
        return range(self._since // DAY_MS, self._until // DAY_MS + 1)

    def figures(self) -> Iterator[str]:
        """Every measurement of the figures, as lines."""
        yield from self._community()
        yield from self._buildings()
        yield from self._gateways()
        yield from self._equipment()
        yield from self._things()

    def readings(self, every_ms: int = READINGS_EVERY_MS) -> Iterator[str]:
        """What devices have measured, as lines of `reading`: all that has a unit, and the counters of elevators."""
        for number, device in enumerate(self.site.devices.values()):
            tags = {
                "group": self.site.community.id,
                "gateway": self.site.gateway_of[device.id],
                "building": device.place.building,
                "device": device.id,
                "lane": "telemetry",
                "epoch": "made-up",
            }
            key = line_of(Row(tags, 0, {"x": 0.0})).removesuffix("x=0 0")
            points = [
                (field_of(name), point.register.unit or "")
                for name, point in self.site.own_points[device.profile].items()
                if point.bit is None and point.condition in (Condition.MEASUREMENT, Condition.COUNTER)
            ]
            if not points:
                continue
            for position, at_ms in enumerate(range(self._since + number % 60 * 1000, self._until, every_ms), 1):
                said = [f"{name}={measured_at(unit, at_ms, number):.6g}" for name, unit in points]
                yield f"{key}{','.join(said)},position={position}i {at_ms * 1_000_000 + position % 1_000_000}"

    # --- what happens ---------------------------------------------------------------------------------

    def _happen(self) -> list[Happening]:
        """At least one of each kind, a false alarm and a drill, then as chance has it."""
        buildings, days = list(self.site.buildings), (self._until - self._since) / DAY_MS
        wanted = [(kind, "live", False) for kind in KINDS] + [("fire", "live", True), ("fire", "drill", False)]
        more = round(len(buildings) * days * max(0.02, 2 / len(buildings)))
        kinds = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=more)
        wanted += [(kind, "live", kind == "fire" and self._random.random() < 0.4) for kind in kinds]
        with_lift = sorted({each.place.building for each in self._lifts}) or buildings
        found = []
        for number, (kind, mode, false) in enumerate(wanted):
            begins_ms = self._random.randrange(self._since, self._until - HOUR_MS)
            lasts_ms = round(_LASTS_MIN[kind] * MINUTE_MS * self._random.uniform(0.3, 2))
            building = self._random.choice(with_lift if kind == "entrapment" else buildings)
            found.append(Happening(number, building, kind, mode, begins_ms, begins_ms + lasts_ms, false))
        return sorted(found, key=lambda each: each.begins_ms)

    def _is_away(self, gateway: str, at_ms: int) -> bool:
        return gateway == self._away and 0 <= at_ms - self._away_from < 90 * MINUTE_MS

    def _held(self, building: str, at_ms: int) -> tuple[int, dict[str, float | None]]:
        """The state of a building, and how many conditions of each class hold there."""
        live = [each for each in self._of.get(building, ()) if each.holds(at_ms)]
        counts: dict[str, float | None] = {f"conditions_{name}": 0.0 for name in CONDITIONS}
        state = 0
        for each in live:
            state = max(state, _STATE_OF[each.kind] if each.mode == "live" else 1)
            if each.mode == "live":
                name = f"conditions_{_CONDITION_OF_STATE[_STATE_OF[each.kind]]}"
                counts[name] = (counts[name] or 0.0) + 1
        return state, counts

    # --- measurements ---------------------------------------------------------------------------------

    def _community(self) -> Iterator[str]:
        site = self.site
        name = named(name_of_building(site, ""), site.community.id)
        words = {**name, "board_url": site.plan.board_url, "timezone": site.community.timezone}
        series = _Series("community", {"group": site.community.id}, words)
        away = sum(gateway == self._away for gateway in site.gateway_of.values())
        people = len(site.people)
        open_now: list[Happening] = []
        ahead = iter([*self.happenings, None])
        coming = next(ahead)
        for at_ms in range(self._since, self._until, MINUTE_MS * self._thin):
            while coming is not None and coming.begins_ms <= at_ms:
                open_now.append(coming)
                coming = next(ahead)
            open_now = [each for each in open_now if each.holds(at_ms)]
            live = [each for each in open_now if each.mode == "live"]
            gone = self._is_away(self._away, at_ms)
            counts = {f"conditions_{each}": 0.0 for each in CONDITIONS}
            for each in live:
                counts[f"conditions_{_CONDITION_OF_STATE[_STATE_OF[each.kind]]}"] += 1
            duty = max(1, people // 3 if 8 <= at_ms // HOUR_MS % 24 < 20 else people // 2)
            numbers: dict[str, float | None] = {
                "buildings": len(site.buildings),
                "buildings_calm": len(site.buildings) - len({each.building for each in open_now}),
                "devices": len(site.devices),
                "devices_online": len(site.devices) - (away if gone else 0),
                "gateways": len(site.gateways),
                "gateways_online": len(site.gateways) - gone,
                **{f"incidents_{kind}": sum(each.kind == kind for each in live) for kind in KINDS},
                **counts,
                "drills_open": len(open_now) - len(live),
                "on_duty": duty,
                "reachable": duty - (at_ms // HOUR_MS % 5 == 0),
                "history_waiting": self._random.randrange(40),
            }
            yield series.at(at_ms, numbers)

    def _buildings(self) -> Iterator[str]:
        of_each: dict[str, list[Device]] = {name: [] for name in self.site.buildings}
        for device in self.site.devices.values():
            of_each[device.place.building].append(device)
        for name, devices in of_each.items():
            words = named(name_of_building(self.site, name), name)
            series = _Series("building", of_building(self.site, name), words)
            theirs = self._of.get(name, [])
            turns = {at for each in theirs for at in (each.begins_ms, each.ends_ms) if at < self._until}
            for at_ms in sorted({*range(self._since, self._until, 10 * MINUTE_MS), *turns}):
                state, counts = self._held(name, at_ms)
                gone = sum(self._is_away(self.site.gateway_of[each.id], at_ms) for each in devices)
                numbers: dict[str, float | None] = {
                    "state": state,
                    "devices": len(devices),
                    "devices_online": len(devices) - gone,
                    **counts,
                    "incidents_open": sum(each.holds(at_ms) and each.mode == "live" for each in theirs),
                    "on_duty": 2,
                }
                yield series.at(at_ms, numbers)

    def _gateways(self) -> Iterator[str]:
        group = self.site.community.id
        for place, gateway in enumerate(self.site.gateways.values()):
            tags = {"group": group, "gateway": gateway.id}
            series = _Series("gateway", tags, {"name": gateway.id})
            buses = [(_Series("bus", tags | {"bus": bus.id}, {}), len(bus.devices)) for bus in gateway.buses]
            devices = sum(units for _, units in buses)
            for minute, at_ms in enumerate(range(self._since, self._until, MINUTE_MS * self._thin)):
                away = self._is_away(gateway.id, at_ms)
                told = 1_000 + minute * devices * self._thin
                numbers: dict[str, float | None] = {
                    "online": not away,
                    "clock_synchronized": True,
                    "clock_offset_s": round(self._random.gauss(-0.08, 0.02), 3),
                    "pulse_s": round(1.5 + self._random.random() * 2, 2),
                    "pulse_age_s": at_ms // MINUTE_MS % 3 * 60,
                    **{f"alarm_{each}": value for each, value in journal_at(minute // 60 + 3, away).items()},
                    **{f"telemetry_{each}": value for each, value in journal_at(told, away).items()},
                    "devices": devices,
                    "devices_online": 0 if away else devices,
                }
                yield series.at(at_ms, numbers)
                for bus, units in buses:
                    yield bus.at(at_ms, self._bus(units, away, bad=place == 0))

    def _bus(self, units: int, away: bool, bad: bool) -> dict[str, float | None]:
        if away:
            return {"online": 0}
        requests = units * 40 + self._random.randrange(9)
        timeouts = self._random.randrange(units + 9 if bad else 2)
        p50 = self._random.uniform(18, 30)
        return {
            "online": 1,
            "requests": requests,
            "answers": requests - timeouts,
            "timeouts": timeouts,
            "garbled": self._random.random() < 0.02,
            "refused": 0,
            "latency_p50_ms": p50,
            "latency_p95_ms": p50 * self._random.uniform(1.5, 3),
            "cycle_s": units * 0.03,
            "busy": min(0.99, units * 0.02 + self._random.random() * 0.1),
            "units": units,
            "units_dead": int(bad and timeouts > units),
        }

    def _equipment(self) -> Iterator[str]:
        hours = list(range(self._since, self._until, HOUR_MS))
        for number, device in enumerate(self.site.devices.values()):
            tags, words = of_device(self.site, device), named(name_of_device(self.site, device), device.id)
            category = self.site.profiles[device.profile].category
            series = _Series("device", tags, {**words, "profile": device.profile})
            for at_ms in hours:
                state, _ = self._held(device.place.building, at_ms)
                away = self._is_away(self.site.gateway_of[device.id], at_ms)
                yield series.at(at_ms, {"online": not away, "state": state if number % 3 == 0 else 0})
            if category == "lift":
                yield from _hourly(_Series("elevator", tags, words), hours, number, elevator_at)
            elif category == "pressure":
                hydrant = device.upkeep is not None and device.upkeep.contents == "hydrant"
                kind = {"kind": "hydrant" if hydrant else "extinguisher"}
                made = hydrant_at if hydrant else extinguisher_at
                yield from _hourly(_Series("cylinder", tags | kind, words), hours, number, made)
            elif category == "smoke-detector":
                yield from _hourly(_Series("detector", tags, words), hours, number, detector_at)
            for detector in device.detectors:
                label = named(name_of_device(self.site, device, detector.number), f"{device.id}:{detector.number}")
                one = _Series("detector", tags | {"detector": str(detector.number)}, label)
                yield from _hourly(one, hours, number + detector.number, detector_at)

    def _things(self) -> Iterator[str]:
        """A row for each: incidents, calls, rescues, measures."""
        for each in self.happenings:
            name = f"{each.number:016x}"
            ended = each.ends_ms if each.ends_ms <= self._until else None
            tags = of_building(self.site, each.building)
            called_out = each.kind in ("fire", "entrapment")
            answer_s, team = 5 + each.number % 40, next(iter(self.site.teams.values()))
            call: dict[str, Plain] = {"called": 4, "answered": 3, "cannot": 1, "first_answer_s": answer_s}
            call |= {"quorum_s": answer_s * 2, "arrival_s": answer_s + 200 + each.number % 7 * 30}
            place = name_of_building(self.site, each.building)
            fields: dict[str, Plain] = {
                **(call if called_out else {}),
                "id": name,
                "title": f"{each.kind} {place}",
                "teams": team.name if called_out else None,
                "cause": "smoke-detector" if each.false else None,
                "open": ended is None,
                "ended_ms": ended,
                "duration_s": (min(each.ends_ms, self._until) - each.begins_ms) / 1000,
                "false_alarm": each.false,
                "called_out": called_out,
            }
            mode = {"kind": each.kind, "mode": each.mode}
            yield line_of(figure("incident", thing_ns(each.begins_ms, name), tags | mode, fields))
            if called_out:
                fields = {**call, "going_s": answer_s, "id": name, "team_name": team.name}
                tags_of_call = tags | mode | {"team": team.id}
                yield line_of(figure("call", thing_ns(each.begins_ms, name), tags_of_call, fields))
            if each.kind == "entrapment" and each.mode == "live":
                yield from self._rescue(each)
            if each.mode == Mode.DRILL or each.number % 9 == 8:
                kind = "drill" if each.mode == Mode.DRILL else ("disablement", "walk-test")[each.number % 2]
                fields = {"id": name, "title": f"{kind} {place}", "open": ended is None, "ended_ms": ended}
                fields |= {"until_ms": each.ends_ms, "devices": 3}
                yield line_of(figure("measure", thing_ns(each.begins_ms, name), tags | {"kind": kind}, fields))

    def _rescue(self, each: Happening) -> Iterator[str]:
        lift = next((one for one in self._lifts if one.place.building == each.building), None)
        if lift is not None:
            arrived_s = 400 + each.number % 20 * 100
            fields: dict[str, Plain] = {"name": name_of_device(self.site, lift), "arrived_s": arrived_s}
            fields |= {"freed_s": arrived_s + 300, "limit_s": 1800, "within_limit": arrived_s <= 1800}
            yield line_of(figure("rescue", thing_ns(each.begins_ms, lift.id), of_device(self.site, lift), fields))


async def fill(history: InfluxHistory, made: MadeUp, progress: Progress = lambda _what, _lines: None) -> int:
    """Make the policies, write the past and its hourly values; returns how many lines. Raises HistoryDown."""
    await Initialiser(history, Days(), False, lambda _said: None).run()
    lines = await write_lines(history, made.figures(), FIGURES, lambda count: progress("figures", count))
    lines += await write_lines(history, made.readings(), None, lambda count: progress("readings", count))
    for day in made.days:
        await history.figures.roll_up(day)
    return lines


async def write_lines(
    history: InfluxHistory, lines: Iterator[str], policy: str | None, progress: Callable[[int], None]
) -> int:
    """Write lines of text; returns how many. Raises HistoryDown or HistoryRefused."""
    count = 0
    while batch := list(islice(lines, LINES_A_WRITE)):
        await history.write_text(policy, batch)
        count += len(batch)
        progress(count)
    return count


def _hourly(
    series: _Series, hours: Sequence[int], number: int, made: Callable[[int, int], dict[str, float | None]]
) -> Iterator[str]:
    for hour, at_ms in enumerate(hours):
        yield series.at(at_ms, made(number, hour))
