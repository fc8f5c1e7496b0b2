"""Writes the table of exchange sessions that schedules read: `python -m worker.sessions`, run when a release is made.

The table exists so that neither the API nor the dispatcher has to import exchange_calendars, and pandas with it. A
test compares the table with what this module computes.
"""

from __future__ import annotations

import json
from typing import Any, Final

from infra.sessions import TABLE

FIRST: Final = "2025-01-01"
LAST: Final = "2031-12-31"
# All that exchange_calendars computes on this pandas: it fails on ASEX, XBEL, XBSE, XCYS (Orthodox feasts) and XTAE.
EXCHANGES: Final = (
    "AIXK BVMF CMES IEPA XAMS XASX XBDA XBKK XBOG XBOM XBRA XBRU XBUD XBUE XCBF XCSE XDUB XDUS "
    "XEEE XETR XEUR XFRA XHAM XHEL XHKG XICE XIDX XIST XJSE XKAR XKLS XKRX XLIM XLIS XLIT XLJU "
    "XLON XLUX XMAD XMEX XMIL XMOS XNYS XNZE XOSL XPAR XPHS XPRA XRIS XSAU XSES XSGO XSHG XSTO "
    "XSTU XSWX XTAI XTAL XTKS XTSE XWAR XWBO XZAG"
)


def table() -> dict[str, Any]:
    """Return every exchange's time zone, week, and the days on which it departs from its week, and its aliases."""
    from exchange_calendars import calendar_utils  # noqa: PLC0415 - it brings pandas, and takes a second

    aliases = calendar_utils._default_calendar_aliases  # noqa: SLF001 - the library lists them nowhere else
    return {
        "first": FIRST,
        "calendars": {name: calendar(name) for name in EXCHANGES.split()},
        "aliases": {alias: name for alias, name in sorted(aliases.items()) if name in EXCHANGES.split()},
    }


def write() -> None:
    """Write the table where `infra.sessions` reads it, one calendar a line."""
    found = table()
    rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in found["calendars"].items()]
    calendars = "{\n" + ",\n".join(rows) + "\n}"
    text = f'{{"first": {json.dumps(FIRST)}, "aliases": {json.dumps(found["aliases"])}, "calendars": {calendars}}}\n'
    TABLE.write_text(text, encoding="utf-8")


def calendar(name: str) -> dict[str, Any]:
    """Return one exchange's row of the table."""
    import pandas as pd  # noqa: PLC0415 - as above
    from exchange_calendars import calendar_utils  # noqa: PLC0415

    factory = calendar_utils._default_calendar_factories[name]  # noqa: SLF001 - only the class knows how far it goes
    bound = factory.bound_max()
    last = pd.Timestamp(LAST) if bound is None else min(pd.Timestamp(LAST), bound)
    found = calendar_utils.get_calendar(name, start=FIRST, end=last)
    sessions = set(found.sessions)
    days = pd.date_range(FIRST, last)
    week = "".join("1" if sum(day.weekday() == n for day in sessions) * 14 > len(days) else "0" for n in range(7))
    departs = [day for day in days if (day in sessions) != (week[day.weekday()] == "1")]
    return {
        "timezone": str(found.tz),
        "last": last.strftime("%Y-%m-%d"),
        "week": week,
        "departs": " ".join(day.strftime("%Y%m%d") for day in departs),
    }


if __name__ == "__main__":
    write()
