"""Compares a finished table of prices with another one of the same symbols, and names the returns in dispute.

A return spans the same two days in both: days that only one has are left out before returns are taken, so that a gap
is no dispute. Says which days differ, never which table is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.ingest.engine import literal
from tasks.outcome import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.inputs import TableFile

SHOWN: Final = 200  # disputed days that health.json lists, the largest first
LISTED: Final = 200_000  # disputed days that cross_check.csv lists


@dataclass(frozen=True)
class Compared:
    """What came of it: `symbols` and `days` (returns) that both have, `disputed` ones by symbol, and each of them.

    `rows` are (symbol, date, return here, return there), by symbol and date.
    """

    against: str
    tolerance: float
    symbols: int
    days: int
    disputed: dict[str, int]
    by_symbol: list[dict[str, Any]] = field(default_factory=list)
    rows: Sequence[tuple[Any, ...]] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the part of health.json that tells of it."""
        largest = sorted(self.rows, key=lambda row: (-abs(row[2] - row[3]), row[0], row[1]))[:SHOWN]
        names = ("symbol", "date", "return", "other_return")
        return {
            "against": self.against,
            "tolerance": self.tolerance,
            "symbols": self.symbols,
            "returns": self.days,
            "disputed": sum(self.disputed.values()),
            "by_symbol": self.by_symbol,
            "largest": [dict(zip(names, (row[0], str(row[1]), *row[2:]), strict=True)) for row in largest],
        }

    def as_table(self) -> Table:
        """Return the artifact cross_check.csv."""
        symbol, day, here, there = zip(*self.rows, strict=True) if self.rows else ((), (), (), ())
        ours, theirs = np.array(here, dtype=float), np.array(there, dtype=float)
        return Table(
            "cross_check.csv",
            {
                "symbol": np.array(symbol, dtype=object),
                "date": np.array(day, dtype="datetime64[D]"),
                "return": ours,
                "other_return": theirs,
                "difference": ours - theirs,
            },
        )


def compare(db: Any, path: Path, other: TableFile, tolerance: float) -> Compared:
    """Compare simple daily returns of adjusted closes; disputed are those further apart than `tolerance`.

    The other table's closes are its `adj_close` where it has that, else its `close`. Raises DataUnusable where it is
    no table of prices.
    """
    db.execute(
        "CREATE TEMP TABLE moves AS SELECT symbol, date, ours / lag(ours) OVER days - 1 AS here, "
        "theirs / lag(theirs) OVER days - 1 AS there FROM (SELECT symbol, date, prices.adj_close AS ours, theirs "
        f"FROM read_parquet({literal(str(path))}) prices JOIN ({_other(db, other)}) USING (symbol, date) "
        "WHERE theirs > 0) WINDOW days AS (PARTITION BY symbol ORDER BY date)"
    )
    wide = f"abs(here - there) > {tolerance!r}"
    counts = db.execute(
        f"SELECT symbol, count(here), count(*) FILTER ({wide}), max(abs(here - there)) FROM moves GROUP BY 1 ORDER BY 1"
    ).fetchall()
    rows = db.execute(f"SELECT * FROM moves WHERE {wide} ORDER BY symbol, date LIMIT {LISTED}").fetchall()
    return Compared(
        other.ref,
        tolerance,
        len(counts),
        sum(row[1] for row in counts),
        {symbol: disputed for symbol, _, disputed, _ in counts},
        [{"symbol": s, "returns": n, "disputed": d, "largest_difference": largest} for s, n, d, largest in counts],
        rows,
    )


def _other(db: Any, other: TableFile) -> str:
    """Return SQL for the other table's symbol, date and price, one row for each day."""
    source = f"read_parquet({literal(str(other.path))})"
    have = {str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    price = "adj_close" if "adj_close" in have else "close"
    if missing := {"symbol", "date", price} - have:
        detail = f"{other.ref} has no column {', '.join(sorted(missing))}; a cross-check needs symbol, date and close."
        raise DataUnusable(detail, Violation(other.pointer or "/params/cross_check", detail))
    return (
        f"SELECT symbol, TRY_CAST(date AS DATE) AS date, any_value({price} ORDER BY {price})::DOUBLE AS theirs "
        f"FROM {source} GROUP BY ALL"
    )
