"""The head of a document: whose and what it is, and the numbers one asks for first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reports import fonts
from reports.flow import Block
from reports.palette import INK, MUTED, WASH
from reports.scales import count, money, percent, ratio
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.sheet import Sheet

LOGO: Final = (120.0, 42.0)  # the room for a logo, in points
_WRITTEN: Final = {
    "percent": percent,
    "ratio": ratio,
    "fine_ratio": lambda value: ratio(value, 4),
    "money": money,
    "count": count,
}


def written(kpi: Mapping[str, Any]) -> str:
    """Return a statistic's value as text."""
    return _WRITTEN[kpi["format"]](kpi["value"])


def masthead(content: Mapping[str, Any], named: Sequence[str], width: float, accent: str, over: str) -> Block:
    """Return the title under what the document is (`over`), the subtitle, and a tile for each named statistic."""
    logo = content.get("logo")
    title = _lines(content["title"], width - (LOGO[0] + 16 if logo else 0), 20, bold=True)
    subtitle = _lines(content["subtitle"], width, 9)
    kpis = {kpi["name"]: kpi for kpi in content["kpis"]}
    tiles = [kpis[name] for name in named if name in kpis]
    rows = -(-len(tiles) // 4)
    height = 22 + len(title) * 24 + len(subtitle) * 12 + 8 + rows * 44 + 12

    def draw(sheet: Sheet, box: Box) -> None:
        if logo:
            sheet.picture(Path(logo).read_bytes(), Box(box.right - LOGO[0], box.top - LOGO[1], *LOGO))
        sheet.box(Box(box.left, box.top - 3, 36, 3), accent)
        sheet.text(box.left, box.top - 15, over, 7, bold=True, colour=accent)
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
