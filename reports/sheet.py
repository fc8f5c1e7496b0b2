"""A sheet of paper to draw on: text that stays inside its room, lines, boxes, paths; PDF outline and links.

Positions are points from the lower left corner. Every text is drawn as the characters it is: nothing in it is markup,
a link or a picture. The file holds no time and no random id, so the same drawing gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from reports import fonts
from reports.palette import INK
from tasks.errors import DataUnusable

if TYPE_CHECKING:
    from pathlib import Path

PAPERS: Final = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}
MARGIN: Final = 46.0
Align = Literal["left", "right", "centre"]


@dataclass(frozen=True)
class Box:
    """A rectangle on the page."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.bottom + self.height

    def inset(self, left: float = 0, bottom: float = 0, right: float = 0, top: float = 0) -> Box:
        """Return the box with its edges moved inwards."""
        return Box(self.left + left, self.bottom + bottom, self.width - left - right, self.height - bottom - top)


class Sheet:
    """A PDF being drawn, page by page."""

    def __init__(self, path: Path, paper: str, title: str, subject: str) -> None:
        self.width, self.height = PAPERS[paper]
        self._canvas = Canvas(
            str(path), pagesize=(self.width, self.height), invariant=1, pageCompression=1,
            initialFontName=fonts.font_name(), lang="en",
        )  # fmt: skip
        self._canvas.setTitle(fonts.clean(title))
        self._canvas.setSubject(fonts.clean(subject))
        self._canvas.setAuthor("Floor")
        self._canvas.setCreator("Floor")

    @property
    def body(self) -> Box:
        """The room inside the margins, below the running head and above the foot."""
        return Box(MARGIN, 54.0, self.width - 2 * MARGIN, self.height - 54.0 - 50.0)

    def text(
        self, x: float, y: float, text: str, size: float = 8.0, *, bold: bool = False, colour: str = INK,
        align: Align = "left", room: float | None = None,
    ) -> None:  # fmt: skip
        """Draw one line of text; with `room`, cut to that width."""
        text = fonts.fitted(text, room, size, bold) if room is not None else fonts.clean(text)
        if align != "left":
            x -= fonts.width(text, size, bold) * (1.0 if align == "right" else 0.5)
        line = self._canvas.beginText(x, y)
        line.setFillColor(HexColor(colour))
        for name, part in fonts.runs(text, bold):
            line.setFont(name, size)
            line.textOut(part)
        self._canvas.drawText(line)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, colour: str, weight: float = 0.5, dash: bool = False
    ) -> None:
        """Draw a straight line."""
        self._pen(colour, weight, dash=dash)
        self._canvas.line(x1, y1, x2, y2)

    def box(self, box: Box, fill: str) -> None:
        """Fill a rectangle."""
        self._canvas.setFillColor(HexColor(fill))
        self._canvas.rect(box.left, box.bottom, box.width, box.height, stroke=0, fill=1)

    def path(self, x: np.ndarray, y: np.ndarray, *, colour: str, weight: float = 1.0, dash: bool = False) -> None:
        """Draw a line through points; where a point is NaN the line is broken."""
        code = [piece for run in _unbroken(x, y) for piece in _traced(*run)]
        if code:
            self._pen(colour, weight, dash=dash)
            self._canvas.drawPath(PDFPathObject(code), stroke=1, fill=0)

    def area(self, x: np.ndarray, y: np.ndarray, base: float, *, fill: str) -> None:
        """Fill between a line through points and a level."""
        code: list[str] = []
        for xs, ys in _unbroken(x, y):
            code += _traced(np.r_[xs[0], xs, xs[-1]], np.r_[base, ys, base])
            code.append("h")
        if code:
            self._canvas.setFillColor(HexColor(fill))
            self._canvas.drawPath(PDFPathObject(code), stroke=0, fill=1)

    def picture(self, data: bytes, box: Box) -> None:
        """Draw a picture as large as fits a box, at its right edge; raises DataUnusable for one that is broken."""
        try:
            picture = ImageReader(io.BytesIO(data))  # by its bytes: a path would get into the file's own names
            wide, high = picture.getSize()
            scale = min(box.width / wide, box.height / high)
            size = (wide * scale, high * scale)
            left, bottom = box.right - size[0], box.top - size[1]
            self._canvas.drawImage(picture, left, bottom, *size, mask="auto")
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's three ways to say that a file is broken
            raise DataUnusable("the logo is a broken picture; save it as PNG again and upload it.") from error

    def clipped(self, box: Box) -> None:
        """Let nothing be drawn outside a box until `unclipped`."""
        self._canvas.saveState()
        path = self._canvas.beginPath()
        path.rect(box.left, box.bottom, box.width, box.height)
        self._canvas.clipPath(path, stroke=0, fill=0)

    def unclipped(self) -> None:
        """End `clipped`."""
        self._canvas.restoreState()

    def landmark(self, key: str, title: str, level: int = 0) -> None:
        """Make this page a place that the outline and links lead to."""
        self._canvas.bookmarkPage(key)
        self._canvas.addOutlineEntry(fonts.clean(title), key, level=level, closed=False)

    def link(self, key: str, box: Box) -> None:
        """Make a box lead to a landmark of this document; there are no links to anywhere else."""
        self._canvas.linkAbsolute("", key, (box.left, box.bottom, box.right, box.top), Border="[0 0 0]")

    def next_page(self) -> None:
        """End the page."""
        self._canvas.showPage()

    def save(self) -> None:
        """End the document and write it."""
        self._canvas.showOutline()
        self._canvas.save()

    def _pen(self, colour: str, weight: float, *, dash: bool) -> None:
        self._canvas.setStrokeColor(HexColor(colour))
        self._canvas.setLineWidth(weight)
        self._canvas.setLineJoin(1)
        self._canvas.setLineCap(0 if dash else 1)
        self._canvas.setDash([2.4, 1.8] if dash else [])


def _unbroken(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the stretches of at least two points without NaN."""
    there = np.isfinite(x) & np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.r_[False, there, False].astype(np.int8)))
    return [(x[a:b], y[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


def _traced(x: np.ndarray, y: np.ndarray) -> list[str]:
    """Return the PDF operators of a line through points, to a hundredth of a point."""
    pairs = [f"{a:.2f} {b:.2f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return [f"{pairs[0]} m", *(f"{pair} l" for pair in pairs[1:])]
