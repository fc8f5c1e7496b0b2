"""Turns an outcome into files: every table, document and written file that the kind declares, no more and no fewer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.documents import write_document
from reports.json_text import write_json
from reports.tables import write_csv, write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tasks.kind import Artifact, JobKind
    from tasks.outcome import Document, Outcome, Table

MEDIA_TYPES: Final = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
MANIFEST: Final = "manifest.json"  # every job has one; the worker writes it last, so no run may claim the name


@dataclass(frozen=True)
class Rendered:
    """An artifact as a local file, ready to be stored: its name, digest, and the name a person downloads it under."""

    name: str
    path: Path
    media_type: str
    bytes: int
    sha256: str
    rows: int | None
    filename: str


def render(outcome: Outcome, kind: JobKind, scratch: Path) -> list[Rendered]:
    """Write every artifact of an outcome under `scratch` and return them by name, ascending.

    Raises ValueError when the outcome lacks an artifact that its kind declares, or holds one that it does not: either
    is a mistake in the kind.
    """
    declared = {artifact.name: artifact for artifact in kind.artifacts}
    _check_names([*outcome.tables, *outcome.documents, *outcome.files], declared, kind)
    folder = scratch / "artifacts"
    folder.mkdir(exist_ok=True)
    found = [file for table in outcome.tables for file in _table(table, declared[table.name], folder, kind)]
    found += [_document(document, folder, kind) for document in outcome.documents]
    found += [rendered(kind.name, file.name, file.path, file.media_type, file.rows) for file in outcome.files]
    return sorted(found, key=lambda file: file.name)


def rendered(kind: str, name: str, path: Path, media_type: str, rows: int | None = None) -> Rendered:
    """Measure and digest one written artifact."""
    suffix = ".parquet" if media_type == MEDIA_TYPES["parquet"] and not name.endswith(".parquet") else ""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    filename = f"{name}{suffix}" if name.startswith(kind) else f"{kind}-{name}{suffix}"
    return Rendered(name, path, media_type, path.stat().st_size, digest, rows, filename)


def _check_names(held: Iterable[object], declared: dict[str, Artifact], kind: JobKind) -> None:
    names = [str(getattr(artifact, "name")) for artifact in held]  # noqa: B009 - three classes, one attribute
    twice = sorted({name for name in names if names.count(name) > 1})
    unknown = sorted(set(names) - set(declared) | set(names) & {MANIFEST})
    missing = sorted(name for name, a in declared.items() if not a.optional and name not in names)
    if twice or unknown or missing:
        raise ValueError(
            f"the outcome of {kind.name!r} does not hold what the kind declares: "
            f"missing {missing}, undeclared {unknown}, twice {twice}"
        )


def _table(table: Table, artifact: Artifact, folder: Path, kind: JobKind) -> list[Rendered]:
    """Write a table as Parquet, with its CSV twin where declared, or as CSV alone."""
    if artifact.form == "csv":
        return [_csv(table, table.name, folder, kind)]
    path = folder / f"{table.name}.parquet"
    write_parquet(table.columns, path)
    files = [rendered(kind.name, table.name, path, MEDIA_TYPES["parquet"], table.rows)]
    return [*files, _csv(table, f"{table.name}.csv", folder, kind)] if artifact.csv_twin else files


def _csv(table: Table, name: str, folder: Path, kind: JobKind) -> Rendered:
    write_csv(table.columns, folder / name)
    return rendered(kind.name, name, folder / name, MEDIA_TYPES["csv"], table.rows)


def _document(document: Document, folder: Path, kind: JobKind) -> Rendered:
    path = folder / document.name
    if document.template is None:
        write_json(document.content, path)
        return rendered(kind.name, document.name, path, MEDIA_TYPES["json"])
    assert isinstance(document.content, dict), "a template takes an object"
    write_document(document.template, document.content, path)
    return rendered(kind.name, document.name, path, MEDIA_TYPES[path.suffix[1:]])
