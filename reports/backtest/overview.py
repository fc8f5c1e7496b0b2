"""The tear sheet's first page: whose and what it is, the numbers one asks for first, and the equity curve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports import fonts
from reports.charts import Look, Series, lines_over_time
from reports.flow import Block, Section
from reports.palette import INK, LOSS, MUTED, WASH
from reports.scales import count, money, percent, ratio, short_money
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.sheet import Sheet

TILES: Final = (
    "total_return", "annual_return", "annual_volatility", "sharpe",
    "max_drawdown", "calmar", "annual_turnover", "average_gross",
)  # fmt: skip
LOGO: Final = (120.0, 42.0)  # the room for a logo, in points
LOG_FROM: Final = 4.0  # equity that grew more than this many fold is drawn on a logarithmic scale
CHART_LEAST: Final = 220.0
CHART_MOST: Final = 440.0
_WRITTEN: Final = {"percent": percent, "ratio": ratio, "money": money, "count": count}


def written(kpi: Mapping[str, Any]) -> str:
    """Return a statistic's value as text."""
    return _WRITTEN[kpi["format"]](kpi["value"])


def masthead(content: Mapping[str, Any], width: float, accent: str) -> Block:
    """Return the title, the subtitle and the tiles."""
    logo = content.get("logo")
    title = _lines(content["title"], width - (LOGO[0] + 16 if logo else 0), 20, bold=True)
    subtitle = _lines(content["subtitle"], width, 9)
    kpis = {kpi["name"]: kpi for kpi in content["kpis"]}
    tiles = [kpis[name] for name in TILES if name in kpis]
    rows = -(-len(tiles) // 4)
    height = 22 + len(title) * 24 + len(subtitle) * 12 + 8 + rows * 44 + 12

    def draw(sheet: Sheet, box: Box) -> None:
        if logo:
            sheet.picture(Path(logo).read_bytes(), Box(box.right - LOGO[0], box.top - LOGO[1], *LOGO))
        sheet.box(Box(box.left, box.top - 3, 36, 3), accent)
        sheet.text(box.left, box.top - 15, "BACKTEST TEAR SHEET", 7, bold=True, colour=accent)
        y = box.top - 16
        for line in title:
            y -= 24
            sheet.text(box.left, y, line, 20, bold=True, room=box.width - (LOGO[0] + 16 if logo else 0))
        y -= 4
        for line in subtitle:
            y -= 12
            sheet.text(box.left, y, line, 9, colour=MUTED, room=box.width)
        _tiles(sheet, Box(box.left, y - 10 - rows * 44, box.width, rows * 44), tiles)

    return Block(height, draw)


def _lines(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Return at most three lines; what is left over ends the third, which is cut with an ellipsis where it is drawn."""
    lines = fonts.wrapped(text, width, size, bold)
    return [*lines[:2], " ".join(lines[2:])] if len(lines) > 3 else lines  # noqa: PLR2004 - as the docstring says


def _tiles(sheet: Sheet, box: Box, tiles: list[Mapping[str, Any]]) -> None:
    gap = 6.0
    wide = (box.width - 3 * gap) / 4
    for i, kpi in enumerate(tiles):
        tile = Box(box.left + i % 4 * (wide + gap), box.top - (i // 4 + 1) * 44 + gap, wide, 44 - gap)
        sheet.box(tile, WASH)
        sheet.text(tile.left + 8, tile.top - 11, kpi["label"], 6.8, colour=MUTED, room=wide - 12)
        sheet.text(tile.left + 8, tile.top - 30, written(kpi), 15, bold=True, colour=INK, room=wide - 12)


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
