"""Transforms of one cross-section per row: every row of a (T, N) panel is clipped, ranked or scaled by itself alone.

Panels hold finite numbers or NaN. NaN is no name: it stays NaN and counts nowhere. Sums run over the names one after
another (`name_sum`), so a name without a value leaves not one bit of the others changed. Panels in Fortran order are
the fastest.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from tasks.quant.name_sum import name_sum
from tasks.quant.present import make_absent_nan, mask_of, zero_absent

NO_SPREAD = 1e-12
MAD_TO_SIGMA = 1.482602218505602  # 1 / Phi^-1(3/4)


def winsorize_quantile(x: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Return (T, N) clipped at the row's own quantiles, linearly interpolated (numpy's default, type 7)."""
    low, high = np.full(len(x), np.nan), np.full(len(x), np.nan)
    for t, (row, n) in enumerate(zip(np.array(x, order="C"), np.count_nonzero(np.isfinite(x), axis=1), strict=True)):
        if n:
            low[t], high[t] = _two_quantiles(row, int(n), lower, upper)
    return _clipped(x, low, high)


def winsorize_mad(x: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Return (T, N) clipped at median + `lower` and + `upper` robust deviations (1.4826 x median absolute deviation).

    A row whose median absolute deviation is zero is left as it is: more than half of its names are equal, and
    clipping would make all of them so.
    """
    middle, deviation = np.full(len(x), np.nan), np.full(len(x), np.nan)
    for t, row in enumerate(np.ascontiguousarray(x)):
        names = row[np.isfinite(row)]
        if len(names):
            middle[t] = np.median(names)
            deviation[t] = MAD_TO_SIGMA * np.median(np.abs(names - middle[t]))
    deviation[deviation == 0.0] = np.inf
    return _clipped(x, middle + lower * deviation, middle + upper * deviation)


def winsorize_sigma(x: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Return (T, N) clipped at mean + `lower` and + `upper` standard deviations (ddof 1) of the row."""
    mask, n = _present(x)
    mean = _mean(x, mask, n)
    deviation = _deviation(x - mean[:, None], mask, n)
    return _clipped(x, mean + lower * deviation, mean + upper * deviation)


def zscore(
    x: np.ndarray, weights: np.ndarray | None = None, groups: np.ndarray | None = None, min_group: int = 1
) -> np.ndarray:
    """Return (T, N) `(x - mean) / std` of each row; a row without spread (std < 1e-12) becomes zeros.

    `weights` (T, N), where given, weigh the mean, and a weight of zero leaves a name out of the estimates; the
    standard deviation weighs all names alike, with ddof 1, around that mean. `groups` (T, N) of codes >= 0, where
    given, scale each name within its group (groups with fewer than `min_group` names within the whole row), and the
    row once more as a whole. A row with a single name is NaN: one name has no spread.
    """
    if groups is None:
        return _zscore_row(x, weights)
    whole = _zscore_row(x, weights)
    for group in np.unique(groups[groups >= 0]):
        inside = np.where(groups == group, x, np.nan)
        estimated = np.isfinite(inside) if weights is None else np.isfinite(inside) & (weights > 0.0)
        enough = np.count_nonzero(estimated, axis=1) >= max(2, min_group)
        scaled = _zscore_row(inside, weights)
        np.copyto(whole, scaled, where=(groups == group) & enough[:, None])
    return _zscore_row(whole, weights)


def _zscore_row(x: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    mask, n = _present(x)
    if weights is None:
        centred = x - _mean(x, mask, n)[:, None]
    else:
        mask, n = _present(np.where(weights > 0.0, x, np.nan))
        with np.errstate(invalid="ignore", divide="ignore"):
            centred = x - (_sum(x * weights, mask) / _sum(weights, mask))[:, None]
    deviation = _deviation(centred, mask, n)
    scale = np.where(deviation < NO_SPREAD, np.inf, deviation)
    return np.asarray(np.divide(centred, scale[:, None], out=centred))


def average_ranks(x: np.ndarray) -> np.ndarray:
    """Return (T, N) ranks 1..n within each row, equal values sharing the mean of their ranks."""
    return ranks_among(x, ascending_order(x), np.isfinite(x))


def ascending_order(x: np.ndarray) -> np.ndarray:
    """Return (T, N) the columns of each row in the order of their values, absent ones last."""
    return np.argsort(np.where(np.isfinite(x), x, np.inf), axis=1)  # numpy sorts NaN several times slower


def ranks_among(x: np.ndarray, order: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return (T, N) average ranks among the present values of rows whose order is known; NaN for all others."""
    ascending, kept = np.take_along_axis(x, order, axis=1), np.take_along_axis(present, order, axis=1)
    places = np.cumsum(kept, axis=1, dtype=np.float64)
    for t in np.flatnonzero(np.any(ascending[:, 1:] == ascending[:, :-1], axis=1)):
        places[t, kept[t]] = _shared_places(ascending[t, kept[t]])
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, places, axis=1)
    make_absent_nan(ranks, mask_of(present))
    return ranks


def _shared_places(ascending: np.ndarray) -> np.ndarray:
    """Return the average ranks of an ascending vector."""
    first = np.flatnonzero(np.diff(ascending, prepend=-np.inf))
    size = np.diff(first, append=len(ascending))
    return np.asarray(np.repeat(first + (size + 1.0) / 2.0, size))


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Return the ranks 1..n of one vector, equal values sharing the mean of their ranks."""
    return np.asarray(average_ranks(values[None, :])[0])


def percentile_rank(x: np.ndarray) -> np.ndarray:
    """Return (T, N) `(rank - 0.5) / n` within each row, between 0 and 1."""
    n = np.count_nonzero(np.isfinite(x), axis=1)
    return np.asarray((average_ranks(x) - 0.5) / np.maximum(n, 1)[:, None])


def rank_normal(x: np.ndarray) -> np.ndarray:
    """Return (T, N) normal scores: `Phi^-1((rank - 0.5) / n)`, scaled to mean 0 and deviation 1 (van der Waerden)."""
    share = percentile_rank(x)
    distinct, place = np.unique(share, return_inverse=True)
    known = np.isfinite(distinct)
    scores = np.full(len(distinct), np.nan)
    inverse = NormalDist().inv_cdf
    scores[known] = [inverse(p) for p in distinct[known].tolist()]
    return zscore(scores[place].reshape(x.shape))


def without_small_rows(x: np.ndarray, min_names: int) -> np.ndarray:
    """Return (T, N) with every row that holds fewer than `min_names` names made NaN."""
    small = np.count_nonzero(np.isfinite(x), axis=1) < min_names
    if not small.any():
        return x
    kept = x.copy(order="K")
    kept[small] = np.nan
    return kept


def _two_quantiles(row: np.ndarray, n: int, lower: float, upper: float) -> tuple[float, float]:
    """Return two type-7 quantiles of a row's n numbers by partial selection, in place; NaN sorts behind them."""
    places = [lower * (n - 1), upper * (n - 1)]
    floors = [int(place) for place in places]
    row.partition(sorted({min(k, n - 1) for floor in floors for k in (floor, floor + 1)}))
    low, high = (
        _between(float(row[floor]), float(row[min(floor + 1, n - 1)]), place - floor)
        for floor, place in zip(floors, places, strict=True)
    )
    return low, high


def _between(a: float, b: float, share: float) -> float:
    return a + (b - a) * share if share < 0.5 else b - (b - a) * (1.0 - share)


def _clipped(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    kept: np.ndarray = np.maximum(x, low[:, None])
    np.minimum(kept, high[:, None], out=kept)
    return kept


def _present(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask of what is there and each row's count."""
    present = np.isfinite(x)
    return mask_of(present), np.count_nonzero(present, axis=1).astype(np.float64)


def _sum(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return name_sum(zero_absent(x, mask))


def _mean(x: np.ndarray, mask: np.ndarray, n: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(_sum(x, mask) / n)


def _deviation(centred: np.ndarray, mask: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return each row's standard deviation with ddof 1; NaN for a single name."""
    squares = zero_absent(centred, mask)
    np.multiply(squares, squares, out=squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(name_sum(squares) / (n - 1.0)))
