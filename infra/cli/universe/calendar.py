"""The days that the demo's market trades on: New York's, without its full holidays."""

from __future__ import annotations

import datetime as dt
from typing import Final

START, END = dt.date(2019, 1, 2), dt.date(2023, 12, 29)
SATURDAY: Final = 5
HOLIDAYS: Final = {
    2019: "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
    2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
}


def sessions() -> list[dt.date]:
    """Return the trading days in order."""
    closed = {dt.date.fromisoformat(f"{year}-{day}") for year, days in HOLIDAYS.items() for day in days.split()}
    every = (START + dt.timedelta(days=number) for number in range((END - START).days + 1))
    return [day for day in every if day.weekday() < SATURDAY and day not in closed]
