"""Drift between rebalances and what trading costs (V23, PerformanceAnalytics), borrow and impact arithmetic (V34)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.quant.costs import Costs, Liquidity
from tasks.quant.ledger import Plan, Terms, live
from tasks.quant.market import market

RETURNS = np.array([[0.10, -0.05], [0.0, 0.05], [-0.05, 0.10], [0.10, -0.10], [0.05, 0.02]])


def lived(returns, rows, weights, costs=None, *, fee=0.0, dates=None, liquidity=None):
    close = 100.0 * np.vstack([np.ones(2), np.cumprod(1.0 + np.array(returns), axis=0)])
    close = np.vstack([close[:1], close])  # a session in cash before the first trade
    dates = np.busday_offset("2021-03-01", np.arange(len(close))) if dates is None else dates
    place = market(dates, ("A", "B"), close)
    terms = Terms(1.0, costs or Costs(), np.full(2, fee))
    return live(place, Plan(np.array(rows), np.array(weights), liquidity), terms, 0, len(close) - 1), place


def test_holdings_drift():
    ledger, place = lived(RETURNS, [1], [[0.5, 0.5]])
    equity = ledger["equity"]
    assert equity[2] / equity[1] - 1.0 == pytest.approx(0.025, rel=1e-12)
    value_of_a = ledger.baskets[0].units[0] * place.unit_close[2, 0]
    assert value_of_a / equity[2] == pytest.approx(0.55 / 1.025, rel=1e-12)
    assert equity[-1] == pytest.approx(0.5 * np.prod(1 + RETURNS, axis=0).sum(), rel=1e-12)


def test_a_rebalance_costs_what_it_trades():
    """Returns (.1, .1), (.2, .2); from drifted halves to .6/.4 at 1 % of the traded value.

    PerformanceAnalytics sells down every position for the cost, so its period returns .2 on .998. Here the cost is
    debited from cash: the same .998 at the rebalance, and the positions' .2 on 1 less the debt of .002.
    """
    ledger, _ = lived([[0.1, 0.1], [0.2, 0.2]], [1, 2], [[0.5, 0.5], [0.6, 0.4]], Costs(commission=0.01))
    start = 1.1 * 1.0 - 0.01  # the initial build's cost is a debt from the first day
    assert ledger["commission"][1] == pytest.approx(0.01)
    drifted = 0.55 / start
    traded = abs(0.6 - drifted) + abs(0.4 - drifted)
    assert ledger["equity"][2] / start == pytest.approx(1 - 0.01 * traded, rel=1e-12)
    free, _ = lived([[0.1, 0.1], [0.2, 0.2]], [1, 2], [[0.5, 0.5], [0.6, 0.4]])
    assert free["turnover"][2] * 2 * 0.01 == pytest.approx(0.002, rel=1e-12)
    assert free["equity"][3] / free["equity"][2] - 1.0 == pytest.approx(0.2, rel=1e-12)


def test_weekends_are_charged_to_shorts():
    friday_to_monday = np.array(["2021-03-04", "2021-03-05", "2021-03-08"], dtype="datetime64[D]")
    ledger, _ = lived([[0.0, 0.0]], [1], [[-1.0, 0.0]], fee=0.05, dates=friday_to_monday)
    assert ledger["borrow"].tolist() == pytest.approx([0.0, 0.0, 0.05 * 3 / 360])


@pytest.mark.parametrize(("sigma", "notional", "adv"), [(0.02, 5e5, 1e7), (0.01, 3e3, 4e6)])
def test_impact_is_sigma_times_size_to_the_three_halves(sigma, notional, adv):
    costs = Costs(impact=1.0)
    found = costs.impacts(np.array([notional]), np.array([sigma]), np.array([adv]))
    assert found[0] == pytest.approx(sigma * notional**1.5 / math.sqrt(adv), rel=1e-12)


def test_half_the_spread_is_paid_on_every_trade():
    known = Liquidity(np.full((1, 2), np.nan), np.full((1, 2), np.nan))
    ledger, _ = lived([[0.0, 0.0]], [1], [[0.3, -0.7]], Costs(half_spread=0.0005), liquidity=known)
    assert ledger["spread"][1] == pytest.approx(0.0005 * 1.0, rel=1e-12)
