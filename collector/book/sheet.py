"""A spreadsheet's CSV as rows: whatever it was saved as, and safe to open when it is ours.

Read: UTF-8 with or without a byte order mark, UTF-16 with one (Excel's "Unicode text"), GBK and GB18030; commas,
semicolons or tabs; a leading `sep=` line. Written: UTF-8 with a mark, which Excel needs to know it, commas, CRLF
(RFC 4180), and no cell that a spreadsheet would take for a formula (OWASP, CSV Injection).
"""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

BYTES_MAX = 2 * 1024 * 1024
ROWS_MAX = 5_000
COLUMNS_MAX = 60
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")


class NotASheet(ValueError):
    """The file cannot be read as a table; str() says in one sentence why, and what was expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank. `line`: of the file, from 1, where it begins."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Headers as they stand, and the rows below them."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str


def read_sheet(content: bytes) -> Sheet:
    """Raises NotASheet for what is too large, no text, no table or has no header."""
    if len(content) > BYTES_MAX:
        raise NotASheet(f"found {len(content)} bytes, expected at most {BYTES_MAX}")
    text, encoding = _decoded(content)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    skipped = 0
    if re.match(r"sep=.\n", text):
        text, skipped = text.partition("\n")[2], 1
    rows = list(_rows(text, _delimiter(text), skipped))
    if not rows:
        raise NotASheet("found an empty file, expected a row of headers")
    if len(rows) - 1 > ROWS_MAX:
        raise NotASheet(f"found {len(rows) - 1} rows, expected at most {ROWS_MAX}")
    return Sheet(rows[0].cells, tuple(rows[1:]), encoding)


def write_sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a file that spreadsheets open as it is meant."""
    lines = _Lines()
    csv.writer(lines, lineterminator="\r\n").writerows([[guarded(cell) for cell in row] for row in rows])
    return codecs.BOM_UTF8 + "".join(lines).encode()


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `unguarded` is its inverse."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell without the apostrophe that `guarded` has put there."""
    return cell[1:] if _GUARDED.match(cell) else cell


class _Lines(list[str]):
    """What a csv writer writes to."""

    def write(self, text: str) -> None:
        self.append(text)


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _as(content, encoding), encoding
    try:
        text = _as(content, "utf-8")
    except NotASheet:
        return _as(content, "gb18030"), "gb18030"
    if not _is_european(text):
        return text, "utf-8"
    # A few Chinese words in GBK are, by chance, letters in UTF-8 too: 桑小梅 is the same bytes as "ɣС÷".
    words = re.findall(r"[^\x00-\x7f]+", text)
    if all(_one_script(word) for word in words):
        return text, "utf-8"
    try:
        return _as(content, "gb18030"), "gb18030"
    except NotASheet:
        return text, "utf-8"


def _is_european(text: str) -> bool:
    """Whether there is anything beyond ASCII, and all of it below what Chinese is written in."""
    beyond = [letter for letter in text if letter > "\x7f"]
    return bool(beyond) and max(beyond) < "\u0800"


def _one_script(word: str) -> bool:
    """Whether a word's letters beyond ASCII are letters, all of one alphabet."""
    return len({unicodedata.name(letter, "?").partition(" ")[0] for letter in word}) == 1 and (
        unicodedata.name(word[0], "?").startswith(("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW")) and word.isalpha()
    )


def _as(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotASheet(f"found bytes that are no {encoding} text, expected UTF-8 or GBK") from error
    if "\x00" in text:
        raise NotASheet("found a file that is no text, expected CSV: save the spreadsheet as CSV UTF-8")
    return text


def _delimiter(text: str) -> str:
    """Whichever the header has most of."""
    header = next((line for line in text.split("\n") if line.strip()), "")
    return max((",", ";", "\t"), key=header.count)


def _rows(text: str, delimiter: str, skipped: int) -> Iterator[Row]:
    lines = (f"{line}\n" for line in text.split("\n"))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if len(cells) > COLUMNS_MAX and any(cell.strip() for cell in cells[COLUMNS_MAX:]):
                raise NotASheet(f"line {begins + skipped}: found {len(cells)} columns, expected at most {COLUMNS_MAX}")
            row = tuple(unguarded(cell.strip(" \u3000\xa0")) for cell in cells[:COLUMNS_MAX])
            if any(row):
                yield Row(begins + skipped, row)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise NotASheet(f"line {reader.line_num + skipped}: {error}, expected quotes that are closed") from error
