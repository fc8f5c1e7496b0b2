"""Writes columns as Parquet and as CSV, through DuckDB on one thread: the same columns give the same bytes.

A table holds finite numbers or null: NaN and the infinities become null in both forms, as in every answer of the API.
CSV is RFC 4180 in UTF-8 with LF line ends: numbers in the shortest form that reads back equal, dates as ISO 8601, null
as nothing, the empty string as "". Text that a spreadsheet would run as a formula gets an apostrophe in front;
numbers never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.tables import connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMULA_START: Final = (
    "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # ASCII and full-width = + - @, and what lets them slip through
)

_TYPES: Final = {
    "f": "DOUBLE",
    "i": "BIGINT",
    "u": "BIGINT",
    "b": "BOOLEAN",
    "M": "DATE",
    "O": "VARCHAR",
    "U": "VARCHAR",
}


def write_parquet(columns: Mapping[str, np.ndarray], path: Path) -> None:
    """Write equally long columns as zstd-compressed Parquet; NaN, NaT and None become null.

    Raises ValueError for no columns, unequal lengths, two names that differ in case only, or a dtype no table has.
    """
    _check(columns)
    picks = ", ".join(f"{_sql(name, values)} AS {_quoted(name)}" for name, values in columns.items())
    _copy(columns, picks, path, "FORMAT parquet, COMPRESSION zstd")


def write_csv(columns: Mapping[str, np.ndarray], path: Path) -> None:
    """Write equally long columns as CSV, with text cells and headers that a spreadsheet would run made harmless.

    Raises ValueError as `write_parquet` does.
    """
    _check(columns)
    picks = ", ".join(f"{_guarded(name, values)} AS {_quoted(inert(name))}" for name, values in columns.items())
    _copy(columns, picks, path, "FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"'")


def inert(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: itself, or with an apostrophe in front."""
    return f"'{text}" if text[:1] and text[0] in FORMULA_START else text


def _copy(columns: Mapping[str, np.ndarray], picks: str, path: Path, options: str) -> None:
    with connect() as db:
        db.register("columns_", {name: _readable(values) for name, values in columns.items()})
        sql = f"COPY (SELECT {picks} FROM columns_) TO {_literal(path)} ({options})"  # noqa: S608 - names are quoted
        db.execute(sql)


def _check(columns: Mapping[str, np.ndarray]) -> None:
    if not columns:
        raise ValueError("a table needs at least one column")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    if len({name.casefold() for name in columns}) < len(columns):
        raise ValueError(f"two columns differ in case only: {', '.join(columns)}")
    unknown = {name: values.dtype.str for name, values in columns.items() if values.dtype.kind not in _TYPES}
    if unknown:
        raise ValueError(f"columns of a dtype that no table holds: {unknown}")


def _readable(values: np.ndarray) -> np.ndarray[Any, Any]:
    """Return the column as DuckDB takes it: dates as microseconds, numpy's own strings as Python's."""
    match values.dtype.kind:
        case "M":
            return values.astype("datetime64[us]")
        case "U":
            return values.astype(object)
        case _:
            return np.ascontiguousarray(values)


def _sql(name: str, values: np.ndarray) -> str:
    quoted = _quoted(name)
    if values.dtype.kind == "f":
        return f"CASE WHEN isfinite({quoted}) THEN {quoted}::DOUBLE END"
    return f"{quoted}::{_TYPES[values.dtype.kind]}"


def _guarded(name: str, values: np.ndarray) -> str:
    sql = _sql(name, values)
    if values.dtype.kind not in "OU":
        return sql
    starts = f"'^[{FORMULA_START[:2]}\\-{FORMULA_START[3:]}]'"
    return f"CASE WHEN regexp_matches({sql}, {starts}) THEN '''' || {sql} ELSE {sql} END"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
