"""Why a bus cannot be opened, in words: a serial port's file, its rights, who has it; a converter's address."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from pathlib import Path

import serial

from config.site import RtuBus, TcpBus

REACH_WITHIN_S = 3.0
COMMAND_CHARACTERS_MAX = 100
STOP_GATEWAYS = "sudo systemctl stop 'callpoint-gateway@*'"
ADAPTERS = Path("/dev/serial/by-id")
PSEUDO_TERMINALS = {"/dev/ptmx", "/dev/pts/ptmx"}


def users_of(port: str) -> list[str]:
    """Other programs that have a port open, as `callpoint gateway … (pid 12)`; those that this user may see. Who has
    made a pseudo-terminal holds both its ends, and is the line and no user of it."""
    wanted, found = str(Path(port).resolve()), []
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        if int(process.name) == os.getpid():
            continue
        held = set()
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    held.add(str(handle.readlink()))
        made = wanted.startswith("/dev/pts/") and held & PSEUDO_TERMINALS
        if wanted in held and not made:
            with contextlib.suppress(OSError):
                found.append(_command(process))
    return found


def why_used(port: str) -> str:
    """Which other program has a port open, locked or not, with what to do about it; empty if none is seen."""
    users = users_of(port)
    if not users:
        return ""
    who = " and ".join(users)
    if any("gateway" in user for user in users):
        return (
            f"{port}: a gateway is running on it: {who}. Stop it while you look (as a service: {STOP_GATEWAYS})"
            " and start it again after; meanwhile its devices count as silent"
        )
    return f"{port}: {who} has it open: end it first, two masters spoil each other's answers"


def _command(process: Path) -> str:
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    said = " ".join(word for word in words if word)
    short = said if len(said) <= COMMAND_CHARACTERS_MAX else f"{said[: COMMAND_CHARACTERS_MAX - 1]}…"
    return f"{short or process.name} (pid {process.name})"


def why_port(port: str) -> str:
    """Why a serial port cannot be used, with what to do about it; empty if it can."""
    try:
        mode = Path(port).stat().st_mode
    except PermissionError:
        return f"{port}: this user may not look there"
    except OSError:
        plugged = sorted(str(path) for path in ADAPTERS.glob("*"))
        there = f"; plugged in: {', '.join(plugged)}" if plugged else "; no adapter is plugged in (dmesg | tail)"
        return f"{port}: there is no such port{there}"
    if not stat.S_ISCHR(mode):
        return f"{port}: this is no serial port"
    if not os.access(port, os.R_OK | os.W_OK):
        return f"{port}: this user may not use it: sudo usermod -aG dialout $USER, then log in again"
    if used := why_used(port):
        return used
    try:
        serial.Serial(port, exclusive=True, timeout=0).close()
    except (OSError, ValueError) as error:
        if isinstance(error, serial.SerialException) and "lock" in str(error):
            who = f"another program, which another user runs (sudo fuser -v {port} names it),"
            return f"{port}: {who} has it locked: end it first; a gateway of ours ends with: {STOP_GATEWAYS}"
        return f"{port}: it cannot be opened: {error}"
    return ""


async def why_host(host: str, port: int) -> str:
    """Why a converter cannot be reached, with what to do about it; empty if it can."""
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(REACH_WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except TimeoutError:
        return f"{where}: no word from it within {REACH_WITHIN_S:g} s: is it on, in this network, at this address?"
    except socket.gaierror:
        return f"{where}: there is no such host name in this network"
    except ConnectionRefusedError:
        return f"{where}: it refuses: Modbus TCP is on another port or off, or it takes only one master and has it"
    except OSError as error:
        return f"{where}: {error.strerror or error}: is this machine in its network? ip addr shows where it is"
    return ""


async def why_closed(bus: TcpBus | RtuBus) -> str:
    """Why a bus cannot be opened; empty if it could be now."""
    if isinstance(bus, RtuBus):
        return await asyncio.to_thread(why_port, bus.port)
    return await why_host(bus.host, bus.port)
