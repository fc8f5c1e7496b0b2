"""Reads a CSV file into DuckDB's relation `raw`, in file order, with every row it could not read set aside.

`raw` holds the canonical columns and `n`, a row's number among the readable ones (from 0). DuckDB reads numbers and
dates straight into their types. Where that is not exact enough, numbers are read as text and cast by our own rule:
in files in which a digit stands beside an underscore (DuckDB takes `1_0` for ten), and in wide files with an
unreadable number (the other symbols of that day are not to be lost with it).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import duckdb

from tasks.ingest.dates import MIDNIGHT
from tasks.ingest.engine import literal, quoted
from tasks.ingest.intake import refuse
from tasks.ingest.plan import Plan, plan_csv
from tasks.ingest.types import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.ingest.dialect import Layout
    from tasks.ingest.engine import Watch
    from tasks.ingest.intake import Intake
    from tasks.ingest.types import DatasetType

MAX_LINE: Final = 4 << 20  # bytes in one line of CSV
NUMBER_TEXT: Final = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*|[+-]?(?i:inf|infinity|nan)"
SQL_TYPES: Final = {"date": "DATE", "text": "VARCHAR", "number": "DOUBLE"}


@dataclass(frozen=True)
class Rejected:
    """A row that could not be read: where its bytes start, why, and the value to blame."""

    offset: int
    reason: str
    column: str = ""
    value: str = ""


@dataclass(frozen=True)
class Reading:
    """What came of reading: the layout, what was detected, rules of this file alone, and the unreadable rows."""

    layout: Layout
    header: tuple[str, ...]
    delimiter: str | None = None
    date_format: str | None = None
    extras: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def read_csv(db: Any, intake: Intake, dataset_type: DatasetType, params: Mapping[str, Any], watch: Watch) -> Reading:
    """Read a CSV file into `raw`; see the module's docstring."""
    plan = plan_csv(db, intake, dataset_type, params)
    as_text = intake.underscored
    rejected = _scan(intake, plan, watch, as_text=as_text)
    wide = plan.layout.shape == "wide"
    if wide and not as_text and any(row.reason == "not a number" for row in rejected):
        as_text = True
        rejected = _scan(intake, plan, watch, as_text=True)
    extras = plan.layout.ignored if dataset_type.extras else ()
    select = _wide(plan, dataset_type, as_text=as_text) if wide else _long(plan, dataset_type, extras, as_text=as_text)
    db.execute(f"CREATE TEMP VIEW raw AS {select}")
    rules = _rules(plan, dataset_type, as_text=as_text)
    return Reading(
        plan.layout, plan.sample.header, plan.sample.delimiter, plan.date_name, extras, rules, tuple(rejected)
    )


def _scan(intake: Intake, plan: Plan, watch: Watch, *, as_text: bool) -> list[Rejected]:
    """Read the file into `lines` and return what could not be read."""
    rejects = "rejects_of_text" if as_text else "rejects"
    types = {name: _read_as(name, plan, as_text=as_text) for name in plan.sample.header}
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    pattern = plan.dates.pattern if plan.dates and not plan.dates.stamped else "%Y-%m-%d"
    try:
        watch(
            f"CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM read_csv({literal(str(intake.path))}, "
            f"auto_detect=false, header=true, delim={literal(plan.sample.delimiter)}, quote='\"', escape='\"', "
            f"nullstr='', strict_mode=true, max_line_size={MAX_LINE}, dateformat={literal(pattern)}, "
            f"decimal_separator={literal('.' if as_text else plan.decimal)}, columns={{{columns}}}, "
            f"store_rejects=true, rejects_table={literal(rejects)}, rejects_scan={literal(rejects + '_scan')})"
        )
        # A row with several faults is named by its leftmost.
        rows = watch(
            "SELECT line_byte_position, arg_min(error_type::VARCHAR, coalesce(column_idx, 0)), min(column_idx), "
            f"arg_min(csv_line, coalesce(column_idx, 0)) FROM {rejects} GROUP BY line_byte_position ORDER BY 1"
        )
    except duckdb.Error as error:
        raise refuse(f"The file can't be read as CSV: {str(error).splitlines()[0][:200]}") from None
    return [_reject(row, types, plan) for row in rows]


def _read_as(header: str, plan: Plan, *, as_text: bool) -> str:
    if header in plan.numeric and not as_text:
        return "DOUBLE"
    return "DATE" if header in plan.dated and plan.dates and not plan.dates.stamped else "VARCHAR"


def _reject(row: tuple[int, str, int | None, str | None], types: Mapping[str, str], plan: Plan) -> Rejected:
    """Turn DuckDB's word for a fault into ours, with the value picked out of the line."""
    offset, kind, index, line = row
    body = (line or "").lstrip("\r\n")
    offset += len(line or "") - len(body) - 1  # DuckDB counts bytes from 1, and from the blank lines before a row
    header = list(types)
    cells = next(csv.reader([body], delimiter=plan.sample.delimiter), [])
    at = (index or 1) - 1
    column = header[at] if at < len(header) else ""
    if kind == "CAST":
        reason = f"not a date written {plan.date_name}" if types[column] == "DATE" else "not a number"
        return Rejected(offset, reason, column, cells[at] if at < len(cells) else "")
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
        return Rejected(offset, f"{len(cells)} values where the header has {len(header)}")
    return Rejected(offset, FAULTS.get(kind, kind.lower()))


FAULTS: Final = {
    "LINE SIZE OVER MAXIMUM": f"longer than {MAX_LINE:,} bytes",
    "UNQUOTED VALUE": "a quote is not closed where its value ends",
    "INVALID ENCODING": "not UTF-8",
}


def _long(plan: Plan, dataset_type: DatasetType, extras: tuple[str, ...], *, as_text: bool) -> str:
    picks = []
    for field in dataset_type.fields:
        header = plan.layout.columns.get(field.name)
        if header is None:
            picks.append(f"NULL::{SQL_TYPES[field.type]} AS {quoted(field.name)}")
        else:
            picks.append(f"{_typed(header, plan, as_text=as_text)} AS {quoted(field.name)}")
            picks.append(f"{quoted(header)} AS {quoted(field.name + '_read')}")
    more = [f"{_typed(name, plan, as_text=as_text)} AS {quoted(name)}" for name in extras]
    return f"SELECT rowid AS n, {', '.join([*picks, *more])} FROM lines"


def blank(dataset_type: DatasetType) -> str:
    """Return SQL for the columns that a wide file can't have, all null."""
    there = ("date", dataset_type.names, dataset_type.cells)
    return "".join(f"NULL::{SQL_TYPES[f.type]} AS {f.name}, " for f in dataset_type.fields if f.name not in there)


def _wide(plan: Plan, dataset_type: DatasetType, *, as_text: bool) -> str:
    """Return one row per date and name from one column per name; an empty cell is no row."""
    names = ", ".join(quoted(name) for name in plan.layout.symbols)
    header = plan.layout.columns["date"]
    day = _typed(header, plan, as_text=as_text)
    read = f"{dataset_type.cells}_read"
    cell = _number(read, plan.decimal) if as_text else read
    return (
        f"SELECT n, day AS date, date_read, {dataset_type.names}, {blank(dataset_type)}"
        f"{cell} AS {quoted(str(dataset_type.cells))}, {read} "
        f"FROM (SELECT rowid AS n, {day} AS day, {quoted(header)} AS date_read, {names} FROM lines) "
        f"UNPIVOT ({read} FOR {dataset_type.names} IN ({names}))"
    )


def _typed(header: str, plan: Plan, *, as_text: bool) -> str:
    """Return SQL for a column's value: as read, or cast from its text by our own rule."""
    column = quoted(header)
    if header in plan.numeric and as_text:
        return _number(column, plan.decimal)
    if header in plan.dated and plan.dates and plan.dates.stamped:
        stamped = literal(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{MIDNIGHT}")
        return f"CASE WHEN regexp_full_match({column}, {stamped}) THEN TRY_CAST({column}[:10] AS DATE) END"
    return column


def _number(column: str, decimal: str) -> str:
    text = column if decimal == "." else f"replace({column}, ',', '.')"
    return f"CASE WHEN regexp_full_match({text}, {literal(NUMBER_TEXT)}) THEN TRY_CAST({text} AS DOUBLE) END"


def _rules(plan: Plan, dataset_type: DatasetType, *, as_text: bool) -> tuple[Rule, ...]:
    """Return a rule for every column read as text: what its text does not say is not simply missing."""
    wide = plan.layout.shape == "wide"
    names = [str(dataset_type.cells)] if wide else [f.name for f in dataset_type.fields if f.type == "number"]
    present = ["date", *names] if wide else list(plan.layout.columns)
    rules = [Rule("not a number", name, _misread(name)) for name in names if as_text and name in present]
    if plan.dates and plan.dates.stamped:
        dated = [f.name for f in dataset_type.fields if f.type == "date" and f.name in present]
        rules += [Rule(f"not a date written {plan.date_name}", name, _misread(name)) for name in dated]
    return tuple(rules)


def _misread(name: str) -> str:
    return f"{quoted(name)} IS NULL AND {quoted(name + '_read')} IS NOT NULL"
