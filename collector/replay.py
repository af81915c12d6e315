"""`callpoint replay`: a recorded stream through the sessions and the engine, in virtual time. The same file, the same
decisions.

What is decided counts as committed at once. Nothing is sent, and nobody answers but the people in the recording.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from collector.alarms.incident import Answer
from collector.calls.dispatch import Reason
from collector.calls.pulse import gateway_of
from collector.commands import Acknowledge, Answered, Command, PulseHandedOver, Refused, Reset, StandDown, SystemTrouble
from collector.engine import Engine
from collector.messages.reasons import sentence, stamp
from collector.recording import Act, BadLine, Line, Message, read_line
from collector.session.edge import EdgeSession
from collector.session.effects import Count, Effect, Judge, Owing, Presence, Repeat, Trouble
from collector.state import Decision
from config.document import Mistakes
from config.loader import load_site
from config.site import Site
from config.sparkplug import WireError
from config.wire import decode
from config.words import Birth, Data, Death, Edge, Lane, Report

Key = tuple[Edge, str | None, Lane | None, int | None]


@dataclass(frozen=True, slots=True)
class Decided:
    """What one moment of the recording led to. `refused`: a person's act that was not allowed, and why."""

    at_ms: int
    decision: Decision
    refused: str | None = None


class Replay:
    """A collector without a disk, a network or a clock."""

    def __init__(self, site: Site, start_ms: int) -> None:
        self.now = start_ms
        self.odd: Counter[str] = Counter()  # what could not be judged, and other things that were odd
        self.engine = Engine(site, None, start_ms)
        group = site.community.id
        self._sessions = {
            edge: EdgeSession(edge, {}, self.engine.may_return)
            for edge in (Edge(group, gateway) for gateway in site.gateways)
        }
        self._kept: dict[Key, int | None] = {}  # records that count as stored, with their check values
        self._decided: list[Decided] = []

    def take(self, line: Line) -> Iterator[Decided]:
        """Let time pass up to a line, and take it. A stamp before the last one is of a clock set back: now."""
        while (at_ms := self._wake_at()) is not None and at_ms <= line.at_ms:
            self.now = max(self.now, at_ms)
            self._wake()
            yield from self._taken()
        self.now = max(self.now, line.at_ms)
        if isinstance(line, Message):
            self._hear(line)
        elif isinstance(line, Act):
            self._act(line)
        yield from self._taken()

    # --- inside ---------------------------------------------------------------------------------------

    def _wake_at(self) -> int | None:
        times = [self.engine.wake_at(), *(session.wake_at() for session in self._sessions.values())]
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    def _wake(self) -> None:
        for session in self._sessions.values():
            self._carry(session, session.wake(self.now))
        self._note(self.engine.wake(self.now))

    def _hear(self, line: Message) -> None:
        try:
            message = decode(line.topic, line.payload)
        except WireError:
            self.odd["garbage"] += 1
            return
        if not isinstance(message, Birth | Data | Death):
            return  # what was said to gateways, and of hosts
        session = self._sessions.get(message.edge)
        if session is None:
            self.odd["unknown-node"] += 1
        else:
            self._carry(session, session.hear(message, self.now))

    def _act(self, line: Act) -> None:
        incident = next(
            (
                each.id
                for each in self.engine.incidents.values()
                if (each.kind, each.building) == (line.kind, line.building)
            ),
            "none",
        )
        try:
            self._note(self.engine.act(_command(line, incident), self.now))
        except Refused as refused:
            self._decided.append(Decided(self.now, Decision(), f"{line.person} {line.does}: {refused}"))

    def _carry(self, session: EdgeSession, effects: Iterable[Effect]) -> None:
        """Carry out effects in order; records that are kept count as stored after them."""
        stored: list[Report] = []
        for effect in effects:
            if isinstance(effect, Judge):
                self._note(self.engine.feed(effect.report, self.now, effect.complete))
                if effect.keep:
                    self._kept[_key(effect.report)] = effect.report.check
                    stored.append(effect.report)
            elif isinstance(effect, Presence | Owing):
                self._note(self.engine.feed(effect, self.now))
            elif isinstance(effect, Trouble):
                self._note(self.engine.act(SystemTrouble(effect.part, effect.active, effect.text), self.now))
            elif isinstance(effect, Repeat):
                self._recall(session, effect.report)
            elif isinstance(effect, Count):
                self.odd[effect.name] += 1
        if stored:
            self._carry(session, session.stored(stored, self.now))

    def _recall(self, session: EdgeSession, report: Report) -> None:
        """A repeat whose check value its session has forgotten."""
        key = _key(report)
        if key not in self._kept:
            self._carry(session, (Judge(report, complete=True, keep=True),))
        elif self._kept[key] == report.check:
            self._carry(session, session.stored((report,), self.now))
        else:
            self._carry(session, session.mismatch(report))

    def _note(self, decision: Decision) -> None:
        if not decision.empty:
            self._decided.append(Decided(self.now, decision))
        for notice in decision.notices:  # what is decided counts as committed and handed over
            if notice.reason is Reason.PULSE and notice.superseded_at_ms is None:
                self._note(self.engine.act(PulseHandedOver(gateway_of(notice), notice.call), self.now))

    def _taken(self) -> list[Decided]:
        taken, self._decided = self._decided, []
        return taken


def _key(report: Report) -> Key:
    return report.edge, report.epoch, report.lane, report.position


def _command(line: Act, incident: str) -> Command:
    if line.does == "acknowledge":
        return Acknowledge(incident, line.person)
    if line.does == "reset":
        return Reset(incident, line.person)
    if line.does == "stand-down":
        return StandDown(incident, line.person)
    return Answered(incident, line.person, Answer(line.does))


def run(file: Path, folder: Path, as_json: bool) -> int:
    """Replay a recording and print what was decided, and why. 0: done, 1: the file or the site cannot be used."""
    try:
        site, lines = load_site(folder), file.open(encoding="utf-8")
    except Mistakes as mistakes:
        print(mistakes, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"callpoint replay: {error}", file=sys.stderr)
        return 1
    with lines:
        try:
            _print(site, lines, as_json)
        except (BadLine, UnicodeDecodeError) as error:
            print(f"callpoint replay: {file}: {error}", file=sys.stderr)
            return 1
    return 0


def _print(site: Site, lines: Iterable[str], as_json: bool) -> None:
    replay: Replay | None = None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = read_line(text)
        except BadLine as error:
            raise BadLine(f"line {number}: {error}") from error
        replay = replay or Replay(site, line.at_ms)
        for decided in replay.take(line):
            if as_json:
                print(json.dumps(asdict(decided), ensure_ascii=False, default=str))
            else:
                for said in _lines_of(decided, site):
                    print(said)
    if replay is not None and not as_json:
        for incident in replay.engine.incidents.values():
            print(f"open at the end: {incident.kind} in {incident.building or 'the community'}, {incident.id}")
        odd = (replay.odd + Counter(replay.engine.counts)).most_common()
        if odd:
            print("odd: " + ", ".join(f"{count} x {name}" for name, count in odd))


def _lines_of(decided: Decided, site: Site) -> Iterator[str]:
    at = stamp(decided.at_ms, site.zone)
    if decided.refused is not None:
        yield f"{at}  refused: {decided.refused}"
    yield from (f"{at}  {sentence(entry)}" for entry in decided.decision.entries)
