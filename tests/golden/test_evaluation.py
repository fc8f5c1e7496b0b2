"""V20: factor weights, quantile returns, turnover and information coefficients, published by alphalens's own tests."""

import numpy as np

from tasks.quant.evaluation.information_coefficient import pearson_ic, rank_ic
from tasks.quant.evaluation.quantiles import factor_weights, quantile_means, quantile_turnover

nan = np.nan


def test_factor_weights():
    scores = np.array([3.0, 4.0, 2.0, 1.0])
    np.testing.assert_allclose(factor_weights(scores), [0.125, 0.375, -0.125, -0.375])
    np.testing.assert_allclose(factor_weights(scores, demean=False), [0.3, 0.4, 0.2, 0.1])
    np.testing.assert_allclose(factor_weights(np.array([3.0, 4.0, -2.0, -1.0])), [0.2, 0.3, -0.3, -0.2])
    np.testing.assert_allclose(factor_weights(np.array([3.0, nan, nan, 1.0, 4.0])), [0.1, nan, nan, -0.5, 0.4])


def test_factor_weights_within_groups():
    weights = factor_weights(np.array([3.0, 4.0, 2.0, 1.0, nan]), np.array([0, 1, 0, 1, 0]))
    np.testing.assert_allclose(weights, [0.25, 0.25, -0.25, -0.25, nan])


def test_mean_return_by_quantile():
    earned = np.array([0.5, 0.5, 0.2, 0.0, 0.0, 0.0])
    rows = np.array([[1, 1, 3, 2, 2, 2], [3, 3, 1, 2, 2, 2], [3, 3, 1, 2, 2, 2]])
    means = quantile_means(rows - 1, np.tile(earned, (3, 1)), 3).mean(axis=0)
    np.testing.assert_allclose(means, [0.3, 0.0, 0.4], atol=1e-15)


def test_quantile_turnover():
    bins = np.array([[1, 2, 3, 4], [4, 3, 2, 1], [1, 2, 3, 4], [1, 2, 3, 4]])
    np.testing.assert_array_equal(quantile_turnover(bins, 4, lag=1), [nan, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(quantile_turnover(bins, 4, lag=2), [nan, nan, 0.0, 1.0])


def test_information_coefficient_of_a_perfect_and_an_inverse_order():
    scores = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
    earned = np.array([[0.1, 0.2, 0.3, 0.9], [0.9, 0.3, 0.2, 0.1]])
    np.testing.assert_allclose(rank_ic(scores, earned), [1.0, -1.0], atol=1e-15)
    np.testing.assert_allclose(pearson_ic(scores, scores * [[1.0], [-2.0]]), [1.0, -1.0], atol=1e-15)
