"""What gateways tell of themselves beside their journal, the newest of it, and how their sessions go. Pure.

In memory only: it is told again within a minute. Bounded by the gateways and buses of the site.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace

from collector.session.effects import Told
from config.busfigures import BusFigures, figures_of
from config.diagnosis import ANSWERED, REFUSED, VERSION
from config.site import Site

APART_MS = 30_000  # two tellings closer than this are one: a birth repeats what was just told
MINUTES_MAX = 60
COUNTED = ("requests", "answers", "timeouts", "garbled", "refused")


@dataclass(frozen=True, slots=True)
class Minute:
    """One telling of a bus in short. `lost`: the share of its requests without a sound answer. None: not measured."""

    heard_ms: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    cycle_s: float | None
    lost: float | None


_ROW, _NAN = len(fields(Minute)), float("nan")


@dataclass(slots=True)
class BusTelling:
    """The newest that was told of a bus, and since when its counts are compared."""

    figures: BusFigures
    heard_ms: int
    before: BusFigures
    before_ms: int
    _minutes: array[float] = field(default_factory=lambda: array("d"))  # rows of Minute, NaN for what is absent

    def take(self, figures: BusFigures, heard_ms: int) -> None:
        """A newer telling."""
        restarted = figures.requests < self.figures.requests
        if restarted or heard_ms - self.heard_ms >= APART_MS:
            self.before, self.before_ms = zeroed(figures) if restarted else self.figures, self.heard_ms
        elif self._minutes:
            del self._minutes[-_ROW:]
        self.figures, self.heard_ms = figures, heard_ms
        self._remember()

    @property
    def lately(self) -> dict[str, int] | None:
        """The counts since the telling before: usually of one minute. None after the first telling."""
        if self.before_ms == self.heard_ms:
            return None
        return {name: getattr(self.figures, name) - getattr(self.before, name) for name in COUNTED}

    @property
    def minutes(self) -> Iterator[Minute]:
        """The tellings of about an hour, oldest first."""
        for at in range(0, len(self._minutes), _ROW):
            heard_ms, *measured = self._minutes[at : at + _ROW]
            yield Minute(int(heard_ms), *(None if value != value else value for value in measured))

    def _remember(self) -> None:
        figures, lately = self.figures, self.lately
        lost = None
        if lately is not None and lately["requests"] > 0:
            lost = (lately["timeouts"] + lately["garbled"]) / lately["requests"]
        row = (self.heard_ms, figures.latency_p50_ms, figures.latency_p95_ms, figures.cycle_s, lost)
        self._minutes.extend(_NAN if value is None else value for value in row)
        if len(self._minutes) > MINUTES_MAX * _ROW:
            del self._minutes[:_ROW]


@dataclass(slots=True)
class GatewayTelling:
    """One gateway since the collector's start. None: not told yet, or not told by this version of it."""

    version: str | None = None
    answers: bool | None = None  # whether it can be asked about its devices
    answered: int | None = None  # questions, since the gateway's start
    refused: int | None = None  # questions that were too many
    # The gateway's clock before ours, the way between included.
    clock_offset_ms: int | None = None
    heard_ms: int | None = None
    born_ms: int | None = None
    gone_ms: int | None = None
    buses: dict[str, BusTelling] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)  # births, deaths, rebirths-asked, seq-gap …


class Tellings:
    """Of all gateways of the site."""

    def __init__(self, site: Site) -> None:
        self._buses = {name: {bus.id for bus in each.buses} for name, each in site.gateways.items()}
        self._of = {name: GatewayTelling() for name in site.gateways}

    def of(self, gateway: str) -> GatewayTelling:
        """What this gateway of the site has told. Raises KeyError for one that is not of the site."""
        return self._of[gateway]

    def take(self, told: Told) -> None:
        """Something was told."""
        found = self._of.get(told.edge.node)
        if found is None:
            return
        found.heard_ms, found.clock_offset_ms = told.heard_ms, told.at_ms - told.heard_ms
        if told.born:
            found.answers, found.version = told.answers, None
        for reading in told.readings:
            if reading.name == VERSION:
                found.version = str(reading.value)[:40] if reading.value is not None else None
            elif reading.name in (ANSWERED, REFUSED) and isinstance(reading.value, int):
                setattr(found, "answered" if reading.name == ANSWERED else "refused", reading.value)
        for bus, figures in figures_of(told.readings).items():
            if bus not in self._buses[told.edge.node]:
                continue
            if (known := found.buses.get(bus)) is None:
                known = found.buses[bus] = BusTelling(figures, told.heard_ms, figures, told.heard_ms)
            known.take(figures, told.heard_ms)

    def came_or_went(self, gateway: str, online: bool, now: int) -> None:
        """The gateway was born, or is gone."""
        if (found := self._of.get(gateway)) is not None:
            found.counts["births" if online else "deaths"] += 1
            if online:
                found.born_ms = now
            else:
                found.gone_ms = now

    def count(self, gateway: str, what: str) -> None:
        """Something odd of its session was counted."""
        if (found := self._of.get(gateway)) is not None:
            found.counts[what] += 1


def zeroed(figures: BusFigures) -> BusFigures:
    """The counts as they were when the gateway started."""
    return replace(figures, **dict.fromkeys(COUNTED, 0))
