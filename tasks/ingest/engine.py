"""The DuckDB session of one ingest run: local files of its own folder only, bounded memory, spilling to scratch."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


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
        connection.execute("SET enable_progress_bar=false")
        connection.execute("SET lock_configuration=true")
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
