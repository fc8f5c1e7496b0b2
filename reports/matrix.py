"""A heat map of every pair of some names, such as their correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from reports import fonts
from reports.axes import SMALL
from reports.palette import MUTED, diverging, readable_on
from reports.scales import ratio
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.sheet import Sheet

CELL_MOST: Final = (54.0, 22.0)
CELL_LEAST: Final = 9.0
HEAD: Final = 28.0  # the title and the numbers of the columns


def matrix_height(count: int, width: float) -> float:
    """Return how high a matrix of some names is, drawn in a width."""
    return HEAD + count * _cell_size(count, width)[1] + 4


def matrix(sheet: Sheet, box: Box, labels: Sequence[str], values: np.ndarray, *, title: str, note: str) -> None:
    """Draw values between -1 and 1, (K, K); rows carry the names, columns their numbers."""
    sheet.text(box.left, box.top - 8, title, 8, bold=True)
    beside = fonts.width(title, 8, bold=True) + 6
    sheet.text(box.left + beside, box.top - 8, note, SMALL, colour=MUTED, room=box.width - beside)
    wide, high = _cell_size(len(labels), box.width)
    names = _name_room(box.width)
    for i, label in enumerate(labels):
        left, bottom = box.left + names + i * wide, box.top - HEAD - (i + 1) * high
        sheet.text(left + wide / 2, box.top - HEAD + 4, str(i + 1), SMALL, colour=MUTED, align="centre")
        sheet.text(box.left, bottom + high / 2 - 2.4, f"{i + 1}  {label}", 7, room=names - 6)
        for j in range(len(labels)):
            _cell(sheet, Box(box.left + names + j * wide, bottom, wide, high), float(values[i, j]))


def _name_room(width: float) -> float:
    return min(110.0, width * 0.36)


def _cell_size(count: int, width: float) -> tuple[float, float]:
    wide = min(CELL_MOST[0], (width - _name_room(width)) / max(count, 1))
    return wide, min(CELL_MOST[1], max(wide, CELL_LEAST))


def _cell(sheet: Sheet, cell: Box, value: float) -> None:
    colour = diverging(value, 1.0) if np.isfinite(value) else "#fafbfc"
    sheet.box(cell.inset(0.5, 0.5, 0.5, 0.5), colour)
    text = ratio(value)
    if fonts.width(text, 6.4) < cell.width - 2:
        x, y = cell.left + cell.width / 2, cell.bottom + cell.height / 2 - 2.3
        sheet.text(x, y, text, 6.4, colour=readable_on(colour), align="centre")
