"""The canonical price table: adjusted backward, sorted by symbol and date, written straight to Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.ingest.engine import literal, quoted

if TYPE_CHECKING:
    from pathlib import Path

PARQUET: Final = "(FORMAT parquet, COMPRESSION zstd)"
COLUMNS: Final = ("date", "symbol", "open", "high", "low", "close", "volume")


def write(db: Any, path: Path, *, currency: bool, adjusted: bool) -> None:
    """Write `kept` with its factors; `close` stays as traded, `adj_close` is `close · adj_factor`."""
    own = ", ".join(f"kept.{name}" for name in (*COLUMNS, *(["currency"] if currency else [])))
    if adjusted:
        source = "kept ASOF LEFT JOIN factors ON factors.symbol = kept.symbol AND factors.since <= kept.date"
        split, factor = "coalesce(split_factor, 1.0)", "coalesce(adj_factor, 1.0)"
    else:
        source, split, factor = "kept", "1.0::DOUBLE", "1.0::DOUBLE"
    db.execute(
        f"COPY (SELECT {own}, {split} AS split_factor, {factor} AS adj_factor, kept.close * {factor} AS adj_close "
        f"FROM {source} ORDER BY kept.symbol, kept.date) TO {literal(str(path))} {PARQUET}"
    )


def write_records(db: Any, path: Path, key: tuple[str, ...], columns: list[str]) -> None:
    """Write `kept` as it is, sorted by its key: for every type but prices."""
    names = ", ".join(quoted(name) for name in columns)
    order = ", ".join(quoted(name) for name in key)
    db.execute(f"COPY (SELECT {names} FROM kept ORDER BY {order}, n) TO {literal(str(path))} {PARQUET}")
