"""The market as a ledger sees it: what a unit of each name is worth on each session, and whether it can be traded.

A *unit* is what one share of the first row has become: its price is `close · factor`, and a holding of u units is
`u · factor_t` shares as traded on t. A split, or a dividend reinvested at the ex-price, changes `factor` and so the
shares, never the units. Factors grow forward from the first row, one event at a time, so that an event never touches
a row above it. Shares and prices in every report are as traded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.returns import last_observed_row
from tasks.quant.total_return import forward_factor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_DIVIDEND = 1e-9  # a smaller part of the price is what rounding left of two factors' ratio, not a dividend


@dataclass(frozen=True)
class Exit:
    """Names that leave the market on a session whether anyone wants it or not: closed at the unit price there."""

    columns: np.ndarray
    reason: str


@dataclass(frozen=True)
class Market:
    """Prices of N names on T sessions, every row knowing only itself and rows above it.

    `dates` (T,) datetime64[D]; `days` (T,) calendar days since the session before (0 on the first).
    `unit_close`, `unit_trade` (T, N): the price of a unit at the close and at the execution price; the last observed
    close stands in where there is none, and 1.0 before the first. `close`, `trade` (T, N): the same as traded, for
    reports. `factor` (T, N): shares as traded a unit.
    `tradable` (T, N): an execution price was observed. `absent` (T, N): sessions since the last price, -1 before the
    first. `gone_after`: sessions without a price after which a name has left. `exits`: row → the names leaving there.
    `dividends`: row → (columns, cash a unit), when they are credited to cash. `split` (T, N) or None: the splits'
    part of the factors.
    """

    dates: np.ndarray
    symbols: tuple[str, ...]
    days: np.ndarray
    unit_close: np.ndarray
    unit_trade: np.ndarray
    close: np.ndarray
    trade: np.ndarray
    factor: np.ndarray
    tradable: np.ndarray
    absent: np.ndarray
    gone_after: int
    split: np.ndarray | None = None
    exits: Mapping[int, Sequence[Exit]] = field(default_factory=dict)
    dividends: Mapping[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


def market(
    dates: np.ndarray,
    symbols: tuple[str, ...],
    close: np.ndarray,
    *,
    open_: np.ndarray | None = None,
    adj_factor: np.ndarray | None = None,
    split_factor: np.ndarray | None = None,
    delisting_return: np.ndarray | None = None,
    cash_dividends: bool = False,
    gone_after: int = 10,
) -> Market:
    """Return the market of prices as traded.

    Shapes (T, N); NaN (or nothing above zero) where there is no price. `open_`: trade there; None trades at the close.
    `adj_factor`, `split_factor`: cumulative backward factors. `cash_dividends`: dividends go to cash, and units change
    with splits only. `delisting_return`: on a name's last row, what its holder got after it. A name is out after
    `gone_after` sessions without a price.
    """
    seen = _observed(close, adj_factor, split_factor)
    last = last_observed_row(seen)
    absent = np.where(last < 0, -1, np.arange(len(dates))[:, None] - last)
    factor = _grown(split_factor if cash_dividends else adj_factor, close, seen)
    unit_close = _kept(close, last) * factor  # a fresh array: delistings are settled in it
    unit_trade, tradable = unit_close, seen
    if open_ is not None:
        unit_trade, tradable = _at_open(open_, unit_close, factor, seen)
    exits = _stale_exits(absent, gone_after)
    if delisting_return is not None:
        _settle_delistings(exits, (unit_close, unit_trade), delisting_return, last)
    as_traded = _as_traded(close, seen, unit_close, factor)
    return Market(
        dates=dates,
        symbols=symbols,
        days=np.diff(dates, prepend=dates[:1]).astype(np.int64),
        unit_close=unit_close,
        unit_trade=unit_trade,
        close=as_traded,
        trade=as_traded if open_ is None else _as_traded(open_, tradable, unit_trade, factor),
        factor=factor,
        tradable=tradable,
        absent=absent,
        gone_after=gone_after,
        split=None if split_factor is None else _grown(split_factor, close, seen),
        exits=exits,
        dividends=_dividends(unit_close, _grown(adj_factor, close, seen) / factor) if cash_dividends else {},
    )


def _positive(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.isfinite(values) & (values > 0.0))


def _observed(close: np.ndarray, *factors: np.ndarray | None) -> np.ndarray:
    """Return where there is a price, with every factor that the table has."""
    seen = _positive(close)
    for factor in factors:
        if factor is not None:
            seen &= _positive(factor)
    return seen


def _at_open(
    open_: np.ndarray, unit_close: np.ndarray, factor: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit prices at the open, the close before where there is none, and where it can be traded."""
    tradable = seen & _positive(open_)
    before = np.vstack([unit_close[:1], unit_close[:-1]])
    return np.where(tradable, open_ * factor, before), tradable


def _as_traded(price: np.ndarray, observed: np.ndarray, unit_price: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return a price as it was printed where it was observed, and what stands in for it elsewhere."""
    return price if bool(observed.all()) else np.where(observed, price, unit_price / factor)


def _kept(close: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the last observed close in each cell; 1.0 before the first."""
    if not (last != np.arange(len(last))[:, None]).any():
        return close
    kept = np.take_along_axis(close, np.maximum(last, 0), axis=0)
    kept[last < 0] = 1.0
    return kept


def _grown(backward: np.ndarray | None, close: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a backward factor's growth since the first row, kept through gaps: no level knows a later event."""
    grown = (
        None if backward is None else forward_factor(np.where(seen, backward, np.nan), np.where(seen, close, np.nan))
    )
    return np.ones(seen.shape) if grown is None else grown


def _stale_exits(absent: np.ndarray, gone_after: int) -> dict[int, list[Exit]]:
    found: dict[int, list[Exit]] = {}
    rows, columns = np.nonzero(absent == gone_after)
    for row in np.unique(rows).tolist():
        found[row] = [Exit(columns[rows == row], "missing_price")]
    return found


def _settle_delistings(
    exits: dict[int, list[Exit]], panels: tuple[np.ndarray, ...], delisting_return: np.ndarray, last: np.ndarray
) -> None:
    """Let each delisted name leave on the session after its last row, at its last close and its final return."""
    rows = np.arange(len(last) - 1)[:, None]
    leaving = np.isfinite(delisting_return[:-1]) & (last[:-1] == rows) & (last[1:] == rows)
    for row, column in np.argwhere(leaving).tolist():
        settled = panels[0][row, column] * (1.0 + delisting_return[row, column])
        after = np.flatnonzero(last[row + 2 :, column] == row) + row + 2
        for panel in panels:
            panel[row + 1, column] = settled
            panel[after, column] = 1.0  # nothing is held from here on; any positive price will do
        exits.setdefault(row + 1, []).append(Exit(np.array([column]), "delisted"))


def _dividends(unit_close: np.ndarray, reinvested: np.ndarray) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return the cash a unit that each ex-date pays, `P · (1 - 1/g)`.

    P is the unit price before, and g the growth of the holding had the dividend been reinvested: for a dividend D,
    `1/g = 1 - D/P`.
    """
    rows, columns = np.nonzero(reinvested[1:] != reinvested[:-1])
    share = 1.0 - reinvested[rows, columns] / reinvested[rows + 1, columns]
    paid = unit_close[rows, columns] * share
    real = np.abs(share) > NO_DIVIDEND
    rows, columns, paid = rows[real], columns[real], paid[real]
    return {row + 1: (columns[rows == row], paid[rows == row]) for row in np.unique(rows).tolist()}
