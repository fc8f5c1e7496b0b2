"""The backtest's tables, from its ledger: the same numbers, laid out for readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.outcome import Table
from tasks.quant.ledger import DUST, impacts

if TYPE_CHECKING:
    from tasks.quant.attribution import Attribution
    from tasks.quant.ledger import Ledger, Plan, Terms
    from tasks.quant.market import Market


@dataclass(frozen=True)
class Run:
    """One finished run: its market, plan, account and ledger, and the benchmark's level on the market's sessions."""

    market: Market
    plan: Plan
    terms: Terms
    ledger: Ledger
    benchmark: np.ndarray | None
    sectors: tuple[str, ...]

    @property
    def dates(self) -> np.ndarray:
        """The run's sessions."""
        return self.market.dates[self.ledger.first : self.ledger.last + 1]

    @property
    def returns(self) -> np.ndarray:
        """The portfolio's returns, one a session after the first."""
        equity = self.ledger["equity"]
        return np.asarray(equity[1:] / equity[:-1] - 1.0)

    @property
    def benchmark_level(self) -> np.ndarray | None:
        """The benchmark on the run's sessions, equal to the initial capital on its first known one."""
        if self.benchmark is None:
            return None
        level = self.benchmark[self.ledger.first : self.ledger.last + 1]
        known = level[np.isfinite(level)]
        return np.asarray(level / known[0] * self.terms.capital) if len(known) else level


def equity_columns(run: Run) -> dict[str, np.ndarray]:
    """Return the columns of the `equity` table."""
    ledger, equity = run.ledger, run.ledger["equity"]
    peak = np.maximum.accumulate(equity)
    safe = np.where(equity > 0.0, equity, np.nan)
    level = run.benchmark_level
    return {
        "date": run.dates,
        "equity": equity,
        "return": np.concatenate([[np.nan], run.returns]),
        "drawdown": equity / peak - 1.0,
        "gross": ledger["gross"] / safe,
        "net": ledger["net"] / safe,
        "cash": ledger["cash"],
        "turnover": ledger["turnover"],
        "commission": ledger["commission"],
        "spread": ledger["spread"],
        "impact": ledger["impact"],
        "borrow": ledger["borrow"],
        "interest": ledger["interest"],
        "dividends": ledger["dividends"],
        "benchmark": np.full(len(equity), np.nan) if level is None else level,
    }


def trades(run: Run) -> Table:
    """Return every trade, and every change of shares by a corporate action, by date and symbol."""
    parts = [_basket_trades(run), _corporate_actions(run)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    symbols = np.array(run.market.symbols, dtype=object)
    order = np.lexsort((columns["n"], columns["reason"] == "rebalance", columns["row"]))
    rows, n = columns.pop("row")[order], columns.pop("n")[order]
    signed = columns.pop("signed")[order]
    rest = {name: values[order] for name, values in columns.items()}
    side = np.where(signed > 0.0, "buy", "sell").astype(object)
    return Table(
        "trades.csv",
        {"date": run.market.dates[rows], "symbol": symbols[n], "side": side, "shares": np.abs(signed), **rest},
    )


def _basket_trades(run: Run) -> dict[str, np.ndarray]:
    """Return the trades of all baskets as columns, signed shares as traded."""
    market, costs = run.market, run.terms.costs
    before = np.zeros(len(market.symbols))
    found: list[dict[str, np.ndarray]] = []
    for basket in run.ledger.baskets:
        row, change = basket.row, basket.units - before
        before = basket.units
        value = np.abs(change * market.unit_close[row])
        leaving = np.zeros(len(before), dtype=bool)
        reason = np.full(len(before), "rebalance", dtype=object)
        for exit_ in basket.exits:
            leaving[exit_.columns] = change[exit_.columns] != 0.0
            reason[exit_.columns] = exit_.reason
        equity = run.ledger["equity"][row - run.ledger.first]
        n = np.flatnonzero((value > DUST * equity) | leaving)
        notional = np.abs(basket.traded)
        price = market.trade[row]
        found.append(
            {
                "row": np.full(len(n), row),
                "n": n,
                "signed": (change * market.factor[row])[n],
                "price": price[n],
                "notional": notional[n],
                "commission": costs.commissions(notional)[n],
                "spread_cost": (costs.half_spread * notional)[n],
                "impact_cost": impacts(costs, run.plan, basket.k, notional)[n],
                "reason": reason[n],
            }
        )
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _corporate_actions(run: Run) -> dict[str, np.ndarray]:
    """Return the shares that splits and reinvested dividends add to a holding (or take): no money changes hands."""
    market, ledger = run.market, run.ledger
    factor = market.factor[ledger.first : ledger.last + 1]
    step, n = np.nonzero(factor[1:] != factor[:-1])
    row = step + ledger.first + 1
    starts = np.array([basket.row for basket in ledger.baskets])
    stretch = np.searchsorted(starts, row, side="left") - 1
    units = np.array([basket.units for basket in ledger.baskets])[np.maximum(stretch, 0), n]
    held = (stretch >= 0) & (units != 0.0)
    row, n, units = row[held], n[held], units[held]
    splits = np.zeros(len(row), dtype=bool)
    if market.split is not None:
        splits = market.split[row, n] != market.split[row - 1, n]
    nothing = np.zeros(len(row))
    return {
        "row": row,
        "n": n,
        "signed": units * (market.factor[row, n] - market.factor[row - 1, n]),
        "price": nothing,
        "notional": nothing,
        "commission": nothing,
        "spread_cost": nothing,
        "impact_cost": nothing,
        "reason": np.where(splits, "split", "dividend_reinvested").astype(object),
    }


def positions(run: Run) -> Table:
    """Return every position held at each close, by date and symbol."""
    market, ledger = run.market, run.ledger
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start, end, units in ledger.holdings():
        n = np.flatnonzero(units)
        rows = np.arange(start, end)
        found.append((np.repeat(rows, len(n)), np.tile(n, len(rows)), np.tile(units[n], len(rows))))
    row, n, units = (np.concatenate(parts) for parts in zip(*found, strict=True))
    value = units * market.unit_close[row, n]
    symbols = np.array(market.symbols, dtype=object)
    return Table(
        "positions",
        {
            "date": market.dates[row],
            "symbol": symbols[n],
            "shares": units * market.factor[row, n],
            "price": market.close[row, n],
            "weight": value / ledger["equity"][row - ledger.first],
        },
    )


def monthly_returns(run: Run) -> Table:
    """Return the compounded return of each calendar month, and the benchmark's."""
    months = run.dates[1:].astype("datetime64[M]").astype(np.int64)
    starts = np.flatnonzero(np.append(True, months[1:] != months[:-1])) if len(months) else np.zeros(0, np.int64)
    level = run.benchmark_level
    compounded = np.multiply.reduceat(1.0 + run.returns, starts) - 1.0 if len(starts) else np.zeros(0)
    benchmark = np.full(len(starts), np.nan)
    if level is not None and len(starts):
        benchmark = np.multiply.reduceat(level[1:] / level[:-1], starts) - 1.0
    return Table(
        "monthly_returns.csv",
        {
            "year": months[starts] // 12 + 1970,
            "month": months[starts] % 12 + 1,
            "return": compounded,
            "benchmark": benchmark,
        },
    )


def attribution_columns(run: Run, parts: Attribution) -> dict[str, np.ndarray]:
    """Return the attribution: traded names, then their sectors, cash, and the total."""
    traded = np.zeros(len(run.market.symbols), dtype=bool)
    for basket in run.ledger.baskets:
        traded |= basket.units != 0.0
    rows: list[tuple[str, str, str | None, np.ndarray]] = []
    sums: dict[str, np.ndarray] = {}
    for n in np.flatnonzero(traded).tolist():
        amounts = np.array([parts.gains[n], parts.costs[n], parts.borrow[n]])
        rows.append(("symbol", run.market.symbols[n], run.sectors[n], amounts))
        sums[run.sectors[n]] = sums.get(run.sectors[n], np.zeros(3)) + amounts
    rows += [("sector", name, name, sums[name]) for name in sorted(sums)]
    interest = np.array([parts.interest, 0.0, 0.0])
    rows.append(("cash", "interest", None, interest))
    rows.append(("total", "total", None, sum(sums.values(), interest)))
    level, name, sector, amount = zip(*rows, strict=True)
    gains, costs, borrow = np.array(amount).T
    pnl = gains - costs - borrow
    return {
        "level": np.array(level, dtype=object),
        "name": np.array(name, dtype=object),
        "sector": np.array(sector, dtype=object),
        "gross_pnl": gains,
        "costs": costs,
        "borrow": borrow,
        "pnl": pnl,
        "contribution": pnl / run.terms.capital,
    }
