"""`callpoint probe` at a Modbus TCP converter made of bytes: what it says for units that do not answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.gateway_house import write_site
from tests.shared_line import callpoint, tcp_answer, tcp_converter

VALUE, NO_TARGET = "03 02 00 2a", "83 0b"


def scan(script: Callable[[bytes], bytes], state: Path, *words: str, banner: bytes = b"") -> tuple[int, dict[str, Any]]:
    with tcp_converter(script, banner) as port:
        bus = ("probe", "scan", f"tcp://127.0.0.1:{port}", "--timeout", "0.25", "--pause", "0", "--quick", "--json")
        done = callpoint(*bus, *words, state=state)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def verdict_of(told: dict[str, Any], word: str) -> str:
    return next(" ".join([each["said"], *each["do"]]) for each in told["verdicts"] if each["word"] == word)


def test_a_converter_that_says_that_nobody_answers_is_well_itself(tmp_path: Path) -> None:
    code, told = scan(lambda question: tcp_answer(question, NO_TARGET), tmp_path, "--units", "1-4")

    assert code == 1 and told["units"] == []
    assert "the converter is well and says that no unit answers it" in verdict_of(told, "nothing-answers")


def test_only_who_hears_nothing_at_all_is_told_so_half_way(tmp_path: Path) -> None:
    bus = ("--timeout", "0.02", "--pause", "0", "--quick", "--units", "1-33")
    with tcp_converter(lambda question: tcp_answer(question, NO_TARGET)) as port:
        told = callpoint("probe", "scan", f"tcp://127.0.0.1:{port}", *bus, "--timeout", "1", state=tmp_path)
    with tcp_converter(lambda question: b"") as port:
        silent = callpoint("probe", "scan", f"tcp://127.0.0.1:{port}", *bus, state=tmp_path)

    assert "no answer from the first 32 units" in silent.stderr and "--resume" in silent.stderr
    assert told.stderr == ""


def test_a_converter_that_says_nothing_may_be_in_transparent_mode(tmp_path: Path) -> None:
    code, told = scan(lambda question: b"", tmp_path, "--units", "1-2")

    assert code == 1 and "transparent mode" in verdict_of(told, "nothing-answers")


def test_what_does_not_speak_modbus_is_shown(tmp_path: Path) -> None:
    code, told = scan(lambda question: b"HTTP/1.1 400 Bad Request\r\n", tmp_path, "--units", "1")

    assert code == 1 and "does not speak Modbus TCP" in verdict_of(told, "noise")
    assert bytes.fromhex(told["heard"]["excerpt"]).startswith(b"HTTP/1.1 400")


def test_a_device_that_answers_with_its_own_number_is_named(tmp_path: Path) -> None:
    code, told = scan(lambda question: tcp_answer(question, VALUE, unit=9), tmp_path, "--units", "3,9")

    assert code == 1 and "unit 9 answers when unit 3 is asked" in verdict_of(told, "answers-for-others")
    assert [each["unit"] for each in told["units"] if each["how"] == "answers"] == [9]


def test_a_converter_that_answers_for_every_unit_is_told(tmp_path: Path) -> None:
    code, told = scan(lambda question: tcp_answer(question, VALUE), tmp_path, "--units", "1-3")

    assert code == 1 and "all with the same words" in verdict_of(told, "answers-for-others")


def test_one_device_that_answers_for_all_is_no_draft_of_many_and_not_all_devices_of_a_site(tmp_path: Path) -> None:
    def script(question: bytes) -> bytes:
        return tcp_answer(question, f"{question[7]:02x} {2 * question[11]:02x} {'00 01' * question[11]}")

    with tcp_converter(script) as port:
        site = write_site(tmp_path / "site", port)
        drafted = callpoint("probe", "draft", f"tcp://127.0.0.1:{port}", "--units", "1-3", state=tmp_path)
        live = callpoint("check", str(site), "--live", "--units", "1-3", state=tmp_path)

    assert (drafted.returncode, drafted.stdout) == (1, "") and "every unit asked answers (3 of 3)" in drafted.stderr
    assert live.returncode == 1 and "which nobody would have, answer too" in live.stdout


def test_a_converter_that_hangs_up_on_an_unknown_unit_is_asked_on(tmp_path: Path) -> None:
    def script(question: bytes) -> bytes:
        return b"-" if question[6] == 1 else tcp_answer(question, VALUE)

    code, told = scan(script, tmp_path, "--units", "1-2")

    assert (code, [each["unit"] for each in told["units"]]) == (0, [2])


def test_a_converter_that_answers_too_late_is_asked_with_more_patience(tmp_path: Path) -> None:
    def late(pdu: str) -> Callable[[bytes], bytes]:
        def script(question: bytes) -> bytes:
            time.sleep(0.4)
            return tcp_answer(question, pdu)

        return script

    code, told = scan(late(VALUE), tmp_path, "--units", "1-4")
    assert code == 1 and "--timeout 3" in verdict_of(told, "late")
    code, told = scan(late(NO_TARGET), tmp_path, "--units", "1-4")
    assert code == 1 and "says that no unit answers it" in verdict_of(told, "nothing-answers")


def test_bits_are_read_too(tmp_path: Path) -> None:
    with tcp_converter(lambda question: tcp_answer(question, "02 03 05 00 80")) as port:
        words = ("--unit", "1", "--table", "discrete", "--address", "0", "--count", "24", "--json")
        done = callpoint("probe", "read", f"tcp://127.0.0.1:{port}", *words, state=tmp_path)

    bits = {each["address"]: each["value"] for each in json.loads(done.stdout)["values"]}
    assert done.returncode == 0 and [address for address, bit in bits.items() if bit] == [0, 2, 23]
