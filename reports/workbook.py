"""Writes tables as an Excel workbook, a sheet each: the same tables give the same bytes.

Text is written as text, whatever it looks like: no cell is a formula or a link. What is not a finite number, and null,
is an empty cell. Rows are written one after the other, so that a long table takes little memory.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np

ROWS_MAX: Final = 1_048_575  # Excel's limit, less the heading
TEXT_MAX: Final = 32_767  # Excel's limit for a cell
NAME_MAX: Final = 31  # and for the name of a sheet
_MADE: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - Excel keeps no zone; a real time would change the bytes
_WIDTHS: Final = {"M": 11.0, "O": 22.0, "U": 22.0}  # in characters; the rest are numbers
_ELLIPSIS: Final = "\u2026"


def write_workbook(content: Mapping[str, Any], path: Path) -> None:
    """Write `sheets` (a list of {"name", "columns"}) as one workbook with the document title `title`.

    Raises ValueError for a table of more rows than a sheet takes.
    """
    options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": content["title"], "author": "Floor", "created": _MADE})
        heading = book.add_format({"bold": True, "bottom": 1})
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        taken: set[str] = set()
        for table in content["sheets"]:
            sheet = book.add_worksheet(_sheet_name(table["name"], taken))
            _fill(sheet, table["columns"], heading, date)


def _fill(sheet: Any, columns: Mapping[str, np.ndarray], heading: Any, date: Any) -> None:
    rows = len(next(iter(columns.values())))
    if rows > ROWS_MAX:
        raise ValueError(f"a sheet takes {ROWS_MAX:,} rows, not {rows:,}")
    sheet.freeze_panes(1, 0)
    for at, (name, values) in enumerate(columns.items()):
        sheet.set_column(at, at, max(_WIDTHS.get(values.dtype.kind, 14.0), min(len(name) + 2.0, 40.0)))
        sheet.write_string(0, at, _cut(name), heading)
    writers = [_writer(sheet, values, date) for values in columns.values()]
    for row, cells in enumerate(_rows(columns), start=1):
        for at, (write, cell) in enumerate(zip(writers, cells, strict=True)):
            if cell is not None:
                write(row, at, cell)


def _rows(columns: Mapping[str, np.ndarray]) -> Iterator[tuple[Any, ...]]:
    return zip(*(_cells(values) for values in columns.values()), strict=True)


def _cells(values: np.ndarray) -> list[Any]:
    """Return a column's cells as Python values, None for what is left empty."""
    if values.dtype.kind == "M":
        days: list[Any] = values.astype("datetime64[D]").tolist()
        return days
    if values.dtype.kind == "f":
        return [number if math.isfinite(number) else None for number in values.tolist()]
    return list(values.tolist())


def _writer(sheet: Any, values: np.ndarray, date: Any) -> Callable[[int, int, Any], Any]:
    match values.dtype.kind:
        case "M":
            return lambda row, at, cell: sheet.write_datetime(row, at, cell, date)
        case "O" | "U":
            return lambda row, at, cell: sheet.write_string(row, at, _cut(str(cell)))
        case kind:
            write: Callable[[int, int, Any], Any] = sheet.write_boolean if kind == "b" else sheet.write_number
            return write


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + _ELLIPSIS


def _sheet_name(text: str, taken: set[str]) -> str:
    """Return a name that Excel takes and no other sheet has."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", text).strip("' ")[:NAME_MAX] or "Sheet"
    name, number = plain, 2
    while name.casefold() in taken or name.casefold() == "history":
        name = f"{plain[: NAME_MAX - 4]}-{number}"
        number += 1
    taken.add(name.casefold())
    return name
