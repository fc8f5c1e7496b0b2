"""What a run asks for (`Need`) and what it is handed (`Inputs`): local files, never the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Need:
    """One input that `needs(params)` asks the worker to fetch; the key it stands under names it for `run`.

    `table`: `ref` is a table input as in the parameters; handed over as a `TableFile`.
    `upload`: `ref` is an upload id; handed over as a `LocalFile`.
    `job`: `ref` is a job id; handed over as a `FinishedJob` with its artifacts on disk.
    """

    what: Literal["table", "upload", "job"]
    ref: Any


@dataclass(frozen=True)
class LocalFile:
    """A file on local disk whose bytes were checked against their digest."""

    path: Path
    filename: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableFile:
    """A table as a local Parquet file (inline tables are written to one first), checked against its digest.

    `ref` is the input resolved: `ds_…@3`, `job_…/scores`, or `inline`. `type` is the dataset's type, or None.
    """

    path: Path
    sha256: str
    ref: str
    type: str | None = None
    pointer: str = ""  # where in the parameters it was asked for: errors about its content point there


@dataclass(frozen=True)
class FinishedJob:
    """A succeeded job as an input of an export: what was asked, what came of it, its files."""

    id: str
    kind: str
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    tags: Mapping[str, str]
    manifest: Mapping[str, Any]
    artifacts: Mapping[str, LocalFile]


@dataclass(frozen=True)
class Inputs:
    """Everything a run is handed: its inputs by the names it asked under, and a scratch folder to write to."""

    scratch: Path
    found: Mapping[str, TableFile | LocalFile | FinishedJob] = field(default_factory=dict)
    context: Mapping[str, Any] = field(
        default_factory=dict
    )  # values that must come from outside, e.g. an export's previous bundle

    def table(self, name: str) -> TableFile:
        """Return a table input that was asked for; KeyError if it was not."""
        found = self.found[name]
        assert isinstance(found, TableFile)
        return found

    def file(self, name: str) -> LocalFile:
        """Return an uploaded file that was asked for; KeyError if it was not."""
        found = self.found[name]
        assert isinstance(found, LocalFile)
        return found

    def job(self, name: str) -> FinishedJob:
        """Return a finished job that was asked for; KeyError if it was not."""
        found = self.found[name]
        assert isinstance(found, FinishedJob)
        return found

    def __contains__(self, name: str) -> bool:
        return name in self.found


class Earlier(Protocol):
    """Looks into the past of a kind; handed to a run module's `context(params, inputs, earlier)`, where it has one.

    What `context` returns becomes `inputs.context`: values from outside that parameters and inputs do not determine.
    """

    def __call__(self, artifact: str, fits: Callable[[Mapping[str, Any]], bool]) -> Any:
        """Return a JSON artifact of the latest earlier run with the same tags whose result fits, or None."""


class Tell(Protocol):
    """Says how far a run is. Cancellation arrives here, as JobCancelled."""

    def __call__(self, fraction: float, stage: str, message: str = "") -> None:
        """Report a fraction done (0 to 1) and the stage under way."""
