"""What every chart has: a title, a legend, a grid and an upright axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from reports import fonts
from reports.palette import GRID, INK, MUTED
from reports.scales import Scale, log_ticks, nice_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.charts import Look
    from reports.sheet import Box, Sheet

AXIS_ROOM: Final = 38.0  # left of a plot, for its numbers
HEAD_ROOM: Final = 15.0  # above it, for its title and legend
DATE_ROOM: Final = 14.0  # below it, for dates
SMALL: Final = 6.8


def plot_of(box: Box, look: Look) -> Box:
    """Return the room of the plot itself: without the title, the numbers and the dates."""
    return box.inset(left=AXIS_ROOM, bottom=DATE_ROOM if look.dates else 4.0, right=4.0, top=HEAD_ROOM)


def chart_title(sheet: Sheet, box: Box, look: Look, legend: Sequence[tuple[str, str]]) -> None:
    """Draw a chart's title, its unit and the names of its colours."""
    y = box.top - 8
    sheet.text(box.left, y, look.title, 8, bold=True)
    sheet.text(box.left + fonts.width(look.title, 8, bold=True) + 6, y, look.unit, SMALL, colour=MUTED)
    right = box.right - 4
    for name, colour in reversed(legend):
        shown = fonts.fitted(name, 120, 7)
        sheet.text(right, y, shown, 7, colour=INK, align="right")
        right -= fonts.width(shown, 7) + 12
        sheet.line(right, y + 2.4, right + 8, y + 2.4, colour=colour, weight=2)
        right -= 10


def nothing_to_draw(sheet: Sheet, plot: Box) -> None:
    """Say that there is too little to draw."""
    sheet.box(plot, "#fafbfc")
    sheet.text(
        plot.left + plot.width / 2, plot.bottom + plot.height / 2, "Too little data to draw", 7.5, colour=MUTED,
        align="centre",
    )  # fmt: skip


def value_axis(sheet: Sheet, plot: Box, values: Sequence[np.ndarray], look: Look) -> Scale:
    """Draw the grid and the numbers of the upright axis; return its scale."""
    every = np.concatenate([v[np.isfinite(v)] for v in values])
    low, high = float(every.min()), float(every.max())
    low = min(low, look.floor) if look.floor is not None else low
    high = max(high, look.ceiling) if look.ceiling is not None else high
    if look.filled:
        low, high = min(low, 0.0), max(high, 0.0)
    ticks, scale = _ticks(low, high, plot, look)
    for tick, label in zip(ticks, look.labels(ticks), strict=True):
        y = scale.at(tick)
        sheet.line(plot.left, y, plot.right, y, colour=GRID, weight=0.5)
        sheet.text(plot.left - 5, y - 2.4, label, SMALL, colour=MUTED, align="right")
    if look.mark is not None and scale.low <= look.mark <= scale.high:
        sheet.line(plot.left, scale.at(look.mark), plot.right, scale.at(look.mark), colour=MUTED, weight=0.6)
    return scale


def _ticks(low: float, high: float, plot: Box, look: Look) -> tuple[list[float], Scale]:
    """Return round ticks inside the values' range and the scale; an end at zero stays there, others get some air."""
    if look.log:
        return log_ticks(low, high), Scale(low * 0.97, high * 1.03, plot.bottom, plot.top, log=True)
    ticks = nice_ticks(low, high, look.ticks)
    air = 0.05 * (high - low)
    bottom = ticks[0] if low == 0.0 or low - ticks[0] < 2 * air or high == low else low - air
    top = ticks[-1] if high == 0.0 or ticks[-1] - high < 2 * air or high == low else high + air
    return [t for t in ticks if bottom <= t <= top], Scale(bottom, top, plot.bottom, plot.top)
