"""Grades a finished price table: what is missing, stale, absurd or suspicious, symbol by symbol, and the score.

Reads the table in blocks of whole symbols, so that memory does not grow with the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.ingest.engine import literal
from tasks.ingest.sessions import sessions
from tasks.quant.health import (
    bad_ticks,
    log_returns,
    missing_windows,
    outliers,
    robust_z,
    stale_runs,
    suspected_splits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_ROWS: Final = 2_000_000
STALE_ROWS: Final = 10  # equal closes in a row that are called stale
OUTLIER_Z: Final = 20.0
SPIKE_Z: Final = 10.0  # of a move that the next day undoes: more likely a bad tick than news
ABSURD_PRICE: Final = 2e6  # dearer than any share has been
SHOWN: Final = 200  # findings of one sort that health.json lists


@dataclass
class Findings:
    """Per symbol counts (parallel lists) and the findings themselves, at most `SHOWN` of a sort."""

    symbols: list[dict[str, Any]] = field(default_factory=list)
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)

    def add(self, sort: str, items: list[dict[str, Any]]) -> None:
        """Add findings of one sort: all are counted, the first are listed."""
        kept = self.lists.setdefault(sort, [])
        kept.extend(items[: SHOWN - len(kept)])
        self.found[sort] = self.found.get(sort, 0) + len(items)


def grade(db: Any, path: Path, calendar: str | None, as_of: str | None) -> Findings:
    """Go through the finished table of prices and return what was found; days after `as_of`, if given, are future."""
    findings = Findings()
    counts = db.execute(
        f"SELECT symbol, count(*), min(date), max(date) FROM read_parquet({literal(str(path))}) "
        "GROUP BY symbol ORDER BY symbol"
    ).fetchall()
    days = None
    if calendar is not None and counts:
        start, end = min(row[2] for row in counts), max(row[3] for row in counts)
        days = sessions(calendar, np.datetime64(start, "D"), np.datetime64(end, "D"))
    for block in _blocks(counts):
        _grade_block(_read(db, path, block), days, as_of, findings)
    return findings


def _blocks(counts: list[tuple[str, int, Any, Any]]) -> Iterator[list[tuple[str, int]]]:
    block: list[tuple[str, int]] = []
    rows = 0
    for symbol, count, *_ in counts:
        if block and rows + count > BLOCK_ROWS:
            yield block
            block, rows = [], 0
        block.append((symbol, count))
        rows += count
    if block:
        yield block


@dataclass(frozen=True)
class _Block:
    """Some symbols' rows, one symbol after the other, by date."""

    names: list[str]
    starts: np.ndarray
    dates: np.ndarray
    close: np.ndarray
    split_close: np.ndarray
    adj_close: np.ndarray

    def owner(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the symbol that each row belongs to."""
        found: np.ndarray = np.searchsorted(self.starts, rows, side="right") - 1
        return found

    def count(self, rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Count rows (or add weights) by symbol."""
        return np.bincount(self.owner(rows), weights, minlength=len(self.names))


def _read(db: Any, path: Path, block: list[tuple[str, int]]) -> _Block:
    found = db.execute(
        f"SELECT date, close, close * split_factor AS split_close, adj_close FROM read_parquet({literal(str(path))}) "
        "WHERE symbol BETWEEN ? AND ?",  # in the file's own order, which is by symbol and date
        [block[0][0], block[-1][0]],
    ).fetchnumpy()
    counts = np.array([count for _, count in block])
    return _Block(
        [symbol for symbol, _ in block],
        np.r_[0, np.cumsum(counts)[:-1]],
        np.asarray(found["date"]).astype("datetime64[D]"),
        *(np.asarray(found[name], dtype=np.float64) for name in ("close", "split_close", "adj_close")),
    )


def _grade_block(block: _Block, days: np.ndarray | None, as_of: str | None, findings: Findings) -> None:
    columns: dict[str, np.ndarray] = {"rows": np.diff(block.starts, append=len(block.dates))}
    if days is not None and len(days):
        columns |= _coverage(block, days, findings)
    columns |= _stale(block, findings) | _outliers(block, findings) | _splits(block, findings)
    if as_of is not None:
        columns |= _future(block, np.datetime64(as_of, "D"), findings)
    columns["absurd_prices"] = block.count(np.flatnonzero(block.close > ABSURD_PRICE))
    ends = np.r_[block.starts[1:], len(block.dates)] - 1
    for i, name in enumerate(block.names):
        entry: dict[str, Any] = {
            "symbol": name,
            "start": str(block.dates[block.starts[i]]),
            "end": str(block.dates[ends[i]]),
        }
        findings.symbols.append(entry | {key: values[i].item() for key, values in columns.items()})


def _coverage(block: _Block, days: np.ndarray, findings: Findings) -> dict[str, np.ndarray]:
    place = np.searchsorted(days, block.dates)
    on_session = days[np.minimum(place, len(days) - 1)] == block.dates
    kept = np.flatnonzero(on_session)
    off = np.flatnonzero(~on_session & (block.dates > days[0]))  # before, the calendar can't tell
    has = block.count(kept)
    # A symbol's rows that fall on no session (holidays, week ends) take no part in its coverage.
    starts = np.unique(np.searchsorted(kept, block.starts))
    gaps = missing_windows(place[kept], starts[starts < len(kept)])
    before, after = kept[gaps.first], kept[gaps.last]
    missing = block.count(after, gaps.length).astype(np.int64)
    owners = block.owner(after)
    findings.add(
        "missing_windows",
        [
            {
                "symbol": block.names[o],
                "start": str(days[place[b] + 1]),
                "end": str(days[place[a] - 1]),
                "sessions": int(n),
            }
            for o, b, a, n in zip(owners, before, after, gaps.length, strict=True)
        ],
    )
    return {
        "sessions_expected": has + missing,
        "sessions_missing": missing,
        "missing_windows": block.count(after),
        "coverage": np.divide(has, has + missing, out=np.ones(len(has)), where=(has + missing) > 0),
        "off_calendar_rows": block.count(off),
    }


def _future(block: _Block, as_of: np.datetime64, findings: Findings) -> dict[str, np.ndarray]:
    late = block.count(np.flatnonzero(block.dates > as_of))
    findings.found["future_rows"] = findings.found.get("future_rows", 0) + int(late.sum())
    return {"future_rows": late}


def _stale(block: _Block, findings: Findings) -> dict[str, np.ndarray]:
    runs = stale_runs(block.close, block.starts, STALE_ROWS)
    findings.add(
        "stale_runs",
        [
            {
                "symbol": block.names[owner],
                "start": str(block.dates[first]),
                "end": str(block.dates[last]),
                "rows": int(length),
                "close": float(block.close[first]),
            }
            for owner, first, last, length in zip(
                block.owner(runs.first), runs.first, runs.last, runs.length, strict=True
            )
        ],
    )
    return {"stale_runs": block.count(runs.first), "stale_rows": block.count(runs.first, runs.length).astype(np.int64)}


def _outliers(block: _Block, findings: Findings) -> dict[str, np.ndarray]:
    returns = log_returns(block.adj_close, block.starts)
    z = robust_z(returns, block.starts)
    rows = outliers(returns, z, OUTLIER_Z, SPIKE_Z)
    ticks = bad_ticks(returns, z, SPIKE_Z)
    findings.add(
        "outliers",
        [
            {
                "symbol": block.names[owner],
                "date": str(block.dates[row]),
                "return": float(np.expm1(returns[row])),
                "robust_z": round(float(z[row]), 2),
                "undone": bool(undone),
            }
            for owner, row, undone in zip(block.owner(rows), rows, np.isin(rows, ticks), strict=True)
        ],
    )
    return {"outliers": block.count(rows), "bad_ticks": block.count(ticks)}


def _splits(block: _Block, findings: Findings) -> dict[str, np.ndarray]:
    rows, ratios = suspected_splits(block.split_close, block.starts)
    findings.add(
        "suspected_splits",
        [
            {
                "symbol": block.names[owner],
                "date": str(block.dates[row]),
                "ratio": round(float(ratio), 6),
                "close_before": float(block.close[row - 1]),
                "close": float(block.close[row]),
            }
            for owner, row, ratio in zip(block.owner(rows), rows, ratios, strict=True)
        ],
    )
    return {"suspected_splits": block.count(rows)}
