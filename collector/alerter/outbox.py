"""The notices that are due and in which order each channel gets them: alarms before all else. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from collector.agenda import Agenda
from collector.calls.dispatch import Notice
from collector.storage.records import Attempt

Rank = tuple[bool, int, bool, int, bool, str]


@dataclass(slots=True)
class Job:
    """A notice that is due, and what has become of it. `attempts` oldest first."""

    notice: Notice
    attempts: list[Attempt]
    not_before_ms: int = 0  # what the channel asked for
    under_way: bool = False
    told: bool = False  # the engine knows that it could not be delivered so far
    limited: bool = False  # its channel's limit has stopped it
    turn: tuple[str, Rank] | None = None  # its channel, and its place in the line there
    in_line: bool = False

    @property
    def wanting(self) -> bool:
        """True if a sending is due that no channel has taken."""
        return self.notice.due > max((each.sending for each in self.attempts if each.handed_over_at_ms), default=0)


class Outbox:
    """A line for each channel, and a list of what is to join its line later. A change costs a logarithm."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self._lines: dict[str, list[tuple[Rank, str]]] = {}
        self._later: Agenda[str] = Agenda()

    def put(self, job: Job, channel: str, rank: Rank, at_ms: int, now: int) -> None:
        """Let a job go over a channel in its turn, not before this time."""
        if job.turn != (channel, rank):
            job.turn, job.in_line = (channel, rank), False
        if at_ms > now:
            job.in_line = False
            self._later.set(job.notice.id, at_ms)
        elif not job.in_line:
            self._join(job, channel, rank)

    def next_at(self) -> int | None:
        """When something joins its line."""
        return self._later.next_at()

    def lines(self, now: int) -> list[str]:
        """The channels in whose lines somebody may stand, once everybody has joined whose time has come."""
        for notice in self._later.due(now):
            job = self.jobs.get(notice)
            if job is not None and job.turn is not None and not job.in_line:
                self._join(job, *job.turn)
        return [channel for channel, line in self._lines.items() if line]

    def first(self, channel: str) -> Job | None:
        """Who is first in a channel's line."""
        line = self._lines.get(channel, [])
        while line:
            rank, notice = line[0]
            job = self.jobs.get(notice)
            if job is not None and job.in_line and job.turn == (channel, rank) and job.wanting and not job.under_way:
                return job
            heappop(line)
            if job is not None and job.turn == (channel, rank):
                job.in_line = False
        return None

    def leave(self, job: Job) -> None:
        """Whoever is first in their line leaves it."""
        if job.turn is not None:
            heappop(self._lines[job.turn[0]])
        job.in_line = False

    def _join(self, job: Job, channel: str, rank: Rank) -> None:
        job.in_line = True
        heappush(self._lines.setdefault(channel, []), (rank, job.notice.id))
