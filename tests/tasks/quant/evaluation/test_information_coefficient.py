import numpy as np
import pandas as pd
import pytest

from tasks.quant.evaluation.information_coefficient import pearson_ic, rank_ic


def test_agrees_with_pandas_on_gaps_and_ties():
    rng = np.random.default_rng(12)
    x, y = rng.integers(0, 9, (20, 60)).astype(float), rng.normal(size=(20, 60)).round(1)
    x[rng.random(x.shape) < 0.1] = np.nan
    y[rng.random(y.shape) < 0.1] = np.nan
    for method, found in (("spearman", rank_ic(x, y)), ("pearson", pearson_ic(x, y))):
        expected = [_pandas(a, b, method) for a, b in zip(x, y, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def _pandas(a, b, method):
    both = np.isfinite(a) & np.isfinite(b)
    x, y = pd.Series(a[both]), pd.Series(b[both])
    return x.rank().corr(y.rank()) if method == "spearman" else x.corr(y)


def test_what_does_not_vary_has_no_correlation():
    constant = np.full((1, 7), 0.1)  # 7 x 0.1 / 7 is not 0.1
    rising = np.arange(7.0)[None, :]
    for relate in (pearson_ic, rank_ic):
        assert np.isnan(relate(constant, rising)).all()
        assert np.isnan(relate(rising[:, :1], rising[:, :1])).all()
        assert relate(rising, rising, min_names=7)[0] == pytest.approx(1.0)
        assert np.isnan(relate(rising, rising, min_names=8)).all()
