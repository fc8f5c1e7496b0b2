"""Tables on paper: a head that is repeated on every page, rows that wrap, numbers to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import fonts
from reports.flow import Block
from reports.palette import INK, MUTED, RULE, WASH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.sheet import Align, Box, Sheet

SIZE: Final = 7.4
LEADING: Final = 9.6
PAD: Final = 3.2
CELL_LINES_MAX: Final = 12


@dataclass(frozen=True)
class Field:
    """One column of a printed table: its heading, its share of the width, and where its text stands."""

    heading: str
    share: float
    align: Align = "left"
    muted: bool = False


def grid(fields: Sequence[Field], rows: Sequence[Sequence[str]], width: float) -> list[Block]:
    """Return a table's blocks: the head, then a block a row; a row whose other cells are empty is a group's title."""
    total = sum(field.share for field in fields)
    rooms = [width * field.share / total for field in fields]
    head = _head(fields, rooms)
    return [head, *(_row(fields, rooms, row, i, head) for i, row in enumerate(rows))]


def _head(fields: Sequence[Field], rooms: Sequence[float]) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        for field, left, room in _columns(fields, rooms, box):
            _aligned(sheet, field, (left, box.bottom + 5, room), field.heading, size=6.8, bold=True, colour=MUTED)
        sheet.line(box.left, box.bottom + 1, box.right, box.bottom + 1, colour=MUTED, weight=0.6)

    return Block(15.0, draw)


def _row(fields: Sequence[Field], rooms: Sequence[float], row: Sequence[str], number: int, head: Block) -> Block:
    group = len(fields) > 1 and not any(row[1:])
    cells = [_lines(text, room, group) for text, room in zip(row, rooms, strict=True)] if not group else [[row[0]]]
    height = max(len(lines) for lines in cells) * LEADING + PAD + (4.0 if group else 0.0)

    def draw(sheet: Sheet, box: Box) -> None:
        if group:
            sheet.text(box.left, box.bottom + PAD, row[0], SIZE, bold=True, room=box.width)
            sheet.line(box.left, box.bottom, box.right, box.bottom, colour=RULE, weight=0.5)
            return
        if number % 2:
            sheet.box(box, WASH)
        for (field, left, room), lines in zip(_columns(fields, rooms, box), cells, strict=True):
            for i, line in enumerate(lines):
                y = box.top - PAD / 2 - 7.0 - i * LEADING
                _aligned(sheet, field, (left, y, room), line, colour=MUTED if field.muted else INK)

    return Block(height, draw, head, leading=group)


def _columns(fields: Sequence[Field], rooms: Sequence[float], box: Box) -> list[tuple[Field, float, float]]:
    lefts = [box.left + sum(rooms[:i]) for i in range(len(rooms))]
    return list(zip(fields, lefts, rooms, strict=True))


def _lines(text: str, room: float, group: bool) -> list[str]:
    lines = fonts.wrapped(text, room - 2 * PAD, SIZE, group)
    return (
        lines if len(lines) <= CELL_LINES_MAX else [*lines[: CELL_LINES_MAX - 1], lines[CELL_LINES_MAX - 1] + " \u2026"]
    )


def _aligned(
    sheet: Sheet, field: Field, at: tuple[float, float, float], text: str, *, size: float = SIZE,
    bold: bool = False, colour: str = INK,
) -> None:  # fmt: skip
    """Draw a text in its column; `at` is the column's left edge, the line's height and the column's width."""
    left, y, room = at
    x = left + PAD if field.align == "left" else left + room - PAD if field.align == "right" else left + room / 2
    sheet.text(x, y, text, size, bold=bold, colour=colour, align=field.align, room=room - PAD)
