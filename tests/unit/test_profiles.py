"""Promises of the shipped profiles: they match the register maps, name conditions soberly, and lose no fire."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.equipment.elevator import STANDS_M_S
from config.document import Document
from config.loader import SHIPPED_PROFILES, load_site, read_profile
from config.profile import Condition, Kind, Point, Profile, SignalName, Table, points_of
from config.site import Site
from gateway.decode import decode_point
from simulator.actions import Entrap, Force, Puff
from simulator.models import Registers
from simulator.world import SIMULATED_PROFILES, World

DEMO = Path(__file__).resolve().parents[2] / "config" / "sites" / "demo"
NAMES = sorted(path.stem for path in SHIPPED_PROFILES.glob("*.yaml"))


def shipped(name: str) -> Profile:
    document = Document()
    profile = read_profile(SHIPPED_PROFILES / f"{name}.yaml", document)
    assert profile is not None, document.mistakes
    return profile


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(DEMO)


def decoded(profile: Profile, registers: Registers, detectors: tuple[int, ...] = ()) -> dict[str, object]:
    """Every point of a device as the gateway would read it from these registers, by name."""
    words = {(table, address): cell for table, cells in registers.items() for address, cell in cells.items()}
    readings = [decode_point(point, words, profile.points) for point in points_of(profile, detectors)]
    assert [reading.cause for reading in readings if reading.value is None] == []
    return {reading.name: reading.value for reading in readings}


def flags(profile: Profile) -> list[Point]:
    return [point for point in points_of(profile, [1] if profile.detector_points else []) if point.condition.is_flag]


def test_the_device_models_ship_and_can_all_be_simulated() -> None:
    assert sorted(SIMULATED_PROFILES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_there_in_both_languages(name: str) -> None:
    profile = shipped(name)
    texts = [profile.title, *(point.text for point in points_of(profile, [1] if profile.detector_points else []))]
    for register in (*profile.points.values(), *profile.detector_points.values()):
        texts += [limit.text for limit in (register.limits or {}).values()]
        texts += list((register.values or {}).values())

    assert [text for text in texts if set(text) != {"en", "zh"} or not all(text.values())] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_belongs_to_a_kind_of_incident(name: str) -> None:
    assert [point for point in flags(shipped(name)) if point.kind is None] == []


# Table, address and type of every register, copied by hand from the maps.
MAPS = {
    "sm-1": [
        *[
            (Table.INPUT, 0, "uint16"),
            (Table.INPUT, 1, "uint16"),
            (Table.INPUT, 2, "int16"),
            (Table.INPUT, 3, "uint16"),
        ],
        *[
            (Table.INPUT, 4, "uint16"),
            (Table.INPUT, 5, "uint16"),
            (Table.INPUT, 6, "uint32"),
            (Table.INPUT, 8, "uint16"),
        ],
        *[(Table.INPUT, 9, "uint8_high"), (Table.INPUT, 9, "uint8_low")],
    ],
    "fp-1": [
        *[(Table.INPUT, address, "uint16") for address in range(8)],
        (Table.INPUT, 8, "uint32"),
        *[(Table.INPUT, address, "uint16") for address in range(0x0A, 0x0F)],
        *[(Table.DISCRETE, 0, "bit"), (Table.DISCRETE, 256, "bit"), (Table.DISCRETE, 512, "bit")],
        *[(Table.INPUT, 0x0100, "uint16"), (Table.INPUT, 0x0200, "uint16"), (Table.INPUT, 0x0300, "uint16")],
        *[(Table.INPUT, 0x0400, "uint16"), (Table.INPUT, 0x0500, "int16")],
    ],
    "ep-1": [
        *[
            (Table.INPUT, 0, "uint16"),
            (Table.INPUT, 1, "int16"),
            (Table.INPUT, 2, "float32"),
            (Table.INPUT, 4, "int16"),
        ],
        *[(Table.INPUT, 5, "int16"), *((Table.INPUT, address, "uint16") for address in range(6, 10))],
    ],
    "le-1": [
        *[(Table.INPUT, address, "uint16") for address in range(4)],
        *[(Table.INPUT, 4, "int16"), (Table.INPUT, 5, "uint16"), (Table.INPUT, 6, "int16")],
        *[(Table.INPUT, 7, "uint16"), (Table.INPUT, 8, "uint16"), (Table.INPUT, 9, "uint32")],
        *[(Table.INPUT, 11, "uint32"), (Table.INPUT, 13, "uint32")],
        *[(Table.INPUT, address, "uint16") for address in range(15, 18)],
    ],
    "lift-box": [
        *[(Table.HOLDING, 0x10, "uint16"), (Table.HOLDING, 0x11, "uint8_high"), (Table.HOLDING, 0x11, "uint8_low")],
        *[(Table.HOLDING, 0x12, "int8_high"), (Table.HOLDING, 0x12, "uint8_low")],
        *[(Table.HOLDING, 0x13, "uint32"), (Table.HOLDING, 0x15, "uint32")],
        *[(Table.HOLDING, 0x17, "uint8_high"), (Table.HOLDING, 0x17, "uint8_low")],
    ],
    "pressure-transmitter-a": [(Table.HOLDING, 2, "uint16"), (Table.HOLDING, 3, "uint16"), (Table.HOLDING, 4, "int16")],
    "pressure-transmitter-b": [
        *[(Table.HOLDING, 3, "uint16"), (Table.HOLDING, 4, "uint16")],
        *[(Table.HOLDING, 0x16, "float32"), (Table.HOLDING, 0x26, "float32")],
    ],
}
# The bits of GB/T 26875.3 that both the detectors' words and SM-1's word use, and what class each must have.
STATE_WORD = {
    0: Condition.TEST,
    1: Condition.ALARM,
    2: Condition.TROUBLE,
    3: Condition.DISABLED,
    4: Condition.SUPERVISORY,
    8: Condition.TROUBLE,
    9: Condition.PRE_ALARM,
    10: Condition.TROUBLE,
    11: Condition.TROUBLE,
    12: Condition.TROUBLE,
    15: Condition.TROUBLE,
}
PANEL_WORD = {**{bit: STATE_WORD[bit] for bit in (0, 1, 2, 3, 4, 8)}, 9: Condition.TROUBLE, 10: Condition.TROUBLE}


@pytest.mark.parametrize("name", NAMES)
def test_registers_stand_where_the_map_has_them(name: str) -> None:
    profile = shipped(name)
    registers = [*profile.points.values(), *profile.detector_points.values()]

    assert [(register.table, register.address, register.type) for register in registers] == MAPS[name]


@pytest.mark.parametrize(
    ("name", "prefix", "classes"),
    [("sm-1", "", STATE_WORD), ("fp-1", "detector/1/", STATE_WORD), ("fp-1", "", PANEL_WORD)],
)
def test_state_words_have_the_classes_of_the_standard(name: str, prefix: str, classes: dict[int, Condition]) -> None:
    profile = shipped(name)
    word = next(point for point in points_of(profile, [1]) if point.name == f"{prefix}state")
    bits = [p for p in flags(profile) if p.register.address == word.register.address and p.bit not in (None, -1)]

    assert {point.bit: point.condition for point in bits} == classes
    assert [point.kind for point in bits if point.condition is Condition.ALARM] == [Kind.FIRE]


@pytest.mark.parametrize("name", ["le-1", "lift-box"])
def test_of_a_lift_only_entrapment_and_unintended_movement_call_people_out(name: str) -> None:
    calls = {point.name: point.kind for point in flags(shipped(name)) if point.condition is Condition.ALARM}

    assert calls.pop("unintended_movement", Kind.EQUIPMENT) is Kind.EQUIPMENT
    assert calls == {"entrapment_at_level": Kind.ENTRAPMENT, "entrapment_between": Kind.ENTRAPMENT}


@pytest.mark.parametrize("word", [0x0002, 0x0003, 0x4003, 0x8402, 0xFFFF])
def test_no_other_bit_can_hide_a_fire(word: int) -> None:
    registers: Registers = {Table.INPUT: {**dict.fromkeys(range(10), 0), 0: word}}
    values = decoded(shipped("sm-1"), registers)

    assert values["fire"] is True
    assert values["test"] is (word & 1 == 0), "bit 0 is 1 in normal running"
    assert values["state/unknown"] == word & 0x4000


def test_every_point_of_every_device_is_answered_by_the_simulator(site: Site) -> None:
    world = World(site, 1)
    for device in site.devices.values():
        numbers = tuple(detector.number for detector in device.detectors)
        values = decoded(site.profiles[device.profile], world.registers(device.id), numbers)
        conditions = {point.name: values[point.name] for point in site.points(device) if point.condition.is_flag}

        assert not any(conditions.values()), f"{device.id} is well at first: {conditions}"


def test_profiles_decode_what_the_simulator_means(site: Site) -> None:
    world = World(site, 1)
    world.act(Puff(device="panel-b5", detector=4, obscuration_db_m=0.5))
    world.act(Force(device="panel-b5", detector=2, bit=12))
    world.act(Entrap(device="lift-b6", between=True, alarm_button=True))
    world.act(Entrap(device="lift-b4", between=False, alarm_button=True))
    values = {
        device.id: decoded(
            site.profiles[device.profile],
            world.registers(device.id),
            tuple(detector.number for detector in device.detectors),
        )
        for device in site.devices.values()
    }

    panel, lift, box = values["panel-b5"], values["lift-b6"], values["lift-b4"]
    assert panel["magic"] == 18000
    assert [name for name in panel if name.endswith("fire") and panel[name]] == [
        *("fire", "detector/4/fire", "detector/4/state_fire")
    ]
    assert panel["detector/4/obscuration_db_m"] == pytest.approx(0.5, abs=0.003)
    assert (panel["fault"], panel["detector/2/removed"], panel["mains_v"]) == (True, True, 220.0)
    assert (lift["entrapment_between"], lift["car_call"], lift["person"], lift["mains_lost"]) == (
        True,
        True,
        True,
        False,
    )
    assert (lift["floor"], lift["door"], lift["controller_link_lost"]) == (1, 0, False)
    assert (box["entrapment_at_level"], box["alarm_key"], box["level"], box["sensor_fault"]) == (True, True, True, 0)
    assert (box["floor"], box["speed_m_s"]) == (1, 0.0)
    assert values["hydrant-b2"]["pressure_kpa"] == 320.0
    assert values["riser-b3"]["pressure_kpa"] == pytest.approx(320.0, abs=0.001)
    assert values["riser-b3"]["temperature_c"] == pytest.approx(18.0, abs=0.1)
    assert values["extinguisher-b3-4"]["pressure_at_20c_kpa"] == pytest.approx(1200, abs=20)


def test_a_transmitter_of_the_other_revision_is_refused_not_misread() -> None:
    profile = shipped("pressure-transmitter-b")
    registers = {(Table.HOLDING, address): 0 for address in range(0x28)} | {(Table.HOLDING, 3): 5}
    (reading,) = [
        decode_point(point, registers, profile.points) for point in points_of(profile) if point.name == "pressure_kpa"
    ]

    assert reading.value is None
    assert reading.cause == "unit code 5 is not in the profile"


LIFT_FAULTS = [
    *("entrapment_at_level", "entrapment_between", "door_open_outside_zone", "over_travel_top", "over_travel_bottom"),
    *(
        "stop_outside_zone",
        "runs_door_open",
        "overspeed",
        "run_timeout",
        "door_cycling",
        "door_held_open",
        "power_loss",
    ),
]


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("extinguisher-b3-4", [None, "low", "high", "leak", "sensor_fault", "removed", "battery_low", None]),
        ("lift-b6", [*LIFT_FAULTS, "safety_circuit", None, "unintended_movement", "faults/unknown"]),
        ("lift-b4", [*LIFT_FAULTS, "faults/unknown"]),
    ],
)
def test_each_bit_raises_its_own_condition_and_no_other(site: Site, device: str, names: list[str | None]) -> None:
    installed = site.devices[device]
    profile = site.profiles[installed.profile]
    conditions = [point.name for point in points_of(profile) if point.condition.is_flag]
    for bit, name in enumerate(names):
        world = World(site, 1)
        world.act(Force(device=device, bit=bit))
        values = decoded(profile, world.registers(device))
        raised = {name for name in conditions if values[name]}

        if device == "lift-b6" and name == "power_loss":
            assert raised == {"power_loss", "mains_lost", "on_battery"}, "the box runs on its battery"
        elif name is None:
            assert raised <= {"status/unknown"}
        else:
            assert raised == {name}


@pytest.mark.parametrize("name", [name for name in NAMES if shipped(name).category == "lift"])
def test_a_car_that_has_stopped_is_told_at_once_however_slow_it_was(name: str) -> None:
    profile = shipped(name)
    point = profile.signals[SignalName.SPEED_M_S].point
    speed = profile.points[point]
    slowest = max(STANDS_M_S, speed.scale)  # that counts as movement
    still = 0.0 if speed.scale > STANDS_M_S else STANDS_M_S / 2

    assert slowest - still >= speed.deadband
