"""Promises of replies by SMS and keys: who proves nothing changes nothing, and the newest word stands."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.alarms.incident import Answer
from collector.alerter.inbound import codes_of, meaning, normal
from collector.commands import StartDrill
from config.profile import Kind
from tests.web.scene import START_MS, Scene, web_data
from tests.web.test_pages import played

SECRET = "agreed"
SECRETS = {"sms": SECRET, "voice": SECRET}
NUMBER = "+86 138-0000-0001"


def data() -> dict[str, Any]:
    made = web_data()
    made["plan"]["inbound"] = {
        "sms": {"secret_env": "X", "proof": "hmac-sha256", "header": "X-Signature"},
        "voice": {"secret_env": "X", "number": "From", "text": "Digits", "reply": "twiml"},
    }
    made["people"][1]["channels"] = [{"channel": "phone", "to": "13800000001"}]
    return made


async def sms(stage: Scene, text: str, at_s: int = START_MS // 1000, number: str = NUMBER) -> httpx.Response:
    body = json.dumps({"from": number, "text": text}).encode()
    signed = hmac.new(SECRET.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": signed, "X-Callpoint-Stamp": str(at_s), "Content-Type": "application/json"}
    return await stage.client.post("/api/v1/inbound/sms", content=body, headers=headers)


def said(stage: Scene) -> list[Answer]:
    found = [each for incident in stage.desk.engine.incidents.values() for each in incident.responses]
    return [each.answer for each in found]


def test_a_digit_by_sms_answers_and_an_old_one_sent_again_changes_nothing(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.fire()
        stage.clock.now_ms += 60_000  # type: ignore[attr-defined]
        first = await sms(stage, "１ ", START_MS // 1000 + 20)
        assert "Plum Court" in first.json()["text"] and said(stage) == [Answer.GOING]
        await sms(stage, "0", START_MS // 1000 + 40)
        await sms(stage, "１ ", START_MS // 1000 + 20)
        assert said(stage) == [Answer.CANNOT]

    played(tmp_path, play, data=data(), inbound_secrets=SECRETS)


def test_who_proves_nothing_or_is_unknown_changes_nothing(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.fire()
        assert (await stage.client.post("/api/v1/inbound/sms", json={"from": NUMBER, "text": "1"})).status_code == 401
        assert (await sms(stage, "1", START_MS // 1000 - 301)).status_code == 401
        assert (await sms(stage, "1", number="+8613900000009")).json() == {"text": ""}
        assert (await sms(stage, "1", number="")).status_code == 422
        assert "1" in (await sms(stage, "what?")).json()["text"]
        secret = {"X-Callpoint-Secret": SECRET}
        for body in (b"\xff\xfe", b"From=&Digits=1", b"&" * 500):
            answered = await stage.client.post("/api/v1/inbound/voice", content=body, headers=secret)
            assert answered.status_code == 422
        assert (await stage.client.post("/api/v1/inbound/fax")).status_code in (404, 422)
        assert said(stage) == []

    played(tmp_path, play, data=data(), inbound_secrets=SECRETS)


async def key(stage: Scene, digits: str) -> str:
    form = {"From": "8613800000001", "Digits": digits}
    answered = await stage.client.post("/api/v1/inbound/voice", data=form, headers={"X-Callpoint-Secret": SECRET})
    assert answered.text.startswith("<Response><Message>")
    return answered.text


def test_a_key_answers_the_newest_of_two_calls_and_names_the_other_with_its_code(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        older = await stage.fire()
        stage.clock.now_ms += 1_000  # type: ignore[attr-defined]
        stage.hear("lift-1", "trapped")
        told = await key(stage, "1")
        assert not stage.desk.engine.incidents[older.id].responses and said(stage) == [Answer.GOING]
        assert "Stuck in elevator" in told and "Also open: Fire, Plum Court" in told
        (code,) = re.findall(r"reply 1 ([0-9]{2})", told)

        told = await key(stage, f"0{code}")
        assert "cannot come. Fire, Plum Court" in told
        (answer,) = stage.desk.engine.incidents[older.id].responses
        assert (answer.person, answer.answer) == ("ned", Answer.CANNOT)

        wrong = "99" if code != "99" else "98"
        for unclear in (f"1 {wrong}", "7"):
            told = await key(stage, unclear)
            assert told.count("Also open") == 2 and len(said(stage)) == 2, unclear

    played(tmp_path, play, data=data(), inbound_secrets=SECRETS)


def test_a_message_that_the_provider_delivers_again_changes_nothing_and_gets_the_same_answer(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.fire()

        async def key(digits: str, message: str) -> str:
            form = {"From": "8613800000001", "Digits": digits, "MessageSid": message}
            secret = {"X-Callpoint-Secret": SECRET}
            return (await stage.client.post("/api/v1/inbound/voice", data=form, headers=secret)).text

        first = await key("1", "SM1")
        await key("0", "SM2")
        assert await key("1", "SM1") == first and "you are going" in first
        assert said(stage) == [Answer.CANNOT]
        at_once = await asyncio.gather(key("1", "SM3"), key("1", "SM3"))
        assert at_once[0] == at_once[1] and said(stage) == [Answer.GOING]
        stage.clock.now_ms += 86_400_001  # type: ignore[attr-defined]
        assert await key("1", "SM1") != ""
        assert stage.app.state.front.refusals.counts["inbound-voice-repeated"] == 2

    made = data()
    made["plan"]["inbound"]["voice"]["message_id"] = "MessageSid"
    played(tmp_path, play, data=made, inbound_secrets=SECRETS)


def test_the_reply_to_a_drill_says_that_it_is_one(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        await stage.desk.act(StartDrill("carl", ("b-3",), Kind.FIRE, 30, ""))
        told = (await sms(stage, "1", START_MS // 1000 + 1)).json()["text"]
        assert told.startswith("Drill. Noted: you are going. Fire")

    made = data()
    made["buildings"][2]["team"] = "north"
    played(tmp_path, play, data=made, inbound_secrets=SECRETS)


def test_a_bare_digit_answers_the_fire_and_not_a_drill_that_began_later(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        fire = await stage.fire()
        stage.clock.now_ms += 1_000  # type: ignore[attr-defined]
        await stage.desk.act(StartDrill("carl", ("b-3",), Kind.FIRE, 30, ""))
        asked = {each.incident for each in stage.desk.engine.notices.values() if each.person == "ned"}
        assert len(asked) == 2, "ned is called to both"
        await sms(stage, "1", START_MS // 1000 + 1)
        answered = [each.id for each in stage.desk.engine.incidents.values() if each.responses]
        assert answered == [fire.id]

    made = data()
    made["buildings"][2]["team"] = "north"
    played(tmp_path, play, data=made, inbound_secrets=SECRETS)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1", (Answer.GOING, "")),
        ("１。", (Answer.GOING, "")),
        ("不去", (Answer.CANNOT, "")),
        ("Arrived!", (Answer.ARRIVED, "")),
        ("1 47", (Answer.GOING, "47")),
        ("０#４７", (Answer.CANNOT, "47")),
        ("247", (Answer.ARRIVED, "47")),
        ("我去 10", (Answer.GOING, "10")),
        ("11", (None, "")),
        ("1 4", (None, "")),
        ("1 477", (None, "")),
        ("47", (None, "")),
        ("", (None, "")),
    ],
)
def test_words_and_digits_of_any_width_mean_the_same(text: str, answer: tuple[Answer | None, str]) -> None:
    assert meaning(text) == answer


def test_no_two_open_calls_have_one_code_and_the_older_keep_theirs() -> None:
    calls = [f"{number:04x}" for number in range(95)]
    found = codes_of(calls)
    given = [code for code in found.values() if code]
    assert len(set(given)) == len(given) == 90 and all(re.fullmatch("[1-9][0-9]", code) for code in given)
    assert codes_of(calls[:40]) == {call: found[call] for call in calls[:40]}


def test_a_number_is_the_same_with_and_without_its_country() -> None:
    assert normal("+86 138 0000 0001") == normal("0086-13800000001") == normal("13800000001") == "13800000001"
    assert normal("ned@example.org") is normal("") is None
