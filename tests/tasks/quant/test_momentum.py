import numpy as np

from tasks.quant.momentum import momentum

nan = np.nan


def test_is_the_return_from_lookback_to_skip_sessions_ago():
    prices = np.arange(1.0, 13.0)[:, None] ** 2
    found = momentum(prices, lookback=5, skip=2)
    assert np.isnan(found[:5]).all()
    for t in range(5, 12):
        assert found[t, 0] == prices[t - 2, 0] / prices[t - 5, 0] - 1.0


def test_the_default_is_12_1_with_231_returns():
    prices = np.exp(0.001 * np.arange(300.0))[:, None]
    found = momentum(prices)
    assert np.isnan(found[251, 0])
    np.testing.assert_allclose(found[252:, 0], np.exp(0.231) - 1.0, rtol=1e-12)


def test_an_end_without_a_price_gives_no_momentum():
    prices = np.ones((8, 1))
    prices[1] = nan
    found = momentum(prices, lookback=5, skip=0, min_coverage=0.0)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [True] * 5 + [False, True, False])


def test_too_many_gaps_within_give_no_momentum():
    prices = np.ones((12, 1))
    prices[3:5] = nan  # eleven prices from row 0 to row 10 are nine, 82 %
    assert np.isnan(momentum(prices, lookback=10, skip=0, min_coverage=0.9)[10, 0])
    assert momentum(prices, lookback=10, skip=0, min_coverage=0.8)[10, 0] == 0.0


def test_a_short_history_gives_nothing():
    assert np.isnan(momentum(np.ones((5, 2)), lookback=5, skip=1)).all()
