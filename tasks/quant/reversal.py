"""Short-term reversal: what fell lately tends to rise."""

from __future__ import annotations

import numpy as np

from tasks.quant.momentum import momentum


def short_term_reversal(prices: np.ndarray, lookback: int = 21, min_coverage: float = 0.9) -> np.ndarray:
    """Return minus the log return of the last `lookback` sessions, `-ln(P[t] / P[t-lookback])` (Jegadeesh 1990).

    `prices`: (T, N) total-return levels. NaN where either end has no price or less than `min_coverage` of the
    window's prices exist.
    """
    gained = momentum(prices, lookback, 0, min_coverage)
    with np.errstate(divide="ignore"):
        found = -np.log1p(gained)
    found[~np.isfinite(found)] = np.nan
    return np.asarray(found)
