"""Quantiles of a score: who is in which, what each earned, how many names changed."""

from __future__ import annotations

import numpy as np

from tasks.quant.cross_section import average_ranks


def quantile_of_rank(ranks: np.ndarray, n: int | np.ndarray, quantiles: int) -> np.ndarray:
    """Return the quantiles, 0 the lowest, of ranks 1..n: `floor(quantiles * (rank - 0.5) / n)`; ties share one."""
    return np.asarray(np.floor(quantiles * (ranks - 0.5) / n))


def quantile_bins(scores: np.ndarray, quantiles: int) -> np.ndarray:
    """Return (T, N) int8 quantile of each score within its row, 0 the lowest, -1 where there is no score."""
    ranks = average_ranks(scores)
    n = np.count_nonzero(np.isfinite(scores), axis=1)
    bins = quantile_of_rank(ranks, np.maximum(n, 1)[:, None], quantiles)
    return np.where(np.isfinite(bins), bins, -1.0).astype(np.int8)


def quantile_means(bins: np.ndarray, returns: np.ndarray, quantiles: int) -> np.ndarray:
    """Return (quantiles,) the equal-weighted mean return of each bin of one cross-section; NaN for an empty bin.

    `bins` (n,) whole numbers from 0; `returns` (n,) without NaN.
    """
    counts = np.bincount(bins, minlength=quantiles)
    sums = np.bincount(bins, weights=returns, minlength=quantiles)
    means = np.full(quantiles, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


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
