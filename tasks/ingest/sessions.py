"""An exchange's sessions. New York's are written down here; every other calendar comes from exchange_calendars.

Importing exchange_calendars takes longer than most ingests, and New York is the default: `xnys_closures.txt` holds
the weekdays on which it was or will be shut, taken from that library; a test compares the two day by day.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from tasks.errors import Invalid, Violation

FIRST: Final = np.datetime64("1953-01-01", "D")  # before, New York also traded on some Saturdays
LAST: Final = np.datetime64("2040-12-31", "D")


def sessions(calendar: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    """Return the sessions of an exchange from `start` to `end`, both included, as datetime64[D] ascending.

    Days that the calendar can't tell of (before its records, after its known holidays) are left out. Raises Invalid
    for a calendar that is not known.
    """
    if calendar == "XNYS" and start >= FIRST and end <= LAST:
        days = np.arange(start, end + 1)
        return days[np.is_busday(days, holidays=_closures())]
    return _from_library(calendar, start, end)


@lru_cache(maxsize=1)
def _closures() -> np.ndarray:
    text = files("tasks.ingest").joinpath("xnys_closures.txt").read_text(encoding="ascii")
    return np.array([line for line in text.split("\n") if line and not line.startswith("#")], dtype="datetime64[D]")


def _from_library(calendar: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    with warnings.catch_warnings():
        # exchange_calendars 4.13 uses what pandas 3.1 calls deprecated; its sessions are not touched by it.
        warnings.filterwarnings("ignore", message=".*ndarray that drops timezone.*")
        import exchange_calendars as library  # noqa: PLC0415 - more than a second: only where a run needs it

        try:
            known = library.get_calendar(calendar)
            first, last = _bounded(known, start, end)
            if first > last:
                return np.empty(0, dtype="datetime64[D]")
            days = library.get_calendar(calendar, start=str(first), end=str(last)).sessions.to_numpy()
        except library.errors.InvalidCalendarName:
            detail = f"{calendar!r} is no calendar known here; use a MIC such as XNYS, XLON or XTKS, 24/7, or null."
            raise Invalid(detail, Violation("/params/calendar", detail)) from None
    found: np.ndarray = days.astype("datetime64[D]")
    return found[(found >= start) & (found <= end)]


def _bounded(known: Any, start: np.datetime64, end: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    """Return the span cut to what the calendar can tell of."""
    low, high = known.bound_min(), known.bound_max()
    return (
        start if low is None else max(start, np.datetime64(low.date(), "D")),
        end if high is None else min(end, np.datetime64(high.date(), "D")),
    )
