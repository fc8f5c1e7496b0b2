import numpy as np
import pandas as pd
import pytest

from tasks.quant.expression import across


@pytest.fixture
def panels():
    rng = np.random.default_rng(8)
    x = rng.normal(3, 2, (12, 30))
    x[rng.random(x.shape) < 0.15] = np.nan
    codes = np.broadcast_to(rng.integers(-1, 4, 30), x.shape).copy()
    codes[6:, :5] = 4  # a group that comes later
    codes[:, 29] = 5
    x[:, 29] = 1.0  # a group of one
    return x, codes


PLAIN = {
    "mean": (across.group_mean, lambda g: g * 0 + g.mean()),
    "demeaned": (across.group_demeaned, lambda g: g - g.mean()),
    "zscored": (across.group_zscored, lambda g: (g - g.mean()) / g.std()),
    "ranked": (across.group_ranked, lambda g: (g.rank() - 0.5) / g.count()),
}


@pytest.mark.parametrize("name", PLAIN)
def test_groups_agree_with_pandas_a_date_at_a_time(panels, name):
    work, plain = PLAIN[name]
    found = across.by_rows(work, *panels)
    for t, (row, codes) in enumerate(zip(*panels, strict=True)):
        inside = pd.Series(row).where(codes >= 0)
        expected = inside.groupby(codes).transform(plain)
        np.testing.assert_allclose(found[t], expected, rtol=0, atol=1e-12)


def test_a_group_without_spread_scores_zero():
    x = np.array([[0.1, 0.1, 0.1, 2.0]])
    assert across.group_zscored(x, np.array([[0, 0, 0, 1]]))[0, :3].tolist() == [0.0, 0.0, 0.0]


def test_demeaned_and_scaled(panels):
    x = panels[0]
    np.testing.assert_allclose(across.demeaned(x), x - np.nanmean(x, axis=1, keepdims=True), atol=1e-12)
    assert np.nansum(np.abs(across.scaled(x)), axis=1) == pytest.approx(np.ones(12))
    assert np.isnan(across.scaled(np.zeros((1, 3)))).all()


@pytest.mark.parametrize("name", PLAIN)
def test_absent_names_change_no_bit_of_the_others(panels, name):
    x, codes = panels
    at = [0, 4, 4, 17, 30]
    wide = across.by_rows(PLAIN[name][0], np.insert(x, at, np.nan, axis=1), np.insert(codes, at, 2, axis=1))
    kept = np.isfinite(np.insert(np.zeros(30), at, np.nan))
    np.testing.assert_array_equal(wide[:, kept], across.by_rows(PLAIN[name][0], x, codes))
