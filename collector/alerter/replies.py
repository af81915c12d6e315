"""What a phone says by itself: from a notification's button, or later, when it has a line again. JSON, by answer link.

The link is the same as the answer page's (`pages/answer.py`) and all that is needed; no session, no cookie. A phone
tells by its own clock when the button was pressed and when it sends: only the difference counts, for that clock may
be wrong.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from collector.access.actor import Actor, Right
from collector.alarms.incident import Answer, Incident, Word
from collector.alerter.catalogue import knows, say
from collector.alerter.front import Front, InFront
from collector.alerter.links import LinkFault, LinkRefused
from collector.alerter.models import Shape
from collector.alerter.problems import Rejected, problem
from collector.commands import Answered, Command, FalseAlarm, Freed, NeedMore, Refused, Reset, StandDown
from config.people import Language, Person

FREED = "freed:"  # before the elevator's id
AT_ONCE_MS = 2_000  # a word that is no older was said over a line, and simply counts from now
WORD_CHARACTERS_MAX = 100
STATUS_OF_LINK = {LinkFault.MALFORMED: 400, LinkFault.FORGED: 403, LinkFault.EXPIRED: 410}
_STAMP_MAX = 2**53  # what a script of a page can say exactly

router = APIRouter(include_in_schema=False)


class Said(Shape):
    """A pressed button. Both times are UTC ms by the phone's clock; without them it was said just now."""

    answer: str = Field(min_length=1, max_length=WORD_CHARACTERS_MAX)
    said_at_ms: int | None = Field(None, ge=0, le=_STAMP_MAX)
    sent_at_ms: int | None = Field(None, ge=0, le=_STAMP_MAX)


@router.post("/a/{token}/answer")
async def reply(request: Request, front: InFront, token: str, body: Said) -> Response:
    """200 with a sentence for the person; 409 with one if it was refused; 4xx: no use in sending it again."""
    incident, person = await _opened(request, front, token)
    language = front.desk.site.language_of(person)
    if not front.answer_pace.allows(f"{incident.id} {person.id}", front.clock()):
        raise Rejected(429, "too-many", say(language, "too-many-text"))
    command = command_of(body.answer, incident.id, person.id, _said_at_ms(body, front.clock()))
    if command is None:
        raise Rejected(422, "bad-answer", say(language, "bad-answer-text"))
    try:
        await front.desk.act(command, by=by_link(person))
    except Refused as refused:
        return problem(409, refused.reason, sentence_of(refused, language))
    text = say(language, f"sent-{body.answer}") if knows(f"sent-{body.answer}") else say(language, "sent-other")
    return JSONResponse({"answer": body.answer, "text": text})


def by_link(person: Person) -> Actor:
    """Whoever holds somebody's answer link: it is all they need, and all they have."""
    return Actor("link", person.name, frozenset({Right.ANSWER}), person=person.id, buildings=frozenset())


def note_refused(request: Request, front: Front, refused: LinkRefused) -> None:
    """Count and log an answer link that was none; the link itself is written down nowhere."""
    front.refusals.note("answer-link", refused.reason, request.client.host if request.client else None)


def command_of(pressed: str, incident: str, person: str, said_at_ms: int | None = None) -> Command | None:
    """What a button means that somebody pressed, now or (UTC ms) a while ago; None for one that there is not."""
    if pressed == "stand-down":
        return StandDown(incident, person, said_at_ms)
    if pressed == "reset":
        return Reset(incident, person, said_at_ms)
    if pressed.startswith(FREED):
        return Freed(incident, person, pressed.removeprefix(FREED), said_at_ms)
    if pressed == Word.FALSE_ALARM:
        return FalseAlarm(incident, person, said_at_ms)
    if pressed == Word.NEED_MORE:
        return NeedMore(incident, person, said_at_ms)
    return Answered(incident, person, Answer(pressed), said_at_ms) if pressed in set(Answer) else None


def sentence_of(refused: Refused, language: Language) -> str:
    """Why something was not done, for the person who wanted it."""
    key = f"refused-{refused.reason}"
    return say(language, key if knows(key) else "refused-other")


async def _opened(request: Request, front: Front, token: str) -> tuple[Incident, Person]:
    """What the link opens. Raises Rejected with a sentence in the community's language, for nobody is known yet."""
    language = front.desk.site.community.language
    try:
        link = front.links.read(token, front.clock())
    except LinkRefused as refused:
        note_refused(request, front, refused)
        key = f"link-{refused.reason.value}"
        raise Rejected(STATUS_OF_LINK[refused.reason], key, say(language, f"{key}-text")) from refused
    person, incident = front.desk.site.people.get(link.person), await front.incident(link.incident)
    if person is None or incident is None:
        raise Rejected(404, "link-gone", say(language, "link-gone-text"))
    return incident, person


def _said_at_ms(body: Said, now: int) -> int | None:
    """When it was said, by our clock. A phone whose clock was set back since gives a time to come: refused later."""
    if body.said_at_ms is None or body.sent_at_ms is None:
        return None
    ago_ms = body.sent_at_ms - body.said_at_ms
    return None if 0 <= ago_ms <= AT_ONCE_MS else now - ago_ms
