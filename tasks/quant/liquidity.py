"""Liquidity: how much of a share changes hands, and how far its price moves for it."""

from __future__ import annotations

import numpy as np

from tasks.quant.volatility import simple_returns
from tasks.quant.windows import rolling_count, rolling_sum


def log_dollar_volume(
    close: np.ndarray, volume: np.ndarray, lookback: int = 63, min_coverage: float = 0.9
) -> np.ndarray:
    """Return the log of the mean daily traded value, `ln mean(close x volume)`, over the last `lookback` sessions.

    `close` and `volume` (T, N) as traded: their product is the same before and after a split. Days without either are
    left out; NaN where fewer than `min_coverage` of the window's days remain or nothing was traded.
    """
    with np.errstate(divide="ignore"):
        found = np.log(_mean(close * volume, lookback, min_coverage))
    found[~np.isfinite(found)] = np.nan
    return np.asarray(found)


def amihud(
    prices: np.ndarray, close: np.ndarray, volume: np.ndarray, *, lookback: int = 63, min_coverage: float = 0.9
) -> np.ndarray:
    """Return minus the log of Amihud's (2002) illiquidity, `-ln mean(|r| / (close x volume))`: more is more liquid.

    `prices`: (T, N) total-return levels for the returns; `close` and `volume` as traded. Days without a return or
    without trade are left out, as in `log_dollar_volume`.
    """
    value = close * volume
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -np.log(_mean(np.abs(simple_returns(prices)) / value, lookback, min_coverage))
    found[~np.isfinite(found)] = np.nan
    return np.asarray(found)


def _mean(values: np.ndarray, lookback: int, min_coverage: float) -> np.ndarray:
    present = np.isfinite(values)
    n = rolling_count(present, lookback)
    mean = rolling_sum(np.where(present, values, 0.0), lookback) / np.maximum(n, 1.0)
    mean[n < max(1.0, min_coverage * lookback)] = np.nan
    return np.asarray(mean)
