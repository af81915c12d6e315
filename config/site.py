"""A site: one community as its folder of YAML describes it, frozen. `config.loader` reads and checks the folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from config.profile import Kind, Point, Profile, Strict, points_of
from config.wire import is_name

Language = Literal["en", "zh"]
Text = dict[Language, str]


def _id(text: str) -> str:
    if not is_name(text) or len(text) > 64 or text != text.strip() or ":" in text:
        raise ValueError("an id of 1 to 64 characters without + / # : and outer spaces")
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("an IANA time zone such as Asia/Shanghai")
    return text


Id = Annotated[str, AfterValidator(_id)]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Community(Strict):
    """The community as a whole; its id is the Sparkplug group."""

    id: Id
    name: Text
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    language: Language = "zh"


class Cell(Strict):
    """A grid cell (网格) with the person responsible for it."""

    id: Id
    level: Literal[1, 2, 3]
    parent: Id | None = None
    name: str
    person: Id


class Address(Strict):
    """One way to reach a person: a channel of the site and what that channel needs to find them."""

    channel: Id
    to: str = ""


class Person(Strict):
    """Somebody who can be called. Channels are tried in order."""

    id: Id
    name: str
    language: Language | None = None  # None: the community's
    channels: Annotated[tuple[Address, ...], Field(min_length=1)]


class Team(Strict):
    """A volunteer fire team (微型消防站)."""

    id: Id
    name: str
    leader: Id
    members: tuple[Id, ...] = ()


class Building(Strict):
    """A building, and what somebody running to it needs to know."""

    id: Id
    name: str
    address: str
    latitude: Annotated[float, Field(ge=-90, le=90)]  # WGS-84
    longitude: Annotated[float, Field(ge=-180, le=180)]
    floors: Annotated[int, Field(ge=1, le=200)]
    cell: Id
    gate_code: str | None = None
    access: str = ""
    manager: Id | None = None  # the property manager, None where there is none
    team: Id | None = None  # the building's own team, None where the neighbours' teams must come
    neighbours: tuple[Id, ...] = ()  # nearest first


class Place(Strict):
    """Where in a building: to the floor and flat."""

    building: Id
    floor: Annotated[int, Field(ge=-10, le=200)]
    flat: str = ""
    note: str = ""


class Detector(Strict):
    """A detector on a panel's loop; its number is the panel's."""

    number: Annotated[int, Field(ge=0, le=199)]  # GB 50116-2013: at most 200 addresses a loop
    place: Place


class Device(Strict):
    """A device on a bus, by profile."""

    id: Id
    profile: Id
    unit: Annotated[int, Field(ge=1, le=247)]
    place: Place
    registration: str | None = None  # a lift's registration number
    detectors: tuple[Detector, ...] = ()


class _Bus(Strict):
    id: Id
    fast_period_s: Annotated[float, Field(ge=0.05, le=60)] = 0.25  # alarm-lane points
    slow_period_s: Annotated[float, Field(ge=0.5, le=3600)] = 10.0  # telemetry points
    devices: Annotated[tuple[Device, ...], Field(min_length=1)]


class TcpBus(_Bus):
    """Modbus TCP."""

    type: Literal["tcp"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 502


class RtuBus(_Bus):
    """Modbus RTU on a serial line."""

    type: Literal["rtu"]
    port: str
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


Bus = Annotated[TcpBus | RtuBus, Field(discriminator="type")]


class Gateway(Strict):
    """A Raspberry Pi and its buses, the Sparkplug edge node. Quiet longer than `silent_after_s` is trouble."""

    id: Id
    buses: Annotated[tuple[Bus, ...], Field(min_length=1)]
    delivery: Literal["acknowledged", "best-effort"] = "acknowledged"
    silent_after_s: Seconds = 30.0
    journal_records_max: Annotated[int, Field(ge=1000, le=50_000_000)] = 1_000_000


class Channel(Strict):
    """A road to people. Secrets are never here: `*_env` names an environment variable, or `<name>_FILE` a file."""

    type: Literal["console", "smtp", "webhook", "apprise"]
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    sender: str | None = None
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    url: str | None = None
    url_env: str | None = None


class Ring(Strict):
    """Who is called together, and how long after the incident began."""

    call: Literal["team", "neighbours", "manager", "grid-3", "grid-2", "grid-1", "contacts"]
    after_s: Annotated[float, Field(ge=0, le=3600)]


class KindPlan(Strict):
    """The call-out of one kind of incident."""

    rings: Annotated[tuple[Ring, ...], Field(min_length=1)]
    quorum: Annotated[int, Field(ge=1, le=50)] = 2
    repeat_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    repeats_max: Annotated[int, Field(ge=0, le=100)] = 10


class Plan(Strict):
    """How people are called, by kind of incident; `default` serves the kinds that have no plan of their own."""

    default: KindPlan
    kinds: dict[Kind, KindPlan] = {}
    board_url: str = "http://127.0.0.1:8080"  # what a phone opens; answer links are made from it
    answer_link_valid_s: Annotated[float, Field(ge=300, le=604800)] = 86400.0
    device_silent_after_s: Seconds = 60.0  # a device without news for so long is trouble


class SiteFile(Strict):
    """All sections of a site folder, whichever file they stand in. The JSON Schema for editors is made from this."""

    community: Community
    grid: Annotated[tuple[Cell, ...], Field(min_length=1)]
    people: Annotated[tuple[Person, ...], Field(min_length=1)]
    teams: Annotated[tuple[Team, ...], Field(min_length=1)]
    contacts: Annotated[tuple[Id, ...], Field(min_length=1)]  # told even when nothing can be recorded
    channels: dict[Id, Channel]
    plan: Plan
    buildings: Annotated[tuple[Building, ...], Field(min_length=1)]
    gateways: Annotated[tuple[Gateway, ...], Field(min_length=1)]


class Site:
    """A checked site with its profiles, indexed by id. Immutable by intent."""

    def __init__(self, file: SiteFile, profiles: dict[str, Profile]) -> None:
        self.community = file.community
        self.plan = file.plan
        self.contacts = file.contacts
        self.channels = file.channels
        self.profiles = profiles
        self.grid = {cell.id: cell for cell in file.grid}
        self.people = {person.id: person for person in file.people}
        self.teams = {team.id: team for team in file.teams}
        self.buildings = {building.id: building for building in file.buildings}
        self.gateways = {gateway.id: gateway for gateway in file.gateways}

    @cached_property
    def devices(self) -> dict[str, Device]:
        """All devices of all gateways, by id (unique in the community)."""
        return {device.id: device for _, _, device in self.installed()}

    @cached_property
    def gateway_of(self) -> dict[str, str]:
        """Device id -> gateway id."""
        return {device.id: gateway.id for gateway, _, device in self.installed()}

    @cached_property
    def zone(self) -> ZoneInfo:
        """The community's time zone, for people's eyes only: stamps are UTC."""
        return ZoneInfo(self.community.timezone)

    def installed(self) -> Iterator[tuple[Gateway, TcpBus | RtuBus, Device]]:
        """Every device with its gateway and bus."""
        for gateway in self.gateways.values():
            for bus in gateway.buses:
                for device in bus.devices:
                    yield gateway, bus, device

    def points(self, device: Device) -> tuple[Point, ...]:
        """The points of a device, its detectors' included."""
        return points_of(self.profiles[device.profile], [detector.number for detector in device.detectors])

    def place(self, device: Device, point: Point | None = None) -> Place:
        """Where a point is: a panel's detector has a place of its own."""
        if point is not None and point.detector is not None:
            for detector in device.detectors:
                if detector.number == point.detector:
                    return detector.place
        return device.place

    def kind_plan(self, kind: Kind) -> KindPlan:
        """The call-out plan of a kind of incident."""
        return self.plan.kinds.get(kind, self.plan.default)

    def language_of(self, person: Person) -> Language:
        """The language a person is written to in."""
        return person.language or self.community.language
