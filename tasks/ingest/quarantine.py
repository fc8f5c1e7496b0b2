"""The list of rows that could not be used, each with its line, reason, value and the line as it came."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.ingest.intake import refuse
from tasks.ingest.locate import RAW_MAX, places, record
from tasks.outcome import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.ingest.intake import Intake
    from tasks.ingest.locate import Place
    from tasks.ingest.reading import Reading
    from tasks.ingest.screen import Broken

SHOWN: Final = 20  # lines that a refusal names


@dataclass(frozen=True)
class Quarantined:
    """One row set aside."""

    line: int
    reason: str
    column: str
    value: str
    raw: str


def assemble(intake: Intake, reading: Reading, broken: Sequence[Broken]) -> list[Quarantined]:
    """Return all rows set aside, in the file's order, with their lines and texts found again in the file."""
    if intake.format == "parquet":
        return [Quarantined(b.n + 1, b.reason, b.column, b.value, "") for b in sorted(broken, key=lambda b: b.n)]
    if not broken and not reading.rejected:
        return []
    offsets = [row.offset for row in reading.rejected]
    readable, refused, _ = places(intake.path, [b.n for b in broken], offsets, quoted=intake.quoted)
    entries = []
    for unread in reading.rejected:
        place = _found(refused.get(unread.offset))
        raw = record(intake.path, place.offset, quoted=intake.quoted)
        entries.append(Quarantined(place.line, unread.reason, unread.column, unread.value[:RAW_MAX], raw))
    for row in broken:
        place = _found(readable.get(row.n))
        raw = record(intake.path, place.offset, quoted=intake.quoted)
        entries.append(Quarantined(place.line, row.reason, *_as_written(row, raw, reading), raw))
    return sorted(entries, key=lambda entry: (entry.line, entry.column))


def _found(place: Place | None) -> Place:
    """Return the place; a row without one means that rows are counted otherwise than read, which must not pass."""
    if place is None:
        raise refuse("Quotes stand inside values that are not quoted, so rows can't be told apart; double them.")
    return place


def _as_written(row: Broken, raw: str, reading: Reading) -> tuple[str, str]:
    """Return the header and the text of the cell to blame, as they stand in the file."""
    layout = reading.layout
    wide = layout.shape == "wide"
    header = row.name if wide and row.column != "date" else layout.columns.get(row.column, row.column)
    cells = next(csv.reader([raw], delimiter=reading.delimiter or ","), [])
    at = reading.header.index(header) if header in reading.header else -1
    text = cells[at] if 0 <= at < len(cells) and len(raw) < RAW_MAX else row.value
    return header or "", text


def as_table(rows: Sequence[Quarantined]) -> Table:
    """Return the artifact `quarantine.csv`."""
    columns = {
        name: np.array([getattr(row, name) for row in rows], dtype=object)
        for name in ("reason", "column", "value", "raw")
    }
    return Table("quarantine.csv", {"line": np.array([row.line for row in rows], dtype=np.int64), **columns})


def refuse_all(rows: Sequence[Quarantined], counts: Mapping[str, int]) -> DataUnusable:
    """Return the error for a file that is refused because of its rows, naming the first of them."""
    named = [Violation(f"/params/upload#line={row.line}", f"line {row.line}: {_said(row)}") for row in rows[:SHOWN]]
    detail = f"{counts['rows_quarantined']:,} of {counts['rows_read']:,} rows can't be used"
    return DataUnusable(f"{detail}; the first: line {rows[0].line}: {_said(rows[0])}.", *named)


def _said(row: Quarantined) -> str:
    return f"{row.reason} ({row.column} = {row.value[:60]!r})" if row.column else row.reason
