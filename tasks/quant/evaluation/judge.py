"""Holds scores against the returns that followed them: one pass over the dates for every horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.cross_section import ranks_in_order, ranks_of
from tasks.quant.evaluation.information_coefficient import correlation
from tasks.quant.evaluation.quantiles import quantile_means, quantile_of_rank

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Judgement:
    """What each scoring date and window showed: names compared, both correlations, mean return by quantile.

    Shapes: K windows, D dates, Q quantiles. `names` (K, D) int; `spearman` and `pearson` (K, D); `returns` (K, D, Q).
    NaN where the window is not over yet or too few names were left.
    """

    names: np.ndarray
    spearman: np.ndarray
    pearson: np.ndarray
    returns: np.ndarray


def judge(
    scores: np.ndarray,
    prices: np.ndarray,
    rows: np.ndarray,
    windows: Sequence[tuple[int, int]],
    *,
    quantiles: int,
    min_names: int = 3,
) -> Judgement:
    """Compare scores (D, N), known at the close of `rows` of the prices, with simple returns in the windows after.

    `prices`: (T, N) total-return levels. A window `(a, b)` is the return from the close of row + a to that of row + b.
    A name without a price at either end is left out of that date and window.
    """
    shape = (len(windows), len(rows))
    names = np.zeros(shape, dtype=np.int64)
    spearman, pearson = np.full(shape, np.nan), np.full(shape, np.nan)
    returns = np.full((*shape, quantiles), np.nan)
    for d, row in enumerate(rows.tolist()):
        scored = np.flatnonzero(np.isfinite(scores[d]))
        values = scores[d, scored]
        order = np.argsort(values)
        for k, (a, b) in enumerate(windows):
            if row + b >= len(prices):
                continue
            earned = _earned(prices[row + a, scored], prices[row + b, scored])
            known = np.isfinite(earned)
            names[k, d] = np.count_nonzero(known)
            if names[k, d] < min_names:
                continue
            found = _compared(values[known], _ranks_of_known(values, order, known), earned[known], quantiles)
            spearman[k, d], pearson[k, d], returns[k, d] = found
    return Judgement(names, spearman, pearson, returns)


def _ranks_of_known(values: np.ndarray, order: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the ranks of the known values among themselves, from the one sorting of all of them."""
    kept = order[known[order]]
    place = np.cumsum(known) - 1
    return ranks_in_order(values[kept], place[kept])


def _compared(
    values: np.ndarray, ranks: np.ndarray, earned: np.ndarray, quantiles: int
) -> tuple[float, float, np.ndarray]:
    """Return both correlations and the quantiles' mean returns of one cross-section."""
    bins = quantile_of_rank(ranks, len(ranks), quantiles).astype(np.int64)
    spearman = correlation(ranks, ranks_of(earned))
    return spearman, correlation(values, earned), quantile_means(bins, earned, quantiles)


def _earned(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        earned = stop / start - 1.0
    earned[~np.isfinite(earned)] = np.nan
    return np.asarray(earned)


def held_after_the_last_price(prices: np.ndarray) -> np.ndarray:
    """Return (T, N) prices with each name's last one carried on to the end of the panel.

    A name that stops trading within a window earned what it earned until then; leaving it out would judge a score by
    the survivors only. Gaps inside a name's history stay gaps.
    """
    present = np.isfinite(prices)
    last = len(prices) - 1 - np.argmax(present[::-1], axis=0)
    ended = np.flatnonzero(present.any(axis=0) & (last < len(prices) - 1))
    if len(ended) == 0:
        return prices
    held = prices.copy()
    for column in ended:
        held[last[column] :, column] = prices[last[column], column]
    return held


def rank_autocorrelation(scores: np.ndarray, lag: int = 1) -> np.ndarray:
    """Return (D,) Spearman's correlation of each row with the one `lag` before, over the names in both."""
    found = np.full(len(scores), np.nan)
    for d in range(lag, len(scores)):
        now, then = scores[d], scores[d - lag]
        both = np.isfinite(now) & np.isfinite(then)
        if np.count_nonzero(both) > 2:
            found[d] = correlation(ranks_of(now[both]), ranks_of(then[both]))
    return found
