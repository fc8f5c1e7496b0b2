"""Draws planned pages: the opening above the first one's blocks, a running head, and a foot with the page's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.palette import MUTED, RULE
from reports.sheet import MARGIN, Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.flow import Block, Plan
    from reports.sheet import Sheet


@dataclass(frozen=True)
class Edges:
    """What stands at the edges of every page: the title and what the document is above, a remark below."""

    title: str
    subject: str
    foot: str


def draw_pages(sheet: Sheet, plan: Plan, opening: Sequence[Block], edges: Edges) -> None:
    """Draw every page; the opening blocks stand above the first page's own."""
    body = sheet.body
    for number, blocks in enumerate(plan.pages, start=1):
        if number > 1:
            _running_head(sheet, edges)
        _foot(sheet, edges.foot, number, len(plan.pages))
        top = body.top
        for block in opening if number == 1 else []:
            block.draw(sheet, Box(body.left, top - block.height, body.width, block.height))
            top -= block.height
        for block, left in blocks:
            block.draw(sheet, Box(body.left, body.bottom + left - block.height, body.width, block.height))
        sheet.next_page()


def _running_head(sheet: Sheet, edges: Edges) -> None:
    y = sheet.height - 32
    sheet.text(MARGIN, y, edges.title, 7, colour=MUTED, room=sheet.width - 2 * MARGIN - 120)
    sheet.text(sheet.width - MARGIN, y, edges.subject, 7, colour=MUTED, align="right")
    sheet.line(MARGIN, y - 5, sheet.width - MARGIN, y - 5, colour=RULE)


def _foot(sheet: Sheet, foot: str, number: int, pages: int) -> None:
    sheet.line(MARGIN, 40, sheet.width - MARGIN, 40, colour=RULE)
    sheet.text(MARGIN, 29, foot, 6.6, colour=MUTED)
    sheet.text(sheet.width - MARGIN, 29, f"{number} / {pages}", 7, colour=MUTED, align="right")
