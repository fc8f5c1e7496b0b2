"""All that a run may return. The worker turns it into bytes (reports), stores them and applies the intents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np


@dataclass(frozen=True)
class Table:
    """A table artifact: equally long columns by name.

    dtypes: float64 (NaN is null), int64, bool, datetime64[D] (NaT is null), object of str (None is null).
    """

    name: str
    columns: Mapping[str, np.ndarray]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


@dataclass(frozen=True)
class Document:
    """An artifact made from structured content: JSON (`kpis.json`), a PDF (`tearsheet.pdf`) or a bundle (`bundle.zip`).

    For JSON, `content` is the value itself. For the others, `template` names the renderer in `reports` and `content`
    is what that template takes; numpy arrays are welcome in it.
    """

    name: str
    content: Mapping[str, Any] | list[Any]
    template: str | None = None


@dataclass(frozen=True)
class WrittenFile:
    """An artifact that the run itself wrote to its scratch folder: a Parquet file too large for memory, a bundle."""

    name: str
    path: Path
    media_type: str
    rows: int | None = None


@dataclass(frozen=True)
class DatasetVersion:
    """An intent: make the named artifact the next version of a dataset.

    `base` (`ds_…@3`) is the version that its rows were added to: if that is not the latest any more when the version is
    made, the job runs again on the one that is. None where the version stands for itself.
    """

    dataset: str
    type: str
    artifact: str
    schema: list[dict[str, str]]
    rows: int
    symbols: int
    start: str | None
    end: str | None
    health: Mapping[str, Any]
    base: str | None = None


@dataclass(frozen=True)
class OrderIntent:
    """An intent: submit an order to the OMS. The worker never sends one itself."""

    order: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a run: a small JSON result, artifacts, intents, and what a manifest must record."""

    result: Mapping[str, Any]
    tables: tuple[Table, ...] = ()
    documents: tuple[Document, ...] = ()
    files: tuple[WrittenFile, ...] = ()
    intents: tuple[DatasetVersion | OrderIntent, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
