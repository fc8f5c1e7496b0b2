"""Reads a Parquet file into the table `raw`, as `reading` does a CSV file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import duckdb

from tasks.ingest.dialect import find_layout
from tasks.ingest.engine import literal, quoted
from tasks.ingest.intake import FREE, MAX_DECODED, refuse
from tasks.ingest.reading import SQL_TYPES, Reading, blank

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.ingest.engine import Watch
    from tasks.ingest.intake import Intake
    from tasks.ingest.types import DatasetType, Field

MAX_RATIO: Final = 1000  # decoded to stored bytes; columns of one value pack very well
NUMBERS: Final = re.compile(r"DOUBLE|FLOAT|DECIMAL\(\d+,\d+\)|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)")


def read(db: Any, intake: Intake, dataset_type: DatasetType, params: Mapping[str, Any], watch: Watch) -> Reading:
    """Read a Parquet file into `raw`; raises DataUnusable where it is damaged, too large or of another shape."""
    try:
        types = _types(db, intake)
        layout = find_layout(
            tuple(types),
            dataset_type,
            params["columns"],
            first_is_date=_is_date(next(iter(types.values()))),
            numeric=all(NUMBERS.fullmatch(kind) for kind in list(types.values())[1:]),
        )
        extras = layout.ignored if dataset_type.extras else ()
        file = f"read_parquet({literal(str(intake.path))}, file_row_number=true)"
        if layout.shape == "wide":
            select = _wide(file, dataset_type, layout.columns["date"], layout.symbols)
        else:
            select = _long(file, dataset_type, layout.columns, types, extras)
        watch(f"CREATE TEMP TABLE raw AS {select}")
    except duckdb.Error as error:
        raise refuse(f"The Parquet file can't be read: {str(error).splitlines()[0][:200]}") from None
    return Reading(layout, tuple(types), extras=extras)


def _types(db: Any, intake: Intake) -> dict[str, str]:
    path = literal(str(intake.path))
    decoded, values = db.execute(
        f"SELECT sum(total_uncompressed_size), sum(num_values) FROM parquet_metadata({path})"
    ).fetchone()
    stored = intake.path.stat().st_size
    if max(decoded or 0, 8 * (values or 0)) > min(MAX_DECODED, max(FREE, MAX_RATIO * stored)):
        raise refuse(f"The Parquet file of {stored:,} bytes holds {values:,} values: it unpacks to far too much.")
    rows = db.execute(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _is_date(kind: str) -> bool:
    return kind == "DATE" or kind.startswith("TIMESTAMP")


def _wide(file: str, dataset_type: DatasetType, date: str, columns: Sequence[str]) -> str:
    numbers = ", ".join(f"{quoted(name)}::DOUBLE AS {quoted(name)}" for name in columns)
    cells = quoted(str(dataset_type.cells))
    return (
        f"SELECT n, day AS date, {dataset_type.names}, {blank(dataset_type)}{cells} "
        f"FROM (SELECT file_row_number AS n, {quoted(date)}::DATE AS day, {numbers} FROM {file}) "
        f"UNPIVOT ({cells} FOR {dataset_type.names} IN ({', '.join(map(quoted, columns))}))"
    )


def _long(
    file: str, dataset_type: DatasetType, columns: Mapping[str, str], types: Mapping[str, str], extras: Sequence[str]
) -> str:
    picks = [_pick(field, columns.get(field.name), types) for field in dataset_type.fields]
    return f"SELECT file_row_number AS n, {', '.join([*picks, *map(quoted, extras)])} FROM {file}"


def _pick(field: Field, header: str | None, types: Mapping[str, str]) -> str:
    kind = SQL_TYPES[field.type]
    if header is None:
        return f"NULL::{kind} AS {quoted(field.name)}"
    fits = {
        "date": _is_date(types[header]) or types[header] == "VARCHAR",
        "number": NUMBERS.fullmatch(types[header]) is not None,
        "text": types[header] == "VARCHAR" or types[header].startswith("ENUM"),
    }[field.type]
    if not fits:
        raise refuse(
            f"Column {header!r} is {types[header]}; {field.name} must be a {field.type}.",
            f"/params/columns/{field.name}",
        )
    cast = f"TRY_CAST({quoted(header)} AS DATE)" if field.type == "date" else f"{quoted(header)}::{kind}"
    return f"{cast} AS {quoted(field.name)}"
