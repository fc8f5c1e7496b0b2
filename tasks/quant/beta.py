"""Beta: how a name moves with the market."""

from __future__ import annotations

import numpy as np

from tasks.quant.name_sum import name_sum
from tasks.quant.pieces import by_columns
from tasks.quant.volatility import simple_returns
from tasks.quant.windows import rolling_count, rolling_sum


def market_returns(returns: np.ndarray) -> np.ndarray:
    """Return (T,) the equal-weighted mean of each day's returns (T, N); NaN on a day without any."""
    present = np.isfinite(returns)
    n = np.count_nonzero(present, axis=1)
    total = name_sum(np.where(present, returns, 0.0))
    mean = np.full(len(returns), np.nan)
    np.divide(total, n, out=mean, where=n > 0)
    return mean


def beta(
    prices: np.ndarray, lookback: int = 252, min_coverage: float = 0.9, market: np.ndarray | None = None
) -> np.ndarray:
    """Return (T, N) `cov(r, m) / var(m)` over the last `lookback` days on which the name's return is known.

    `prices`: (T, N) total-return levels; `market`: (T,) its returns, by default the equal-weighted mean of all names.
    Both moments use the same days. NaN where fewer than `min_coverage` of the window's days remain, or where the
    market stood still.
    """
    m = (market_returns(simple_returns(prices)) if market is None else market)[:, None]
    return by_columns(lambda part: _beta(simple_returns(part), m, lookback, min_coverage), prices)


def _beta(returns: np.ndarray, m: np.ndarray, lookback: int, min_coverage: float) -> np.ndarray:
    present = np.isfinite(returns) & np.isfinite(m)
    r = np.where(present, returns, 0.0)
    x = np.where(present, m, 0.0)
    n = rolling_count(present, lookback)
    sr, sx = rolling_sum(r, lookback), rolling_sum(x, lookback)
    srx, sxx = rolling_sum(r * x, lookback), rolling_sum(x * x, lookback)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray((srx - sr * sx / n) / (sxx - sx * sx / n))
    found[n < max(3.0, min_coverage * lookback)] = np.nan
    found[~np.isfinite(found)] = np.nan
    return found
