"""Which way a file writes its dates. Certain, or asked: never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.ingest.intake import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

MIDNIGHT: Final = r"([T ]00:00(:00(\.0{1,9})?)?(Z|[+-]00:?00)?)"
SHAPES: Final = (
    ("%Y-%m-%d", re.compile(r"\d{4}-\d{2}-\d{2}")),
    ("%Y/%m/%d", re.compile(r"\d{4}/\d{1,2}/\d{1,2}")),
    ("%Y.%m.%d", re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}")),
    ("%Y%m%d", re.compile(r"(19|20|21)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")),
    ("%d-%b-%Y", re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}")),
    ("%d %b %Y", re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}")),
    ("%b %d, %Y", re.compile(r"[A-Za-z]{3} \d{1,2}, \d{4}")),
)
STAMPED: Final = re.compile(r"\d{4}-\d{2}-\d{2}" + MIDNIGHT)
INTRADAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
NUMBERED: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})")
SERIAL: Final = re.compile(r"\d{4,5}(\.0+)?")
EPOCH: Final = re.compile(r"\d{9,19}")
STAMP: Final = "%Y-%m-%d 00:00"  # our name for an ISO timestamp at midnight


@dataclass(frozen=True)
class DateFormat:
    """A strptime pattern, and whether values carry a midnight after an ISO date that is to be cut off."""

    pattern: str
    stamped: bool = False

    @property
    def name(self) -> str:
        """The pattern as reported in `detected`."""
        return STAMP if self.stamped else self.pattern


def looks_like_date(value: str) -> bool:
    """Say whether a value is written as some date (not whether that day exists)."""
    shapes = [shape for _, shape in SHAPES] + [STAMPED, NUMBERED]
    return any(shape.fullmatch(value.strip()) for shape in shapes)


def detect(values: Iterable[str], column: str) -> DateFormat:
    """Return the one format that most of the values are written in; raises DataUnusable where two would do.

    Day and month are told apart by the values themselves: some first part above 12, or some second part.
    """
    given = [value.strip() for value in values if value.strip()]
    if not given:
        raise refuse(f"Column {column!r} holds no dates.", "/params/columns/date")
    counts = {name: sum(bool(shape.fullmatch(v)) for v in given) for name, shape in SHAPES}
    counts[STAMP] = sum(bool(STAMPED.fullmatch(v)) for v in given)
    numbered = [found for v in given if (found := NUMBERED.fullmatch(v))]
    best = max(counts, key=lambda name: counts[name])
    if len(numbered) > counts[best]:
        return DateFormat(_day_or_month(numbered, column))
    if counts[best] * 2 <= len(given):
        raise refuse(_hint(given, column), "/params/date_format")
    return DateFormat("%Y-%m-%d", stamped=True) if best == STAMP else DateFormat(best)


def _day_or_month(found: list[re.Match[str]], column: str) -> str:
    sign = found[0].group(2)
    day_first = [m for m in found if int(m.group(1)) > 12]  # noqa: PLR2004 - months
    month_first = [m for m in found if int(m.group(3)) > 12]  # noqa: PLR2004 - months
    if day_first and month_first:
        raise refuse(
            f"Column {column!r} mixes day-first ({day_first[0].group()}) and month-first "
            f"({month_first[0].group()}) dates; write them one way, best as YYYY-MM-DD.",
            "/params/date_format",
        )
    if not day_first and not month_first:
        example = found[0].group()
        raise refuse(
            f"Is {example} in column {column!r} day first or month first? Nothing in the file tells. "
            f'Declare "date_format": "%d{sign}%m{sign}%Y" or "%m{sign}%d{sign}%Y".',
            "/params/date_format",
        )
    return f"%d{sign}%m{sign}%Y" if day_first else f"%m{sign}%d{sign}%Y"


def _hint(given: list[str], column: str) -> str:
    example = given[0][:40]
    holds = f"Column {column!r} holds"
    if all(EPOCH.fullmatch(v) for v in given):
        return f"{holds} numbers such as {example}: seconds, milliseconds or nanoseconds? Write dates as YYYY-MM-DD."
    if all(SERIAL.fullmatch(v) for v in given):
        return f"{holds} numbers such as {example}, perhaps a spreadsheet's day count; write dates as YYYY-MM-DD."
    if all(INTRADAY.fullmatch(v) for v in given):
        return f"{holds} times of day such as {example}; ingest takes one row per session: give dates alone."
    return f'{holds} {example!r}, which is no date known here; declare `date_format`, e.g. "%d %B %Y".'
