"""Puts blocks of known height on pages: sections with headings, tables that go on, contents with page numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reports import fonts
from reports.palette import ACCENT, INK, MUTED, RULE
from reports.sheet import Box

if TYPE_CHECKING:
    from reports.sheet import Sheet

HEADING: Final = 30.0
GAP: Final = 14.0

Draw = Callable[["Sheet", Box], None]


@dataclass(frozen=True)
class Block:
    """Something of known height; `draw` gets the sheet and the box it may fill.

    `head` is repeated atop a new page; a `leading` block stands on the same page as the one after it.
    """

    height: float
    draw: Draw
    head: Block | None = None
    leading: bool = False


@dataclass(frozen=True)
class Section:
    """A titled run of blocks; the first `together` of them stay on one page with the heading.

    `before_last` says that the section after this one must not stand alone on a last page: the two keep together.
    """

    title: str
    blocks: list[Block]
    together: int = 1
    before_last: bool = False

    @property
    def height(self) -> float:
        """The height of the whole section on one page."""
        return HEADING + sum(block.height for block in self.blocks)


@dataclass
class Plan:
    """Which block stands where, and on which page each section starts."""

    pages: list[list[tuple[Block, float]]] = field(default_factory=lambda: [[]])
    starts: list[tuple[str, int]] = field(default_factory=list)


def planned(sections: list[Section], room: float, first_room: float, accent: str = ACCENT) -> Plan:
    """Return where every block goes, given the height of a page's body and what is left of the first one."""
    plan, left = Plan(), first_room
    for section, following in zip(sections, [*sections[1:], None], strict=True):
        heading = _heading(section.title, len(plan.starts) + 1, accent)
        kept = HEADING + sum(block.height for block in section.blocks[: section.together])
        if section.before_last and following and (both := section.height + GAP + following.height) <= room:
            kept = both
        if kept > left and left < room:
            plan.pages.append([])
            left = room
        plan.starts.append((section.title, len(plan.pages)))
        blocks = [heading, *section.blocks]
        for block, after in zip(blocks, [*section.blocks, None], strict=True):
            beside = after.height if after is not None and block.leading else 0.0
            left = _placed(plan, block, left, room, beside)
        left -= GAP
    return plan


def _placed(plan: Plan, block: Block, left: float, room: float, beside: float = 0.0) -> float:
    """Put one block on the last page, or a new one where it (and `beside`) does not fit; return what is left."""
    if block.height + beside > left:
        plan.pages.append([])
        left = room
        if block.head is not None:
            left = _placed(plan, block.head, left, room)
    plan.pages[-1].append((block, left))
    return left - block.height


def _heading(title: str, number: int, accent: str) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        sheet.text(box.left, box.bottom + 12, f"{number}", 12, bold=True, colour=accent)
        beside = max(18.0, fonts.width(str(number), 12, bold=True) + 8)
        sheet.text(box.left + beside, box.bottom + 12, title, 12, bold=True, colour=INK, room=box.width - beside)
        sheet.line(box.left, box.bottom + 5, box.right, box.bottom + 5, colour=RULE, weight=0.6)
        sheet.landmark(f"section-{number}", title)

    return Block(HEADING, draw)


def contents(starts: list[tuple[str, int]], columns: int = 2) -> Block:
    """Return the table of contents: every section with its page, each a link."""
    rows = -(-len(starts) // columns)

    def draw(sheet: Sheet, box: Box) -> None:
        gutter = 24.0
        wide = (box.width - gutter * (columns - 1)) / columns
        for i, (title, page) in enumerate(starts):
            left = box.left + (i // rows) * (wide + gutter)
            y = box.top - 24 - (i % rows) * 14
            sheet.text(left, y, f"{i + 1}", 8, bold=True, colour=MUTED)
            sheet.text(left + 16, y, title, 8, room=wide - 40)
            sheet.text(left + wide, y, str(page), 8, colour=MUTED, align="right")
            sheet.line(left, y - 4, left + wide, y - 4, colour=RULE, weight=0.3)
            sheet.link(f"section-{i + 1}", Box(left, y - 4, wide, 14))
        sheet.text(box.left, box.top - 8, "CONTENTS", 6.5, bold=True, colour=MUTED)

    return Block(18 + rows * 14, draw)
