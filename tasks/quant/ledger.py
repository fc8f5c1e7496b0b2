"""A portfolio lived through, session by session: trades, costs, borrow and interest on one cash account.

The order of a session: interest on cash and the borrow fee for the calendar days since the session before (ACT/360,
on yesterday's balances); dividends credited to cash; names that left the market closed out; the rebalance, sized on
the equity at the execution price; the close. Costs are debited from cash, so after a fully invested rebalance cash is
slightly negative and pays the cash rate. On every session `equity = cash + Σ units · unit price`.

No row uses a price below it, and sums run along each row alone, so that changing or cutting off the future changes
no bit of the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tasks.quant.costs import Costs, Liquidity
    from tasks.quant.market import Exit, Market

YEAR = 360.0  # money-market convention: ACT/360 for borrow and cash
DUST = 1e-12  # a trade below this share of equity is rounding, not a trade


@dataclass(frozen=True)
class Plan:
    """What to hold and when: `rows` (K,) trading sessions, ascending; `weights` (K, N) of equity, no NaN.

    `liquidity`: what was known of each name before each of the rows; needed by impact and participation.
    `participation`: the largest trade of a name as a fraction of its average daily notional, or None.
    """

    rows: np.ndarray
    weights: np.ndarray
    liquidity: Liquidity | None = None
    participation: float | None = None


@dataclass(frozen=True)
class Terms:
    """The account: starting cash, costs, the annual borrow fee of each name (N,) and the annual rate on cash."""

    capital: float
    costs: Costs
    borrow: np.ndarray
    cash_rate: float = 0.0


@dataclass(slots=True)  # not frozen: thousands are made in a run, and a frozen one takes three times as long
class Basket:
    """The trades of one session. `traded` (N,) signed notional, `units` (N,) held after it, costs (N,) or None.

    `k` is the plan's row, None when names only left the market; `exits` are those names with the reasons.
    """

    row: int
    k: int | None
    traded: np.ndarray
    units: np.ndarray
    exits: Sequence[Exit] = ()


@dataclass(frozen=True)
class Missed:
    """Trades, or parts of trades, that were wanted and not made: how many, and their notional in currency."""

    trades: int = 0
    notional: float = 0.0

    def plus(self, notional: np.ndarray, least: float) -> Missed:
        """Return the sum with more (N,), of which those of at most `least` are rounding and not trades."""
        more = notional[notional > least]
        return Missed(self.trades + len(more), self.notional + float(more.sum()))


@dataclass(frozen=True)
class Ledger:
    """What happened, from row `first` to row `last` of the market. Daily series have shape (last − first + 1,).

    `equity`, `cash`, `gross` and `net` are in currency, after the session's trades, at the close. `commission`,
    `spread`, `impact`, `borrow` are positive costs; `interest` and `dividends` signed credits. `turnover` is half the
    traded notional over the equity before trading. `bankrupt`: equity was not positive on the last row. `unpriced`
    trades were not made for want of a price, `cut` ones not in full for want of volume.
    """

    first: int
    last: int
    daily: Mapping[str, np.ndarray]
    baskets: Sequence[Basket]
    bankrupt: bool
    unpriced: Missed
    cut: Missed

    def __getitem__(self, name: str) -> np.ndarray:
        return self.daily[name]

    def holdings(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield (from row, to row exclusive, units) for each stretch between baskets, from the first basket on."""
        ends = [basket.row for basket in self.baskets[1:]] + [self.last + 1]
        for basket, end in zip(self.baskets, ends, strict=True):
            yield basket.row, end, basket.units


DAILY = (
    "equity",
    "cash",
    "gross",
    "net",
    "commission",
    "spread",
    "impact",
    "borrow",
    "interest",
    "dividends",
    "turnover",
)


def live(market: Market, plan: Plan, terms: Terms, first: int, last: int) -> Ledger:
    """Return the ledger of a plan lived from row `first` (all cash) to row `last`, both included.

    Plan rows outside (first, last] are left out. Raises ValueError for weights that are not finite.
    """
    if not np.isfinite(plan.weights).all():
        raise ValueError("a target weight is not a finite number")
    account = _Account(market, plan, terms, first, last)
    planned = {row: k for k, row in enumerate(plan.rows.tolist()) if first < row <= last}
    for row in sorted(planned.keys() | {row for row in market.exits if first < row <= last}):
        k, exits = planned.get(row), account.leaving(row)
        if k is None and not exits:
            continue
        account.hold_until(row)
        account.trade(row, k, exits)
    account.hold_until(last + 1)
    return account.ledger()


class _Account:
    """The state of one run: cash, units, and yesterday's fee base. Rows are lived in order, once."""

    def __init__(self, market: Market, plan: Plan, terms: Terms, first: int, last: int) -> None:
        self.market, self.plan, self.terms, self.first = market, plan, terms, first
        self.days = market.days.tolist()
        self.row, self.cash, self.fee_base = first, terms.capital, 0.0
        self.units = np.zeros(len(market.symbols))
        self.bankrupt, self.unpriced, self.cut = False, Missed(), Missed()
        self.baskets: list[Basket] = []
        self.at_close = market.unit_trade is market.unit_close
        self.daily = {name: [0.0] for name in DAILY}
        self.daily["equity"][0] = self.daily["cash"][0] = terms.capital
        self._prepare(last)

    def _prepare(self, last: int) -> None:
        """Work out once, for all rebalances, what does not depend on the path."""
        w = self.plan.weights
        self.can_short = bool(w.min(initial=0.0) < 0.0)
        self.w_net = w.sum(axis=1).tolist()
        self.w_gross, self.w_fee = self.w_net, [0.0] * len(w)
        if self.can_short:
            short = np.minimum(w, 0.0)
            self.w_gross = (w.sum(axis=1) - 2.0 * short.sum(axis=1)).tolist()
            self.w_fee = np.multiply(short, self.terms.borrow, out=short).sum(axis=1).tolist()
        self.stuck = self._stuck(np.minimum(self.plan.rows, last))
        self.simple = self.terms.costs.linear and self.plan.participation is None and self.at_close
        self.traded, self.held = np.empty_like(w), np.empty_like(w)
        self.values, self.sizes = np.empty(w.shape[1]), np.empty(w.shape[1])

    def _stuck(self, rows: np.ndarray) -> dict[int, np.ndarray]:
        """Return, for each rebalance that has any, the names that it may want to trade and cannot."""
        blocked = ~self.market.tradable[rows]
        if not blocked.any():
            return {}
        absent = self.market.absent[rows]
        blocked &= (self.plan.weights != 0.0) | ((absent > 0) & (absent < self.market.gone_after))
        return {int(k): np.flatnonzero(blocked[k]) for k in np.flatnonzero(blocked.any(axis=1))}

    def leaving(self, row: int) -> list[Exit]:
        """Return the exits of a row in which something is held."""
        return [exit_ for exit_ in self.market.exits.get(row, ()) if self.units[exit_.columns].any()]

    def hold_until(self, end: int) -> None:
        """Live the sessions up to `end`, exclusive, without trading."""
        start = self.row + 1
        if self.bankrupt or start >= end:
            return
        if not self.baskets:
            flat = [0.0] * (end - start)
            self._live_days(start, flat, flat, flat)
            return
        values = self.market.unit_close[start:end] * self.units
        net = values.sum(axis=1)
        if not self.can_short:
            self._live_days(start, net.tolist(), net.tolist(), [0.0] * len(net))
            return
        short = np.minimum(values, 0.0, out=values)
        gross = net - 2.0 * short.sum(axis=1)
        self._live_days(start, net.tolist(), gross.tolist(), (short * self.terms.borrow).sum(axis=1).tolist())

    def _live_days(self, start: int, net: list[float], gross: list[float], fee: list[float]) -> None:
        for i, value in enumerate(net):
            self._accrue(start + i)
            self._close(start + i, value, gross[i], fee[i])
            self._write(0.0, 0.0, 0.0, 0.0)
            if self.bankrupt:
                return

    def _accrue(self, row: int) -> None:
        """Credit and debit what came with the night: interest, the borrow fee, dividends."""
        year = self.days[row] / YEAR
        interest = self.cash * self.terms.cash_rate * year
        borrow = -self.fee_base * year
        dividends = 0.0
        if row in self.market.dividends:
            columns, paid = self.market.dividends[row]
            dividends = float((self.units[columns] * paid).sum())
        self.cash += interest - borrow + dividends
        self.daily["interest"].append(interest)
        self.daily["borrow"].append(borrow)
        self.daily["dividends"].append(dividends)

    def _close(self, row: int, net: float, gross: float, fee: float) -> None:
        """Write down the session's close."""
        equity = self.cash + net
        self.daily["equity"].append(equity)
        self.daily["cash"].append(self.cash)
        self.daily["net"].append(net)
        self.daily["gross"].append(gross)
        self.row, self.fee_base = row, fee
        self.bankrupt = equity <= 0.0

    def trade(self, row: int, k: int | None, exits: list[Exit]) -> None:
        """Live a session with trades: to the plan's weights, and out of the names that left."""
        if self.bankrupt:
            return
        self._accrue(row)
        values = np.multiply(self.market.unit_trade[row], self.units, out=self.values)
        equity = self.cash + float(np.add.reduce(values))
        if equity <= 0.0:
            self._stop(row)
        elif self.simple and k is not None and not exits and k not in self.stuck:
            self._rebalance(row, k, values, equity)
        else:
            self._rebalance_with_care(row, k, exits, values, equity)

    def _rebalance(self, row: int, k: int, values: np.ndarray, equity: float) -> None:
        """Trade to the weights: everything can be traded, costs are linear, the price is the close."""
        target = np.multiply(self.plan.weights[k], equity, out=self.held[k])
        traded = np.subtract(target, values, out=self.traded[k])
        size = float(np.add.reduce(np.abs(traded, out=self.sizes)))
        self.units = np.divide(target, self.market.unit_trade[row], out=target)
        costs = self.terms.costs
        self.baskets.append(Basket(row, k, traded, self.units))
        self._write(size / 2.0 / equity, costs.commission * size, costs.half_spread * size, 0.0)
        net = equity * self.w_net[k]
        self.cash = equity - net - (costs.commission + costs.half_spread) * size
        self._close(row, net, equity * self.w_gross[k], equity * self.w_fee[k])

    def _rebalance_with_care(
        self, row: int, k: int | None, exits: list[Exit], values: np.ndarray, equity: float
    ) -> None:
        """Trade what can be traded: names without a price stay, names that left go, large trades are cut."""
        target = self._target(k, exits, values, equity)
        traded = target - values
        notional = np.abs(traded)
        size = float(notional.sum())
        commission = float(self.terms.costs.commissions(notional).sum())
        spread = self.terms.costs.half_spread * size
        impact = float(impacts(self.terms.costs, self.plan, k, notional).sum())
        price = self.market.unit_trade[row]
        self.units = np.divide(target, price, out=np.zeros_like(target), where=(target != 0.0) & (price > 0.0))
        self.baskets.append(Basket(row, k, traded, self.units, exits))
        self._write(size / 2.0 / equity, commission, spread, impact)
        self.cash = equity - float(target.sum()) - (commission + spread + impact)
        self._mark(row)

    def _target(self, k: int | None, exits: list[Exit], values: np.ndarray, equity: float) -> np.ndarray:
        """Return the values (N,) to hold after trading."""
        target = values.copy() if k is None else self.plan.weights[k] * equity
        gone = np.concatenate([exit_.columns for exit_ in exits]) if exits else np.empty(0, dtype=np.int64)
        target[gone] = 0.0
        wanted = target.copy()
        if k in self.stuck:
            target[self.stuck[k]] = values[self.stuck[k]]
            target[gone] = 0.0
            self.unpriced = self.unpriced.plus(np.abs(wanted - target), DUST * equity)
        if k is not None and self.plan.participation is not None and self.plan.liquidity is not None:
            limit = np.nan_to_num(self.plan.participation * self.plan.liquidity.adv[k])
            wanted = target
            target = values + np.clip(target - values, -limit, limit)
            target[gone] = 0.0
            self.cut = self.cut.plus(np.abs(wanted - target), DUST * equity)
        dust = np.abs(target - values) < DUST * equity
        target[dust] = values[dust]
        return target

    def _write(self, turnover: float, commission: float, spread: float, impact: float) -> None:
        """Write down what the session's trades cost."""
        self.daily["turnover"].append(turnover)
        self.daily["commission"].append(commission)
        self.daily["spread"].append(spread)
        self.daily["impact"].append(impact)

    def _mark(self, row: int) -> None:
        """Value what is held at the close."""
        values = self.market.unit_close[row] * self.units
        short = np.minimum(values, 0.0)
        net = float(values.sum())
        self._close(row, net, net - 2.0 * float(short.sum()), float((short * self.terms.borrow).sum()))

    def _stop(self, row: int) -> None:
        """End the run before trading: at the execution price there is no equity left."""
        self._write(0.0, 0.0, 0.0, 0.0)
        self._mark(row)
        self.bankrupt = True

    def ledger(self) -> Ledger:
        """Return what was written down."""
        return Ledger(
            first=self.first,
            last=self.row,
            daily={name: np.array(values) for name, values in self.daily.items()},
            baskets=self.baskets,
            bankrupt=self.bankrupt,
            unpriced=self.unpriced,
            cut=self.cut,
        )


def impacts(costs: Costs, plan: Plan, k: int | None, notional: np.ndarray) -> np.ndarray:
    """Return the impact cost (N,) of each trade of a basket; leaving the market has none."""
    if k is None or plan.liquidity is None or costs.impact == 0.0:
        return np.zeros_like(notional)
    return costs.impacts(notional, plan.liquidity.sigma[k], plan.liquidity.adv[k])
