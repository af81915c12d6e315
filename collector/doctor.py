"""The command `doctor`: what a gateway or a collector needs of its machine, looked at one by one, and how to mend it.

Nothing is changed and nobody is called: servers are asked whether they are there, files whether they can be used.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from collector.findings import Finding, Standing, of_certificate, of_clock, of_disk, of_mode
from config.document import Mistakes
from config.endpoint import Broker, EndpointError, default_state, history_beside, parse_mqtt, sqlite_path
from config.loader import load_site
from config.site import RtuBus, Site, TcpBus
from config.tls import ends_of

OK, WRONG, USAGE = 0, 1, 2
_AS_SERVICE = "look as the user that the service runs as (sudo -u callpoint …); if it is that one, give it the folder"
_MARKS = {Standing.WELL: "ok   ", Standing.DOUBTFUL: "doubt", Standing.WRONG: "WRONG", Standing.UNKNOWN: "?    "}
_COLOURS = {Standing.WELL: "32", Standing.DOUBTFUL: "33", Standing.WRONG: "31;1", Standing.UNKNOWN: "2"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. `gateway`: look at the buses of this one."""

    site: Path | None = None
    gateway: str | None = None
    mqtt: str | None = None
    state: str | None = None
    history: str | None = None
    as_json: bool = False


def run(asked: Asked) -> int:
    """Print what is found, as it is found. 0: nothing is wrong, 1: something is, 2: wrong use."""
    found = []
    if asked.gateway is not None and asked.site is None:
        print("callpoint doctor: --id needs the SITE that it is of", file=sys.stderr)
        return USAGE
    for finding in look(asked):
        found.append(finding)
        if not asked.as_json:
            print(_line(finding), flush=True)
    if asked.as_json:
        print(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    return WRONG if any(each.standing is Standing.WRONG for each in found) else OK


def look(asked: Asked) -> Iterator[Finding]:
    """Everything that this machine can be asked, what others depend on first."""
    yield from _machine(asked)
    site = None
    if asked.site is None:
        yield Finding("site", Standing.UNKNOWN, "not looked at: name the site folder")
    else:
        try:
            site = load_site(asked.site)
            yield Finding("site", Standing.WELL, f"{asked.site}: {len(site.devices)} devices")
        except Mistakes as mistakes:
            first = mistakes.mistakes[0]
            more = f", and {len(mistakes.mistakes) - 1} more" if len(mistakes.mistakes) > 1 else ""
            yield Finding("site", Standing.WRONG, f"{first}{more}", f"callpoint check {asked.site}")
    yield from _broker(asked.mqtt)
    if asked.gateway is None:
        yield from _kept(asked)
    if site is not None and asked.gateway is not None:
        yield from _buses(site, asked.gateway)
    elif site is not None:
        yield from _board(site.plan.board_url)
        yield from _channels(site)


# --- the machine --------------------------------------------------------------------------------------


def _machine(asked: Asked) -> Iterator[Finding]:
    folder = _folder(asked)
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        yield of_disk(str(there), shutil.disk_usage(there).free)
        if not os.access(there, os.W_OK | os.X_OK):
            said = "cannot be written by this user" if there == folder else "is not there, nor may this user make it"
            yield Finding("disk", Standing.WRONG, f"{folder} {said}", _AS_SERVICE)
    except PermissionError:
        yield Finding("disk", Standing.WRONG, f"{folder}: this user may not look there", _AS_SERVICE)
    yield of_clock(datetime.now().astimezone(), _synchronized())


def _folder(asked: Asked) -> Path:
    try:
        path = sqlite_path(asked.state or default_state())
    except EndpointError:
        path = None
    return Path().resolve() if path is None else path.absolute().parent


def _synchronized() -> bool | None:
    timedatectl = shutil.which("timedatectl")
    if timedatectl is None:
        return None
    command = [timedatectl, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


# --- what is kept -------------------------------------------------------------------------------------


def _kept(asked: Asked) -> Iterator[Finding]:
    state_url = asked.state or default_state()
    store = list(_store(state_url, asked.state is not None))
    yield from store
    if asked.history is not None or store[0].standing is not Standing.UNKNOWN:
        yield from _history(asked.history or history_beside(state_url))


def _store(url: str, named: bool) -> Iterator[Finding]:
    from collector.storage.store import StoreFailed, StoreRefused

    if shut := _shut("store", url):
        yield shut
        return
    try:
        path = sqlite_path(url)
        if not named and path is not None and not path.exists():
            yield Finding("store", Standing.UNKNOWN, f"there is none at {path}: no collector has run here as this user")
            return
        yield Finding("store", Standing.WELL, f"{url}: {asyncio.run(_open_incidents(url))} open incidents")
        yield from (of_mode(str(each), each.stat().st_mode) for each in _secret_files(path) if each.exists())
    except (EndpointError, StoreRefused, StoreFailed) as error:
        mend = "callpoint restore puts the newest backup back" if _damaged(error) else ""
        yield Finding("store", Standing.WRONG, str(error), mend)


def _history(url: str) -> Iterator[Finding]:
    from collector.storage.history import HistoryDown, HistoryRefused

    if shut := _shut("history", url):
        yield shut
        return
    try:
        waits = asyncio.run(_answers(url))
        yield Finding("history", Standing.WELL, f"{_plain(url)} answers")
        if waits is not None:
            mend = f"callpoint history init --history {_plain(url)}"
            yield Finding("figures", Standing.DOUBTFUL, waits, mend)
    except (EndpointError, HistoryRefused, HistoryDown, OSError) as error:
        mend = "start the history server, or look at its address and secret; what comes meanwhile waits in the store"
        yield Finding("history", Standing.WRONG, str(error), mend)


def _shut(part: str, url: str) -> Finding | None:
    """A file that this user may not read: nothing is wrong with it, and it must not look as if there were."""
    try:
        path = sqlite_path(url)
        if path is None or not path.exists() or os.access(path, os.R_OK):
            return None
    except EndpointError:
        return None  # who opens it says so
    except PermissionError:
        pass
    return Finding(part, Standing.WRONG, f"{url}: this user may not read it", _AS_SERVICE)


def _damaged(error: BaseException | None) -> bool:
    """Whether the file itself is broken. For anything else an older one would be the wrong cure."""
    while error is not None:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return True
        error = error.__cause__
    return False


def _secret_files(path: Path | None) -> list[Path]:
    return [] if path is None else [path, path.with_name(f"{path.name}.token")]


async def _open_incidents(state_url: str) -> int:
    from collector.storage.store import open_store

    store = await open_store(state_url, read_only=True)
    sql = "SELECT count(*) FROM incidents WHERE closed_at_ms IS NULL"
    try:
        return int(await store.read(lambda connection: connection.execute(sql).fetchone()[0]))
    finally:
        await store.close()


async def _answers(history_url: str) -> str | None:
    """Why the collector's own figures have no place there; None if they have one, or need none."""
    from collector.storage.histories import open_history
    from collector.storage.history import FiguresWait

    history = await open_history(history_url, read_only=True)
    try:
        await history.recent("doctor", "nothing", 0, 1)
        if history.figures is not None:
            await history.figures.told_until()
        return None
    except FiguresWait as error:
        return str(error)
    finally:
        await history.close()


def _plain(url: str) -> str:
    """A URL without what may be a secret in it."""
    return url.partition("?")[0].rpartition("@")[2]


# --- servers ------------------------------------------------------------------------------------------


def _broker(url: str | None) -> Iterator[Finding]:
    from collector.reaching import connects, ends_of_certificate, speaks_mqtt

    if url is None:
        yield Finding("broker", Standing.UNKNOWN, "not asked: --mqtt says where it is")
        return
    try:
        broker = parse_mqtt(url)
    except EndpointError as error:
        yield Finding("broker", Standing.WRONG, str(error))
        return
    refused = connects(broker.host, broker.port)
    if refused is not None:
        mend = "start the broker, or look at its address, its `listener` and the firewall between"
        yield Finding("broker", Standing.WRONG, f"{broker.host}:{broker.port}: {refused}", mend)
        return
    if broker.tls:
        ends = ends_of_certificate(broker.host, broker.port, broker.ca_file)
        if isinstance(ends, str):
            mend = "CALLPOINT_MQTT_CA_FILE names the PEM file of who has signed it; its name must be the broker's"
            yield Finding("broker", Standing.WRONG, ends, mend)
            return
        yield of_certificate("broker", ends, datetime.now(UTC))
    yield from _own_certificate(broker)
    refused = speaks_mqtt(broker)
    if refused is not None:
        secrets = "CALLPOINT_MQTT_USERNAME, CALLPOINT_MQTT_PASSWORD[_FILE], CALLPOINT_MQTT_CERT_FILE, _KEY_FILE"
        mend = f"look at {secrets} and the broker's own log"
        yield Finding("broker", Standing.WRONG, f"{broker.host}:{broker.port}: {refused}", mend)
    else:
        yield Finding("broker", Standing.WELL, f"{broker.host}:{broker.port} lets us in")


def _own_certificate(broker: Broker) -> Iterator[Finding]:
    """What we show the broker, if it is one that asks for certificates."""
    if broker.cert_file is None or broker.key_file is None:
        return
    mend = "on the machine of the authority: callpoint enroll NAME --renew; then install what it makes"
    which = "the one that we show the broker"
    yield of_certificate("certificate", ends_of(broker.cert_file), datetime.now(UTC), which, mend)
    yield of_mode(broker.key_file, Path(broker.key_file).stat().st_mode)


def _board(url: str) -> Iterator[Finding]:
    """What phones open, if that is https: whether they will believe it, and for how long."""
    from collector.reaching import connects, ends_of_certificate

    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname is None:
        return
    host, port = parts.hostname, parts.port or 443
    refused = connects(host, port)
    if refused is not None:
        # Behind a router a server often cannot reach its own public address, and phones can.
        mend = "start the web server in front of the collector; if it runs, open the address on a phone"
        yield Finding("board", Standing.DOUBTFUL, f"{url} cannot be reached from here: {refused}", mend)
        return
    ends = ends_of_certificate(host, port, None)
    if isinstance(ends, str):
        mend = "phones refuse it as well: let the web server get one of a public authority, for this very name"
        yield Finding("board", Standing.WRONG, ends, mend)
    else:
        yield of_certificate("board", ends, datetime.now(UTC))


def _channels(site: Site) -> Iterator[Finding]:
    """Whether each has its secrets and its server is there. Nothing is sent."""
    from collector.alerter.channels import make_channel, server_of
    from collector.reaching import connects

    for name, channel in site.channels.items():
        part = f"channel {name}"
        if channel.type == "webpush":
            yield Finding(part, Standing.UNKNOWN, "a phone's own push service is asked when a message is sent")
            continue
        try:
            make_channel(name, channel)
            server = server_of(channel)
        except EndpointError as error:
            yield Finding(part, Standing.WRONG, str(error), _MEND_SECRET)
            continue
        refused = None if server is None else connects(*server)
        if refused is not None and server is not None:
            yield Finding(
                part, Standing.WRONG, f"{server[0]}:{server[1]}: {refused}", "look at its address and network"
            )
        else:
            where = "" if server is None else f", {server[0]}:{server[1]} is there"
            yield Finding(part, Standing.WELL, f"complete{where}")


# --- buses --------------------------------------------------------------------------------------------


def _buses(site: Site, gateway: str) -> Iterator[Finding]:
    from collector.reaching import connects

    known = site.gateways.get(gateway)
    if known is None:
        names = ", ".join(site.gateways)
        yield Finding("gateway", Standing.WRONG, f"found {gateway!r}, expected one of {names}")
        return
    for bus in known.buses:
        part = f"bus {bus.id}"
        if isinstance(bus, TcpBus):
            refused = connects(bus.host, bus.port)
            standing, said = (Standing.WELL, "is there") if refused is None else (Standing.WRONG, refused)
            yield Finding(part, standing, f"{bus.host}:{bus.port}: {said}", "" if refused is None else _MEND_TCP)
        elif isinstance(bus, RtuBus):
            yield of_port(part, bus.port)


_MEND_SECRET = "set it where the collector's service gets its environment"
_MEND_TCP = "look at the converter's power, address and network cable"


def of_port(part: str, port: str) -> Finding:
    """Whether a serial port is there and may be used."""
    try:
        mode = Path(port).stat().st_mode
    except OSError:
        mend = "look whether the adapter is plugged in (`ls /dev/serial/by-id/`), and name it by that path"
        return Finding(part, Standing.WRONG, f"{port}: there is no such port", mend)
    if not stat.S_ISCHR(mode):
        return Finding(part, Standing.WRONG, f"{port}: this is no serial port")
    if not os.access(port, os.R_OK | os.W_OK):
        return Finding(part, Standing.WRONG, f"{port}: this user may not use it", "sudo usermod -aG dialout USER")
    # Never set up as a port: that would change the speed under a program which has it open and locks nothing.
    try:
        handle = os.open(port, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
    except OSError as error:
        said = f"{port}: another program uses it (a gateway that runs does): {error.strerror}"
        return Finding(part, Standing.DOUBTFUL, said, f"fuser -v {port} tells which")
    return Finding(part, Standing.WELL, f"{port} is there and free")


def _line(finding: Finding) -> str:
    mark = _MARKS[finding.standing]
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"\x1b[{_COLOURS[finding.standing]}m{mark}\x1b[0m"
    mend = f"\n        mend: {finding.mend}" if finding.mend and finding.standing is not Standing.WELL else ""
    return f"{mark}  {finding.part}: {finding.said}{mend}"
