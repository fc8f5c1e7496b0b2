import numpy as np
import pytest

from tasks.quant.neutralize import neutralize

nan = np.nan


def by_lstsq(x, exposures, groups=None):
    """One plain least-squares regression per row, dummies written out."""
    found = np.full_like(x, nan)
    for t in range(len(x)):
        names = np.isfinite(x[t]) & np.all([np.isfinite(e[t]) for e in exposures], axis=0)
        columns = [e[t, names] for e in exposures]
        if groups is not None:
            names_in = groups[t] >= 0
            columns = [e[t, names & names_in] for e in exposures]
            names &= names_in
            columns += [(groups[t, names] == g).astype(float) for g in np.unique(groups[t, names])]
        design = np.stack([*columns, np.ones(names.sum())], axis=1)
        found[t, names] = x[t, names] - design @ np.linalg.lstsq(design, x[t, names])[0]
    return found


@pytest.fixture
def panel():
    rng = np.random.default_rng(11)
    x, beta, cap = rng.normal(size=(6, 200)), rng.normal(1, 0.3, (6, 200)), rng.normal(23, 2, (6, 200))
    x[rng.random(x.shape) < 0.1] = nan
    beta[rng.random(x.shape) < 0.05] = nan
    groups = np.tile(rng.integers(-1, 9, 200), (6, 1))
    groups[3:, :40] = rng.integers(-1, 9, 40)  # some names change their sector on the fourth date
    return x, beta, cap, groups


def test_agrees_with_a_regression_on_written_out_dummies(panel):
    x, beta, cap, groups = panel
    for exposures, codes in (([beta, cap], groups), ([beta], None), ([cap, beta], None), ([beta], groups)):
        found = neutralize(x, exposures, codes)
        np.testing.assert_allclose(found, by_lstsq(x, exposures, codes), rtol=0, atol=1e-12)


def test_residuals_are_orthogonal_to_every_exposure(panel):
    x, beta, cap, groups = panel
    found = neutralize(x, [beta, cap], groups)
    for t, residual in enumerate(found):
        names = np.isfinite(residual)
        r = residual[names] / np.linalg.norm(residual[names])
        for exposure in (beta[t, names], cap[t, names]):
            assert abs(r @ exposure) / np.linalg.norm(exposure) < 1e-12
        for group in np.unique(groups[t, names]):
            assert abs(r[groups[t, names] == group].sum()) < 1e-12


def test_without_anything_named_only_the_mean_goes(panel):
    x = panel[0]
    np.testing.assert_allclose(neutralize(x, []), x - np.nanmean(x, axis=1, keepdims=True), atol=1e-14)


def test_an_exposure_that_adds_nothing_is_passed_over(panel):
    x, beta, _, groups = panel
    constant_in_sector = groups * 2.0 + 1.0
    plain = neutralize(x, [beta], groups)
    np.testing.assert_allclose(neutralize(x, [beta, constant_in_sector, 3.0 * beta - 1.0], groups), plain, atol=1e-11)


def test_names_without_an_exposure_or_a_group_take_no_part():
    x = np.array([[1.0, 2.0, 4.0, 9.0, 5.0, 7.0]])
    beta = np.array([[1.0, 2.0, nan, 1.0, 3.0, 2.0]])
    groups = np.array([[0, 0, 0, -1, 0, 0]])
    found = neutralize(x, [beta], groups)
    np.testing.assert_array_equal(np.isfinite(found), [[True, True, False, False, True, True]])


def test_a_date_with_no_more_names_than_columns_is_null_not_rounding():
    x = np.array([[1.0, 5.0, 2.0, nan], [1.0, 5.0, 2.0, 3.0]])
    beta = np.array([[1.0, 2.0, 0.5, 1.0], [1.0, 2.0, 0.5, 1.0]])
    groups = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    found = neutralize(x, [beta], groups)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_a_name_without_a_value_changes_no_bit(panel):
    x, beta, cap, groups = panel
    wide = [np.insert(p, [50] * 5, nan, axis=1) for p in (x, beta, cap)]
    codes = np.insert(groups, [50] * 5, [0, 8, 3, 1, 5], axis=1)
    found = np.delete(neutralize(wide[0], wide[1:], codes), slice(50, 55), axis=1)
    np.testing.assert_array_equal(found, neutralize(x, [beta, cap], groups))


def test_one_date_alone_gives_the_bits_it_has_among_others(panel):
    x, beta, cap, groups = panel
    together = neutralize(x, [beta, cap], groups)
    for t in range(len(x)):
        row = slice(t, t + 1)
        np.testing.assert_array_equal(neutralize(x[row], [beta[row], cap[row]], groups[row])[0], together[t])
