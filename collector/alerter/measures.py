"""Disablements and walk tests under /api/v1, and what the pages show of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi import APIRouter

from collector.access.actor import Right
from collector.alarms.measures import Disablement, Scope, WalkTest, buildings_covered, to_prove
from collector.alerter.api import CHANGING, READING, Id
from collector.alerter.front import Front, InFront
from collector.alerter.measureshapes import (
    DISABLEMENT,
    DISABLEMENTS,
    WALK_TEST,
    WALK_TESTS,
    DisablementList,
    DisablementShown,
    DisablementWanted,
    MemberShown,
    Renewal,
    WalkTestList,
    WalkTestShown,
    WalkTestWanted,
)
from collector.alerter.models import ByPerson, Where
from collector.alerter.openapi import answers
from collector.alerter.problems import Rejected
from collector.alerter.rights import must, needs
from collector.alerter.view import View
from collector.commands import Command, Disable, Enable, EndWalkTest, RenewDisablement, StartWalkTest
from collector.storage.kept import Kept

router = APIRouter(prefix="/api/v1", dependencies=[needs(Right.SEE)])


@router.get("/disablements", tags=["disablements"], responses=answers(200, DISABLEMENTS, *READING))
async def disablements(front: InFront) -> DisablementList:
    """Everything that is taken out of the call-out now."""
    return DisablementList(disablements=disablements_shown(front))


@router.post(
    "/disablements",
    dependencies=[needs(Right.MEASURE)],
    tags=["disablements"],
    status_code=201,
    responses=answers(201, DISABLEMENT, *CHANGING),
)
async def disable(front: InFront, body: DisablementWanted) -> DisablementShown:
    """Take a device, zone or building out of the call-out. For the building's leader, manager, and the contacts.

    What rises there is recorded; an alarm is told to who watches over it. An open alarm goes on.
    """
    _check(front, buildings_covered(front.desk.site, body.scope, body.target))
    item = await _act(front, Disable(body.scope, body.target, body.person, body.why, body.minutes, body.watch))
    assert isinstance(item, Disablement)
    return _disablement(front.view, item)


@router.post(
    "/disablements/{disablement_id}/renewal",
    dependencies=[needs(Right.MEASURE)],
    tags=["disablements"],
    responses=answers(200, DISABLEMENT, *CHANGING),
)
async def renew(front: InFront, disablement_id: Id, body: Renewal) -> DisablementShown:
    """It lasts so many minutes from now, a day at most."""
    _check(front, _buildings_of(front, disablement_id))
    item = await _act(front, RenewDisablement(disablement_id, body.person, body.minutes))
    assert isinstance(item, Disablement)
    return _disablement(front.view, item)


@router.post(
    "/disablements/{disablement_id}/end",
    dependencies=[needs(Right.MEASURE)],
    tags=["disablements"],
    responses=answers(200, DISABLEMENT, *CHANGING),
)
async def enable(front: InFront, disablement_id: Id, body: ByPerson) -> DisablementShown:
    """End it now. What is in alarm there calls at once and in full."""
    item = front.desk.engine.kept(Disablement).get(disablement_id)
    _check(front, _buildings_of(front, disablement_id))
    await front.act(Enable(disablement_id, body.person))
    if item is None:
        raise Rejected(404, "unknown-disablement", f"there is no disablement {disablement_id!r}")
    return _disablement(front.view, item, front.clock())


@router.get("/walk-tests", tags=["walk tests"], responses=answers(200, WALK_TESTS, *READING))
async def walk_tests(front: InFront) -> WalkTestList:
    """Walk tests under way, and the results of the last ones."""
    return WalkTestList(walk_tests=walk_tests_shown(front))


@router.post(
    "/walk-tests",
    dependencies=[needs(Right.MEASURE)],
    tags=["walk tests"],
    status_code=201,
    responses=answers(201, WALK_TEST, *CHANGING),
)
async def begin(front: InFront, body: WalkTestWanted) -> WalkTestShown:
    """The alarms of these devices go to this person alone. For leader, manager and contacts of each building.

    Everything else stays live, also the silence of what is tested.
    """
    tested = [(Scope.DEVICE, each) for each in body.devices] + ([(Scope.ZONE, body.zone)] if body.zone else [])
    for scope, target in tested:
        _check(front, buildings_covered(front.desk.site, scope, target))
    test = await _act(front, StartWalkTest(body.person, tuple(body.devices), body.minutes, body.zone))
    assert isinstance(test, WalkTest)
    return _walk_test(front.view, test)


@router.post(
    "/walk-tests/{walk_test_id}/end",
    dependencies=[needs(Right.MEASURE)],
    tags=["walk tests"],
    responses=answers(200, WALK_TEST, *CHANGING),
)
async def end(front: InFront, walk_test_id: Id, body: ByPerson) -> WalkTestShown:
    """End it now. What is in alarm there calls at once and in full."""
    _check(front, _buildings_of(front, walk_test_id))
    test = await _act(front, EndWalkTest(walk_test_id, body.person))
    assert isinstance(test, WalkTest)
    return _walk_test(front.view, test)


def disablements_shown(front: Front) -> list[DisablementShown]:
    """The next to end first."""
    found = [each for each in front.desk.engine.kept(Disablement).values() if front.sees(each.building)]
    return [_disablement(front.view, each) for each in sorted(found, key=lambda each: (each.until_ms, each.id))]


def walk_tests_shown(front: Front) -> list[WalkTestShown]:
    """The newest first."""
    found = [each for each in front.desk.engine.kept(WalkTest).values() if _sees_test(front, each)]
    return [_walk_test(front.view, each) for each in sorted(found, key=lambda each: each.id, reverse=True)]


def _sees_test(front: Front, test: WalkTest) -> bool:
    """True if any of what is tested stands where it may be seen; what has left the site stands nowhere."""
    devices = (front.desk.site.devices.get(member.partition(":")[0]) for member in test.members)
    return front.actor.buildings is None or any(
        each is not None and front.sees(each.place.building) for each in devices
    )


async def _act(front: Front, command: Command) -> Kept:
    """Carry out a command that keeps one thing of ours, and give that as it is then."""
    decision = await front.act(command)
    (item,) = (each for each in decision.kept if isinstance(each, Disablement | WalkTest))
    return item


def _check(front: Front, buildings: Iterable[str]) -> None:
    """403 unless whoever asks may take measures in all these buildings."""
    for each in buildings:
        must(front.actor, Right.MEASURE, each)


def _buildings_of(front: Front, name: str) -> set[str]:
    """Where a disablement or walk test is; nowhere if it is gone: that is the engine's to speak of."""
    kept = front.desk.engine.kept
    disabled, test = kept(Disablement).get(name), kept(WalkTest).get(name)
    found = {disabled.building} if disabled is not None else set()
    for member in test.members if test is not None else ():
        found |= buildings_covered(front.desk.site, Scope.DEVICE, member)
    return found


def _disablement(view: View, item: Disablement, ended_ms: int | None = None) -> DisablementShown:
    site, target = view.site, item.target
    named = {Scope.BUILDING: site.buildings.get(target), Scope.ZONE: site.zones.get(target)}.get(item.scope)
    device = site.devices.get(target.partition(":")[0]) if item.scope is Scope.DEVICE else None
    watch = item.watch or (device.watch if device is not None else None)
    return DisablementShown(
        id=item.id,
        scope=item.scope,
        target=target,
        name=named.name if named is not None else target,
        where=_where(view, target, item.building) if item.scope is Scope.DEVICE else view.where(item.building),
        person=view.who(item.person),
        why=item.why,
        begun_at=view.stamp(item.from_ms),
        ends_at=view.stamp(item.until_ms),
        ended_at=view.maybe(ended_ms),
        watch=view.who(watch) if watch is not None and watch in site.people else None,
    )


def _walk_test(view: View, test: WalkTest) -> WalkTestShown:
    alarm_at = {proof.member: proof.at_ms for proof in test.proofs}
    wanted = to_prove(view.site, test.members)
    return WalkTestShown(
        id=test.id,
        person=view.who(test.person),
        begun_at=view.stamp(test.from_ms),
        ends_at=view.stamp(test.until_ms),
        ended_at=view.maybe(test.ended_ms),
        tested=_members(view, list(alarm_at), alarm_at),
        not_tested=_members(view, [member for member in wanted if member not in alarm_at], alarm_at),
    )


def _members(view: View, members: Sequence[str], alarm_at: dict[str, int]) -> list[MemberShown]:
    return [
        MemberShown(member=each, where=_where(view, each, ""), alarm_at=view.maybe(alarm_at.get(each)))
        for each in members
    ]


def _where(view: View, member: str, building: str) -> Where:
    """Where a device or detector is; `building` for one that has left the site."""
    name, _, number = member.partition(":")
    device = view.site.devices.get(name)
    if device is None:
        return view.where(building)
    place = next((each.place for each in device.detectors if str(each.number) == number), device.place)
    found = view.where(place.building, name)
    return found.model_copy(update={"floor": place.floor, "flat": place.flat, "note": place.note})
