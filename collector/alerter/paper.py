"""A report as PDF (reportlab, BSD): A4, with text that can be searched and copied.

The Chinese font is STSong-Light, one of those that every PDF reader brings along or replaces by its own (ISO 32000-1,
9.7.5.2: predefined CMap UniGB-UCS2-H); it is not in the file, which so has a few kilobytes and needs no font here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, KeepTogether, LongTable, Paragraph, SimpleDocTemplate, Spacer

from collector.alerter.incidentreport import Figure, Report, Table
from collector.alerter.plate import Plate
from config.people import Language

FONT = "STSong-Light"
WAITING_MAX = 4  # reports, the one that is being made included
_MARGIN = 16 * mm
_FIGURE_WIDTH = 120 * mm
_PHOTO_MAX = 120 * mm  # two of them on a page
_LANGUAGE = {"zh": "zh-CN", "en": "en"}


class PressBusy(Exception):
    """Too many reports are being made already."""


class Press:
    """Makes one PDF at a time, in a thread of its own: an alarm must not wait for paper."""

    def __init__(self) -> None:
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
        self._turn = asyncio.Lock()
        self._inside = 0

    async def print(self, report: Report, language: Language, photos: Mapping[str, bytes]) -> bytes:
        """See `pdf`. Raises PressBusy."""
        if self._inside >= WAITING_MAX:
            raise PressBusy
        self._inside += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(pdf, report, language, photos)
        finally:
            self._inside -= 1


def pdf(report: Report, language: Language, photos: Mapping[str, bytes]) -> bytes:
    """The report as a PDF file; `photos`: JPEGs by their id. Takes seconds of a Pi's time: not for the event loop."""
    text = _style(language, 9)
    story: list[Flowable] = [Paragraph(_clean(report.title), _style(language, 15, 6))]
    story.append(Paragraph(_clean(report.mark), _style(language, 11, 6)))
    story.append(_grid([[_cell(label, text), _cell(fact, text)] for label, fact in report.facts], (0.25, 0.75)))
    for figure in report.figures:
        story += _figure(figure, text, _style(language, 11, 3))
    for table in report.tables:
        story += _table(table, language)
    for photo in report.photos:
        if photo.id in photos:
            story.append(_photo(photos[photo.id], photo.caption, text))
    story.append(Spacer(0, 5 * mm))
    story.append(_grid([[_cell(label, text), _cell(count, text)] for label, count in report.counts], (0.5, 0.5)))
    story += [Spacer(0, 3 * mm), Paragraph(_clean(report.foot), text)]

    def foot(canvas: Canvas, document: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.drawString(_MARGIN, 9 * mm, _plain(report.title)[:90])
        canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, str(document.page))

    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=_plain(report.title),
        author="Callpoint",
        lang=_LANGUAGE[language],
    )
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return written.getvalue()


def _figure(figure: Figure, text: ParagraphStyle, head: ParagraphStyle) -> list[Flowable]:
    drawn = [Plate(figure.svg, FONT, _FIGURE_WIDTH)] if figure.svg else []
    parts = [Paragraph(_clean(figure.title), head), *drawn, Paragraph(_clean(figure.text), text)]
    return [Spacer(0, 4 * mm), KeepTogether(parts)]


def _photo(jpeg: bytes, caption: str, text: ParagraphStyle) -> Flowable:
    picture = Image(BytesIO(jpeg))
    scale = min(_PHOTO_MAX / picture.imageWidth, _PHOTO_MAX / picture.imageHeight)
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
    picture.hAlign = "LEFT"
    return KeepTogether([Spacer(0, 4 * mm), picture, Paragraph(_clean(caption), text)])


def _table(table: Table, language: Language) -> list[Flowable]:
    text, head = _style(language, 8), _style(language, 11, 3)
    parts: list[Flowable] = [Spacer(0, 4 * mm), Paragraph(_clean(table.heading), head)]
    if table.rows:
        rows = [[_cell(each, text) for each in row] for row in (table.columns, *table.rows)]
        parts.append(_grid(rows, _shares(table), head=1))
    else:
        parts.append(Paragraph(_clean(table.none), text))
    if table.more:
        parts.append(Paragraph(_clean(table.more), text))
    return parts


def _shares(table: Table) -> tuple[float, ...]:
    """Of the page's width, by the longest text of each column; none gets less than a word or more than half."""
    widths = []
    for index, heading in enumerate(table.columns):
        longest = max(_width(text) for text in (heading, *(row[index] for row in table.rows)))
        widths.append(min(max(longest + 2, 8), 40))
    return tuple(width / sum(widths) for width in widths)


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text[:80])


def _grid(rows: list[list[Paragraph]], shares: tuple[float, ...], head: int = 0) -> LongTable:
    width = A4[0] - 2 * _MARGIN
    grid = LongTable(rows, colWidths=[width * share for share in shares], repeatRows=head, splitInRow=1)
    style: list[Any] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    if head:
        style.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, colors.black))
    grid.setStyle(style)
    return grid


def _cell(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(_clean(text), style)


def _style(language: Language, size: float, after: float = 0) -> ParagraphStyle:
    wrap = "CJK" if language == "zh" else None
    return ParagraphStyle(
        f"{language}-{size}-{after}",
        fontName=FONT,
        fontSize=size,
        leading=size * 1.35,
        spaceAfter=after,
        wordWrap=wrap,
        splitLongWords=1,
    )


def _clean(text: str) -> str:
    """Text for a paragraph, whose markup is XML."""
    return escape(_plain(text))


def _plain(text: str) -> str:
    """Without what no font has and no PDF may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
