import numpy as np
import pandas as pd

from tasks.quant.volatility import simple_returns, volatility


def test_agrees_with_a_rolling_standard_deviation():
    rng = np.random.default_rng(2)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (300, 5)), axis=0))
    prices[rng.random(prices.shape) < 0.03] = np.nan
    expected = pd.DataFrame(prices).pct_change(fill_method=None).rolling(60, min_periods=54).std() * np.sqrt(252)
    np.testing.assert_allclose(volatility(prices, lookback=60), expected.to_numpy(), rtol=1e-12)


def test_a_constant_price_has_no_volatility():
    assert volatility(np.full((30, 1), 7.0), lookback=10)[-1, 0] == 0.0


def test_a_return_needs_both_prices():
    prices = np.array([[0.0], [10.0], [np.nan], [10.0], [12.0]])
    np.testing.assert_allclose(simple_returns(prices), [[np.nan], [np.nan], [np.nan], [np.nan], [0.2]])


def test_one_absurd_price_is_gone_when_it_leaves_the_window():
    rng = np.random.default_rng(4)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (200, 1)), axis=0))
    clean = volatility(prices, lookback=20)
    prices[100] *= 1e9
    np.testing.assert_allclose(volatility(prices, lookback=20)[122:], clean[122:], rtol=1e-10)
