import numpy as np

from tasks.quant.beta import beta, market_returns
from tasks.quant.volatility import simple_returns


def test_agrees_with_a_covariance_over_a_variance():
    rng = np.random.default_rng(8)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (150, 6)), axis=0))
    prices[rng.random(prices.shape) < 0.03] = np.nan
    returns = simple_returns(prices)
    market = market_returns(returns)
    found = beta(prices, lookback=40)
    for t in (60, 100, 149):
        for j in range(6):
            r, m = returns[t - 39 : t + 1, j], market[t - 39 : t + 1]
            both = np.isfinite(r)
            expected = np.cov(r[both], m[both])[0, 1] / np.var(m[both], ddof=1) if both.sum() >= 36 else np.nan
            np.testing.assert_allclose(found[t, j], expected, rtol=1e-11)


def test_the_market_is_the_mean_of_the_names_traded_that_day():
    returns = np.array([[0.1, np.nan, 0.3], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(market_returns(returns), [0.2, np.nan])


def test_a_market_that_stands_still_gives_no_beta():
    assert np.isnan(beta(np.ones((30, 2)), lookback=10)).all()


def test_twice_the_market_has_a_beta_of_two():
    market = np.random.default_rng(1).normal(0, 0.01, 100)
    market[0] = np.nan
    prices = np.cumprod(1 + 2 * np.nan_to_num(market))[:, None]
    np.testing.assert_allclose(beta(prices, lookback=50, market=market)[60:], 2.0, rtol=1e-10)
