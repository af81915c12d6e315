"""One incident in full, for whoever has signed in; and the notes and photos of it, also by answer link.

Whoever is called has the same facts and buttons here as on the answer page, and the whole timeline.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from collector.access.actor import Actor, Right
from collector.alarms.incident import Answer, Incident
from collector.alerter.api import detail
from collector.alerter.catalogue import say
from collector.alerter.forms import read_form
from collector.alerter.front import Front, InFront
from collector.alerter.onspot import on_spot
from collector.alerter.pages import answer
from collector.alerter.pages.overview import card_of
from collector.alerter.pictures import PHOTO_BYTES_MAX, PhotoFault, PhotoRefused
from collector.alerter.problems import Rejected
from collector.alerter.replies import by_link, command_of, sentence_of
from collector.alerter.rights import needs
from collector.commands import Noted, Photographed, Refused
from collector.storage.store import StoreFailed
from config.people import Language, Person

CURVES_MAX = 4
_STATUS = {PhotoFault.TOO_LARGE: 413, PhotoFault.BUSY: 503}  # else 422
_NOTHING_OFFERED = dict.fromkeys(("may_stand_down", "may_say_false", "may_need_more", "may_free", "may_reset"), False)

router = APIRouter(include_in_schema=False)


class _NotDone(Exception):
    """A note or photo that was not taken; `sentence` says why."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        self.sentence = sentence
        super().__init__(sentence)


# --- signed in ----------------------------------------------------------------------------------------


@router.api_route("/incident/{incident_id}", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def incident(request: Request, front: InFront, incident_id: str) -> Response:
    """Facts, answers, notices with their reasons, timeline; buttons for who may answer."""
    return await _page(request, front, incident_id)


@router.post("/incident/{incident_id}", dependencies=[needs(Right.ANSWER)])
async def press(request: Request, front: InFront, incident_id: str) -> Response:
    """A button was pressed by whoever is signed in."""
    found = await _seen(front, incident_id)
    form = await read_form(request, front.actor, fields_max=4)
    command = command_of(str(form.get("answer", "")), found.id, _person(front).id)
    language = front.language(request)
    if command is None:
        return await _page(request, front, incident_id, say(language, "bad-answer-text"), 400)
    try:
        await front.act(command)
    except Refused as refused:
        return await _page(request, front, incident_id, sentence_of(refused, language), 409)
    return RedirectResponse(f"/incident/{found.id}", 303)


@router.post("/incident/{incident_id}/note", dependencies=[needs(Right.ANSWER)])
async def note(request: Request, front: InFront, incident_id: str) -> Response:
    """Something was written down."""
    found = await _seen(front, incident_id)
    form = await read_form(request, front.actor, fields_max=4)
    text = str(form.get("note", ""))
    try:
        await _note(front, found, _person(front), text, front.language(request), front.actor)
    except _NotDone as error:
        return await _page(request, front, incident_id, error.sentence, error.status, text)
    return RedirectResponse(f"/incident/{found.id}#sightings", 303)


@router.post("/incident/{incident_id}/photo", dependencies=[needs(Right.ANSWER)])
async def photo(request: Request, front: InFront, incident_id: str) -> Response:
    """A photo was sent."""
    found = await _seen(front, incident_id)
    form = await read_form(request, front.actor, fields_max=4, files_max=1)
    try:
        await _photo(front, found, _person(front), form, front.language(request), front.actor)
    except _NotDone as error:
        return await _page(request, front, incident_id, error.sentence, error.status)
    finally:
        await form.close()
    return RedirectResponse(f"/incident/{found.id}#sightings", 303)


@router.api_route("/incident/{incident_id}/photo/{photo_id}", methods=["GET", "HEAD"], dependencies=[needs(Right.SEE)])
async def picture(front: InFront, incident_id: str, photo_id: str) -> Response:
    """A photo, for whoever may see the incident."""
    return await _picture(front, await _seen(front, incident_id), photo_id)


# --- by answer link -----------------------------------------------------------------------------------


@router.post("/a/{token}/note")
async def note_by_link(request: Request, front: InFront, token: str) -> Response:
    """Something was written down by whoever has the link."""
    found = await _by_link(request, front, token)
    if isinstance(found, Response):
        return found
    said = await request.form(max_files=0, max_fields=4)
    text, language = str(said.get("note", "")), front.language(request, front.desk.site.language_of(found[1]))
    try:
        await _note(front, *found, text, language, by_link(found[1]))
    except _NotDone as error:
        return await answer.page(request, front, *found, error.sentence, error.status, text)
    return RedirectResponse(f"/a/{token}?lang={language}#sightings", 303)


@router.post("/a/{token}/photo")
async def photo_by_link(request: Request, front: InFront, token: str) -> Response:
    """A photo was sent by whoever has the link."""
    found = await _by_link(request, front, token)
    if isinstance(found, Response):
        return found
    language = front.language(request, front.desk.site.language_of(found[1]))
    form = await request.form(max_files=1, max_fields=4)
    try:
        await _photo(front, *found, form, language, by_link(found[1]))
    except _NotDone as error:
        return await answer.page(request, front, *found, error.sentence, error.status)
    finally:
        await form.close()
    return RedirectResponse(f"/a/{token}?lang={language}#sightings", 303)


@router.api_route("/a/{token}/photo/{photo_id}", methods=["GET", "HEAD"])
async def picture_by_link(request: Request, front: InFront, token: str, photo_id: str) -> Response:
    """A photo of the incident that a link is for."""
    found = await answer.opened(request, front, token)
    return found if isinstance(found, Response) else await _picture(front, found[0], photo_id)


# --- inside -------------------------------------------------------------------------------------------


async def _note(front: Front, incident: Incident, person: Person, text: str, language: Language, by: Actor) -> None:
    try:
        await front.desk.act(Noted(incident.id, person.id, text), by=by)
    except Refused as refused:
        raise _NotDone(422 if refused.reason == "bad-note" else 409, sentence_of(refused, language)) from refused
    except StoreFailed as error:
        raise _NotDone(503, say(language, "not-saved-text")) from error


async def _photo(
    front: Front, incident: Incident, person: Person, form: FormData, language: Language, by: Actor
) -> None:
    """Kept first, then told to the engine: a photo without its line in the timeline is seen by nobody."""
    sent = form.get("photo")
    try:
        if not isinstance(sent, UploadFile) or not sent.size:
            raise PhotoRefused(PhotoFault.MISSING)
        if sent.size > PHOTO_BYTES_MAX:
            raise PhotoRefused(PhotoFault.TOO_LARGE)
        made = await front.darkroom.read(sent.file)
    except PhotoRefused as refused:
        raise _NotDone(_STATUS.get(refused.fault, 422), say(language, f"photo-{refused.fault}")) from refused
    try:
        await front.photos.keep(incident.id, made.id, person.id, front.clock(), made.jpeg)
        try:
            await front.desk.act(Photographed(incident.id, person.id, made.id), by=by)
        except Refused as error:
            if made.id not in incident.photos:
                await front.photos.forget(incident.id, made.id)
            raise _NotDone(409, sentence_of(error, language)) from error
    except StoreFailed as error:
        raise _NotDone(503, say(language, "not-saved-text")) from error


async def _picture(front: Front, incident: Incident, photo_id: str) -> Response:
    jpeg = await front.photos.get(incident.id, photo_id) if photo_id in incident.photos else None
    if jpeg is None:
        raise Rejected(404, "not-found", "there is no such photo, or it is no longer kept")
    headers = {"Cache-Control": "private, max-age=86400, immutable", "Content-Disposition": "inline"}
    return Response(jpeg, headers=headers, media_type="image/jpeg")


async def _by_link(request: Request, front: Front, token: str) -> tuple[Incident, Person] | Response:
    found = await answer.opened(request, front, token)
    if isinstance(found, Response):
        return found
    incident, person = found
    if not front.answer_pace.allows(f"{incident.id} {person.id}", front.clock()):
        language = front.language(request, front.desk.site.language_of(person))
        return answer.plain(front, language, 429, "too-many", again=True)
    return incident, person


async def _seen(front: Front, incident_id: str) -> Incident:
    """An incident that whoever asks may see. Raises Rejected."""
    await detail(front, incident_id)
    found = await front.incident(incident_id)
    if found is None:
        raise Rejected(404, "unknown-incident", f"there is no incident {incident_id!r}")
    return found


def _person(front: Front) -> Person:
    person = front.desk.site.people.get(front.actor.person or "")
    if person is None:
        raise Rejected(403, "not-yourself", "only somebody on the site's list can answer")
    return person


async def _page(
    request: Request, front: Front, incident_id: str, refused: str | None = None, status: int = 200, note: str = ""
) -> Response:
    language = front.language(request)
    try:
        shown = await detail(front, incident_id)
        found = await front.incident(incident_id)
    except Rejected:
        return front.pages.plain(language, front.now(), 404, "not-found", "not-found-text")
    except StoreFailed:
        return front.pages.plain(language, front.now(), 503, "not-read", "not-read-text")
    assert found is not None
    conditions = card_of(shown).conditions
    facts = await on_spot(front, found, conditions, language, CURVES_MAX)
    facts |= _mine(request, front, found)
    return front.pages.page(
        "incident.html",
        language,
        front.now(),
        status,
        incident=shown,
        refused=refused,
        note=note,
        base=f"/incident/{found.id}",
        building=front.desk.site.buildings.get(found.building) if front.actor.may(Right.ANSWER) else None,
        **facts,
    )


def _mine(request: Request, front: Front, incident: Incident) -> dict[str, Any]:
    """What the person who is signed in has answered, and may say."""
    person = front.desk.site.people.get(front.actor.person or "")
    if person is None or not front.actor.may(Right.ANSWER) or not incident.open:
        return {"answers": (), "mine": None, **_NOTHING_OFFERED}
    link = urlsplit(front.links.answer_url(incident.id, person.id, front.clock())).path
    mine = next((each.answer.value for each in incident.responses if each.person == person.id), None)
    return {
        "answers": tuple(each.value for each in Answer),
        "mine": mine,
        "link": link,
        "kept_words": answer.kept_words(front.language(request)),
        **answer.offered(front, incident, person),
    }
