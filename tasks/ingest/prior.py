"""The version that an append builds upon: its rows stand in `prior` with negative `n`, and stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import DataUnusable, Violation
from tasks.ingest.engine import literal, quoted

if TYPE_CHECKING:
    from tasks.ingest.types import DatasetType
    from tasks.inputs import TableFile

IDENTITY: Final = "floor.identity"  # Parquet metadata: whether symbols are a map's permanent ids or renames' last names


@dataclass(frozen=True)
class Prior:
    """What the version before has: its columns, and by what its symbols were made permanent, if at all."""

    columns: tuple[str, ...] = ()
    identity: str | None = None


def load(db: Any, table: TableFile, dataset_type: DatasetType, *, mapped: bool) -> Prior:
    """Read the version before into `prior`.

    Raises DataUnusable where it holds another type of rows, or where its symbols are a map's permanent ids and no map
    came with the append (or the other way round): tickers and permanent ids must not mix.
    """
    path = literal(str(table.path))
    if table.type not in (None, dataset_type.name):
        raise _refused(f"{table.ref} holds {table.type}, not {dataset_type.name}.", "/params/dataset")
    columns = tuple(str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM read_parquet({path})").fetchall())
    found = db.execute(f"SELECT value FROM parquet_kv_metadata({path}) WHERE key = {literal(IDENTITY)}").fetchone()
    identity = bytes(found[0]).decode() if found else None
    if (identity == "map") != mapped:
        ids = "permanent ids" if identity == "map" else "tickers"
        raise _refused(
            f"{table.ref} names its rows by {ids}; append with the same kind of names.", "/params/symbol_map"
        )
    if dataset_type.name == "prices" and "ticker" not in columns:
        columns = (*columns, "ticker")
    names = ", ".join("symbol AS ticker" if name == "ticker" and identity is None else quoted(name) for name in columns)
    db.execute(
        f"CREATE TEMP TABLE prior AS SELECT -1 - file_row_number AS n, {names} "
        f"FROM read_parquet({path}, file_row_number=true)"
    )
    return Prior(columns, identity)


def rename(db: Any) -> None:
    """Give the rows before the last names that renames of this append lead to."""
    db.execute(
        "CREATE TEMP TABLE renamed AS SELECT prior.n, tenures.symbol FROM prior ASOF JOIN tenures "
        "ON tenures.ticker = prior.symbol AND tenures.since <= prior.date "
        "WHERE tenures.until >= prior.date AND tenures.symbol <> prior.symbol"
    )
    db.execute("UPDATE prior SET symbol = renamed.symbol FROM renamed WHERE renamed.n = prior.n")


def _refused(detail: str, pointer: str) -> DataUnusable:
    return DataUnusable(detail, Violation(pointer, detail))
