"""What was known by when: dated rows become panels in which nothing stands before its day."""

from __future__ import annotations

import numpy as np


def as_of(
    dates: np.ndarray, columns: int, *, known_from: np.ndarray, column: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Return (T, columns) the newest of each column's values known by each date, NaN before the first.

    `dates`: (T,) ascending datetime64[D]; `known_from` (datetime64[D]), `column` (whole numbers) and `values` are
    equally long; of rows that become known between the same two dates the last one given with the latest day counts.
    """
    panel = np.full((len(dates), columns), np.nan)
    order = np.argsort(known_from, kind="stable")
    row = np.searchsorted(dates, known_from[order], side="left")
    inside = row < len(dates)
    panel[row[inside], column[order][inside]] = values[order][inside]  # the last of equal cells wins
    return carried(panel, np.isfinite(panel))


def carried(panel: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the panel with each unknown cell holding the last known one above it, if there is one."""
    if known.all():
        return panel
    last = np.where(known, np.arange(len(panel), dtype=np.int32)[:, None], 0)
    np.maximum.accumulate(last, axis=0, out=last)
    return np.asarray(np.take_along_axis(panel, last, axis=0))


def valid_codes(
    dates: np.ndarray,
    columns: int,
    *,
    column: np.ndarray,
    code: np.ndarray,
    valid_from: np.ndarray,
    valid_to: np.ndarray,
) -> np.ndarray:
    """Return (T, columns) int64 the code valid for each column on each date, -1 where none is.

    Both days are inclusive, NaT leaves that side open; where two rows overlap, the one that begins later holds.
    """
    codes = np.full((len(dates), columns), -1, dtype=np.int64)
    first = np.where(np.isnat(valid_from), 0, np.searchsorted(dates, valid_from, side="left"))
    stop = np.where(np.isnat(valid_to), len(dates), np.searchsorted(dates, valid_to, side="right"))
    for i in np.argsort(first, kind="stable"):
        codes[first[i] : stop[i], column[i]] = code[i]
    return codes
