import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quant.evaluation.quantiles import factor_weights, quantile_bins, quantile_means, quantile_turnover

nan = np.nan


def test_ten_names_make_five_pairs():
    scores = np.random.default_rng(0).permutation(10.0 * np.arange(10))[None, :]
    np.testing.assert_array_equal(quantile_bins(scores, 5)[0], scores[0].astype(int) // 20)


@given(st.integers(1, 60), st.integers(2, 12))
def test_quantiles_are_as_even_as_can_be(names, quantiles):
    sizes = np.bincount(quantile_bins(np.arange(float(names))[None, :], quantiles)[0], minlength=quantiles)
    assert sizes.sum() == names
    assert len(sizes) == quantiles
    assert sizes.max() - sizes.min() <= 1
    assert np.abs(sizes - sizes[::-1]).max() <= 1


def test_equal_scores_share_a_quantile_and_gaps_have_none():
    bins = quantile_bins(np.array([[1.0, 1.0, nan, 1.0, 9.0]]), 2)[0]
    assert bins[2] == -1
    assert len({bins[0], bins[1], bins[3]}) == 1


def test_an_empty_quantile_has_no_mean():
    found = quantile_means(np.array([[0, 0, 2, -1]]), np.array([[0.5, 0.25, 1.0, nan]]), 3)
    np.testing.assert_array_equal(found, [[0.375, nan, 1.0]])


def test_turnover_needs_names_on_both_dates():
    bins = np.array([[-1, -1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(quantile_turnover(bins, 0), [nan, nan, 0.5])


def test_weights_of_equal_scores_are_nan():
    assert np.isnan(factor_weights(np.ones(3))).all()


def test_weights_within_groups_are_neutral_in_each():
    groups = np.array([0, 0, 0, 1, 1, 1, 1])
    weights = factor_weights(np.random.default_rng(1).normal(size=7), groups)
    assert np.abs(weights).sum() == pytest.approx(1.0)
    for group in (0, 1):
        assert weights[groups == group].sum() == pytest.approx(0.0, abs=1e-15)
        assert np.abs(weights[groups == group]).sum() == pytest.approx(0.5)
