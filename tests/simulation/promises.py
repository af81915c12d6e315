"""What must be true of a town at the end of its day, whatever its people and its collector did."""

from __future__ import annotations

from collections.abc import Iterator

from collector.alarms.alarm import Phase
from collector.alarms.incident import Answer, Incident
from collector.alarms.route import Mode
from collector.alarms.verification import Stage
from collector.calls.dispatch import Reason, people_of
from collector.calls.notices import ANEW, LONG_MS
from config.profile import Condition, Kind
from tests.simulation.host import differences
from tests.simulation.town import CALM_MS, HAND_OVER_MAX_MS, START_MS, STORM_MS, Town

END_MS = START_MS + STORM_MS + CALM_MS
DOWN_MAX_MS = 30_000  # how long a collector is away after a crash
TOLD_WITHIN_MS = 2 * HAND_OVER_MAX_MS + 2_000
ASKED_WITHIN_MS = 450_000  # so long people take at most to be reached and to answer
HANDLED_MS = 30 * 60_000  # so long before, an incident that is still latched has called people


def no_fire_untold(town: Town) -> list[str]:
    """From every fire on somebody is sent a call of its building's fire, or has lately been sent one.

    Who walks a test is told, and asked nothing. Who calls it a false alarm, and may, before a call has gone out knows.
    """
    wrong = []
    for trip in town.diary.trips:
        if trip.point != "fire":
            continue
        building = town.site.devices[trip.device].place.building
        times = [
            sent.at_ms
            for sent in town.diary.sent
            if _is_of(town, sent.notice.incident, building, Kind.FIRE) and sent.notice.expects_answer
        ]
        times += [  # a test that has ended before its news went out needs none
            notice.created_at_ms
            for notice in town.store.notices.values()
            if _is_of(town, notice.incident, building, Kind.FIRE) and notice.reason is Reason.WALK_TEST
        ]
        times += [
            entry.at_ms
            for entry in town.store.entries
            if entry.event == "false-alarm" and entry.at_ms >= trip.begin_ms
            if _is_of(town, entry.incident or "", building, Kind.FIRE)
        ]
        away = sum(trip.begin_ms - DOWN_MAX_MS < crash < END_MS for crash in town.diary.crashes)
        latest = trip.begin_ms + TOLD_WITHIN_MS + away * (DOWN_MAX_MS + HAND_OVER_MAX_MS)
        before = trip.begin_ms - HANDLED_MS
        if not any(before <= at <= latest for at in times):
            wrong.append(f"nobody was called to {trip.device} at {trip.begin_ms}")
    return wrong


def no_trouble_told_as_fire(town: Town) -> list[str]:
    """Every alarm is of a device that truly said fire; what is told as a fire, of one that said that or pre-alarm."""
    wrong = []
    for _, alarm in town.store.versions:
        trips = [trip for trip in town.diary.trips if (trip.device, trip.point) == (alarm.device, "fire")]
        real = alarm.condition is Condition.ALARM and alarm.route.mode is not Mode.DRILL
        if real and not any(trip.begin_ms <= alarm.raised_at_ms for trip in trips):
            wrong.append(f"{alarm.key} was in alarm and never said fire")
    for sent in town.diary.sent:
        incident = town.store.incidents.get(sent.notice.incident)
        if incident is None or incident.kind is not Kind.FIRE or incident.route.mode is Mode.DRILL:
            continue
        places = {
            town.site.devices[trip.device].place.building
            for trip in town.diary.trips
            if trip.point in ("fire", "pre_alarm") and trip.begin_ms <= sent.at_ms
        }
        if incident.building not in places:
            wrong.append(f"{sent.notice.person} was called to a fire in {incident.building} that was none")
    return wrong


def nothing_is_told_twice(town: Town) -> list[str]:
    """Each sending of a notice goes out once, and one notice is made per person, call, reason and channel.

    A crash between two sendings of the same number excuses the second. Who is asked anew within a call is called as if
    for the first time, and asked once more ten minutes later at the earliest; so is who is asked about another hit.
    """
    wrong = []
    first: dict[tuple[str, int], int] = {}
    for sent in town.diary.sent:
        key = (sent.notice.id, sent.sending)
        if key in first and not any(first[key] <= crash <= sent.at_ms for crash in town.diary.crashes):
            wrong.append(f"sending {sent.sending} of {sent.notice.id} went to {sent.notice.person} twice")
        first[key] = sent.at_ms
    made: dict[tuple[str, str, int, str, int, int, int], str] = {}
    asked: dict[tuple[str, str, int], list[int]] = {}
    for notice in sorted(town.store.notices.values(), key=lambda each: each.id):
        if not notice.expects_answer:
            continue
        anew = asked.setdefault((notice.incident, notice.person, notice.call), [])
        if notice.reason is Reason.ASKED_AGAIN and anew and notice.created_at_ms < anew[-1] + LONG_MS:
            wrong.append(f"{notice.person} was asked again too soon, in {notice.id}")
        if notice.reason in ANEW:
            anew.append(notice.created_at_ms)
        hit_ms = notice.cause_at_ms if notice.reason is Reason.FIRST_HIT else 0
        place = (notice.incident, notice.person, notice.call, notice.reason, notice.channel, len(anew), hit_ms)
        other = made.setdefault(place, notice.id)
        if other != notice.id:
            wrong.append(f"{place} has two notices")
    return wrong


def quorum_is_pursued_to_the_end(town: Town) -> list[str]:
    """A call that was not ended has reached everybody of the plan, and has repeated what nobody answered."""
    wrong = []
    for incident in town.store.incidents.values():
        if not _calls_still(incident):
            continue
        plan = town.site.kind_plan(incident.kind)
        told = {n.person for n in town.store.notices.values() if n.incident == incident.id and n.call == incident.call}
        said = {each.person for each in incident.responses if each.call == incident.call}
        for ring in plan.rings:
            wanted = {person for person, _ in people_of(town.site, incident.building, ring.call)}
            if missing := wanted - told - said - town.diary.away:
                wrong.append(f"{sorted(missing)} of ring {ring.call} were never called to {incident.id}")
    return wrong


def no_fire_is_left_to_burn(town: Town) -> list[str]:
    """While it burns and too few are going, whoever is there has lately been asked, also who could not come.

    If somebody could not, those responsible have been told that nobody more comes.
    """
    wrong = []
    since = END_MS - LONG_MS - ASKED_WITHIN_MS
    for incident in town.store.incidents.values():
        if not (_calls_still(incident) and _burns_since(town, incident, since - LONG_MS)):
            continue
        notices = [n for n in town.store.notices.values() if (n.incident, n.call) == (incident.id, incident.call)]
        cannot = {each.person for each in incident.responses if each.call == incident.call and not each.counts}
        lately = {sent.notice.person for sent in town.diary.sent if sent.at_ms > since}
        lately |= {n.person for n in notices if max(n.created_at_ms, n.failed_at_ms or 0) > since}
        if forgotten := cannot - lately - town.diary.away:
            wrong.append(f"{sorted(forgotten)} could not come to {incident.id} and were not asked again")
        if cannot - town.diary.away and not any(notice.reason is Reason.NOBODY_COMES for notice in notices):
            wrong.append(f"nobody was told that nobody more comes to {incident.id}")
    return wrong


def latched_until_reset(town: Town) -> list[str]:
    """An alarm becomes normal only by a reset that a person asked for, then and there."""
    return [
        f"{alarm.key} became normal at {at} without a reset"
        for at, alarm in town.store.versions
        if alarm.condition is Condition.ALARM
        and alarm.route.mode in (Mode.LIVE, Mode.DISABLED)  # tests and drills end by themselves
        and alarm.phase is Phase.NORMAL
        and (alarm.incident, at) not in town.diary.resets
    ]


def what_was_aside_comes_back(town: Town) -> list[str]:
    """A fire that is still there when its disablement or walk test is over is called out in full."""
    wrong = []
    for alarm in town.store.alarms.values():
        if alarm.condition is Condition.ALARM and alarm.source_active and alarm.route.mode is not Mode.LIVE:
            wrong.append(f"{alarm.key} is still aside, long after every measure has ended")
    return wrong


def a_first_hit_never_stays_unanswered(town: Town) -> list[str]:
    """Long after a first hit its incident is called out in full, set aside by a person, or reset."""
    return [
        f"{incident.id} still waits for its first hit"
        for incident in town.store.incidents.values()
        if incident.open
        and incident.first_hit is not None
        and incident.first_hit.stage in (Stage.WAITING, Stage.INVESTIGATING)
        and incident.opened_at_ms < END_MS - 10 * 60_000
    ]


def stored_state_equals_replay(town: Town) -> list[str]:
    """What the present collector was given, given again to another one, ends in what the store holds."""
    again = town.make_engine(town.site, town.started_from, town.started_ms)
    for what, given, at in town.diary.inputs:
        town.replay_one(again, what, given, at)
    return differences(town.store.restored(), again)


PROMISES = (
    no_fire_untold,
    no_trouble_told_as_fire,
    nothing_is_told_twice,
    quorum_is_pursued_to_the_end,
    no_fire_is_left_to_burn,
    latched_until_reset,
    what_was_aside_comes_back,
    a_first_hit_never_stays_unanswered,
    stored_state_equals_replay,
)


def broken(town: Town) -> dict[str, list[str]]:
    """The promises that do not hold, with what is wrong."""
    return {promise.__name__: wrong for promise in PROMISES if (wrong := promise(town))}


def _is_of(town: Town, incident: str, building: str, kind: Kind) -> bool:
    found = town.store.incidents.get(incident)
    is_real = found is not None and found.route.mode is not Mode.DRILL
    return is_real and found is not None and (found.building, found.kind) == (building, kind)


def _calls_still(incident: Incident) -> bool:
    """True for a full call that nothing has ended, begun long enough before the end to have gone through its plan."""
    if not incident.open or not incident.full_call or incident.condition is not Condition.ALARM:
        return False
    if incident.route.mode is not Mode.LIVE:
        return False
    if incident.quorum_at_ms is not None or incident.stood_down_by is not None:
        return False
    return incident.call_started_at_ms < END_MS - STORM_MS // 2 and not any(_recent(incident))


def _burns_since(town: Town, incident: Incident, at_ms: int) -> bool:
    """True if a source of the incident has been in alarm from then to the end."""
    alarms = (alarm for alarm in town.store.alarms.values() if alarm.incident == incident.id)
    return any(a.condition is Condition.ALARM and a.source_active and a.heard_at_ms < at_ms for a in alarms)


def _recent(incident: Incident) -> Iterator[bool]:
    """Answers that may have changed the call just before the end."""
    for each in incident.responses:
        yield each.answer is not Answer.CANNOT and each.at_ms > END_MS - 600_000
