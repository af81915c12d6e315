"""A drawing of `collector.drawings` on paper: the few elements of SVG that those drawings have, as PDF.

Only what we draw ourselves comes here, so anything else is a mistake of ours and raises ValueError; a library for all
of SVG would bring an XML and a CSS parser in C to a Pi for four elements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

_WORST = Color(0.75, 0.1, 0.1)  # what burns, and the limit of a curve; on grey paper it is thick or dashed besides
_COLOURS = {"curve-limit": _WORST, "section-floor fire": _WORST}
_THICK = {"curve-line": 2.0}
_STEP = re.compile(r"([MHV])([-\d. ]*)")


class Plate(Flowable):
    """An `svg` element with a viewBox, `width` points wide."""

    def __init__(self, svg: str, font: str, width: float) -> None:
        super().__init__()
        self._root = ElementTree.fromstring(svg)
        left, top, self._across, self._down = map(float, self._root.attrib["viewBox"].split())
        if left or top:
            raise ValueError("a drawing that does not begin at 0 0")
        self._font = font
        self._scale = width / self._across
        self.width, self.height = width, self._down * self._scale

    def wrap(self, aW: float, aH: float) -> tuple[float, float]:
        """Its size, whatever there is."""
        return self.width, self.height

    def draw(self) -> None:
        """Onto the canvas that reportlab has set."""
        canvas: Canvas = self.canv
        canvas.saveState()
        canvas.scale(self._scale, self._scale)
        for element in self._root:
            at = element.attrib
            canvas.saveState()
            canvas.setStrokeColor(_COLOURS.get(at.get("class", ""), Color(0, 0, 0, float(at.get("stroke-opacity", 1)))))
            canvas.setLineWidth(float(at.get("stroke-width", _THICK.get(at.get("class", ""), 1))))
            canvas.setDash([float(each) for each in at.get("stroke-dasharray", "").split()])
            if element.tag == "path":
                self._path(canvas, at["d"])
            elif element.tag == "rect":
                x, y, width, height = (float(at[name]) for name in ("x", "y", "width", "height"))
                canvas.rect(x, self._down - y - height, width, height)
            elif element.tag == "text":
                self._text(canvas, at, element.text or "")
            elif element.tag != "title":
                raise ValueError(f"a drawing with <{element.tag}>")
            canvas.restoreState()
        canvas.restoreState()

    def _path(self, canvas: Canvas, steps: str) -> None:
        path, x, y = canvas.beginPath(), 0.0, 0.0
        if "".join(whole for whole in (match[0] for match in _STEP.finditer(steps))) != steps:
            raise ValueError(f"a path with {steps!r}")
        for step, numbers in _STEP.findall(steps):
            given = [float(each) for each in numbers.split()]
            if step == "M":
                x, y = given
                path.moveTo(x, self._down - y)
                continue
            x, y = (given[0], y) if step == "H" else (x, given[0])
            path.lineTo(x, self._down - y)
        canvas.drawPath(path)

    def _text(self, canvas: Canvas, at: Mapping[str, str], text: str) -> None:
        size = float(at["font-size"])
        x, y = float(at["x"]), self._down - float(at["y"])
        if at.get("dy") == ".35em":
            y -= 0.35 * size
        canvas.setFont(self._font, size)
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        {"end": canvas.drawRightString, "middle": canvas.drawCentredString}.get(
            at.get("text-anchor", ""), canvas.drawString
        )(x, y, text)
