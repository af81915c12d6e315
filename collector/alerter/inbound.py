"""Replies by SMS and by a phone's keys, as a provider's webhook brings them: 1 going, 0 cannot, 2 arrived.

Whose number it is counts, by the addresses on the site's list, and the newest open call to them is meant. Whoever has
several is told which one was taken and the code of each other one: "1 47" goes there. An unknown number is counted
and told nothing. A message that comes twice changes nothing: with a signed stamp it is judged by when
it was sent, and the newest word of a person stands.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.alerter.catalogue import say
from collector.alerter.front import Front, InFront
from collector.alerter.problems import Rejected
from collector.alerter.replies import by_link, sentence_of
from collector.calls.dispatch import Notice
from collector.commands import Answered, Refused
from config.inbound import Inbound
from config.people import Language, Person
from config.site import Site

STAMP_WITHIN_S = 300
FIELDS_MAX = 60
_ID_CHARACTERS_MAX = 200
_AROUND = " .。,!#*-"
_WORDS: Mapping[str, Answer] = {
    **dict.fromkeys(("1", "去", "我去", "going"), Answer.GOING),
    **dict.fromkeys(("0", "不去", "去不了", "我去不了", "cannot"), Answer.CANNOT),
    **dict.fromkeys(("2", "到了", "我到了", "已到", "arrived"), Answer.ARRIVED),
}
_CODED = re.compile(r"(.*?[^0-9]|[012])[ #*-]*([0-9]{2})")
_OTHERS_MAX = 3  # of a reply that is to be read on an old phone
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{4,24}")

router = APIRouter(include_in_schema=False)


@router.post("/api/v1/inbound/{road}")
async def inbound(request: Request, front: InFront, road: Literal["sms", "voice"]) -> Response:
    """One reply. Answers with what the provider is to send or say back, "" for nothing."""
    provider, secret = front.desk.site.plan.inbound.get(road), front.inbound_secrets.get(road)
    client = request.client.host if request.client else None
    if provider is None or secret is None:
        raise Rejected(404, "not-found", f"this site takes no replies by {road}")
    body = await request.body()
    try:
        said_at_ms = _proven(request, provider, secret, body, front.clock())
    except Rejected as rejected:
        front.refusals.note(f"inbound-{road}", rejected.reason, client)
        raise
    fields = _fields(request, body)
    number, text = fields.get(provider.number, ""), fields.get(provider.text, "")
    if not number:
        raise Rejected(422, "bad-reply", f"field {provider.number!r}: expected the caller's phone number")
    found = _asked(front, people_of(front.desk.site, number))
    if found is None:
        front.refusals.note(f"inbound-{road}", "unknown-number", client)
        return _back(provider, "")
    number_of_it = fields.get(provider.message_id or "", "")[:_ID_CHARACTERS_MAX]
    if not number_of_it:
        return _back(provider, await _answered(front, *found, text, said_at_ms))
    key = f"{road} {normal(number)} {number_of_it}"
    async with front.repeats.turn:  # delivered twice at one moment, too, it is one message
        told = front.repeats.answer(key, front.clock())
        if told is not None:
            front.refusals.note(f"inbound-{road}", "repeated", client)
            return _back(provider, told)
        told = await _answered(front, *found, text, said_at_ms)
        front.repeats.keep(key, told, front.clock())
    return _back(provider, told)


def meaning(text: str) -> tuple[Answer | None, str]:
    """What a reply says, in digits of any width or in words, and the code of a call; (None, "") for anything else."""
    plain = unicodedata.normalize("NFKC", text[:40]).strip(_AROUND).lower()
    coded = _CODED.fullmatch(plain)
    word, code = (coded[1].strip(_AROUND), coded[2]) if coded else (plain, "")
    answer = _WORDS.get(word)
    return (None, "") if answer is None else (answer, code)


def codes_of(calls: Sequence[str]) -> dict[str, str]:
    """A code of two digits for each call by its id; the older keep theirs when another one comes."""
    found: dict[str, str] = {}
    for call in sorted(calls):  # the ids are in the order of time
        wanted = zlib.crc32(call.encode()) % 90
        free = (str((wanted + step) % 90 + 10) for step in range(90))
        found[call] = next((code for code in free if code not in found.values()), "")
    return found


def normal(number: str) -> str | None:
    """A phone number by its digits alone, without China's own prefix; None for what is none."""
    plain = unicodedata.normalize("NFKC", number[:40]).strip()
    if not _NUMBER.fullmatch(plain):
        return None
    digits = re.sub(r"\D", "", plain).removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits


def people_of(site: Site, number: str) -> list[Person]:
    """Whose number it is."""
    known = normal(number)
    if known is None:
        return []
    return [each for each in site.people.values() if any(normal(address.to) == known for address in each.channels)]


def _asked(front: Front, people: list[Person]) -> tuple[Person, list[Incident]] | None:
    """Whose reply it is, and the open calls to them, what it is meant for first; of several: who was asked last."""
    engine, ids = front.desk.engine, {each.id for each in people}
    told = [each for each in engine.notices.values() if each.person in ids and each.incident in engine.incidents]
    if not told:
        return (people[0], []) if len(people) == 1 else None

    def weight(notice: Notice) -> tuple[bool, bool, int, str]:
        """A bare word is meant for what is real before it is meant for a drill."""
        live = engine.incidents[notice.incident].route.mode is not Mode.DRILL
        return notice.expects_answer, live, notice.created_at_ms, notice.id

    newest = max(told, key=weight)
    asked = sorted((each for each in told if each.person == newest.person), key=lambda each: each is not newest)
    calls = dict.fromkeys(notice.incident for notice in asked)
    return front.desk.site.people[newest.person], [engine.incidents[each] for each in calls]


async def _answered(front: Front, person: Person, calls: list[Incident], text: str, said_at_ms: int | None) -> str:
    language, (answer, code) = front.desk.site.language_of(person), meaning(text)
    if not calls:
        return say(language, "inbound/no-call")
    codes = codes_of([each.id for each in calls])
    incident = next((each for each in calls if codes[each.id] == code), None) if code else calls[0]
    if answer is None or incident is None:
        return say(language, "inbound/unclear") + _others(front, calls if len(calls) > 1 else [], codes, language)
    try:
        await front.desk.act(Answered(incident.id, person.id, answer, said_at_ms), by=by_link(person))
    except Refused as refused:
        return say(language, "inbound/not-done", why=sentence_of(refused, language))
    said = _named(front, incident, language, f"inbound/{answer}")
    return said + _others(front, [each for each in calls if each is not incident], codes, language)


def _named(front: Front, incident: Incident, language: Language, key: str, **more: str) -> str:
    drill = say(language, "inbound/drill") if incident.route.mode is Mode.DRILL else ""
    where = front.view.where(incident.building).building_name
    return drill + say(language, key, what=say(language, incident.kind.value), where=where, **more)


def _others(front: Front, calls: Sequence[Incident], codes: Mapping[str, str], language: Language) -> str:
    named = [
        " " + _named(front, each, language, "inbound/other", code=codes[each.id])
        for each in calls[:_OTHERS_MAX]
        if codes[each.id]
    ]
    return "".join(named)


def _proven(request: Request, provider: Inbound, secret: str, body: bytes, now: int) -> int | None:
    """When it was sent, UTC ms, where that is signed. Raises Rejected for what the provider did not send now."""
    given = request.headers.get(provider.header, "").encode()
    if provider.proof == "secret":
        if not hmac.compare_digest(given, secret.encode()):
            raise Rejected(401, "bad-secret", f"header {provider.header}: not the secret that was agreed")
        return None
    stamp = request.headers.get(provider.stamp_header, "")
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    if not hmac.compare_digest(given.removeprefix(b"sha256="), wanted):
        raise Rejected(401, "bad-secret", f"header {provider.header}: not the signature of this body and stamp")
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(now // 1000 - int(stamp)) > STAMP_WITHIN_S:
        raise Rejected(401, "stale", f"header {provider.stamp_header}: not within {STAMP_WITHIN_S} s of now")
    return min(int(stamp) * 1000, now)


def _fields(request: Request, body: bytes) -> dict[str, str]:
    """The fields of a form or of a JSON object; numbers as their digits."""
    try:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            said = json.loads(body)
            if not isinstance(said, dict):
                raise ValueError("expected a JSON object")
            return {name: str(value) for name, value in said.items() if isinstance(value, str | int)}
        return {name: values[0] for name, values in parse_qs(body.decode(), True, max_num_fields=FIELDS_MAX).items()}
    except (ValueError, RecursionError) as error:
        raise Rejected(422, "bad-reply", f"body: expected a form or a JSON object ({error})") from error


def _back(provider: Inbound, text: str) -> Response:
    if provider.reply == "json":
        return JSONResponse({"text": text})
    if provider.reply == "text":
        return Response(text, media_type="text/plain; charset=utf-8")
    inside = f"<Message>{escape(text)}</Message>" if text else ""
    return Response(f"<Response>{inside}</Response>", media_type="application/xml")
