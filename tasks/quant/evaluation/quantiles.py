"""Quantiles of a score: who is in which, what each earned, how many names changed."""

from __future__ import annotations

import numpy as np

from tasks.quant.cross_section import average_ranks
from tasks.quant.pieces import row_blocks


def quantile_of_rank(ranks: np.ndarray, n: np.ndarray, quantiles: int) -> np.ndarray:
    """Return (T, N) int64 quantiles, 0 the lowest, of ranks 1..n: `floor(quantiles * (rank - 0.5) / n)`.

    `ranks` (T, N), NaN for none, which becomes -1; `n` (T,) names in each row. Equal scores share a quantile.
    """
    share = (ranks - 0.5) * (quantiles / np.maximum(n, 1))[:, None]
    return np.where(np.isfinite(ranks), np.floor(share), -1.0).astype(np.int64)


def quantile_bins(scores: np.ndarray, quantiles: int) -> np.ndarray:
    """Return (T, N) the quantile of each score within its row, 0 the lowest, -1 where there is no score."""
    bins = np.empty(scores.shape, dtype=np.int8)
    for rows in row_blocks(scores):
        n = np.count_nonzero(np.isfinite(scores[rows]), axis=1)
        bins[rows] = quantile_of_rank(average_ranks(scores[rows]), n, quantiles)
    return bins


def quantile_means(bins: np.ndarray, returns: np.ndarray, quantiles: int) -> np.ndarray:
    """Return (T, quantiles) the equal-weighted mean return of each row's bins; NaN for an empty bin.

    `bins` (T, N) whole numbers from 0, below 0 for no bin; `returns` (T, N), without NaN where there is a bin.
    """
    row, column = np.nonzero(bins >= 0)
    cell = row * quantiles + bins[row, column]
    size = len(bins) * quantiles
    counts = np.bincount(cell, minlength=size)
    sums = np.bincount(cell, weights=returns[row, column], minlength=size)
    means = np.full(size, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means.reshape(len(bins), quantiles)


def quantile_turnover(bins: np.ndarray, quantile: int, lag: int = 1) -> np.ndarray:
    """Return (T,) the share of a quantile's names that were not in it `lag` rows before; NaN where either is empty."""
    inside = bins == quantile
    size = np.count_nonzero(inside, axis=1)
    new = np.full(len(bins), np.nan)
    entered = np.count_nonzero(inside[lag:] & ~inside[:-lag], axis=1)
    known = (size[lag:] > 0) & (size[:-lag] > 0)
    np.divide(entered, size[lag:], out=new[lag:], where=known)
    return new


def factor_weights(scores: np.ndarray, groups: np.ndarray | None = None, *, demean: bool = True) -> np.ndarray:
    """Return (N,) the weights of the portfolio that a cross-section spells: scores less their mean, over gross.

    With `groups` (N,) the mean is each group's own and every group gets the same gross. NaN stay NaN; the absolute
    weights sum to 1, or all are NaN where the scores do not differ.
    """
    if groups is None:
        centred = scores - np.nanmean(scores) if demean else scores
        gross = np.nansum(np.abs(centred))
        return np.asarray(centred / (gross if gross > 0.0 else np.nan))
    weights = np.full(scores.shape, np.nan)
    for group in np.unique(groups):
        weights[groups == group] = factor_weights(scores[groups == group], demean=demean)
    return np.asarray(weights / np.nansum(np.abs(weights)))
