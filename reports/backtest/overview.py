"""The tear sheet's first page: whose and what it is, the numbers one asks for first, and the equity curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.charts import Look, Series, lines_over_time
from reports.flow import Block, Section
from reports.palette import LOSS, MUTED
from reports.scales import short_money
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.sheet import Sheet

TILES: Final = (
    "total_return", "annual_return", "annual_volatility", "sharpe",
    "max_drawdown", "calmar", "annual_turnover", "average_gross",
)  # fmt: skip
LOG_FROM: Final = 4.0  # equity that grew more than this many fold is drawn on a logarithmic scale
CHART_LEAST: Final = 220.0
CHART_MOST: Final = 440.0


def performance(content: Mapping[str, Any], room: float) -> Section:
    """Return the equity curve against the benchmark, the drawdown beneath on the same dates, filling the room."""
    equity = content["equity"]
    growth, against = equity["equity"], equity.get("benchmark")
    low, high = float(np.nanmin(growth)), float(np.nanmax(growth))
    log = low > 0 and high / low > LOG_FROM
    lines = [Series("Strategy", growth, weight=1.3)]
    if against is not None and np.isfinite(against).any():
        lines.append(Series("Benchmark", against, colour=MUTED, weight=0.9))
    unit = "currency, after all costs, logarithmic scale" if log else "currency, after all costs"
    upper = Look("Equity", unit, labels=lambda ticks: [short_money(t) for t in ticks], log=log, dates=False)
    lower = Look("Drawdown", "% below the highest equity so far", filled=True, ticks=5, ceiling=0.0)

    def draw(sheet: Sheet, box: Box) -> None:
        low_part = box.height * 0.32
        above = Box(box.left, box.bottom + low_part + 6, box.width, box.height - low_part - 6)
        lines_over_time(sheet, above, equity["date"], lines, upper)
        below = Box(box.left, box.bottom, box.width, low_part)
        fall = [Series("Drawdown", equity["drawdown"], colour=LOSS, weight=0.7)]
        lines_over_time(sheet, below, equity["date"], fall, lower)

    return Section("Performance", [Block(min(max(room, CHART_LEAST), CHART_MOST), draw)])
