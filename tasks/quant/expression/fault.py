"""The one error of the language: what is wrong, and at which character."""

from __future__ import annotations

from typing import Final

AROUND: Final = 36  # characters shown to either side of the one at fault


class ExpressionFault(ValueError):
    """An expression that can't be read or makes no sense; `at` counts characters from 0."""

    def __init__(self, text: str, at: int, detail: str) -> None:
        self.at, self.detail = at, detail
        start, stop = max(0, at - AROUND), at + AROUND
        before = "…" if start else ""
        shown = f"{before}{text[start:stop]}{'…' if stop < len(text) else ''}"
        super().__init__(f"col {at + 1}: {detail}\n{shown}\n{' ' * (len(before) + at - start)}^")
