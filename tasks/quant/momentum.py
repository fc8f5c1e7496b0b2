"""Momentum: the return over a past window, without its latest part."""

from __future__ import annotations

import numpy as np

from tasks.quant.pieces import by_columns
from tasks.quant.windows import rolling_count


def momentum(prices: np.ndarray, lookback: int = 252, skip: int = 21, min_coverage: float = 0.9) -> np.ndarray:
    """Return `P[t-skip] / P[t-lookback] - 1`, the 12-1 momentum by default (Jegadeesh and Titman 1993).

    `prices`: (T, N) total-return levels, NaN where not traded. The window holds `lookback - skip` returns and
    `lookback - skip + 1` prices. The answer is NaN where either end has no price, where less than `min_coverage` of
    the window's prices exist, and in the first `lookback` rows.
    """
    if len(prices) <= lookback:
        return np.full_like(prices, np.nan)
    return by_columns(lambda part: _momentum(part, lookback, skip, min_coverage), prices)


def _momentum(prices: np.ndarray, lookback: int, skip: int, min_coverage: float) -> np.ndarray:
    found = np.full_like(prices, np.nan)
    end, start = prices[lookback - skip : len(prices) - skip], prices[: len(prices) - lookback]
    width = lookback - skip + 1
    counts = rolling_count(np.isfinite(prices), width)[lookback - skip : len(prices) - skip]
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(end, start, out=found[lookback:])
    found[lookback:] -= 1.0
    found[lookback:][counts < min_coverage * width] = np.nan
    found[~np.isfinite(found)] = np.nan
    return found
