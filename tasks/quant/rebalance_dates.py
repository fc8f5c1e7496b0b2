"""Which of a calendar's sessions are rebalance dates."""

from __future__ import annotations

import numpy as np

FREQUENCIES = ("D", "W", "M", "Q")


def rebalance_rows(dates: np.ndarray, frequency: str) -> np.ndarray:
    """Return the rows of `dates` that close a day, week (Monday to Sunday), month or quarter.

    `dates`: (T,) datetime64[D], ascending; the answer holds ascending row numbers. The last date always counts, so
    that the newest data can be used at once; dates before it are chosen by the dates alone, never by a price.
    Raises ValueError on an unknown frequency.
    """
    if frequency not in FREQUENCIES:
        raise ValueError(f"frequency {frequency!r} is not one of {', '.join(FREQUENCIES)}")
    if frequency == "D" or len(dates) == 0:
        return np.arange(len(dates))
    period = _period(dates, frequency)
    return np.append(np.flatnonzero(period[1:] != period[:-1]), len(dates) - 1)


def _period(dates: np.ndarray, frequency: str) -> np.ndarray:
    """Return a number for each date that is equal within one week, month or quarter."""
    if frequency == "W":
        days = dates.astype("datetime64[D]").astype(np.int64)
        return np.asarray((days + 3) // 7)  # 1970-01-01 was a Thursday
    months = dates.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // 3 if frequency == "Q" else months)
