"""Volatility of daily returns over a moving window."""

from __future__ import annotations

import numpy as np

from tasks.quant.pieces import by_columns
from tasks.quant.windows import rolling_count, rolling_sum


def simple_returns(prices: np.ndarray) -> np.ndarray:
    """Return (T, N) `P[t] / P[t-1] - 1`; NaN in the first row and wherever either price is missing or zero."""
    found = np.full_like(prices, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(prices[1:], prices[:-1], out=found[1:])
    found -= 1.0
    found[~np.isfinite(found)] = np.nan
    return found


def volatility(
    prices: np.ndarray, lookback: int = 252, min_coverage: float = 0.9, periods_per_year: float = 252.0
) -> np.ndarray:
    """Return the annualised standard deviation (ddof 1) of the last `lookback` daily simple returns.

    `prices`: (T, N) total-return levels. Returns that touch a missing price are left out; the answer is NaN where
    fewer than `min_coverage` of the window's returns (and never fewer than two) remain.
    """
    return by_columns(lambda part: np.sqrt(_variance(part, lookback, min_coverage) * periods_per_year), prices)


def _variance(prices: np.ndarray, lookback: int, min_coverage: float) -> np.ndarray:
    returns = simple_returns(prices)
    present = np.isfinite(returns)
    n = rolling_count(present, lookback)
    returns[~present] = 0.0
    s1 = rolling_sum(returns, lookback)
    np.multiply(returns, returns, out=returns)
    s2 = rolling_sum(returns, lookback)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (s2 - s1 * s1 / n) / (n - 1.0)
    np.maximum(variance, 0.0, out=variance)
    variance[n < max(2.0, min_coverage * lookback)] = np.nan
    return np.asarray(variance)
