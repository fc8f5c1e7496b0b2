"""What a workbook holds: a sheet of results, then a sheet for each table of each source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.export.reading import is_table
from tasks.export.stacking import one_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks.inputs import FinishedJob

ROWS_MAX: Final = 1_048_575  # Excel's limit for a sheet, less the heading
CELLS_MAX: Final = 5_000_000  # about a minute of writing


def sheets(jobs: Sequence[FinishedJob], artifact: str | None) -> list[dict[str, Any]]:
    """Return the sheets as {"name", "columns"}; with `artifact`, only that table of each source follows the results.

    DataUnusable for a table that is not there, is longer than a sheet, or for more cells than a workbook should hold.
    """
    found: list[dict[str, Any]] = [{"name": "Results", "columns": _results(jobs)}]
    cells = 0
    for i, job in enumerate(jobs):
        pointer = f"/params/sources/{i}"
        for name in [artifact] if artifact else _tables(job):
            columns = one_table(job, name, pointer)
            rows = len(next(iter(columns.values())))
            cells += rows * len(columns)
            if rows > ROWS_MAX or cells > CELLS_MAX:
                detail = f"{job.id}/{name} has {rows:,} rows, too many for a workbook; export it as csv, or all as zip."
                raise DataUnusable(detail, Violation(pointer, detail))
            found.append({"name": f"{i + 1} {name.removesuffix('.csv')}", "columns": columns})
    return found


def _tables(job: FinishedJob) -> list[str]:
    """Return the job's tables by name, without the CSV twins of Parquet tables."""
    names = sorted(name for name, file in job.artifacts.items() if is_table(file))
    return [name for name in names if name.removesuffix(".csv") == name or name.removesuffix(".csv") not in names]


def _results(jobs: Sequence[FinishedJob]) -> dict[str, np.ndarray]:
    """Return every number and text of the jobs' results, a row each."""
    rows = [
        (number, job.kind, name, value)
        for number, job in enumerate(jobs, start=1)
        for name, value in _flat(job.result, "")
    ]
    numbers = [float(value) if isinstance(value, int | float) else np.nan for *_, value in rows]
    texts = [None if isinstance(value, int | float) else str(value) for *_, value in rows]
    return {
        "source": np.array([row[0] for row in rows], dtype=np.int64),
        "kind": np.array([row[1] for row in rows], dtype=object),
        "name": np.array([row[2] for row in rows], dtype=object),
        "number": np.array(numbers, dtype=np.float64),
        "text": np.array(texts, dtype=object),
    }


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested JSON with dotted names, without nulls."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{i}")
    elif value is not None:
        yield name, value
