"""Charts of upright bars: groups of them by name, with errors; and how values are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports import fonts
from reports.axes import SMALL, chart_title, nothing_to_draw, plot_of, value_axis
from reports.palette import BLUE, INK, MUTED, ORANGE, RULE, WHITE, mixed
from reports.scales import Scale, nice_digits, nice_ticks
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.charts import Look, Series
    from reports.sheet import Sheet


def bars_by_group(
    sheet: Sheet, box: Box, groups: Sequence[str], series: Sequence[Series], look: Look, *,
    errors: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Draw a bar from zero for each group and series, side by side; `errors` belong to the first series."""
    plot = plot_of(box, look)
    chart_title(sheet, box, look, [(one.name, one.colour) for one in series] if len(series) > 1 else [])
    if not any(np.isfinite(one.values).any() for one in series):
        nothing_to_draw(sheet, plot)
        return
    reach = [one.values for one in series]
    if errors is not None:
        reach += [series[0].values + np.nan_to_num(errors), series[0].values - np.nan_to_num(errors)]
    up = value_axis(sheet, plot, [np.r_[0.0, values] for values in reach], look)
    room = plot.width / len(groups)
    wide = room * 0.72 / len(series)
    for i, group in enumerate(groups):
        left = plot.left + i * room + room * 0.14
        for k, one in enumerate(series):
            _bar(sheet, Box(left + k * wide, plot.bottom, wide * 0.92, 0), float(one.values[i]), up, one.colour)
        if errors is not None:
            _error(sheet, left + wide * 0.46, float(series[0].values[i]), float(errors[i]), up)
        sheet.text(left + room * 0.36, plot.bottom - 10, group, SMALL, colour=MUTED, align="centre", room=room)
    sheet.line(plot.left, up.at(0.0), plot.right, up.at(0.0), colour=MUTED, weight=0.6)


def _bar(sheet: Sheet, at: Box, value: float, up: Scale, colour: str) -> None:
    if np.isfinite(value):
        zero, end = up.at(0.0), up.at(value)
        sheet.box(Box(at.left, min(zero, end), at.width, max(abs(end - zero), 0.3)), colour)


def _error(sheet: Sheet, x: float, value: float, error: float, up: Scale) -> None:
    if np.isfinite(value) and np.isfinite(error):
        low, high = up.at(value - error), up.at(value + error)
        sheet.line(x, low, x, high, colour=INK, weight=0.8)
        for y in (low, high):
            sheet.line(x - 3, y, x + 3, y, colour=INK, weight=0.8)


def distribution(
    sheet: Sheet, box: Box, look: Look, *, edges: np.ndarray, shares: np.ndarray, latest: np.ndarray,
    names: tuple[str, str],
) -> None:  # fmt: skip
    """Draw a histogram as bars and another as a line of steps over it; `edges` (B + 1,), both shares (B,)."""
    plot = plot_of(box, look)
    chart_title(sheet, box, look, [(names[0], mixed(BLUE, WHITE, 0.45)), (names[1], ORANGE)])
    if not shares.any():
        nothing_to_draw(sheet, plot)
        return
    up = value_axis(sheet, plot, [np.r_[0.0, shares, latest]], look)
    across = Scale(float(edges[0]), float(edges[-1]), plot.left, plot.right)
    x, wide = across(edges), plot.width / len(shares)
    for left, share in zip(x[:-1].tolist(), shares.tolist(), strict=True):
        sheet.box(Box(left + 0.3, plot.bottom, wide - 0.6, up.at(share) - up.at(0.0)), mixed(BLUE, WHITE, 0.45))
    sheet.path(np.repeat(x, 2)[1:-1], up(np.repeat(latest, 2)), colour=ORANGE, weight=1.0)
    sheet.line(plot.left, plot.bottom, plot.right, plot.bottom, colour=RULE, weight=0.6)
    ticks = nice_ticks(float(edges[0]), float(edges[-1]), 9)
    for tick, label in zip(ticks, nice_digits(ticks), strict=True):
        half = fonts.width(label, SMALL) / 2
        at = min(max(across.at(tick), plot.left + half), plot.right - half)
        sheet.text(at, plot.bottom - 10, label, SMALL, colour=MUTED, align="centre")
