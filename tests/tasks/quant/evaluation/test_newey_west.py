import math

import numpy as np
import pytest

from tasks.quant.evaluation.newey_west import mean_with_error


def test_without_overlap_it_is_the_plain_t_statistic():
    x = np.random.default_rng(0).normal(0.1, 1, 50)
    found = mean_with_error(x)
    assert found.mean == pytest.approx(x.mean())
    assert found.std == pytest.approx(x.std(ddof=1))
    assert found.t == pytest.approx(x.mean() / (x.std(ddof=1) / math.sqrt(50)))
    assert found.ratio == pytest.approx(x.mean() / x.std(ddof=1))


def test_with_overlap_it_is_newey_and_west_written_out():
    x = np.convolve(np.random.default_rng(1).normal(0.1, 1, 80), np.ones(5) / 5, mode="valid")
    n, e = len(x), x - x.mean()
    gamma = [sum(e[i] * e[i - lag] for i in range(lag, n)) / n for lag in range(5)]
    variance = (gamma[0] + 2 * sum((1 - lag / 5) * gamma[lag] for lag in range(1, 5))) / n * n / (n - 1)
    assert mean_with_error(x, overlap=4).t == pytest.approx(x.mean() / math.sqrt(variance), rel=1e-12)


def test_overlapping_observations_are_surer_than_they_look():
    x = np.convolve(np.random.default_rng(2).normal(0.1, 1, 500), np.ones(21) / 21, mode="valid")
    assert abs(mean_with_error(x, overlap=20).t) < 0.5 * abs(mean_with_error(x).t)


def test_gaps_are_left_out():
    assert mean_with_error(np.array([1.0, np.nan, 3.0])) == mean_with_error(np.array([1.0, 3.0]))


def test_too_little_is_nan():
    for series in (np.array([]), np.array([np.nan]), np.array([2.0])):
        found = mean_with_error(series)
        assert math.isnan(found.t)
        assert math.isnan(found.std)
        assert math.isnan(found.ratio)
    constant = mean_with_error(np.array([1.0, 1.0]))
    assert math.isnan(constant.t)
    assert math.isnan(constant.ratio)
