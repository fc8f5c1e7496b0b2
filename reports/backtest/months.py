"""The tear sheet's calendar: every month's return, and the worst falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.charts import heat_map
from reports.flow import Block, Section
from reports.grid import Field, grid
from reports.palette import MUTED
from reports.scales import DASH, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.sheet import Box, Sheet

ROW = 17.0
YEARS_A_BLOCK = 30


def returns(content: Mapping[str, Any], _width: float) -> Section | None:
    """Return the heat map of monthly returns, in blocks of at most thirty years."""
    monthly = content["monthly"]
    years = [int(year) for year in monthly["years"]]
    if not years:
        return None
    blocks = []
    for start in range(0, len(years), YEARS_A_BLOCK):
        chosen = slice(start, start + YEARS_A_BLOCK)
        blocks.append(_map(years[chosen], monthly["values"][chosen], monthly["total"][chosen]))
    return Section("Monthly returns", blocks)


def _map(years: list[int], values: Any, totals: Any) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        heat_map(sheet, box.inset(bottom=16), years, values, totals)
        note = "Blue is a gain, orange a loss, the stronger the larger; months compound to the year."
        sheet.text(box.left, box.bottom + 4, note, 6.8, colour=MUTED)

    return Block(14 + ROW * len(years) + 16, draw)


def drawdowns(content: Mapping[str, Any], width: float) -> Section | None:
    """Return the table of the deepest falls."""
    falls = content["drawdowns"]
    if not falls:
        return None
    fields = (
        Field("#", 0.4), Field("Depth", 1, "right"), Field("Peak", 1.2, "right"), Field("Trough", 1.2, "right"),
        Field("Recovered", 1.2, "right"), Field("Sessions", 1, "right"),
    )  # fmt: skip
    rows = [
        (
            str(i), percent(fall["depth"]), str(fall["peak"]), str(fall["trough"]),
            str(fall["recovery"] or "not yet"), f"{fall['sessions']:,}" if fall["sessions"] is not None else DASH,
        )
        for i, fall in enumerate(falls, start=1)
    ]  # fmt: skip
    blocks = grid(fields, rows, width)
    return Section("Deepest drawdowns", blocks, together=len(blocks))
