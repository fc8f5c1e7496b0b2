"""Composite factors from company figures: several ratios, each scaled within its date, become one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.combine import combine
from tasks.quant.cross_section import winsorize_quantile, zscore
from tasks.quant.name_sum import name_sum
from tasks.quant.present import mask_of, zero_absent

if TYPE_CHECKING:
    from collections.abc import Sequence


def composite(parts: Sequence[np.ndarray], min_coverage: float = 0.5) -> np.ndarray:
    """Return the mean of the parts' z-scores, each clipped at its 1st and 99th percentile first.

    `parts`: panels (T, N), NaN where a name has no number or is not to be compared. A name needs `min_coverage` of the
    parts.
    """
    scaled = [zscore(winsorize_quantile(np.asfortranarray(part), 0.01, 0.99)) for part in parts]
    return combine(scaled, [1.0] * len(scaled), min_coverage)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return numerator / denominator where the denominator is positive, NaN elsewhere: over a loss it means nothing."""
    found = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=found, where=denominator > 0.0)
    return found


def growth(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return `now / before - 1` where the base is positive, NaN elsewhere."""
    return ratio(now, before) - 1.0


def lagged(panel: np.ndarray, rows: int) -> np.ndarray:
    """Return the panel as it stood `rows` rows before, NaN at first."""
    found = np.full_like(panel, np.nan)
    if rows < len(panel):
        found[rows:] = panel[: len(panel) - rows]
    return found


def neutral_where_missing(panel: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return the panel with each member that has no number given the mean of its date, which a z-score makes zero."""
    present = np.isfinite(panel) & members
    n = np.count_nonzero(present, axis=1)
    total = name_sum(zero_absent(panel, mask_of(present)))
    mean = np.full(len(panel), np.nan)
    np.divide(total, n, out=mean, where=n > 0)
    return np.where(members & ~present, mean[:, None], panel)
