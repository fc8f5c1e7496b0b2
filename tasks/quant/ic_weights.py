"""Weights by what each factor has foretold so far: the mean of its past information coefficients.

The information coefficient (IC) of a date and horizon h is known h sessions later and not before, so a date's weights
come from the ICs of scoring dates at least h sessions back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.quant.as_of import carried
from tasks.quant.evaluation.information_coefficient import rank_ic
from tasks.quant.windows import rolling_count, rolling_sum

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Weighting:
    """How ICs become weights: `horizon` in sessions, `window` and `min_dates` in scoring dates.

    `signed` lets a factor that foretold the opposite count against itself; else its weight is zero.
    """

    horizon: int
    window: int
    min_dates: int
    signed: bool = False


@dataclass(frozen=True)
class DatedWeights:
    """The weight of each of K factors on each of D dates, (D, K), and on which dates they come from ICs, (D,)."""

    values: np.ndarray
    from_ic: np.ndarray


def ic_weights(
    factors: Sequence[np.ndarray],
    prices: np.ndarray,
    rows: np.ndarray,
    given: Sequence[float],
    weighting: Weighting,
    *,
    min_names: int = 3,
) -> DatedWeights:
    """Return each date's weights: the mean rank IC of the newest `window` scoring dates whose horizon is over.

    `factors`: K panels (D, N) on `rows` of the prices (T, N, total-return levels). A name that stopped trading within
    the horizon counts with its last price by then. Where any factor has fewer than `min_dates` known ICs, or no weight
    is left, the `given` weights (K) stand in. Ranks are whole and half numbers, whose sums are exact: names listed
    later change no bit.
    """
    known = carried(prices, np.isfinite(prices))
    over = int(np.searchsorted(rows, len(prices) - weighting.horizon))
    with np.errstate(divide="ignore", invalid="ignore"):
        earned = known[rows[:over] + weighting.horizon] / known[rows[:over]] - 1.0
    ics = np.column_stack([rank_ic(factor[:over], earned, min_names) for factor in factors])
    means, counts = _trailing(ics, weighting.window)
    newest = np.searchsorted(rows, rows - weighting.horizon, side="right")  # 0: none is known yet
    weights = means[newest] if weighting.signed else np.maximum(means[newest], 0.0)
    from_ic = (counts[newest] >= weighting.min_dates).all(axis=1) & (weights != 0.0).any(axis=1)
    return DatedWeights(np.where(from_ic[:, None], weights, np.asarray(given, dtype=np.float64)), from_ic)


def _trailing(ics: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and count of the last `window` rows that are known, behind a first row of zeros for none."""
    present = np.isfinite(ics)
    sums, counts = rolling_sum(np.where(present, ics, 0.0), window), rolling_count(present, window)
    nothing = np.zeros((1, ics.shape[1]))
    return np.concatenate([nothing, sums / np.maximum(counts, 1.0)]), np.concatenate([nothing, counts])
