"""Charts drawn as vectors: lines and bars over time, a monthly heat map, bars by name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports import fonts
from reports.axes import HEAD_ROOM, SMALL, chart_title, nothing_to_draw, plot_of, value_axis
from reports.palette import BLUE, GAIN, LOSS, MUTED, RULE, WHITE, diverging, mixed, readable_on
from reports.scales import MONTHS, Scale, axis_percent, date_ticks, percent
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.sheet import Sheet


@dataclass(frozen=True)
class Series:
    """One line of a chart: a value for each date, NaN where there is none."""

    name: str
    values: np.ndarray
    colour: str = BLUE
    weight: float = 1.1
    dash: bool = False


@dataclass(frozen=True)
class Look:
    """How a chart over time is dressed: its title, unit, how ticks are written, what is filled and marked."""

    title: str
    unit: str = ""
    labels: Callable[[list[float]], list[str]] = axis_percent
    log: bool = False
    filled: bool = False  # between the first series and zero
    mark: float | None = None  # a level drawn across
    dates: bool = True  # whether the dates are written below
    ticks: int = 7
    floor: float | None = None  # what the axis reaches down to at least
    ceiling: float | None = None


def lines_over_time(sheet: Sheet, box: Box, dates: np.ndarray, series: Sequence[Series], look: Look) -> None:
    """Draw lines over time in a box, with title, legend, grid and both axes."""
    plot = plot_of(box, look)
    chart_title(sheet, box, look, [(one.name, one.colour) for one in series] if len(series) > 1 else [])
    if not any(np.isfinite(one.values).any() for one in series) or len(dates) < 2:  # noqa: PLR2004 - a line needs two
        nothing_to_draw(sheet, plot)
        return
    across = _date_scale(dates, plot)
    up = value_axis(sheet, plot, [one.values for one in series], look)
    _date_axis(sheet, plot, dates, across, written=look.dates)
    x = across(_days(dates))
    sheet.clipped(plot.inset(-1, -1, -1, -1))
    if look.filled:
        sheet.area(x, up(series[0].values), up.at(0.0), fill=_tint(series[0].colour))
    for one in reversed(series):
        sheet.path(x, up(one.values), colour=one.colour, weight=one.weight, dash=one.dash)
    sheet.unclipped()


def stacked_areas(sheet: Sheet, box: Box, dates: np.ndarray, series: Sequence[Series], look: Look) -> None:
    """Draw what adds up, each part on top of the one before; values are at or above zero."""
    plot = plot_of(box, look)
    chart_title(sheet, box, look, [(one.name, one.colour) for one in series])
    tops = np.cumsum([np.nan_to_num(one.values) for one in series], axis=0)
    if len(dates) < 2 or not tops[-1].any():  # noqa: PLR2004 - an area needs two dates
        nothing_to_draw(sheet, plot)
        return
    across = _date_scale(dates, plot)
    up = value_axis(sheet, plot, [np.r_[0.0, tops[-1]]], look)
    x = across(_days(dates))
    for one, top in reversed(list(zip(series, tops, strict=True))):
        sheet.area(x, up(top), plot.bottom, fill=one.colour)
    _date_axis(sheet, plot, dates, across, written=look.dates)


def bars_over_time(sheet: Sheet, box: Box, dates: np.ndarray, values: np.ndarray, look: Look) -> None:
    """Draw one bar a date, from zero; dates are the middles of the bars."""
    plot = plot_of(box, look)
    chart_title(sheet, box, look, [])
    there = np.isfinite(values)
    if not there.any() or len(dates) < 2:  # noqa: PLR2004 - widths come from the distance between dates
        nothing_to_draw(sheet, plot)
        return
    across = _date_scale(dates, plot, pad=0.5)
    up = value_axis(sheet, plot, [np.r_[0.0, values]], look)
    x, wide = across(_days(dates)), plot.width / (len(dates) + 1) * 0.72
    zero = up.at(0.0)
    for at, y in zip(x[there].tolist(), up(values[there]).tolist(), strict=True):
        sheet.box(Box(at - wide / 2, min(zero, y), wide, abs(y - zero)), BLUE)
    _date_axis(sheet, plot, dates, across, written=look.dates)
    sheet.line(plot.left, zero, plot.right, zero, colour=MUTED, weight=0.5)


def heat_map(sheet: Sheet, box: Box, years: Sequence[int], values: np.ndarray, totals: np.ndarray) -> None:
    """Draw months across and years down, each cell with its number; `values` is (years, 12), `totals` (years,)."""
    left, total_wide = box.left + 34, 46.0
    wide = (box.width - 34 - total_wide - 6) / 12
    high = (box.height - 14) / max(len(years), 1)
    largest = float(np.nanquantile(np.abs(values), 0.95)) if np.isfinite(values).any() else 0.0
    for m, name in enumerate(MONTHS):
        sheet.text(left + (m + 0.5) * wide, box.top - 8, name, SMALL, colour=MUTED, align="centre")
    sheet.text(box.right - total_wide / 2, box.top - 8, "Year", SMALL, colour=MUTED, bold=True, align="centre")
    for i, year in enumerate(years):
        bottom = box.top - 14 - (i + 1) * high
        sheet.text(box.left + 26, bottom + high / 2 - 2.6, str(year), 7.2, bold=True, align="right")
        for m in range(12):
            _cell(sheet, Box(left + m * wide, bottom, wide, high), float(values[i, m]), largest, bold=False)
        yearly = Box(box.right - total_wide, bottom, total_wide, high)
        _cell(sheet, yearly, float(totals[i]), float(np.nanmax(np.abs(totals), initial=0.0)), bold=True)


def bars_by_name(
    sheet: Sheet,
    box: Box,
    rows: Sequence[tuple[str, float]],
    title: str,
    *,
    note: str = "",
    high: float = 12.0,
    written: Callable[[float | None], str] = percent,
) -> None:
    """Draw a bar to the right (gain) or left (loss) for each name, with its number; from the top down."""
    sheet.text(box.left, box.top - 8, title, 8, bold=True)
    sheet.text(box.left + fonts.width(title, 8, bold=True) + 6, box.top - 8, note, SMALL, colour=MUTED)
    name_room, number_room = min(box.width * 0.34, 130.0), 38.0
    plot = box.inset(left=name_room, right=0, top=HEAD_ROOM + 2)
    low, top = min(0.0, *(v for _, v in rows), 0.0), max(0.0, *(v for _, v in rows), 0.0)
    left_room, right_room = number_room * (low < 0), number_room * (top > 0)
    scale = Scale(low, top if top > low else low + 1.0, plot.left + left_room, plot.right - right_room)
    zero = scale.at(0.0)
    for i, (name, value) in enumerate(rows):
        y, end = plot.top - (i + 1) * high, scale.at(value)
        sheet.text(box.left, y + high / 2 - 2.4, name, 7, room=name_room - 8)
        sheet.box(
            Box(min(zero, end), y + high * 0.16, max(abs(end - zero), 0.3), high * 0.68), GAIN if value >= 0 else LOSS
        )
        at, align = (end + 3, "left") if value >= 0 else (end - 3, "right")
        sheet.text(at, y + high / 2 - 2.4, written(value), SMALL, colour=MUTED, align=align)  # type: ignore[arg-type]  # one of two literals
    sheet.line(zero, plot.top, zero, plot.top - len(rows) * high, colour=MUTED, weight=0.5)


def _cell(sheet: Sheet, cell: Box, value: float, largest: float, *, bold: bool) -> None:
    colour = diverging(value, largest) if np.isfinite(value) else "#fafbfc"
    sheet.box(cell.inset(0.5, 0.5, 0.5, 0.5), colour)
    if np.isfinite(value):
        x, y = cell.left + cell.width / 2, cell.bottom + cell.height / 2 - 2.4
        text = percent(value, 1)
        size = 6.6 if fonts.width(text, 6.6, bold) < cell.width - 2 else 5.4
        sheet.text(x, y, text, size, bold=bold, colour=readable_on(colour), align="centre")


def _date_axis(sheet: Sheet, plot: Box, dates: np.ndarray, across: Scale, *, written: bool) -> None:
    sheet.line(plot.left, plot.bottom, plot.right, plot.bottom, colour=RULE, weight=0.6)
    first, last = _day(dates[0]), _day(dates[-1])
    free = plot.left - 4
    for day, label in date_ticks(first, last, about=int(plot.width // 60)):
        x = across.at(float(np.datetime64(day, "D").astype(np.int64)))
        sheet.line(x, plot.bottom, x, plot.bottom - 2.5, colour=RULE, weight=0.6)
        half = fonts.width(label, SMALL) / 2
        if written and x - half > free and x + half <= plot.right + 6:
            sheet.text(x, plot.bottom - 10, label, SMALL, colour=MUTED, align="centre")
            free = x + half + 4


def _date_scale(dates: np.ndarray, plot: Box, pad: float = 0.0) -> Scale:
    days = _days(dates)
    margin = pad * float(days[-1] - days[0]) / max(len(days) - 1, 1)
    return Scale(float(days[0]) - margin, float(days[-1]) + margin, plot.left, plot.right)


def _days(dates: np.ndarray) -> np.ndarray:
    days: np.ndarray = dates.astype("datetime64[D]").astype(np.int64).astype(np.float64)
    return days


def _day(date: np.datetime64) -> dt.date:
    day = date.astype("datetime64[D]").item()
    assert isinstance(day, dt.date)
    return day


def _tint(colour: str) -> str:
    return mixed(colour, WHITE, 0.75)
