"""A spreadsheet of people, teams or posts as changes of the book: each mistake by line and column, and what changes.

Nothing is changed here. What is not in the file stays as it is unless whoever imports asks to remove it; of a row only
the columns that the file has are changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from collector.book.book import Book, named
from collector.book.columns import Table
from collector.book.entries import Change
from collector.book.rows import Fault, Rows
from collector.book.sheet import read_sheet

FAULTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do. With faults, nothing: `changes` is empty then. Names are ids, in the file's order."""

    table: Table
    file: str  # the digest of its bytes
    book: str  # of the book that it was compared with
    rows: int
    encoding: str
    faults: tuple[Fault, ...] = ()
    faults_more: int = 0
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: int = 0
    missing: tuple[str, ...] = ()  # in the book and not in the file
    removed: tuple[str, ...] = ()  # of these, what would be removed
    warnings: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def preview(book: Book, table: Table, content: bytes, remove_missing: bool = False) -> Preview:
    """Compare a file with the book. Raises NotASheet for what is no table at all."""
    sheet = read_sheet(content)
    reading = Rows(book, table, sheet)
    reading.read()
    changes = [change for change in reading.changes() if change.value != book.value(change.section, change.name)]
    missing, removed = reading.missing(), list[Change]()
    if remove_missing and table in (Table.PEOPLE, Table.TEAMS):
        removed = [Change(reading.section, name) for name in missing]
    all_changes = (*changes, *removed)
    warnings: list[str] = []
    if not reading.faults and all_changes:
        after, known = book.changed(all_changes), {named(each) for each in book.mistakes()}
        for mistake in after.mistakes():
            if not mistake.warning:
                line = reading.lines.get(mistake.file, 0)
                field_name = named(mistake).partition(": found ")[0]
                reading.faults.append(Fault(line, field_name, mistake.found, mistake.expected))
            elif named(mistake) not in known:
                warnings.append(named(mistake))
    faults = sorted(set(reading.faults))
    fresh = [change.name for change in changes if book.value(change.section, change.name) is None]
    return Preview(
        table=table,
        file=hashlib.sha256(content).hexdigest(),
        book=book.digest,
        rows=len(sheet.rows),
        encoding=sheet.encoding,
        faults=tuple(faults[:FAULTS_MAX]),
        faults_more=max(0, len(faults) - FAULTS_MAX),
        new=tuple(fresh),
        changed=tuple(change.name for change in changes if change.name not in set(fresh)),
        unchanged=len(reading.values) - len(changes),
        missing=tuple(missing),
        removed=tuple(change.name for change in removed),
        warnings=tuple(warnings[:FAULTS_MAX]),
        changes=() if faults else all_changes,
    )
