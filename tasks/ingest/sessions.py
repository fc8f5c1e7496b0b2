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

    Raises Invalid for a calendar that is not known.
    """
    if calendar == "XNYS" and start >= FIRST and end <= LAST:
        days = np.arange(start, end + 1)
        return days[np.is_busday(days, holidays=_closures())]
    return _from_library(calendar, start, end)


@lru_cache(maxsize=1)
def _closures() -> np.ndarray:
    text = files("tasks.ingest").joinpath("xnys_closures.txt").read_text(encoding="ascii")
    return np.array([line for line in text.split("\n") if line and not line.startswith("#")], dtype="datetime64[D]")


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*", category=DeprecationWarning, module="exchange_calendars")
        import exchange_calendars  # noqa: PLC0415 - more than a second: only where a run needs it
    return exchange_calendars


def _from_library(calendar: str, start: np.datetime64, end: np.datetime64) -> np.ndarray:
    library = _library()
    try:
        known = library.get_calendar(calendar, start=_clamped(library, calendar, start), end=str(end))
    except library.errors.InvalidCalendarName:
        detail = (
            f"{calendar!r} is no exchange calendar known here; use a MIC such as XNYS, XLON or XTKS, 24/7, or null."
        )
        raise Invalid(detail, Violation("/params/calendar", detail)) from None
    days: np.ndarray = known.sessions.to_numpy().astype("datetime64[D]")
    return days[(days >= start) & (days <= end)]


def _clamped(library: Any, calendar: str, start: np.datetime64) -> str:
    """Return the start, or the first day that the calendar can tell of where that is later."""
    bound = getattr(library.calendar_utils.global_calendar_dispatcher, "_calendar_factories", {}).get(
        library.resolve_alias(calendar)
    )
    earliest = bound.bound_min() if bound is not None else None
    first = start if earliest is None else max(start, np.datetime64(earliest, "D"))
    return str(first)
