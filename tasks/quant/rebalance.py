"""Which sessions a schedule picks: daily, or the last session of each week, month or quarter, plus an offset."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

Frequency = Literal["D", "W", "M", "Q"]
FREQUENCIES: Final = ("D", "W", "M", "Q")


def period_of(dates: np.ndarray, frequency: Frequency) -> np.ndarray:
    """Return an integer for each date, equal within a day, a Monday-to-Sunday week, a month or a quarter.

    Shapes: `dates` (T,) datetime64[D] → (T,) int64.
    """
    days = dates.astype("datetime64[D]").astype(np.int64)
    if frequency == "D":
        return days
    if frequency == "W":
        return (days + 3) // 7  # day 0 was a Thursday
    months = dates.astype("datetime64[M]").astype(np.int64)
    return months if frequency == "M" else months // 3


def schedule(dates: np.ndarray, frequency: Frequency, offset: int = 0, *, open_period: bool = False) -> np.ndarray:
    """Return the rows of `dates` that the schedule picks, ascending and distinct.

    `dates` (T,) datetime64[D], strictly ascending sessions. D picks every session from row `offset` on; W, M and Q the
    last session of each period, moved `offset` sessions later. The last row ends a period only when a later session
    shows that the period is over, so cutting the table short picks no session that the whole table would not; with
    `open_period` the last row counts as well (for a score of "today"). Raises ValueError for
    a negative offset or an unknown frequency.
    """
    if frequency not in FREQUENCIES:
        raise ValueError(f"frequency {frequency!r} is not one of {', '.join(FREQUENCIES)}")
    if offset < 0:
        raise ValueError(f"the offset counts sessions after the period's end; {offset} is before it")
    if frequency == "D":
        return np.arange(offset, len(dates))
    periods = period_of(dates, frequency)
    ends = np.flatnonzero(periods[1:] != periods[:-1])
    picked = ends + offset
    picked = picked[picked < len(dates)]
    if len(dates) and open_period:
        picked = np.append(picked, len(dates) - 1)
    return np.unique(picked)
