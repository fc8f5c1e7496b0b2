"""On which days exchanges trade: a table computed beforehand, so that nothing heavy is imported to ask.

Schedules read it; backtests and the rest, which compute anyway, ask exchange_calendars itself.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

TABLE: Final = Path(__file__).with_name("sessions.json")
DAY: Final = dt.timedelta(days=1)


class UnknownCalendar(ValueError):
    """There is no such exchange calendar; the message names near ones."""


@dataclass(frozen=True)
class Calendar:
    """An exchange's sessions from `first` to `last`; nothing is known of days outside."""

    name: str
    timezone: ZoneInfo
    first: dt.date
    last: dt.date
    week: str  # seven digits from Monday, 1 where it trades
    departs: frozenset[dt.date]  # holidays, and sessions on other days than the week's

    def trades_on(self, day: dt.date) -> bool:
        """Say whether a day is a session; a day the table does not reach is none."""
        return self.first <= day <= self.last and (self.week[day.weekday()] == "1") != (day in self.departs)

    def next_session(self, day: dt.date) -> dt.date | None:
        """Return the first session on or after a day, None beyond the table."""
        day = max(day, self.first)
        while day <= self.last:
            if self.trades_on(day):
                return day
            day += DAY
        return None


@cache
def calendar(name: str) -> Calendar:
    """Return a calendar by its ISO 10383 code or a usual name of the exchange; raises UnknownCalendar."""
    whole = _table()
    code = whole["aliases"].get(name, name)
    row = whole["calendars"].get(code)
    if row is None:
        near = difflib.get_close_matches(name.upper(), names(), n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownCalendar(f"there is no exchange calendar {name!r}; give a code such as XNYS or XLON.{hint}")
    return Calendar(
        code,
        ZoneInfo(row["timezone"]),
        dt.date.fromisoformat(whole["first"]),
        dt.date.fromisoformat(row["last"]),
        row["week"],
        frozenset(dt.datetime.strptime(day, "%Y%m%d").date() for day in row["departs"].split()),  # noqa: DTZ007 - a day
    )


def names() -> list[str]:
    """Return the code or name of every calendar."""
    whole = _table()
    return sorted([*whole["calendars"], *whole["aliases"]])


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found
