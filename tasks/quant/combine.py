"""Several factors become one score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def combine(factors: Sequence[np.ndarray], weights: Sequence[float], min_coverage: float = 0.5) -> np.ndarray:
    """Return (T, N) the weighted mean of the factors that a name has, NaN where they carry too little of the weight.

    `factors`: K panels (T, N); `weights`: K positive numbers. The mean is taken over the known factors and divided by
    their own weights; they must hold at least `min_coverage` of all weight. Raises ValueError on a weight <= 0.
    """
    if any(weight <= 0.0 for weight in weights):
        raise ValueError(f"weights must be positive, not {list(weights)}")
    total, carried = np.zeros_like(factors[0]), np.zeros_like(factors[0])
    for factor, weight in zip(factors, weights, strict=True):
        present = np.isfinite(factor)
        np.add(total, weight * factor, out=total, where=present)
        np.add(carried, weight, out=carried, where=present)
    enough = (carried > 0.0) & (carried >= min_coverage * sum(weights) * (1.0 - 1e-12))
    total /= np.where(enough, carried, 1.0)
    total[~enough] = np.nan
    return total


def combine_by_date(factors: Sequence[np.ndarray], weights: np.ndarray, min_coverage: float = 0.5) -> np.ndarray:
    """Return (T, N) as `combine` does, with weights (T, K) of either sign; their sizes count as weight carried.

    A date without any weight is NaN.
    """
    total, carried = np.zeros_like(factors[0]), np.zeros_like(factors[0])
    for factor, weight in zip(factors, weights.T[:, :, None], strict=True):
        present = np.isfinite(factor)
        np.add(total, weight * factor, out=total, where=present)
        np.add(carried, np.abs(weight), out=carried, where=present)
    wanted = min_coverage * np.abs(weights).sum(axis=1, keepdims=True) * (1.0 - 1e-12)
    enough = (carried > 0.0) & (carried >= wanted)
    total /= np.where(enough, carried, 1.0)
    total[~enough] = np.nan
    return total
