"""A site: one community as its folder of YAML describes it, frozen. `config.loader` reads and checks the folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from config.calendar import Calendar, Hours
from config.inbound import Inbound
from config.people import Absence, FireStation, Id, Language, Person, Skill, Team, Text
from config.profile import Condition, Kind, Point, Profile, Strict, points_of
from config.retention import Retention
from config.signin import SignIn
from config.sitemap import SiteMap
from config.upkeep import Lift, Upkeep
from config.zone import Zone


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("an IANA time zone such as Asia/Shanghai")
    return text


Seconds = Annotated[float, Field(gt=0, le=86400)]


class Community(Strict):
    """The community as a whole; its id is the Sparkplug group."""

    id: Id
    name: Text
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    language: Language = "zh"
    calendar: Calendar = Calendar()
    map: SiteMap | None = None


class Cell(Strict):
    """A grid cell (网格) with the person responsible for it."""

    id: Id
    level: Literal[1, 2, 3]
    parent: Id | None = None
    name: str
    person: Id


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
    fire_station: Id | None = None


class Place(Strict):
    """Where in a building: to the floor and flat."""

    building: Id
    floor: Annotated[int, Field(ge=-10, le=200)]
    flat: str = ""
    note: str = ""


class Detector(Strict):
    """A detector on a panel's loop; its number is the panel's."""

    number: Annotated[int, Field(ge=0, le=199)]  # GB 50116-2013: at most 200 addresses a loop
    type: Literal["smoke", "heat", "manual-call-point", "other"] = "smoke"
    place: Place


class Device(Strict):
    """A device on a bus, by profile."""

    id: Id
    profile: Id
    unit: Annotated[int, Field(ge=1, le=247)]
    place: Place
    registration: str | None = None  # a lift's registration number
    detectors: tuple[Detector, ...] = ()
    watch: Id | None = None  # who is told of a fire here while the device is disabled; None: team leader and manager
    lift: Lift | None = None
    upkeep: Upkeep | None = None


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

    type: Literal["console", "smtp", "webhook", "apprise", "webpush"]
    rings: bool = False  # it makes a phone ring aloud (a voice call, an SMS, an app with a socket of its own)
    per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None  # what its provider allows, all people together
    per_person_per_hour: Annotated[int, Field(ge=1, le=1_000)] | None = None
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    sender: str | None = None  # of mails; of webpush: whom push services may ask, a mailto: or https: URL
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    url: str | None = None
    url_env: str | None = None


class Ring(Strict):
    """Who is called together, and how long after the incident began. `classes` and `hours`: only for these, then."""

    call: Literal[
        "building",
        "team",
        "team-off-duty",
        "neighbours",
        "manager",
        "grid-3",
        "grid-2",
        "grid-1",
        "contacts",
        "fire-station",
    ]
    after_s: Annotated[float, Field(ge=0, le=3600)]
    nearest: Annotated[int, Field(ge=1, le=20)] | None = None  # of `neighbours`: only so many teams, nearest first
    classes: tuple[Condition, ...] = ()
    hours: Hours | None = None


class KindPlan(Strict):
    """The call-out of one kind of incident."""

    rings: Annotated[tuple[Ring, ...], Field(min_length=1)]
    quorum: Annotated[int, Field(ge=1, le=50)] = 2
    needs: dict[Skill, Annotated[int, Field(ge=1, le=10)]] = {}  # how many of those going must be able to do what
    repeat_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    repeats_max: Annotated[int, Field(ge=0, le=100)] = 10
    arrive_within_s: Annotated[float, Field(ge=60, le=14_400)] = 600.0  # who is going and later than this is replaced
    next_channel_after_s: Annotated[float, Field(ge=10, le=3600)] = 45.0  # so long silent: their next channel as well


class Quiet(Strict):
    """Hours in which news of these classes wait for the morning. Never alarms."""

    hours: Hours
    classes: tuple[Literal["supervisory", "trouble"], ...] = ("trouble",)


class Preflight(Strict):
    """Before a shift begins its people are checked: a channel that rings, and proof that it has worked lately."""

    before_s: Annotated[float, Field(ge=60, le=86_400)] = 3600.0
    proof_days: Annotated[int, Field(ge=1, le=366)] = 35  # so old a delivery still proves a channel
    test_at: Hours | None = None  # who has no proof gets a test message in these hours; None: nobody


class Pulse(Strict):
    """A synthetic change that travels the whole way of an alarm, to prove it."""

    every_s: Annotated[float, Field(ge=5, le=3600)] = 180.0
    within_s: Annotated[float, Field(ge=1, le=60)] = 10.0  # GB 26875.1-2011 §4.1.2.1: 10 s to the centre


class Plan(Strict):
    """How people are called, by kind of incident; `default` serves the kinds that have no plan of their own."""

    default: KindPlan
    kinds: dict[Kind, KindPlan] = {}
    board_url: str = "http://127.0.0.1:8080"  # what a phone opens; answer links are made from it
    answer_link_valid_s: Annotated[float, Field(ge=300, le=604800)] = 86400.0
    device_silent_after_s: Seconds = 60.0  # a device without news for so long is trouble
    quiet: Quiet | None = None
    group_troubles_s: Annotated[float, Field(ge=0, le=3600)] = 10.0  # troubles within this time are told in one notice
    rescue_s: Annotated[float, Field(ge=300, le=14_400)] = 1800.0  # TSG T5002-2017 cl. 5(4): 30 min in cities
    preflight: Preflight | None = Preflight()  # None: nobody is checked
    pulse: Pulse | None = Pulse()
    inbound: dict[Literal["sms", "voice"], Inbound] = {}  # replies by SMS and by a phone's keys
    sign_in: SignIn = SignIn()
    retention: Retention = Retention()


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
    zones: tuple[Zone, ...] = ()
    absences: tuple[Absence, ...] = ()
    fire_stations: tuple[FireStation, ...] = ()
    gateways: Annotated[tuple[Gateway, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Roll:
    """Who there is and who answers for what, by id: all of a site that changes while the collector runs."""

    people: dict[str, Person]
    teams: dict[str, Team]
    grid: dict[str, Cell]
    buildings: dict[str, Building]
    contacts: tuple[str, ...]


def roll_of(file: SiteFile) -> Roll:
    """The roll of a site folder, or of one with changes over it."""
    return Roll(
        people={person.id: person for person in file.people},
        teams={team.id: team for team in file.teams},
        grid={cell.id: cell for cell in file.grid},
        buildings={building.id: building for building in file.buildings},
        contacts=file.contacts,
    )


class Site:
    """A checked site with its profiles, indexed by id. Immutable by intent, but for its roll: see `adopt`.

    `file` is what the folder says, whatever roll is adopted.
    """

    def __init__(self, file: SiteFile, profiles: dict[str, Profile]) -> None:
        self.file = file
        self.community = file.community
        self.plan = file.plan
        self.channels = file.channels
        self.profiles = profiles
        self.adopt(roll_of(file))
        self.gateways = {gateway.id: gateway for gateway in file.gateways}
        self.zones = {zone.id: zone for zone in file.zones}
        self.absences = file.absences
        self.fire_stations = {station.id: station for station in file.fire_stations}
        self.map_picture: bytes | None = None  # of `community.map`, as it lies in the folder

    def adopt(self, roll: Roll) -> None:
        """Take another roll, whole: nothing that has been handed out changes. For whoever owns this object alone."""
        self.roll = roll
        self.people, self.teams, self.grid = roll.people, roll.teams, roll.grid
        self.buildings, self.contacts = roll.buildings, roll.contacts

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

    @cached_property
    def zones_of(self) -> dict[str, tuple[Zone, ...]]:
        """Member ("<device>" or "<panel>:<detector number>") -> its zones."""
        found: dict[str, tuple[Zone, ...]] = {}
        for zone in self.zones.values():
            for member in zone.members:
                found[member] = (*found.get(member, ()), zone)
        return found

    def local(self, now: int) -> datetime:
        """UTC ms in the community's time zone."""
        return datetime.fromtimestamp(now / 1000, self.zone)

    def installed(self) -> Iterator[tuple[Gateway, TcpBus | RtuBus, Device]]:
        """Every device with its gateway and bus."""
        for gateway in self.gateways.values():
            for bus in gateway.buses:
                for device in bus.devices:
                    yield gateway, bus, device

    def points(self, device: Device) -> tuple[Point, ...]:
        """The points of a device, its detectors' included."""
        return points_of(self.profiles[device.profile], [detector.number for detector in device.detectors])

    @cached_property
    def own_points(self) -> dict[str, dict[str, Point]]:
        """Profile id -> its points by name, without those of a panel's detectors."""
        return {name: {point.name: point for point in points_of(profile)} for name, profile in self.profiles.items()}

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
