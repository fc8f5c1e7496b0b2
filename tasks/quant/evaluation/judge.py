"""Holds scores against the returns that followed them: one pass over the dates for every horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.cross_section import ascending_order, average_ranks, ranks_among
from tasks.quant.evaluation.information_coefficient import correlations, rank_ic
from tasks.quant.evaluation.quantiles import quantile_means, quantile_of_rank
from tasks.quant.pieces import row_blocks

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
    found = Judgement(
        np.zeros(shape, dtype=np.int64),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full((*shape, quantiles), np.nan),
    )
    for block in row_blocks(scores):
        held, at = scores[block], rows[block]
        order = ascending_order(held)
        for k, (a, b) in enumerate(windows):
            over = int(np.searchsorted(at, len(prices) - b))  # the block's dates whose window is over by the end
            earned = _earned(prices[at[:over] + a], prices[at[:over] + b])
            both = np.isfinite(held[:over]) & np.isfinite(earned)
            gained = np.where(both, earned, np.nan)
            ranks = ranks_among(held[:over], order[:over], both)
            n = np.count_nonzero(both, axis=1)
            bins = quantile_of_rank(ranks, n, quantiles)
            bins[n < min_names] = -1
            place = (k, slice(block.start, block.start + over))
            found.names[place] = n
            found.spearman[place] = correlations(ranks, average_ranks(gained), both, min_names)
            found.pearson[place] = correlations(held[:over], earned, both, min_names)
            found.returns[place] = quantile_means(bins, gained, quantiles)
    return found


def _earned(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(stop / start - 1.0)


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
    found[lag:] = rank_ic(scores[lag:], scores[:-lag], min_names=3)
    return found
