import numpy as np
import pytest

from tasks.quant.evaluation.information_coefficient import pearson_ic, rank_ic
from tasks.quant.evaluation.judge import held_after_the_last_price, judge, rank_autocorrelation
from tasks.quant.evaluation.quantiles import quantile_bins

nan = np.nan


@pytest.fixture
def panel():
    rng = np.random.default_rng(30)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (60, 25)), axis=0))
    prices[rng.random(prices.shape) < 0.05] = nan
    rows = np.arange(0, 60, 3)
    scores = rng.normal(size=(len(rows), 25)).round(1)
    scores[rng.random(scores.shape) < 0.1] = nan
    return scores, prices, rows


@pytest.mark.parametrize("window", [(0, 1), (0, 5), (1, 6), (5, 21)])
def test_agrees_with_panels_of_returns(panel, window):
    scores, prices, rows = panel
    found = judge(scores, prices, rows, [(0, 2), window], quantiles=4)
    earned = np.full(scores.shape, nan)
    over = rows + window[1] < len(prices)
    earned[over] = prices[rows[over] + window[1]] / prices[rows[over] + window[0]] - 1.0
    np.testing.assert_allclose(found.spearman[1], rank_ic(scores, earned), rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.pearson[1], pearson_ic(scores, earned), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(found.names[1], (np.isfinite(scores) & np.isfinite(earned)).sum(axis=1))
    bins = quantile_bins(np.where(np.isfinite(earned), scores, nan), 4)
    for q in range(4):
        means = [
            row[inside == q].mean() if (inside == q).any() else nan for row, inside in zip(earned, bins, strict=True)
        ]
        np.testing.assert_allclose(found.returns[1, :, q], means, rtol=1e-12, atol=1e-15)


def test_a_window_that_is_not_over_judges_nothing(panel):
    scores, prices, rows = panel
    found = judge(scores, prices, rows, [(0, 10)], quantiles=4)
    assert np.isnan(found.spearman[0, rows + 10 >= 60]).all()
    assert np.isfinite(found.spearman[0, rows + 10 < 60]).all()


def test_too_few_names_judge_nothing(panel):
    scores, prices, rows = panel
    found = judge(scores, prices, rows, [(0, 1)], quantiles=4, min_names=26)
    assert np.isnan(found.spearman).all()


def test_a_name_that_ends_is_held_at_its_last_price():
    prices = np.array([[1.0, nan, 3.0], [nan, nan, 4.0], [2.0, nan, 5.0], [nan, nan, 6.0]])
    held = held_after_the_last_price(prices)
    np.testing.assert_array_equal(held, [[1.0, nan, 3.0], [nan, nan, 4.0], [2.0, nan, 5.0], [2.0, nan, 6.0]])


def test_rank_autocorrelation_is_over_the_names_in_both_dates():
    scores = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, nan], [30.0, 20.0, 10.0, 0.0]])
    np.testing.assert_allclose(rank_autocorrelation(scores), [nan, 1.0, -1.0])
    np.testing.assert_allclose(rank_autocorrelation(scores, lag=2), [nan, nan, -1.0])
