"""What stands behind the charts of any document: its settings as a table, and paragraphs."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from reports import fonts
from reports.flow import Block, Section
from reports.grid import Field, grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.sheet import Box, Sheet

WHOLE: Final = 12  # rows up to which the settings are not torn apart


def settings(content: Mapping[str, Any], width: float) -> Section | None:
    """Return the settings the run was made with, in two columns read downwards."""
    pairs = [(str(row["name"]), str(row["value"]) or "-") for row in content["params"]]
    half = -(-len(pairs) // 2)
    rows = [(*left, *right) for left, right in zip_longest(pairs[:half], pairs[half:], fillvalue=("", ""))]
    blocks = grid((Field("Setting", 1), Field("Value", 1.6)) * 2, rows, width)
    return Section("Settings", blocks, together=len(blocks) if len(blocks) <= WHOLE else 4) if rows else None


def paragraph(text: str, width: float, colour: str) -> Block:
    """Return a text wrapped to the width."""
    lines = fonts.wrapped(text, width, 8)

    def draw(sheet: Sheet, box: Box) -> None:
        for i, line in enumerate(lines):
            sheet.text(box.left, box.top - 9 - i * 11, line, 8, colour=colour)

    return Block(len(lines) * 11 + 6.0, draw)


def undrawable_note(texts: Sequence[str]) -> list[str]:
    """Return a note that names the characters no embedded typeface draws, or none."""
    missing = sorted(set().union(*(fonts.undrawable(text) for text in texts)))
    listed = ", ".join(f"U+{ord(c):04X}" for c in missing[:40])
    return [f"No embedded typeface draws these characters, which are replaced: {listed}."] if missing else []
