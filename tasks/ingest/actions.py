"""Corporate actions of a prices ingest: read, checked, valued against the close before, compounded to factors.

Leaves the table `factors(symbol, since, split_factor, adj_factor)`. What can't be applied is told, never skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.ingest.types import ACTION_TYPES
from tasks.quant.adjust import LARGE_DIVIDEND, dividend_multiplier, factors, split_multiplier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.inputs import TableFile

POINTER: Final = "/params/corporate_actions"
APPLIED: Final = ("split", "cash_dividend")
SHOWN: Final = 20


@dataclass(frozen=True)
class Action:
    """One action, with the close on the last day before its ex-date (None where the prices hold none)."""

    symbol: str
    ex_date: np.datetime64
    type: str
    ratio: float | None
    amount: float | None
    close_before: float | None


@dataclass
class Applied:
    """What was done with the actions: counts by type, and each one that could not be applied, with its reason."""

    counts: dict[str, int] = field(default_factory=dict)
    unapplied: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def apply(db: Any, table: TableFile) -> Applied:
    """Turn a table of actions into the table `factors`, against the prices in `kept`."""
    _load(db, table)
    applied = Applied()
    rows: list[tuple[str, Any, float, float]] = []
    for symbol, group in groupby(_valued(db), key=lambda action: action.symbol):
        rows.extend(_factors_of(symbol, group, applied))
    db.execute("CREATE TEMP TABLE factors (symbol VARCHAR, since DATE, split_factor DOUBLE, adj_factor DOUBLE)")
    if rows:
        db.executemany("INSERT INTO factors VALUES (?, ?, ?, ?)", rows)
    return applied


def _load(db: Any, table: TableFile) -> None:
    """Read the actions into `actions`, one row per distinct action; refuse what no action can look like."""
    path = [str(table.path)]
    have = {str(row[0]) for row in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", path).fetchall()}
    missing = [name for name in ("ex_date", "symbol", "type") if name not in have]
    if missing:
        raise _refused(table, f"has no column {', '.join(missing)}; actions are ex_date, symbol, type, ratio, amount.")
    ratio, amount = (
        ("TRY_CAST(ratio AS DOUBLE)" if "ratio" in have else "NULL::DOUBLE"),
        ("TRY_CAST(amount AS DOUBLE)" if "amount" in have else "NULL::DOUBLE"),
    )
    db.execute(
        "CREATE TEMP TABLE actions AS SELECT DISTINCT TRY_CAST(ex_date AS DATE) AS ex_date, symbol::VARCHAR AS symbol, "
        f"type::VARCHAR AS type, {ratio} AS ratio, {amount} AS amount FROM read_parquet(?)",
        path,
    )
    wrong = db.execute(
        f"SELECT * FROM actions WHERE ex_date IS NULL OR symbol IS NULL OR type IS NULL OR type NOT IN {ACTION_TYPES} "
        "OR (type = 'split' AND NOT coalesce(ratio > 0 AND isfinite(ratio), false)) "
        "OR (type = 'cash_dividend' AND NOT coalesce(amount > 0 AND isfinite(amount), false)) ORDER BY ALL LIMIT 1"
    ).fetchone()
    if wrong:
        raise _refused(
            table,
            f"holds {tuple(str(cell) for cell in wrong)}: an action needs an ex_date, a symbol, a type among "
            f"{', '.join(ACTION_TYPES)}, a split its ratio, a cash dividend its amount.",
        )


def _refused(table: TableFile, detail: str) -> DataUnusable:
    return DataUnusable(f"{table.ref} {detail}", Violation(table.pointer or POINTER, detail))


def _valued(db: Any) -> Iterable[Action]:
    """Yield the actions of symbols that have prices, by symbol and date, each with the close before."""
    rows = db.execute(
        "WITH mine AS (SELECT * FROM actions WHERE symbol IN (SELECT DISTINCT symbol FROM kept)), "
        "closes AS (SELECT symbol, date, close FROM kept WHERE symbol IN (SELECT symbol FROM mine)) "
        "SELECT mine.symbol, ex_date, type, ratio, amount, closes.close FROM mine "
        "ASOF LEFT JOIN closes ON closes.symbol = mine.symbol AND closes.date < mine.ex_date "
        "ORDER BY mine.symbol, ex_date, type, ratio, amount"
    ).fetchall()
    return (Action(row[0], np.datetime64(row[1], "D"), *row[2:]) for row in rows)


def _factors_of(symbol: str, actions: Iterable[Action], applied: Applied) -> list[tuple[str, Any, float, float]]:
    usable: list[tuple[np.datetime64, float, float]] = []
    for action in actions:
        parts, reason = _multipliers(action)
        if reason:
            applied.unapplied.append(
                {"symbol": symbol, "ex_date": str(action.ex_date), "type": action.type, "reason": reason}
            )
        elif parts is not None:
            applied.counts[action.type] = applied.counts.get(action.type, 0) + 1
            usable.append((action.ex_date, *parts))
    if not usable:
        return []
    days, split, cash = (np.array(column) for column in zip(*usable, strict=True))
    steps = factors(days, split, cash)
    return [
        (symbol, day.item(), float(a), float(b))
        for day, a, b in zip(steps.since, steps.split, steps.price, strict=True)
    ]


def _multipliers(action: Action) -> tuple[tuple[float, float] | None, str | None]:
    """Return (split, cash) multipliers of earlier prices, or the reason why there are none."""
    if action.type not in APPLIED:
        return None, "this type is not offered yet"
    if action.close_before is None:
        return None, "no price before the ex-date: nothing to adjust"
    if action.type == "split":
        return (split_multiplier(action.ratio or np.nan), 1.0), None
    cash = dividend_multiplier(action.amount or np.nan, action.close_before)
    if cash < 1 - LARGE_DIVIDEND:
        return None, (
            f"a dividend of {action.amount:g} against a close of {action.close_before:g} before it: "
            "is it on another split basis?"
        )
    return (1.0, cash), None
