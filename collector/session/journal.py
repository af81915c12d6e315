"""The host's account of one edge node's journal: each record counts once, and is acknowledged once it is committed.

An alarm is judged on arrival, whatever is missing before it; a record that may end a condition waits for
the earlier positions of the alarm lane. Methods append effects, in the order to carry them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from collector.session.account import HELD_MAX, LaneAccount, Positions
from collector.session.effects import Acknowledge, Count, Counts, Effect, Floor, Judge, Owing, Repeat, Trouble
from config.words import Commit, Edge, Lane, Reading, Report

ACCOUNTS_MAX = 64  # accounts (epoch and lane) of one edge node kept in memory; the oldest is forgotten


class Journal:
    """Both lanes of the journal in use (`epoch`), and what is known of earlier ones. See `EdgeSession`."""

    def __init__(
        self,
        edge: Edge,
        restored: Mapping[tuple[str, Lane], Positions],
        may_return: Callable[[Report], bool],
        commit_ms: int,
    ) -> None:
        self.epoch: str | None = None
        self._edge = edge
        self._may_return = may_return
        self._commit_ms = commit_ms
        self._accounts = {key: LaneAccount(known, known.copy()) for key, known in restored.items()}
        self._counted: dict[Lane, Counts] = {}
        self._commit_after = 0
        self._commit_wanted = False
        self._owes: bool | None = None
        self._mismatched = True  # as may still be known of it from before a restart: its first birth takes that back

    def born(self, epoch: str | None, effects: list[Effect]) -> None:
        """The node's birth names the journal in use, None if it keeps none."""
        self.epoch = epoch
        self._counted.clear()
        self._owes = None
        if self._mismatched:
            self._mismatched = False
            effects.append(Trouble(self._part, False, "the gateway has been born anew"))

    def take(self, report: Report, now: int, effects: list[Effect]) -> None:
        """One journal record: count its position once, judge it, and keep it or hold it back."""
        lane, position = report.lane, report.position
        assert report.epoch is not None and lane is not None and position is not None
        account = self._account(report.epoch, lane)
        if position in account.heard:
            self._repeat(report, account, now, effects)
            return
        behind_a_hole = position > account.heard.upto + 1
        waits = behind_a_hole and lane is Lane.ALARM and self._may_return(report)
        if (behind_a_hole and account.heard.full) or (waits and len(account.held) >= HELD_MAX):
            # Not counted and not acknowledged: the sender will say it again, and what rises counts now.
            effects += [Count("too-many-holes"), Judge(report, complete=False, keep=False)]
            return
        account.heard.add(position)
        account.note_check(position, report.check)
        if waits:
            account.held[position] = report
            effects.append(Judge(report, complete=False, keep=False))
        else:
            effects.append(Judge(report, complete=True, keep=True))
        effects += [Judge(held, complete=True, keep=True) for held in account.released()]

    def stored(self, reports: Iterable[Report], now: int, effects: list[Effect]) -> None:
        """These records are committed: an alarm is acknowledged at once, telemetry at most once in `commit_ms`."""
        at_once = False
        for report in reports:
            if report.position is None or report.lane is None or report.epoch is None:
                continue
            account = self._account(report.epoch, report.lane)
            account.stored.add(report.position)
            if report.epoch == self.epoch:
                self._commit_wanted = True
                at_once = at_once or report.lane is Lane.ALARM
        if self._commit_wanted and (at_once or now >= self._commit_after):
            self._acknowledge(now, effects)

    def mismatch(self, report: Report, effects: list[Effect]) -> None:
        """A repeat says something else than what is committed: trouble, but never a lost fire."""
        self._mismatched = True
        text = f"position {report.position} of the {report.lane} lane came again with other content"
        effects.append(Count("mismatch"))
        effects.append(Trouble(self._part, True, text))
        effects.append(Judge(report, complete=False, keep=False))

    def take_floors(self, floors: Mapping[Lane, int], effects: list[Effect]) -> None:
        """What is missing below a floor is declared dropped, and what waited for it waits no longer."""
        if self.epoch is None:
            return
        for lane, floor in floors.items():
            account = self._account(self.epoch, lane)
            if floor - 1 > account.stored.upto:
                account.heard.fill_below(floor)
                account.stored.fill_below(floor)
                effects.append(Floor(self._edge, self.epoch, lane, floor))
                effects += [Judge(held, complete=True, keep=True) for held in account.released()]

    def take_account(self, reading: Reading, now: int, effects: list[Effect]) -> bool:
        """True if the reading is of the journal's own account (a floor, a count), which is then taken in."""
        if self.epoch is None or reading.name not in _ACCOUNT_METRICS:
            return False
        lane, name = _ACCOUNT_METRICS[reading.name]
        value = reading.value
        if not isinstance(value, int):
            return True
        if name == "floor":
            self.take_floors({lane: value}, effects)
            return True
        known = self._counted.get(lane) or Counts(self._edge, self.epoch, lane, None, None, None, now)
        if name == "appended":
            known = replace(known, appended=value)
        elif name == "dropped":
            known = replace(known, dropped=value)
        else:
            known = replace(known, in_journal=value)
        self._counted[lane] = known
        return True

    def say_counts(self, now: int, effects: list[Effect]) -> None:
        """The gateway's own counts as they stand after a message that carried some."""
        effects += [replace(self._counted[lane], heard_ms=now) for lane in Lane if lane in self._counted]

    def say_owing(self, effects: list[Effect]) -> None:
        """Owing: a hole in the alarm lane, or more appended than heard while the journal is not empty."""
        owes = False
        if self.epoch is not None:
            heard, counted = self._account(self.epoch, Lane.ALARM).heard, self._counted.get(Lane.ALARM)
            owes = heard.has_hole
            if counted is not None and counted.appended is not None and counted.in_journal:
                owes = owes or counted.appended > heard.highest
        if owes != self._owes:
            self._owes = owes
            effects.append(Owing(self._edge, owes))

    def wake(self, now: int, effects: list[Effect]) -> None:
        """Acknowledge what waited for the telemetry pace."""
        if self._commit_wanted and now >= self._commit_after:
            self._acknowledge(now, effects)

    def wake_at(self) -> int | None:
        """When an acknowledgement is due, None if none waits."""
        return self._commit_after if self._commit_wanted else None

    @property
    def _part(self) -> str:
        return f"gateway:{self._edge.node}:check"

    def _repeat(self, report: Report, account: LaneAccount, now: int, effects: list[Effect]) -> None:
        assert report.position is not None
        effects.append(Count("repeat"))
        if report.position not in account.checks:
            effects.append(Repeat(report))
        elif account.checks[report.position] != report.check:
            self.mismatch(report, effects)
        elif report.position in account.stored:
            # The sender has not heard our acknowledgement.
            self.stored((report,), now, effects)

    def _account(self, epoch: str, lane: Lane) -> LaneAccount:
        account = self._accounts.get((epoch, lane))
        if account is None:
            if len(self._accounts) >= ACCOUNTS_MAX:
                del self._accounts[next(iter(self._accounts))]
            account = self._accounts[epoch, lane] = LaneAccount()
        return account

    def _acknowledge(self, now: int, effects: list[Effect]) -> None:
        self._commit_wanted, self._commit_after = False, now + self._commit_ms
        if self.epoch is not None:
            lanes = {lane: self._account(self.epoch, lane).stored.committed() for lane in Lane}
            effects.append(Acknowledge(self._edge, Commit(self.epoch, lanes)))


_ACCOUNT_METRICS = {
    metric: (lane, name)
    for lane in Lane
    for metric, name in (
        (lane.floor_metric, "floor"),
        (lane.count_metric("Appended"), "appended"),
        (lane.count_metric("Dropped"), "dropped"),
        (lane.count_metric("InJournal"), "in_journal"),
    )
}
