"""The phone of somebody who is called: their page, their push messages, and what the phone says by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.access.actor import Role
from collector.alerter.channels import make_channels
from collector.alerter.notifier import Notifier
from collector.alerter.phones import device_of
from collector.calls.dispatch import Notice, Reason
from collector.calls.reach import Reached
from collector.storage.subscriptions import PER_PERSON_MAX
from tests.push import Phone
from tests.sinks import WebSink, listening
from tests.web.scene import BEARER, Clock, Scene, eventually, scene, web_data

SUBSCRIPTIONS = "/api/v1/me/subscriptions"


def push_data() -> dict[str, Any]:
    """The small community, in which ned and sam have web push beside what rings."""
    data = web_data()
    data["channels"] |= {"push": {"type": "webpush"}, "phone": {"type": "console", "rings": True}}
    for person in data["people"]:
        if person["id"] in ("ned", "sam"):
            person["channels"] = [{"channel": "push"}, {"channel": "phone"}]
    return data


def played(folder: Path, play: Callable[[Scene], Awaitable[Any]], data: dict[str, Any] | None = None) -> Any:
    async def run() -> Any:
        async with scene(folder, data=data or push_data()) as stage:
            return await play(stage)

    return asyncio.run(run())


async def signed_in(stage: Scene, person: str = "ned") -> dict[str, str]:
    """The headers of a page's script."""
    headers = await stage.sign_in(Role.RESPONDER, person)
    return {**headers, "X-Callpoint-Form": stage.csrf}


# --- subscriptions ----------------------------------------------------------------------------------


def test_a_phone_is_kept_tried_out_and_removed_by_its_owner_alone(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        async with listening(sink := WebSink("201 Created")):
            phone, ned = Phone(sink), await signed_in(stage)
            sam = await signed_in(stage, "sam")

            made = await stage.client.post(SUBSCRIPTIONS, json=phone.given(), headers=ned)
            again = await stage.client.post(SUBSCRIPTIONS, json=phone.given(), headers=ned)
            assert (made.status_code, again.status_code) == (201, 201)
            assert made.json() == again.json() and phone.endpoint not in made.text
            (shown,) = made.json()["phones"]
            path = f"{SUBSCRIPTIONS}/{shown['id']}"

            tried = await stage.client.post(f"{path}/test", headers=ned)
            assert tried.status_code == 200 and tried.json()["phones"][0]["ok_at"] is not None
            (said,) = phone.opened()
            assert said["sound"] == "test" and not said["asks"] and said["path"] == "/me"
            (reached,) = (each for each in stage.desk.kept(Reached).values() if each.channel == "push")
            assert reached.person == "ned" and reached.delivered_at_ms == stage.clock()

            assert (await stage.client.get(SUBSCRIPTIONS, headers=sam)).json()["phones"] == []
            assert (await stage.client.post(f"{path}/test", headers=sam)).status_code == 404
            assert (await stage.client.delete(path, headers=sam)).status_code == 404
            assert (await stage.client.delete(path, headers=ned)).json()["phones"] == []
            assert (await stage.client.delete(path, headers=ned)).status_code == 404

    played(tmp_path, play)


def test_who_is_nobody_has_no_phones(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[int]:
        viewer = {**await stage.sign_in(Role.VIEWER), "X-Callpoint-Form": stage.csrf}
        answers = [
            await stage.client.get(SUBSCRIPTIONS, headers={}),
            await stage.client.get(SUBSCRIPTIONS, headers=viewer),
            await stage.client.get(SUBSCRIPTIONS, headers=BEARER),
            await stage.client.get("/me", headers=viewer),
        ]
        return [each.status_code for each in answers]

    assert played(tmp_path, play) == [403, 403, 404, 403]


def test_a_phone_that_changes_hands_is_its_new_owners_alone(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        phone, ned, sam = Phone(WebSink(port=9)), await signed_in(stage), await signed_in(stage, "sam")
        sam = await signed_in(stage, "sam")
        await stage.client.post(SUBSCRIPTIONS, json=phone.given(), headers=await signed_in(stage))

        await stage.client.post(SUBSCRIPTIONS, json=phone.given(), headers=sam)

        assert (await stage.client.get(SUBSCRIPTIONS, headers=ned)).json()["phones"] == []
        assert len((await stage.client.get(SUBSCRIPTIONS, headers=sam)).json()["phones"]) == 1

    played(tmp_path, play)


def test_of_too_many_phones_the_oldest_goes(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[Any]:
        ned = await signed_in(stage)
        for number in range(PER_PERSON_MAX + 1):
            assert isinstance(stage.clock, Clock)
            stage.clock.now_ms += 1
            given = Phone(WebSink(port=9), str(number)).given()
            answer = await stage.client.post(SUBSCRIPTIONS, json=given, headers=ned)
        return list(answer.json()["phones"])

    assert len(played(tmp_path, play)) == PER_PERSON_MAX


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"endpoint": "https://10.0.0.1/x"}, 422),
        ({"endpoint": "http://push.example.net/x"}, 422),
        ({"endpoint": "x" * 5_000}, 422),
        ({"endpoint": None}, 422),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, 422),
        ({"keys": {"p256dh": "<script>", "auth": "😀"}}, 422),
        ({"keys": {}}, 422),
        ({"person": "sam"}, 422),
    ],
)
def test_what_is_no_subscription_is_refused_by_name(tmp_path: Path, change: dict[str, Any], status: int) -> None:
    async def play(stage: Scene) -> httpx.Response:
        given = Phone(WebSink(port=9)).given() | change
        return await stage.client.post(SUBSCRIPTIONS, json=given, headers=await signed_in(stage))

    answer = played(tmp_path, play)

    assert answer.status_code == status and next(iter(change)).split(".")[0] in answer.json()["detail"]


def test_a_site_without_web_push_says_so(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[httpx.Response, httpx.Response]:
        ned = await signed_in(stage)
        page = await stage.client.get("/me?lang=en", headers=ned)
        return await stage.client.get(SUBSCRIPTIONS, headers=ned), page

    answer, page = played(tmp_path, play, web_data())

    assert (answer.status_code, answer.json()["reason"]) == (404, "no-push")
    assert "no web push" in page.text and page.status_code == 200


def test_what_a_browser_calls_itself_is_told_in_two_words() -> None:
    assert device_of("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36") == (
        "Android · Chrome"
    )
    assert device_of("") == "?" and device_of("\u202e<b>" + "x" * 500) == "<b>" + "x" * 37


def test_an_alarm_goes_to_the_phone_and_to_the_next_channel_at_once_if_the_phone_is_dead(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        async with listening(sink := WebSink("201 Created")):
            phone, ned, desk = Phone(sink), await signed_in(stage), stage.desk
            await stage.client.post(SUBSCRIPTIONS, json=phone.given(), headers=ned)
            channels = make_channels(desk.site, stage.app.state.front.web_push)
            notifier = Notifier(
                *(desk.site, desk.store, channels, desk, stage.links.answer_url, stage.clock, desk.act, desk.tell)
            )
            desk.after_commit.append(lambda _: notifier.wake())
            running = asyncio.create_task(notifier.run())

            first = await stage.fire()
            await eventually(lambda: _truth(bool(phone.requests())))
            (said,) = phone.opened()
            assert said["asks"] and said["sound"] == "alarm" and said["incident"] == first.id
            assert stage.links.read(said["path"].removeprefix("/a/"), stage.clock()).person == "ned"

            sink.answer = "410 Gone"
            second = await stage.fire("smoke-3")
            theirs = await eventually(lambda: _told(stage, second.id, Reason.CHANNEL_FAILED))
            assert [notice.channel for notice in theirs] == [1]
            assert (await stage.client.get(SUBSCRIPTIONS, headers=ned)).json()["phones"] == []
            (reached,) = (
                each for each in desk.kept(Reached).values() if (each.person, each.channel) == ("ned", "push")
            )
            assert reached.permanent and not [each for each in desk.alarms if "channel:push" in each]
            running.cancel()
            await asyncio.wait([running])

    played(tmp_path, play)


async def _truth(said: bool) -> bool:
    return said


async def _told(stage: Scene, incident: str, reason: Reason) -> list[Notice]:
    notices = await stage.desk.store.notices(incident)
    return [each for each in notices if (each.person, each.reason) == ("ned", reason)]


# --- one's own page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_ones_own_page_says_what_one_is_called_to_and_what_would_ring(tmp_path: Path, language: str) -> None:
    async def play(stage: Scene) -> tuple[str, str]:
        headers = await stage.sign_in(Role.RESPONDER, "ned")
        before = (await stage.client.get(f"/me?lang={language}", headers=headers)).text
        incident = await stage.fire()
        text = (await stage.client.get(f"/me?lang={language}", headers=headers)).text
        path = text.partition('href="/a/')[2].partition('"')[0]
        assert stage.links.read(path, stage.clock()).incident == incident.id
        return before, text

    before, text = played(tmp_path, play)

    words = {
        "zh": ("现在没有呼叫您的事件", "请回复", "会响铃", "不一定响", "能响铃的渠道近期没有送达记录", "微信"),
        "en": ("called to nothing", "Please answer", "rings", "may not ring", "nothing delivered lately", "WeChat"),
    }[language]
    assert words[0] in before and words[0] not in text
    assert all(word in text for word in words[1:])
    assert text.index(words[1]) < text.index(words[2])
    assert len(text.encode()) < 30_000


def test_a_test_of_ones_channels_is_asked_for_without_a_script_and_not_twice(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        headers = await stage.sign_in(Role.RESPONDER, "ned")
        form = {"csrf": stage.csrf}

        first = await stage.client.post("/me/test", data=form, headers=headers)
        second = await stage.client.post("/me/test?lang=en", data=form, headers=headers)
        forged = await stage.client.post("/me/test", data={"csrf": "x"}, headers=headers)

        assert (first.status_code, first.headers["location"]) == (303, "/me?done=test#roads")
        assert second.status_code == 409 and 'role="alert"' in second.text
        assert forged.status_code == 403

    played(tmp_path, play)


def test_a_phone_is_tried_out_and_removed_without_a_script(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        async with listening(sink := WebSink("201 Created")):
            headers = await stage.sign_in(Role.RESPONDER, "ned")
            form, phone = {"csrf": stage.csrf}, Phone(sink)
            made = await stage.client.post(
                SUBSCRIPTIONS, json=phone.given(), headers={**headers, "X-Callpoint-Form": stage.csrf}
            )
            name = made.json()["phones"][0]["id"]

            tried = await stage.client.post(f"/me/phones/{name}/test", data=form, headers=headers)
            sink.answer = "410 Gone"
            gone = await stage.client.post(f"/me/phones/{name}/test?lang=en", data=form, headers=headers)
            removed = await stage.client.post(f"/me/phones/{name}/remove?lang=en", data=form, headers=headers)

            assert tried.status_code == 303 and len(phone.opened()) == 2
            assert gone.status_code == 404 and "did not take it" in gone.text
            assert removed.status_code == 404 and "no such phone" in removed.text

    played(tmp_path, play)


# --- what a phone says by itself --------------------------------------------------------------------


async def said(stage: Scene, path: str, **body: Any) -> httpx.Response:
    return await stage.client.post(f"{path}/answer", json=body)


def test_a_button_of_a_notification_answers_by_the_link_alone(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()

        answer = await said(stage, stage.path(incident.id, "sam"), answer="going", said_at_ms=5, sent_at_ms=800)

        assert answer.status_code == 200 and answer.json()["text"]
        (response,) = stage.desk.incidents[incident.id].responses
        assert (response.person, response.answer, response.at_ms) == ("sam", "going", stage.clock())

    played(tmp_path, play)


def test_an_answer_counts_from_when_it_was_given_whatever_the_phones_clock_says(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        assert isinstance(stage.clock, Clock)
        stage.clock.now_ms += 600_000
        year_1970_ms = 86_400_000

        answer = await said(
            stage,
            stage.path(incident.id, "sam"),
            answer="going",
            said_at_ms=year_1970_ms,
            sent_at_ms=year_1970_ms + 540_000,
        )

        assert answer.status_code == 200
        (response,) = stage.desk.incidents[incident.id].responses
        assert response.at_ms == stage.clock() - 540_000

    played(tmp_path, play)


@pytest.mark.parametrize(
    ("word", "ago_ms", "reason"),
    [
        ("going", -5_000, "said-in-future"),
        ("going", 7_201_000, "said-long-ago"),
        ("going", 601_000, "said-before"),
        ("reset", 5_000, "not-authorised"),
        ("stand-down", 5_000, "not-authorised"),
    ],
)
def test_what_is_refused_says_why_in_the_persons_language(tmp_path: Path, word: str, ago_ms: int, reason: str) -> None:
    async def play(stage: Scene) -> httpx.Response:
        incident = await stage.fire()
        assert isinstance(stage.clock, Clock)
        stage.clock.now_ms += 600_000
        if reason == "said-long-ago":
            stage.clock.now_ms += 7_000_000
        path = stage.path(incident.id, "ned")
        return await said(stage, path, answer=word, said_at_ms=10_000_000, sent_at_ms=10_000_000 + ago_ms)

    answer = played(tmp_path, play)

    assert (answer.status_code, answer.json()["reason"]) == (409, reason)
    assert answer.json()["detail"].isascii() and len(answer.json()["detail"]) > 20  # ned reads English


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{", b'{"answer": 5}', b'{"answer": ""}', b'{"answer": "maybe"}', b"\xff\xfe"),
        *(b'{"answer": "going", "said_at_ms": "x"}', b'{"answer": "going", "said_at_ms": -1}'),
        *(b'{"answer": "going", "said_at_ms": 1e400}', b'{"answer": "going", "person": "nora"}'),
        b'{"answer": "' + b"x" * 60_000 + b'"}',
    ],
)
def test_garbage_is_a_clear_error_and_answers_nothing(tmp_path: Path, body: bytes) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        path = stage.path(incident.id, "sam")
        headers = {"Content-Type": "application/json"}

        answer = await stage.client.post(f"{path}/answer", content=body, headers=headers)

        assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"
        assert not stage.desk.incidents[incident.id].responses

    played(tmp_path, play)


def test_a_forged_and_an_expired_link_answer_nothing(tmp_path: Path) -> None:
    async def play(stage: Scene) -> list[tuple[int, str]]:
        incident = await stage.fire()
        path = stage.path(incident.id, "sam")
        forged = path[:-1] + ("A" if path[-1] != "A" else "E")
        expired = stage.path(incident.id, "sam", stage.clock() - 7_200_000)
        answers = [await said(stage, each, answer="going") for each in (forged, expired, "/a/x", "/a/%00")]
        assert not stage.desk.incidents[incident.id].responses
        return [(each.status_code, each.json()["reason"]) for each in answers]

    assert played(tmp_path, play) == [
        (403, "link-forged"),
        (410, "link-expired"),
        (400, "link-malformed"),
        (400, "link-malformed"),
    ]


def test_who_presses_without_end_is_slowed_down(tmp_path: Path) -> None:
    async def play(stage: Scene) -> set[int]:
        incident = await stage.fire()
        path = stage.path(incident.id, "sam")
        return {(await said(stage, path, answer="going")).status_code for _ in range(30)}

    assert played(tmp_path, play) == {200, 429}


# --- the installed app ------------------------------------------------------------------------------


def test_the_manifest_is_one_app_in_two_languages_with_icons_that_are_there(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        zh = (await stage.client.get("/manifest.webmanifest?lang=zh")).json()
        answer = await stage.client.get("/manifest.webmanifest?lang=en")
        en = answer.json()

        assert answer.headers["content-type"] == "application/manifest+json"
        assert zh["id"] == en["id"] and zh["name"] != en["name"] and (zh["lang"], en["lang"]) == ("zh-CN", "en")
        assert en["display"] == "standalone" and en["scope"] == "/" and len(en["shortcuts"]) == 2
        assert {icon["purpose"] for icon in en["icons"]} == {"any", "maskable"}
        for icon in en["icons"]:
            image = await stage.client.get(icon["src"])
            assert image.headers["content-type"] == "image/png"
            side = int.from_bytes(image.content[16:20], "big")
            assert f"{side}x{side}" == icon["sizes"]

    played(tmp_path, play)


def test_the_worker_is_looked_at_anew_each_time_and_carries_its_version_and_words(tmp_path: Path) -> None:
    async def play(stage: Scene) -> tuple[httpx.Response, str]:
        return await stage.client.get("/sw.js"), stage.app.state.front.pages.version

    answer, version = played(tmp_path, play)

    first, second, *_ = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert first == f'const VERSION = "{version}";'
    words = json.loads(second.removeprefix("const WORDS = ").removesuffix(";"))
    assert words["zh"]["going"] == "我去" and set(words["zh"]) == set(words["en"])
