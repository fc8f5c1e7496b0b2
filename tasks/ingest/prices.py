"""The canonical price table: adjusted backward, sorted by symbol and date, written straight to Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.ingest.engine import literal, quoted
from tasks.ingest.prior import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.ingest.engine import Watch

PARQUET: Final = "FORMAT parquet, COMPRESSION zstd"
COLUMNS: Final = ("date", "symbol", "open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Shape:
    """Which of the optional parts the table has."""

    currency: bool = False
    ticker: bool = False
    factors: bool = False
    endings: bool = False
    prior: bool = False
    ended: bool = False  # the version appended to has delisting returns
    identity: str | None = None


def write(watch: Watch, path: Path, shape: Shape) -> None:
    """Write `kept` with its factors; `close` stays as traded, `adj_close` is `close · adj_factor`.

    Rows of the version appended to bring factors of their own, onto which the new actions compound.
    """
    optional = [name for name, there in (("currency", shape.currency), ("ticker", shape.ticker)) if there]
    own = ", ".join(f"kept.{name}" for name in (*COLUMNS, *optional))
    source = "kept"
    split = factor = "1.0::DOUBLE"
    if shape.factors:
        source += (
            " LEFT JOIN factors ON factors.symbol = kept.symbol AND factors.year = year(kept.date) "
            "AND factors.since <= kept.date AND kept.date < factors.until"
        )
        split, factor = "coalesce(factors.split_factor, 1.0)", "coalesce(factors.adj_factor, 1.0)"
    if shape.prior:
        source += " LEFT JOIN prior ON prior.n = kept.n"
        split, factor = (
            f"coalesce(prior.{n}, 1.0) * {sql}" for n, sql in (("split_factor", split), ("adj_factor", factor))
        )
    last = "prior.delisting_return" if shape.ended else "NULL"
    if shape.endings:
        source += (
            " LEFT JOIN (SELECT endings.symbol, delisting_return, max(date) AS date FROM endings "
            "JOIN kept USING (symbol) GROUP BY ALL) ending ON ending.symbol = kept.symbol AND ending.date = kept.date"
        )
        last = f"coalesce(ending.delisting_return, {last}::DOUBLE)"
    ending = f", {last} AS delisting_return" if shape.endings or shape.ended else ""
    said = f", KV_METADATA {{{literal(IDENTITY)}: {literal(shape.identity)}}}" if shape.identity else ""
    watch(
        f"COPY (SELECT {own}, {split} AS split_factor, {factor} AS adj_factor, "
        f"kept.close * ({factor}) AS adj_close{ending} FROM {source} "
        f"ORDER BY kept.symbol, kept.date) TO {literal(str(path))} ({PARQUET}{said})"
    )


def write_records(watch: Watch, path: Path, key: tuple[str, ...], columns: list[str]) -> None:
    """Write `kept` as it is, sorted by its key: for every type but prices."""
    names = ", ".join(quoted(name) for name in columns)
    order = ", ".join(quoted(name) for name in key)
    watch(f"COPY (SELECT {names} FROM kept ORDER BY {order}, n) TO {literal(str(path))} ({PARQUET})")
