"""The information coefficient: how a score's order agrees with the order of the returns that followed."""

from __future__ import annotations

import numpy as np

from tasks.quant.cross_section import average_ranks
from tasks.quant.pieces import row_blocks
from tasks.quant.present import mask_of, zero_absent

NO_VARIATION = 1e-26  # of its square sum: what is left of a constant's, once its mean is taken off, is rounding


def rank_ic(scores: np.ndarray, returns: np.ndarray, min_names: int = 2) -> np.ndarray:
    """Return (T,) Spearman's correlation of each row of two (T, N) panels over the names known in both.

    Equal values share their mean rank. NaN where fewer than `min_names` are known in both, or one does not vary.
    """
    found = np.full(len(scores), np.nan)
    for rows in row_blocks(scores):
        both = np.isfinite(scores[rows]) & np.isfinite(returns[rows])
        x, y = (average_ranks(np.where(both, panel[rows], np.nan)) for panel in (scores, returns))
        found[rows] = correlations(x, y, both, min_names)
    return found


def pearson_ic(scores: np.ndarray, returns: np.ndarray, min_names: int = 2) -> np.ndarray:
    """Return (T,) Pearson's correlation of each row of two (T, N) panels over the names known in both."""
    found = np.full(len(scores), np.nan)
    for rows in row_blocks(scores):
        both = np.isfinite(scores[rows]) & np.isfinite(returns[rows])
        found[rows] = correlations(scores[rows], returns[rows], both, min_names)
    return found


def correlations(x: np.ndarray, y: np.ndarray, both: np.ndarray, min_names: int = 2) -> np.ndarray:
    """Return (R,) the correlation of each row of two (R, N) over the names that `both` marks; see `rank_ic` for NaN."""
    n, mask = np.count_nonzero(both, axis=1), mask_of(both)
    a, b = _centred(x, mask, n), _centred(y, mask, n)
    size = np.sqrt(np.einsum("ij,ij->i", a, a)) * np.sqrt(np.einsum("ij,ij->i", b, b))
    found = np.full(len(x), np.nan)
    np.divide(np.einsum("ij,ij->i", a, b), size, out=found, where=(size > 0.0) & (n >= max(2, min_names)))
    return np.asarray(np.clip(found, -1.0, 1.0))


def _centred(x: np.ndarray, mask: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return the rows less their means, zero where absent, and all zero where a row does not vary."""
    held = zero_absent(x, mask)
    square_sum = np.einsum("ij,ij->i", held, held)
    held -= (np.add.reduce(held, axis=1) / np.maximum(n, 1))[:, None]
    held = zero_absent(held, mask)
    held[np.einsum("ij,ij->i", held, held) <= NO_VARIATION * square_sum] = 0.0
    return held
