"""The part of the engine that keeps the book: each change is checked as a whole, kept, and true from then on.

What is kept lies over the site folder's people, teams and posts when the engine starts, so that a restart, or a new
engine after a failed commit, knows exactly what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from collector.book.book import Book, fitting, named
from collector.book.entries import REMOVABLE, SECTION_OF, BookEntry, Change, Section, key_of
from collector.commands import ChangeBook, Refused
from collector.part import Handler, Part
from collector.state import State
from config.people import Person, Team
from config.site import Site, roll_of

CHANGES_MAX = 10_000  # of one command
NAMED_MAX = 5  # mistakes, or entries, that one sentence names

OnChange = Callable[[set[str], set[str], int], None]


class Bookkeeper(Part):
    """Owns the book. `site` is the engine's own object, whose roll is adopted here and nowhere else."""

    def __init__(self, site: Site, state: State, on_change: OnChange) -> None:
        """`on_change` hears who may belong to a ring now, who has other addresses, and now."""
        self._site = site
        self._state = state
        self._on_change = on_change
        self.book, wrong = fitting(site.file, state.kept(BookEntry))
        self.left_out = tuple(named(mistake) for mistake in wrong)  # what no longer fits the folder, and why
        site.adopt(roll_of(self.book.file))

    def handlers(self) -> Mapping[type, Handler]:
        """See `Part`."""
        return {ChangeBook: self._change}

    def _change(self, command: ChangeBook, now: int) -> None:
        before = self.book
        _check_shape(before, command.changes)
        for change in command.changes:
            if change.expected is not None and change.expected != before.digest_of(change.section, change.name):
                what = key_of(change.section, change.name)
                raise Refused("changed-meanwhile", f"Somebody has changed {what} meanwhile: look at it again.")
        if command.expected is not None and command.expected != before.digest:
            raise Refused("changed-meanwhile", "The book has been changed meanwhile: look at the preview again.")
        after = before.changed(command.changes, command.by, now)
        wrong = [named(mistake) for mistake in after.mistakes() if not mistake.warning]
        if wrong:
            more = f" And {len(wrong) - NAMED_MAX} more." if len(wrong) > NAMED_MAX else ""
            raise Refused("bad-book", "This does not fit: " + "; ".join(wrong[:NAMED_MAX]) + "." + more)
        keys = [key_of(change.section, change.name) for change in command.changes]
        keys = [key for key in keys if before.entries.get(key) != after.entries.get(key)]
        if keys:
            self._adopt(after, keys, command.by, now)

    def drop(self, entry: BookEntry) -> None:
        """An entry that says only that somebody was removed is forgotten; the folder must not name them."""
        self._state.forget(entry)
        left = {key: each for key, each in self.book.entries.items() if key != entry.id}
        self.book = Book(self.book.seed, left)

    def _adopt(self, after: Book, keys: list[str], by: str, now: int) -> None:
        before, self.book = self.book, after
        kept = self._state.kept(BookEntry)
        for key in keys:
            if key in after.entries:
                self._state.keep(after.entries[key])
            elif key in kept:
                self._state.forget(kept[key])
        shown = ", ".join(keys[:NAMED_MAX]) + (f" and {len(keys) - NAMED_MAX} more" if len(keys) > NAMED_MAX else "")
        self._state.log(now, "book-changed", facts=[("by", by or "-"), ("entries", shown)])
        if self.left_out:
            self.left_out = tuple(named(mistake) for mistake in fitting(self._site.file, kept)[1])
        self._site.adopt(roll_of(after.file))
        self._on_change(after.touched_by(keys), set(_moved(before, after, keys)), now)


def _check_shape(book: Book, changes: Iterable[Change]) -> None:
    """Raise Refused unless each change is of a thing that can be put, and no two are of the same."""
    seen: set[str] = set()
    changes = tuple(changes)
    if not 0 < len(changes) <= CHANGES_MAX:
        raise Refused("bad-book", f"Between 1 and {CHANGES_MAX} changes can be made at once.")
    for change in changes:
        key, value = key_of(change.section, change.name), change.value
        if key in seen:
            raise Refused("bad-book", f"{key} is changed twice.")
        seen.add(key)
        if change.section not in REMOVABLE and book.folder_value(change.section, change.name) is None:
            raise Refused("unknown-entry", f"The site folder has no {key}.")
        if value is None:
            gone = book.value(change.section, change.name) is None and key not in book.entries
            if gone:
                raise Refused("unknown-entry", f"There is no {key}.")
            if not change.to_folder and change.section not in REMOVABLE:
                raise Refused("bad-book", f"{key} cannot be removed, only changed.")
        elif SECTION_OF[type(value)] is not change.section:
            raise Refused("bad-book", f"{key} cannot be a {type(value).__name__}.")
        elif isinstance(value, Person | Team) and value.id != change.name:
            raise Refused("bad-book", f"{key} has the id {value.id!r}: an id never changes.")


def _moved(before: Book, after: Book, keys: Iterable[str]) -> Iterable[str]:
    """Who has other addresses than before."""
    for key in keys:
        section, _, name = key.partition("/")
        if section != Section.PERSON:
            continue
        old, new = before.value(Section.PERSON, name), after.value(Section.PERSON, name)
        if isinstance(old, Person) and isinstance(new, Person) and old.channels != new.channels:
            yield name
