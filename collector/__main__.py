"""The collector process: everything wired together. `callpoint collector`, or `python -m collector`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from collector.access.rows import prune_access
from collector.accounts import keep_board_url
from collector.alerter.app import Server, make_app
from collector.alerter.channels import make_channels
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.channels.sealing import Voucher
from collector.alerter.channels.sink import SINK, SinkChannel
from collector.alerter.guard import is_loopback, is_loopback_url
from collector.alerter.links import Links
from collector.alerter.notifier import Notifier
from collector.alerter.provider import Provider
from collector.clock import SteadyClock
from collector.desk import Desk
from collector.figures.apart import apart
from collector.figures.tending import tend
from collector.figures.writer import FiguresWriter
from collector.session.inbox import Inbox
from collector.session.listener import Listener
from collector.storage.histories import open_history
from collector.storage.history import Drain, HistoryDown, HistoryRefused
from collector.storage.retention import Housekeeper
from collector.storage.secrets import Secrets
from collector.storage.store import Store, StoreFailed, StoreRefused, open_store
from collector.storage.subscriptions import Subscriptions
from config import logs
from config.document import Mistakes
from config.endpoint import (
    Broker,
    EndpointError,
    default_state,
    history_beside,
    parse_listen,
    parse_mqtt,
    read_secret,
)
from config.loader import load_site
from config.site import Site
from config.supervisor import attend, tell

log = logs.of("collector")

OK, FAILED, USAGE = 0, 1, 2
STOP_WITHIN_S = 4.0  # then without what still hangs: Docker kills after 10 s, systemd after 90 s
LEAVE_AFTER_S = 0.5  # for the interpreter to end by itself, once everything is closed
PRUNE_EVERY_S = 3600.0
HEARTBEAT_EVERY_S = 60.0
HEARTBEAT_WITHIN_S = 10.0
AGAIN_AFTER_S = (1.0, 2.0, 5.0, 15.0, 60.0)  # a part that the store has failed is started again


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """What the command line says. None: the default. Secrets come from the environment, see `read_secret`."""

    site: Path
    mqtt: str
    history: str | None = None
    state: str | None = None
    listen: str = "127.0.0.1:8080"
    url: str | None = None  # what phones open
    log: str | None = None
    log_level: str | None = None


class StartError(Exception):
    """The collector cannot start here; str() says why."""


def run(options: CollectorOptions) -> int:
    """Run until SIGTERM or SIGINT (a second one stops at once). 0: stopped, 1: failed, 2: wrong use."""
    code = FAILED
    try:
        logs.set_up(options.log, options.log_level)
        broker, listen = parse_mqtt(options.mqtt), parse_listen(options.listen)
        site = load_site(options.site)
        if options.url is not None:
            site.plan = site.plan.model_copy(update={"board_url": options.url})
        code = asyncio.run(_run_and_leave(options, site, broker, listen))
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
    except (EndpointError, logs.LogError) as error:
        print(f"callpoint collector: {error}", file=sys.stderr)
        code = USAGE
    except (StartError, StoreRefused, StoreFailed, HistoryRefused, HistoryDown) as error:
        print(f"callpoint collector: {error}", file=sys.stderr)
    return code


async def _run_and_leave(options: CollectorOptions, site: Site, broker: Broker, listen: tuple[str, int]) -> int:
    code = await _run(options, site, broker, listen)
    # All of ours is closed. A channel's thread may still hang in its library: nobody waits for it.
    asyncio.get_running_loop().call_later(LEAVE_AFTER_S, _leave_at_once, "a channel does not let go", code)
    return code


async def _run(options: CollectorOptions, site: Site, broker: Broker, listen: tuple[str, int]) -> int:
    state_url = options.state or default_state()
    async with AsyncExitStack() as opened:
        web_socket = opened.enter_context(_listening(listen))
        store = await open_store(state_url)
        opened.push_async_callback(store.close)
        history = await open_history(options.history or history_beside(state_url))
        opened.push_async_callback(history.close)
        clock = SteadyClock()
        desk = Desk(site, store, history, await store.restore(), clock)
        secrets = await Secrets.of(store)
        await store.write(lambda connection: keep_board_url(connection, site.plan.board_url))
        web_push = _web_push(site, store, secrets, clock, listen[0])
        opened.push_async_callback(web_push.services.close)
        inbox = await _inbox(desk, store, broker, secrets, clock)
        process = Process(site, desk, secrets, inbox, web_push, clock)
        gc.collect()
        gc.freeze()  # the site and what was kept stay: looking through them again would hold an alarm up
        return await process.run(web_socket, listen[0])


async def _inbox(desk: Desk, store: Store, broker: Broker, secrets: Secrets, clock: SteadyClock) -> Inbox:
    lanes = await store.lanes()

    def make_listener(publish: Callable[[str, bytes], None]) -> Listener:
        return Listener(desk, lanes, publish, clock)

    return Inbox(broker, secrets.host_id, desk, make_listener, clock)


def _web_push(site: Site, store: Store, secrets: Secrets, clock: SteadyClock, listen_host: str) -> WebPushChannel:
    board_url = site.plan.board_url
    said = next((each.sender for each in site.channels.values() if each.type == "webpush" and each.sender), None)
    contact = said or (board_url if board_url.startswith("https://") else "mailto:nobody@localhost")
    local = is_loopback(listen_host) and is_loopback_url(board_url)
    return WebPushChannel(Subscriptions(store), Voucher(secrets.push, contact), clock, local)


def _provider(site: Site, secrets: Secrets, clock: SteadyClock) -> Provider | None:
    oidc = site.plan.sign_in.oidc
    if oidc is None:
        return None
    secret = None if oidc.secret_env is None else read_secret(oidc.secret_env)
    if oidc.secret_env is not None and secret is None:
        raise StartError(f"plan.sign_in.oidc.secret_env: neither {oidc.secret_env} nor {oidc.secret_env}_FILE is set")
    return Provider(oidc, site.plan.board_url, secret, secrets.links, clock)


def _inbound_secrets(site: Site) -> dict[str, str]:
    """What providers of replies prove themselves by. Raises StartError for one that is not set."""
    found: dict[str, str] = {}
    for road, provider in site.plan.inbound.items():
        secret = read_secret(provider.secret_env)
        if secret is None:
            name = provider.secret_env
            raise StartError(f"plan.inbound.{road}.secret_env: neither {name} nor {name}_FILE is set")
        found[road] = secret
    return found


class Process:
    """The running collector."""

    def __init__(
        self, site: Site, desk: Desk, secrets: Secrets, inbox: Inbox, web_push: WebPushChannel, clock: SteadyClock
    ) -> None:
        self._site = site
        self._clock = clock
        self._desk = desk
        self._token = secrets.token
        self._inbox = inbox
        self._web_push = web_push
        self._links = Links(secrets.links, site.plan.board_url, site.plan.answer_link_valid_s)
        sink = SinkChannel(desk.tell)
        self._channels = {**make_channels(site, web_push), SINK: sink}
        self._provider = _provider(site, secrets, clock)
        self._notifier = self._make_notifier()
        self._drain = Drain(desk.store, desk.history, desk.act)
        figures = desk.history.figures
        self._figures = None if figures is None else FiguresWriter(desk, figures, inbox.listener.tellings, clock)
        # One caller for the life of the process: it remembers when each building was called.
        desk.unrecorded.send = self._make_notifier().send_unrecorded
        desk.after_commit.append(sink.stored)
        desk.after_commit.append(lambda _stored: self._notifier.wake())

    async def run(self, web_socket: socket.socket, host: str) -> int:
        """Until a signal, or until a part cannot go on. Returns the exit code."""
        stop, code = asyncio.Event(), OK
        _on_signals(stop)
        app = make_app(
            self._desk,
            self._links,
            self._token,
            self._clock,
            listen_host=host,
            web_push=self._web_push,
            inbound_secrets=_inbound_secrets(self._site),
            channels=lambda: self._notifier.channels,
            counters=self._counters,
            deliver=lambda *message: self._notifier.send_sign_in(*message),
            provider=self._provider,
            diagnoses=self._inbox.listener.diagnoses,
        )
        server = _Server(app)
        parts = [
            asyncio.create_task(part, name=name)
            for name, part in (
                ("desk", self._desk.run()),
                ("inbox", self._inbox.run()),
                ("notifier", _again("notifier", self._notify)),
                ("history", _again("history", self._drain.run)),
                ("housekeeping", _again("housekeeping", self._keep_house)),
                ("heartbeat", self._heartbeat(read_secret("CALLPOINT_HEARTBEAT_URL"))),
                ("web", server.serve(sockets=[web_socket])),
                *self._figure_parts(),
            )
        ]
        stopping = asyncio.create_task(stop.wait(), name="stop")
        attending = asyncio.create_task(attend(), name="supervisor")
        address, port = web_socket.getsockname()[:2]
        log.info("started", f"listening on http://{address}:{port}", address=address, port=port)
        done, _ = await asyncio.wait([*parts, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            code = FAILED
            fault, part = task.exception(), task.get_name()
            log.critical("part-ended", f"{part} has ended: {fault!r}", fault=fault, of_part=part)
        attending.cancel()
        tell("STOPPING=1")
        await self._stop(parts, server)
        return code

    def _figure_parts(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        figures, store = self._desk.history.figures, self._desk.store
        if self._figures is None or figures is None:
            return []
        write, faults = partial(_again, "figures", self._figures.run), self._desk.counters
        care = partial(tend, figures, lambda: store.spooled, self._drain.late_days)
        return [("figures", apart("figures", write, faults)), ("tending", apart("tending", care, faults))]

    async def _stop(self, parts: list[asyncio.Task[Any]], server: Server) -> None:
        """Hear no more, commit what was decided, tell the rest of it to stop."""
        by_name = {task.get_name(): task for task in parts}
        asyncio.get_running_loop().call_later(STOP_WITHIN_S, _leave_at_once, "something does not stop")
        by_name.pop("inbox").cancel()
        server.should_exit = True
        await asyncio.wait([task for task in parts if task.get_name() in ("inbox", "web")], timeout=STOP_WITHIN_S)
        for task in by_name.values():
            task.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        try:
            await self._desk.settle()
        except StoreFailed as error:
            log.error("not-committed", f"at the end: {error}", error=error)

    def _make_notifier(self) -> Notifier:
        desk = self._desk
        url, clock = self._links.answer_url, self._clock
        return Notifier(self._site, desk.store, self._channels, desk, url, clock, desk.act, desk.tell)

    async def _notify(self) -> None:
        self._notifier = self._make_notifier()
        try:
            await self._notifier.run()
        except* StoreFailed as group:
            raise StoreFailed(str(group.exceptions[0])) from group

    async def _keep_house(self) -> None:
        keeper = Housekeeper(self._desk.store, self._site.plan.retention, self._clock)
        while True:
            pruned = await self._desk.store.prune()
            self._desk.counters["records-pruned"] += pruned
            ended = await self._desk.store.write(partial(prune_access, now=self._clock()))
            self._desk.counters["sign-ins-pruned"] += ended
            await keeper.keep()
            for what, gone in keeper.counts.items():
                self._desk.counters[f"{what}-over-their-time"] = gone
            await asyncio.sleep(PRUNE_EVERY_S)

    async def _heartbeat(self, url: str | None) -> None:
        """Call a URL every minute while we can do our work, so that somebody outside notices when we cannot."""
        async with httpx.AsyncClient(timeout=HEARTBEAT_WITHIN_S) as client:
            while True:
                if url is not None and not self._desk.failing:
                    try:
                        async with asyncio.timeout(HEARTBEAT_WITHIN_S):
                            (await client.get(url)).raise_for_status()
                    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                        kind = type(error).__name__  # and no more: the URL is a secret
                        log.warning("heartbeat-not-taken", f"the heartbeat was not taken: {kind}", error=kind)
                await asyncio.sleep(HEARTBEAT_EVERY_S)

    def _counters(self) -> dict[str, dict[str, int]]:
        history = {"written": self._drain.written, "refused": self._drain.refused, "waiting": self._desk.store.spooled}
        inbox = {**self._desk.counters, "waiting": self._inbox.waiting}
        engine = dict(self._desk.engine.counts)
        counters = {"inbox": inbox, "engine": engine, "history": history, "log": logs.counts()}
        if self._figures is not None:
            counters["figures"] = {"written": self._figures.written, "refused": self._figures.refused}
        return counters


class _Server(Server):
    """Signals are the process's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _again(name: str, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a part that can do without the store for a while, and start it again when the store has failed it."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            await part()
        except StoreFailed as error:
            if time.monotonic() - began > AGAIN_AFTER_S[-1]:
                failures = 0
            log.error("part-failed", f"{name}: {error}", of_part=name, error=error)
            await asyncio.sleep(AGAIN_AFTER_S[min(failures, len(AGAIN_AFTER_S) - 1)])
            failures += 1


def _on_signals(stop: asyncio.Event) -> None:
    def on_signal() -> None:
        if stop.is_set():
            _leave_at_once("told twice")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)


def _leave_at_once(why: str, code: int = FAILED) -> None:
    """What is committed is on disk, and nothing else was promised."""
    log.warning("leaving", f"leaving at once: {why}", why=why)
    logging.shutdown()
    os._exit(code)


@contextmanager
def _listening(listen: tuple[str, int]) -> Iterator[socket.socket]:
    host, port = listen
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((host, port), family=family, backlog=1024) as web_socket:
            yield web_socket
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m collector SITE --mqtt URL`."""
    parser = argparse.ArgumentParser(prog="collector", description="Hear the gateways, keep, decide, call people.")
    parser.add_argument("site", type=Path)
    parser.add_argument("--mqtt", required=True, metavar="URL")
    parser.add_argument("--history", metavar="URL")
    parser.add_argument("--state", metavar="URL")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT")
    parser.add_argument("--url", metavar="URL")
    logs.add_options(parser)
    return run(CollectorOptions(**vars(parser.parse_args(arguments))))


if __name__ == "__main__":
    sys.exit(main())
