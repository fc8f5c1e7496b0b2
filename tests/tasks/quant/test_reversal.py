import numpy as np

from tasks.quant.reversal import short_term_reversal


def test_is_minus_the_sum_of_log_returns():
    prices = np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.03, (60, 3)), axis=0))
    logs = np.diff(np.log(prices), axis=0)
    found = short_term_reversal(prices, lookback=21)
    assert np.isnan(found[:21]).all()
    for t in range(21, 60):
        np.testing.assert_allclose(found[t], -logs[t - 21 : t].sum(axis=0), rtol=1e-12, atol=1e-14)
