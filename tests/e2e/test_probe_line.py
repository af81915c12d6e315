"""`callpoint probe` on a serial line with slaves made of bytes: noise, two masters, wrong answers, and none at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path
from typing import Any

import pytest
import serial
import yaml

from config.loader import read_site
from gateway.probe.line import Pace
from gateway.probe.live import LiveOptions, run
from tests.gateway_house import Gateway, write_site
from tests.servers import free_port, wait_until
from tests.shared_line import Pieces, Script, SharedLine, answer, callpoint, shared_line, units
from tests.slaves import rtu, serial_line

HEAD = {0: 1, 1: 12, 2: 215, 3: 12, 4: 2400, 5: 3, 6: 0, 7: 900, 8: 0, 9: 1}  # an SM-1 as its map says
VESSEL = {0: 0, 1: 1203, 2: 0x4496, 3: 0x5447, 4: 180, 5: 1212, 6: 2500, 7: 3600, 8: 12, 9: 1}  # an EP-1
QUICK = ("--baud", "115200", "--timeout", "0.2", "--pause", "0", "--listen", "0.1")


def scan(line: SharedLine, state: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON of a scan of the first end."""
    done = callpoint("probe", "scan", line.ends[0], *QUICK, "--json", *words, state=state)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def words_of(told: dict[str, Any]) -> dict[str, str]:
    return {each["word"]: " ".join([each["said"], *each["do"]]) for each in told["verdicts"]}


def test_units_are_found_by_values_and_by_exceptions_and_the_next_step_is_named(tmp_path: Path) -> None:
    with shared_line(units(unit_2=HEAD, unit_5={})) as line:
        code, told = scan(line, tmp_path, "--units", "2-5", "--quick")

    assert code == 0
    assert [each["unit"] for each in told["units"]] == [2, 5]
    assert {each["exception"] for each in told["units"]} == {1}, "they have no holding registers, and say so"
    assert f"probe draft {line.ends[0]} --baud 115200 --units 2,5" in words_of(told)["units"]
    assert {question[1] for _, question in line.asked} <= {1, 2, 3, 4}, "nothing but reads"


def test_silence_leads_to_wires_power_and_settings(tmp_path: Path) -> None:
    with shared_line(lambda question, baud: []) as line:
        code, told = scan(line, tmp_path, "--units", "1-2")
        shown = callpoint("probe", "scan", line.ends[0], *QUICK, "--units", "1", "--quick", state=tmp_path)

    assert code == 1
    said = words_of(told)["nothing-answers"]
    assert "115200 8N1" in said and "A and B" in said and "--find-settings" in said and "120 Ω" in said
    assert "not one byte" in shown.stdout and "\x1b" not in shown.stdout + shown.stderr


def test_an_adapter_that_hears_itself_is_no_second_master(tmp_path: Path) -> None:
    with shared_line(units(unit_1=HEAD), echo=True) as line:
        code, told = scan(line, tmp_path, "--units", "1-2", "--quick")

    assert (code, [each["unit"] for each in told["units"]]) == (0, [1])
    assert told["heard"]["echoes"] == 2


def test_noise_is_counted_and_shown_and_the_units_are_found_all_the_same(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        if question[0] > 2:
            return []
        whole = answer(question, HEAD, table=4)
        spoilt = question[0] == 2 and len(line.asked) % 2 == 0
        return [(0, b"\xff\x00\xfe\x13" * 3), (0.005, whole[:-1] + bytes([whole[-1] ^ 1]) if spoilt else whole)]

    with shared_line(script) as line:
        code, told = scan(line, tmp_path, "--units", "1-3", "--quick")

    assert (code, [each["unit"] for each in told["units"]]) == (1, [1, 2])
    assert told["heard"]["noise_bytes"] >= 24 and told["heard"]["excerpt"].startswith("ff 00 fe 13")
    assert "termination" in words_of(told)["noise"]


def test_nothing_but_noise_is_most_likely_another_baud_rate(tmp_path: Path) -> None:
    with shared_line(lambda question, baud: [(0, b"\x00\xf8\x80\x78\x00\xf8")]) as line:
        code, told = scan(line, tmp_path, "--units", "1-2", "--quick")
        shown = callpoint("probe", "scan", line.ends[0], *QUICK, "--units", "1", "--quick", state=tmp_path)

    assert code == 1 and "another baud rate" in words_of(told)["noise"]
    assert "0000  00 f8 80 78 00 f8" in shown.stdout, "the bytes are shown"


def test_settings_are_found_by_trying(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        return [(0, answer(question, HEAD, table=4) if baud == 19200 else b"\x00\xf8\x80")] if question[0] == 3 else []

    with shared_line(script) as line:
        words = ("--find-settings", "--units", "3", "--timeout", "0.2", "--json")
        done = callpoint("probe", "scan", line.ends[0], *words, state=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"] == {"baud": 19200, "parity": "N", "stop_bits": 1}


@pytest.mark.servers
def test_another_master_is_heard_before_a_single_question_is_asked(tmp_path: Path) -> None:
    """mbpoll is the master that is there already."""
    if shutil.which("mbpoll") is None:
        pytest.skip("mbpoll is not installed (apt-get install mbpoll)")
    with shared_line(units(unit_1=HEAD, unit_2=HEAD), masters=2) as line:
        polls = ["mbpoll", "-m", "rtu", "-b", "115200", "-P", "none", "-a", "1,2", "-t", "3", "-r", "1", "-c", "2"]
        other = subprocess.Popen([*polls, "-l", "100", line.ends[1]], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: len(line.units_asked(1)) > 2, "mbpoll polls")
            code, told = scan(line, tmp_path, "--units", "1-5", "--listen", "0.6")
            heard = callpoint(
                "probe", "scan", line.ends[0], "--baud", "115200", "--listen-only", "0.6", "--json", state=tmp_path
            )
            read = callpoint(
                *("probe", "read", line.ends[0], *QUICK, "--listen", "0.5"),
                *("--unit", "1", "--table", "input", "--address", "0"),
                state=tmp_path,
            )
        finally:
            other.terminate()
            other.wait()

    said = words_of(told)["second-master"]
    assert code == 1 and "unit 1 for input registers, unit 2 for input registers" in said
    assert "callpoint-gateway" in said and line.units_asked(0) == [], "not one question of ours"
    assert told["heard"]["answering_master"] == [1, 2]
    assert [each[0] for each in json.loads(heard.stdout)["heard"]["master_asks"]] == [1, 2]
    assert read.returncode == 1 and "another master" in read.stdout


def test_who_talks_at_other_settings_is_not_talked_over(tmp_path: Path) -> None:
    over = threading.Event()

    def babble(port: str) -> None:
        with serial.Serial(port, 115200) as other:
            while not over.wait(0.1):
                other.write(b"\x80\xf8\x1e\x00\x86")

    with shared_line(units(unit_1=HEAD), masters=2) as line:
        thread = threading.Thread(target=babble, args=(line.ends[1],))
        thread.start()
        code, told = scan(line, tmp_path, "--units", "1", "--listen", "0.8")
        read = callpoint(
            *("probe", "read", line.ends[0], *QUICK, "--listen", "0.8", "--unit", "1", "--register", "30001"),
            state=tmp_path,
        )
        assert line.units_asked(0) == [], "not one question of ours"
        words = ("--find-settings", "--units", "1", "--timeout", "0.2", "--listen", "0.3")
        found = callpoint("probe", "scan", line.ends[0], *words, state=tmp_path)
        assert line.units_asked(0) == [], "not at any settings"
        asked, _ = scan(line, tmp_path, "--units", "1", "--quick", "--listen", "0")
        over.set()
        thread.join()

    said = words_of(told)["noise"]
    assert code == 1 and "bursts about every 0.1 s" in said and "another master asks here with other settings" in said
    assert read.returncode == 1 and "Nothing was asked" in read.stdout and "80 f8 1e 00 86" in read.stdout
    assert found.returncode == 1 and "somebody talks here, so nobody was asked (--listen 0 does)" in found.stdout
    assert line.units_asked(0) and asked in (0, 1), "who knows better may ask"


def test_a_master_that_begins_later_stops_the_scan_which_can_go_on(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        own = [(0, answer(question, HEAD, table=4))] if question[0] == 2 else []
        # Another master's question to unit 9, as it stands on the line.
        return [*own, (0.01, rtu("09 03 00 00 00 02"))] if question[0] == 4 and talks else own

    talks = [True]
    with shared_line(script) as line:
        code, told = scan(line, tmp_path, "--units", "1-6", "--quick")
        assert code == 1 and "unit 9 for holding registers" in words_of(told)["second-master"]
        assert max(line.units_asked()) <= 5, "it stops at once"
        talks.clear()
        code, told = scan(line, tmp_path, "--resume")

    assert (code, [each["unit"] for each in told["units"]], told["questions"]) == (0, [2], 6)


@pytest.mark.servers
def test_an_adapter_that_is_pulled_out_ends_a_scan_that_can_go_on(tmp_path: Path) -> None:
    with serial_line() as line:
        cut = threading.Timer(0.6, line.cut)
        cut.start()
        done = callpoint("probe", "scan", line.master, *QUICK, "--units", "1-60", "--quick", state=tmp_path)
        cut.join()

    assert done.returncode == 1 and "there is no such port" in done.stderr
    assert re.search(r"the scan stands at [1-9]\d* of 60; --resume goes on", done.stderr)


def test_a_unit_that_answers_for_another_is_named(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        if question[0] == 3:
            return [(0, answer(question, HEAD, unit=7, table=3))]
        return [(0, answer(question, HEAD, table=4))] if question[0] == 1 else []

    with shared_line(script) as line:
        code, told = scan(line, tmp_path, "--units", "1-4", "--quick")

    assert code == 1 and "unit 7 answers when unit 3 is asked" in words_of(told)["answers-for-others"]
    assert [each["unit"] for each in told["units"] if each["how"] != "garbled"] == [1]


def test_a_converter_that_ignores_unit_numbers_is_one_device_and_not_many(tmp_path: Path) -> None:
    with shared_line(lambda question, baud: [(0, answer(question, HEAD, table=4))]) as line:
        code, told = scan(line, tmp_path, "--units", "1-4", "--quick")

    said = words_of(told)
    assert code == 1 and "every unit asked answers (4 of 4)" in said["answers-for-others"]
    assert "ignores the unit number" in said["answers-for-others"] and "units" not in said


def test_two_devices_with_one_address_are_told_from_a_noisy_line(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        if question[0] == 2:
            return [(0, bytes(a & b for a, b in zip(answer(question, HEAD), answer(question, VESSEL), strict=True)))]
        return [(0, answer(question, HEAD, table=4))] if question[0] in (1, 3) else []

    with shared_line(script) as line:
        code, told = scan(line, tmp_path, "--units", "1-4", "--quick", "--ask", "input:1")

    assert code == 1 and "unit 2 answers, but garbled every time; sound: 1,3" in words_of(told)["garbled-unit"]
    assert "two devices with the address 2" in words_of(told)["garbled-unit"]


def test_a_late_unit_is_told_to_be_late(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        return [(0.3, answer(question, HEAD, table=4))] if question[0] == 2 else []

    with shared_line(script) as line:
        code, told = scan(line, tmp_path, "--units", "1-4", "--quick")

    assert code == 1 and "unit 2 answers, but later than the time-out" in words_of(told)["late"]


def test_a_range_is_read_in_every_meaning_and_what_is_not_there_is_named(tmp_path: Path) -> None:
    where = ("probe", "read")
    with shared_line(units(unit_1=VESSEL)) as line:
        bus = (line.ends[0], *QUICK, "--unit", "1")
        whole = callpoint(*where, *bus, "--table", "input", "--address", "0", "--count", "12", state=tmp_path)
        told = callpoint(*where, *bus, "--register", "30003", "--count", "2", "--json", state=tmp_path)
        wrong = callpoint(*where, *bus, "--table", "input", "--address", "30003", state=tmp_path)
        absent = callpoint(*where, *bus, "--table", "holding", "--address", "0", state=tmp_path)
        silent = callpoint(*where, line.ends[0], *QUICK, "--unit", "9", "--register", "40001", state=tmp_path)

    assert whole.returncode == 1 and "input 10 to 11 (2 of them): exception 2 illegal data address" in whole.stdout
    assert "30003  4496     17558   17558           1202.634" in whole.stdout
    first = json.loads(told.stdout)["values"][0]
    assert (first["hex"], first["manual"], round(first["float_high_first"], 1)) == ("4496", "30003", 1202.6)
    assert "--register 30003" in wrong.stdout, "a manual's number is not an address of the wire"
    assert "no holding table" in absent.stdout
    assert silent.returncode == 1 and f"probe scan {line.ends[0]}" in silent.stdout


def test_a_change_is_told_while_a_range_is_watched_until_ctrl_c(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        if len(line.asked) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return [(0, answer(question, {0: 7, 1: 8 if len(line.asked) < 3 else 9}, table=4))]

    with shared_line(script) as line:
        words = ("--unit", "1", "--table", "input", "--address", "0", "--count", "2", "--watch", "0.01")
        done = callpoint("probe", "read", line.ends[0], *QUICK, *words, state=tmp_path)

    assert done.returncode == 130
    assert "input 1 (30002): 8 -> 9" in done.stdout and done.stdout.count("->") == 1


def test_a_profile_is_tried_and_a_swapped_word_order_is_found(tmp_path: Path) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", 1202.6))
    swapped = VESSEL | {2: low, 3: high}
    with shared_line(units(unit_1=VESSEL, unit_2=swapped, unit_3={a + 1: w for a, w in VESSEL.items()})) as line:
        bus = ("probe", "try", line.ends[0], *QUICK, "--profile", "ep-1", "--unit")
        well, doubted, shifted = (callpoint(*bus, unit, state=tmp_path) for unit in ("1", "2", "3"))
        told = json.loads(callpoint(*bus, "2", "--json", state=tmp_path).stdout)

    assert well.returncode == 0 and "no doubts" in well.stdout and "1202.63 kPa" in well.stdout
    assert doubted.returncode == 1 and "with word_order: low-first it would be 1202.6 kPa" in doubted.stdout
    assert [each["point"] for each in told["doubts"]] == ["pressure_kpa"]
    assert shifted.returncode == 1 and "every address of the profile seems to be one too low" in shifted.stdout


def test_an_answer_that_noise_has_spoilt_once_is_no_doubt(tmp_path: Path) -> None:
    def script(question: bytes, baud: int) -> Pieces:
        whole = answer(question, VESSEL, table=4)
        return [(0, whole if len(line.asked) % 2 == 0 else whole[:-1] + bytes([whole[-1] ^ 1]))]

    with shared_line(script) as line:
        done = callpoint("probe", "try", line.ends[0], *QUICK, "--unit", "1", "--profile", "ep-1", state=tmp_path)

    assert done.returncode == 0 and "no doubts" in done.stdout


def test_a_draft_is_a_site_file_once_a_person_has_filled_it_in(tmp_path: Path) -> None:
    strange = {0: 0x1234, 1: 0xFFFF, 2: 7}
    with shared_line(units(unit_3=HEAD, unit_4=VESSEL, unit_5=strange)) as line:
        done = callpoint("probe", "draft", line.ends[0], *QUICK, "--units", "3-5", state=tmp_path)

    assert done.returncode == 1, "unit 5 looks like no profile"
    assert "unit 5 answers and looks like no profile" in done.stdout and "0x1234" in done.stdout
    site = write_site(tmp_path / "site", 1)
    document = yaml.safe_load((site / "site.yaml").read_text(encoding="utf-8"))
    del document["gateways"]
    (site / "site.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (site / "gateway.yaml").write_text(done.stdout, encoding="utf-8")
    _, refused = read_site(site)
    assert any("FLOOR" in str(mistake) for mistake in refused.mistakes), "nobody can forget to fill it in"
    filled = done.stdout.replace("FLOOR", "3").replace("BUILDING", "b").replace("GATEWAY", "gw").replace("BUS", "bus")
    (site / "gateway.yaml").write_text(filled, encoding="utf-8")
    checked, _ = read_site(site)
    assert checked is not None
    assert {(each.unit, each.profile) for each in checked.devices.values()} == {(3, "sm-1"), (4, "ep-1")}


def test_a_site_is_compared_with_what_answers(tmp_path: Path) -> None:
    """smoke-1 is there, smoke-2 is another device, smoke-3 is silent, and unit 9 is in no site."""
    site, buses = write_site(tmp_path / "site", 1), tmp_path / "buses.json"
    options = LiveOptions(site, buses=buses, units=(9,), pace=Pace(0.2, 0, 0.1), as_json=True)

    def live(script: Script) -> tuple[int, str]:
        with shared_line(script) as line, contextlib.redirect_stdout(io.StringIO()) as out:
            buses.write_text(json.dumps({"bus": {"type": "rtu", "port": line.ends[0], "baud": 115200}}))
            return run(options), out.getvalue()

    code, said = live(units(unit_1=HEAD, unit_2=VESSEL, unit_9=HEAD))
    well_code, well = live(units(unit_1=HEAD, unit_2=HEAD, unit_3=HEAD))

    (told,) = json.loads(said)
    found = {(each["word"], each["unit"]): " ".join([each["said"], *each["do"]]) for each in told["differences"]}
    assert code == 1 and set(found) == {("missing", 3), ("unlike", 2), ("stranger", 9)}
    assert "ask P to let you in" in found["missing", 3] and "unit 9 answers" in found["missing", 3]
    assert "like ep-1" in found["unlike", 2] and "probe draft" in found["stranger", 9]
    assert well_code == 0 and json.loads(well)[0]["differences"] == []


def test_a_gateway_that_runs_on_the_port_is_named_with_how_to_stop_it(tmp_path: Path) -> None:
    site, buses = write_site(tmp_path / "site", 1), tmp_path / "buses.json"
    with shared_line(units(unit_1=HEAD, unit_2=HEAD, unit_3=HEAD)) as line:
        buses.write_text(json.dumps({"bus": {"type": "rtu", "port": line.ends[0], "baud": 115200}}))
        gateway = Gateway(site, free_port(), tmp_path / "gateway", buses)
        try:
            gateway.start()
            wait_until(lambda: len(line.asked) > 3, "the gateway polls")
            live = callpoint("check", str(site), "--live", "--buses", str(buses), state=tmp_path)
            probed = callpoint("probe", "scan", line.ends[0], *QUICK, state=tmp_path)
        finally:
            gateway.kill()

    assert live.returncode == 1 and "a gateway is running on it" in live.stdout and "pid" in live.stdout
    assert "systemctl stop 'callpoint-gateway@*'" in live.stdout
    assert probed.returncode == 1 and "a gateway is running on it" in probed.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("scan", "/nowhere/ttyUSB0"), 1, "there is no such port"),
        (("scan", "/dev/null/x"), 1, "there is no such port"),
        (("scan", "/etc/passwd"), 1, "this is no serial port"),
        (("scan", "ttyUSB0"), 2, "expected tcp://host:port, a serial port such as /dev/ttyUSB0"),
        (("scan", "udp://x:1"), 2, "expected tcp://host:port"),
        (("scan", "tcp://x:99999"), 2, "expected tcp://host:port"),
        (("scan", "tcp://127.0.0.1:1"), 1, "it refuses: Modbus TCP is on another port or off"),
        (("scan", "tcp://127.0.0.1:1", "--find-settings"), 2, "--find-settings is for a serial port"),
        (("scan", "tcp://127.0.0.1:1", "--baud", "9600"), 2, "--baud is for a serial port"),
        (("scan", "tcp://127.0.0.1:1", "--units", "0-9"), 2, "expected unit numbers from 1 to 247"),
        (("scan", "tcp://127.0.0.1:1", "--resume"), 2, "no scan of tcp://127.0.0.1:1 was interrupted"),
        (("scan", "config/sites/demo"), 2, "expected --bus with one of its buses: rs485-east, tcp-west"),
        (("scan", "config/sites/demo", "--bus", "can"), 2, "it has no bus 'can'"),
        (("read", "tcp://127.0.0.1:1", "--unit", "1"), 2, "expected --table and --address, or --register"),
        (("read", "tcp://127.0.0.1:1", "--unit", "1", "--register", "20001"), 2, "as manuals print it"),
        (("read", "tcp://127.0.0.1:1", "--unit", "1", "--register", "40001", "--count", "126"), 2, "expected 1 to 125"),
        (("try", "tcp://127.0.0.1:1", "--unit", "1"), 2, "name the profile with --profile, one of"),
        (("try", "tcp://127.0.0.1:1", "--unit", "1", "--profile", "sm-9"), 2, "there is no profile 'sm-9'"),
        (("draft", "tcp://127.0.0.1:1", "--units", "9-1"), 2, "the lower first"),
        (("check", "config/sites/demo", "--id", "gw-east"), 2, "are for --live"),
        (("check", "config/sites/demo", "--live", "--id", "gw"), 2, "it has gw-east, gw-west"),
        (("check", "config/sites/demo", "--listen", "0"), 2, "are for --live"),
        (("check", "--live"), 2, "expected a site folder"),
    ],
)
def test_wrong_use_is_told_in_one_line_that_says_what_to_do(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = callpoint(*words if words[0] == "check" else ("probe", *words), state=tmp_path)

    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr


def test_a_port_that_another_program_has_open_without_a_lock_is_left_as_it_is(tmp_path: Path) -> None:
    with shared_line(units(unit_1=HEAD)) as line, serial.Serial(line.ends[0], 19200) as theirs:
        before = termios.tcgetattr(theirs.fileno())
        with subprocess.Popen(["sleep", "60"], stdin=theirs.fileno()) as other:
            done = callpoint("probe", "scan", line.ends[0], *QUICK, "--units", "1", state=tmp_path)
            other.kill()
        assert termios.tcgetattr(theirs.fileno()) == before, "its speed is its own"

    assert done.returncode == 1 and f"sleep 60 (pid {other.pid}) has it open" in done.stderr
    assert line.asked == []


def test_lines_of_two_machines_are_never_compared_with_the_one_that_is_here(tmp_path: Path) -> None:
    site, buses = write_site(tmp_path / "site", 1), tmp_path / "buses.json"
    told = yaml.safe_load((site / "site.yaml").read_text(encoding="utf-8"))["gateways"][0]
    told["id"], told["buses"][0]["id"] = "gw-2", "bus-2"
    told["buses"][0]["devices"] = [{**each, "id": f"{each['id']}-2"} for each in told["buses"][0]["devices"]]
    (site / "second.yaml").write_text(yaml.safe_dump({"gateways": [told]}), encoding="utf-8")
    with shared_line(units(unit_1=HEAD)) as line:
        buses.write_text(json.dumps({name: {"type": "rtu", "port": line.ends[0]} for name in ("bus", "bus-2")}))
        done = callpoint("check", str(site), "--live", "--buses", str(buses), state=tmp_path)

    assert done.returncode == 2 and f"more than one gateway has a bus on {line.ends[0]}" in done.stderr
    assert "--id" in done.stderr and line.asked == []


def test_a_port_that_another_program_has_locked_is_told(tmp_path: Path) -> None:
    with shared_line(lambda question, baud: []) as line, serial.Serial(line.ends[0], exclusive=True):
        done = callpoint("probe", "scan", line.ends[0], state=tmp_path)

    assert done.returncode == 1 and "has it locked" in done.stderr and "fuser" in done.stderr
    assert "systemctl stop 'callpoint-gateway@*'" in done.stderr, "most often it is ours"
