"""Corporate actions of a prices ingest: read, checked, valued against the close before, compounded to factors.

Leaves the table `factors(symbol, year, since, until, split_factor, adj_factor)` and, for companies that went, the table
`endings(symbol, delisting_return)`. What can't be applied is told, never skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.ingest import identity
from tasks.ingest.engine import fill, literal
from tasks.ingest.types import CORPORATE_ACTIONS
from tasks.quant.adjust import LARGE_DIVIDEND, dividend_multiplier, factors, split_multiplier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tasks.inputs import TableFile

POINTER: Final = "/params/corporate_actions"
SPLITS: Final = ("split", "stock_dividend")
CASH: Final = ("cash_dividend", "spin_off")
ENDINGS: Final = ("merger", "delisting")
OLD: Final = 30  # days: a close older than this says nothing about what a distribution took off
NEAR: Final = 5  # days after an ex-date within which another company's price still values what was received


@dataclass(frozen=True)
class Action:
    """One action, with what the prices say around it (None where they hold nothing).

    `close_before`: the last close before the ex-date, at most `OLD` days. `other_close`: the close of `new_symbol` on
    the ex-date. `first`, `last`, `last_close`: the symbol's first and last day, and its last close. `known`: the
    version appended to has seen it.
    """

    symbol: str
    ex_date: np.datetime64
    type: str
    ratio: float | None
    amount: float | None
    final_return: float | None
    special: bool
    close_before: float | None
    other_close: float | None
    first: np.datetime64
    last: np.datetime64
    last_close: float
    known: bool

    @property
    def cash(self) -> float | None:
        """What a holder of one share receives besides shares of the same company, in money; None if unknown."""
        if self.ratio is not None and self.other_close is not None and self.type not in SPLITS:
            return (self.amount or 0.0) + self.ratio * self.other_close
        return self.amount


@dataclass
class Applied:
    """What was done with the actions: counts by type and by fate, and each that could not be applied, with why."""

    counts: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    unapplied: list[dict[str, Any]] = field(default_factory=list)
    delisted: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, action: Action, reason: str) -> None:
        """Note an action that could not be applied."""
        told = {"symbol": action.symbol, "ex_date": str(action.ex_date), "type": action.type}
        self.unapplied.append(told | {"ratio": action.ratio, "amount": action.amount, "reason": reason})

    def pass_over(self, why: str) -> None:
        """Count an action that rightly changes nothing."""
        self.passed[why] = self.passed.get(why, 0) + 1

    def count(self, action: Action) -> None:
        """Count an action that was applied."""
        self.counts[action.type] = self.counts.get(action.type, 0) + 1


def load(db: Any, table: TableFile) -> list[identity.Rename]:
    """Read the actions into `actions`, each distinct one once, and return the renames among them.

    Raises DataUnusable for a row that is no action: the whole table is one parameter, there is no quarantine for it.
    """
    source = f"read_parquet({literal(str(table.path))})"
    have = {str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    missing = [field.name for field in CORPORATE_ACTIONS.fields if field.required and field.name not in have]
    if missing:
        raise _refused(table, f"has no column {', '.join(missing)}; actions are ex_date, symbol, type, ratio, amount.")
    sql = {"date": "DATE", "text": "VARCHAR", "number": "DOUBLE"}
    picks = ", ".join(
        f"{f'TRY_CAST({f.name} AS {sql[f.type]})' if f.name in have else 'NULL::' + sql[f.type]} AS {f.name}"
        for f in CORPORATE_ACTIONS.fields
    )
    db.execute(f"CREATE TEMP TABLE actions AS SELECT DISTINCT {picks} FROM {source}")
    for rule in CORPORATE_ACTIONS.rules:
        wrong = db.execute(f"SELECT * FROM actions WHERE {rule.breaks} ORDER BY ALL LIMIT 1").fetchone()
        if wrong:
            shown = ", ".join(str(cell) for cell in wrong if cell is not None)
            raise _refused(table, f"holds ({shown}): {rule.reason}.")
    rows = db.execute("SELECT symbol, new_symbol, ex_date FROM actions WHERE type = 'rename' ORDER BY ALL").fetchall()
    return [identity.Rename(*row) for row in rows]


def _refused(table: TableFile, detail: str) -> DataUnusable:
    return DataUnusable(f"{table.ref} {detail}", Violation(table.pointer or POINTER, detail))


def apply(db: Any, *, identified: bool) -> Applied:
    """Turn `actions` into `factors` and `endings`, against the prices in `kept`."""
    applied = Applied()
    steps: list[tuple[str, Any, float, float]] = []
    ends: list[tuple[str, float | None]] = []
    for symbol, group in groupby(_valued(db, applied, identified=identified), key=lambda action: action.symbol):
        actions = list(group)
        steps.extend(_factors_of(symbol, actions, applied))
        ends.extend(_ending_of(symbol, actions, applied))
    db.execute("CREATE TEMP TABLE steps (symbol VARCHAR, since DATE, split_factor DOUBLE, adj_factor DOUBLE)")
    db.execute("CREATE TEMP TABLE endings (symbol VARCHAR, delisting_return DOUBLE)")
    fill(db, "steps", steps)
    fill(db, "endings", ends)
    db.execute(f"CREATE TEMP TABLE factors AS {FACTORS}")
    return applied


def _valued(db: Any, applied: Applied, *, identified: bool) -> Iterator[Action]:
    """Yield the actions of symbols that have prices, by symbol and date, with what the prices say around them."""
    source = identity.resolved("actions", "ex_date") if identified else "SELECT *, false AS unidentified FROM actions"
    db.execute(f"CREATE TEMP TABLE named AS {source}")
    db.execute(
        "CREATE TEMP TABLE spans AS SELECT symbol, min(date) AS first, max(date) AS last, "
        "arg_max(close, date) AS last_close, max(date) FILTER (n < 0) AS seen FROM kept GROUP BY symbol"
    )
    _count_passed(db, applied)
    names = [member.name for member in fields(Action)]
    for row in db.execute(AROUND).fetchall():
        values = dict(zip(names, row, strict=True))
        yield Action(**values | {name: np.datetime64(values[name], "D") for name in ("ex_date", "first", "last")})


def _count_passed(db: Any, applied: Applied) -> None:
    """Count the actions that concern no price of this file."""
    reasons = ("rename", "ticker of nobody known on that day", "no prices of the symbol")
    counts = db.execute(
        "SELECT count(*) FILTER (type = 'rename'), count(*) FILTER (type <> 'rename' AND unidentified), "
        "count(*) FILTER (type <> 'rename' AND NOT unidentified AND symbol NOT IN (SELECT symbol FROM spans)) "
        "FROM named"
    ).fetchone()
    applied.passed |= {why: count for why, count in zip(reasons, counts, strict=True) if count}


# The closes around the ex-dates are found by the days on which they may stand: a hash join that reads the prices once,
# where an ASOF join would sort them all.
AROUND: Final = f"""
    WITH mine AS (
        SELECT row_number() OVER () AS id, * FROM named JOIN spans USING (symbol)
        WHERE type <> 'rename' AND NOT unidentified
    ), days AS (
        SELECT id, symbol, true AS earlier, ex_date - unnest(range(1, {OLD} + 1))::INTEGER AS date FROM mine
        UNION ALL
        SELECT id, new_symbol, false, ex_date + unnest(range(0, {NEAR} + 1))::INTEGER FROM mine
        WHERE new_symbol IS NOT NULL
    ), closes AS (
        SELECT id, arg_max(close, date) FILTER (earlier) AS before, arg_min(close, date) FILTER (NOT earlier) AS other
        FROM kept JOIN days USING (symbol, date) GROUP BY id
    )
    SELECT symbol, ex_date, type, ratio, amount, final_return, coalesce(special, 0) <> 0, before, other,
        first, last, last_close, coalesce(ex_date <= seen, false)
    FROM mine LEFT JOIN closes USING (id) ORDER BY symbol, ex_date, type, ratio, amount
"""


# A step of the factors in each year that it reaches into, within the symbol's days: prices meet their steps in a hash
# join by symbol and year, of which few are compared by date, where an ASOF join would sort all prices.
FACTORS: Final = """
    SELECT symbol, unnest(range(year(greatest(since, first)), year(least(until - 1, last)) + 1)) AS year,
        since, until, split_factor, adj_factor
    FROM (SELECT *, lead(since, 1, DATE '9999-12-31') OVER (PARTITION BY symbol ORDER BY since) AS until FROM steps)
    JOIN spans USING (symbol) WHERE since <= last AND until > first
"""


def _factors_of(symbol: str, actions: Iterable[Action], applied: Applied) -> list[tuple[str, Any, float, float]]:
    """Return the steps of one symbol's factors: actions of one day together, days compounded."""
    days: list[tuple[np.datetime64, float, float]] = []
    wanted = [action for action in actions if action.type in (*SPLITS, *CASH)]
    for day, group in groupby(wanted, key=lambda action: action.ex_date):
        multipliers = _multipliers(list(group), applied)
        if multipliers != (1.0, 1.0):
            days.append((day, *multipliers))
    if not days:
        return []
    ex_dates, split, cash = (np.array(column) for column in zip(*days, strict=True))
    steps = factors(ex_dates, split, cash)
    return [
        (symbol, day.item(), float(a), float(b))
        for day, a, b in zip(steps.since, steps.split, steps.price, strict=True)
    ]


def _multipliers(actions: list[Action], applied: Applied) -> tuple[float, float]:
    """Return (split, cash) by which one day's actions multiply earlier prices.

    Money paid on one day adds up before it is set against the close before, which is on the basis of the day before.
    """
    usable = [action for action in actions if _is_usable(action, applied)]
    splits = {action.ratio for action in usable if action.type in SPLITS}
    if len(splits) > 1:
        for action in usable:
            applied.refuse(action, f"ratios {sorted(map(str, splits))} on one day: which one?")
        return 1.0, 1.0
    for action in usable:
        applied.count(action)
    paid = sum(action.cash or 0.0 for action in usable if action.type in CASH)
    before = usable[0].close_before if paid else None
    split = split_multiplier(splits.pop() or np.nan) if splits else 1.0
    return split, dividend_multiplier(paid, before) if before else 1.0


def _is_usable(action: Action, applied: Applied) -> bool:
    """Say whether an action changes earlier prices; note why not."""
    if action.known:
        applied.pass_over("in the dataset already")
    elif action.ex_date <= action.first:
        applied.pass_over("before the first price")
    elif action.ex_date > action.last:
        applied.pass_over("after the last price")
    elif action.type in SPLITS:
        return True
    elif action.close_before is None:
        applied.refuse(action, f"the last close before it is more than {OLD} days old")
    elif action.cash is None:
        applied.refuse(action, "what was received has no price: give an amount, or prices of new_symbol on the ex-date")
    elif action.cash > LARGE_DIVIDEND * action.close_before and not (
        action.special and action.cash < action.close_before
    ):
        applied.refuse(
            action,
            f"{action.cash:g} against a close of {action.close_before:g} before it: on another split basis? "
            "If it is right, set special to 1",
        )
    else:
        return True
    return False


def _ending_of(symbol: str, actions: Iterable[Action], applied: Applied) -> list[tuple[str, float | None]]:
    """Return the symbol with its return after the last close, where an action says that it went."""
    ends = [action for action in actions if action.type in ENDINGS]
    if not ends:
        return []
    action = ends[-1]
    if len(ends) > 1 or action.ex_date < action.last:
        applied.refuse(action, f"prices go on until {action.last}: another company's, or more than one end?")
        return []
    applied.count(action)
    final = action.final_return
    if final is None and action.cash is not None:
        final = action.cash / action.last_close - 1.0
    applied.delisted.append({"symbol": symbol, "ex_date": str(action.ex_date), "type": action.type, "return": final})
    return [(symbol, final)]
