"""A small table written out in the parameters becomes columns, each of the one type that all its values have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.params import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def columns_of(table: Mapping[str, Any], pointer: str) -> dict[str, np.ndarray]:
    """Return an inline table's columns.

    Numbers become float64 with null as NaN; booleans without null bool; texts object with None for null, or
    datetime64[D] if every one is a date. Raises DataUnusable for a column of mixed types or a date of no calendar.
    """
    names, rows = table["columns"], table["rows"]
    return {name: _column([row[place] for row in rows], name, f"{pointer}/rows") for place, name in enumerate(names)}


def _column(values: Sequence[Any], name: str, pointer: str) -> np.ndarray:
    kinds = {_kind(value) for value in values if value is not None}
    if len(kinds) > 1:
        odd = next(value for value in values if value is not None and _kind(value) != _kind(_first(values)))
        raise _unusable(pointer, f"column {name!r} mixes {' and '.join(sorted(kinds))}: {shown(odd)} among others.")
    if kinds == {"texts"}:
        return _texts(values, name, pointer)
    if kinds == {"booleans"} and None not in values:
        return np.array(values, dtype=bool)
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def _texts(values: Sequence[Any], name: str, pointer: str) -> np.ndarray:
    if not all(value is None or DAY.fullmatch(value) for value in values):
        return np.array(values, dtype=object)
    try:
        return np.array(["NaT" if value is None else value for value in values], dtype="datetime64[D]")
    except ValueError:
        raise _unusable(pointer, f"column {name!r} holds a date that is not a day of the calendar.") from None


def _kind(value: Any) -> str:
    return "booleans" if isinstance(value, bool) else "texts" if isinstance(value, str) else "numbers"


def _first(values: Sequence[Any]) -> Any:
    return next(value for value in values if value is not None)


def _unusable(pointer: str, detail: str) -> DataUnusable:
    return DataUnusable(detail, Violation(pointer, detail))
