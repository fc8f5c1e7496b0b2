"""Company figures as they were known: each from the day it was published, never from its period's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.factors.columns import columns_of, days, numbers, unusable
from tasks.quant.as_of import as_of
from tasks.quant.total_return import forward_factor
from tasks.tables import column_types, read_columns, require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.inputs import TableFile


class Fundamentals:
    """A table of `symbol, available_from, period_end?` and figures, on the dates and symbols of the prices.

    A figure holds from its `available_from` until a newer one; a late correction of an older period does not replace
    a newer period's. A null figure replaces nothing.
    """

    def __init__(
        self, file: TableFile, dates: np.ndarray, symbols: tuple[str, ...], panels: Mapping[str, np.ndarray]
    ) -> None:
        self.file, self.dates, self.symbols, self.panels = file, dates, symbols, panels
        require_columns(file, "symbol", "available_from")
        self.types = column_types(file)

    def has(self, name: str) -> bool:
        """Say whether the table has a figure of that name."""
        return name in self.types

    def figure(self, name: str) -> np.ndarray:
        """Return (T, N) the figure as it was known on each date, NaN before its first publication."""
        column, known_from, values = self._rows(name)
        return as_of(self.dates, len(self.symbols), known_from=known_from, column=column, values=values)

    def caps(self) -> np.ndarray:
        """Return (T, N) market capitalisations: as published, or shares published x traded close x splits since."""
        if self.has("market_cap"):
            caps = self.figure("market_cap")
        elif self.has("shares_outstanding"):
            caps = self._shares() * self.panels["close"]
        else:
            detail = f"{self.file.ref} has neither 'market_cap' nor 'shares_outstanding': one of them gives the size."
            raise unusable(self.file, detail)
        return np.where(caps > 0.0, caps, np.nan)

    def _shares(self) -> np.ndarray:
        column, known_from, shares = self._rows("shares_outstanding")
        close, n = self.panels["close"], len(self.symbols)
        splits = forward_factor(self.panels["split_factor"], close) if "split_factor" in self.panels else None
        if splits is None:
            return as_of(self.dates, n, known_from=known_from, column=column, values=shares)
        row = np.minimum(np.searchsorted(self.dates, known_from, side="left"), len(self.dates) - 1)
        in_first_shares = shares / splits[row, column]  # one share of the first day, however often split by then
        return np.asarray(splits * as_of(self.dates, n, known_from=known_from, column=column, values=in_first_shares))

    def _rows(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the column, day of publication and value of each row that counts, in the order of publication."""
        if not self.has(name):
            raise unusable(self.file, f"{self.file.ref} has no column {name!r}; it has {', '.join(self.types)}.")
        period = ["period_end"] if self.has("period_end") else []
        table = read_columns(self.file, ["symbol", "available_from", name, *period])
        column, counts = columns_of(table["symbol"], self.symbols)
        known_from = days(self.file, "available_from", table["available_from"])
        values = numbers(self.file, name, table[name])
        ends = days(self.file, "period_end", table["period_end"]) if period else known_from
        counts &= np.isfinite(values) & ~np.isnat(known_from) & ~np.isnat(ends)
        rows = np.flatnonzero(counts)
        rows = rows[_newest_periods(column[rows], known_from[rows], ends[rows])]
        return column[rows], known_from[rows], values[rows]


def _newest_periods(column: np.ndarray, known_from: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return, in order of publication, the rows whose period is as new as any their company published by then."""
    order = np.lexsort((ends, known_from, column))
    company = column[order].astype(np.int64)
    period = ends[order].astype("datetime64[D]").astype(np.int64) - np.datetime64("0001-01-01", "D").astype(np.int64)
    key = company * 10**7 + period  # a later company's keys are above all of an earlier one's
    newest = order[key >= np.maximum.accumulate(key)]
    return np.asarray(newest[np.argsort(known_from[newest], kind="stable")])
