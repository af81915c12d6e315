"""What people, teams, shifts, rings and plans cannot see alone: who is missing, and what can never work.

A plan that cannot work as written is a mistake; one that works worse than it looks is a warning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from config.calendar import DAY_S, Calendar, Hours
from config.document import Document, Key
from config.people import Person, Shift, Team
from config.profile import Condition
from config.site import Building, KindPlan, Ring, SiteFile

Path = tuple[Key, ...]
TOLD_CLASSES = (Condition.ALARM, Condition.PRE_ALARM, Condition.SUPERVISORY, Condition.TROUBLE)
GAP_DAYS = 14
MONDAY = date(2026, 1, 5)  # where a roster is looked at if nothing in it says when it begins
NAMED_MAX = 3  # buildings that a warning names


def people_references(file: SiteFile) -> Iterator[tuple[Path, str, str]]:
    """Every id that people, shifts, absences and buildings' stations refer to: where, what kind, which."""
    for i, person in enumerate(file.people):
        if person.home is not None:
            yield ("people", i, "home"), "building", person.home
    for i, team in enumerate(file.teams):
        for j, shift in enumerate(team.shifts):
            for k, group in enumerate(shift.groups):
                for n, member in enumerate(group):
                    yield ("teams", i, "shifts", j, "groups", k, n), "person", member
    for i, absence in enumerate(file.absences):
        yield ("absences", i, "person"), "person", absence.person
        if absence.substitute is not None:
            yield ("absences", i, "substitute"), "person", absence.substitute
    for i, building in enumerate(file.buildings):
        if building.fire_station is not None:
            yield ("buildings", i, "fire_station"), "fire station", building.fire_station


def check_people(file: SiteFile, document: Document) -> None:
    """Note everything about people and plans that will not work, and what works worse than it looks."""
    _check_channels(file, document)
    for i, team in enumerate(file.teams):
        _check_shifts(team, ("teams", i, "shifts"), file.community.calendar, document)
    for i, absence in enumerate(file.absences):
        if absence.substitute == absence.person:
            document.mistake(("absences", i, "substitute"), repr(absence.person), "somebody else")
    for day in set(file.community.calendar.holidays) & set(file.community.calendar.working_days):
        document.mistake(("community", "calendar"), f"{day} as holiday and as worked", "one of the two")
    plans: list[tuple[Path, KindPlan]] = [(("plan", "default"), file.plan.default)]
    plans += [(("plan", "kinds", kind.value), plan) for kind, plan in file.plan.kinds.items()]
    for path, plan in plans:
        _check_rings(plan, path, file.community.calendar, document)
        _check_reach(plan, path, file, document)
    if file.plan.quiet is not None and _first_gap([file.plan.quiet.hours], _days([]), file.community.calendar) is None:
        document.mistake(
            ("plan", "quiet", "hours"), "hours without an end", "some time when news are told", warning=True
        )


# --- people ---------------------------------------------------------------------------------------


def _check_channels(file: SiteFile, document: Document) -> None:
    roles = _roles(file)
    for i, person in enumerate(file.people):
        for j, address in enumerate(person.channels):
            channel = file.channels.get(address.channel)
            path: Path = ("people", i, "channels", j)
            if channel is not None and channel.type == "webpush" and address.to:
                document.mistake((*path, "to"), repr(address.to), "nothing: every phone that the person has signed in")
            if channel is None or channel.type == "console" or address.to:
                continue
            if channel.type == "smtp":
                document.mistake(path, "no 'to'", "the person's mail address")
            elif channel.type == "apprise" and channel.url is None and channel.url_env is None:
                document.mistake(path, "no 'to'", "an Apprise URL here, or url_env at the channel")
        if person.id not in roles:
            document.mistake(("people", i), "a person without a task", "somebody whom a ring calls", warning=True)
        elif not _rings(file, person):
            expected = "one channel that makes a phone ring (rings: true at the channel)"
            document.mistake(("people", i, "channels"), "none that rings", expected, warning=True)


def _rings(file: SiteFile, person: Person) -> bool:
    """True if one of a person's channels makes a phone ring; what the site does not have is a mistake of its own."""
    channels = [file.channels.get(address.channel) for address in person.channels]
    return any(channel is None or channel.rings for channel in channels)


def _roles(file: SiteFile) -> set[str]:
    """Everybody whom something calls or tells."""
    roles = {*file.contacts, *(cell.person for cell in file.grid)}
    for team in file.teams:
        roles |= {team.leader, *team.members}
    for building in file.buildings:
        roles |= {building.manager or ""}
    roles |= {absence.substitute or "" for absence in file.absences}
    plans = (file.plan.default, *file.plan.kinds.values())
    if any(ring.call == "building" for plan in plans for ring in plan.rings):
        roles |= {person.id for person in file.people if person.home is not None}
    for gateway in file.gateways:
        for device in (device for bus in gateway.buses for device in bus.devices):
            roles |= {device.watch or "", (device.lift.contractor if device.lift else None) or ""}
    return roles


# --- shifts ---------------------------------------------------------------------------------------


def _check_shifts(team: Team, path: Path, calendar: Calendar, document: Document) -> None:
    seen: set[str] = set()
    for j, shift in enumerate(team.shifts):
        if shift.id in seen:
            document.mistake((*path, j, "id"), repr(shift.id), "an id of its own within the team")
        seen.add(shift.id)
        for k, group in enumerate(shift.groups):
            for n, person in enumerate(group):
                if person not in (team.leader, *team.members):
                    expected = f"the leader or a member of team {team.id!r}"
                    document.mistake((*path, j, "groups", k, n), repr(person), expected)
    if team.shifts:
        gap = _first_gap([shift.hours for shift in team.shifts], _days(team.shifts, calendar), calendar)
        if gap is not None:
            found = f"nobody on duty on {gap:%A %Y-%m-%d} from {gap:%H:%M}"
            document.mistake(path, found, "somebody at every hour, or a ring that knows of it", warning=True)


def _days(shifts: Iterable[Shift], calendar: Calendar | None = None) -> list[date]:
    """Two weeks from where a roster begins, and the days around those that its calendar names."""
    first = min((shift.first_day for shift in shifts if shift.first_day is not None), default=MONDAY)
    named = (*calendar.holidays, *calendar.working_days) if calendar is not None else ()
    around = {day + timedelta(days=number) for day in named for number in (0, 1)}
    return [*(first + timedelta(days=number) for number in range(GAP_DAYS)), *sorted(around)]


def _first_gap(hours: Iterable[Hours], days: Iterable[date], calendar: Calendar) -> datetime | None:
    """The first moment of these days, by the clock on the wall, that is in none of the hours."""
    hours = list(hours)
    for day in days:
        at, end = datetime.combine(day, time()), datetime.combine(day, time()) + timedelta(seconds=DAY_S)
        spans = [
            each.span_of(begin)
            for each in hours
            for begin in (day - timedelta(days=1), day)
            if each.begins_on(begin, calendar)
        ]
        for begins, ends in sorted(spans):
            if begins > at:
                break
            at = max(at, ends)
        if at < end:
            return at
    return None


# --- rings ----------------------------------------------------------------------------------------


def _check_rings(plan: KindPlan, path: Path, calendar: Calendar, document: Document) -> None:
    for k, ring in enumerate(plan.rings):
        here = (*path, "rings", k)
        untold = [condition.value for condition in ring.classes if condition not in TOLD_CLASSES]
        if untold:
            told = ", ".join(condition.value for condition in TOLD_CLASSES)
            document.mistake((*here, "classes"), ", ".join(untold), f"classes that people are told of: {told}")
        if ring.nearest is not None and ring.call != "neighbours":
            document.mistake((*here, "nearest"), f"nearest for {ring.call}", "it only for neighbours")
        if ring.classes and Condition.ALARM not in ring.classes and ring.after_s:
            found = f"{ring.after_s:g} s for a ring that is not called in an alarm"
            document.mistake((*here, "after_s"), found, "0: news of a lesser class go at once", warning=True)
    alarm = [ring for ring in plan.rings if _for_alarms(ring)]
    if not alarm:
        document.mistake((*path, "rings"), "no ring for alarms", "somebody to call in an alarm")
    elif all(ring.hours is not None for ring in alarm):
        gap = _first_gap([ring.hours for ring in alarm if ring.hours is not None], _days([]), calendar)
        if gap is not None:
            found = f"no ring on {gap:%A} at {gap:%H:%M}"
            document.mistake((*path, "rings"), found, "a ring at every hour; else only the contacts", warning=True)


def _check_reach(plan: KindPlan, path: Path, file: SiteFile, document: Document) -> None:
    """Is there somebody in each ring, and are there as many, and with such skills, as the plan asks for?"""
    members = _Members(file)
    belongs = {building.id: [members.of(ring, building) for ring in plan.rings] for building in file.buildings}
    for k, ring in enumerate(plan.rings):
        if not any(rings[k] for rings in belongs.values()):
            expected = "somebody in at least one building"
            document.mistake(
                (*path, "rings", k, "call"), f"{ring.call}, to which nobody belongs", expected, warning=True
            )
    skills = {person.id: person.skills for person in file.people}
    empty, few, unskilled = [], [], Counter[str]()
    for building, rings in belongs.items():
        own = set().union(*(people for ring, people in zip(plan.rings, rings, strict=True) if _for_alarms(ring)))
        everybody = own | set(file.contacts)
        if not own:
            empty.append(building)
        if len(everybody) < plan.quorum:
            few.append(building)
        for skill, count in plan.needs.items():
            unskilled[skill.value] += sum(skill in skills.get(person, ()) for person in everybody) < count
    if empty:
        expected = "somebody to call before the contacts"
        document.mistake((*path, "rings"), f"nobody to call in {_named(empty)}", expected, warning=True)
    if few:
        found = f"{plan.quorum}, more people than can be called in {_named(few)}"
        document.mistake((*path, "quorum"), found, "as many as there are", warning=True)
    for name, buildings in unskilled.items():
        if buildings:
            found = f"{name}, which too few of those called can do in {buildings} of {len(belongs)} buildings"
            document.mistake((*path, "needs"), found, "people near who have learnt it", warning=True)


class _Members:
    """Who belongs to which ring, on duty or not."""

    def __init__(self, file: SiteFile) -> None:
        self._contacts = set(file.contacts)
        self._teams = {team.id: {team.leader, *team.members} for team in file.teams}
        self._with_shifts = {team.id for team in file.teams if team.shifts}
        self._team_of = {building.id: building.team for building in file.buildings}
        self._cells = {cell.id: cell for cell in file.grid}
        self._homes: dict[str, set[str]] = {}
        for person in file.people:
            self._homes.setdefault(person.home or "", set()).add(person.id)
        standing = {team for team in self._team_of.values() if team is not None}
        self._anywhere = set[str]().union(*(self._teams.get(team, set()) for team in standing))

    def of(self, ring: Ring, building: Building) -> set[str]:
        """The ids of people; of the fire station's ring, the station's."""
        team = building.team or ""
        if ring.call == "contacts":
            return self._contacts
        if ring.call == "building":
            return self._homes.get(building.id, set())
        if ring.call == "team":
            return self._teams.get(team, set())
        if ring.call == "team-off-duty":
            return self._teams.get(team, set()) if team in self._with_shifts else set()
        if ring.call == "neighbours":
            named = {self._team_of.get(other) or "" for other in building.neighbours} - {team}
            people = set[str]().union(*(self._teams.get(other, set()) for other in named))
            return people if people and ring.nearest is None else self._anywhere - self._teams.get(team, set())
        one = building.manager if ring.call == "manager" else building.fire_station
        if ring.call in ("manager", "fire-station"):
            return {one} if one is not None else set()
        return self._responsible(building.cell, ring.call)

    def _responsible(self, cell: str | None, call: str) -> set[str]:
        found = set[str]()
        for _ in range(3):
            at = self._cells.get(cell or "")
            if at is None:
                break
            if f"grid-{at.level}" == call:
                found.add(at.person)
            cell = at.parent
        return found


def _for_alarms(ring: Ring) -> bool:
    """True for a ring that calls people in an alarm."""
    return ring.call != "fire-station" and (not ring.classes or Condition.ALARM in ring.classes)


def _named(buildings: list[str]) -> str:
    """The first few, and how many more."""
    more = len(buildings) - NAMED_MAX
    return ", ".join(buildings[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
