"""The DuckDB session of one ingest run: local files of its own folder only, bounded memory, spilling to scratch."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tasks.inputs import Tell

POLL_S: Final = 0.25  # between two looks at a statement under way


class Watch(Protocol):
    """Runs one statement and returns its rows; progress is told and cancellation heard while it runs."""

    def __call__(self, sql: str) -> list[Any]:
        """Run the statement to its end."""


def watching(db: Any, tell: Tell, stage: str, begin: float, end: float) -> Watch:
    """Return a `Watch` that maps a statement's progress to fractions of the run between `begin` and `end`."""

    def watch(sql: str) -> list[Any]:
        found: list[Any] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                found.extend(db.execute(sql).fetchall())
            except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits, and raised there
                failed.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(POLL_S)
        try:
            while thread.is_alive():
                tell(begin + (end - begin) * _share_done(db), stage)
                thread.join(POLL_S)
        except BaseException:  # cancellation arrives through `tell`: stop the statement before leaving
            db.interrupt()
            thread.join()
            raise
        if failed:
            raise failed[0]
        return found

    return watch


def _share_done(db: Any) -> float:
    """Return how much of the running statement is done, 0 where DuckDB can't tell."""
    return float(min(max(db.query_progress(), 0.0), 100.0)) / 100.0


@contextmanager
def session(scratch: Path, reads: Sequence[Path], threads: int, memory_mb: int) -> Iterator[Any]:
    """Yield a connection that can touch `scratch` and the given files, and nothing else on this machine."""
    spill = scratch / "spill"
    spill.mkdir(exist_ok=True)
    connection = duckdb.connect(config={"threads": threads})
    try:
        # The order matters: once external access is off, the lists can't grow; once locked, nothing can change.
        connection.execute(f"SET temp_directory={literal(str(spill))}")
        connection.execute(f"SET allowed_directories=[{literal(str(scratch))}]")
        connection.execute(f"SET allowed_paths=[{', '.join(literal(str(path)) for path in reads)}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET autoinstall_known_extensions=false")
        connection.execute("SET autoload_known_extensions=false")
        connection.execute(f"SET memory_limit='{int(memory_mb)}MB'")
        connection.execute("SET enable_progress_bar_print=false")
        connection.execute("SET enable_progress_bar=true")  # unprinted, it answers query_progress
        connection.execute("SET lock_configuration=true")
        yield connection
    finally:
        connection.close()


def fill(db: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows into a table in one statement; one for each, as executemany does, takes a thousand times longer."""
    if rows:
        columns = ", ".join("unnest(?)" for _ in rows[0])
        db.execute(f"INSERT INTO {table} SELECT {columns}", [list(column) for column in zip(*rows, strict=True)])


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
