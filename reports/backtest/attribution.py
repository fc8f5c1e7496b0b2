"""The tear sheet's reasons: what earned, what cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.charts import Look, Series, bars_by_name, stacked_areas
from reports.flow import Block, Section
from reports.grid import Field, grid
from reports.palette import AMBER, BLUE, GREEN, MUTED, PINK
from reports.scales import money, percent, ratio, short_money
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.sheet import Sheet

BAR: Final = 12.0
BARS_A_SIDE: Final = 10
SECTORS_MAX: Final = 24
COSTS: Final = (("commission", BLUE), ("spread", AMBER), ("impact", GREEN), ("borrow", PINK))


def contributions(content: Mapping[str, Any], _width: float) -> Section | None:
    """Return bars of the gains by sector, and of the best and worst symbols."""
    symbols, sectors = content["attribution"]["symbols"], content["attribution"]["sectors"]
    if not symbols:
        return None
    ranked = _ranked(symbols)
    best = [row for row in ranked if row["contribution"] >= 0][:BARS_A_SIDE]
    worst = [row for row in reversed(ranked) if row["contribution"] < 0][:BARS_A_SIDE]
    blocks = [_sides(_pairs(best), _pairs(worst))]
    if len(sectors) > 1:
        blocks.insert(0, _sectors(_pairs(_ranked(sectors)[:SECTORS_MAX])))
    blocks.append(_total(content["attribution"]["total"]))
    return Section("Attribution", blocks, together=len(blocks))


def _ranked(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (-row["contribution"], str(row["name"])))


def _pairs(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    return [(str(row["name"] or "no sector"), float(row["contribution"])) for row in rows]


def _sectors(rows: list[tuple[str, float]]) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        bars_by_name(sheet, box, rows, "By sector", note="% of initial capital, after costs", high=BAR)

    return Block(22 + BAR * len(rows) + 8, draw)


def _sides(best: list[tuple[str, float]], worst: list[tuple[str, float]]) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        half = (box.width - 24) / 2
        if best:
            bars_by_name(sheet, Box(box.left, box.bottom, half, box.height), best, "Best symbols", high=BAR)
        if worst:
            right = Box(box.left + half + 24, box.bottom, half, box.height)
            bars_by_name(sheet, right, worst, "Worst symbols", high=BAR)

    return Block(22 + BAR * max(len(best), len(worst)) + 6, draw)


def _total(total: float) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        note = f"All symbols and the interest on cash sum to the total return of {percent(total)}."
        sheet.text(box.left, box.bottom + 3, note, 6.8, colour=MUTED)

    return Block(12.0, draw)


def costs(content: Mapping[str, Any], width: float) -> Section:
    """Return what trading and borrowing cost over time, and in sum."""
    equity, sums = content["equity"], content["costs"]
    lines = [
        Series(name.capitalize(), np.cumsum(np.nan_to_num(equity[name])), colour=colour)
        for name, colour in COSTS
        if name in equity and np.nansum(equity[name]) > 0
    ]
    look = Look("Costs since the start", "currency, cumulated", labels=lambda ts: [short_money(t) for t in ts], ticks=5)

    def draw(sheet: Sheet, box: Box) -> None:
        if lines:
            stacked_areas(sheet, box, equity["date"], lines, look)
        else:
            sheet.text(box.left, box.top - 10, "The run was made without costs.", 8, colour=MUTED)

    table = grid(
        (Field("Cost", 2), Field("Amount", 1, "right"), Field("Of initial capital", 1, "right")),
        _cost_rows(sums),
        width,
    )
    chart = Block(112.0 if lines else 16.0, draw)
    return Section("Costs", [chart, *table], together=len(table) + 1)


def _cost_rows(sums: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    capital = float(sums["initial_capital"])
    rows = [(name.capitalize(), money(sums[name]), percent(sums[name] / capital, 3)) for name, _ in COSTS]
    rows.append(("All costs", money(capital * sums["total_share"]), percent(sums["total_share"], 3)))
    if sums.get("interest"):
        rows.append(("Interest earned on cash", money(sums["interest"]), percent(sums["interest"] / capital, 3)))
    if sums.get("break_even_bps") is not None:
        rows.append(("Break-even cost per traded notional", f"{ratio(sums['break_even_bps'], 1)} bps", ""))
    return rows
