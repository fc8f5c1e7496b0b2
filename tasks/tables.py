"""Reads local Parquet into columns and panels through DuckDB: typed, columnar, no dataframe library imported.

Everything here works on files a run was handed. Errors name the table's place in the parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.quant.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.inputs import TableFile


@lru_cache(maxsize=1)
def engine() -> Any:
    """Return this process's DuckDB: to start one takes longer than to read or write most tables."""
    return _start(1)


def connect(threads: int = 1, memory_mb: int | None = None) -> Any:
    """Return an in-memory DuckDB connection with no access to the network and no extension loading.

    Its temporary tables and views are its own. One with threads or memory of its own is a DuckDB of its own.
    """
    if threads == 1 and memory_mb is None:
        return engine().cursor()
    connection = _start(threads)
    if memory_mb is not None:
        connection.execute(f"SET memory_limit='{int(memory_mb)}MB'")
    return connection


def _start(threads: int) -> Any:
    connection = duckdb.connect(config={"threads": threads, "autoinstall_known_extensions": False})
    connection.execute("SET autoload_known_extensions=false")
    return connection


def column_types(table: TableFile) -> dict[str, str]:
    """Return the table's column names with their DuckDB types, in file order."""
    with connect() as db:
        rows = db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(table.path)]).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def require_columns(table: TableFile, *names: str) -> dict[str, str]:
    """Return `column_types`, refusing a table that lacks any of the names."""
    types = column_types(table)
    missing = [name for name in names if name not in types]
    if missing:
        detail = f"{table.ref} has no column {', '.join(map(repr, missing))}; it has {', '.join(types)}."
        raise DataUnusable(detail, Violation(table.pointer or "/params", detail))
    return types


def read_columns(
    table: TableFile, names: Sequence[str] | None = None, order_by: str | None = None
) -> dict[str, np.ndarray]:
    """Return columns as numpy arrays.

    Numbers come as float64 or int64 with null as NaN (an integer column with nulls becomes float64), dates as
    datetime64[D] with null as NaT, text as object arrays with None for null.
    """
    types = require_columns(table, *(names or ()))
    chosen = list(names or types)
    picks = ", ".join(_pick(name, types[name]) for name in chosen)
    order = f" ORDER BY {order_by}" if order_by else ""
    with connect() as db:
        found = db.execute(f"SELECT {picks} FROM read_parquet(?){order}", [str(table.path)]).fetchnumpy()
    return {name: plain(found[name], types[name]) for name in chosen}


def read_panels(
    table: TableFile, fields: Sequence[str], date: str = "date", symbol: str = "symbol"
) -> dict[str, Panel]:
    """Return a long table's numeric columns as panels on one shared grid of dates and symbols, both ascending.

    Shapes: every panel is (T dates, N symbols), float64; what the table does not hold is NaN. A date and symbol that
    appears twice is refused.
    """
    require_columns(table, date, symbol, *fields)
    d, s = _quoted(date), _quoted(symbol)
    picks = ", ".join(f"CAST({_quoted(name)} AS DOUBLE) AS {_quoted(name)}" for name in fields)
    with connect() as db:
        path = str(table.path)
        names = [
            str(row[0])
            for row in db.execute(
                f"SELECT DISTINCT {s} FROM read_parquet(?) WHERE {s} IS NOT NULL ORDER BY 1", [path]
            ).fetchall()
        ]
        if not names:
            raise DataUnusable(
                f"{table.ref} holds no rows.", Violation(table.pointer or "/params", f"{table.ref} holds no rows.")
            )
        db.execute(
            "CREATE TEMP TABLE s AS SELECT unnest(?::VARCHAR[]) AS name, unnest(range(?)) AS code", [names, len(names)]
        )
        found = db.execute(
            f"SELECT CAST(CAST(t.{d} AS DATE) - DATE '1970-01-01' AS INTEGER) AS d_, CAST(s.code AS INTEGER) AS c_, "
            f"{picks} FROM read_parquet(?) t JOIN s ON s.name = t.{s} WHERE t.{d} IS NOT NULL",
            [path],
        ).fetchnumpy()
    dates, row = _distinct_days(np.asarray(found["d_"]))
    cell = row * len(names) + np.asarray(found["c_"])
    _refuse_doubles(table, cell, dates, names)
    panels: dict[str, Panel] = {}
    for name in fields:
        values = np.full(len(dates) * len(names), np.nan)
        values[cell] = plain(found[name], "DOUBLE")
        panels[name] = Panel(dates, tuple(names), values.reshape(len(dates), len(names)))
    return panels


def read_panel(table: TableFile, field: str) -> Panel:
    """Return one numeric column of a long table as a panel; see `read_panels`."""
    return read_panels(table, [field])[field]


def _distinct_days(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct days, ascending, and the place of each day among them: `np.unique` without its sort."""
    if not len(days):
        return np.zeros(0, dtype="datetime64[D]"), np.zeros(0, dtype=np.int64)
    first = int(days.min())
    present = np.zeros(int(days.max()) - first + 1, dtype=bool)
    present[days - first] = True
    place = np.cumsum(present) - 1
    return (np.flatnonzero(present) + first).astype("datetime64[D]"), place[days - first]


def _refuse_doubles(table: TableFile, cell: np.ndarray, dates: np.ndarray, names: Sequence[str]) -> None:
    taken = np.zeros(len(dates) * len(names), dtype=bool)
    taken[cell] = True
    if np.count_nonzero(taken) == len(cell):
        return
    counts = np.bincount(cell)
    twice = np.flatnonzero(counts > 1)
    day, symbol = dates[twice[0] // len(names)], names[twice[0] % len(names)]
    detail = f"{table.ref} holds {symbol} on {day} {counts[twice[0]]} times ({len(twice)} such pairs); keep one."
    raise DataUnusable(detail, Violation(table.pointer or "/params", detail))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _pick(name: str, kind: str) -> str:
    quoted = _quoted(name)
    return (
        f"CAST({quoted} AS DOUBLE) AS {quoted}"
        if kind.startswith(("DECIMAL", "FLOAT", "HUGEINT", "UBIGINT"))
        else quoted
    )


def plain(column: Any, kind: str) -> np.ndarray:
    """Return one of DuckDB's masked arrays, of the type `kind`, as a plain one with NaN, NaT or None for null."""
    masked = np.ma.getmaskarray(column)
    values = np.ma.getdata(column)
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        days = values.astype("datetime64[D]")
        days[masked] = np.datetime64("NaT")
        return days
    if masked.any() and values.dtype.kind in "iub":
        values = values.astype(np.float64)
    if masked.any():
        values = values.copy()
        values[masked] = None if values.dtype == object else np.nan
    return values
