"""Web push: sealed for one phone, vouched for, never into our own network, and a dead phone is forgotten."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from collector.alerter.channels import ChannelError, Letter
from collector.alerter.channels.endpoints import BadEndpoint, check_endpoint, reachable_address
from collector.alerter.channels.push import WebPushChannel, payload_of
from collector.alerter.channels.sealing import PLAIN_BYTES_MAX, Voucher, check_keys, decode, encode, seal
from collector.messages.message import Words
from collector.storage.secrets import Secrets
from collector.storage.store import open_store
from collector.storage.subscriptions import PER_PERSON_MAX, Subscription, Subscriptions, id_of
from tests.letters import letter_to
from tests.push import CONTACT, VAPID_PRIVATE, Phone, open_sealed, vouched
from tests.servers import free_port
from tests.sinks import CLOSE, HANG, WebSink, listening

FACTS = {"incident": "inc-1", "kind": "fire", "sound": "alarm"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Stage:
    channel: WebPushChannel
    phones: Subscriptions
    sink: WebSink

    async def has(self, phone: Phone, person: str = "li", session: str = "") -> None:
        given = phone.given()
        made = now_ms()
        await self.phones.keep(
            Subscription(
                *(id_of(phone.endpoint), person, "account", session, "Firefox", phone.endpoint),
                *(given["keys"]["p256dh"], given["keys"]["auth"], made),
            )
        )

    async def refused(self, letter: Letter) -> ChannelError:
        with pytest.raises(ChannelError) as caught:
            await self.channel.send(letter)
        return caught.value


@asynccontextmanager
async def stage(folder: Path, answer: str = "201 Created", local: bool = True) -> AsyncIterator[Stage]:
    store, sink = await open_store(f"sqlite:{folder}/state.db"), WebSink(answer)
    try:
        async with listening(sink):
            phones = Subscriptions(store)
            yield Stage(WebPushChannel(phones, Voucher(VAPID_PRIVATE, CONTACT), now_ms, local), phones, sink)
    finally:
        await store.close()


def pushed(**changes: Any) -> Letter:
    return letter_to("", **{"person": "li", "asks": True, "facts": FACTS, **changes})


def test_the_example_of_the_rfc_comes_out_as_it_stands_there() -> None:
    """RFC 8291 §5 and appendix A."""
    own = ec.derive_private_key(
        int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    sealed = seal(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        own,
        decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert encode(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_phone_opens_what_it_was_sent_and_nobody_else_can(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as on:
            phone, other = Phone(on.sink), Phone(on.sink, "other")
            await on.has(phone)

            await on.channel.send(pushed(language="zh"))

            (said,) = phone.opened()
            assert said["title"] == "火灾报警: 梧桐里3号楼 5楼 502" and said["path"] == "/a/token"
            assert (said["lang"], said["incident"], said["sound"], said["asks"]) == ("zh", "inc-1", "alarm", True)
            (request,) = phone.requests()
            with pytest.raises(Exception, match=r"^$"):
                open_sealed(request.body, other.key, other.auth)
            assert "梧桐".encode() not in request.body

    asyncio.run(scene())


def test_the_push_service_learns_who_sends_how_urgent_and_for_how_long_and_no_more(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as on:
            phone = Phone(on.sink)
            await on.has(phone)

            await on.channel.send(pushed())
            await on.channel.send(pushed(asks=False, facts=FACTS | {"sound": "trouble"}))

            alarm, trouble = phone.requests()
            said = vouched(alarm)
            assert said["aud"] == f"http://127.0.0.1:{on.sink.port}" and said["sub"] == CONTACT
            assert 0 < said["exp"] - now_ms() / 1000 <= 24 * 3600
            assert said["k"] == on.channel.public_key
            assert (alarm.headers["urgency"], alarm.headers["ttl"]) == ("high", "1800")
            assert (trouble.headers["urgency"], trouble.headers["ttl"]) == ("normal", "43200")
            assert alarm.headers["content-encoding"] == "aes128gcm"
            assert len(alarm.headers["topic"]) == 32 and alarm.headers["topic"] != trouble.headers["topic"]
            shown = " ".join(f"{name} {value}" for name, value in alarm.headers.items())
            assert "inc-1" not in shown and "token" not in shown

    asyncio.run(scene())


def test_a_person_is_told_on_every_phone_and_one_that_takes_it_is_enough(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as on:
            first, second = Phone(on.sink), Phone(on.sink, "second")
            await on.has(first)
            await on.has(second)
            await on.has(replace(Phone(WebSink()), name="gone", sink=WebSink(port=free_port())))

            await on.channel.send(pushed())

            assert len(first.opened()) == len(second.opened()) == 1
            failed = [each for each in await on.phones.of("li") if each.failures]
            assert len(failed) == 1 and failed[0].failed_at_ms is not None

    asyncio.run(scene())


@pytest.mark.parametrize("answer", ["410 Gone", "404 Not Found"])
def test_a_dead_phone_is_forgotten_and_the_next_channel_is_taken_at_once(tmp_path: Path, answer: str) -> None:
    async def scene() -> None:
        async with stage(tmp_path, answer) as on:
            await on.has(Phone(on.sink))

            error = await on.refused(pushed())

            assert error.permanent and error.personal and not await on.phones.of("li")
            assert (await on.refused(pushed())).permanent  # nobody asks a push service for nobody
            assert len(on.sink.requests) == 1

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        ("503 Service Unavailable", None),
        ("429 Too Many Requests\r\nRetry-After: 7", 7.0),
        ("401 Unauthorized", None),
        (CLOSE, None),
    ],
)
def test_what_may_pass_is_tried_again_and_the_phone_is_kept(tmp_path: Path, answer: str, wait_s: float | None) -> None:
    async def scene() -> None:
        async with stage(tmp_path, answer) as on:
            phone = Phone(on.sink)
            await on.has(phone)

            error = await on.refused(pushed())

            assert not error.permanent and error.retry_after_s == wait_s
            (kept,) = await on.phones.of("li")
            assert kept.failures == 1
            assert phone.endpoint not in error.reason and phone.name not in error.reason

    asyncio.run(scene())


def test_a_push_service_that_hangs_holds_neither_the_loop_nor_the_next_letter(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path, HANG) as on:
            await on.has(Phone(on.sink))
            first = asyncio.create_task(on.channel.send(pushed()))
            await on.sink.hangs.wait()
            on.sink.answer = "201 Created"

            await on.channel.send(pushed())

            assert not first.done()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(scene())


def test_a_person_has_so_many_phones_and_a_phone_one_person(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as on:
            for number in range(PER_PERSON_MAX + 2):
                await on.has(Phone(on.sink, str(number)))
                await asyncio.sleep(0.002)
            assert len(await on.phones.of("li")) == PER_PERSON_MAX
            assert not any(each.endpoint.endswith("/0") for each in await on.phones.of("li"))

            await on.has(Phone(on.sink, "5"), person="wang")

            assert [each.endpoint[-2:] for each in await on.phones.of("wang")] == ["/5"]
            assert len(await on.phones.of("li")) == PER_PERSON_MAX - 1

    asyncio.run(scene())


def test_a_phone_that_is_signed_out_is_told_nothing_more(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as on:
            await on.has(Phone(on.sink), session="a-session-that-has-ended")

            assert (await on.refused(pushed())).permanent and not on.sink.requests

    asyncio.run(scene())


@pytest.mark.parametrize(
    "endpoint",
    [
        *("http://push.example.net/x", "ftp://push.example.net/x", "https://", "https://push.example.net:99999/", "x"),
        *(
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://10.0.0.1/x",
            "https://[::1]/x",
            "https://192.168.1.1/",
        ),
        *("https://169.254.169.254/latest", "https://[fe80::1]/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/"),
        *("https://2130706433/", "https://0x7f.1/", "https://router.local/x", "https://db.internal/x", "https://nas/x"),
        *(
            "https://user:word@push.example.net/x",
            "https://push.example.net/" + "x" * 2_000,
            "https://[2002:0a00:1::]/",
        ),
    ],
)
def test_an_endpoint_is_a_public_https_url(endpoint: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        check_endpoint(endpoint, local=False)

    assert "example.net" not in str(caught.value)


def test_what_is_local_may_be_used_where_everything_is_local() -> None:
    assert check_endpoint("http://127.0.0.1:8123/x", local=True).port == 8123
    with pytest.raises(BadEndpoint):
        check_endpoint("http://10.0.0.1/x", local=True)


def test_a_name_that_means_an_address_of_ours_is_not_connected_to(tmp_path: Path) -> None:
    async def scene() -> None:
        here = check_endpoint("https://localhost/x", local=True)
        assert await reachable_address(here, local=True) in ("127.0.0.1", "::1")
        with pytest.raises(BadEndpoint, match="not a public push service"):
            await reachable_address(here, local=False)
        async with stage(tmp_path, local=False) as on:
            await on.has(Phone(on.sink))  # kept while it was allowed

            assert (await on.refused(pushed())).permanent and not on.sink.requests

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", ""),
        ("AAAA", "AAAA"),
        ("BC" + "A" * 85, "BTBZMqHH6r4Tts7J_aSIgg"),
        ("§", "§"),
        (encode(bytes(65)), "A" * 22),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(ValueError):
        check_keys(p256dh, auth)


def test_the_servers_key_is_made_at_the_first_start_and_stays(tmp_path: Path) -> None:
    async def key() -> str:
        store = await open_store(f"sqlite:{tmp_path}/state.db")
        try:
            return (await Secrets.of(store)).push
        finally:
            await store.close()

    first, second = asyncio.run(key()), asyncio.run(key())

    assert first == second and len(decode(first)) == 32
    assert len(decode(Voucher(first, CONTACT).public)) == 65


def test_a_notification_shows_no_gate_code_and_no_link(tmp_path: Path) -> None:
    body = "火灾报警\n地点：3号楼\n请您自己拨打119！\n请回复：http://127.0.0.1:8080/a/token\n门禁密码：2580#\n"

    said = json.loads(payload_of(pushed(words=Words("火灾", body, "火灾")), 1))

    assert said["body"] == "地点：3号楼\n请您自己拨打119！"


def test_the_longest_words_fit_one_message() -> None:
    long = Words("火" * 5_000, "灾\n" * 50 + "😀" * 5_000, "x")
    url = f"http://127.0.0.1:8080/a/{'t' * 450}"

    plain = payload_of(pushed(words=long, url=url), 1)

    assert len(plain) <= PLAIN_BYTES_MAX and json.loads(plain)["path"].endswith("t" * 450)
    assert len(seal(plain, Phone(WebSink()).given()["keys"]["p256dh"], "BTBZMqHH6r4Tts7J_aSIgg")) <= 4096
