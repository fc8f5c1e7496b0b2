"""Reads a file into DuckDB's table `raw`, typed, in file order, with every row it could not read set aside.

`raw` holds the canonical columns and `n`, a row's number among the readable ones (from 0). A date that can't be
read as declared or detected is null with the text beside it in `date_text`, so that a rule can quote it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb

from tasks.ingest.dates import MIDNIGHT, NUMBERED, DateFormat, detect, looks_like_date
from tasks.ingest.dialect import COMMA_NUMBER, NUMBER, Layout, Sample, find_layout, take_sample
from tasks.ingest.engine import literal, quoted
from tasks.ingest.intake import Intake, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.ingest.types import DatasetType

MAX_LINE: Final = 4 << 20  # bytes in one line of CSV
NO_RANGE: Final = "NULL::DOUBLE AS open, NULL::DOUBLE AS high, NULL::DOUBLE AS low"


@dataclass(frozen=True)
class Rejected:
    """A row that could not be read: where its bytes start, why, and the value to blame."""

    offset: int
    reason: str
    column: str
    value: str
    raw: str


@dataclass(frozen=True)
class Reading:
    """What came of reading: the layout, the date format, and the rows that could not be read."""

    layout: Layout
    delimiter: str | None
    date_format: str | None
    header: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """How a CSV file is to be read, all detection done."""

    sample: Sample
    layout: Layout
    dates: DateFormat | None
    decimal: str
    typed_as: Mapping[str, str]  # header name -> DuckDB type


def plan_csv(db: Any, intake: Intake, dataset_type: DatasetType, params: Mapping[str, Any]) -> Plan:
    """Decide delimiter, layout, date format and column types from the head of the file and what was declared."""
    sample = take_sample(intake.path, params["delimiter"])
    first = sample.column(0)
    layout = find_layout(
        sample.header,
        dataset_type,
        params["columns"],
        first_is_date=bool(first) and sum(map(looks_like_date, first)) * 2 > len(first),
        numeric=_mostly_numbers(sample),
    )
    dated = next((f.name for f in dataset_type.fields if f.type == "date" and f.name in layout.columns), None)
    dates = None
    if dated is not None:
        dates = _date_format(db, intake, sample, layout.columns[dated], params["date_format"])
    numbers = {layout.columns[f.name] for f in dataset_type.fields if f.type == "number" and f.name in layout.columns}
    typed_as = dict.fromkeys(sample.header, "VARCHAR") | dict.fromkeys([*layout.symbols, *numbers], "DOUBLE")
    _check_decimal(sample, [name for name, kind in typed_as.items() if kind == "DOUBLE"], params["decimal"])
    if dated is not None and dates is not None and not dates.stamped:
        typed_as[layout.columns[dated]] = "DATE"
    return Plan(sample, layout, dates, params["decimal"], typed_as)


def read_csv(db: Any, intake: Intake, dataset_type: DatasetType, params: Mapping[str, Any]) -> Reading:
    """Read a CSV file into `raw`; see the module's docstring."""
    plan = plan_csv(db, intake, dataset_type, params)
    try:
        db.execute(f"CREATE TEMP TABLE lines AS SELECT * FROM {_scan(intake, plan)}")
    except duckdb.Error as error:
        raise refuse(f"The file can't be read as CSV: {_first_line(error)}") from None
    rejected = _rejected(db, plan)
    if plan.layout.shape == "wide":
        _unpivot(db, plan)
        return Reading(plan.layout, plan.sample.delimiter, _named(plan), plan.sample.header, (), rejected)
    extras = plan.layout.ignored if dataset_type.extras else ()
    picks = ", ".join(_pick(name, header, plan, dataset_type) for name, header in plan.layout.columns.items())
    absent = "".join(
        f", NULL::{_sql_type(f.type)} AS {quoted(f.name)}"
        for f in dataset_type.fields
        if f.name not in plan.layout.columns
    )
    more = "".join(f", {quoted(name)}" for name in extras)
    db.execute(f"CREATE TEMP VIEW raw AS SELECT rowid AS n, {picks}{absent}{more} FROM lines")
    return Reading(plan.layout, plan.sample.delimiter, _named(plan), plan.sample.header, extras, rejected)


def _named(plan: Plan) -> str | None:
    return plan.dates.name if plan.dates else None


def _unpivot(db: Any, plan: Plan) -> None:
    """Turn one column per symbol into one row per date and symbol; an empty cell is no row."""
    names = ", ".join(quoted(name) for name in plan.layout.symbols)
    day = _day(quoted(plan.layout.columns["date"]), plan.typed_as[plan.layout.columns["date"]])
    db.execute(
        f"CREATE TEMP VIEW raw AS SELECT n, day AS date, symbol, {NO_RANGE}, close, NULL::DOUBLE AS volume, "
        f"NULL::VARCHAR AS currency FROM (SELECT rowid AS n, {day} AS day, {names} FROM lines) "
        f"UNPIVOT (close FOR symbol IN ({names}))"
    )


def _sql_type(kind: str) -> str:
    return {"date": "DATE", "text": "VARCHAR", "number": "DOUBLE"}[kind]


def _pick(name: str, header: str, plan: Plan, dataset_type: DatasetType) -> str:
    column = quoted(header)
    if dataset_type.field(name).type == "date":
        column = _day(column, plan.typed_as[header])
    return f"{column} AS {quoted(name)}"


def _day(column: str, read_as: str) -> str:
    """Return SQL for a day: the column itself, or what stands before a midnight in its text."""
    if read_as == "DATE":
        return column
    stamped = literal(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{MIDNIGHT}")
    return f"CASE WHEN regexp_full_match({column}, {stamped}) THEN TRY_CAST({column}[:10] AS DATE) END"


def _scan(intake: Intake, plan: Plan) -> str:
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in plan.typed_as.items())
    pattern = plan.dates.pattern if plan.dates and not plan.dates.stamped else "%Y-%m-%d"
    return (
        f"read_csv({literal(str(intake.path))}, auto_detect=false, header=true, "
        f"delim={literal(plan.sample.delimiter)}, quote='\"', escape='\"', nullstr='', "
        f"strict_mode=true, store_rejects=true, max_line_size={MAX_LINE}, "
        f"dateformat={literal(pattern)}, decimal_separator={literal(plan.decimal)}, columns={{{columns}}})"
    )


def _rejected(db: Any, plan: Plan) -> list[Rejected]:
    """Return one entry per row that DuckDB could not read; a row with several faults is named by its first."""
    rows = db.execute(
        "SELECT min(line_byte_position), arg_min(error_type, column_idx), arg_min(column_idx, column_idx), "
        "arg_min(csv_line, column_idx) FROM reject_errors GROUP BY line_byte_position ORDER BY 1"
    ).fetchall()
    return [_reject(offset, str(kind), index, line, plan) for offset, kind, index, line in rows]


def _reject(offset: int, kind: str, index: int | None, line: str, plan: Plan) -> Rejected:
    """Turn DuckDB's word for a fault into ours, with the value picked out of the line."""
    body = line.lstrip("\r\n")
    offset += len(line) - len(body) - 1  # DuckDB counts bytes from 1, and from the blank lines before a row
    header = list(plan.typed_as)
    cells = next(csv.reader([body], delimiter=plan.sample.delimiter), [])
    at = (index or 1) - 1
    column = header[at] if at < len(header) else ""
    value = cells[at] if at < len(cells) else ""
    if kind == "CAST":
        reason = "not a date" if plan.typed_as[column] == "DATE" else "not a number"
        return Rejected(offset, f"{reason}{_as_declared(plan, column)}", column, value, body)
    if kind in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
        return Rejected(offset, f"{len(cells)} values where the header has {len(header)}", "", "", body)
    return Rejected(offset, kind.lower().replace("_", " "), column, value, body)


def _as_declared(plan: Plan, column: str) -> str:
    return f" written {plan.dates.name}" if plan.dates and plan.typed_as[column] == "DATE" else ""


def _mostly_numbers(sample: Sample) -> bool:
    values = [v for i in range(1, len(sample.header)) for v in sample.column(i)]
    numbers = sum(bool(NUMBER.fullmatch(v) or COMMA_NUMBER.fullmatch(v)) for v in values)
    return bool(values) and numbers * 2 > len(values)


def _check_decimal(sample: Sample, numeric: Sequence[str], decimal: str) -> None:
    """Ask when numbers are mostly written with a decimal comma and none was declared."""
    if decimal == ",":
        return
    values = [v for name in numeric for v in sample.column(sample.header.index(name))]
    commas = [v for v in values if COMMA_NUMBER.fullmatch(v) and not NUMBER.fullmatch(v)]
    if commas and len(commas) * 2 > len(values):
        raise refuse(
            f"Numbers such as {commas[0]} seem to have a decimal comma, or thousands separators; "
            'declare "decimal": "," or write plain numbers.',
            "/params/decimal",
        )


def _date_format(db: Any, intake: Intake, sample: Sample, column: str, declared: str | None) -> DateFormat:
    if declared is not None:
        return DateFormat(declared)
    index = sample.header.index(column)
    values = sample.column(index)
    if values and all(NUMBERED.fullmatch(v) for v in values[:3]):
        values = _all_values(db, intake, sample, column)
    return detect(values, column)


def _all_values(db: Any, intake: Intake, sample: Sample, column: str) -> list[str]:
    """Return a column's distinct texts from the whole file: what tells day from month may stand anywhere."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in sample.header)
    found = db.execute(
        f"SELECT DISTINCT {quoted(column)} FROM read_csv({literal(str(intake.path))}, auto_detect=false, header=true, "
        f"delim={literal(sample.delimiter)}, quote='\"', escape='\"', ignore_errors=true, columns={{{columns}}}) "
        "LIMIT 200000"
    ).fetchall()
    return [row[0] for row in found if row[0]]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
