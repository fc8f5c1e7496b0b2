from __future__ import annotations

import numpy as np
import pytest

from tasks.quant.costs import Costs, liquidity, trailing_std

NAN = np.nan


def test_the_least_commission_applies_to_each_trade_and_to_no_other_name():
    found = Costs(commission=0.001, min_commission=5.0).commissions(np.array([0.0, 100.0, 20_000.0]))
    assert found.tolist() == [0.0, 5.0, 20.0]


def test_a_name_without_known_volume_has_no_impact_estimate():
    costs = Costs(impact=1.0)
    found = costs.impacts(np.full(3, 100.0), np.array([0.02, NAN, 0.02]), np.array([NAN, 1e4, 1e4]))
    assert found == pytest.approx([0.0, 0.0, 0.02 * 0.1 * 100])


def test_liquidity_knows_only_what_came_before():
    returns = np.array([[NAN, NAN], [0.01, 0.03], [0.02, NAN], [-0.01, NAN], [9.0, 9.0]])
    traded = np.array([[10.0, NAN], [20.0, NAN], [30.0, 4.0], [40.0, NAN], [1e9, 1e9]])
    known = liquidity(returns, traded, np.array([0, 3, 4]), window=3)
    assert known.adv[:, 0] == pytest.approx([NAN, 20.0, 30.0], nan_ok=True)
    assert known.adv[:, 1] == pytest.approx([NAN, 4.0, 4.0], nan_ok=True)
    assert known.sigma[1, 0] == pytest.approx(np.std([0.01, 0.02], ddof=1))
    assert known.sigma[2] == pytest.approx([np.std([0.01, 0.02, -0.01], ddof=1)] * 2)  # the second takes the median


def test_volatility_needs_enough_observations():
    values = np.array([[0.01], [0.02], [NAN], [0.04]])
    assert trailing_std(values, np.array([2, 4]), 4, minimum=3)[:, 0] == pytest.approx(
        [NAN, np.std([0.01, 0.02, 0.04], ddof=1)], nan_ok=True
    )
