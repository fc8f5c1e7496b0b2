"""Reads the table artifacts of finished jobs, Parquet or CSV, with the types that their kinds declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.errors import DataUnusable
from tasks.inputs import TableFile
from tasks.registry import kinds
from tasks.tables import connect, plain, read_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from tasks.inputs import FinishedJob, LocalFile

PARQUET: Final = "application/vnd.apache.parquet"
_SQL_TYPES: Final = {"date": "DATE", "number": "DOUBLE", "integer": "BIGINT", "text": "VARCHAR", "boolean": "BOOLEAN"}


def is_table(file: LocalFile) -> bool:
    """Say whether an artifact is a table."""
    return file.media_type == PARQUET or file.media_type.startswith("text/csv")


def read_artifact(job: FinishedJob, name: str) -> dict[str, np.ndarray]:
    """Return one table artifact's columns as `read_columns` gives them; DataUnusable where the job has no such file.

    CSV columns take the type that the job's kind declares for them; others are taken for what all their cells are.
    """
    file = job.artifacts.get(name)
    if file is None:
        raise DataUnusable(f"{job.id} ({job.kind}) has no artifact {name!r}; run it again, or export another job.")
    if file.media_type == PARQUET:
        return read_columns(TableFile(file.path, file.sha256, f"{job.id}/{name}"))
    return _read_csv(file.path, _declared(job, name))


def _declared(job: FinishedJob, name: str) -> dict[str, str]:
    """Return the SQL types of the columns that the kind declares for this table, or for the one it is the twin of."""
    listed = {artifact.name: artifact.columns for artifact in kinds()[job.kind].artifacts}
    columns = listed.get(name) or listed.get(name.removesuffix(".csv")) or ()
    return {column.name: _SQL_TYPES[column.type] for column in columns if column.type in _SQL_TYPES}


def _read_csv(path: Path, declared: Mapping[str, str]) -> dict[str, np.ndarray]:
    options = (
        "header=true, auto_detect=true, delim=',', quote='\"', escape='\"', sample_size=-1, "
        "allow_quoted_nulls=false, auto_type_candidates=['BIGINT', 'DOUBLE', 'DATE', 'VARCHAR']"
    )
    with connect() as db:
        there = [column[0] for column in db.execute(_select(options), [str(path)]).description]
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in declared.items() if name in there)
        relation = db.execute(_select(f"{options}, types={{{types}}}" if types else options), [str(path)])
        found_types = {column[0]: str(column[1]) for column in relation.description}
        found = relation.fetchnumpy()
    return {name: plain(found[name], kind) for name, kind in found_types.items()}


def _select(options: str) -> str:
    return f"SELECT * FROM read_csv(?, {options})"  # noqa: S608 - options are literals and declared column names
