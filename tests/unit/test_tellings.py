"""What the collector knows of gateways beside their journal: the newest, and no more than the site has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from collector.session.effects import Told
from collector.session.tellings import MINUTES_MAX, Tellings
from config.busfigures import BusFigures, readings_of_bus
from config.diagnosis import ANSWERED, VERSION
from config.loader import load_site
from config.site import Site
from config.sparkplug import DataType
from config.words import Edge, Reading

FIGURES = BusFigures(100, 90, 6, 3, 1, 20.0, 45.0, 0.5, 0.4, 5, 1)
MINUTE = 60_000


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path("config/sites/demo"))


class Play:
    """One gateway of the site that tells."""

    def __init__(self, site: Site) -> None:
        gateway = next(iter(site.gateways.values()))
        self.edge, self.bus = Edge(site.community.id, gateway.id), gateway.buses[0].id
        self.tellings = Tellings(site)

    def tell(self, now: int, figures: BusFigures, bus: str | None = None, **birth: bool) -> None:
        readings = readings_of_bus(bus or self.bus, figures)
        self.tellings.take(Told(self.edge, readings, now - 30, now, **birth))

    @property
    def known(self):
        return self.tellings.of(self.edge.node)


def test_counts_of_the_last_minute_are_what_was_added_since_the_telling_before(site: Site) -> None:
    play = Play(site)
    play.tell(MINUTE, FIGURES)
    bus = play.known.buses[play.bus]
    assert bus.lately is None, "one telling says nothing of a minute"

    play.tell(2 * MINUTE, replace(FIGURES, requests=160, answers=130, timeouts=20))
    assert bus.lately == {"requests": 60, "answers": 40, "timeouts": 14, "garbled": 0, "refused": 0}

    play.tell(2 * MINUTE + 5_000, replace(FIGURES, requests=165, answers=135, timeouts=20), born=True)
    assert bus.lately is not None and bus.lately["requests"] == 65, "a birth soon after adds to the same minute"
    assert [minute.lost for minute in bus.minutes] == [None, 14 / 65]


def test_a_gateway_that_started_anew_counts_from_nothing(site: Site) -> None:
    play = Play(site)
    play.tell(MINUTE, FIGURES)
    play.tell(MINUTE + 5_000, replace(FIGURES, requests=7, answers=7, timeouts=0, garbled=0, refused=0))

    assert play.known.buses[play.bus].lately == {"requests": 7, "answers": 7, "timeouts": 0, "garbled": 0, "refused": 0}


def test_memory_is_bounded_by_the_buses_of_the_site_and_an_hour(site: Site) -> None:
    play = Play(site)
    for number in range(2 * MINUTES_MAX):
        play.tell(MINUTE * (number + 1), replace(FIGURES, requests=100 + number, latency_p50_ms=None))
    play.tell(MINUTE * 500, FIGURES, bus="no-bus-of-the-site")
    play.tellings.take(Told(Edge("x", "no-gateway"), (), 0, 0))

    assert list(play.known.buses) == [play.bus]
    minutes = list(play.known.buses[play.bus].minutes)
    assert len(minutes) == MINUTES_MAX and minutes[-1].heard_ms == MINUTE * 2 * MINUTES_MAX
    assert (minutes[-1].latency_p50_ms, minutes[-1].latency_p95_ms, minutes[-1].lost) == (None, 45.0, 0.0)


def test_the_version_the_clock_and_the_session_of_a_gateway_are_known(site: Site) -> None:
    play = Play(site)
    readings = (Reading(VERSION, "0.1.0", DataType.STRING), Reading(ANSWERED, 4, DataType.UINT64))
    play.tellings.take(Told(play.edge, readings, 970, 1_000, born=True, answers=True))
    play.tellings.came_or_went(play.edge.node, True, 1_000)
    play.tellings.count(play.edge.node, "seq-gap")

    known = play.known
    assert (known.version, known.answers, known.answered, known.clock_offset_ms) == ("0.1.0", True, 4, -30)
    assert (known.born_ms, known.gone_ms, dict(known.counts)) == (1_000, None, {"births": 1, "seq-gap": 1})

    play.tellings.take(Told(play.edge, (), 2_000, 2_000, born=True, answers=False))
    assert (known.version, known.answers) == (None, False), "an older version is in its place"
