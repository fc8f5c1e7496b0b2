import numpy as np
import pandas as pd

from tasks.quant.liquidity import amihud, log_dollar_volume


def panel():
    rng = np.random.default_rng(13)
    close = np.exp(np.cumsum(rng.normal(0, 0.02, (80, 4)), axis=0)) * 20
    volume = np.round(np.exp(rng.normal(10, 1, (80, 4))))
    close[rng.random(close.shape) < 0.03] = np.nan
    volume[5, 0] = 0.0
    return close, volume


def test_dollar_volume_is_the_mean_value_traded():
    close, volume = panel()
    expected = np.log(pd.DataFrame(close * volume).rolling(20, min_periods=18).mean())
    np.testing.assert_allclose(log_dollar_volume(close, volume, 20), expected, rtol=1e-12)


def test_amihud_is_the_mean_move_for_the_value_traded():
    close, volume = panel()
    moved = pd.DataFrame(close).pct_change(fill_method=None).abs() / (close * volume)
    expected = -np.log(moved.replace([np.inf], np.nan).rolling(20, min_periods=18).mean())
    np.testing.assert_allclose(amihud(close, close, volume, lookback=20), expected, rtol=1e-12)


def test_a_split_changes_neither():
    close, volume = panel()
    split_close, split_volume = close.copy(), volume.copy()
    split_close[40:] /= 4.0
    split_volume[40:] *= 4.0
    np.testing.assert_allclose(log_dollar_volume(split_close, split_volume, 20), log_dollar_volume(close, volume, 20))
    found = amihud(close, split_close, split_volume, lookback=20)
    np.testing.assert_allclose(found, amihud(close, close, volume, lookback=20), rtol=1e-12)


def test_nothing_traded_has_no_liquidity():
    assert np.isnan(log_dollar_volume(np.ones((5, 1)), np.zeros((5, 1)), 3)).all()
