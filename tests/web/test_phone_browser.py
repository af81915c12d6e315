"""The phone in Debian's Chromium: push without a page, answers from the notification and without a line, updates.

What a push service would hand to the browser is delivered to the worker through the DevTools protocol.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, Worker, expect, sync_playwright

from collector.access.actor import Role
from collector.alarms.incident import Response
from tests.push import Phone
from tests.sinks import WebSink
from tests.web.live import Live
from tests.web.scene import Scene
from tests.web.test_browser import ARGUMENTS, CHROMIUM, LOWEST_CONTRAST, PATIENCE_MS
from tests.web.test_phones import push_data

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt install chromium"),
]
SHOWN = """registration.getNotifications().then((all) => all.map((each) => ({
  title: each.title, body: each.body, tag: each.tag, actions: each.actions.map((action) => action.action),
  vibrate: each.vibrate, silent: each.silent, stays: each.requireInteraction, again: each.renotify, icon: each.icon,
})))"""
# As the browser does it: the worker's own listener, with a notification that is shown.
PRESS = """async (action) => {
  const [notification] = await registration.getNotifications();
  let done = Promise.resolve();
  dispatchEvent(Object.assign(new Event("notificationclick"),
    { notification, action, waitUntil: (work) => { done = work; } }));
  await done;
}"""
CONTROLLED = """() => navigator.serviceWorker.controller || new Promise((resolve) => {
  navigator.serviceWorker.addEventListener("controllerchange", () => resolve(null), { once: true });
}).then(() => null)"""
SYNC = """async () => {
  let done = Promise.resolve();
  dispatchEvent(Object.assign(new Event("sync"), { tag: "answers", waitUntil: (work) => { done = work; } }));
  return done.then(() => "sent", () => "again later");
}"""

# As the browser does it, with a subscription that no push service has made: the event itself brings none.
CHANGE = """async (given) => {
  PushManager.prototype.subscribe = async (options) => {
    self.subscribedWith = options.applicationServerKey.length;
    return { toJSON: () => given };
  };
  let done = Promise.resolve();
  dispatchEvent(Object.assign(new Event("pushsubscriptionchange"), { waitUntil: (work) => { done = work; } }));
  await done;
  return self.subscribedWith;
}"""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "collector").mkdir()
    collector = Live(tmp_path / "collector", data=push_data())
    collector.start()
    yield collector
    collector.stop()


class Handset:
    """A browser with a profile of its own, in which pages may show notifications."""

    def __init__(self, context: BrowserContext, live: Live) -> None:
        self.context = context
        self.live = live
        context.grant_permissions(["notifications"], origin=live.url)
        self.idle = context.new_page()  # of no site: what is done with the worker goes through it
        self.tools: CDPSession = context.new_cdp_session(self.idle)
        self.registration = ""
        self.tools.on("ServiceWorker.workerRegistrationUpdated", self._registered)
        self.tools.send("ServiceWorker.enable")
        self.complaints: list[str] = []

    def _registered(self, event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if each["scopeURL"].startswith(self.live.url):
                self.registration = each["registrationId"]

    def open(self, path: str) -> Page:
        """A page of the collector, controlled by its worker."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Security" in said.text else None)
        page.goto(self.live.url + path)
        page.evaluate(CONTROLLED)
        while not self.registration:
            self.idle.wait_for_timeout(20)  # the tools hear of it a moment later
        return page

    @property
    def worker(self) -> Worker:
        return self.context.service_workers[-1]

    def gets(self, **said: Any) -> None:
        """A push message arrives."""
        data = {"lang": "en", "title": "FIRE alarm", "body": "floor 5", "sound": "alarm", "asks": True, "notice": "n"}
        data |= {"at_ms": time.time_ns() // 1_000_000, **said}
        self.delivers(json.dumps(data))

    def delivers(self, data: str) -> None:
        """A push message of these characters arrives."""
        message = {"origin": self.live.url, "registrationId": self.registration, "data": data}
        self.tools.send("ServiceWorker.deliverPushMessage", message)
        self.idle.wait_for_timeout(400)  # who asks Chromium for its first notification too early makes it forget it

    def shows(self, title: str) -> dict[str, Any]:
        """The notification with a title that begins so, once it is there."""
        for _ in range(PATIENCE_MS // 50):
            for each in self.worker.evaluate(SHOWN):
                if each["title"].startswith(title):
                    return dict(each)
            self.idle.wait_for_timeout(50)
        raise AssertionError(self.worker.evaluate(SHOWN))


@pytest.fixture
def handset(tmp_path: Path, live: Live) -> Iterator[Handset]:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, args=ARGUMENTS, locale="en", viewport=None
        )
        phone = Handset(context, live)
        yield phone
        context.close()
        assert phone.complaints == []


def called(live: Live, person: str = "sam") -> tuple[str, str]:
    """A fire, and the path of a person's answer link."""

    async def fire(stage: Scene) -> tuple[str, str]:
        incident = await stage.fire()
        return incident.id, stage.path(incident.id, person)

    return live.do(fire)


def responses(live: Live, incident: str) -> list[Response]:
    async def look(stage: Scene) -> list[Response]:
        return list(stage.desk.incidents[incident].responses)

    return live.do(look)


def answered(live: Live, incident: str) -> Response:
    for _ in range(PATIENCE_MS // 50):
        if found := responses(live, incident):
            return found[0]
        time.sleep(0.05)
    raise AssertionError("nobody has answered")


def test_a_push_without_an_open_page_is_shown_and_answered_from_the_notification(live: Live, handset: Handset) -> None:
    incident, path = called(live)
    handset.open(path).close()

    handset.gets(incident=incident, path=path)
    shown = handset.shows("FIRE alarm")
    assert shown["actions"] == ["going", "cannot"] and shown["stays"] and shown["again"] and shown["tag"] == incident
    handset.worker.evaluate(PRESS, "going")

    assert answered(live, incident).answer == "going"
    assert handset.shows("Sent: I am going")["actions"] == ["arrived"]
    handset.worker.evaluate(PRESS, "arrived")
    assert [each.answer for each in responses(live, incident)] == ["arrived"]


def test_alarm_drill_and_trouble_look_and_sound_different(live: Live, handset: Handset) -> None:
    _, path = called(live)
    handset.open(path).close()
    looks = {}
    for sound in ("alarm", "drill", "trouble"):
        handset.gets(incident=sound, title=sound, path=path, sound=sound, asks=sound != "trouble")
        looks[sound] = handset.shows(sound)

    assert looks["trouble"]["silent"] and not looks["trouble"]["stays"] and not looks["trouble"]["actions"]
    assert not looks["alarm"]["silent"] and not looks["drill"]["silent"]
    assert sum(looks["alarm"]["vibrate"]) > 3 * sum(looks["drill"]["vibrate"]) / 2 > 0
    assert len({each["icon"] for each in looks.values()}) == 3


def test_an_older_message_that_arrives_late_takes_nothings_place(live: Live, handset: Handset) -> None:
    incident, path = called(live)
    handset.open(path).close()
    now = time.time_ns() // 1_000_000
    handset.gets(incident=incident, path=path, title="It is over", sound="news", asks=False, at_ms=now)
    handset.shows("It is over")

    handset.gets(incident=incident, path=path, at_ms=now - 60_000)

    handset.idle.wait_for_timeout(300)
    assert [each["title"] for each in handset.worker.evaluate(SHOWN)] == ["It is over"]


def test_a_message_that_cannot_be_read_is_shown_all_the_same(live: Live, handset: Handset) -> None:
    _, path = called(live)
    handset.open(path).close()

    handset.delivers("not json")

    assert handset.shows("Callpoint")["body"]


def test_an_answer_from_a_notification_without_a_line_is_kept_shown_and_counts_from_when_it_was_given(
    live: Live, handset: Handset
) -> None:
    incident, path = called(live)
    handset.open(path).close()
    handset.gets(incident=incident, path=path)
    handset.shows("FIRE alarm")
    live.stop()
    pressed_ms = time.time_ns() // 1_000_000

    handset.worker.evaluate(PRESS, "going")
    assert "counts from when you pressed it" in handset.shows("Not sent yet: I am going")["body"]
    assert handset.worker.evaluate(SYNC) == "again later"
    handset.idle.wait_for_timeout(2_500)
    live.start()
    assert handset.worker.evaluate(SYNC) == "sent"

    said = answered(live, incident)
    assert abs(said.at_ms - pressed_ms) < 2_200
    handset.shows("Sent: I am going")
    assert handset.worker.evaluate("Kept.all()") == []


def test_an_answer_that_is_refused_later_is_shown_as_such(live: Live, handset: Handset) -> None:
    incident, path = called(live)
    handset.open(path).close()
    handset.gets(incident=incident, path=path)
    handset.shows("FIRE alarm")
    handset.worker.evaluate(
        "path => Kept.add({path, answer: 'going', label: 'I am going', lang: 'en', data: {}, "
        "said_at_ms: Date.now() - 3 * 3600 * 1000})",
        path,
    )

    handset.worker.evaluate(SYNC)

    handset.shows("Not accepted: I am going")
    assert responses(live, incident) == [] and handset.worker.evaluate("Kept.all()") == []


def test_the_answer_page_keeps_what_cannot_be_sent_and_marks_how_old_it_is(live: Live, handset: Handset) -> None:
    incident, path = called(live)
    page = handset.open(f"{path}?lang=en")
    page.reload()  # the worker has it now
    live.stop()
    pressed_ms = time.time_ns() // 1_000_000

    page.get_by_role("button", name="I am going").click()
    expect(page.locator(".waiting")).to_contain_text("Not sent yet", timeout=PATIENCE_MS)
    expect(page.locator(".waiting")).to_contain_text("I am going")
    page.reload()
    expect(page.locator(".stale")).to_contain_text("No line. This page is from", timeout=PATIENCE_MS)
    expect(page.locator(".waiting")).to_contain_text("Not sent yet")
    expect(page.locator(".stale")).to_be_in_viewport()  # wherever the page was scrolled to
    ratio, text = page.evaluate(LOWEST_CONTRAST)
    assert ratio >= 4.5, text

    page.wait_for_timeout(2_500)
    live.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".mine")).to_contain_text("You are going", timeout=PATIENCE_MS)
    expect(page.locator(".stale, .waiting")).to_have_count(0)
    assert abs(answered(live, incident).at_ms - pressed_ms) < 2_200


def test_a_call_that_came_meanwhile_stays_shown_beside_what_became_of_an_answer(live: Live, handset: Handset) -> None:
    incident, path = called(live)
    handset.open(path).close()
    handset.gets(incident=incident, path=path)
    handset.shows("FIRE alarm")
    live.stop()
    handset.worker.evaluate(PRESS, "going")
    handset.shows("Not sent yet")

    handset.gets(incident=incident, path=path, title="NEW device in alarm")  # and still no line to answer over
    assert [each["title"] for each in handset.worker.evaluate(SHOWN)] == ["NEW device in alarm"]
    live.start()
    handset.worker.evaluate(SYNC)

    assert {each["title"] for each in handset.worker.evaluate(SHOWN)} == {"NEW device in alarm", "Sent: I am going"}
    assert answered(live, incident).answer == "going"


def test_what_was_refused_while_no_page_was_open_is_shown_when_it_is_opened(live: Live, handset: Handset) -> None:
    _, path = called(live)
    page = handset.open(f"{path}?lang=en")
    page.evaluate(
        "path => Kept.add({path, answer: 'reset', label: 'Reset', lang: 'en', said_at_ms: Date.now() - 5000})", path
    )
    page.close()
    handset.worker.evaluate(SYNC)

    page = handset.open(f"{path}?lang=en")
    expect(page.locator(".refused")).to_contain_text("Not accepted: Reset", timeout=PATIENCE_MS)
    page.reload()
    expect(page.locator(".mine")).to_be_visible()
    expect(page.locator(".refused")).to_have_count(0)


def test_a_page_that_was_never_seen_says_without_a_line_what_is_kept(live: Live, handset: Handset) -> None:
    _, path = called(live)
    page = handset.open(path)
    page.reload()
    live.stop()

    page.goto(f"{live.url}/drills")

    expect(page.locator("h1")).to_have_text("No line")
    expect(page.get_by_role("link", name="119")).to_be_visible()
    page.get_by_role("link", name="Plum Court").click()
    expect(page.locator(".stale")).to_be_visible()


def test_a_new_version_of_the_worker_takes_over_and_loses_no_answer(live: Live, handset: Handset) -> None:
    _, path = called(live)
    page = handset.open(path)
    before = handset.worker.evaluate("VERSION")
    page.evaluate("Kept.add({path: '/a/x', answer: 'going', label: 'x', lang: 'en'})")

    async def update(stage: Scene) -> None:
        stage.app.state.front.pages.version = "next"

    live.do(update)
    page.route("**/a/x/answer", lambda route: route.abort())
    handset.context.route("**/a/x/answer", lambda route: route.abort())
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update())")

    for _ in range(PATIENCE_MS // 50):
        shells = [name for name in page.evaluate("caches.keys()") if name.startswith("shell-")]
        if shells == ["shell-next"]:
            break
        page.wait_for_timeout(50)
    assert shells == ["shell-next"] and before != "next"
    assert handset.worker.evaluate("VERSION") == "next"
    assert [each["path"] for each in page.evaluate("Kept.all()")] == ["/a/x"]


def test_a_phone_is_registered_tried_out_and_rings(live: Live, handset: Handset) -> None:
    sink = WebSink("201 Created")

    async def prepare(stage: Scene) -> tuple[str, asyncio.Server]:
        server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
        sink.port = server.sockets[0].getsockname()[1]
        return (await stage.sign_in(Role.RESPONDER, "ned"))["Cookie"], server

    async def finish(_: Scene) -> None:
        server.close()

    cookie, server = live.do(prepare)
    name, _, value = cookie.partition("=")
    handset.context.add_cookies([{"name": name, "value": value, "url": live.url}])
    phone = Phone(sink)
    # No push service is asked: the subscription is the test's own, and so are its keys.
    handset.context.add_init_script(
        f"""if (self.PushManager) {{
          const given = {json.dumps(phone.given())};
          PushManager.prototype.subscribe = async (options) => {{
            self.subscribedWith = options.applicationServerKey;
            return {{ toJSON: () => given }};
          }};
        }}"""
    )
    page = handset.open("/me?lang=en")

    page.get_by_role("button", name="Allow messages on this phone").click()
    row = page.locator("#phones [data-phone]")
    expect(row).to_contain_text("Chrome", timeout=PATIENCE_MS)
    row.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("status").first).to_contain_text("The push service has taken the test", timeout=PATIENCE_MS)

    (said,) = phone.opened()
    handset.gets(**said)
    assert "[TEST]" in handset.shows("[TEST]")["title"]
    page.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0, timeout=PATIENCE_MS)
    live.do(finish)


def endpoints(live: Live, person: str) -> list[str]:
    async def look(stage: Scene) -> list[str]:
        return [each.endpoint for each in await stage.app.state.front.web_push.subscriptions.of(person)]

    return live.do(look)


def signed_in(live: Live, handset: Handset) -> None:
    async def cookie(stage: Scene) -> str:
        return (await stage.sign_in(Role.RESPONDER, "ned"))["Cookie"]

    name, _, value = live.do(cookie).partition("=")
    handset.context.add_cookies([{"name": name, "value": value, "url": live.url}])


def test_a_subscription_that_the_browser_changes_is_told_without_a_page_also_after_a_gap_in_the_line(
    live: Live, handset: Handset
) -> None:
    signed_in(live, handset)
    handset.open("/me?lang=en").close()
    first, second = Phone(WebSink(port=9), "first"), Phone(WebSink(port=9), "second")

    assert handset.worker.evaluate(CHANGE, first.given()) == 65
    assert endpoints(live, "ned") == [first.endpoint]
    live.stop()
    handset.worker.evaluate(f"self.changed = ({CHANGE})({json.dumps(second.given())}), null")
    handset.idle.wait_for_timeout(500)
    live.start()
    handset.worker.evaluate("self.changed")

    assert set(endpoints(live, "ned")) == {first.endpoint, second.endpoint}
    assert handset.worker.evaluate(SHOWN) == []


def test_a_changed_subscription_that_cannot_be_told_is_said_on_the_phone(live: Live, handset: Handset) -> None:
    _, path = called(live)
    handset.open(path).close()  # nobody is signed in

    handset.worker.evaluate(CHANGE, Phone(WebSink(port=9)).given())

    assert "other channels call you" in handset.shows("This phone may get no messages")["body"]
    assert endpoints(live, "ned") == []


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("Object.defineProperty(self, 'isSecureContext', { value: false })", "不是加密连接"),
        ("delete self.PushManager", "这个浏览器没有推送功能"),
    ],
)
def test_where_push_cannot_work_ones_own_page_says_so_and_offers_no_button(
    live: Live, handset: Handset, lacking: str, said: str
) -> None:
    signed_in(live, handset)
    handset.context.add_init_script(lacking)

    page = handset.open("/me?lang=zh")

    expect(page.locator("#allow-state")).to_have_text(re.compile(said), timeout=PATIENCE_MS)
    expect(page.locator("#allow-button")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ones_own_page_is_readable_on_a_narrow_phone(live: Live, handset: Handset, scheme: Any) -> None:
    called(live)
    signed_in(live, handset)
    page = handset.open("/me?lang=zh")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})

    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    ratio, text = page.evaluate(LOWEST_CONTRAST)
    assert ratio >= 4.5, text
    expect(page.locator("#calls .button")).to_be_in_viewport()


def test_the_page_of_an_incident_keeps_what_its_signed_in_reader_cannot_send(live: Live, handset: Handset) -> None:
    incident, _ = called(live)

    async def cookie(stage: Scene) -> str:
        return (await stage.sign_in(person="sam"))["Cookie"]

    name, _, value = live.do(cookie).partition("=")
    handset.context.add_cookies([{"name": name, "value": value, "url": live.url, "sameSite": "Lax"}])
    page = handset.open(f"/incident/{incident}?lang=en")
    live.stop()
    pressed_ms = time.time_ns() // 1_000_000
    page.get_by_role("button", name="I am going").click()
    expect(page.locator(".waiting")).to_contain_text("Not sent yet", timeout=PATIENCE_MS)
    ratio, text = page.evaluate(LOWEST_CONTRAST)
    assert ratio >= 4.5, text

    page.wait_for_timeout(2_500)
    live.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="You are going")).to_be_visible(timeout=PATIENCE_MS)
    assert abs(answered(live, incident).at_ms - pressed_ms) < 2_200
    page.get_by_role("button", name="I have arrived").click()  # with a line it counts at once
    expect(page.get_by_role("heading", name="You have arrived")).to_be_visible(timeout=PATIENCE_MS)
    assert answered(live, incident).answer.value == "arrived"
