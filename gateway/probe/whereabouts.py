"""Where a bus is: said on the command line, or by a site folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

from config.loader import load_profiles, load_site
from config.profile import Profile
from config.site import Device, Place, RtuBus, Site, TcpBus
from gateway.plan import moved, read_buses

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
DEFAULT_PORT = 502
Bus = TcpBus | RtuBus
# A site's bus has devices; of one that is only looked at nobody knows them yet.
_NOBODY = Device(id="nobody", profile="none", unit=1, place=Place(building="nowhere", floor=0))


class BadBus(ValueError):
    """What the command line says of a bus cannot be meant; str() says what was expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a serial line speaks."""

    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: int = 1

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}{self.stop_bits}"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A bus, what names it on the command line, and the site that it is of (None: none)."""

    bus: Bus
    name: str
    site: Site | None = None
    known: bool = False  # a bus of the site, with its devices

    @property
    def serial(self) -> bool:
        """Whether it is a serial line."""
        return isinstance(self.bus, RtuBus)

    @property
    def settings(self) -> str:
        """How the line speaks; empty for a converter, which keeps that to itself."""
        if isinstance(self.bus, TcpBus):
            return ""
        return f"{self.bus.baud} 8{self.bus.parity}{self.bus.stop_bits}"

    @property
    def place(self) -> str:
        """The port or address alone."""
        return self.bus.port if isinstance(self.bus, RtuBus) else f"tcp://{self.bus.host}:{self.bus.port}"

    def __str__(self) -> str:
        return f"{self.place} ({self.settings})" if self.serial else self.place


def find(
    bus: str, settings: Settings, bus_id: str | None = None, buses: Path | None = None, site: Path | None = None
) -> Whereabouts:
    """`bus` is tcp://host:port, a serial port, or a site folder, of which `bus_id` names one.

    `site` lends its profiles to a bus that is not of it. Raises BadBus, StartError, Mistakes, OSError.
    """
    if bus_id is not None or Path(bus).is_dir():
        return _of_site(Path(bus), bus_id, buses)
    lent = None if site is None else load_site(site)
    if "://" in bus:
        return Whereabouts(_tcp(bus), bus, lent)
    if not bus.startswith("/"):
        raise BadBus(f"{bus!r}: expected tcp://host:port, a serial port such as /dev/ttyUSB0, or SITE --bus ID")
    usual = Settings()
    name = bus + (f" --baud {settings.baud}" if settings.baud != usual.baud else "")
    name += f" --parity {settings.parity}" if settings.parity != usual.parity else ""
    name += f" --stop-bits {settings.stop_bits}" if settings.stop_bits != usual.stop_bits else ""
    return Whereabouts(with_settings(bus, settings), name, lent)


def with_settings(port: str, settings: Settings) -> RtuBus:
    """A serial line that speaks like this. Raises BadBus."""
    said = {"baud": settings.baud, "parity": settings.parity, "stop_bits": settings.stop_bits}
    try:
        return RtuBus.model_validate({"id": "bus", "type": "rtu", "port": port, "devices": (_NOBODY,), **said})
    except ValidationError as error:
        raise BadBus(f"{port}: {error.errors()[0]['msg']}") from error


def _tcp(url: str) -> TcpBus:
    expected = f"{url!r}: expected tcp://host:port, for example tcp://192.168.1.50:{DEFAULT_PORT}"
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise BadBus(expected) from error
    if parts.scheme != "tcp" or not parts.hostname or parts.username or parts.path.strip("/"):
        raise BadBus(expected)
    return TcpBus(id="bus", type="tcp", host=parts.hostname, port=port, devices=(_NOBODY,))


def _of_site(folder: Path, bus_id: str | None, file: Path | None) -> Whereabouts:
    site = load_site(folder)
    known = {bus.id: bus for gateway in site.gateways.values() for bus in gateway.buses}
    if bus_id is None and len(known) == 1:
        bus_id = next(iter(known))
    if bus_id is None:
        raise BadBus(f"{folder}: expected --bus with one of its buses: {', '.join(known)}")
    if bus_id not in known:
        raise BadBus(f"{folder}: it has no bus {bus_id!r}; it has {', '.join(known)}")
    bus = moved(known[bus_id], read_buses(file, site, folder))
    name = f"{folder} --bus {bus_id}" + (f" --buses {file}" if file is not None else "")
    return Whereabouts(bus, name, site, known=True)


def profiles_of(where: Whereabouts) -> dict[str, Profile]:
    """The profiles that devices on a bus may have: the site's, or those that ship. Raises Mistakes."""
    return dict(where.site.profiles) if where.site is not None else load_profiles()
