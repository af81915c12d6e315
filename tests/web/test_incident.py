"""Promises of the incident page: small, whole without JavaScript, honest about photos, and slow for nobody."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from collector.alarms.incident import Incident
from collector.calls.sightings import NOTE_CHARACTERS_MAX, PHOTOS_MAX
from collector.storage.photos import Photos
from tests.web.scene import BEARER, Scene
from tests.web.test_pages import Balanced, played

FIRST_VIEW_BYTES_MAX = 30_000


def picture(form: str = "JPEG", size: tuple[int, int] = (80, 40), **more: Any) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "red").save(written, form, **more)
    return written.getvalue()


def turned() -> bytes:
    """A photo held on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    exif.get_ifd(0x8825)[1] = "N"
    return picture(exif=exif)


async def send(stage: Scene, incident: Incident, content: bytes, name: str = "p.jpg") -> httpx.Response:
    return await stage.client.post(f"{stage.path(incident.id, 'ned')}/photo", files={"photo": (name, content)})


def test_the_first_view_is_small_and_says_what_where_and_the_button_first(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        page = (await stage.client.get(stage.path(incident.id, "ned"))).text

        assert len(page.encode()) < FIRST_VIEW_BYTES_MAX
        Balanced(page.replace("<script", "<x").replace("</script", "</x"))
        assert page.index("Plum Court") < page.index('value="going"') < page.index('class="section"')
        assert 'href="tel:119"' in page and "coordinate=gaode" in page

    played(tmp_path, play)


def test_a_photo_is_turned_upright_and_says_nothing_of_where_it_was_taken(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        answered = await send(stage, incident, turned())
        assert answered.status_code == 303

        kept = stage.desk.engine.incidents[incident.id].photos
        path = f"{stage.path(incident.id, 'ned')}/photo/{kept[0]}"
        shown = await stage.client.get(path)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        with Image.open(BytesIO(shown.content)) as found:
            assert found.size == (40, 80) and not found.getexif()
        assert b"home" not in shown.content
        assert kept[0] in (await stage.client.get(stage.path(incident.id, "ned"))).text
        board = f"/incident/{incident.id}/photo/{kept[0]}"
        assert (await stage.client.get(board, headers=BEARER)).status_code == 200

        await send(stage, incident, turned())  # pressed twice
        assert stage.desk.engine.incidents[incident.id].photos == kept

    played(tmp_path, play)


def test_a_photo_is_not_for_who_has_the_link_of_another_incident(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        mine, other = await stage.fire(), await stage.fire("smoke-3")
        await send(stage, mine, turned())
        kept = stage.desk.engine.incidents[mine.id].photos[0]

        assert (await stage.client.get(f"{stage.path(other.id, 'ned')}/photo/{kept}")).status_code == 404
        assert (await stage.client.get(f"/a/x/photo/{kept}")).status_code == 400

    played(tmp_path, play)


def animated() -> bytes:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    written = BytesIO()
    frames[0].save(written, "WEBP", save_all=True, append_images=frames[1:], duration=100)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"<svg/>", 422),
        (picture("GIF"), 422),
        (picture(size=(900, 900), quality=95)[:2000], 422),
        (animated(), 422),
        (picture("PNG", (9_000, 9_000)), 413),
        (picture() + bytes(10 * 1024 * 1024), 413),
    ],
    ids=["empty", "svg", "gif", "truncated", "animated", "bomb", "large"],
)
def test_what_is_no_fit_photo_is_refused_in_words_and_nothing_is_kept(
    tmp_path: Path, content: bytes, status: int
) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        answered = await send(stage, incident, content)

        assert answered.status_code == status
        assert 'role="alert"' in answered.text
        assert not stage.desk.engine.incidents[incident.id].photos
        assert not await Photos(stage.desk.store).known(incident.id)

    played(tmp_path, play)


def test_photos_of_one_incident_and_of_all_are_bounded(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        for number in range(PHOTOS_MAX):
            assert (await send(stage, incident, picture(size=(10 + number, 9)))).status_code in (303, 429)
            stage.clock.now_ms += 10_000  # type: ignore[attr-defined]
        refused = await send(stage, incident, picture(size=(200, 9)))
        assert refused.status_code == 409
        assert len(await Photos(stage.desk.store).known(incident.id)) == PHOTOS_MAX

        small = Photos(stage.desk.store, bytes_max=2_500)
        for number in range(3):
            await small.keep("other", str(number), "ned", 10**15 + number, bytes(1_000))
        assert await small.known("other") == {"1", "2"}

    played(tmp_path, play)


def test_a_note_is_in_the_timeline_after_a_restart_and_calls_nobody(tmp_path: Path) -> None:
    async def write(stage: Scene) -> str:
        incident = await stage.fire()
        before = len(stage.desk.engine.notices)
        path = stage.path(incident.id, "ned")
        assert (await stage.client.post(f"{path}/note", data={"note": "door\x00 is <b>hot</b>"})).status_code == 303
        assert len(stage.desk.engine.notices) == before
        for bad in ("", " \n", "x" * (NOTE_CHARACTERS_MAX + 1)):
            refused = await stage.client.post(f"{path}/note", data={"note": bad})
            assert refused.status_code == 422 and 'role="alert"' in refused.text
        return incident.id

    incident_id = played(tmp_path, write)

    async def read(stage: Scene) -> None:
        assert stage.desk.engine.incidents[incident_id].notes == 1
        for page in (f"/incident/{incident_id}", stage.path(incident_id, "ned")):
            text = (await stage.client.get(page, headers=BEARER)).text
            assert "door is &lt;b&gt;hot&lt;/b&gt;" in text

    played(tmp_path, read)


def test_a_history_that_hangs_delays_the_page_by_half_a_second_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(stage: Scene) -> None:
        async def hangs(*_: object) -> list[tuple[int, float]]:
            await asyncio.sleep(60)
            return []

        incident = await stage.fire()
        monkeypatch.setattr(stage.desk.history, "curve", hangs)
        began = asyncio.get_running_loop().time()
        page = await stage.client.get(stage.path(incident.id, "nora") + "?lang=en")
        assert asyncio.get_running_loop().time() - began < 2
        assert "the history cannot be read now" in page.text

    played(tmp_path, play)


async def pressed(stage: Scene, incident: Incident, headers: dict[str, str], csrf: str, answer: str) -> httpx.Response:
    form = {"answer": answer, "csrf": csrf}
    return await stage.client.post(f"/incident/{incident.id}?lang=en", data=form, headers=headers)


def test_whoever_has_signed_in_answers_by_the_same_buttons_and_nobody_else_for_them(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        ned = await stage.sign_in(person="ned")
        csrf = stage.csrf
        for answer, words in (
            ("going", "You are going"),
            ("arrived", "You have arrived"),
            ("cannot", "You have said that you cannot go"),
        ):
            assert (await pressed(stage, incident, ned, csrf, answer)).status_code == 303
            page = (await stage.client.get(f"/incident/{incident.id}?lang=en", headers=ned)).text
            assert words in page and f'value="{answer}" aria-current="true"' in page
        (mine,) = stage.desk.engine.incidents[incident.id].responses
        assert (mine.person, mine.answer.value) == ("ned", "cannot")

        await stage.sign_in(person="nora")
        assert (await pressed(stage, incident, ned, stage.csrf, "going")).status_code == 403  # of another's form
        assert (await pressed(stage, incident, ned, csrf, "dance")).status_code == 400
        assert mine == stage.desk.engine.incidents[incident.id].responses[0]

    played(tmp_path, play)


def test_two_who_say_at_once_that_it_is_over_end_it_once_and_both_are_told(tmp_path: Path) -> None:
    async def play(stage: Scene) -> None:
        incident = await stage.fire()
        both = []
        for person in ("nora", "carl"):
            both.append((await stage.sign_in(person=person), stage.csrf))
        answered = await asyncio.gather(
            *(pressed(stage, incident, headers, csrf, "stand-down") for headers, csrf in both)
        )
        statuses = sorted(each.status_code for each in answered)
        assert statuses in ([303, 303], [303, 409])
        assert all("Not done" in each.text for each in answered if each.status_code == 409)
        entries = await stage.desk.store.entries(incident.id, 100)
        assert [each.event for each in entries].count("stood-down") == 1
        assert stage.desk.engine.incidents[incident.id].stood_down_by in ("nora", "carl")

    played(tmp_path, play)
