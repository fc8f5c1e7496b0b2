"""A panel: one number for each date and symbol. The common currency of the mathematics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Panel:
    """Values on a grid of dates (rows, ascending) and symbols (columns, ascending).

    Shapes: `dates` (T,) datetime64[D]; `symbols` N strings; `values` (T, N) float64, NaN where there is no number.
    Units are whatever the values measure. Raises ValueError when the shapes disagree or an axis is not strictly
    ascending.
    """

    dates: np.ndarray
    symbols: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.dates), len(self.symbols)):
            raise ValueError(f"values are {self.values.shape}, the axes say {(len(self.dates), len(self.symbols))}")
        if len(self.dates) > 1 and not bool(np.all(self.dates[1:] > self.dates[:-1])):
            raise ValueError("dates are not strictly ascending")
        if any(a >= b for a, b in zip(self.symbols, self.symbols[1:], strict=False)):
            raise ValueError("symbols are not strictly ascending")

    def between(self, start: str | None, end: str | None) -> Panel:
        """Return the rows with `start <= date <= end`; None leaves that side open."""
        keep = np.ones(len(self.dates), dtype=bool)
        if start is not None:
            keep &= self.dates >= np.datetime64(start)
        if end is not None:
            keep &= self.dates <= np.datetime64(end)
        return Panel(self.dates[keep], self.symbols, self.values[keep])

    def on(self, dates: np.ndarray, symbols: Sequence[str]) -> Panel:
        """Return the same numbers on another grid; NaN where this panel has none. Nothing is filled forward."""
        values = np.full((len(dates), len(symbols)), np.nan)
        rows = {day: i for i, day in enumerate(self.dates.tolist())}
        columns = {name: j for j, name in enumerate(self.symbols)}
        to = [(i, rows[day]) for i, day in enumerate(dates.tolist()) if day in rows]
        across = [(j, columns[name]) for j, name in enumerate(symbols) if name in columns]
        if to and across:
            target_rows, source_rows = np.array(to).T
            target_columns, source_columns = np.array(across).T
            values[np.ix_(target_rows, target_columns)] = self.values[np.ix_(source_rows, source_columns)]
        return Panel(dates, tuple(symbols), values)
