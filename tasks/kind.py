"""The shape of a job kind's declaration: the one place a kind is described; everything else is derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from tasks.permissions import PERMISSIONS

if TYPE_CHECKING:
    from tasks.params import Params

QUEUES: Final = ("interactive", "compute", "bulk", "io", "trading")

Form = Literal["table", "csv", "json", "pdf", "xlsx", "zip"]


@dataclass(frozen=True)
class Column:
    """One column of a table artifact, as the catalogue shows it."""

    name: str
    type: str
    summary: str = ""


@dataclass(frozen=True)
class Artifact:
    """A file that a successful job of the kind leaves behind.

    A `table` called `scores` is stored as Parquet under that name; with `csv_twin` also as `scores.csv`.
    """

    name: str
    form: Form
    summary: str
    columns: tuple[Column, ...] = ()
    csv_twin: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Limits:
    """What one run of the kind may use before the platform ends it."""

    run_s: int = 1800
    memory_mb: int = 4096
    threads: int = 1


@dataclass(frozen=True)
class JobKind:
    """A declaration: what may be asked for, by whom, where it runs, and what it leaves."""

    name: str
    summary: str
    params: type[Params]
    result: type[Params]
    permission: str
    queue: str
    artifacts: tuple[Artifact, ...]
    example: dict[str, Any]
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse a declaration that names an unknown queue or permission, at import and not at the first job."""
        if self.queue not in QUEUES:
            raise ValueError(f"kind {self.name!r} declares queue {self.queue!r}; the queues are {', '.join(QUEUES)}")
        if self.permission not in PERMISSIONS:
            raise ValueError(f"kind {self.name!r} needs permission {self.permission!r}, which no role table lists")

    @property
    def run_module(self) -> str:
        """The dotted name of the module with `needs` and `run`; imported by workers only."""
        return f"tasks.{self.name}.run"
