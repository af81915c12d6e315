"""The gateway process: one site's gateway wired together. `callpoint gateway`, or `python -m gateway`."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from config import logs
from config.document import Mistakes
from config.endpoint import Broker, EndpointError, parse_mqtt, state_folder
from config.supervisor import attend, tell
from config.wire import CLOCK
from config.words import Lane, Reading
from gateway.catalogue import (
    COMMITS_ACCEPTED,
    JOURNAL_WRITABLE,
    Catalogue,
    LaneAccount,
    conditions_of,
    metrics_of,
)
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.modbus import ModbusLink
from gateway.plan import GatewayOptions, Plan, StartError, plan_of
from gateway.poller import Node, Poller
from gateway.pulse import PulseRegister
from gateway.record import Record
from gateway.recorder import Recorder
from gateway.session import Session
from gateway.statefile import JournalCorrupt, set_aside
from gateway.teller import Teller
from gateway.uplink import Uplink
from gateway.window import Window

log = logs.of("gateway")

OK, FAILED, USAGE = 0, 1, 2
IN_FLIGHT_MAX = {Lane.ALARM: 128, Lane.TELEMETRY: 256}
RESEND_MS = {Lane.ALARM: 2_000, Lane.TELEMETRY: 10_000}
CLOCK_PERIOD_S = 2.0
FLUSH_AT_STOP_S = 3.0
REFUSAL_QUIET_S = 60.0  # without a refused command for so long, the trouble is over
REFUSAL_CHARACTERS_MAX = 200  # a stranger's words, which go into the journal and to the host


def run(options: GatewayOptions) -> int:
    """Run until SIGTERM or SIGINT (a second one stops at once). Returns the exit code."""
    try:
        logs.set_up(options.log, options.log_level, facts={"gateway": options.gateway})
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # we say ourselves what a bus does
        broker = parse_mqtt(options.mqtt)
        plan_of(options)  # what is wrong with the site is said before anything is made
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return FAILED
    except (StartError, EndpointError, logs.LogError, OSError) as error:
        print(f"callpoint gateway: {error}", file=sys.stderr)
        return USAGE
    try:
        folder = options.state or state_folder() / options.gateway
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return _run_until_stopped(options, broker, folder / "journal.db")
    except (StartError, OSError) as error:
        print(f"callpoint gateway: {error}", file=sys.stderr)
        return FAILED


class Process:
    """The running gateway."""

    def __init__(self, plan: Plan, broker: Broker, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        best_effort = plan.gateway.delivery == "best-effort"
        devices, buses = plan.devices, [bus.id for bus, _ in plan.buses]
        self._devices = devices
        self._recorder = Recorder(journal, clock, self._synced, self._counted, self._journal_trouble)
        self._node = Node(clock, self._recorder.put, conditions_of(devices, buses))
        metrics = metrics_of({name: found.points for name, found in devices.items()}, buses)
        catalogue = Catalogue(journal.aliases(metrics))
        self._windows = {
            lane: Window(
                journal.stored(lane), journal.last(lane), IN_FLIGHT_MAX[lane], 0 if best_effort else RESEND_MS[lane]
            )
            for lane in Lane
        }
        self._session = Session(
            plan.edge, journal.epoch, catalogue, self._windows, self._present, lambda at: at + clock.offset_ms()
        )
        self._uplink = Uplink(
            broker,
            plan.edge,
            self._session,
            journal,
            self._recorder,
            clock,
            catalogue.devices,
            best_effort,
            self._refused,
            lambda device: self._teller.answer(device),
        )
        self._pollers = [
            Poller(bus, ModbusLink(bus), found, clock, self._node, self._recorder.put) for bus, found in plan.buses
        ]
        self._teller = Teller(self._pollers, clock, self._tell)
        self._unrecorded = 0  # alarm-lane reports that the disk does not take
        self._refused_until: asyncio.TimerHandle | None = None
        self._synchronized: bool | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then stop cleanly. Raises JournalCorrupt (in a group)."""
        async with asyncio.TaskGroup() as group:
            recorder = group.create_task(self._recorder.run())
            pollers = [group.create_task(poller.run()) for poller in self._pollers]
            others = [group.create_task(self._watch_clock()), group.create_task(self._watch_settling())]
            others.append(group.create_task(self._teller.run()))
            others.append(group.create_task(attend()))
            uplink = group.create_task(self._uplink.run())
            self._node.say(COMMITS_ACCEPTED, True)
            await stop.wait()
            log.info("stopping", "stopping")
            tell("STOPPING=1")
            for task in (*pollers, *others):
                task.cancel()
            await asyncio.wait(pollers)
            await self._flush()
            await self._uplink.finish(uplink)
            recorder.cancel()
        await self._flush()

    async def _flush(self) -> None:
        """The last reports to disk; a disk that takes nothing must not hold up the stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.flush(), FLUSH_AT_STOP_S)

    def close(self) -> None:
        """End the journal's threads and close it."""
        self._recorder.close()
        self._journal.close()

    def _present(self, device: str | None) -> tuple[Reading, ...]:
        if device is None:
            return (*self._node.present, *self._teller.present)
        return self._devices[device].reporter.present if device in self._devices else ()

    def _tell(self, readings: Sequence[Reading]) -> None:
        self._session.tell(readings)
        self._uplink.wake()

    def _synced(self, records: Sequence[Record]) -> None:
        now_ms = self._clock.mono_ms()
        for record in records:
            self._session.appended(record, now_ms)
        self._uplink.wake()

    def _counted(self, account: Mapping[Lane, LaneAccount]) -> None:
        self._session.count(account)
        self._uplink.wake()

    def _journal_trouble(self, cause: str | None, waiting: int) -> None:
        self._node.say(JOURNAL_WRITABLE, cause is None, cause)
        if waiting > self._unrecorded:
            self._session.unrecorded(self._clock.mono_ms())
            self._uplink.wake()
        self._unrecorded = waiting

    def _refused(self, cause: str) -> None:
        """Somebody commands what we do not obey: once a trouble, for as long as it goes on."""
        if self._refused_until is None:
            self._node.say(COMMITS_ACCEPTED, False, cause[:REFUSAL_CHARACTERS_MAX])
        else:
            self._refused_until.cancel()
        self._refused_until = asyncio.get_running_loop().call_later(REFUSAL_QUIET_S, self._accepted_again)

    def _accepted_again(self) -> None:
        self._refused_until = None
        self._node.say(COMMITS_ACCEPTED, True)

    async def _watch_clock(self) -> None:
        """Say whether UTC can be trusted; once it can, stamp anew what has not been sent."""
        while True:
            synchronized = self._clock.is_synchronized()
            if synchronized and self._synchronized is False:
                published = {lane: window.published_ranges for lane, window in self._windows.items()}
                offset_ms = self._clock.offset_ms()
                await self._recorder.flush()
                corrected = await self._recorder.write(
                    lambda: self._journal.correct(self._clock.boot, offset_ms, published)  # noqa: B023 - awaited here
                )
                for window in self._windows.values():
                    window.shelve()
                text = f"the clock is set: {corrected} records that were not sent yet have new times"
                log.info("clock-set", text, count=corrected)
            self._synchronized = synchronized
            cause = None if synchronized else "the clock has not been set since power-on"
            self._node.say(CLOCK, synchronized, cause)
            await asyncio.sleep(CLOCK_PERIOD_S)

    async def _watch_settling(self) -> None:
        for poller in self._pollers:
            await poller.settled.wait()
        await self._recorder.flush()
        self._session.settled(self._clock.mono_ms())
        self._uplink.wake()


def _run_until_stopped(options: GatewayOptions, broker: Broker, path: Path) -> int:
    """A damaged journal is set aside, and the gateway begins again with a new one."""
    clock = Clock()
    stopped = False
    while not stopped:
        plan = plan_of(options)
        text = f"gateway {plan.gateway.id} of {plan.edge.group}, journal {path}"
        log.info("started", text, group=plan.edge.group, journal=path)
        try:
            asyncio.run(_run_once(plan, broker, Journal(path, plan.gateway.journal_records_max), clock))
            stopped = True
        except* JournalCorrupt as group:
            kept = set_aside(path, clock.utc_ms())
            error = _first_leaf(group)
            log.error("journal-corrupt", f"{error}: kept as {kept}, a new journal begins", error=error, kept=kept)
    return OK


async def _run_once(plan: Plan, broker: Broker, journal: Journal, clock: Clock) -> None:
    async with AsyncExitStack() as opened:
        if plan.pulse_every_s is not None:
            try:
                register = PulseRegister(plan.pulse_every_s, clock)
                plan = plan.with_pulse(await opened.enter_async_context(register.serving()))
            except OSError as error:  # alarms go on; the collector will say that the pulse is missing
                text = f"no pulse: its register cannot be served on the loopback: {error}"
                log.error("no-pulse", text, error=error)
        await _run_process(plan, broker, journal, clock)


async def _run_process(plan: Plan, broker: Broker, journal: Journal, clock: Clock) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    process = Process(plan, broker, journal, clock)

    def on_signal() -> None:
        if stop.is_set():
            log.warning("leaving", "stopping at once: told twice", why="told twice")
            logging.shutdown()
            os._exit(FAILED)  # the journal is safe by its own rules; nothing else needs an orderly end
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        await process.run(stop)
    finally:
        process.close()


def _first_leaf(error: BaseException) -> BaseException:
    return _first_leaf(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@contextmanager
def _locked(folder: Path) -> Iterator[IO[bytes]]:
    """Two gateways on one journal would use positions twice."""
    with (folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"another gateway runs in {folder}; give this one its own --state folder") from None
        yield file


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m gateway SITE --id GW --mqtt URL`."""
    parser = argparse.ArgumentParser(prog="gateway", description="Ask one gateway's devices and publish. Never writes.")
    parser.add_argument("site", type=Path)
    parser.add_argument("--id", required=True, dest="gateway")
    parser.add_argument("--mqtt", required=True, metavar="URL")
    parser.add_argument("--state", type=Path, metavar="DIR")
    parser.add_argument("--buses", type=Path, metavar="FILE")
    logs.add_options(parser)
    return run(GatewayOptions(**vars(parser.parse_args(arguments))))


if __name__ == "__main__":
    sys.exit(main())
