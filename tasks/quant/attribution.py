"""Where the money came from: each name's gains, costs and borrow, which sum to the change of equity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.ledger import YEAR, impacts

if TYPE_CHECKING:
    from tasks.quant.ledger import Ledger, Plan, Terms
    from tasks.quant.market import Market


@dataclass(frozen=True)
class Attribution:
    """Each name's part in currency, (N,) each: `gains` are price changes and dividends; `interest` is cash's own.

    `gains − costs − borrow`, summed, plus `interest` is the final equity less the initial capital.
    """

    gains: np.ndarray
    costs: np.ndarray
    borrow: np.ndarray
    interest: float

    @property
    def pnl(self) -> np.ndarray:
        """Each name's gain after all its costs."""
        return np.asarray(self.gains - self.costs - self.borrow)


def attribute(ledger: Ledger, market: Market, plan: Plan, terms: Terms) -> Attribution:
    """Return the attribution of a ledger to its N names.

    A name's gain telescopes: what it is worth at the end, less what was paid for it, plus its dividends in cash.
    """
    n = len(market.symbols)
    gains, costs = np.zeros(n), np.zeros(n)
    for basket in ledger.baskets:
        notional = np.abs(basket.traded)
        gains -= basket.traded
        costs += terms.costs.commissions(notional) + terms.costs.half_spread * notional
        costs += impacts(terms.costs, plan, basket.k, notional)
    if ledger.baskets:
        gains += ledger.baskets[-1].units * market.unit_close[ledger.last]
    gains += _dividends(ledger, market)
    return Attribution(gains, costs, _borrow(ledger, market, terms), float(ledger["interest"].sum()))


def _dividends(ledger: Ledger, market: Market) -> np.ndarray:
    received = np.zeros(len(market.symbols))
    for start, end, units in ledger.holdings():
        for row in range(start + 1, min(end, ledger.last) + 1):
            if row in market.dividends:
                columns, paid = market.dividends[row]
                received[columns] += units[columns] * paid
    return received


def _borrow(ledger: Ledger, market: Market, terms: Terms) -> np.ndarray:
    """Return what each name's short positions cost: yesterday's close times the calendar days since."""
    paid = np.zeros(len(market.symbols))
    if not terms.borrow.any():
        return paid
    for start, end, units in ledger.holdings():
        short = np.minimum(units, 0.0)
        stop = min(end, ledger.last)
        if short.any() and stop > start:
            paid -= (market.days[start + 1 : stop + 1] / YEAR) @ market.unit_close[start:stop] * short * terms.borrow
    return paid
