"""Draws the template `backtest`: puts the sections in order, plans the pages, draws them.

The content is what `tasks.backtest.tearsheet` describes; besides that it may hold `page` ("A4" or "Letter"), `colour`
(the accent, "#rrggbb"), `logo` (the path of a picture) and `digests` (lists of {"name", "sha256"} under "inputs" and
"artifacts", and "code_version").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.backtest import attribution, months, overview, records, risk
from reports.flow import HEADING, Block, Section, contents, planned
from reports.palette import ACCENT, MUTED, RULE
from reports.sheet import MARGIN, Box, Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reports.flow import Plan

SUBJECT: Final = "Backtest tear sheet"


def draw_backtest(content: Mapping[str, Any], path: Path) -> None:
    """Write the tear sheet as PDF; the same content gives the same bytes."""
    sheet = Sheet(path, content.get("page", "A4"), content["title"], SUBJECT)
    accent = content.get("colour") or ACCENT
    body = sheet.body
    first = overview.masthead(content, body.width, accent)
    later = _sections(content, body.width)
    listed = contents([(section.title, 0) for section in later] + [("", 0)]).height
    room = body.height - first.height - listed
    plan = planned([overview.performance(content, room - HEADING), *later], body.height, room, accent)
    _draw(sheet, plan, [first, contents(plan.starts)], content["title"])
    sheet.save()


def _sections(content: Mapping[str, Any], width: float) -> list[Section]:
    found = [
        risk.over_time(content),
        risk.exposure(content),
        months.returns(content, width),
        months.drawdowns(content, width),
        attribution.contributions(content, width),
        attribution.costs(content, width),
        records.statistics(content, width),
        records.settings(content, width),
        records.provenance(content, width),
        records.notes(content, width),
    ]
    return [section for section in found if section is not None]


def _draw(sheet: Sheet, plan: Plan, opening: list[Block], title: str) -> None:
    """Draw every page; the opening blocks stand above the first page's own."""
    body = sheet.body
    for number, blocks in enumerate(plan.pages, start=1):
        if number > 1:
            _running_head(sheet, title)
        _foot(sheet, number, len(plan.pages))
        top = body.top
        for block in opening if number == 1 else []:
            block.draw(sheet, Box(body.left, top - block.height, body.width, block.height))
            top -= block.height
        for block, left in blocks:
            block.draw(sheet, Box(body.left, body.bottom + left - block.height, body.width, block.height))
        sheet.next_page()


def _running_head(sheet: Sheet, title: str) -> None:
    y = sheet.height - 32
    sheet.text(MARGIN, y, title, 7, colour=MUTED, room=sheet.width - 2 * MARGIN - 120)
    sheet.text(sheet.width - MARGIN, y, SUBJECT, 7, colour=MUTED, align="right")
    sheet.line(MARGIN, y - 5, sheet.width - MARGIN, y - 5, colour=RULE)


def _foot(sheet: Sheet, number: int, pages: int) -> None:
    sheet.line(MARGIN, 40, sheet.width - MARGIN, 40, colour=RULE)
    sheet.text(
        MARGIN, 29, "Hypothetical results of a simulation; see the disclaimer on the last page.", 6.6, colour=MUTED
    )
    sheet.text(sheet.width - MARGIN, 29, f"{number} / {pages}", 7, colour=MUTED, align="right")
