"""Reads a backtest's tables into arrays, and refuses what cannot be used, naming the table and the mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.params import TextOrTable
from tasks.quant.market import Market, market
from tasks.quant.returns import total_returns
from tasks.tables import column_types, read_columns, read_panels, require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.inputs import Inputs, TableFile
    from tasks.quant.panel import Panel

ALWAYS = ("adj_factor", "split_factor", "delisting_return")
ROUNDING = 2e-5  # a dividend below a fifth of a basis point is lost with it
DATES = ("DATE", "TIMESTAMP")
NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER")


@dataclass(frozen=True)
class Prices:
    """The price table as panels on one grid, by column name."""

    panels: Mapping[str, Panel]

    @property
    def dates(self) -> np.ndarray:
        """The sessions: every date of the table."""
        return self.panels["close"].dates

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the table."""
        return self.panels["close"].symbols

    def values(self, name: str, columns: np.ndarray) -> np.ndarray | None:
        """Return a column's values for some names, (T, len(columns)), or None if the table lacks it."""
        if name not in self.panels:
            return None
        values = self.panels[name].values
        whole = len(columns) == values.shape[1]
        return values if whole else np.ascontiguousarray(values[:, columns])

    def close(self, columns: np.ndarray) -> np.ndarray:
        """Return the closes as traded, (T, len(columns))."""
        close = self.values("close", columns)
        assert close is not None
        return close

    def adj_factor(self, columns: np.ndarray) -> np.ndarray | None:
        """Return the adjustment factors; from `adj_close` where the table has only that."""
        factor, adjusted = self.values("adj_factor", columns), self.values("adj_close", columns)
        if factor is not None or adjusted is None:
            return factor
        close = self.close(columns)
        return _steady(np.divide(adjusted, close, out=np.full(close.shape, np.nan), where=close > 0.0))

    def returns(self, columns: np.ndarray) -> np.ndarray:
        """Return simple total returns, (T, len(columns))."""
        return total_returns(self.close(columns), self.adj_factor(columns))


@dataclass(frozen=True)
class Dated:
    """Cross-sections by date, on the market's names: `dates` (D,) ascending, `values` (D, N), NaN where absent."""

    dates: np.ndarray
    values: np.ndarray


def _steady(factor: np.ndarray) -> np.ndarray:
    """Return a factor that moves only where it moves by more than the rounding of two printed prices."""
    steady, held = factor.copy(), np.full(factor.shape[1], np.nan)
    for row in steady:
        with np.errstate(invalid="ignore", divide="ignore"):
            same = np.abs(row / held - 1.0) < ROUNDING
        row[same] = held[same]
        held = np.where(np.isfinite(row), row, held)
    return steady


def read_prices(table: TableFile, *wanted: str) -> Prices:
    """Return the price table: `close`, the adjustments it holds, and those of the wanted columns that it holds."""
    types = column_types(table)
    adjusted = ("adj_close",) if "adj_factor" not in types else ()
    names = ["close", *(name for name in (*ALWAYS, *adjusted, *wanted) if name in types)]
    _require_types(table, types, names)
    return Prices(read_panels(table, names))


def read_scores(table: TableFile, preferred: str) -> Panel:
    """Return the table's numbers by date and symbol: the column `preferred`, or the only one that holds numbers."""
    types = column_types(table)
    numeric = [name for name, kind in types.items() if kind.startswith(NUMBERS)]
    name = preferred if preferred in types or len(numeric) != 1 else numeric[0]
    _require_types(table, types, [name])
    scores = read_panels(table, [name])[name]
    if np.isinf(scores.values).any():
        raise unusable(table, f"has an infinite {name}; scores and weights are finite numbers or null.")
    return scores


def _require_types(table: TableFile, types: Mapping[str, str], numbers: Sequence[str]) -> None:
    """Refuse a table without dates, symbols and these numbers."""
    wanted = {"date": DATES, "symbol": ("VARCHAR",), **dict.fromkeys(numbers, NUMBERS)}
    for name, kinds in wanted.items():
        if name not in types:
            raise unusable(table, f"has no column {name!r}; it has {', '.join(types)}.")
        if not types[name].startswith(kinds):
            what = {"date": "dates", "symbol": "text"}.get(name, "numbers")
            raise unusable(table, f"holds {types[name]} in its column {name!r}, which must hold {what}.")


def on_names(panel: Panel, symbols: tuple[str, ...]) -> Dated:
    """Return a panel's cross-sections on other names."""
    aligned = panel if panel.symbols == symbols else panel.on(panel.dates, symbols)
    return Dated(panel.dates, aligned.values)


def read_members(table: TableFile, symbols: tuple[str, ...]) -> Dated:
    """Return membership by date: 1 for a member, NaN for any other name."""
    _require_types(table, column_types(table), [])
    columns = read_columns(table, ["date", "symbol"])
    dates, row = np.unique(columns["date"], return_inverse=True)
    place = {name: i for i, name in enumerate(symbols)}
    column = np.array([place.get(name, -1) for name in columns["symbol"].tolist()], dtype=np.int64)
    values = np.full((len(dates), len(symbols)), np.nan)
    values[row[column >= 0], column[column >= 0]] = 1.0
    return Dated(dates, values)


def read_by_symbol(table: TableFile, column: str) -> dict[str, Any]:
    """Return a column by symbol; the last row of a symbol counts."""
    require_columns(table, "symbol", column)
    columns = read_columns(table, ["symbol", column])
    return dict(zip(columns["symbol"].tolist(), columns[column].tolist(), strict=True))


def build_market(prices: Prices, columns: np.ndarray, params: Mapping[str, Any], table: TableFile) -> Market:
    """Return the market of some of the price table's names, as the parameters see it."""
    open_ = prices.values("open", columns)
    if params["execution_price"] == "open" and open_ is None:
        raise unusable(table, "has no column 'open', which execution_price open needs.")
    if params["dividends"] == "cash" and prices.adj_factor(columns) is not None and "split_factor" not in prices.panels:
        raise unusable(table, "has no column 'split_factor', which tells dividends from splits for dividends cash.")
    return market(
        prices.dates,
        tuple(prices.symbols[i] for i in columns.tolist()),
        prices.close(columns),
        open_=open_ if params["execution_price"] == "open" else None,
        adj_factor=prices.adj_factor(columns),
        split_factor=prices.values("split_factor", columns),
        delisting_return=prices.values("delisting_return", columns),
        cash_dividends=params["dividends"] == "cash",
        gone_after=1 if params["on_missing_price"] == "close_out" else params["stale_sessions"],
    )


def read_benchmark(params: Mapping[str, Any], inputs: Inputs, prices: Prices) -> np.ndarray | None:
    """Return the benchmark's level on the sessions, (T,), at its latest value so far; NaN before it begins."""
    wanted = params["benchmark"]
    if wanted is None:
        return None
    if not TextOrTable.is_table(wanted):
        if wanted not in prices.symbols:
            detail = f"{wanted!r} is not a symbol of the prices; give one of them, or a table."
            raise DataUnusable(detail, Violation("/params/benchmark", detail))
        column = np.array([prices.symbols.index(wanted)])
        return _level(prices.dates, prices.returns(column)[:, 0], prices.panels["close"].values[:, column[0]])
    return _table_level(inputs.table("benchmark"), prices.dates)


def _level(dates: np.ndarray, returns: np.ndarray, close: np.ndarray) -> np.ndarray:
    level = np.cumprod(1.0 + np.nan_to_num(returns))
    begun = np.maximum.accumulate(np.isfinite(close) & (close > 0.0))
    return np.where(begun, level, np.nan) if len(dates) else level


def _table_level(table: TableFile, sessions: np.ndarray) -> np.ndarray:
    types = column_types(table)
    name = next((name for name in ("adj_close", "close", "level", "return") if name in types), None)
    if name is None:
        raise unusable(table, f"has none of the columns adj_close, close, level, return; it has {', '.join(types)}.")
    columns = read_columns(table, ["date", name], order_by="date")
    known = np.isfinite(columns[name].astype(np.float64))
    dates, values = columns["date"][known], columns[name][known].astype(np.float64)
    if not len(dates) or (dates[1:] == dates[:-1]).any():
        raise unusable(table, "needs at least one row, and one row a date: keep a single benchmark in it.")
    level = np.cumprod(1.0 + values) if name == "return" else values
    place = np.searchsorted(dates, sessions, side="right") - 1
    return np.where(place >= 0, level[np.maximum(place, 0)], np.nan)


def unusable(table: TableFile, what: str) -> DataUnusable:
    """Return the error for a table's content."""
    detail = f"{table.ref} {what}"
    return DataUnusable(detail, Violation(table.pointer or "/params", detail))
