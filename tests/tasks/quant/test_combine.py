import numpy as np
import pytest

from tasks.quant.combine import combine, combine_by_date

nan = np.nan


def test_is_the_weighted_mean_of_what_is_known():
    a, b = np.array([[1.0, 2.0, nan, nan]]), np.array([[3.0, nan, 4.0, nan]])
    np.testing.assert_allclose(combine([a, b], [3.0, 1.0], 0.25), [[1.5, 2.0, 4.0, nan]])


def test_too_little_of_the_weight_gives_nothing():
    a, b = np.array([[1.0, nan]]), np.array([[nan, 1.0]])
    np.testing.assert_array_equal(combine([a, b], [0.7, 0.3], 0.5), [[1.0, nan]])
    np.testing.assert_array_equal(combine([a, b], [0.5, 0.5], 0.5), [[1.0, 1.0]])


def test_full_coverage_can_be_asked_for():
    a, b, c = (np.array([[1.0, value]]) for value in (1.0, 2.0, nan))
    np.testing.assert_array_equal(combine([a, b, c], [0.1, 0.2, 0.7], 1.0), [[1.0, nan]])


def test_a_weight_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        combine([np.ones((1, 1))], [0.0])


def test_weights_by_date_agree_with_fixed_ones_where_they_are_the_same():
    rng = np.random.default_rng(0)
    factors = [np.where(rng.random((20, 9)) < 0.3, nan, rng.normal(size=(20, 9))) for _ in range(3)]
    weights = np.array([0.5, 0.3, 0.2])
    found = combine_by_date(factors, np.tile(weights, (20, 1)), 0.4)
    np.testing.assert_array_equal(found, combine(factors, weights.tolist(), 0.4))


def test_a_negative_weight_turns_a_factor_round_and_carries_its_size():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, nan]])
    np.testing.assert_allclose(combine_by_date([a, b], np.array([[1.0, -3.0]]), 0.5), [[-2.0, nan]])
    assert np.isnan(combine_by_date([a, b], np.zeros((1, 2)))).all()
