"""One's own phones for web push, under /api/v1/me: kept, listed, tried out and removed. Only ever one's own."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request

from collector.access.actor import Actor, Right
from collector.access.sessions import Session
from collector.alarms.incident import Incident
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.channels import Letter
from collector.alerter.channels.endpoints import BadEndpoint, check_endpoint
from collector.alerter.channels.push import WebPushChannel
from collector.alerter.channels.sealing import check_keys
from collector.alerter.front import Front, InFront
from collector.alerter.openapi import answers
from collector.alerter.phoneshapes import PHONES, PhoneList, PhoneShown, SubscriptionGiven
from collector.alerter.problems import Rejected
from collector.alerter.rights import InActor, needs
from collector.calls.dispatch import Notice, Reason
from collector.commands import Delivered
from collector.messages.message import describe
from collector.messages.sounds import Sound
from collector.storage.subscriptions import Subscription, id_of
from config.profile import Condition, Kind

_SYSTEMS = ("HarmonyOS", "Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))

router = APIRouter(prefix="/api/v1/me", dependencies=[needs(Right.ANSWER)])


@router.get("/subscriptions", tags=["people"], responses=answers(200, PHONES, *READING, 404))
async def phones(front: InFront, actor: InActor) -> PhoneList:
    """Your phones and computers that take push messages, oldest first."""
    return await _all(front, actor)


@router.post("/subscriptions", tags=["people"], status_code=201, responses=answers(201, PHONES, *CHANGING, 429))
async def subscribe(request: Request, front: InFront, actor: InActor, body: SubscriptionGiven) -> PhoneList:
    """This browser takes push messages for you from now on, and for nobody else. The same again changes nothing.

    Of more than eight the oldest goes.
    """
    person, push = person_of(actor), push_of(front)
    _check(body, push)
    before = {each.id: each for each in await push.subscriptions.of(person)}
    known = before.get(id_of(body.endpoint))
    if known is not None and (known.p256dh, known.auth, known.session) == (*_keys(body), session_of(request)):
        return await _all(front, actor)
    made = Subscription(
        id=id_of(body.endpoint),
        person=person,
        account=actor.account,
        session=session_of(request),
        device=device_of(request.headers.get("user-agent", "")),
        endpoint=body.endpoint,
        p256dh=body.keys.p256dh,
        auth=body.keys.auth,
        made_at_ms=front.clock() if known is None else known.made_at_ms,
    )
    await push.subscriptions.keep(made)
    return await _all(front, actor)


@router.post(
    "/subscriptions/{subscription_id}/test", tags=["people"], responses=answers(200, PHONES, *CHANGING, 429, 502)
)
async def test(front: InFront, actor: InActor, subscription_id: Id) -> PhoneList:
    """Send a test message to one of your phones; 200 once its push service has taken it."""
    await send_test(front, person_of(actor), subscription_id)
    return await _all(front, actor)


@router.delete("/subscriptions/{subscription_id}", tags=["people"], responses=answers(200, PHONES, *CHANGING))
async def remove(front: InFront, actor: InActor, subscription_id: Id) -> PhoneList:
    """This phone takes no push messages any more."""
    await forget(front, person_of(actor), subscription_id)
    return await _all(front, actor)


# --- for the pages, too ------------------------------------------------------------------------------


async def send_test(front: Front, person: str, subscription_id: str) -> None:
    """Raises Rejected: there is no such phone of theirs, too often, or its push service did not take it."""
    push = push_of(front)
    found = {each.id: each for each in await push.subscriptions.of(person)}.get(subscription_id)
    if found is None:
        raise Rejected(404, "unknown-phone", "there is no such phone of yours")
    if not front.answer_pace.allows(f"push-test {person}", front.clock()):
        raise Rejected(429, "too-many-tests", "too many tests; wait a minute")
    error = await push.send_to(found, _test_letter(front, person))
    if error is not None:
        raise Rejected(404 if error.personal else 502, "not-taken", error.reason)
    channels = front.desk.site.people[person].channels
    for index, address in enumerate(channels):
        if front.desk.site.channels[address.channel].type == "webpush":
            front.desk.tell(Delivered("", person, index, front.clock()))  # this address works


async def forget(front: Front, person: str, subscription_id: str) -> None:
    """Raises Rejected if there is no such phone of theirs."""
    if not await push_of(front).subscriptions.forget(subscription_id, person):
        raise Rejected(404, "unknown-phone", "there is no such phone of yours")


def person_of(actor: Actor) -> str:
    """Whom these phones belong to. Raises Rejected for an account that is no person of the site."""
    if actor.person is None:
        raise Rejected(404, "nobody", "this account is no person of the site, and is called to nothing")
    return actor.person


def push_of(front: Front) -> WebPushChannel:
    """The site's web push. Raises Rejected where it has none."""
    if front.web_push is None or not offers_push(front):
        raise Rejected(404, "no-push", "this site has no channel of type webpush")
    return front.web_push


def offers_push(front: Front) -> bool:
    """True if the site has web push."""
    has = any(channel.type == "webpush" for channel in front.desk.site.channels.values())
    return has and front.web_push is not None


def session_of(request: Request) -> str:
    """The session with which a phone's messages end; "" for a token."""
    session: Session | None = getattr(request.state, "session", None)
    return "" if session is None else session.id


def device_of(user_agent: str) -> str:
    """What a browser calls itself, in two words."""
    system = next((each for each in _SYSTEMS if each in user_agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    found = " · ".join(filter(None, (system.replace("Macintosh", "Mac"), browser)))
    return found or re.sub(r"[^\x20-\x7e]", "", user_agent)[:40] or "?"


def _check(body: SubscriptionGiven, push: WebPushChannel) -> None:
    try:
        check_endpoint(body.endpoint, push.local)
    except BadEndpoint as error:
        raise Rejected(422, "bad-endpoint", f"endpoint: {error}") from error
    try:
        check_keys(*_keys(body))
    except ValueError as error:
        raise Rejected(422, "bad-keys", f"keys: {error}") from error


def _keys(body: SubscriptionGiven) -> tuple[str, str]:
    return body.keys.p256dh, body.keys.auth


async def _all(front: Front, actor: Actor) -> PhoneList:
    push = push_of(front)
    theirs = await push.subscriptions.of(person_of(actor))
    return PhoneList(key=push.public_key, phones=[shown(front, each) for each in theirs])


def shown(front: Front, subscription: Subscription) -> PhoneShown:
    """A subscription without its secrets."""
    view = front.view
    return PhoneShown(
        id=subscription.id,
        device=subscription.device,
        made_at=view.stamp(subscription.made_at_ms),
        ok_at=view.maybe(subscription.ok_at_ms),
        failed_at=view.maybe(subscription.failed_at_ms),
        failures=subscription.failures,
    )


def _test_letter(front: Front, person: str) -> Letter:
    """The words of a test, as the engine's own tests have them; nothing of it is kept."""
    site, now = front.desk.site, front.clock()
    known, community = site.people[person], site.community
    incident = Incident("push-test", known.home or "", Kind.FAULT, now, now, False, condition=Condition.TEST)
    notice = Notice("push-test", incident.id, person, 0, Reason.TEST, 0, 1, now, now, now, expects_answer=False)
    return Letter(
        notice=notice.id,
        sending=1,
        community=community.id,
        community_name=community.name.get(community.language) or community.id,
        to="",
        name=known.name,
        words=describe(site, incident, [], notice, None, now),
        person=person,
        language=site.language_of(known),
        facts={"incident": incident.id, "sound": Sound.TEST.value},
    )
