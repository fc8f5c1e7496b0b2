"""The information coefficient: how a score's order agrees with the order of the returns that followed."""

from __future__ import annotations

import math

import numpy as np

from tasks.quant.cross_section import ranks_of


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Pearson correlation of two equally long vectors without NaN; NaN where either does not vary."""
    if len(a) < 2:
        return math.nan
    x, y = a - np.add.reduce(a) / len(a), b - np.add.reduce(b) / len(b)
    size = math.sqrt(float(x @ x)) * math.sqrt(float(y @ y))
    return max(-1.0, min(1.0, float(x @ y) / size)) if size > 0.0 else math.nan


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's correlation of two vectors without NaN, equal values sharing their mean rank."""
    return correlation(ranks_of(a), ranks_of(b))


def rank_ic(scores: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Return (T,) Spearman's correlation of each row of two (T, N) panels over the names known in both."""
    return _by_row(scores, returns, rank=True)


def pearson_ic(scores: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Return (T,) Pearson's correlation of each row of two (T, N) panels over the names known in both."""
    return _by_row(scores, returns, rank=False)


def _by_row(scores: np.ndarray, returns: np.ndarray, *, rank: bool) -> np.ndarray:
    found = np.full(len(scores), np.nan)
    relate = rank_correlation if rank else correlation
    for t, (x, y) in enumerate(zip(scores, returns, strict=True)):
        both = np.isfinite(x) & np.isfinite(y)
        found[t] = relate(x[both], y[both])
    return found
