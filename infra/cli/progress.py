"""Progress bars: bytes on their way, jobs under way. They draw on standard error, and only for a person to see."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MARKS = {"succeeded": "[green]✓", "failed": "[red]✗", "cancelled": "[yellow]■"}


def console() -> Console:
    """Return the console that progress is drawn on."""
    return Console(stderr=True, file=sys.stderr)


@contextmanager
def sending(path: Path, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show a file on its way; yields what to call with each number of bytes sent."""
    bytes_bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console(), disable=quiet
    )
    with bytes_bar as bar:
        task = bar.add_task(path.name, total=path.stat().st_size)
        yield lambda count: bar.advance(task, count)


class JobBars:
    """A bar for each job: its stage while it runs, its state when it is final."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[stage]}"),
            console=console(),
            disable=quiet,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def add(self, name: str) -> None:
        """Add a job's bar, empty."""
        self._tasks[name] = self._bars.add_task(name, total=1.0, stage="")

    def show(self, name: str, job: Mapping[str, Any]) -> None:
        """Draw a job as it is now."""
        state, progress = job["state"], job["progress"]
        if name not in self._tasks:
            self.add(name)
        done = 1.0 if state == "succeeded" else float(progress["fraction"])
        stage = MARKS[state] + f" {state}" if state in MARKS else (progress["stage"] if state == "running" else state)
        self._bars.update(self._tasks[name], completed=done, stage=stage)
        if state in MARKS:
            self._bars.stop_task(self._tasks[name])
