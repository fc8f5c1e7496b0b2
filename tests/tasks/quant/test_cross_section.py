import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.quant import cross_section

nan = np.nan
panels = arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 12)),
    elements=st.one_of(st.just(nan), st.integers(-50, 50).map(lambda i: i / 8)),
)


@given(panels)
def test_a_z_score_has_mean_0_and_deviation_1_or_is_all_zeros(x):
    for before, z in zip(x, cross_section.zscore(x), strict=True):
        names = np.isfinite(before)
        if names.sum() < 2:
            assert np.isnan(z).all()
            continue
        np.testing.assert_array_equal(np.isfinite(z), names)
        assert abs(z[names].mean()) < 1e-12
        if np.ptp(before[names]) > 0:
            assert abs(z[names].std(ddof=1) - 1) < 1e-12
        else:
            assert (z[names] == 0).all()


@given(panels)
def test_ranks_do_not_change_under_a_monotone_map(x):
    for transform in (cross_section.average_ranks, cross_section.percentile_rank, cross_section.rank_normal):
        np.testing.assert_array_equal(transform(x), transform(np.exp(x) + 3.0))


@given(panels, st.integers(0, 12), st.sampled_from(["quantile", "mad", "sigma"]))
def test_a_name_without_a_value_changes_no_bit(x, place, method):
    """A company that lists later is a column of NaN today: with or without it the others stay as they are."""
    place = min(place, x.shape[1])
    wider = np.insert(x, [place] * 3, nan, axis=1)
    winsorize = getattr(cross_section, f"winsorize_{method}")
    limits = (0.1, 0.9) if method == "quantile" else (-1.5, 1.5)
    for transform in (cross_section.zscore, cross_section.rank_normal, lambda v: winsorize(v, *limits)):
        np.testing.assert_array_equal(np.delete(transform(wider), slice(place, place + 3), axis=1), transform(x))


@given(panels)
def test_memory_order_changes_no_bit(x):
    for transform in (cross_section.zscore, cross_section.rank_normal):
        np.testing.assert_array_equal(transform(x), transform(np.asfortranarray(x)))


def test_equal_values_share_the_mean_of_their_ranks():
    found = cross_section.average_ranks(np.array([[5.0, 1.0, 5.0, nan, 7.0, 5.0]]))
    np.testing.assert_array_equal(found, [[3.0, 1.0, 3.0, nan, 5.0, 3.0]])


@settings(max_examples=50)
@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e3, 1e3)), st.floats(0, 0.49), st.floats(0.5, 1))
def test_winsorizing_clips_at_numpys_quantiles(values, lower, upper):
    low, high = np.quantile(values, [lower, upper])
    found = cross_section.winsorize_quantile(values[None, :], lower, upper)[0]
    np.testing.assert_allclose(found, np.clip(values, low, high), rtol=1e-12, atol=1e-12)


def test_mad_limits_are_robust_deviations_from_the_median():
    x = np.array([[1.0, 2.0, 3.0, 4.0, 100.0, nan]])
    found = cross_section.winsorize_mad(x, -2.0, 2.0)
    np.testing.assert_allclose(found, [[1.0, 2.0, 3.0, 4.0, 3.0 + 2.0 * 1.482602218505602, nan]])


def test_mad_leaves_a_row_alone_of_which_more_than_half_is_equal():
    x = np.array([[1.0, 1.0, 1.0, 1.0, 9.0]])
    np.testing.assert_array_equal(cross_section.winsorize_mad(x, -3.0, 3.0), x)


def test_sigma_limits_are_deviations_from_the_mean():
    x = np.array([[0.0, 0.0, 0.0, 0.0, 10.0]])
    found = cross_section.winsorize_sigma(x, -1.0, 1.0)
    np.testing.assert_allclose(found[0, 4], 2.0 + np.std(x, ddof=1))


def test_normal_scores_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(3).normal(size=(5, 301))
    x[:, ::7] = nan
    for row, found in zip(x, cross_section.rank_normal(x), strict=True):
        names = np.isfinite(row)
        expected = stats.norm.ppf((stats.rankdata(row[names]) - 0.5) / names.sum())
        np.testing.assert_allclose(found[names], expected / expected.std(ddof=1), rtol=1e-12, atol=1e-13)


def test_small_rows_become_null_and_large_ones_stay():
    x = np.array([[1.0, nan, 2.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(cross_section.without_small_rows(x, 3), [[nan, nan, nan], [1.0, 2.0, 3.0]])
