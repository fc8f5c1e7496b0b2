"""Reads one table from each source and puts them under one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.export.reading import is_table, read_artifact
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.inputs import FinishedJob


def stacked(jobs: Sequence[FinishedJob], artifact: str | None) -> dict[str, np.ndarray]:
    """Return the named table of every job (or the first that each kind declares), rows in the jobs' order.

    Several jobs get a first column `source`, counted from 1. Refused where a job lacks the table or columns differ.
    """
    tables = [one_table(job, artifact, f"/params/sources/{i}") for i, job in enumerate(jobs)]
    if len(tables) == 1:
        return tables[0]
    _refuse_unequal(jobs, tables)
    lengths = [len(next(iter(table.values()))) for table in tables]
    source = np.repeat(np.arange(1, len(tables) + 1), lengths)
    return {"source": source} | {name: _joined([table[name] for table in tables]) for name in tables[0]}


def one_table(job: FinishedJob, artifact: str | None, pointer: str) -> dict[str, np.ndarray]:
    """Return the named table of a job, or the first that its kind declares; DataUnusable where it has none."""
    name = artifact or _first_table(job)
    file = job.artifacts.get(name) if name else None
    if file is None or not is_table(file):
        have = ", ".join(sorted(n for n, f in job.artifacts.items() if is_table(f))) or "none"
        detail = (
            f"{job.id} ({job.kind}) has no table {name!r}; its tables: {have}."
            if name
            else (f"{job.id} ({job.kind}) leaves no table; export it as zip.")
        )
        raise DataUnusable(detail, Violation(pointer, detail))
    return read_artifact(job, name or "")


def _first_table(job: FinishedJob) -> str | None:
    declared = kinds()[job.kind].artifacts
    return next((a.name for a in declared if a.form in {"table", "csv"} and a.name in job.artifacts), None)


def _refuse_unequal(jobs: Sequence[FinishedJob], tables: Sequence[dict[str, np.ndarray]]) -> None:
    for i, table in enumerate(tables):
        if list(table) != list(tables[0]):
            detail = (
                f"{jobs[i].id} ({jobs[i].kind}) has the columns {', '.join(table)}, but {jobs[0].id} has "
                f"{', '.join(tables[0])}; export tables of one shape together."
            )
            raise DataUnusable(detail, Violation(f"/params/sources/{i}", detail))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the parts as one column; where types differ (a column that is all null in one), as text or numbers."""
    if any(part.dtype == object for part in parts):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)
