"""One bus from link to journal drafts: loss and return, refusals, a broken line, and a bug that stays on its bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from config.profile import Profile, points_of
from config.site import Device, TcpBus
from config.words import Lane, Quality
from gateway.catalogue import bus_online, conditions_of, device_online
from gateway.clock import Clock
from gateway.plan import polled
from gateway.poller import Node, Poller
from gateway.record import Draft
from tests.fake_link import FakeLink
from tests.gateway_parts import FIRE, profile, register
from tests.servers import wait_until

PROFILE = profile({"state": register(0, bits={"fire": FIRE}), "level": register(5, period_s=0.05)})


class Bench:
    """Two devices on a fake line; everything that the poller puts into the journal, in order."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        self.link = FakeLink({1: {0: 0, 5: 50}, 2: {0: 0, 5: 60}})
        self.drafts: list[Draft] = []
        place = {"building": "b", "floor": 1}
        devices = [
            Device.model_validate({"id": name, "profile": "trial", "unit": unit, "place": place})
            for name, unit in (("one", 1), ("two", 2))
        ]
        bus = TcpBus.model_validate(
            {"id": "bus", "type": "tcp", "host": "x", "fast_period_s": 0.05, "slow_period_s": 0.5, "devices": devices}
        )
        clock = Clock()
        found = {device.id: polled(device, profile, points_of(profile), bus) for device in devices}
        self.node = Node(clock, self.put, conditions_of(found, ["bus"]))
        self.poller = Poller(bus, self.link, found, clock, self.node, self.put)

    def put(self, drafts: Sequence[Draft]) -> None:
        self.drafts.extend(drafts)

    def said(self, device: str | None, name: str) -> list[tuple[Any, str | None]]:
        return [
            (reading.value, reading.cause)
            for draft in self.drafts
            if draft.device == device
            for reading in draft.readings
            if reading.name == name
        ]

    def run(self, *steps: tuple[Callable[[], object], Callable[[], bool]]) -> None:
        """Do each step's action, then wait for its condition, while the poller runs."""

        async def inside() -> None:
            task = asyncio.create_task(self.poller.run())
            for act, true in steps:
                act()
                await asyncio.to_thread(wait_until, true, "the poller did its part", 10.0)
            task.cancel()
            await asyncio.wait({task})
            assert not self.link.is_open, "the line was given back"

        asyncio.run(inside())


def nothing() -> None:
    return None


def test_the_first_round_reports_everything_and_says_who_is_there() -> None:
    bench = Bench()

    bench.run((nothing, lambda: bool(bench.said("two", "level"))))

    assert bench.said(None, bus_online("bus")) == [(True, None)]
    assert bench.said(None, device_online("one")) == [(True, None)]
    assert bench.said("one", "fire") == [(False, None)] and bench.said("one", "level") == [(50, None)]
    order = [draft.device or draft.readings[0].name for draft in bench.drafts]
    assert order.index(device_online("one")) < order.index("one"), "a device is there before it says anything"
    assert bench.poller.settled.is_set()


def test_a_fire_of_one_poll_is_recorded_with_its_end() -> None:
    bench = Bench()

    bench.run(
        (nothing, lambda: bool(bench.said("one", "fire"))),
        (lambda: bench.link.words[1].update({0: 2}), lambda: (True, None) in bench.said("one", "fire")),
        (lambda: bench.link.words[1].update({0: 0}), lambda: len(bench.said("one", "fire")) == 3),
    )

    assert bench.said("one", "fire") == [(False, None), (True, None), (False, None)]
    assert all(draft.lane is Lane.ALARM for draft in bench.drafts for r in draft.readings if r.name == "fire")


def test_a_silent_device_loses_its_values_before_it_is_declared_gone_and_has_them_when_it_returns() -> None:
    bench = Bench()

    bench.run(
        (nothing, lambda: bool(bench.said("two", "fire"))),
        (lambda: bench.link.dead.add(2), lambda: len(bench.said(None, device_online("two"))) == 2),
        (lambda: bench.link.dead.clear(), lambda: len(bench.said("two", "level")) == 3),
    )

    cause = "no answer within 300 ms"
    assert bench.said("two", "fire")[:2] == [(False, None), (None, cause)]
    assert bench.said("two", "level") == [(60, None), (None, cause), (60, None)]
    assert bench.said(None, device_online("two")) == [(True, None), (False, cause), (True, None)]
    lost = next(i for i, d in enumerate(bench.drafts) if d.device == "two" and d.readings[0].value is None)
    gone = next(
        i for i, d in enumerate(bench.drafts) if d.readings[0].name == device_online("two") and not d.readings[0].value
    )
    assert lost < gone
    assert bench.said("one", "fire") == [(False, None)], "the other is not touched"


def test_a_refused_block_has_no_values_and_the_device_is_still_there() -> None:
    bench = Bench()
    bench.link.refusing[1, 5] = 2

    bench.run((nothing, lambda: bool(bench.said("one", "level")) and bool(bench.said("two", "level"))))

    assert bench.said("one", "level") == [(None, "exception 2 illegal data address")]
    assert bench.said("one", "fire") == [(False, None)]
    assert bench.said(None, device_online("one")) == [(True, None)]
    refused = next(r for d in bench.drafts if d.device == "one" for r in d.readings if r.name == "level")
    assert refused.quality is Quality.BAD


def test_an_address_that_a_device_does_not_have_costs_only_what_stands_there() -> None:
    """Some devices refuse every read that touches such an address, also where a read only bridges a gap."""
    words = {name: register(address, period_s=0.05) for name, address in (("a", 20), ("b", 21), ("c", 24))}
    bench = Bench(profile({"state": register(0, bits={"fire": FIRE}), **words}))
    bench.link.words[1] = {20: 1, 24: 3}
    bench.link.absent = {(1, 21), (1, 22), (1, 23)}

    bench.run((nothing, lambda: all(bench.said("one", name) for name in words)))

    assert [bench.said("one", name) for name in ("a", "c")] == [[(1, None)], [(3, None)]]
    assert bench.said("one", "b") == [(None, "exception 2 illegal data address")]
    assert bench.said(None, device_online("one")) == [(True, None)]
    assert bench.link.asked.count((1, 20)) >= 2 and (2, 21) not in bench.link.asked, "the other is asked as before"


def test_a_single_busy_answer_is_no_loss_of_a_value() -> None:
    bench = Bench()

    def busy_once() -> None:
        bench.link.refusing[1, 0] = 6
        bench.link.words[1][0] = 2
        bench.link.asked.clear()

    def answering() -> None:
        bench.link.refusing.clear()

    bench.run(
        (nothing, lambda: bool(bench.said("one", "fire"))),
        (busy_once, lambda: bench.link.asked.count((1, 0)) >= 1 and not answering()),
        (nothing, lambda: (True, None) in bench.said("one", "fire")),
    )

    assert bench.said("one", "fire") == [(False, None), (True, None)]


def test_a_value_of_the_alarm_lane_has_its_decimals_as_soon_as_they_are_read() -> None:
    level = register(5, lane="alarm", scale_from="decimals", unit="kPa")
    bench = Bench(profile({"level": level, "decimals": register(0, period_s=0.2)}))
    bench.link.words[1] = {0: 1, 5: 50}

    bench.run(
        (nothing, lambda: (5.0, None) in bench.said("one", "level")),
        (lambda: bench.link.words[1].update({0: 2}), lambda: (0.5, None) in bench.said("one", "level")),
    )

    assert [value for value, _ in bench.said("one", "level")] == [None, 5.0, 0.5]


def test_a_missing_line_is_a_trouble_of_all_its_devices_and_is_tried_again() -> None:
    bench = Bench()
    bench.link.down = True

    bench.run(
        (nothing, lambda: len(bench.said(None, device_online("two"))) == 1),
        (lambda: setattr(bench.link, "down", False), lambda: bool(bench.said("two", "level")[1:])),
    )

    assert bench.said(None, bus_online("bus")) == [(False, "the line is missing"), (True, None)]
    assert bench.said(None, device_online("one")) == [(False, "the line is missing"), (True, None)]
    assert bench.said("one", "fire") == [(None, "the line is missing"), (False, None)]


def test_a_bug_met_on_one_bus_is_said_and_does_not_end_the_gateway() -> None:
    bench = Bench()

    bench.run(
        (nothing, lambda: bool(bench.said("two", "level"))),
        (
            lambda: setattr(bench.link, "fault", RuntimeError("a bug")),
            lambda: len(bench.said(None, bus_online("bus"))) == 2,
        ),
    )

    assert bench.said(None, bus_online("bus"))[1] == (False, "the gateway met a fault of its own: RuntimeError")
