"""The line to the gateways of a scene: what they tell of themselves, and what they answer when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from collector.session.diagnoses import Diagnoses
from collector.session.effects import Told
from collector.session.tellings import Tellings
from config.busfigures import BusFigures, readings_of_bus
from config.diagnosis import VERSION, Diagnosis, ReadBlock, ReadError, write_diagnosis
from config.site import Site
from config.sparkplug import DataType
from config.wire import decode
from config.words import Command, Edge, Reading

FIGURES = BusFigures(6_120, 6_080, 31, 7, 2, 24.1, 41.7, 1.31, 0.74, 4, 1)


class GatewayLine:
    """Gateways that answer at once, or are silent."""

    def __init__(self, site: Site, clock: Callable[[], int], counters: Counter[str]) -> None:
        self._site, self._clock = site, clock
        self.silent = False
        self.odd: Diagnosis | None = None  # said in place of anything sensible
        self.tellings = Tellings(site)
        self.diagnoses = Diagnoses(site, self.tellings, self._sent, clock, counters, within_s=0.05)

    def born(self, gateway: str = "gw-1", answers: bool = True) -> None:
        """A birth; `answers` False: of an older version."""
        edge = Edge(self._site.community.id, gateway)
        version = (Reading(VERSION, "0.1.0", DataType.STRING),) if answers else ()
        self.tellings.take(Told(edge, version, self._clock() - 30, self._clock(), born=True, answers=answers))
        self.tellings.came_or_went(gateway, True, self._clock())

    def minutes(self, count: int, gateway: str = "gw-1", bus: str = "bus-1") -> None:
        """So many minutes of figures until now, a bad moment in the middle."""
        edge = Edge(self._site.community.id, gateway)
        for number in range(count):
            at_ms = self._clock() - (count - 1 - number) * 60_000
            noisy = number == count // 2
            figures = replace(
                FIGURES,
                requests=6_000 + 300 * number,
                answers=5_900 + 290 * number,
                timeouts=80 + 2 * number + (90 if number >= count // 2 else 0),
                latency_p95_ms=190.0 if noisy else 41.7 + number % 5,
            )
            self.tellings.take(Told(edge, readings_of_bus(bus, figures), at_ms - 30, at_ms))

    def _sent(self, topic: str, payload: bytes) -> None:
        said = decode(topic, payload)
        assert isinstance(said, Command) and said.question is not None
        if not self.silent:
            self.diagnoses.take(said.edge.node, write_diagnosis(self.odd or self.diagnosis(said.question)))

    def diagnosis(self, device: str) -> Diagnosis:
        """What a gateway knows of a device: two reads, one of which failed lately."""
        now = self._clock()
        addresses = {(each.register.table.value, each.register.address) for each in self._points(device)}
        table, first = min(addresses, default=("input", 0))
        last = max((address for of, address in addresses if of == table), default=0)
        block = ReadBlock(
            table=table,
            address=first,
            count=last - first + 2,
            lane="alarm",
            period_s=0.25,
            due_ms=now + 200,
            misses=0,
            heard_ms=now - 150,
            words=tuple(0x00D7 + n for n in range(last - first + 2)),
        )
        other = block.model_copy(
            update={"table": "holding", "address": 40, "heard_ms": None, "words": None, "misses": 3}
        )
        error = ReadError(at_ms=now - 9_000, table="holding", address=40, count=2, cause="no answer within 300 ms")
        refused = error.model_copy(update={"cause": "exception 2 illegal data address", "at_ms": now - 12_000})
        return Diagnosis(
            device=device,
            told_ms=now,
            bus="bus-1",
            unit=3,
            live=True,
            misses=0,
            next_ms=now + 200,
            blocks=(block, other),
            errors=(error, refused),
        )

    def _points(self, device: str):
        return self._site.points(self._site.devices[device])
