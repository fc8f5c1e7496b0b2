import numpy as np
import pytest

from tasks.quant.decay import exponential_decay

nan = np.nan


def test_is_the_exponentially_weighted_mean_of_the_past():
    x = np.random.default_rng(6).normal(size=(30, 3))
    x[4, 0] = x[10:13, 1] = nan
    found = exponential_decay(x, half_life=3.0)
    for t in range(30):
        weights = np.where(np.isfinite(x[: t + 1]), 2.0 ** (-np.arange(t, -1, -1.0) / 3.0)[:, None], 0.0)
        expected = np.nansum(weights * x[: t + 1], axis=0) / weights.sum(axis=0)
        np.testing.assert_allclose(found[t], np.where(np.isfinite(x[t]), expected, nan), rtol=1e-13)


def test_half_the_weight_after_a_half_life():
    np.testing.assert_allclose(exponential_decay(np.array([[1.0], [0.0]]), half_life=1.0), [[1.0], [1.0 / 3.0]])


def test_a_gap_neither_resets_the_history_nor_keeps_a_score():
    found = exponential_decay(np.array([[4.0], [nan], [1.0]]), half_life=1.0)
    np.testing.assert_allclose(found, [[4.0], [nan], [(1.0 + 4.0 / 4.0) / 1.25]])


def test_the_half_life_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        exponential_decay(np.ones((1, 1)), 0.0)
