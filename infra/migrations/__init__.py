"""The schema's history: Alembic revisions that run readable SQL files."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run_sql(name: str) -> None:
    """Run a file of `sql/` on the migration's own connection, as written: no parameters, so `%` needs no doubling."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute((Path(__file__).parent / "sql" / name).read_text(encoding="utf-8"))
