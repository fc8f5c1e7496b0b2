"""V19: cross-sectional transforms, the published numbers of skfolio's docstrings and a regression done by hand."""

import numpy as np

from tasks.quant import cross_section
from tasks.quant.neutralize import neutralize

nan = np.nan
X = np.array([[1.0, nan, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [10.0, 20.0, nan, 40.0]])


def same(found, published, digits=8):
    np.testing.assert_allclose(found, published, rtol=0, atol=0.6 * 10.0**-digits)


def test_winsorize_at_the_10th_and_90th_percentile():
    clipped = cross_section.winsorize_quantile(X, 0.1, 0.9)
    same(clipped, [[1.4, nan, 3.0, 3.8], [3.7, 3.0, 2.0, 1.3], [12.0, 20.0, nan, 36.0]])


def test_z_score():
    z = [
        [-1.09108945, nan, 0.21821789, 0.87287156],
        [1.161895, 0.38729833, -0.38729833, -1.161895],
        [-0.87287156, -0.21821789, nan, 1.09108945],
    ]
    same(cross_section.zscore(X), z)


def test_percentile_rank():
    share = [[0.16666667, nan, 0.5, 0.83333333], [0.875, 0.625, 0.375, 0.125], [0.16666667, 0.5, nan, 0.83333333]]
    same(cross_section.percentile_rank(X), share)


def test_rank_gauss():
    scores = [[-1.0, nan, 0.0, 1.0], [1.180302, 0.32693605, -0.32693605, -1.180302], [-1.0, 0.0, nan, 1.0]]
    same(cross_section.rank_normal(X), scores)


def test_z_score_with_cap_weights_within_groups():
    weights = np.array([[3.0, 0.0, 1.0, 2.0], [4.0, 0.0, 2.0, 3.0], [2.0, 3.0, 0.0, 5.0]])
    groups = np.tile([0, 0, 1, 1], (3, 1))
    z = [
        [-0.55454325, nan, -0.62182063, 1.1427252],
        [0.62254586, -0.15324206, 0.5035012, -1.16572861],
        [-1.33736075, 0.20821245, nan, 0.41001683],
    ]
    same(cross_section.zscore(X, weights, groups, min_group=2), z)


def test_neutralize_to_two_sectors_and_beta():
    x = np.array([[2.0, 1.0, 0.5, -1.0, 0.0, 3.0]])
    sectors = np.array([[0, 0, 0, 1, 1, 1]])
    beta = np.array([[0.8, 1.0, 1.2, 0.9, 1.1, 1.3]])
    residual = neutralize(x, [beta], sectors)
    same(residual, [[1.45833333, -0.16666667, -1.29166667, -1.04166667, -0.66666667, 1.70833333]])
    z = [[1.1338802, -0.12958631, -1.00429389, -0.80991443, -0.51834523, 1.32825966]]
    same(cross_section.zscore(residual), z)
    assert np.abs([residual[0, :3].sum(), residual[0, 3:].sum(), residual[0] @ beta[0]]).max() < 1e-12
