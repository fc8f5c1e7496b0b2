"""When a schedule ticks: a cron expression in a time zone, on an exchange's session days if so asked. Pure.

Where clocks change, as Debian's cron has it: an expression with fixed minutes and hours ticks once a day, at the first
minute after a gap that swallows its time, and at the first of two equal times; one with a `*` in minutes or hours
follows the real time, so that it ticks twice in an hour that comes twice and not at all in one that never comes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.sessions import Calendar

FIELDS: Final = 5
LOOK_BACK: Final = tuple(dt.timedelta(hours=hours) for hours in (1, 24, 24 * 32, 24 * 400))
SECOND: Final = dt.timedelta(seconds=1)


class BadCron(ValueError):
    """This is no cron expression of five fields that ever ticks; the message says which field."""


class BadZone(ValueError):
    """This is no IANA time zone."""


@dataclass(frozen=True)
class Timetable:
    """A cron expression of five fields, the zone whose clock it reads, and the exchange whose sessions it keeps to."""

    cron: str
    zone: ZoneInfo
    calendar: Calendar | None = None

    def after(self, moment: dt.datetime) -> Iterator[dt.datetime]:
        """Return the ticks after a moment, in UTC; they end where the calendar does."""
        last = moment.astimezone(dt.UTC)
        ticks = CronSim(self.cron, last.astimezone(self.zone))
        while (tick := next(ticks, None)) is not None:
            at = tick.astimezone(dt.UTC)
            session = self._session(at)
            if session is None:
                return
            if session > at:  # straight to it: a schedule for Sundays would else be stepped through for years
                ticks = CronSim(self.cron, (session - SECOND).astimezone(self.zone))
            elif at > last:  # not the second of two equal times, begun from between them
                last = at
                yield at

    def _session(self, at: dt.datetime) -> dt.datetime | None:
        """Return the tick itself if it is on a session's day, else when the next such day begins; None for never."""
        if self.calendar is None:
            return at
        day = at.astimezone(self.calendar.timezone).date()
        session = self.calendar.next_session(day)
        if session is None:
            return None
        return at if session == day else _midnight(session, self.calendar.timezone)

    def next(self, moment: dt.datetime) -> dt.datetime | None:
        """Return the first tick after a moment, or None."""
        return next(self.after(moment), None)

    def until(self, moment: dt.datetime, end: dt.datetime, limit: int) -> list[dt.datetime]:
        """Return the first `limit` ticks after a moment and not after `end`."""
        found: list[dt.datetime] = []
        for tick in self.after(moment):
            if tick > end or len(found) >= limit:
                break
            found.append(tick)
        return found

    def last_until(self, moment: dt.datetime, end: dt.datetime) -> dt.datetime | None:
        """Return the last tick after a moment and not after `end`; looks back by and by, not through every tick."""
        for start in [*(end - back for back in LOOK_BACK if end - back > moment), moment]:
            last = None
            for tick in self.after(start):
                if tick > end:
                    break
                last = tick
            if last is not None:
                return last
        return None


def check_cron(text: str) -> str:
    """Return a cron expression with single spaces; raises BadCron."""
    parts = text.split()
    if len(parts) != FIELDS:
        raise BadCron(f"has {len(parts)} fields; give five: minute, hour, day of month, month, day of week.")
    try:
        first = next(CronSim(" ".join(parts), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)), None)
    except CronSimError as error:
        raise BadCron(f"has a {str(error).removeprefix('Bad ')} that can't be read or never comes.") from None
    if first is None:
        raise BadCron("never comes.")
    return " ".join(parts)


def zone(name: str) -> ZoneInfo:
    """Return an IANA time zone; raises BadZone."""
    if name not in _zones():
        raise BadZone("is not an IANA time zone such as America/New_York or UTC.")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _midnight(day: dt.date, where: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=where).astimezone(dt.UTC)
